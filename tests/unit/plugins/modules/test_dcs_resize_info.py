# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module itself: its options, resizes, errors and warnings."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_info
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK, Script, task

CONNECTION = {"access_key": "AK-of-a-test", "secret_key": "SK-is-secret", "region": "cn-north-4", "project_id": PROJECT, "max_retries": 0, "concurrency": 1}
INSTANCES = f"/v2/{PROJECT}/instances"


def run(arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return run_module(dcs_resize_info, {**CONNECTION, **arguments}, **more)


def expect_instances(script: Script, *ids: str, **more: Any) -> None:
    rows = [
        {"instance_id": instance_id, "name": f"name of {instance_id}", "status": "RUNNING", "maintain_begin": "18:00:00", "maintain_end": "22:00:00", **more}
        for instance_id in ids
    ]
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, body={"instance_num": len(rows), "instances": rows})


@pytest.mark.parametrize("mode", [{}, {"check": True}, {"diff": True}])
def test_the_project(script: Script, monkeypatch: pytest.MonkeyPatch, mode: dict[str, bool]) -> None:
    monkeypatch.setattr(dcs_resize_info, "utc_now", lambda: datetime.datetime(2026, 1, 31, 9, 10, tzinfo=datetime.timezone.utc))
    expect_instances(script, INSTANCE)
    row = task()
    script.expect_tasks(task("SUCCESS", task_id="old"), row)
    result = run({}, **mode)
    result.pop("invocation", None)
    assert result == {
        "changed": False,
        "resizes": [
            {
                "instance_id": INSTANCE,
                "instance_name": f"name of {INSTANCE}",
                "instance_status": "RUNNING",
                "maintain_begin": "18:00:00",
                "maintain_end": "22:00:00",
                "task_id": TASK,
                "task_name": "EXTEND",
                "status": "WAITING",
                "next_window_begin": "2026-01-31T18:00:00Z",
                "user_name": "operator",
                "created_at": row["created_at"],
                "updated_at": row["updated_at"],
                "old_spec_code": "old.spec",
                "new_spec_code": "new.spec",
                "old_capacity": 4.0,
                "new_capacity": 8.0,
                "details": row["details"],
            }
        ],
        "errors": [],
        "warnings": [],
    }


def test_filters_of_tasks_are_sent_and_filters_of_instances_are_not(script: Script) -> None:
    tags = [{"key": "env", "value": "prod"}, {"key": "tier", "value": "1"}, {"key": "bare", "value": ""}]
    expect_instances(script, "i0", "i1", tags=tags, enterprise_project_id="0")
    query = {"start_time": "20260101000000", "end_time": "20260201000000", "offset": 0, "limit": 1000}
    script.expect("GET", f"{INSTANCES}/i0/tasks", query, body={"task_count": 1, "tasks": [task("success")]})
    of_tasks = {"status": ["SUCCESS"], "start_time": "20260101000000", "end_time": "20260201000000"}
    of_instances = {"instance_name": "NAME", "tags": {" env": "prod ", "tier": 1, "bare": None}, "enterprise_project_id": 0, "exclude": ["I1 "]}
    result = run({**of_tasks, **of_instances})
    assert ([resize["status"] for resize in result["resizes"]], result["warnings"]) == (["success"], [])


@pytest.mark.parametrize("blank", [None, "", " "])
def test_blank_is_unset(script: Script, blank: object) -> None:
    expect_instances(script, "i0")
    script.expect_tasks(task(), task("EXECUTING", task_id="other"), instance_id="i0")
    unset = dict.fromkeys(dcs_resize_info.OPTIONS, blank)
    assert len(run({**unset, "timeout": blank})["resizes"]) == 1


@pytest.mark.parametrize("blank", [None, "", " "])
def test_what_is_blank_excludes_nothing_else(script: Script, blank: object) -> None:
    script.expect_tasks()
    assert not run({"instance_ids": [INSTANCE], **dict.fromkeys(dcs_resize_info.FILTERS, blank)}).get("failed")


