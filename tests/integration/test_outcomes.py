# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every outcome: in check mode, in a run, in check mode again, in a second run. One table says what check mode predicts and what the run reports.

One instance at a time within this process, because each row takes four runs of the module; many at once in real playbooks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel
from module_runner import run_module
from playbook import Run, run_ad_hoc, run_playbook
from simulator.client import Simulator

MODULE = "huaweicloud.dcs.dcs_resize_cancel"
SPECIFICATIONS = {"old_resource_spec_code": "redis.ha.xu1.large.r2.2", "new_resource_spec_code": "redis.ha.xu1.large.r2.4"}

#: Prepares the cloud and returns the ID of the requested task.
World = Callable[[Simulator, str], "str | None"]


def waiting(cloud: Simulator, instance_id: str) -> str:
    return cloud.schedule(instance_id)["task_id"]


def created(cloud: Simulator, instance_id: str) -> str:
    return cloud.schedule(instance_id, status="CREATED")["task_id"]


def named_otherwise(cloud: Simulator, instance_id: str) -> str:
    return cloud.schedule(instance_id, name="ChangeInstanceSpec")["task_id"]


def executing(cloud: Simulator, instance_id: str) -> str:
    task_id = waiting(cloud, instance_id)
    cloud.start(instance_id)
    return task_id


def applied(cloud: Simulator, instance_id: str) -> str:
    task_id = waiting(cloud, instance_id)
    cloud.finish(instance_id)
    return task_id


def ended_without_effect(cloud: Simulator, instance_id: str) -> str:
    cloud.add_instance(instance_id)
    return cloud.add_tasks(instance_id, status="SUCCESS", details=SPECIFICATIONS)[0]


def failed(cloud: Simulator, instance_id: str) -> str:
    task_id = waiting(cloud, instance_id)
    cloud.fail(instance_id)
    return task_id


def cancelled_before(cloud: Simulator, instance_id: str) -> str:
    task_id = waiting(cloud, instance_id)
    cloud.cancel(instance_id)
    return task_id


def never(cloud: Simulator, instance_id: str) -> str:
    cloud.add_instance(instance_id)
    return uuid.uuid4().hex


def another_waits(cloud: Simulator, instance_id: str) -> str:
    task_id = cancelled_before(cloud, instance_id)
    waiting(cloud, instance_id)
    return task_id


def unknown_status(cloud: Simulator, instance_id: str) -> str:
    cloud.add_instance(instance_id)
    return cloud.add_tasks(instance_id, status="PAUSED")[0]


def another_kind(cloud: Simulator, instance_id: str) -> None:
    cloud.add_instance(instance_id)
    cloud.add_tasks(instance_id, name="AddReplica", status="WAITING")


def two_wait(cloud: Simulator, instance_id: str) -> None:
    waiting(cloud, instance_id)
    waiting(cloud, instance_id)


def on_the_last_page(cloud: Simulator, instance_id: str) -> str:
    task_id = cloud.schedule(instance_id, created_at="2020-01-01T00:00:00.000Z")["task_id"]
    cloud.add_tasks(instance_id, count=2300, name="BindEip", status="SUCCESS")
    return task_id


def gone(_cloud: Simulator, _instance_id: str) -> str:
    return uuid.uuid4().hex


def forbidden(cloud: Simulator, instance_id: str) -> str:
    cloud.fault("forbidden", instance_id=instance_id, always=True)
    return waiting(cloud, instance_id)


def no_looks(cloud: Simulator, instance_id: str) -> str:
    task_id = never(cloud, instance_id)
    cloud.fault("forbidden", kind="tasks", instance_id=instance_id, always=True)
    return task_id


class Case(NamedTuple):
    """A row of the table.

    :ivar named: whether the task ID is given
    :ivar outcome: predicted and reported
    :ivar code: of the error, if it is a failure
    :ivar warning: a part of the one warning
    :ivar again: the outcome of the second check mode and run
    :ivar sent: kinds of requests: in check mode, in a run, in check mode again, in a second run
    """

    world: World
    named: bool
    outcome: str
    on_too_late: str = "warn"
    code: str | None = None
    warning: str = ""
    again: str | None = None
    sent: str = "tasks | cancel tasks | tasks | cancel tasks"

    @property
    def name(self) -> str:
        return f"{self.world.__name__} {'named' if self.named else 'found'} {self.on_too_late}"


