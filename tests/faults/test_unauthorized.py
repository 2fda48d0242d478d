# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that are rejected, from the start or midway: an access key is locked after more than five failures in a row."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import list_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import Transport
from simulator.client import Simulator
from waiting import wait_until

from .trial import connect, run

CONCURRENCIES = (1, 2, 5, 6, 8, 16, 64)


def fleet(cloud: Simulator, size: int, *, found: bool = False) -> list[Request]:
    """Schedule this number of resizes, and return the requests to cancel them."""
    return [Request(resize["instance_id"], None if found else resize["task_id"]) for resize in cloud.schedule_many(size)]


def refusals(cloud: Simulator) -> int:
    """The number of requests that got a 401."""
    return sum(request["status"] == 401 for request in cloud.requests())


def expire(cloud: Simulator) -> None:
    """Make the simulated API reject the keys from now on."""
    cloud.change_account(cloud.environment()["HW_ACCESS_KEY"], expired=True)


@pytest.mark.parametrize("found", [False, True], ids=["named", "found"])
@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def test_one_failure_from_the_start(cloud: Simulator, concurrency: int, found: bool) -> None:
    requests = fleet(cloud, 70, found=found)
    expire(cloud)
    seen = run(cloud, *requests, concurrency=concurrency)
    assert refusals(cloud) == 1
    assert not cloud.state()["locks"]
    outcomes = [result.outcome for result in seen.results]
    assert sorted(outcomes) == ["failed"] + ["not_attempted"] * 69
    assert {result.error.code for result in seen.results if result.error and result.outcome == "not_attempted"} == {"Stopped"}
    assert not any(result.changed for result in seen.results)


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def test_one_failure_from_the_start_when_listing(cloud: Simulator, concurrency: int) -> None:
    ids = [request.instance_id for request in fleet(cloud, 70)]
    expire(cloud)
    listing = list_resizes(connect(cloud, concurrency=concurrency), instance_ids=ids)
    assert refusals(cloud) == 1
    assert not cloud.state()["locks"]
    assert [instance_id for instance_id, _error in listing.errors] == ids
    assert sorted(str(error.code) for _instance_id, error in listing.errors) == ["APIGW.0301"] + ["Stopped"] * 69


@pytest.mark.parametrize("trouble", ["throttled", "unavailable", "reset"])
@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_what_is_not_let_in_opens_no_door(cloud: Simulator, trouble: str, concurrency: int) -> None:
    """After responses that do not show whether the keys are accepted, requests are still sent one at a time."""
    requests = fleet(cloud, 70)
    cloud.fault({"fault": trouble, "times": 3}, "unauthorized", always=True)
    seen = run(cloud, *requests, concurrency=concurrency, max_retries=5)
    assert refusals(cloud) == 1
    assert cloud.state()["most_in_flight"] == 1
    assert not seen.cancels


@pytest.mark.parametrize("concurrency", CONCURRENCIES)
def test_keys_that_expire_half_way(cloud: Simulator, concurrency: int) -> None:
    """Only requests already in flight can fail. The rest is not sent, and what was cancelled is still reported."""
    requests = fleet(cloud, 120)
    cloud.configure(latency_ms=5)
    cloud.fault({"fault": "normal", "times": 40}, "unauthorized", always=True)
    seen = run(cloud, *requests, concurrency=concurrency)
    by_outcome = {outcome: [result for result in seen.results if result.outcome == outcome] for outcome in ("cancelled", "failed", "not_attempted")}
    assert sum(map(len, by_outcome.values())) == 120
    assert sorted(str(result.task_id) for result in by_outcome["cancelled"]) == sorted(seen.cancels)
    assert len(by_outcome["cancelled"]) == 40
    assert 1 <= len(by_outcome["failed"]) == refusals(cloud) <= concurrency
    assert all(result.error and result.error.http_status == 401 for result in by_outcome["failed"])
    assert all(seen.requests(result.instance_id) == (0, 0, 0) for result in by_outcome["not_attempted"])


def test_retries_end(cloud: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits for a retry is given up at once: failed if the cancel may have taken effect, otherwise not attempted."""
    accepted, lost, throttled, refused = fleet(cloud, 4)
    cloud.fault({"fault": "unavailable", "effect": "done"}, kind="cancel", instance_id=lost.instance_id, always=True)
    cloud.fault("forbidden", kind="tasks", instance_id=lost.instance_id, always=True)
    cloud.fault("throttled", kind="cancel", instance_id=throttled.instance_id, always=True)
    cloud.fault("reset", "unauthorized", kind="cancel", instance_id=refused.instance_id)
    send = Transport.send

    def send_in_order(transport: Transport, request: Any, timeout: float) -> Any:
        if f"{refused.instance_id}/tasks" in request.url:
            wait_until(lambda: cloud.requests("cancel", lost.instance_id))
        return send(transport, request, timeout)

    monkeypatch.setattr(Transport, "send", send_in_order)
    dcs = connect(cloud, concurrency=3, max_retries=1000)
    # Whichever of the others is the first to be sent, it must not have the line to itself.
    assert [result.outcome for result in cancel_resizes(lambda: dcs, [accepted], Plan())] == ["cancelled"]
    results = cancel_resizes(lambda: dcs, [lost, throttled, refused], Plan())
    assert [result.outcome for result in results] == ["failed", "not_attempted", "failed"]
    assert "may have taken effect" in str(results[0].error)
    assert [cancel["task_id"] for cancel in cloud.effective_cancels()] == [accepted.task_id, lost.task_id]
    assert refusals(cloud) == 1


def test_look_ups_end(cloud: Simulator) -> None:
    """A resize whose response was "not extending" is absent, because the task list can no longer be read."""
    late, other = fleet(cloud, 2)
    cloud.start(late.instance_id)
    cloud.fault("unauthorized", kind="tasks", instance_id=late.instance_id)
    seen = run(cloud, other, late)
    assert [result.outcome for result in seen.results] == ["cancelled", "absent"]
    assert seen.results[1].warnings
    # Once the keys are accepted again, it can be read.
    seen = run(cloud, late, plan=Plan(on_too_late="fail"))
    assert seen.results[0].outcome == "executing"


@pytest.mark.parametrize("concurrency", [1, 8])
def test_waits_end(cloud: Simulator, concurrency: int) -> None:
    """The outcome of a cancelled resize stays `cancelled`, with `changed: true`."""
    requests = fleet(cloud, 8)
    cloud.configure(extending_after_cancel_reads=1000)
    cloud.fault({"fault": "normal", "times": 20}, "unauthorized", kind="instance", always=True)
    seen = run(cloud, *requests, plan=Plan(wait_timeout=300), concurrency=concurrency)
    assert all((result.outcome, result.changed) == ("cancelled", True) for result in seen.results)
    assert {str(result.error.code) for result in seen.results if result.error} <= {"APIGW.0301", "Stopped"}
    assert all(result.error for result in seen.results)
    assert 1 <= refusals(cloud) <= concurrency
    assert len(seen.cancels) == 8
