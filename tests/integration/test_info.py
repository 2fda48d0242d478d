# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listing resizes: of the project, by name, of some instances; filters, pages, and read errors."""

from __future__ import annotations

import datetime
import uuid
from typing import Any
from urllib.parse import parse_qsl

from playbook import run_playbook
from simulator.client import Simulator

INFO = "huaweicloud.dcs.dcs_resize_info"


def task(name: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, INFO: arguments, "ignore_errors": True, **more}


def query(request: dict[str, Any]) -> dict[str, str]:
    return dict(parse_qsl(request["query"]))


def found(result: dict[str, Any]) -> list[str]:
    return [resize["task_id"] for resize in result["resizes"]]


def test_what_is_listed(cloud: Simulator) -> None:
    """Resizes of the project, by name, of some instances, in each status. Never `changed`, and the same in check mode."""
    waiting = cloud.schedule(instance={"name": "cache-a"})
    created = cloud.schedule(status="CREATED", name="ChangeInstanceSpec", instance={"name": "cache-b"})
    done = cloud.schedule(instance={"name": "sessions"})
    cloud.finish(done["instance_id"])
    other = cloud.add_instance(name="cache-c")
    cloud.add_tasks(other, name="BindEip", status="WAITING")
    ids = [other, done["instance_id"], waiting["instance_id"]]
    playbook = [
        task("project", {}),
        task("checked", {}, check_mode=True, diff=True),
        task("named", {"instance_name": "cache-"}),
        task("some", {"instance_ids": ids}),
        task("all of some", {"instance_ids": ids, "status": []}),
        task("done", {"status": "success"}),
        task("none", {"status": ["EXECUTING"]}),
        task("mistyped", {"status": ["WAITTING"]}),
        task("blank", {"instance_ids": None, "instance_name": "", "status": "", "start_time": " ", "end_time": None}),
        task("no instance", {"instance_ids": []}),
    ]
    run = run_playbook(playbook, environment=cloud.environment())
    assert run.stats["localhost"]["changed"] == 0
    expected = {
        "project": [waiting, created],
        "checked": [waiting, created],
        "named": [waiting, created],
        "some": [waiting],
        "all of some": [done, waiting],
        "done": [done],
        "none": [],
        "mistyped": [],
        "blank": [waiting, created],
        "no instance": [],
    }
    for name, resizes in expected.items():
        result = run.result(name)
        assert found(result) == [resize["task_id"] for resize in resizes], name
        assert (run.failed(name), result["changed"], result["errors"], len(run.warnings(name))) == (False, False, [], int(name == "mistyped")), name
    assert run.warnings("mistyped")[0].startswith("No resize has the status 'WAITTING'")
    row = run.result("some")["resizes"][0]
    assert (row["instance_name"], row["instance_status"], row["maintain_begin"], row["maintain_end"]) == ("cache-a", "RUNNING", "18:00:00", "22:00:00")
    assert (row["old_capacity"], row["new_capacity"], row["details"]["new_capacity"]) == (2.0, 4.0, "4")
    assert row == run.result("project")["resizes"][0]
    assert {request["method"] for request in cloud.requests()} == {"GET"}


