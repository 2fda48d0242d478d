# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""uv also uses a mirror, a proxy or a private CA that is set for pip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from surroundings import bare_environment
from tools.pip_settings import variables_for

CONFIGURED = """\
:env:.disable-pip-version-check='1'
global.cert='/etc/pki/company.pem'
global.index-url='https://user:p=w@mirror.example.com/simple'
global.timeout='60'
global.trusted-host='\\none.example.com\\ntwo.example.com'
install.index-url='https://mirror.example.com/install/simple'
"""


def test_settings_of_pip() -> None:
    assert variables_for(CONFIGURED, {}) == {
        "PIP_INDEX_URL": "https://mirror.example.com/install/simple",
        "UV_DEFAULT_INDEX": "https://mirror.example.com/install/simple",
        "PIP_CERT": "/etc/pki/company.pem",
        "SSL_CERT_FILE": "/etc/pki/company.pem",
        "PIP_TRUSTED_HOST": "one.example.com two.example.com",
        "UV_INSECURE_HOST": "one.example.com two.example.com",
    }


def test_a_password_in_the_index() -> None:
    index = "https://user:p=w@mirror.example.com/simple"
    assert variables_for(f"global.index-url='{index}'", {})["UV_DEFAULT_INDEX"] == index


def test_the_environment_takes_precedence() -> None:
    listing = CONFIGURED + ":env:.index-url='https://environment.example.com'\n"
    found = variables_for(listing, {"PIP_INDEX_URL": "https://environment.example.com", "SSL_CERT_FILE": "/mine.pem"})
    assert found["UV_DEFAULT_INDEX"] == "https://environment.example.com"
    assert "PIP_INDEX_URL" not in found
    assert "SSL_CERT_FILE" not in found
    assert variables_for(CONFIGURED, {"UV_DEFAULT_INDEX": "https://uv.example.com"})["PIP_INDEX_URL"] == "https://mirror.example.com/install/simple"


def test_nothing_is_set() -> None:
    assert variables_for("", {}) == {}


@pytest.mark.parametrize("file", [".pip/pip.conf", ".config/pip/pip.conf"])
def test_the_file_of_the_user(tmp_path: Path, file: str) -> None:
    """Also at its old path, although the sessions run with another home directory."""
    configuration = tmp_path / file
    configuration.parent.mkdir(parents=True)
    configuration.write_text("[global]\nindex-url = https://mirror.example.com/simple\n", encoding="utf-8")
    code = "import os, pathlib, sys, tools.pip_settings as s; s.use_pip_settings(pathlib.Path(sys.argv[1])); print(os.environ['UV_DEFAULT_INDEX'])"
    environment = {**bare_environment(Path("/nonexistent")), "PYTHONPATH": "tests", "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    command = [sys.executable, "-c", code, str(tmp_path)]
    printed = subprocess.run(command, cwd=Path(__file__).parents[3], env=environment, capture_output=True, text=True, check=True).stdout
    assert printed == "https://mirror.example.com/simple\n"
