# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many resizes in one task: order, duplicates, concurrency, rejected keys, and waiting."""

from __future__ import annotations

import uuid
from typing import Any

from playbook import run_playbook
from simulator.client import Simulator

CANCEL = "huaweicloud.dcs.dcs_resize_cancel"
INFO = "huaweicloud.dcs.dcs_resize_info"


def kinds(cloud: Simulator, instance_id: str | None = None) -> list[str]:
    return [request["kind"] for request in cloud.requests(instance_id=instance_id)]


def outcomes(result: dict[str, Any]) -> list[str]:
    return [resize["outcome"] for resize in result["resizes"]]


def test_nothing_to_do_needs_nothing(cloud: Simulator) -> None:
    """No credentials, no region, no request."""
    environment = {"HW_METADATA_ENDPOINT": cloud.endpoint, "HW_DCS_ENDPOINT": cloud.endpoint, "HW_AUTH_URL": cloud.endpoint}
    playbook = [
        {"name": "Cancel", CANCEL: {"resizes": []}, "diff": True},
        {"name": "Check", CANCEL: {"resizes": []}, "check_mode": True},
        {"name": "List", INFO: {"instance_ids": []}},
    ]
    run = run_playbook(playbook, environment=environment)
    assert run.code == 0, run.output
    assert [(run.result(name)["changed"], run.result(name)["resizes"]) for name in ("Cancel", "Check", "List")] == [(False, [])] * 3
    assert cloud.requests() == []


def test_from_the_list_to_the_cancel(cloud: Simulator) -> None:
    """The list is passed unchanged, the order is that of the list, and the diff is readable for fifty resizes."""
    resizes = cloud.schedule_many(50)
    others = [cloud.add_instance() for _number in range(20)]
    playbook = [
        {"name": "Find", INFO: {}, "register": "found"},
        {"name": "Predict", CANCEL: {"resizes": "{{ found.resizes }}"}, "check_mode": True, "diff": True},
        {"name": "Cancel", CANCEL: {"resizes": "{{ found.resizes }}"}, "diff": True},
        {"name": "Find again", INFO: {}},
        {"name": "Cancel again", CANCEL: {"resizes": "{{ found.resizes }}"}, "diff": True},
    ]
    run = run_playbook(playbook, environment=cloud.environment())
    assert run.code == 0, run.output
    assert [(resize["instance_id"], resize["task_id"]) for resize in run.result("Find")["resizes"]] == [tuple(resize.values()) for resize in resizes]
    change = "from redis.ha.xu1.large.r2.2 to redis.ha.xu1.large.r2.4"
    lines = [
        f"instance {resize['instance_id']} ({resize['instance_name']}): pending resize {resize['task_id']} {change}\n"
        for resize in run.result("Find")["resizes"]
    ]
    for name in ("Predict", "Cancel"):
        result = run.result(name)
        assert (result["changed"], outcomes(result), result["diff"]) == (True, ["cancelled"] * 50, {"before": "".join(lines), "after": ""})
    assert run.result("Find again")["resizes"] == []
    again = run.result("Cancel again")
    assert (again["changed"], outcomes(again), again["diff"]) == (False, ["absent"] * 50, {"before": "", "after": ""})
    assert {kind for instance_id in others for kind in kinds(cloud, instance_id)} == {"tasks"}
    assert len(cloud.effective_cancels()) == 50


def test_duplicates_are_done_and_reported_once(cloud: Simulator) -> None:
    first, second = cloud.schedule(), cloud.schedule()
    unnamed = {"instance_id": first["instance_id"]}
    entries = [second, first, {**second, "status": "WAITING"}, first, {**unnamed, "task_id": ""}, unnamed]
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": entries, "concurrency": 1}}], environment=cloud.environment())
    result = run.result("Cancel")
    assert [(resize["instance_id"], resize["task_id"], resize["outcome"]) for resize in result["resizes"]] == [
        (second["instance_id"], second["task_id"], "cancelled"),
        (first["instance_id"], first["task_id"], "cancelled"),
        (first["instance_id"], None, "absent"),
    ]
    assert kinds(cloud) == ["cancel", "cancel", "tasks"]


