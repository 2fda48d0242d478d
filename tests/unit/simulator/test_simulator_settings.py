# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every setting has the described effect."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Callable

import pytest
from official_caller import INSTANCE, OTHER_INSTANCE, OTHER_TASK, TASK, Caller
from simulator.client import Simulator, SimulatorError
from simulator.settings import Settings

#: Seconds: longer than any machine has been up, from which the clock counts.
AGES = 10**9
TOLD = {"status": 409, "body": {"told": True}}


def task(caller: Caller) -> Any:
    """The first task in the list."""
    return caller.call("tasks").json()["tasks"][0]


def after_cancel(caller: Caller) -> Any:
    """The list after a cancel."""
    assert caller.call("cancel").status == 200
    return caller.call("tasks").json()["tasks"]


def cancelled_twice(caller: Caller) -> Any:
    """The response to a second cancel."""
    caller.call("cancel")
    return caller.call("cancel").json()


def statuses(caller: Caller, number: int) -> list[str]:
    """The instance's status in this number of reads after a cancel."""
    caller.call("cancel")
    return [caller.call("instance").json()["status"] for _read in range(number)]


def metadata(caller: Caller, token: str = "") -> int:
    """The status of the response to a request for the agency's credentials."""
    return caller.send("GET", "/openstack/latest/securitykey", {"X-Metadata-Token": token}).status


def token_status(caller: Caller) -> int:
    """The status of the response to a request for a metadata token."""
    return caller.send("PUT", "/meta-data/latest/api/token", {"X-Metadata-Token-Ttl-Seconds": "60"}).status


Look = Callable[[Simulator, Caller], Any]

# The setting, a value, a function that reads the effect, and its results with the default and with this value.
CASES: list[tuple[str, Any, Look, Any, Any]] = [
    ("task_name", "ChangeInstanceSpec", lambda _cloud, caller: task(caller)["name"], "EXTEND", "ChangeInstanceSpec"),
    ("waiting_status", "CREATED", lambda _cloud, caller: task(caller)["status"], "WAITING", "CREATED"),
    ("status_after_cancel", "DELETED", lambda _cloud, caller: after_cancel(caller)[0]["status"], "CANCELLED", "DELETED"),
    ("status_after_cancel", "REMOVED", lambda _cloud, caller: len(after_cancel(caller)), 1, 0),
    ("status_after_cancel", "SUCCESS", lambda _cloud, caller: (after_cancel(caller)[0]["status"], caller.call("instance").json()["capacity"]),
     ("CANCELLED", 2), ("SUCCESS", 2)),
    ("status_after_cancel_seconds", 60, lambda _cloud, caller: after_cancel(caller)[0]["status"], "CANCELLED", "WAITING"),
    ("status_after_cancel_lookups", 1, lambda _cloud, caller: (after_cancel(caller)[0]["status"], task(caller)["status"]),
     ("CANCELLED", "CANCELLED"), ("WAITING", "CANCELLED")),
    ("task_count_type", "string", lambda _cloud, caller: caller.call("tasks").json()["task_count"], 1, "1"),
    ("capacity_type", "number", lambda _cloud, caller: task(caller)["details"]["new_capacity"], "4", 4),
    ("limit_enforced", False, lambda _cloud, caller: caller.call("tasks", {"limit": 5000}).status, 400, 200),
    ("details_type", "string", lambda _cloud, caller: type(task(caller)["details"]), dict, str),
    ("page_cap", 2, lambda cloud, caller: (cloud.schedule_many(3), len(caller.call("instances", {"limit": 50}).json()["instances"]))[1], 5, 2),
    ("offset_unit", "pages", lambda cloud, caller: (cloud.schedule_many(4), len(caller.call("instances", {"offset": 1, "limit": 4}).json()["instances"]))[1],
     4, 2),
    ("name_query", "ignored", lambda _cloud, caller: len(caller.call("instances", {"name": "nobody"}).json()["instances"]), 0, 2),
    (
        "fields_not_listed", ["tags"],
        lambda _cloud, caller: ["tags" in record for record in (*caller.call("instances").json()["instances"], caller.call("instance").json())],
        [True] * 3, [False, False, True],
    ),
    ("instance_status_waiting", "EXTENDING", lambda _cloud, caller: caller.call("instance").json()["status"], "RUNNING", "EXTENDING"),
    ("extending_after_cancel_seconds", 60, lambda _cloud, caller: statuses(caller, 2), ["RUNNING", "RUNNING"], ["EXTENDING", "EXTENDING"]),
    ("extending_after_cancel_reads", 2, lambda _cloud, caller: statuses(caller, 3), ["RUNNING"] * 3, ["EXTENDING", "EXTENDING", "RUNNING"]),
    ("answer_cancelled", TOLD, lambda cloud, caller: (caller.call("cancel").status, len(cloud.effective_cancels())), (200, 1), (409, 1)),
    ("answer_cancelled_before", TOLD, lambda _cloud, caller: "told" in cancelled_twice(caller), False, True),
    ("answer_unknown_task", TOLD, lambda _cloud, caller: caller.call("cancel", task_id="f" * 32).status, 400, 409),
    ("answer_foreign_task", TOLD, lambda _cloud, caller: caller.call("cancel", task_id=OTHER_TASK).status, 400, 409),
    ("answer_executing", TOLD, lambda cloud, caller: (cloud.start(INSTANCE), caller.call("cancel").status)[1], 400, 409),
    ("answer_ended", TOLD, lambda cloud, caller: (cloud.finish(INSTANCE), caller.call("cancel").status)[1], 400, 409),
    ("error_shape", "v1", lambda _cloud, caller: list(caller.call("cancel", task_id="f" * 32).json()), ["error_code", "error_msg"], ["error"]),
    ("error_code_type", "integer", lambda _cloud, caller: caller.call("cancel", task_id="f" * 32).code, "DCS.4239", 111400239),
    ("error_code_type", "legacy", lambda _cloud, caller: caller.call("cancel", task_id="f" * 32).code, "DCS.4239", "111400239"),
    ("request_id_header", False, lambda _cloud, caller: "X-Request-Id" in caller.call("tasks").headers, True, False),
    ("clock_skew_seconds", -1, lambda _cloud, caller: caller.call("tasks").status, 200, 401),
    ("lock_after_failures", 0, lambda _cloud, caller: [caller.call("tasks", secret_key=key).status for key in ("wrong", None)], [401, 200], [401, 401]),
    ("metadata_token_status", 405, lambda _cloud, caller: (token_status(caller), metadata(caller)), (200, 401), (405, 200)),
    ("metadata_token_required", False, lambda _cloud, caller: metadata(caller), 401, 200),
]
ELSEWHERE = {
    "latency_ms", "throttle", "retry_after", "lock_seconds", "window_opens_after", "work_seconds",  # below
    "metadata_agency", "metadata_expired",  # test_simulator_api.py
}


