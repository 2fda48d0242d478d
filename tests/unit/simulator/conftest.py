# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pending resize, and a caller that signs with the official SDK."""

from __future__ import annotations

import pytest
from official_caller import INSTANCE, TASK, Caller
from simulator.client import Simulator


@pytest.fixture
def caller(cloud: Simulator) -> Caller:
    """A caller with the first account of the cloud."""
    return Caller(cloud)


@pytest.fixture
def waiting(cloud: Simulator) -> Simulator:
    """A simulated cloud with a pending resize on INSTANCE, as TASK."""
    cloud.schedule(INSTANCE, task_id=TASK)
    return cloud