def test_an_empty_list_of_statuses_means_all(script: Script) -> None:
    script.expect_tasks(task(), task("EXECUTING", task_id="b"), task("SUCCESS", "ChangeInstanceSpec", "c"), task("SUCCESS", "BindEip", "d"))
    script.expect_instance(name="cache")
    assert [resize["task_id"] for resize in run({"instance_ids": [INSTANCE], "status": []})["resizes"]] == [TASK, "b", "c"]


def test_an_empty_list_of_instances_needs_no_credentials(script: Script) -> None:
    result = run_module(dcs_resize_info, {"instance_ids": []})
    assert (result["changed"], result["resizes"], result["errors"]) == (False, [], [])
    assert script.requests == []


def test_an_instance_that_was_not_read_leaves_nulls(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_instance(403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = run({"instance_ids": [INSTANCE]})
    (resize,) = result["resizes"]
    assert [resize[key] for key in ("instance_id", "instance_name", "instance_status", "maintain_begin", "maintain_end", "next_window_begin")] == [
        INSTANCE, *[None] * 5
    ]
    assert len(result["warnings"]) == 1
    assert not result.get("failed")


def test_vanished_or_named(script: Script) -> None:
    gone = {"error_code": "DCS.3022", "error_msg": "gone"}
    expect_instances(script, "i0", "i1")
    script.expect_tasks(instance_id="i0", status=404, body=gone)
    script.expect_tasks(task(), instance_id="i1")
    result = run({})
    assert (len(result["resizes"]), result["errors"], len(result["warnings"])) == (1, [], 1)

    script.expect_tasks(instance_id="i0", status=404, body=gone)
    script.expect_tasks(task(), instance_id="i1")
    script.expect_instance(instance_id="i1")
    result = run({"instance_ids": ["i0", "i1"]})
    assert (result["failed"], result["changed"], len(result["resizes"])) == (True, False, 1)
    assert [(error["instance_id"], error["code"], error["http_status"]) for error in result["errors"]] == [("i0", "DCS.3022", 404)]
    assert result["msg"].startswith("1 of 2 instances failed. i0: ")


def test_a_project_that_can_not_be_listed(script: Script) -> None:
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = run({})
    assert (result["failed"], result["changed"], result["resizes"]) == (True, False, [])
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(None, "DCS.2003")]
    assert "dcs:instance:list" in result["msg"]


def test_a_401_stops_the_rest(script: Script) -> None:
    expect_instances(script, "i0", "i1", "i2")
    script.expect_tasks(instance_id="i0", status=401, body={"error_code": "APIGW.0301", "error_msg": "no"})
    result = run({})
    assert [error["code"] for error in result["errors"]] == ["APIGW.0301", "Stopped", "Stopped"]


@pytest.mark.parametrize(("status", "code"), [(401, "APIGW.0301"), (404, "DCS.3022")])
def test_what_is_known_of_an_instance_is_told_although_it_fails(script: Script, status: int, code: str) -> None:
    script.expect_tasks(task())
    script.expect_instance(status, body={"error_code": code, "error_msg": "no"})
    result = run({"instance_ids": [INSTANCE]})
    assert (result["failed"], [resize["instance_name"] for resize in result["resizes"]]) == (True, [None])
    assert [error["code"] for error in result["errors"]] == [code]


@pytest.mark.parametrize("statuses", [[""], ["WAITING", "  "]])
def test_a_blank_status_is_not_taken_for_none(script: Script, statuses: list[str]) -> None:
    result = run({"status": statuses})
    assert "status must not have blank entries" in result["msg"]
    assert script.requests == []


def test_blanks_around_a_status_do_not_matter(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_instance()
    assert len(run({"instance_ids": [INSTANCE], "status": [" waiting "]})["resizes"]) == 1


@pytest.mark.parametrize("value", ["a/b", "..", "a?b", "a%2Fb", "a b"])
def test_ids_are_refused_before_any_request(script: Script, value: str) -> None:
    result = run({"project_id": None, "instance_ids": [value, value]})
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(value, "InvalidId")]
    assert (result["failed"], result["changed"], result["resizes"], script.requests) == (True, False, [], [])


def test_a_refused_id_stops_no_other(script: Script) -> None:
    script.expect_tasks()
    result = run({"instance_ids": ["a/b", INSTANCE]})
    assert [error["instance_id"] for error in result["errors"]] == ["a/b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        *(
            ({"instance_ids": [INSTANCE], **instances}, "mutually exclusive")
            for instances in ({"instance_name": "x"}, {"tags": {"a": "b"}}, {"enterprise_project_id": "0"}, {"exclude": ["x"]})
        ),
        ({"tags": {"env": True}}, "tags: the value of 'env' must be text or a whole number, not True. Quote it."),
        ({"tags": {"env": 1.1}}, "not 1.1. Quote it."),
        ({"tags": {"env": ["a", "b"]}}, "tags: the value of 'env' must be text"),
        ({"tags": {" ": "prod"}}, "tags: a key is empty"),
        ({"start_time": "2026-01-01"}, "start_time must be UTC as yyyyMMddHHmmss"),
        ({"end_time": "2026010100000"}, "end_time must be UTC as yyyyMMddHHmmss"),
        ({"end_time": "\u0662026010100000"}, "end_time must be UTC as yyyyMMddHHmmss"),
        ({"status": "[]"}, """status '[]': set a name such as WAITING, or an empty list for all statuses (in an ad hoc command: -a '{"status": []}')"""),
        ({"status": ["WAITING", "{'a': 1}"]}, "Invalid status"),
        ({"concurrency": 65}, "concurrency must be a whole number from 1 to 64"),
    ],
)
def test_options_that_can_not_be_used(script: Script, arguments: dict[str, Any], message: str) -> None:
    result = run(arguments)
    assert message in result["msg"]
    assert (result["failed"], result["changed"], result["resizes"], result["errors"]) == (True, False, [], [])
    assert script.requests == []


