# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition is true; fail if it is not within a minute, which is long even on a busy machine."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)
