# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""If a check fails, nothing is cancelled, wherever ignore_errors is set, and whatever was done before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playbook import run_playbook
from simulator.client import Simulator

ROLE = "huaweicloud.dcs.resize_cancel"

Play = dict[str, Any]


def prefixed(variables: dict[str, Any]) -> dict[str, Any]:
    return {f"resize_cancel_{name}": value for name, value in variables.items()}


def tasks(*entries: dict[str, Any], **keywords: Any) -> Play:
    return {"hosts": "localhost", "gather_facts": False, "tasks": list(entries), **keywords}


#: Every way to set ignore_errors for the role.
WAYS: dict[str, Callable[[dict[str, Any]], Play]] = {
    "roles": lambda variables: {"hosts": "localhost", "gather_facts": False, "roles": [{"role": ROLE, "ignore_errors": True, "vars": prefixed(variables)}]},
    "play": lambda variables: {"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "roles": [{"role": ROLE, "vars": prefixed(variables)}]},
    "import_role": lambda variables: tasks({"ansible.builtin.import_role": {"name": ROLE}, "ignore_errors": True, "vars": prefixed(variables)}),
    "apply": lambda variables: tasks(
        {"ansible.builtin.include_role": {"name": ROLE, "apply": {"ignore_errors": True}}, "vars": prefixed(variables)}
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_guard_is_void_under_ignore_errors(cloud: Simulator, tmp_path: Path, way: str) -> None:
    waiting = [cloud.schedule(instance={"name": f"cache-{number}"})["instance_id"] for number in range(3)]
    unreadable = [cloud.schedule(instance={"name": f"locked-{number}"})["instance_id"] for number in range(2)]
    cloud.fault("forbidden", kind="tasks", instance_id=unreadable[0], always=True)
    everything = {*waiting, *unreadable}
    # The variables, a part of the message, and the unsettled instances.
    guards: list[tuple[dict[str, Any], str, set[str]]] = [
        ({}, "Set resize_cancel_instances", set()),
        ({"instances": waiting, "all_pending": True}, "are mutually exclusive", set(waiting)),
        ({"instances": waiting, "max": "two"}, "resize_cancel_max must be a whole number", set(waiting)),
        ({"instances": waiting, "max": 2}, "3 resizes are given, but resize_cancel_max allows 2", set(waiting)),
        ({"all_pending": True, "instance_name": "cache", "max": 2}, "3 resizes are pending, but resize_cancel_max allows 2", set(waiting)),
        ({"all_pending": True, "instance_name": "cache", "max": 0}, "3 resizes are pending, but resize_cancel_max allows 0", set(waiting)),
        ({"all_pending": True}, "dcs:instance:getBackgroundTask", everything),
        ({"instances": "["}, "resize_cancel_instances can't be read", set()),
        ({"instances": [{"taskid": "x"}]}, "did you mean task_id", set()),
        ({"all_pending": True, "instnace_name": "cache"}, "Unknown variable resize_cancel_instnace_name", set()),
        ({"all_pending": True, "instance_name": "{{ mistyped }}"}, "could not be read", set()),
        ({"instances": waiting, "record": str(tmp_path / "missing" / "record.json")}, "(resize_cancel_record) can't be written", set(waiting)),
        ({"instances": waiting, "record": str(tmp_path)}, "(resize_cancel_record) can't be written", set(waiting)),
    ]
    # Each way is tried with guards of each kind, and one way with all of them.
    if way != "roles":
        guards = guards[list(WAYS).index(way) - 1 :: 3]
    # A valid cancel comes first, so that its variables could be reused by mistake.
    first = cloud.schedule()["instance_id"]
    run = run_playbook([WAYS[way](variables) for variables in ({"instances": [first]}, *(guard[0] for guard in guards))], environment=cloud.environment())
    assert run.code == 0, run.output
    good, *refused = [entry["result"]["ansible_facts"]["resize_cancel_result"] for entry in run.results if entry["task"].endswith("Set the result")]
    assert good["cancelled_instance_ids"] == [first]
    assert len(refused) == len(guards)
    for (variables, _message, unsettled), fact in zip(guards, refused):
        assert (fact["changed"], fact["cancelled"], fact["resizes"], set(fact["unsettled_instance_ids"])) == (False, 0, [], unsettled), variables
    assert [request["instance_id"] for request in cloud.requests(kind="cancel")] == [first]
    assert [message for _variables, message, _unsettled in guards if message not in run.output] == []


def test_ten_mistyped_variables_are_refused_with_nothing_sent(cloud: Simulator) -> None:
    cloud.schedule_many(2)
    mistyped = {
        "instnace_name": "instance_name", "inst_name": "instance_name", "tag": "tags", "enterprise_project": "enterprise_project_id", "excludes": "exclude",
        "maximum": "max", "Max": "max", "all_pendings": "all_pending", "regoin": "region", "projectid": "project_id",
    }
    given = [prefixed({"all_pending": True, name: "1"}) for name in mistyped]
    blocks = [
        {
            "block": [{"ansible.builtin.include_role": {"name": ROLE}, "vars": variables}],
            "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}],
        }
        for variables in given
    ]
    run = run_playbook(blocks, environment=cloud.environment())
    assert run.code == 0, run.output
    messages = [entry["result"]["msg"] for entry in run.results if entry["action"].endswith("debug")]
    assert messages == [
        f"Unknown variable resize_cancel_{name}: did you mean resize_cancel_{meant}? Nothing was cancelled." for name, meant in mistyped.items()
    ]
    assert cloud.requests() == []


def included(variables: dict[str, Any]) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": ROLE}, "vars": prefixed(variables)}


def test_variables_may_refer_to_an_earlier_result(cloud: Simulator) -> None:
    first, second, third = (cloud.schedule()["instance_id"] for _number in range(3))
    cloud.fault("forbidden", kind="cancel", instance_id=first)
    # The usual retry within a play; and a filter that would match everything if the fact were lost.
    tasks_of_play = [
        {"block": [included({"instances": [first]})], "rescue": [included({"instances": "{{ resize_cancel_result.unsettled_instance_ids | default([]) }}"})]},
        {"ansible.builtin.set_fact": {"resize_cancel_result": {"too_late_instance_ids": [second]}}},
        included({"all_pending": True, "exclude": "{{ resize_cancel_result.too_late_instance_ids | default([]) }}"}),
    ]
    run = run_playbook(tasks_of_play, environment=cloud.environment())
    assert run.code == 0, run.output
    assert [cancel["instance_id"] for cancel in cloud.effective_cancels()] == [first, third]


def test_the_summary_is_that_of_this_run_whatever_hides_the_fact(cloud: Simulator) -> None:
    waiting = cloud.schedule()["instance_id"]
    stale = {"changed": False, "cancelled": 0, "absent": 5, "resizes": []}
    run = run_playbook([included({"instances": [waiting]})], environment=cloud.environment(), extra_vars={"resize_cancel_result": stale})
    assert run.code == 0, run.output
    summary = run.result(f"{ROLE} : Publish the summary")["ansible_stats"]["data"]["resize_cancel_summary"]
    assert (summary["changed"], summary["cancelled"], summary["absent"], summary["cancelled_instance_ids"]) == (True, 1, 0, [waiting])


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_key_is_tried_once_also_where_a_record_is_written(cloud: Simulator, tmp_path: Path, way: str) -> None:
    waiting = [cloud.schedule()["instance_id"] for _number in range(3)]
    environment = {**cloud.environment(), "HW_SECRET_KEY": "SKwrong0000000000000000000000000000000000"}
    variables = {"instances": waiting, "record": str(tmp_path / "record.json")}
    run = run_playbook([WAYS[way](variables)], environment=environment)
    assert "HTTP 401" in run.output
    assert [request["status"] for request in cloud.requests()] == [401]
    [fact] = [entry["result"]["ansible_facts"]["resize_cancel_result"] for entry in run.results if entry["task"].endswith("Set the result")]
    assert fact["unsettled_instance_ids"] == waiting