LOOK = "tasks | tasks | tasks | tasks"
UNSEEN = "tasks | cancel | tasks | cancel"
COMPARED = "tasks instance | cancel tasks instance | tasks instance | cancel tasks instance"
CASES = [
    *(
        Case(world, True, "cancelled", on_too_late, again="absent", sent=f"tasks | cancel | tasks | cancel{'' if on_too_late == 'ignore' else ' tasks'}")
        for world, on_too_late in ((waiting, "warn"), (waiting, "fail"), (waiting, "ignore"), (created, "warn"), (named_otherwise, "warn"))
    ),
    *(Case(world, True, "absent") for world in (cancelled_before, never, failed, unknown_status)),
    Case(ended_without_effect, True, "absent", sent=COMPARED),
    Case(another_waits, True, "absent", warning="another one is"),
    Case(executing, True, "executing", warning="has already started"),
    Case(executing, True, "executing", "fail", code="TooLate"),
    Case(executing, True, "absent", "ignore", sent=UNSEEN),
    Case(applied, True, "applied", warning="has been carried out", sent=COMPARED),
    Case(applied, True, "applied", "fail", code="TooLate", sent=COMPARED),
    Case(applied, True, "absent", "ignore", sent=UNSEEN),
    Case(gone, True, "failed", code="DCS.3022", sent=UNSEEN),
    Case(forbidden, True, "failed", code="DCS.3002", sent=UNSEEN),
    *(
        Case(world, False, "cancelled", on_too_late, again="absent", sent="tasks | tasks cancel | tasks | tasks")
        for world, on_too_late in ((waiting, "warn"), (waiting, "fail"), (waiting, "ignore"), (created, "warn"), (named_otherwise, "warn"))
    ),
    Case(another_waits, False, "cancelled", again="absent", sent="tasks | tasks cancel | tasks | tasks"),
    Case(on_the_last_page, False, "cancelled", again="absent", sent="tasks*3 | tasks*3 cancel | tasks*3 | tasks*3"),
    *(Case(world, False, "absent", sent=LOOK) for world in (cancelled_before, never, failed, applied, another_kind, unknown_status)),
    Case(executing, False, "executing", warning="has already started", sent=LOOK),
    Case(executing, False, "executing", "fail", code="TooLate", sent=LOOK),
    Case(executing, False, "executing", "ignore", sent=LOOK),
    Case(two_wait, False, "failed", code="Ambiguous", sent=LOOK),
    Case(gone, False, "failed", code="DCS.3022", sent=LOOK),
    Case(forbidden, False, "failed", code="DCS.3002", sent=LOOK),
]
ROUNDS = (("check", True), ("done", False), ("check again", True), ("done again", False))


