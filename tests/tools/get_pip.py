# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for get-pip.py, with which ansible-test puts pip into its empty virtual environments, for machines that reach no package site but PyPI."""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    packages = [argument for argument in sys.argv[1:] if argument not in {"--no-setuptools", "--no-wheel"}]
    # The pip that comes with Python installs the one that is wanted straight from its wheel. Some distributions keep that elsewhere.
    wheels = [str(wheel) for wheel in Path(ensurepip.__file__).with_name("_bundled").glob("pip-*.whl")]
    if not wheels:
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(wheels)}
    subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=True, env=environment)
