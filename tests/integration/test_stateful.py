# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happened before, and whatever gets lost: `changed` says whether this run has changed the cloud.

Hypothesis schedules, starts, finishes and cancels resizes, lets time pass and responses get lost, and runs the module in between, on a real connection. A
model has the expected state; the simulator has the actual one.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from ansible_collections.huaweicloud.dcs.plugins.module_utils import _pace
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from module_runner import run_module
from playbook import diff_of_ids
from sample import PROJECT
from simulator.client import Simulator
from simulator.cloud import State

INSTANCES = [f"5560df16-cebf-4473-95c4-d1b573c16e7{number}" for number in range(2)]
POLICIES = ["ignore", "warn", "fail"]
HOUR = 3600

#: Ways in which the response to a cancel gets lost, each with or without effect.
LOSSES = ["reset", "close", "unavailable", "internal_error", "bad_gateway", "service_unavailable", "empty", "null", "failure_result", "broken_json", "html"]
EVENTS = ["start", "finish", "fail", "cancel", "schedule"]
losses = st.fixed_dictionaries({"fault": st.sampled_from(LOSSES), "effect": st.sampled_from(["done", "done", "none"])})
late = st.fixed_dictionaries({"fault": st.sampled_from(["reset", "unavailable"]), "late_lookups": st.integers(1, 2)})
meanwhile = st.builds(lambda when, event: {when: event}, st.sampled_from(["before", "after"]), st.sampled_from(EVENTS))
steps = st.one_of(
    losses,
    losses,
    late,
    st.builds(lambda loss, event: {**loss, **event}, losses, meanwhile),
    st.builds(lambda event: {"fault": "normal", **event}, meanwhile),
    st.sampled_from([{"fault": "busy"}, {"fault": "not_extending"}, {"fault": "forbidden"}]),
)