def test_entries_without_a_task_run_after_those_with_one(cloud: Simulator) -> None:
    """Two resizes are pending, and one is requested by its task ID, so that the other one can be found: also in check mode, and if the list lags behind."""
    playbook, worlds = [], []
    cloud.configure(status_after_cancel_lookups=5)
    for check in (True, False):
        instance_id = str(uuid.uuid4())
        named, found = cloud.schedule(instance_id), cloud.schedule(instance_id)
        worlds.append((named, found))
        playbook.append({"name": f"Cancel {check}", CANCEL: {"resizes": [{"instance_id": instance_id}, named]}, "check_mode": check, "diff": True})
    run = run_playbook(playbook, environment=cloud.environment())
    for check, (named, found) in zip((True, False), worlds, strict=True):
        result = run.result(f"Cancel {check}")
        assert [(resize["task_id"], resize["outcome"]) for resize in result["resizes"]] == [(found["task_id"], "cancelled"), (named["task_id"], "cancelled")]
        assert (result["diff"]["before"].count("pending resize"), result["diff"]["after"]) == (2, "")
    assert [cancel["task_id"] for cancel in cloud.effective_cancels()] == [resize["task_id"] for resize in worlds[1]]


def test_one_failure_stops_no_other(cloud: Simulator) -> None:
    resizes = cloud.schedule_many(12)
    faults = {1: "forbidden", 3: "instance_gone", 5: {"fault": "refused", "code": "DCS.4017"}, 7: "busy"}
    for number, fault in faults.items():
        cloud.fault(fault, kind="cancel", instance_id=resizes[number]["instance_id"], always=True)
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": resizes}, "ignore_errors": True}], environment=cloud.environment())
    result = run.result("Cancel")
    assert outcomes(result) == ["failed" if number in faults else "cancelled" for number in range(12)]
    assert [resize["instance_id"] for resize in result["resizes"]] == [resize["instance_id"] for resize in resizes]
    assert (run.failed("Cancel"), result["changed"]) == (True, True)
    assert result["msg"].startswith("4 of 12 resizes failed. ")
    assert all(f"{resizes[number]['instance_id']}: " in result["msg"] for number in faults)


def test_concurrency(cloud: Simulator) -> None:
    """One request at a time until one has been accepted; then as many as set, and no more."""
    # However slow the machine is, the second to the seventh request are sent before one of them gets its response.
    cloud.fault("normal", {"fault": "delay", "milliseconds": 3000, "times": 6})
    resizes = cloud.schedule_many(24)
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": resizes, "concurrency": 6}}], environment=cloud.environment())
    assert outcomes(run.result("Cancel")) == ["cancelled"] * 24
    first, *rest = cloud.requests()
    assert all(request["time"] >= first["ended"] for request in rest)
    assert cloud.state()["most_in_flight"] == 6
    assert len({request["peer_port"] for request in cloud.requests()}) == 6, "connections are used again"


def test_refused_keys_cost_one_request(cloud: Simulator) -> None:
    """An access key is locked after more than five failures in a row."""
    cloud.fault("unauthorized", always=True)
    resizes = cloud.schedule_many(20)
    playbook = [
        {"name": "Named", CANCEL: {"resizes": resizes, "concurrency": 64}, "ignore_errors": True},
        {"name": "Found", CANCEL: {"resizes": [{"instance_id": resize["instance_id"]} for resize in resizes]}, "ignore_errors": True},
        {"name": "Predicted", CANCEL: {"resizes": resizes}, "check_mode": True, "ignore_errors": True},
        {"name": "Listed", INFO: {"instance_ids": [resize["instance_id"] for resize in resizes]}, "ignore_errors": True},
    ]
    run = run_playbook(playbook, environment=cloud.environment())
    assert kinds(cloud) == ["cancel", "tasks", "tasks", "tasks"]
    for name in ("Named", "Found", "Predicted"):
        result = run.result(name)
        assert sorted(outcomes(result)) == ["failed", *["not_attempted"] * 19]
        assert (run.failed(name), result["changed"]) == (True, False)
    assert sorted(error["code"] for error in run.result("Listed")["errors"]) == ["APIGW.0301", *["Stopped"] * 19]
    assert cloud.state()["locks"] == []
    assert cloud.effective_cancels() == []


