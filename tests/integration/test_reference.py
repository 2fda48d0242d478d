# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module documentation as `ansible-doc` shows it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playbook import ansible_environment


@pytest.mark.parametrize(("kind", "name"), [("role", "resize_cancel"), ("module", "dcs_resize_cancel"), ("module", "dcs_resize_info")])
def test_ansible_doc_shows_it_and_finds_nothing_deprecated(tmp_path: Path, kind: str, name: str) -> None:
    command = ["ansible-doc", "-t", kind, f"huaweicloud.dcs.{name}"]
    environment = ansible_environment(tmp_path, {"COLUMNS": "200"})
    shown = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
    assert f"huaweicloud.dcs.{name}" in shown.lower()
    assert "DEPRECATION WARNING" not in shown
