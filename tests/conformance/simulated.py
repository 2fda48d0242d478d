# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated cloud in which every point can be observed."""

from __future__ import annotations

import datetime
from typing import Any

from simulator.client import Simulator

from .run import CONSENT, INSTANCE_ID, NEW_CAPACITY, NEW_SPEC_CODE, Tempo

INSTANCE = "5560df16-cebf-4473-95c4-d1b573c16e79"
OTHER_INSTANCE = "11111111-cebf-4473-95c4-d1b573c16e79"
#: The simulated cloud answers at once; half a second is still enough for what it is told to delay.
TEMPO = Tempo(interval=0.05, patience=5, clean_up=10)


def furnish(simulator: Simulator, throttled: dict[str, Any] | None = None) -> dict[str, str]:
    """Make an instance with a past, and another one, and have the last cancel throttled; the environment for a run on it.

    :param throttled: the fault with which it is throttled
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (f"{now + datetime.timedelta(hours=hours):%H}:00:00" for hours in (8, 12))
    simulator.add_instance(INSTANCE, name="spare", spec_code="redis.ha.xu1.large.r2.2", maintain_begin=begin, maintain_end=end)
    simulator.add_tasks(INSTANCE, 11, name="BindEip", status="SUCCESS", created_at="2026-01-01T00:00:00Z")
    simulator.add_tasks(INSTANCE, name="EXTEND", status="SUCCESS", created_at="2026-01-02T00:00:00Z")
    simulator.add_instance(OTHER_INSTANCE)
    simulator.add_tasks(OTHER_INSTANCE, name="BindEip", status="SUCCESS")
    simulator.fault({"fault": "normal", "times": 4}, throttled or {"fault": "throttled"}, kind="cancel")
    return {**simulator.environment(), INSTANCE_ID: INSTANCE, NEW_SPEC_CODE: "redis.ha.xu1.large.r2.4", NEW_CAPACITY: "4", CONSENT: "yes"}
