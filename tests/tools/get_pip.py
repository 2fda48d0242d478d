# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for get-pip.py, with which ansible-test puts pip into its empty virtual environments, for machines that reach no package site but PyPI."""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    packages = [argument for argument in sys.argv[1:] if argument not in {"--no-setuptools", "--no-wheel"}]
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "pip", "install", *packages], check=True)
