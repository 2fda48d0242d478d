# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public API responds as documented."""

from __future__ import annotations

import datetime
import json

import pytest
from official_caller import INSTANCE, OTHER_INSTANCE, OTHER_TASK, TASK, Caller
from simulator.client import Simulator, SimulatorError

# The examples on the API reference page of CancelInstanceResize.
SUCCESS = '{\n  "result" : "success"\n}'
NOT_EXTENDING = '{\n  "error_code" : "DCS.4239",\n  "error_msg" : "The instance status is not extending."\n}'


def normal(text: str) -> bytes:
    """JSON text with normalized white space."""
    return json.dumps(json.loads(text)).encode()


def test_a_waiting_resize_is_cancelled_once(waiting: Simulator, caller: Caller) -> None:
    first, second = caller.call("cancel"), caller.call("cancel")
    assert (first.status, first.content) == (200, normal(SUCCESS))
    assert (second.status, second.content) == (400, normal(NOT_EXTENDING))
    assert [(cancel["task_id"], cancel["by"]) for cancel in waiting.effective_cancels()] == [(TASK, "api")]
    assert [request["effective"] for request in waiting.requests(kind="cancel")] == [True, False]
    assert caller.call("tasks").json()["tasks"][0]["status"] == "CANCELLED"


@pytest.mark.parametrize("event", ["start", "finish", "fail", "cancel"])
def test_a_resize_that_no_longer_waits_is_not_cancelled(waiting: Simulator, caller: Caller, event: str) -> None:
    getattr(waiting, event)(INSTANCE)
    assert caller.call("cancel").code == "DCS.4239"
    assert [cancel["by"] for cancel in waiting.effective_cancels()] == ["somebody else"] * (event == "cancel")
    status = {"start": "EXECUTING", "finish": "SUCCESS", "fail": "FAILED", "cancel": "CANCELLED"}[event]
    assert caller.call("tasks").json()["tasks"][0]["status"] == status
    shown = caller.call("instance").json()
    assert shown["status"] == ("EXTENDING" if event == "start" else "RUNNING")
    assert shown["capacity"] == (4 if event == "finish" else 2)


