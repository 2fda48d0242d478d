# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says at the end of a module's process how much memory it had resident at most, in the file that PEAK_FILE names (KiB)."""

from __future__ import annotations

import atexit
import os
import resource
import sys


def _write() -> None:
    with open(os.environ["PEAK_FILE"], "w", encoding="ascii") as stream:
        stream.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


# Ansible runs each module from a file of this name; the controller's own processes don't count.
if "PEAK_FILE" in os.environ and any("AnsiballZ_" in argument for argument in sys.orig_argv):
    atexit.register(_write)
