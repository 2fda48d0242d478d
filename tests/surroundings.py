# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of programs that tests start as a user without any settings."""

from __future__ import annotations

import os
from pathlib import Path


def bare_environment(home: Path) -> dict[str, str]:
    """PATH, this home directory, and the folder for compiled modules, which is not in the checkout."""
    return {"HOME": str(home), **{name: os.environ[name] for name in ("PATH", "PYTHONPYCACHEPREFIX") if name in os.environ}}


def is_foreign(variable: str) -> bool:
    """Whether an environment variable would affect programs: a proxy, trusted certificates, passwords, settings of Huawei Cloud or Ansible."""
    others = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC")
    return variable.startswith(("HW_", "HUAWEICLOUD_", "ANSIBLE_")) or variable.upper().endswith("_PROXY") or variable in others