def test_keys_that_expire_half_way_stop_the_rest(cloud: Simulator) -> None:
    cloud.fault({"fault": "normal", "times": 9}, "unauthorized", always=True)
    resizes = cloud.schedule_many(30)
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": resizes, "concurrency": 1}, "ignore_errors": True}], environment=cloud.environment())
    result = run.result("Cancel")
    assert outcomes(result) == ["cancelled"] * 9 + ["failed"] + ["not_attempted"] * 20
    assert (run.failed("Cancel"), result["changed"]) == (True, True)
    assert len(cloud.requests()) == 10


def test_keys_that_expire_while_many_are_in_flight(cloud: Simulator) -> None:
    cloud.configure(latency_ms=20)
    cloud.fault({"fault": "normal", "times": 9}, "unauthorized", always=True)
    resizes = cloud.schedule_many(30)
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": resizes, "concurrency": 4}, "ignore_errors": True}], environment=cloud.environment())
    seen = outcomes(run.result("Cancel"))
    assert seen.count("cancelled") == len(cloud.effective_cancels()) == 9
    # Requests in flight at that moment are refused, too; nothing is sent after it.
    assert 1 <= seen.count("failed") <= 4
    assert seen.count("failed") + seen.count("not_attempted") == 21
    assert cloud.state()["locks"] == []


# ---- Waiting


def test_wait(cloud: Simulator) -> None:
    resizes = cloud.schedule_many(3)
    cloud.configure(extending_after_cancel_reads=1)
    cloud.fault({"fault": "normal", "after": "remove"}, kind="cancel", instance_id=resizes[2]["instance_id"])
    run = run_playbook([{"name": "Cancel", CANCEL: {"resizes": resizes, "wait": True}}], environment=cloud.environment())
    assert outcomes(run.result("Cancel")) == ["cancelled"] * 3
    # The last instance is gone, which counts as having left EXTENDING.
    assert [kinds(cloud, resize["instance_id"]).count("instance") for resize in resizes] == [2, 2, 1]


def test_wait_that_does_not_succeed(cloud: Simulator) -> None:
    """The outcome stays `cancelled`, however the wait ends."""
    cloud.configure(extending_after_cancel_seconds=600)
    playbook, ids = [], {}
    for name in ("slow", "forbidden", "predicted"):
        resize = ids[name] = cloud.schedule()
        playbook.append({"name": name, CANCEL: {**resize, "wait": True, "wait_timeout": 1}, "ignore_errors": True, "check_mode": name == "predicted"})
    cloud.fault("forbidden", kind="instance", instance_id=ids["forbidden"]["instance_id"], always=True)
    run = run_playbook(playbook, environment=cloud.environment())
    for name, code in (("slow", "WaitTimeout"), ("forbidden", "DCS.3002"), ("predicted", None)):
        result = run.result(name)
        (resize,) = result["resizes"]
        assert (resize["outcome"], resize["changed"], result["changed"]) == ("cancelled", True, True)
        assert (run.failed(name), resize["error"] and resize["error"]["code"]) == (code is not None, code)
    assert "EXTENDING" in run.result("slow")["msg"]
    assert kinds(cloud, ids["predicted"]["instance_id"]) == ["tasks"]