def test_only_the_instances_asked_for(cloud: Simulator) -> None:
    """By name, tags, enterprise project and exclusion, whatever the API does with a query; the tasks of no other instance are read."""
    cloud.configure(name_query="ignored")
    project = "3f1e5c10-0000-4000-8000-00000000000a"
    resizes = {
        name: cloud.schedule(instance={"name": name, "tags": tags, "enterprise_project_id": enterprise_project_id})
        for name, tags, enterprise_project_id in (
            ("cache-a", {"env": "prod", "team": "web"}, "0"),
            ("cache-b", {"env": "prod"}, project),
            ("Cache-C", {"env": "test"}, project),
            ("sessions", {}, "0"),
        )
    }
    ids = {name: resize["instance_id"] for name, resize in resizes.items()}
    expected = {
        "name": ({"instance_name": "cache-"}, "cache-a cache-b Cache-C"),
        "tag": ({"tags": {"env": "prod"}}, "cache-a cache-b"),
        "tags": ({"tags": {"env": "prod", "team": "web"}}, "cache-a"),
        "tags as text": ({"tags": "env=prod,team=web"}, "cache-a"),
        "project": ({"enterprise_project_id": project.upper()}, "cache-b Cache-C"),
        "default project": ({"enterprise_project_id": 0}, "cache-a sessions"),
        "exclude": ({"exclude": [ids["cache-a"].upper(), "SESSIONS"]}, "cache-b Cache-C"),
        "exclude text": ({"exclude": f"sessions, {ids['cache-b']}"}, "cache-a Cache-C"),
        "all": ({"instance_name": "cache", "tags": {"env": "prod"}, "enterprise_project_id": project, "exclude": ["cache-a"]}, "cache-b"),
        "nothing": ({"tags": {"env": "none"}}, ""),
        "blank": ({"instance_name": "", "tags": "", "enterprise_project_id": " ", "exclude": ""}, "cache-a cache-b Cache-C sessions"),
    }
    wrong = {
        "typo": {"exclude": ["sesions"]},
        "both": {"instance_ids": list(ids.values()), "exclude": ["sessions"]},
        "boolean": {"tags": {"env": True}},
    }
    options = {**{name: arguments for name, (arguments, _names) in expected.items()}, **wrong}
    run = run_playbook([task(name, arguments) for name, arguments in options.items()], environment=cloud.environment())
    for name, (_arguments, names) in expected.items():
        assert found(run.result(name)) == [resizes[instance]["task_id"] for instance in names.split()], name
        assert (run.failed(name), run.warnings(name)) == (False, []), name
    assert (len(found(run.result("typo"))), len(run.warnings("typo"))) == (4, 1)
    assert "match no instance of the project: 'sesions'" in run.warnings("typo")[0]
    assert [(run.failed(name), run.result(name)["resizes"], run.result(name)["errors"]) for name in ("both", "boolean")] == [(True, [], [])] * 2
    read = [request["instance_id"] for request in cloud.requests(kind="tasks")]
    assert sorted(read) == sorted([*(ids[name] for _arguments, names in expected.values() for name in names.split()), *ids.values()])


def test_a_list_without_what_is_asked_for(cloud: Simulator) -> None:
    """Older editions of the API may not list tags: then no instance is assumed to match."""
    cloud.configure(fields_not_listed=["tags", "enterprise_project_id"])
    cloud.schedule(instance={"tags": {"env": "prod"}})
    playbook = [task("tags", {"tags": {"env": "prod"}}), task("project", {"enterprise_project_id": "0"}), task("neither", {"instance_name": "dcs"})]
    run = run_playbook(playbook, environment=cloud.environment())
    for name in ("tags", "project"):
        result = run.result(name)
        assert (run.failed(name), result["resizes"], [error["code"] for error in result["errors"]]) == (True, [], ["UnexpectedAnswer"])
        assert "Use instance_ids instead" in result["msg"]
    assert len(found(run.result("neither"))) == 1


