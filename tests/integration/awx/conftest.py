# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as users install it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import kit
import pytest
from playbook import ansible_environment


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections: ours, built and installed from the tarball."""
    folder = tmp_path_factory.mktemp("installed")
    environment = ansible_environment(folder, {"ANSIBLE_COLLECTIONS_PATH": str(folder)})
    subprocess.run(["ansible-galaxy", "collection", "build", str(kit.ROOT), "--output-path", str(folder)], env=environment, check=True, stdout=subprocess.PIPE)
    [tarball] = folder.glob("huaweicloud-dcs-*.tar.gz")
    subprocess.run(["ansible-galaxy", "collection", "install", "--offline", str(tarball)], env=environment, check=True, stdout=subprocess.PIPE)
    return folder
