# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imported by each Python that is started with this folder in PYTHONPATH: the process of a module records its peak resident memory when it ends.

It appends a line with the figure (KiB) to the file in PEAK_FILE. Only on Linux, where it can be read for the process itself: `ru_maxrss` is inherited.
"""

from __future__ import annotations

import atexit
import os


def _tell() -> None:
    with open("/proc/self/status", encoding="ascii") as status, open(os.environ["PEAK_FILE"], "a", encoding="ascii") as file:
        [peak] = [line.split()[1] for line in status if line.startswith("VmHWM:")]
        file.write(f"{peak}\n")


def _runs_a_module() -> bool:
    """Whether this is the process of a module, not of the controller: Ansible runs each module from a file with this name."""
    with open("/proc/self/cmdline", "rb") as command:
        return b"AnsiballZ_" in command.read()


if "PEAK_FILE" in os.environ and _runs_a_module():
    atexit.register(_tell)
