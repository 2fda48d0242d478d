# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancelling and listing, request by request: what is sent, in which order, and what it comes to."""

from __future__ import annotations

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import BackgroundTask, Dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import list_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from scripted_transport import ENDPOINT, PROJECT, TASK, Script, task

INSTANCES = f"/v2/{PROJECT}/instances"


def dcs(max_retries: int = 2) -> Dcs:
    return Dcs(Http(max_retries=max_retries, concurrency=4), TokenAuth("token"), ENDPOINT, PROJECT)


def one_task(status: str = "WAITING") -> BackgroundTask:
    """What the API lists, as a record."""
    row = task(status)
    return BackgroundTask(
        TASK, "EXTEND", status, row["details"], row["user_name"], row["created_at"], row["updated_at"], "old.spec", "new.spec", 4.0, 8.0
    )


def expect_instances(script: Script, *ids: str, **query: str) -> None:
    rows = [{"instance_id": instance_id, "name": f"name of {instance_id}"} for instance_id in ids]
    script.expect("GET", INSTANCES, {**query, "offset": 0, "limit": 100}, body={"instance_num": len(rows), "instances": rows})


def test_list_of_the_project(script: Script) -> None:
    expect_instances(script, "i0", "i1")
    script.expect_tasks(task("SUCCESS", task_id="old"), task(), task("WAITING", "BindEip", "eip"), task("created", task_id="second"), instance_id="i0")
    script.expect_tasks(instance_id="i1")
    listing = list_resizes(dcs())
    assert [(instance_id, instance and instance.name, found.id) for instance_id, instance, found in listing.resizes] == [
        ("i0", "name of i0", TASK),
        ("i0", "name of i0", "second"),
    ]
    assert (listing.errors, listing.warnings, listing.asked) == ([], [], 2)


def test_list_by_name(script: Script) -> None:
    expect_instances(script, name="cache")
    assert list_resizes(dcs(), instance_name="cache").resizes == []


def test_list_of_named_instances_reads_those_that_have_a_resize(script: Script) -> None:
    script.expect_tasks(task(), instance_id="i0")
    script.expect_instance(instance_id="i0", name="zero")
    script.expect_tasks(instance_id="i1")
    listing = list_resizes(dcs(), instance_ids=["i0", "i1", "i0"])
    assert [(instance_id, instance and instance.name) for instance_id, instance, _found in listing.resizes] == [("i0", "zero")]
    assert listing.asked == 2


def test_list_of_none(script: Script) -> None:
    assert list_resizes(dcs(), instance_ids=[]).resizes == []
    assert script.requests == []


@pytest.mark.parametrize(("statuses", "expected"), [((), 3), (("success",), 1), (("WAITING", "Executing"), 2), (("NONE",), 0)])
def test_list_by_status(script: Script, statuses: tuple[str, ...], expected: int) -> None:
    expect_instances(script, "i0")
    script.expect_tasks(task(), task("SUCCESS", task_id="b"), task("EXECUTING", task_id="c"), task("SUCCESS", "BindEip", "d"), instance_id="i0")
    assert len(list_resizes(dcs(), statuses=statuses).resizes) == expected


def test_list_by_time(script: Script) -> None:
    query = {"start_time": "20260101000000", "end_time": "20260201000000", "offset": 0, "limit": 100}
    script.expect("GET", f"{INSTANCES}/i0/tasks", query, body={"task_count": 0, "tasks": []})
    list_resizes(dcs(), instance_ids=["i0"], start_time="20260101000000", end_time="20260201000000")


@pytest.mark.parametrize(("code", "vanished"), [("DCS.3022", True), (None, True), ("APIGW.0101", False)])
def test_an_instance_that_vanished_is_a_warning(script: Script, code: str | None, vanished: bool) -> None:
    expect_instances(script, "i0", "i1")
    script.expect_tasks(status=404, body={"error_code": code, "error_msg": "gone"}, instance_id="i0")
    script.expect_tasks(task(), instance_id="i1")
    listing = list_resizes(dcs())
    assert [instance_id for instance_id, _instance, _found in listing.resizes] == ["i1"]
    assert [instance_id for instance_id, _error in listing.errors] == ([] if vanished else ["i0"])
    assert ["vanished" in warning and "i0" in warning for warning in listing.warnings] == ([True] if vanished else [])


def test_a_named_instance_that_is_gone_is_an_error_and_stops_no_other(script: Script) -> None:
    script.expect_tasks(status=404, body={"error_code": "DCS.3022", "error_msg": "gone"}, instance_id="i0")
    script.expect_tasks(task(), instance_id="i1")
    script.expect_instance(instance_id="i1")
    listing = list_resizes(dcs(), instance_ids=["i0", "a/b", "i1"])
    assert [(instance_id, error.code) for instance_id, error in listing.errors] == [("i0", "DCS.3022"), ("a/b", "InvalidId")]
    assert len(listing.resizes) == 1


def test_a_named_instance_that_can_not_be_read_is_a_warning(script: Script) -> None:
    script.expect_tasks(task(), instance_id="i0")
    script.expect_instance(403, instance_id="i0", body={"error_code": "DCS.2003", "error_msg": "no"})
    listing = list_resizes(dcs(), instance_ids=["i0"])
    assert [instance for _instance_id, instance, _found in listing.resizes] == [None]
    assert "dcs:instance:get" in listing.warnings[0]


def test_a_project_that_can_not_be_listed(script: Script) -> None:
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 100}, status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    with pytest.raises(DcsError, match="dcs:instance:list"):
        list_resizes(dcs())
