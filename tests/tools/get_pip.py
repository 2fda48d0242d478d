# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for get-pip.py, which ansible-test uses to install pip in its virtual environments, for machines that can reach no package site but PyPI."""

from __future__ import annotations

import ensurepip
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument not in {"--no-setuptools", "--no-wheel"}]
    packages = [argument for argument in arguments if not argument.startswith("-")]
    # ansible-test creates many environments with the same Python and the same pip: installing pip takes seconds, copying it does not.
    installed = Path(__file__).with_name("-".join(["installed", sys.implementation.cache_tag, *packages]))
    if not installed.exists():
        # The pip that comes with Python runs directly from its wheel and installs the requested one. Some distributions keep the wheel elsewhere.
        wheels = [str(wheel) for wheel in Path(ensurepip.__file__).with_name("_bundled").glob("pip-*.whl")]
        if not wheels:
            subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(wheels)}
        unfinished = tempfile.mkdtemp(dir=installed.parent)
        subprocess.run([sys.executable, "-m", "pip", "install", *arguments, "--target", unfinished], check=True, env=environment)
        Path(unfinished).rename(installed)
    shutil.copytree(installed, sysconfig.get_path("purelib"), dirs_exist_ok=True)
