# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud that is otherwise than assumed is told from one that is not, point by point."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel
from conformance.connection import connect
from conformance.points import POINTS, Point
from conformance.report import mask_of, report_of, rows_of, table_of
from conformance.run import INSTANCE_ID, NEW_CAPACITY, NEW_SPEC_CODE, NotObserved, Outcome, Plan, RefusedToRun, prepare, read_settings, run
from conformance.simulated import INSTANCE, OTHER_INSTANCE, TEMPO, furnish
from simulator.client import Simulator
from simulator.settings import Settings

ODD = {"status": 409, "body": {"error_code": "DCS.4999", "error_msg": "Something else."}}

# For each point: how the simulator is told to differ, and what is then observed.
SWITCHES: dict[str, tuple[dict[str, Any], str]] = {
    "task_name": ({"task_name": "ResizeInstance"}, "ResizeInstance"),
    "waiting_status": ({"waiting_status": "PENDING"}, "PENDING"),
    "instance_status": ({"instance_status_waiting": "RESIZING"}, "RESIZING"),
    "cancel": ({"answer_cancelled": {"status": 202, "body": {"job_id": "1"}}}, '202 {"job_id": "1"}'),
    "second_cancel": ({"answer_cancelled_before": ODD}, "409 DCS.4999"),
    "unknown_task": ({"answer_unknown_task": ODD}, "409 DCS.4999, and the resize is still pending"),
    "foreign_task": ({"answer_foreign_task": ODD}, "409 DCS.4999, and the resize is still pending"),
    "ended_task": ({"answer_ended": ODD}, "409 DCS.4999"),
    "status_after_cancel": ({"status_after_cancel": "REMOVED"}, "not listed any more"),
    "list_delay": ({"status_after_cancel_seconds": 0.2}, "after 0."),
    "instance_after_cancel": ({"extending_after_cancel_seconds": 0.2}, "RUNNING after 0."),
    "task_count_type": ({"task_count_type": "string"}, "string"),
    "details_type": ({"details_type": "string"}, "string"),
    "capacity_type": ({"capacity_type": "number"}, "integer and number"),
    "page_size": ({"page_cap": 5}, "5 of 13"),
    "largest_limit": ({"limit_enforced": False}, "200"),
    "offset": ({"offset_unit": "pages"}, "something else"),
    "error_shape": ({"error_shape": "v1"}, "error"),
    "error_code": ({"error_code_type": "integer"}, "integer 111400239"),
    "request_id": ({"request_id_header": False}, "in 0 of "),
    "retry_after": ({"throttle_fault": {"fault": "throttled", "retry_after": 1}}, "1"),
}


def observe(cloud: Simulator, **settings: Any) -> tuple[Outcome, dict[str, Any]]:
    """A run on a cloud with these settings, and its report."""
    environment = furnish(cloud, settings.pop("throttle_fault", None))
    cloud.configure(**settings)
    return observe_as_is(environment)


def observe_as_is(environment: Mapping[str, str]) -> tuple[Outcome, dict[str, Any]]:
    """A run, and its report."""
    connection = connect(environment)
    with contextlib.closing(connection.http):
        plan = prepare(connection, read_settings(environment), datetime.datetime.now(datetime.timezone.utc))
        outcome = run(environment, connection, plan, lambda text: None, TEMPO)
        return outcome, report_of("simulator", outcome, mask_of(connection, plan))


def plan_of(environment: Mapping[str, str]) -> Plan:
    """What a run would do."""
    connection = connect(environment)
    with contextlib.closing(connection.http):
        return prepare(connection, read_settings(environment), datetime.datetime.now(datetime.timezone.utc))