def test_no_credentials() -> None:
    result = run_module(dcs_resize_info, {"region": "cn-north-4"})
    assert result["msg"].startswith("No credentials found.")
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(None, "Configuration")]


@pytest.mark.parametrize(
    ("status", "listed", "warned"),
    [
        (["WAITTING"], None, True),
        (["WAITTING", "waiting"], "WAITING", True),
        (["paused"], "PAUSED", False),
        (["waiting", "Created", "EXECUTING", " success", "failed", "cancelled", "CANCELED", "deleted"], None, False),
        ([], "PAUSED", False),
    ],
)
def test_a_mistyped_status_does_not_pass_for_no_resizes(script: Script, status: list[str], listed: str | None, warned: bool) -> None:
    """A status that no resize has and that is unknown. One that a resize has may be any: the API documents its statuses incompletely."""
    script.expect_tasks(*([task(listed)] if listed else []))
    if listed:
        script.expect("GET", f"{INSTANCES}/{INSTANCE}", body={"instance_id": INSTANCE})
    result = run({"instance_ids": [INSTANCE], "status": status})
    assert len(result["resizes"]) == bool(listed)
    assert [warning.partition(",")[0] for warning in result["warnings"]] == ["No resize has the status 'WAITTING'"] * warned


@pytest.mark.parametrize("tags", [None, [], [{"key": "env", "value": "test"}]])
def test_tags_that_no_instance_has_select_none(script: Script, tags: object) -> None:
    expect_instances(script, INSTANCE, tags=tags)
    result = run({"tags": {"env": "prod"}})
    assert (bool(result.get("failed")), result["resizes"]) == (tags is None, [])
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == ([(None, "UnexpectedAnswer")] if tags is None else [])


def test_an_instance_that_no_filter_can_be_applied_to_is_an_error(script: Script) -> None:
    expect_instances(script, INSTANCE, tags="env=prod")
    result = run({"tags": {"env": "prod"}})
    assert (result["failed"], result["resizes"], [error["instance_id"] for error in result["errors"]]) == (True, [], [INSTANCE])
    assert "can't be interpreted" in result["msg"]


@pytest.mark.parametrize("call", ["instances", "tasks"])
def test_a_bug_leaves_the_keys_that_are_always_there(script: Script, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def fail(*_arguments: Any, **_more: Any) -> None:
        raise TypeError("oops")

    monkeypatch.setattr(Dcs, call, fail)
    result = run({"instance_ids": None if call == "instances" else [INSTANCE]})
    assert (result["failed"], result["changed"], result["resizes"], result["msg"]) == (True, False, [], "Unexpected TypeError: oops.")
    assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(None if call == "instances" else INSTANCE, "InternalError")]