def test_ids(waiting: Simulator, caller: Caller) -> None:
    waiting.schedule(OTHER_INSTANCE, task_id=OTHER_TASK)
    answers = [
        caller.call("cancel", task_id=OTHER_TASK), caller.call("cancel", task_id="f" * 32), caller.call("cancel", task_id="typo"),
        caller.call("cancel", instance_id="typo"), caller.call("cancel", instance_id=INSTANCE.replace("5", "6")),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [
        (400, "DCS.4239"), (400, "DCS.4239"), (400, "DCS.4070"), (400, "DCS.4061"), (404, "DCS.3022"),
    ]
    assert waiting.effective_cancels() == []


def test_only_resizes_are_cancelled(cloud: Simulator, caller: Caller) -> None:
    cloud.add_instance(INSTANCE)
    cloud.add_tasks(INSTANCE, task_id=TASK, name="AddReplica", status="WAITING")
    assert caller.call("cancel").code == "DCS.4239"


def test_an_unpublished_api(cloud: Simulator, caller: Caller) -> None:
    for method, path in (("DELETE", caller.path("tasks")[1] + f"/{TASK}"), ("GET", "/v2"), ("GET", caller.path("cancel")[1])):
        answer = caller.send(*caller.sign(method, path))
        assert (answer.status, answer.code) == (404, "APIGW.0101")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert cloud.requests()[0]["kind"] is None


@pytest.mark.parametrize(("immediately", "status"), [(False, "WAITING"), (True, "EXECUTING"), (None, "EXECUTING")])
def test_scheduling(cloud: Simulator, caller: Caller, immediately: bool | None, status: str) -> None:
    cloud.add_instance(INSTANCE)
    body = {"spec_code": "redis.ha.xu1.large.r2.8", "new_capacity": 8}
    answer = caller.call("resize", body=body if immediately is None else {**body, "execute_immediately": immediately})
    assert (answer.status, answer.content) == (204, b"")
    (task,) = caller.call("tasks").json()["tasks"]
    assert task["status"] == status
    assert {"details", "user_name", "user_id", "params", "created_at", "updated_at", "enable_show"} < set(task)
    assert caller.call("resize", body=body).code == "DCS.4113"
    capacities = ({**body, "new_capacity": value} for value in ("8", 8.0, True, 0, 1.5, None))
    wrong = [{}, [], {"spec_code": "x"}, *capacities, {**body, "execute_immediately": "false"}]
    assert [caller.call("resize", body=words).code for words in wrong] == ["DCS.4000"] * len(wrong)


def test_pages_of_tasks(cloud: Simulator, caller: Caller) -> None:
    cloud.add_instance(INSTANCE)
    for day in range(1, 26):
        cloud.add_tasks(INSTANCE, name="BindEip", status="SUCCESS", created_at=f"2026-01-{day:02d}T00:00:00Z")

    def days(**query: object) -> list[int]:
        return [int(task["created_at"][8:10]) for task in caller.call("tasks", query).json()["tasks"]]

    assert days() == list(range(25, 15, -1))
    assert days(offset=3, limit=4) == [22, 21, 20, 19]
    assert days(offset=20, limit=10) == [5, 4, 3, 2, 1]
    assert days(offset=25) == []
    assert days(start_time="20260110000000", end_time="20260112000000") == [12, 11, 10]
    assert caller.call("tasks", {"limit": 1000}).json()["task_count"] == 25
    for query in ({"limit": 0}, {"limit": 1001}, {"offset": -1}, {"limit": "many"}, {"start_time": "2026-01-01"}):
        assert caller.call("tasks", query).status == 400


def test_lists_of_instances(cloud: Simulator, caller: Caller) -> None:
    cloud.add_instance(INSTANCE, name="cache", capacity=0.125)
    for number in range(12):
        cloud.add_instance(name=f"cache-{number}", status="RUNNING" if number % 2 else "CLOSED")
    cloud.add_instance(name="elsewhere", project_id="f" * 32)

    def names(**query: object) -> list[str]:
        return [instance["name"] for instance in caller.call("instances", query).json()["instances"]]

    assert names() == ["cache"] + [f"cache-{number}" for number in range(9)]
    assert names(offset=10) == ["cache-9", "cache-10", "cache-11"]
    assert names(name="che-1", limit=1000) == ["cache-1", "cache-10", "cache-11"]
    assert names(name="cache", name_equal="true") == ["cache"]
    assert names(instance_id=INSTANCE) == ["cache"]
    assert names(status="CLOSED", limit=2) == ["cache-0", "cache-2"]
    assert caller.call("instances").json()["instance_num"] == 13
    assert caller.call("instance").json()["capacity_minor"] == ".125"


def test_tags_and_enterprise_projects(cloud: Simulator, caller: Caller) -> None:
    env, team = {"key": "env", "value": "prod"}, {"key": "team", "value": "cache"}
    cloud.add_instance(INSTANCE, tags={"env": "prod", "team": "cache"}, enterprise_project_id="f0d5c8a1-0000-4000-8000-000000000001")
    cloud.add_instance(OTHER_INSTANCE, tags={"env": "prod"})
    listed = caller.call("instances").json()["instances"]
    assert [instance["tags"] for instance in listed] == [[env, team], [env]]
    assert [instance["enterprise_project_id"] for instance in listed] == ["f0d5c8a1-0000-4000-8000-000000000001", "0"]
    shown = caller.call("instance", instance_id=OTHER_INSTANCE).json()
    assert (shown["tags"], shown["enterprise_project_id"], shown["enterprise_project_name"]) == (listed[1]["tags"], "0", "default")

    def found(tags: str) -> list[str]:
        return [instance["instance_id"] for instance in caller.call("instances", {"tags": tags}).json()["instances"]]

    assert [found(tags) for tags in ("env=prod", "env=prod,team=cache", "env=test", "team=")] == [[INSTANCE, OTHER_INSTANCE], [INSTANCE], [], []]
    assert [caller.call("instances", {"tags": tags}).status for tags in ("env", "=prod")] == [400, 400]
    for wrong in ([{"key": "env", "value": "prod"}], {"env": 1}):
        with pytest.raises(SimulatorError, match="tags are an object with texts"):
            cloud.add_instance(tags=wrong)


def test_half_a_surrogate_pair_is_sent_as_an_escape(cloud: Simulator, caller: Caller) -> None:
    cloud.add_instance(INSTANCE, name="caf\u00e9")
    assert "caf\u00e9".encode() in caller.call("instance").content
    cloud.add_instance(INSTANCE, name="\ud83d")
    assert b'"\\ud83d"' in caller.call("instance").content


def test_projects(cloud: Simulator, caller: Caller) -> None:
    projects = caller.call("projects", {"name": "cn-north-4"}).json()["projects"]
    assert [project["id"] for project in projects] == [caller.project_id]
    assert caller.call("projects", {"name": "cn-north"}).json()["projects"] == []
    cloud.change_account(caller.access_key, projects=[])
    assert caller.call("projects").json()["projects"] == []
    assert caller.call("instances").code == "DCS.2003"


def test_time_passes(cloud: Simulator, caller: Caller) -> None:
    cloud.configure(work_seconds=60)
    cloud.schedule(INSTANCE, task_id=TASK, starts_after=30)
    statuses = []
    for _step in range(4):
        statuses.append(caller.call("tasks").json()["tasks"][0]["status"])
        cloud.advance(29.9)
    assert statuses == ["WAITING", "WAITING", "EXECUTING", "EXECUTING"]
    assert caller.call("tasks").json()["tasks"][0]["status"] == "SUCCESS"
    assert caller.call("instance").json()["spec_code"] == "redis.ha.xu1.large.r2.4"


def test_metadata(cloud: Simulator, caller: Caller) -> None:
    def token(seconds: str = "21600") -> tuple[int, str]:
        answer = caller.send("PUT", "/meta-data/latest/api/token", {"X-Metadata-Token-Ttl-Seconds": seconds})
        return answer.status, answer.content.decode()

    def credential(value: str = "") -> tuple[int, dict[str, str]]:
        answer = caller.send("GET", "/openstack/latest/securitykey", {"X-Metadata-Token": value})
        return answer.status, answer.json()["credential"] if answer.content else {}

    assert credential()[0] == 401
    status, keys = credential(token()[1])
    assert status == 200
    assert datetime.datetime.fromisoformat(keys["expires_at"].replace("Z", "+00:00")) > datetime.datetime.now(datetime.timezone.utc)
    signing = {"access_key": keys["access"], "secret_key": keys["secret"]}
    assert caller.call("projects", headers={"X-Security-Token": keys["securitytoken"]}, **signing).status == 200
    cloud.configure(metadata_expired=True)
    assert datetime.datetime.fromisoformat(credential(token()[1])[1]["expires_at"].replace("Z", "+00:00")) < datetime.datetime.now(datetime.timezone.utc)
    for refused in (404, 405, 503):
        cloud.configure(metadata_token_status=refused)
        assert token()[0] == refused
        assert credential()[0] == 200
    cloud.configure(metadata_agency=False)
    assert credential()[0] == 404