def _window(hours: int) -> dict[str, str]:
    """A maintenance window that opens in so many hours."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = (f"{now + datetime.timedelta(hours=more):%H}:00:00" for more in (hours, hours + 4))
    return {"maintain_begin": begin, "maintain_end": end}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.01)


def test_every_point_has_a_switch() -> None:
    assert list(SWITCHES) == [point.name for point in POINTS]


@pytest.mark.parametrize("name", SWITCHES)
def test_a_difference_is_told(cloud: Simulator, name: str) -> None:
    switch, seen = SWITCHES[name]
    outcome, report = observe(cloud, **switch)
    differing = [row for row in report["points"] if row["verdict"] != "yes"]
    assert [row["name"] for row in differing] == [name]
    (point,) = [point for point in POINTS if point.name == name]
    assert differing[0]["observed"].startswith(seen)
    assert differing[0]["sentence"].startswith(f"{point.question}: assumed {point.assumed}, observed {seen}")
    for place in point.places:
        assert place.rpartition(".")[2] in differing[0]["sentence"]
    assert differing[0]["sentence"] in table_of(report["points"])
    assert outcome.leftover is None
    assert [cancel["instance_id"] for cancel in cloud.effective_cancels()] == [INSTANCE]
    assert "waiting" not in {task["state"] for task in cloud.state()["instances"][INSTANCE]["tasks"].values()}


def test_nothing_differs_by_itself(cloud: Simulator) -> None:
    outcome, report = observe(cloud)
    assert (outcome.failure, outcome.leftover, {row["verdict"] for row in report["points"]}) == (None, None, {"yes"})
    assert len(cloud.requests(kind="resize")) == 1
    assert len(cloud.effective_cancels()) == 1


def test_a_wrong_task_id_that_cancels_is_told(cloud: Simulator) -> None:
    # As if the first cancel, which is that with the wrong id, had taken effect: the next list is the seventh.
    cloud.fault({"fault": "normal", "times": 6}, "cancelled_meanwhile", kind="tasks", instance_id=INSTANCE)
    _outcome, report = observe(cloud)
    (told,) = [row for row in report["points"] if row["name"] == "unknown_task"]
    assert told["verdict"] == "NO"
    assert "the resize is no longer pending" in told["sentence"]


def test_a_run_without_other_instances_and_without_a_past(cloud: Simulator) -> None:
    environment = furnish(cloud)
    cloud.clear_faults()
    cloud.remove(INSTANCE)
    cloud.remove(OTHER_INSTANCE)
    cloud.add_instance(INSTANCE, **_window(hours=8))
    outcome, report = observe_as_is(environment)
    unseen = {"foreign_task", "ended_task", "offset", "retry_after"}
    assert {name for name, value in outcome.observed.items() if isinstance(value, NotObserved)} == unseen
    assert {row["name"] for row in report["points"] if row["verdict"] == "not observed"} == unseen
    assert {row["verdict"] for row in report["points"]} == {"yes", "not observed"}


@pytest.mark.parametrize(
    ("kind", "before", "fault", "reason"),
    [
        ("resize", 0, "forbidden", "DCS.3002"),
        # The list is read once before the resize is scheduled, and once to find it.
        ("tasks", 1, "forbidden", "dcs:instance:getBackgroundTask"),
        ("tasks", 2, {"fault": "lying_count", "count": "many"}, "format of a response was unexpected"),
    ],
)
def test_a_run_that_ends_early_says_why_and_cleans_up(cloud: Simulator, kind: str, before: int, fault: Any, reason: str) -> None:
    environment = furnish(cloud)
    connection = connect(environment)
    with contextlib.closing(connection.http):
        plan = prepare(connection, read_settings(environment), datetime.datetime.now(datetime.timezone.utc))
        cloud.fault(*[{"fault": "normal", "times": before}] * bool(before), fault, kind=kind, instance_id=INSTANCE)
        outcome = run(environment, connection, plan, lambda text: None, TEMPO._replace(patience=0.2))
    assert reason in str(outcome.failure)
    assert outcome.leftover is None
    assert {row["verdict"] for row in rows_of(outcome)} >= {"NO"}
    assert [cancel["instance_id"] for cancel in cloud.effective_cancels()] == [INSTANCE] * (kind == "tasks")


@pytest.mark.parametrize("fault", [("stall", "resize"), ("reset", "resize"), ("unavailable", "resize")])
def test_a_resize_whose_answer_was_lost_is_cancelled(cloud: Simulator, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str]) -> None:
    name, kind = fault
    monkeypatch.setattr("conformance.connection.NotingHttp.TIMEOUT", 0.3)
    cloud.fault({"fault": name, "effect": "done"}, kind=kind)
    outcome, _report = observe(cloud)
    assert outcome.failure
    assert outcome.leftover is None
    assert len(cloud.effective_cancels()) == 1


def test_a_resize_that_can_not_be_cancelled_is_shouted_about(cloud: Simulator) -> None:
    environment = furnish(cloud)
    connection = connect(environment)
    said: list[str] = []
    with contextlib.closing(connection.http):
        plan = prepare(connection, read_settings(environment), datetime.datetime.now(datetime.timezone.utc))
        cloud.clear_faults()
        cloud.fault("forbidden", kind="cancel", always=True)
        outcome = run(environment, connection, plan, said.append, TEMPO._replace(patience=0.1, clean_up=0.3))
    assert outcome.leftover == said[-1]
    assert outcome.leftover is not None
    assert outcome.leftover.startswith(f"A RESIZE MAY STILL BE PENDING on instance {INSTANCE}")


def test_a_resize_that_begins_meanwhile_is_shouted_about(cloud: Simulator) -> None:
    cloud.fault("started_meanwhile", kind="cancel", always=True)
    outcome, _report = observe(cloud)
    assert str(outcome.leftover).startswith("THE RESIZE OF INSTANCE")


def test_the_report_tells_no_secret_and_no_id(cloud: Simulator) -> None:
    cloud.fault("unauthorized", kind="instance", instance_id=OTHER_INSTANCE)
    _outcome, report = observe(cloud)
    text = json.dumps(report)
    environment = cloud.environment()
    state = cloud.state()
    hidden = {environment["HW_ACCESS_KEY"], environment["HW_SECRET_KEY"], environment["HW_PROJECT_ID"], "spare", "operator"}
    hidden |= set(state["instances"]) | {task_id for instance in state["instances"].values() for task_id in instance["tasks"]}
    hidden |= {request["request_id"] for request in cloud.requests()} | {str(request["authorization"]) for request in cloud.requests()}
    assert {value for value in hidden if value in text} == set()
    assert "/v2/<project>/instances/<instance>/resize/cancel/<id " in text
    assert len(report["requests_sent"]) == len(cloud.requests()) - 1  # the last one was that of cleaning up


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_places_exist(point: Point) -> None:
    for place in point.places:
        module, _dot, names = place.partition(".")
        if names:
            holder = importlib.import_module(f"ansible_collections.huaweicloud.dcs.plugins.module_utils.{module}")
            for name in names.split("."):
                holder = getattr(holder, name)
        else:
            option = place.removeprefix("option ")
            assert option in CONNECTION_OPTIONS or f"\n  {option}:\n" in dcs_resize_cancel.DOCUMENTATION
    if point.setting:
        assert hasattr(Settings(), point.setting)


def test_the_plan_names_what_will_be_done(cloud: Simulator) -> None:
    plan = plan_of(furnish(cloud))
    text = str(plan)
    for words in (INSTANCE, "redis.ha.xu1.large.r2.2 to redis.ha.xu1.large.r2.4, 4 GB", plan.instance.maintain_begin, "cost"):
        assert str(words) in text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({INSTANCE_ID: " "}, f"Set {INSTANCE_ID}"),
        ({NEW_CAPACITY: "much"}, "must be a number of GB"),
        ({NEW_SPEC_CODE: "redis.ha.xu1.large.r2.2"}, "already"),
        ({INSTANCE_ID: "../x"}, "Invalid instance ID"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(cloud: Simulator, changes: dict[str, str], reason: str) -> None:
    with pytest.raises((RefusedToRun, ConfigurationError), match=reason):
        plan_of({**furnish(cloud), **changes})


@pytest.mark.parametrize(
    ("attributes", "tasks", "reason"),
    [
        (_window(-1), {}, "The maintenance window"),
        (_window(1), {}, "The maintenance window"),
        ({"maintain_begin": None}, {}, "The maintenance window"),
        ({"status": "CLOSED"}, {}, "CLOSED, not RUNNING"),
        ({"charging_mode": 1}, {}, "not pay-per-use"),
        ({}, {"name": "EXTEND", "status": "WAITING"}, "dcs_resize_cancel -a instance_id="),
        ({}, {"name": "AddReplica", "status": "EXECUTING"}, "has not finished: AddReplica"),
    ],
)
def test_an_unfit_instance_is_refused(cloud: Simulator, attributes: dict[str, Any], tasks: dict[str, str], reason: str) -> None:
    environment = furnish(cloud)
    cloud.add_instance(INSTANCE, **attributes)
    if tasks:
        cloud.add_tasks(INSTANCE, **tasks)
    with pytest.raises(RefusedToRun, match=reason):
        plan_of(environment)


@pytest.mark.parametrize(
    ("begin", "end", "now", "soon"),
    [
        ("18:00:00", "22:00:00", "16:59", False),
        ("18:00:00", "22:00:00", "17:00", True),
        ("18:00:00", "22:00:00", "21:59", True),
        ("18:00:00", "22:00:00", "22:01", False),
        ("22:00:00", "02:00:00", "01:59", True),
        ("22:00:00", "02:00:00", "02:01", False),
        ("00:30:00", "04:30:00", "23:29", False),
        ("00:30:00", "04:30:00", "23:31", True),
    ],
)
def test_a_window_that_is_near_is_refused(cloud: Simulator, begin: str, end: str, now: str, soon: bool) -> None:
    environment = furnish(cloud)
    cloud.add_instance(INSTANCE, maintain_begin=begin, maintain_end=end)
    connection = connect(environment)
    moment = datetime.datetime.fromisoformat(f"2026-01-31T{now}:00+00:00").astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    with contextlib.closing(connection.http), pytest.raises(RefusedToRun) if soon else contextlib.nullcontext():
        prepare(connection, read_settings(environment), moment)