class Cancelling(RuleBasedStateMachine):
    """Two instances, users who resize them, and the module."""

    def __init__(self, cloud: Simulator) -> None:
        super().__init__()
        self.cloud = cloud
        #: The resizes of each instance, in the order in which they were scheduled.
        self.model: dict[str, dict[str, State]] = {instance_id: {} for instance_id in INSTANCES}
        self.timed: set[str] = set()

    @initialize(
        status=st.sampled_from(["CANCELLED", "REMOVED", "DELETED"]),
        header=st.booleans(),
        waiting=st.lists(st.sampled_from(INSTANCES), min_size=1, max_size=4),
    )
    def begin(self, status: str, header: bool, waiting: list[str]) -> None:
        self.cloud.reset()
        self.cloud.configure(status_after_cancel=status, request_id_header=header, task_count_type="string" if header else "integer")
        for instance_id in INSTANCES:
            self.cloud.add_instance(instance_id)
        for instance_id in waiting:
            self.schedule(instance_id, timed=False, name="EXTEND")

    # Actions of users, and the passing of time

    @rule(instance_id=st.sampled_from(INSTANCES), timed=st.booleans(), name=st.sampled_from(["EXTEND", "ChangeInstanceSpec"]))
    def somebody_schedules(self, instance_id: str, timed: bool, name: str) -> None:
        self.schedule(instance_id, timed, name)

    def schedule(self, instance_id: str, timed: bool, name: str) -> None:
        task_id = self.cloud.schedule(instance_id, name=name, starts_after=HOUR if timed else None)["task_id"]
        self.model[instance_id][task_id] = State.WAITING
        if timed:
            self.timed.add(task_id)

    def tasks(self, *states: State) -> list[tuple[str, str]]:
        return [(instance_id, task_id) for instance_id, resizes in self.model.items() for task_id, state in resizes.items() if state in states]

    @precondition(lambda self: self.tasks(State.WAITING))
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        instance_id, task_id = data.draw(st.sampled_from(self.tasks(State.WAITING)))
        self.cloud.start(task_id=task_id)
        self.model[instance_id][task_id] = State.EXECUTING

    @precondition(lambda self: self.tasks(State.WAITING, State.EXECUTING))
    @rule(data=st.data(), succeeds=st.booleans())
    def end(self, data: st.DataObject, succeeds: bool) -> None:
        instance_id, task_id = data.draw(st.sampled_from(self.tasks(State.WAITING, State.EXECUTING)))
        (self.cloud.finish if succeeds else self.cloud.fail)(task_id=task_id)
        self.model[instance_id][task_id] = State.SUCCEEDED if succeeds else State.FAILED

    @precondition(lambda self: self.tasks(State.WAITING))
    @rule(data=st.data())
    def cancelled_by_somebody_else(self, data: st.DataObject) -> None:
        instance_id, task_id = data.draw(st.sampled_from(self.tasks(State.WAITING)))
        self.cloud.cancel(task_id=task_id)
        self.model[instance_id][task_id] = State.CANCELLED

    @rule()
    def the_window_opens(self) -> None:
        self.cloud.advance(HOUR + 1)
        for instance_id, task_id in self.tasks(State.WAITING):
            if task_id in self.timed:
                self.model[instance_id][task_id] = State.EXECUTING

    # Actions of the module

    def draw_entries(self, data: st.DataObject) -> list[dict[str, str]]:
        """Some instances, and some resizes by their task ID."""
        choices = [st.sampled_from([{"instance_id": instance_id} for instance_id in INSTANCES])]
        # Pending resizes are the most interesting ones.
        for resizes in (self.tasks(State.WAITING), self.tasks(*State)):
            if resizes:
                choices.append(st.sampled_from([{"instance_id": instance_id, "task_id": task_id} for instance_id, task_id in resizes]))
        return data.draw(st.lists(st.one_of(choices), min_size=1, max_size=4), label="entries")

    def run(self, entries: list[dict[str, str]], **options: Any) -> tuple[dict[str, Any], set[str]]:
        """Run the module. Return its result, and the tasks that its own requests cancelled."""
        mode = {"check": options.pop("check", False), "diff": True}
        arguments = entries[0] if len(entries) == 1 else {"resizes": entries}
        self.cloud.clear_requests()
        with patch.object(_pace, "BACKOFF_BASE", 0.0):
            result = run_module(dcs_resize_cancel, {"concurrency": 1, **options, **arguments}, environment=self.cloud.environment(), **mode)
        requests = {request["request_id"] for request in self.cloud.requests(kind="cancel")}
        return result, {cancel["task_id"] for cancel in self.cloud.effective_cancels() if cancel["request_id"] in requests and cancel["by"] == "api"}

    def expected(self, entries: list[dict[str, str]], on_too_late: str) -> list[tuple[str, str | None, str]]:
        """The expected instance, task and outcome of each entry. Those with a task run first, but the results have the given order."""
        unique = [dict(pairs) for pairs in dict.fromkeys(tuple(entry.items()) for entry in entries)]
        done: set[str] = set()
        results: dict[int, tuple[str, str | None, str]] = {}
        for number, entry in sorted(enumerate(unique), key=lambda pair: "task_id" not in pair[1]):
            instance_id, task_id = entry["instance_id"], entry.get("task_id")
            resizes = self.model[instance_id]
            waiting = [key for key, state in resizes.items() if state is State.WAITING and key not in done]
            too_late = {State.EXECUTING: "executing", State.SUCCEEDED: "applied"}
            if task_id is not None:
                outcome = "cancelled" if task_id in waiting else too_late.get(resizes[task_id], "absent")
                outcome = "absent" if on_too_late == "ignore" and outcome in too_late.values() else outcome
            elif len(waiting) == 1:
                (task_id,), outcome = waiting, "cancelled"
            else:
                outcome = "failed" if waiting else "executing" if State.EXECUTING in resizes.values() else "absent"
            if outcome == "cancelled":
                done.add(str(task_id))
            results[number] = (instance_id, task_id, outcome)
        return [results[number] for number in range(len(unique))]

    @rule(data=st.data(), on_too_late=st.sampled_from(POLICIES))
    def check_do_check_do(self, data: st.DataObject, on_too_late: str) -> None:
        """If nothing gets lost, check mode, the run and the model agree, and the second run changes nothing."""
        entries = self.draw_entries(data)
        for _time in range(2):
            wanted = self.expected(entries, on_too_late)
            results = []
            for check in (True, False):
                result, effective = self.run(entries, on_too_late=on_too_late, check=check)
                results.append(result)
                assert [(resize["instance_id"], resize["task_id"], resize["outcome"]) for resize in result["resizes"]] == wanted
                assert effective == (set() if check else {task_id for _instance_id, task_id, outcome in wanted if outcome == "cancelled"})
                assert result["changed"] == any(outcome == "cancelled" for _instance_id, _task_id, outcome in wanted)
                fails = {"failed", *({"executing", "applied"} if on_too_late == "fail" else ())}
                assert result.get("failed", False) == any(outcome in fails for _instance_id, _task_id, outcome in wanted)
            predicted, done = results
            assert diff_of_ids(predicted) == diff_of_ids(done)
            assert predicted["warnings"] == done["warnings"]
            assert [resize["error"] and resize["error"]["code"] for resize in predicted["resizes"]] == [
                resize["error"] and resize["error"]["code"] for resize in done["resizes"]
            ]
            for instance_id, task_id, outcome in wanted:
                if outcome == "cancelled":
                    self.model[instance_id][str(task_id)] = State.CANCELLED
        assert not self.expected_changes(entries, on_too_late) or any("task_id" not in entry for entry in entries)

    def expected_changes(self, entries: list[dict[str, str]], on_too_late: str) -> bool:
        return any(outcome == "cancelled" for _instance_id, _task_id, outcome in self.expected(entries, on_too_late))

    @rule(
        data=st.data(),
        sequence=st.lists(steps, min_size=1, max_size=2),
        on_too_late=st.sampled_from(POLICIES),
        max_retries=st.integers(0, 2),
        blind=st.booleans(),
    )
    def answers_get_lost(self, data: st.DataObject, sequence: list[dict[str, Any]], on_too_late: str, max_retries: int, blind: bool) -> None:
        """Whatever gets lost and whatever other users do: changes are reported, and nothing impossible is."""
        entries = self.draw_entries(data)
        known = {task_id for _instance_id, task_id in self.tasks(*State)}
        self.cloud.fault(*sequence, kind="cancel", each=True)
        if blind:
            self.cloud.fault("forbidden", kind="tasks", always=True)
        result, effective = self.run(entries, on_too_late=on_too_late, max_retries=max_retries)
        self.cloud.clear_faults()
        lossy = any(step["fault"] not in ("busy", "not_extending", "forbidden", "normal") for step in sequence)
        is_late = any("late_lookups" in step for step in sequence)
        # A resize may be requested by its task ID, and found again if that failed.
        told: dict[str, list[dict[str, Any]]] = {}
        for resize in result["resizes"]:
            if resize["task_id"]:
                told.setdefault(resize["task_id"], []).append(resize)
        assert effective <= set(told), "only what was asked for or found"
        looked_for = {entry["instance_id"] for entry in entries if "task_id" not in entry}
        assert all(task_id in known or told[task_id][0]["instance_id"] in looked_for for task_id in effective), "and never what came after that"
        for task_id, resizes in told.items():
            warned = any(task_id in warning and "was lost" in warning for warning in result["warnings"])
            changed = [resize for resize in resizes if resize["changed"]]
            assert len(changed) <= 1
            if changed:
                assert task_id in effective or (lossy and warned)
                assert not warned or lossy
            elif task_id in effective:
                failed = [resize for resize in resizes if resize["outcome"] == "failed"]
                assert failed
                assert is_late or any("may have taken effect" in resize["error"]["message"] for resize in failed)
        assert result["changed"] == any(resize["changed"] for resize in result["resizes"])
        assert result.get("failed", False) == any(resize["error"] for resize in result["resizes"])
        self.catch_up()

    def catch_up(self) -> None:
        """Let late effects take place, and update the model with the actual state of the resizes."""
        for _time in range(3):
            run_module(dcs_resize_info, {"instance_ids": INSTANCES}, environment=self.cloud.environment())
        self.model = {
            instance_id: {task_id: State(task["state"]) for task_id, task in instance["tasks"].items()}
            for instance_id, instance in self.cloud.state()["instances"].items()
        }

    @rule()
    def list_them(self) -> None:
        result = run_module(dcs_resize_info, {}, environment=self.cloud.environment())
        assert not result["changed"]
        assert sorted((resize["instance_id"], resize["task_id"]) for resize in result["resizes"]) == sorted(self.tasks(State.WAITING))

    @invariant()
    def the_cloud_is_what_the_model_says(self) -> None:
        instances = self.cloud.state()["instances"]
        assert {instance_id: {task_id: State(task["state"]) for task_id, task in instances[instance_id]["tasks"].items()} for instance_id in instances} == (
            self.model if instances else {}
        )


def test_changed_is_the_truth(cloud: Simulator) -> None:
    assert cloud.environment()["HW_PROJECT_ID"] == PROJECT
    run_state_machine_as_test(
        lambda: Cancelling(cloud),
        settings=settings(
            max_examples=80,
            stateful_step_count=15,
            phases=[phase for phase in Phase if phase is not Phase.explain],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )
