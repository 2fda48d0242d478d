# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes credential files for tests, in the formats of the tools that use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The names of the fields for the access key, the secret key and the security token: in a profile of KooCLI, and in the SDKs' file.
PROFILE = ("accessKeyId", "secretAccessKey", "securityToken")
INI = ("ak", "sk", "security_token")


def write_profiles(home: Path, *profiles: Mapping[str, Any], file: str = ".hcloud/config.json", **content: Any) -> str:
    """Write a shared configuration file with these profiles, and return its path."""
    path = home / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"profiles": list(profiles), **content}), encoding="utf-8")
    return str(path)


def write_ini(home: Path, values: Mapping[str, str], section: str = "basic", file: str = ".huaweicloud/credentials") -> str:
    """Write a credentials file with one section, and return its path."""
    path = home / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join([f"[{section}]\n", *(f"{name} = {value}\n" for name, value in values.items())]), encoding="utf-8")
    return str(path)
