# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet on an API that throttles ends without a failure. How fast, `pacing` measures."""

from __future__ import annotations

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from simulator.client import Simulator

from .pacing import CONCURRENCIES, VARIANTS, cancel_fleet

FIRST_DELAY, LONGEST_RETRY_AFTER, throttled = _pace.FIRST_DELAY, _http.LONGEST_RETRY_AFTER, _pace.Rate.throttled


@pytest.fixture(autouse=True)
def _real_pace(_quick_retries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "FIRST_DELAY", FIRST_DELAY)
    monkeypatch.setattr(_http, "LONGEST_RETRY_AFTER", LONGEST_RETRY_AFTER)
    monkeypatch.setattr(_pace.Rate, "throttled", throttled)


def check(cloud: Simulator, size: int, rate: float, variant: str, retry_after: bool, concurrency: int) -> None:
    """Fail if a resize fails, or if requests are wasted."""
    pace = cancel_fleet(cloud, size, rate=rate, variant=variant, retry_after=retry_after, concurrency=concurrency)
    assert [result.outcome for result in pace.seen.results] == ["cancelled"] * size
    assert len(set(pace.seen.cancels)) == len(pace.seen.cancels) == size
    assert all(pace.seen.requests(result.instance_id)[1:] == (0, 0) for result in pace.seen.results)
    assert 0 < pace.rejected <= size


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
@pytest.mark.parametrize("retry_after", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_throttled_fleet(cloud: Simulator, variant: str, retry_after: bool, concurrency: int) -> None:
    # One request at a time is throttled on a busy machine, too, if little is let in.
    size, rate = (150, 50) if concurrency == 1 else (400, 200)
    check(cloud, size, rate, variant, retry_after, concurrency)


def test_throttled_fleet_at_fifty_a_second(cloud: Simulator) -> None:
    check(cloud, 400, 50, "fixed_window", False, 64)
