# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for Python versions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from surroundings import bare_environment

PYTHONS = Path(__file__).resolve().parents[3] / "tests" / "tools" / "pythons.sh"


def test_an_active_environment_leads_to_the_python_that_it_was_made_with(tmp_path: Path) -> None:
    """A Python of pyenv or uv may not be in PATH, but only the environment."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    found = tmp_path / "found"
    bare = bare_environment(tmp_path)
    search = {**bare, "PATH": f"{environment / 'bin'}{os.pathsep}{os.defpath}"}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (environment / "bin" / version).unlink(missing_ok=True)
    (environment / "bin" / version).symlink_to(sys.executable)
    subprocess.run(["bash", str(PYTHONS), str(found)], env=search, check=True)
    code = "import os, sys; print(sys.prefix == sys.base_prefix and os.path.samefile(sys.prefix, sys.argv[1]))"
    run = subprocess.run([str(found / version), "-c", code, sys.base_prefix], env=bare, capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"