def test_the_next_window(cloud: Simulator) -> None:
    """Now if the window is open, even across midnight; otherwise the time when it opens next."""
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    def at(hours: float) -> str:
        return f"{before + datetime.timedelta(hours=hours):%H:%M:%S}"

    windows = {"open": (at(-12), at(11)), "later": (at(2), at(6)), "over": (at(-6), at(-2)), "unknown": ("", "22:00:00")}
    ids = {name: cloud.schedule(instance={"maintain_begin": begin, "maintain_end": end})["instance_id"] for name, (begin, end) in windows.items()}
    run = run_playbook([task("List", {}), task("Read", {"instance_ids": list(ids.values())})], environment=cloud.environment())
    after = datetime.datetime.now(datetime.timezone.utc)
    for name in ("List", "Read"):
        next_windows = {resize["instance_id"]: resize["next_window_begin"] for resize in run.result(name)["resizes"]}
        moments = {window: next_windows[instance_id] for window, instance_id in ids.items()}
        assert moments.pop("unknown") is None
        opens, later, over = (datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z") for text in moments.values())
        assert before <= opens <= after
        assert (later - before, over - before) == (datetime.timedelta(hours=2), datetime.timedelta(hours=18))


def test_the_times_are_sent_and_count(cloud: Simulator) -> None:
    instance_id = str(uuid.uuid4())
    moments = ["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"]
    old, middle, new = (cloud.schedule(instance_id, created_at=moment)["task_id"] for moment in moments)
    playbook = [
        task("from", {"instance_ids": [instance_id], "start_time": "20260115000000"}),
        task("to", {"start_time": "", "end_time": "20260215000000"}),
        task("between", {"start_time": "20260115000000", "end_time": "20260215000000"}),
        task("wrong", {"start_time": "2026-01-15"}),
    ]
    run = run_playbook(playbook, environment=cloud.environment())
    assert [found(run.result(name)) for name in ("from", "to", "between")] == [[new, middle], [middle, old], [middle]]
    sent = [{name: value for name, value in query(request).items() if name.endswith("_time")} for request in cloud.requests(kind="tasks")]
    start, end = {"start_time": "20260115000000"}, {"end_time": "20260215000000"}
    assert sent == [start, end, {**start, **end}]
    assert run.failed("wrong")
    assert run.result("wrong")["resizes"] == run.result("wrong")["errors"] == []


def test_every_page_is_read_and_several_instances_at_once(cloud: Simulator) -> None:
    cloud.configure(page_cap=7, task_count_type="string")
    # However slow the machine is: five have been sent before one of them is answered.
    cloud.fault({"fault": "delay", "milliseconds": 3000, "times": 5}, kind="tasks")
    resizes = cloud.schedule_many(30)
    first = resizes[0]["instance_id"]
    cloud.add_tasks(first, count=20, name="BindEip", status="SUCCESS")
    run = run_playbook([task("List", {"concurrency": 5})], environment=cloud.environment())
    assert found(run.result("List")) == [resize["task_id"] for resize in resizes]
    requests = cloud.requests()
    assert [query(request)["offset"] for request in requests if request["kind"] == "instances"] == ["0", "7", "14", "21", "28"]
    assert [query(request)["offset"] for request in requests if request["instance_id"] == first] == ["0", "7", "14"]
    assert cloud.state()["most_in_flight"] == 5


def test_what_can_not_be_read(cloud: Simulator) -> None:
    good, gone, forbidden, unseen = cloud.schedule_many(4)
    cloud.fault("removed_meanwhile", kind="tasks", instance_id=gone["instance_id"])
    playbook = [task("vanished", {}), task("named", {"instance_ids": [resize["instance_id"] for resize in (gone, forbidden, good, unseen)]})]
    cloud.fault({"fault": "normal"}, "forbidden", kind="tasks", instance_id=forbidden["instance_id"], always=True)
    cloud.fault("forbidden", kind="instance", instance_id=unseen["instance_id"], always=True)
    run = run_playbook(playbook, environment=cloud.environment())

    assert found(run.result("vanished")) == [resize["task_id"] for resize in (good, forbidden, unseen)]
    assert (run.failed("vanished"), run.result("vanished")["errors"], len(run.warnings("vanished"))) == (False, [], 1)

    result = run.result("named")
    assert found(result) == [good["task_id"], unseen["task_id"]]
    assert [row["instance_name"] is None for row in result["resizes"]] == [False, True]
    assert [(error["instance_id"], error["code"], error["http_status"]) for error in result["errors"]] == [
        (gone["instance_id"], "DCS.3022", 404),
        (forbidden["instance_id"], "DCS.3002", 403),
    ]
    assert (run.failed("named"), result["changed"]) == (True, False)
    assert all(error["request_id"] for error in result["errors"])
    assert gone["instance_id"] in result["msg"]
    assert "dcs:instance:getBackgroundTask" in result["msg"]
    assert "dcs:instance:get" in run.warnings("named")[0]


def test_a_project_that_can_not_be_listed(cloud: Simulator) -> None:
    cloud.fault("forbidden", kind="instances", always=True)
    run = run_playbook([task("List", {})], environment=cloud.environment())
    result = run.result("List")
    assert (run.failed("List"), result["changed"], result["resizes"]) == (True, False, [])
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(None, "DCS.3002")]
    assert "dcs:instance:list" in result["msg"]


def test_whatever_the_texts_hold(cloud: Simulator) -> None:
    """Lone surrogates, keys that Ansible reserves and deep structures lose no resize, and none of the keys that are always returned."""
    nested: Any = "end"
    for _level in range(400):
        nested = {"inner": [nested]}
    reserved = {"_ansible_no_log": True, "ansible_facts": {"found": 1}, "exception": "none", "__ansible_type": "none", "__ansible_unsafe": "none", "msg": 7}
    details = ({"new_capacity": "\ud83d", "\udfff": 1}, reserved, {"new_capacity": "8", "nested": nested})
    resizes = [cloud.schedule(instance={"name": "cache \ud83d", "tags": {"env": "\ud83d"}}, details=each) for each in details]
    playbook = [
        task("List", {"tags": {"team": "none"}}),
        task("Find", {}, register="found"),
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ found }}"}},
        {"name": "Predict", "huaweicloud.dcs.dcs_resize_cancel": {"resizes": "{{ found.resizes }}"}, "check_mode": True, "diff": True},
    ]
    run = run_playbook(playbook, "-v", environment=cloud.environment())
    assert run.code == 0, run.output
    assert (run.failed("List"), found(run.result("List"))) == (False, [])
    assert found(run.result("Find")) == [resize["task_id"] for resize in resizes]
    assert [resize["outcome"] for resize in run.result("Predict")["resizes"]] == ["cancelled"] * 3
