# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API is as assumed."""

from __future__ import annotations

import pytest

from .points import POINTS, Point
from .run import NotObserved, Outcome


def test_the_run_reached_its_end(outcome: Outcome) -> None:
    assert outcome.failure is None, outcome.failure


def test_nothing_is_left_waiting(outcome: Outcome) -> None:
    assert outcome.leftover is None, outcome.leftover


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_as_assumed(outcome: Outcome, on_cloud: bool, point: Point) -> None:
    assert point.name in outcome.observed, f"{point.question}: not reached"
    observed = outcome.observed[point.name]
    if on_cloud and isinstance(observed, NotObserved):
        # What an instance has no past for, or what must not be provoked, can't be seen on it; on the simulator everything can.
        pytest.skip(f"{point.question} {observed}")
    assert point.verdict(observed) == "yes", point.sentence(observed)
