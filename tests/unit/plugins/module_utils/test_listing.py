# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listing resizes, request by request: which instances, which of their tasks, and read errors."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs, Instance
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, LostAnswerError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import InstanceFilter, Listing, list_resizes, next_window_begin
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from hypothesis import example, given
from hypothesis import strategies as st
from scripted_transport import ENDPOINT, PROJECT, TASK, Script, task

INSTANCES = f"/v2/{PROJECT}/instances"


def dcs(max_retries: int = 2) -> Dcs:
    return Dcs(Http(max_retries=max_retries), TokenAuth("token"), ENDPOINT, PROJECT)


def expect_rows(script: Script, *rows: dict[str, Any]) -> None:
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, body={"instance_num": len(rows), "instances": rows})


def expect_instances(script: Script, *ids: str) -> None:
    expect_rows(script, *({"instance_id": instance_id, "name": f"name of {instance_id}"} for instance_id in ids))


def select(script: Script, instances: InstanceFilter, rows: list[dict[str, Any]], *expected: str) -> Listing:
    """List with a filter that admits the expected instances: only their tasks are read, and the query doesn't filter."""
    expect_rows(script, *rows)
    for instance_id in expected:
        script.expect_tasks(task(), instance_id=instance_id)
    listing = list_resizes(dcs(), instances=instances)
    assert [instance_id for instance_id, _instance, _task in listing.resizes] == list(expected)
    return listing


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
    query = {"start_time": "20260101000000", "end_time": "20260201000000", "offset": 0, "limit": 1000}
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
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    with pytest.raises(DcsError, match="dcs:instance:list"):
        list_resizes(dcs())


ROWS: list[dict[str, Any]] = [
    {"instance_id": "a1", "name": "cache-a", "tags": [{"key": "env", "value": "prod"}, {"key": "team", "value": "web"}], "enterprise_project_id": "0"},
    {"instance_id": "b2", "name": "Cache-B", "tags": [{"key": "env", "value": "Prod"}, {"key": "bare"}], "enterprise_project_id": "EP-1"},
    {"instance_id": "c3", "name": "sessions", "tags": [], "enterprise_project_id": 0},
    {"instance_id": "d4", "name": "old", "tags": None, "enterprise_project_id": None},
    {"instance_id": "e5", "name": "older"},
]


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        (InstanceFilter(), "a1 b2 c3 d4 e5"),
        (InstanceFilter(name="CACHE-"), "a1 b2"),
        (InstanceFilter(name="a-b"), ""),
        (InstanceFilter(name=" old "), "d4 e5"),
        (InstanceFilter(tags={}), "a1 b2 c3 d4 e5"),
        (InstanceFilter(tags={"env": "prod"}), "a1"),
        (InstanceFilter(tags={"env": "prod", "team": "web"}), "a1"),
        (InstanceFilter(tags={"env": "prod", "team": "db"}), ""),
        (InstanceFilter(tags={"ENV": "prod"}), ""),
        (InstanceFilter(tags={"bare": ""}), "b2"),
        (InstanceFilter(tags={"env": ""}), ""),
        (InstanceFilter(enterprise_project_id="ep-1"), "b2"),
        (InstanceFilter(enterprise_project_id="0"), "a1 c3"),
        (InstanceFilter(exclude=["A1", "CACHE-B", "old"]), "c3 e5"),
        (InstanceFilter(name="cache", tags={"env": "Prod"}, enterprise_project_id="EP-1", exclude=["a1"]), "b2"),
        (InstanceFilter(name="cache", exclude=["cache-a", "b2"]), ""),
    ],
)
def test_filters_are_judged_before_any_task_is_read(script: Script, instances: InstanceFilter, expected: str) -> None:
    listing = select(script, instances, ROWS, *expected.split())
    assert (listing.errors, listing.warnings, listing.asked) == ([], [], len(expected.split()))


