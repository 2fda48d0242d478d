# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many instances on an API that throttles. `pacing` measures how fast they are processed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from simulator.client import Simulator

from .pacing import CONCURRENCIES, cancel_fleet

BACKOFF_BASE, MAX_RETRY_AFTER, throttled = _pace.BACKOFF_BASE, _http.MAX_RETRY_AFTER, _pace.Rate.throttled


@pytest.fixture(autouse=True)
def _real_pace(_quick_retries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", BACKOFF_BASE)
    monkeypatch.setattr(_http, "MAX_RETRY_AFTER", MAX_RETRY_AFTER)
    monkeypatch.setattr(_pace.Rate, "throttled", throttled)


#: Bursts also throttle a client that is slower than the limit, because it sends one request at a time or runs on a busy machine.
BURSTS = {"variant": "bursts", "rate": 25, "per_seconds": 0.5}
THROTTLES = [(100, BURSTS, concurrency) for concurrency in CONCURRENCIES]
THROTTLES += [(300, {"variant": variant, "rate": 150}, concurrency) for variant in ("token_bucket", "fixed_window") for concurrency in (8, 64)]


@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize(("size", "throttle", "concurrency"), THROTTLES)
def test_many_instances(cloud: Simulator, size: int, throttle: dict[str, Any], concurrency: int, retry_after: bool) -> None:
    """None fails, and few requests are wasted."""
    pace = cancel_fleet(cloud, size, throttle=throttle, retry_after=retry_after, concurrency=concurrency)
    assert [result.outcome for result in pace.seen.results] == ["cancelled"] * size
    assert len(set(pace.seen.cancels)) == len(pace.seen.cancels) == size
    assert all(pace.seen.requests(result.instance_id)[1:] == (0, 0) for result in pace.seen.results)
    # A client that never slows down wastes more than two requests per resize; on a busy machine, some more requests are late.
    assert (throttle is BURSTS) <= pace.rejected <= 2 * size
