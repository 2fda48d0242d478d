# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes package installers use the index, proxy and certificates that the user has set for pip, because uv does not read pip's settings."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

#: The environment variables of pip and uv that correspond to a setting of pip.
VARIABLES = {
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    "cert": ("PIP_CERT", "SSL_CERT_FILE"),
    "proxy": ("PIP_PROXY", "HTTP_PROXY", "HTTPS_PROXY"),
}


def variables_for(listing: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables to add for the output of `pip config list`. Variables that are already set take precedence."""
    values = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    found: dict[str, str] = {}
    for setting, names in VARIABLES.items():
        # A later section takes precedence over an earlier one.
        set_in = [values[key] for key in (f"global.{setting}", f"install.{setting}", f":env:.{setting}") if key in values]
        if set_in:
            # Several values of one setting are separated by spaces or lines.
            found.update(dict.fromkeys(names, " ".join(ast.literal_eval(set_in[-1]).split())))
    return {name: value for name, value in found.items() if name not in environment}


def use_pip_settings(home: Path) -> None:
    """Set environment variables so that uv, and pip in any environment and home directory, use the pip settings of the user with this home directory."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=True).stdout
    os.environ.update(variables_for(listing, os.environ))
    if (home / ".netrc").exists():
        os.environ.setdefault("NETRC", str(home / ".netrc"))
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")