def test_an_entry_of_exclude_that_matches_no_instance_is_a_warning(script: Script) -> None:
    listing = select(script, InstanceFilter(name="cache", exclude=["sesions", "cache", "sessions"]), ROWS, "a1", "b2")
    assert listing.warnings == ["Entries of exclude that match no instance of the project: 'sesions', 'cache'."]


@pytest.mark.parametrize(
    ("instances", "field"), [(InstanceFilter(tags={"env": "prod"}), "tags"), (InstanceFilter(enterprise_project_id="0"), "enterprise_project_id")]
)
@pytest.mark.parametrize("values", [{}, {"tags": None, "enterprise_project_id": None}])
def test_a_list_that_lacks_what_a_filter_is_about_is_an_unexpected_answer(
    script: Script, instances: InstanceFilter, field: str, values: dict[str, Any]
) -> None:
    expect_rows(script, *({"instance_id": instance_id, "name": "cache", **values} for instance_id in ("i0", "i1")))
    with pytest.raises(DcsError, match=f"has no {field} for any of its 2 instances") as raised:
        list_resizes(dcs(), instances=instances)
    assert raised.value.code == "UnexpectedAnswer"


def test_a_project_without_instances_lacks_nothing(script: Script) -> None:
    select(script, InstanceFilter(tags={"env": "prod"}, enterprise_project_id="0"), [])


@pytest.mark.parametrize(
    ("instances", "values"),
    [
        *(
            (InstanceFilter(tags={"env": "prod"}), {"tags": tags})
            for tags in ("env=prod", {"env": "prod"}, [["env", "prod"]], [None], [{"value": "prod"}], [{"key": ["env"]}], [{"key": "env", "value": {}}], 7)
        ),
        (InstanceFilter(enterprise_project_id="0"), {"enterprise_project_id": ["0"]}),
        (InstanceFilter(name="cache"), {"name": None}),
        (InstanceFilter(exclude=["cache"]), {"name": None}),
    ],
)
def test_a_record_that_can_not_be_judged_is_an_error_and_is_never_listed(script: Script, instances: InstanceFilter, values: dict[str, Any]) -> None:
    good = {"name": "my cache", "tags": [{"key": "env", "value": "prod"}], "enterprise_project_id": "0"}
    listing = select(script, instances, [{**good, "instance_id": "i0", **values}, {**good, "instance_id": "i1"}], "i1")
    assert [(instance_id, error.code) for instance_id, error in listing.errors] == [("i0", "UnexpectedAnswer")]
    assert f"The {next(iter(values))} of instance i0" in listing.errors[0][1].message
    assert listing.asked == 2


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["env", "prod", "key", "value"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["env", "key", "value"]), inner, max_size=3),
    max_leaves=6,
)


@given(tags=_anything, enterprise_project_id=_anything, name=st.none() | st.text(max_size=5))
@example(tags=[{"key": "env", "value": "prod"}], enterprise_project_id="0", name="cache")
def test_whatever_a_record_holds_it_is_listed_only_if_it_has_what_is_asked_for(tags: Any, enterprise_project_id: Any, name: str | None) -> None:
    instance = Instance("i0", name, None, None, None, None, tags, enterprise_project_id)
    rows = [row for row in tags if isinstance(row, dict)] if isinstance(tags, list) else []
    for instances, has_it in (
        (InstanceFilter(tags={"env": "prod"}), any((row.get("key"), row.get("value")) == ("env", "prod") for row in rows)),
        (InstanceFilter(enterprise_project_id="0"), str(enterprise_project_id).strip() == "0"),
        (InstanceFilter(exclude=["cache"]), name is not None and name.strip().casefold() != "cache"),
    ):
        try:
            selected, errors, _warnings = instances.select([instance])
        except LostAnswerError:
            continue
        assert len(selected) + len(errors) <= 1
        assert bool(selected) <= has_it


def test_what_no_filter_is_about_may_be_anything(script: Script) -> None:
    select(script, InstanceFilter(name="cache"), [{"instance_id": "i0", "name": "cache", "tags": 7, "enterprise_project_id": []}], "i0")