def test_every_setting_is_looked_at() -> None:
    assert {case[0] for case in CASES} | ELSEWHERE == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize(("name", "value", "look", "usual", "other"), CASES, ids=[f"{case[0]}={case[1]}" for case in CASES])
def test_setting(cloud: Simulator, caller: Caller, name: str, value: Any, look: Look, usual: Any, other: Any) -> None:
    for changes, expected in (({}, usual), ({name: value}, other)):
        cloud.reset()
        cloud.configure(**changes)
        cloud.schedule(INSTANCE, task_id=TASK)
        cloud.schedule(OTHER_INSTANCE, task_id=OTHER_TASK)
        assert look(cloud, caller) == expected


@pytest.mark.parametrize(("changes", "reason"), [
    ({"speed": 1}, "unknown settings: speed"), ({"task_count_type": "roman"}, "is one of integer, string"),
    ({"throttle": {"rate": 1, "variant": "none"}}, "no throttle"),
    ({"throttle": {"rate": 1, "variant": "fixed_window", "burst": 2}}, "burst"),
])
def test_what_is_no_setting(cloud: Simulator, changes: dict[str, Any], reason: str) -> None:
    before = cloud.state()["settings"]
    with pytest.raises(SimulatorError, match=reason):
        cloud.configure(**changes)
    assert cloud.state()["settings"] == before


def test_latency(cloud: Simulator, caller: Caller) -> None:
    cloud.configure(latency_ms=80)
    started = time.monotonic()
    caller.call("projects")
    assert time.monotonic() - started >= 0.08


def test_the_window_opens_by_itself(cloud: Simulator, caller: Caller) -> None:
    cloud.configure(window_opens_after=10, work_seconds=10)
    cloud.add_instance(INSTANCE)
    caller.call("resize", body={"spec_code": "redis.ha.xu1.large.r2.8", "new_capacity": 8, "execute_immediately": False})
    seen = []
    for _step in range(3):
        seen.append(task(caller)["status"])
        cloud.advance(10)
    assert seen == ["WAITING", "EXECUTING", "SUCCESS"]


def test_lock_seconds(cloud: Simulator, caller: Caller) -> None:
    cloud.configure(lock_after_failures=0, lock_seconds=5)
    caller.call("projects", secret_key="wrong")
    assert caller.call("projects").status == 401
    cloud.advance(5)
    assert caller.call("projects").status == 200


@pytest.mark.parametrize("variant", ["token_bucket", "fixed_window", "bursts"])
def test_throttle(cloud: Simulator, caller: Caller, variant: str) -> None:
    cloud.schedule(INSTANCE, task_id=TASK)
    # a window or bucket of decades, so that no token comes back and no window ends during the test
    cloud.configure(throttle={"rate": 3, "per_seconds": AGES, "variant": variant, "kinds": ["tasks", "cancel"]})
    answers = [caller.call("tasks") for _request in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].code == "APIGW.0308"
    assert "Retry-After" not in answers[-1].headers
    assert [caller.call("instance").status for _request in range(5)] == [200] * 5, "not a kind that is throttled"
    assert caller.call("cancel").status == 200, "each kind has its own limit"
    cloud.configure(retry_after=True)
    assert 0 < int(caller.call("tasks").headers["Retry-After"]) <= AGES
    cloud.configure(throttle=None)
    assert caller.call("tasks").status == 200


@pytest.mark.parametrize("variant", ["token_bucket", "fixed_window", "bursts"])
def test_throttled_requests_do_not_count(cloud: Simulator, caller: Caller, variant: str) -> None:
    cloud.configure(throttle={"rate": 1, "per_seconds": AGES, "variant": variant})
    for _age in range(2):
        assert [caller.call("projects").status for _request in range(4)] == [200, 429, 429, 429]
        cloud.advance(AGES)
