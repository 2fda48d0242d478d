# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read by each Python that is started with this folder in PYTHONPATH: a module's process says at its end how much memory it had resident at most.

It appends a line with the figure (KiB) to the file that PEAK_FILE names. Linux alone tells it of the process itself: `ru_maxrss` is inherited from Ansible's.
"""

from __future__ import annotations

import atexit
import os


def _tell() -> None:
    with open("/proc/self/status", encoding="ascii") as status, open(os.environ["PEAK_FILE"], "a", encoding="ascii") as file:
        [peak] = [line.split()[1] for line in status if line.startswith("VmHWM:")]
        file.write(f"{peak}\n")


def _runs_a_module() -> bool:
    """Whether this is no process of the controller: Ansible runs each module from a file of this name."""
    with open("/proc/self/cmdline", "rb") as command:
        return b"AnsiballZ_" in command.read()


if "PEAK_FILE" in os.environ and _runs_a_module():
    atexit.register(_tell)