def tasks_for(name: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The tasks for check mode, a run, check mode again, and a second run."""
    return [
        {"name": f"{name}, {round_name}", MODULE: arguments, "check_mode": check, "diff": True, "ignore_errors": True} for round_name, check in ROUNDS
    ]


def spread(sent: str) -> list[str]:
    """The kinds of requests in a row of the table."""
    return [kind for word in sent.replace("|", " ").split() for kind, _star, times in [word.partition("*")] for _number in range(int(times or 1))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_at_a_time(cloud: Simulator, case: Case) -> None:
    instance_id = str(uuid.uuid4())
    task_id = case.world(cloud, instance_id)
    arguments = {"instance_id": instance_id, "on_too_late": case.on_too_late, **({"task_id": task_id} if case.named else {})}
    for round_name, check in ROUNDS:
        result = run_module(dcs_resize_cancel, arguments, check=check, diff=True, environment=cloud.environment())
        (resize,) = result["resizes"]
        outcome = case.outcome if "again" not in round_name else case.again or case.outcome
        changed = outcome == "cancelled"
        assert (resize["outcome"], resize["changed"], result["changed"]) == (outcome, changed, changed), round_name
        assert (bool(result.get("failed")), resize["error"] and resize["error"]["code"]) == (bool(case.code), case.code), round_name
        assert [case.warning in warning for warning in result["warnings"]] == ([True] if case.warning else []), round_name
        # If two resizes are pending, the diff shows both, before and after.
        shown = (1, 0) if changed else (2, 2) if case.world is two_wait else (0, 0)
        assert (result["diff"]["before"].count("pending resize"), result["diff"]["after"].count("pending resize")) == shown, round_name
    assert [request["kind"] for request in cloud.requests(instance_id=instance_id)] == spread(case.sent)
    effective = [cancel["task_id"] for cancel in cloud.effective_cancels(instance_id) if cancel["by"] == "api"]
    assert len(effective) == (case.outcome == "cancelled")
    assert not case.named or effective in ([], [task_id])


@pytest.mark.parametrize("on_too_late", ["ignore", "warn", "fail"])
def test_many_at_once(cloud: Simulator, on_too_late: str) -> None:
    """The rows of the table as entries of one task, in the given order."""
    it_matters = {case.world for case in CASES if case.outcome in ("executing", "applied")}
    cases = [case for case in CASES if case.on_too_late == (on_too_late if case.world in it_matters else "warn")]
    entries = []
    for case in cases:
        instance_id = str(uuid.uuid4())
        task_id = case.world(cloud, instance_id)
        entries.append({"instance_id": instance_id, "task_id": task_id if case.named else None, "instance_name": case.name})
    run = run_playbook(tasks_for("Many", {"resizes": entries, "on_too_late": on_too_late}), environment=cloud.environment())
    for round_name, _check in ROUNDS:
        result = run.result(f"Many, {round_name}")
        outcomes = [case.outcome if "again" not in round_name else case.again or case.outcome for case in cases]
        assert [resize["instance_id"] for resize in result["resizes"]] == [entry["instance_id"] for entry in entries]
        assert [(case.name, resize["outcome"]) for case, resize in zip(cases, result["resizes"], strict=True)] == [
            (case.name, outcome) for case, outcome in zip(cases, outcomes, strict=True)
        ], round_name
        assert [resize["error"] and resize["error"]["code"] for resize in result["resizes"]] == [case.code for case in cases]
        assert (result["changed"], run.failed(f"Many, {round_name}")) == ("cancelled" in outcomes, True)
        assert all((entry["instance_id"] in result["msg"]) == bool(case.code) for case, entry in zip(cases, entries, strict=True))
        assert result["diff"]["before"].count("pending resize") == outcomes.count("cancelled") + 2 * (two_wait in [case.world for case in cases])
    done = {cancel["instance_id"] for cancel in cloud.effective_cancels() if cancel["by"] == "api"}
    assert done == {entry["instance_id"] for case, entry in zip(cases, entries, strict=True) if case.outcome == "cancelled"}


# ---- Errors


REFUSALS: dict[str, tuple[Any, str, int]] = {
    "permission": ("forbidden", "DCS.3002", 403),
    "permission at the gateway": ("forbidden_by_gateway", "APIGW.0302", 403),
    "gone": ("instance_gone", "DCS.3022", 404),
    "not published": ("not_published", "APIGW.0101", 404),
    "another 400": ("refused", "DCS.4049", 400),
    "in Chinese": ("chinese", "DCS.4097", 400),
    "the first version's shape": ({"fault": "v1_error", "code": "DCS.4017"}, "DCS.4017", 400),
    "an integer code": ({"fault": "integer_code", "code": "DCS.4017"}, "111400017", 400),
    "keys": ("unauthorized", "APIGW.0301", 401),
}


def test_errors_are_told_and_not_repeated(cloud: Simulator) -> None:
    playbook, ids = [], {}
    for name, (fault, _code, _status) in REFUSALS.items():
        resize = ids[name] = cloud.schedule()
        cloud.fault(fault, kind="cancel", instance_id=resize["instance_id"], always=True)
        playbook.append({"name": name, MODULE: resize, "ignore_errors": True})
    run = run_playbook(playbook, environment=cloud.environment())
    assert "Traceback" not in run.output
    for name, (_fault, code, status) in REFUSALS.items():
        result = run.result(name)
        (resize,) = result["resizes"]
        assert (run.failed(name), result["changed"], resize["outcome"], resize["changed"], resize["task"]) == (True, False, "failed", False, None), name
        (request,) = cloud.requests(instance_id=ids[name]["instance_id"])
        error = resize["error"]
        assert (error["code"], error["http_status"], error["request_id"], resize["request_id"]) == (code, status, *[request["request_id"]] * 2), name
        assert result["msg"].startswith(error["message"])
        assert error["message"].startswith(f"HTTP {status} {code}: "), name
        assert error["message"].endswith(f"(POST {request['path']})"), name
        if status == 403:
            assert "dcs:instance:cancelResizeTask" in error["message"]
        if status == 404:
            assert all(word in error["message"] for word in ("Check the instance ID", "region", "deleted"))
    assert "AKSIMULATOR" not in run.output


def test_an_impossible_look(cloud: Simulator) -> None:
    """DCS.4239 without the permission to read the list: a failure only with `on_too_late: fail`."""
    playbook = []
    for on_too_late in ("ignore", "warn", "fail"):
        instance_id = str(uuid.uuid4())
        task_id = no_looks(cloud, instance_id)
        playbook += tasks_for(on_too_late, {"instance_id": instance_id, "task_id": task_id, "on_too_late": on_too_late})
    run = run_playbook(playbook, environment=cloud.environment())
    for on_too_late, outcome, warned in (("ignore", "absent", 0), ("warn", "absent", 1), ("fail", "failed", 0)):
        predicted, done = run.result(f"{on_too_late}, check"), run.result(f"{on_too_late}, done")
        assert (done["resizes"][0]["outcome"], len(run.warnings(f"{on_too_late}, done")), done["changed"]) == (outcome, warned, False)
        # Check mode needs the list, and never guesses.
        assert predicted["resizes"][0]["outcome"] == "failed"
        assert "dcs:instance:getBackgroundTask" in predicted["msg"]


def test_ids_are_refused_before_any_request(cloud: Simulator) -> None:
    """Not even the project is looked up."""
    environment = {name: content for name, content in cloud.environment().items() if name != "HW_PROJECT_ID"}
    good, values = str(uuid.uuid4()), ["a/b", "..", "a?b", "a%2Fb", "a b"]
    playbook = [
        *({"name": f"instance {value}", MODULE: {"instance_id": value}, "ignore_errors": True} for value in values),
        *({"name": f"task {value}", MODULE: {"instance_id": good, "task_id": value}, "ignore_errors": True, "check_mode": True} for value in values),
        {"name": "many", MODULE: {"resizes": [{"instance_id": value} for value in values]}, "ignore_errors": True},
        {"name": "info", "huaweicloud.dcs.dcs_resize_info": {"instance_ids": values}, "ignore_errors": True},
    ]
    run = run_playbook(playbook, environment=environment)
    assert [entry["status"] for entry in run.results] == ["failed"] * 12
    told = [resize["error"] for entry in run.results for resize in entry["result"]["resizes"]] + run.result("info")["errors"]
    assert [error["code"] for error in told] == ["InvalidId"] * 20
    assert cloud.requests() == []


# ---- Races: something happens between two requests


RACES: dict[str, tuple[str, str, str]] = {
    "started_meanwhile": ("executing", "executing", "executing"),
    "finished_meanwhile": ("applied", "applied", "absent"),
    "failed_meanwhile": ("absent", "absent", "absent"),
    "cancelled_meanwhile": ("absent", "absent", "absent"),
    "removed_meanwhile": ("failed", "failed", "failed"),
}


def test_the_window_opens_between_the_look_and_the_cancel(cloud: Simulator) -> None:
    playbook = []
    for fault in RACES:
        for form in ("named", "found"):
            resize = cloud.schedule()
            cloud.fault(fault, kind="cancel", instance_id=resize["instance_id"])
            arguments = resize if form == "named" else {"instance_id": resize["instance_id"]}
            playbook += [{"name": f"{fault} {form}{again}", MODULE: arguments, "ignore_errors": True} for again in ("", " again")]
    run = run_playbook(playbook, environment=cloud.environment())
    for fault, (named, found, found_again) in RACES.items():
        for form, first, again in (("named", named, named), ("found", found, found_again)):
            for name, outcome in ((f"{fault} {form}", first), (f"{fault} {form} again", again)):
                result = run.result(name)
                assert (result["resizes"][0]["outcome"], result["changed"], run.failed(name)) == (outcome, False, outcome == "failed"), name
    assert [cancel for cancel in cloud.effective_cancels() if cancel["by"] == "api"] == []


def test_a_resize_that_is_scheduled_meanwhile_is_never_touched(cloud: Simulator) -> None:
    named, found = cloud.schedule(), cloud.schedule()
    for resize in (named, found):
        cloud.fault({"fault": "reset", "effect": "done", "after": "schedule"}, kind="cancel", instance_id=resize["instance_id"])
    run = run_playbook([{"name": "Both", MODULE: {"resizes": [named, {"instance_id": found["instance_id"]}]}}], environment=cloud.environment())
    result = run.result("Both")
    assert [resize["outcome"] for resize in result["resizes"]] == ["cancelled", "cancelled"]
    assert len(run.warnings("Both")) == 2
    assert sorted(cancel["task_id"] for cancel in cloud.effective_cancels()) == sorted([named["task_id"], found["task_id"]])


# ---- Ways to call the module


def stats(run: Run) -> tuple[int, int, int]:
    recap = run.stats["localhost"]
    return recap["ok"], recap["changed"], recap["failures"]


def test_ad_hoc(cloud: Simulator) -> None:
    resize = cloud.schedule()
    arguments = f"instance_id={resize['instance_id']} task_id={resize['task_id']}"
    first = run_ad_hoc(MODULE, arguments, environment=cloud.environment())
    second = run_ad_hoc(MODULE, arguments, "--check", environment=cloud.environment())
    assert (first.code, stats(first), second.code, stats(second)) == (0, (1, 1, 0), 0, (1, 0, 0))
    assert len(cloud.effective_cancels()) == 1


def test_a_whole_playbook_in_check_mode(cloud: Simulator) -> None:
    resize = cloud.schedule()
    playbook = [{"name": "Cancel", MODULE: {"instance_id": resize["instance_id"]}}]
    runs = [run_playbook(playbook, *arguments, environment=cloud.environment()) for arguments in (["--check", "--diff"], ["--diff"], ["--check"], [])]
    assert [stats(run) for run in runs] == [(1, 1, 0), (1, 1, 0), (1, 0, 0), (1, 0, 0)]
    line = f"-instance {resize['instance_id']}: pending resize {resize['task_id']} from redis.ha.xu1.large.r2.2 to redis.ha.xu1.large.r2.4"
    assert [line in run.output for run in runs] == [True, True, False, False]


def test_module_defaults_of_the_group(cloud: Simulator) -> None:
    resize = cloud.schedule()
    environment = cloud.environment()
    names = {"access_key": "ACCESS_KEY", "secret_key": "SECRET_KEY", "project_id": "PROJECT_ID", "region": "REGION_NAME", "endpoint": "DCS_ENDPOINT"}
    defaults = {option: environment[f"HW_{name}"] for option, name in names.items()}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/huaweicloud.dcs.dcs": defaults},
        "tasks": [
            {"name": "Find", "huaweicloud.dcs.dcs_resize_info": {}, "register": "found"},
            {"name": "Cancel", MODULE: {"resizes": "{{ found.resizes }}"}},
        ],
    }
    run = run_playbook([play])
    assert stats(run) == (2, 1, 0)
    assert [entry["task_id"] for entry in run.result("Cancel")["resizes"]] == [resize["task_id"]]