def test_an_id_in_another_case_is_the_same_instance(script: Script) -> None:
    script.expect_tasks(instance_id="Ab")
    assert list_resizes(dcs(), instance_ids=["Ab", "aB", "AB"]).asked == 1


@pytest.mark.parametrize("status", ["waiting", " WAITING", "Wait ing\n"])
def test_statuses_are_compared_without_case_and_white_space(script: Script, status: str) -> None:
    script.expect_tasks(task(" Waiting "), task("WAITED", task_id="other"), instance_id="i0")
    script.expect_instance(instance_id="i0")
    assert [found.id for _instance_id, _instance, found in list_resizes(dcs(), instance_ids=["i0"], statuses=[status]).resizes] == [TASK]


@pytest.mark.parametrize("call", ["tasks", "instance"])
def test_a_bug_hides_no_other_resize(script: Script, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    original = getattr(Dcs, call)

    def fail(self: Dcs, instance_id: str, *arguments: Any, **more: Any) -> Any:
        if instance_id == "i0":
            raise TypeError("oops")
        return original(self, instance_id, *arguments, **more)

    monkeypatch.setattr(Dcs, call, fail)
    if call == "instance":
        script.expect_tasks(task(), instance_id="i0")
    script.expect_tasks(task(), instance_id="i1")
    script.expect_instance(instance_id="i1")
    listing = list_resizes(dcs(), instance_ids=["i0", "i1"])
    assert [(instance_id, error.code) for instance_id, error in listing.errors] == [("i0", "InternalError")]
    assert "Unexpected TypeError: oops" in listing.errors[0][1].message
    assert [instance_id for instance_id, _instance, _found in listing.resizes] == (["i1"] if call == "tasks" else ["i0", "i1"])


@pytest.mark.parametrize(
    ("begin", "end", "now", "expected"),
    [
        ("18:00:00", "22:00:00", "17:59:59", "2026-02-28T18:00:00Z"),
        ("18:00:00", "22:00:00", "18:00:00", "2026-02-28T18:00:00Z"),
        ("18:00:00", "22:00:00", "21:59:59", "2026-02-28T21:59:59Z"),
        ("18:00:00", "22:00:00", "22:00:00", "2026-03-01T18:00:00Z"),
        ("22:00:00", "02:00:00", "01:59:59", "2026-02-28T01:59:59Z"),
        ("22:00:00", "02:00:00", "02:00:00", "2026-02-28T22:00:00Z"),
        ("22:00:00", "02:00:00", "23:30:00", "2026-02-28T23:30:00Z"),
        ("22:00:00", "00:00:00", "23:59:59", "2026-02-28T23:59:59Z"),
        ("22:00:00", "00:00:00", "00:00:00", "2026-02-28T22:00:00Z"),
        ("00:00:00", "04:00:00", "23:59:59", "2026-03-01T00:00:00Z"),
        (" 6:00", "10:00 ", "05:00:00", "2026-02-28T06:00:00Z"),
        (None, "22:00:00", "17:00:00", None),
        ("18:00:00", None, "17:00:00", None),
        ("", "", "17:00:00", None),
        ("18:00:00", "18:00:00", "17:00:00", None),
        ("24:00:00", "04:00:00", "17:00:00", None),
        ("18:60:00", "22:00:00", "17:00:00", None),
        ("18:00:00+08:00", "22:00:00", "17:00:00", None),
        ("\u0661\u0668:00:00", "22:00:00", "17:00:00", None),
        ("tonight", "22:00:00", "17:00:00", None),
    ],
)
def test_the_next_window(begin: str | None, end: str | None, now: str, expected: str | None) -> None:
    moment = datetime.datetime.fromisoformat(f"2026-02-28T{now}.999999+00:00")
    assert next_window_begin(Instance("i0", None, None, None, begin, end), moment) == expected
