# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of the API: what is sent, and how tolerantly the answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import BackgroundTask, Dcs, Instance, check_id, find_project
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    ConfigurationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotFoundError,
    RefusedError,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from scripted_transport import ENDPOINT, INSTANCE, PROJECT, TASK, Script, task

TASKS = f"/v2/{PROJECT}/instances/{INSTANCE}/tasks"
INSTANCES = f"/v2/{PROJECT}/instances"
AUTH = TokenAuth("token")


@pytest.fixture
def dcs(script: Script) -> Dcs:
    """The API, without retries."""
    del script
    return Dcs(Http(max_retries=0), AUTH, ENDPOINT, PROJECT)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [task(task_id=f"task{number}") for number in numbers]


def listed(dcs: Dcs) -> list[int]:
    return [int(found.id.removeprefix("task")) for found in dcs.tasks(INSTANCE)]


def expect_page(script: Script, offset: int, numbers: range, count: object, **more: Any) -> None:
    body: dict[str, Any] = {"tasks": numbered(*numbers)}
    if count is not ...:
        body["task_count"] = count
    script.expect("GET", TASKS, {"offset": offset, "limit": 100}, body=body, **more)


# ---- Paging


@pytest.mark.parametrize("count", [30, "30", 30.0])
def test_one_page(dcs: Dcs, script: Script, count: object) -> None:
    expect_page(script, 0, range(30), count)
    assert listed(dcs) == list(range(30))


def test_no_records(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(0), 0)
    assert listed(dcs) == []


@pytest.mark.parametrize("count", [250, "250"])
def test_all_pages(dcs: Dcs, script: Script, count: object) -> None:
    for offset, numbers in ((0, range(100)), (99, range(99, 199)), (198, range(198, 250))):
        expect_page(script, offset, numbers, count)
    assert listed(dcs) == list(range(250))


def test_a_full_page_is_never_taken_for_the_last(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(100), 100)
    expect_page(script, 99, range(99, 100), 100)
    assert listed(dcs) == list(range(100))


@pytest.mark.parametrize("count", [..., None, "many", [3], {}, float("nan"), "1e999", -1, True])
def test_a_count_that_makes_no_sense_is_not_trusted(dcs: Dcs, script: Script, count: object) -> None:
    expect_page(script, 0, range(3), count)
    expect_page(script, 2, range(2, 3), count)
    assert listed(dcs) == [0, 1, 2]


def test_a_count_that_is_too_large_ends_with_a_page_of_nothing_new(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(3), 1000)
    expect_page(script, 2, range(2, 3), 1000)
    assert listed(dcs) == [0, 1, 2]


@pytest.mark.parametrize("size", [100, 40])
def test_a_count_that_is_too_small_is_found_out(dcs: Dcs, script: Script, size: int) -> None:
    expect_page(script, 0, range(size), 7)
    expect_page(script, size - 1, range(size - 1, size + 30), 7)
    expect_page(script, size + 29, range(size + 29, size + 30), 7)
    assert listed(dcs) == list(range(size + 30))


def test_the_server_may_have_shorter_pages(dcs: Dcs, script: Script) -> None:
    for offset in (0, 9, 18):
        expect_page(script, offset, range(offset, min(offset + 10, 25)), "25")
    assert listed(dcs) == list(range(25))


def test_an_offset_that_counts_pages_ends(dcs: Dcs, script: Script) -> None:
    for _time in range(2):
        expect_page(script, 0, range(3), 1000)
        expect_page(script, 2, range(0), 1000)
    assert listed(dcs) == [0, 1, 2]


def test_pages_of_one_record_can_not_overlap(dcs: Dcs, script: Script) -> None:
    for offset in (0, 1, 2):
        expect_page(script, offset, range(offset, offset + 1), 3)
    assert listed(dcs) == list(range(3))


def test_the_same_page_again_ends(dcs: Dcs, script: Script) -> None:
    for offset in (0, 99, 100):
        expect_page(script, offset, range(100), 250)
    assert listed(dcs) == list(range(100))


def test_an_offset_may_be_rounded_to_whole_pages(dcs: Dcs, script: Script) -> None:
    for offset, first in ((0, 0), (99, 0), (100, 100), (199, 100), (200, 200)):
        expect_page(script, offset, range(first, min(first + 100, 250)), 250)
    assert listed(dcs) == list(range(250))


def test_a_list_that_does_not_end_is_no_answer(dcs: Dcs, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dcs, "MOST_PAGES", 3)
    for number in range(3):
        expect_page(script, 99 * number, range(99 * number, 99 * number + 100), 1000)
    with pytest.raises(LostAnswerError, match=f"^GET {TASKS}: the list does not end"):
        listed(dcs)


def test_a_list_that_changes_too_fast_is_no_answer(dcs: Dcs, script: Script) -> None:
    for number in range(_dcs.MOST_READINGS):
        expect_page(script, 0, range(1000 * number, 1000 * number + 100), 150)
        expect_page(script, 99, range(1000 * number + 500, 1000 * number + 551), 150)
    with pytest.raises(LostAnswerError, match="changes faster than it can be read"):
        listed(dcs)


def test_what_has_gone_for_good_is_forgotten(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(100), 150)
    expect_page(script, 99, range(101, 150), 148)
    expect_page(script, 0, range(2, 102), 148)
    expect_page(script, 99, range(101, 150), 148)
    assert listed(dcs) == list(range(2, 150))


@pytest.mark.parametrize("end", [None, {"id": ""}, {"id": "task5", "name": "EXTEND", "status": "WAITING"}])
def test_what_is_no_record_of_its_own_at_the_end_of_a_page_costs_no_more(dcs: Dcs, script: Script, end: object) -> None:
    script.expect("GET", TASKS, {"offset": 0, "limit": 100}, body={"task_count": 149, "tasks": [*numbered(*range(99)), end]})
    again = isinstance(end, dict) and end["id"]
    rows = [*([end] if again else []), *numbered(*range(99, 148))]
    script.expect("GET", TASKS, {"offset": 99 if again else 100, "limit": 100}, body={"task_count": 149, "tasks": rows})
    assert listed(dcs) == list(range(148))


def test_a_record_that_comes_between_two_pages_is_listed_once(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(1, 101), 150)
    expect_page(script, 99, range(99, 151), 151)
    assert listed(dcs) == list(range(1, 151))


@pytest.mark.parametrize("gone", [1, 2, 30])
def test_what_moves_up_as_others_go_is_not_missed(dcs: Dcs, script: Script, gone: int) -> None:
    expect_page(script, 0, range(100), 150)
    expect_page(script, 99, range(99 + gone, 150), 150 - gone)
    expect_page(script, 0, range(gone, 100 + gone), 150 - gone)
    expect_page(script, 99, range(99 + gone, 150), 150 - gone)
    assert listed(dcs) == list(range(gone, 150))


def test_more_may_go_than_a_page_has(dcs: Dcs, script: Script) -> None:
    for offset in (0, 99):
        expect_page(script, offset, range(offset, offset + 100), 300)
    # Now 0 to 149 go.
    expect_page(script, 198, range(0), 150)
    expect_page(script, 0, range(150, 250), 150)
    expect_page(script, 99, range(249, 300), 150)
    assert listed(dcs) == list(range(150, 300))


def test_all_is_read_again_until_nothing_was_missed(dcs: Dcs, script: Script) -> None:
    # Before each second page two go, but for the last time.
    for gone, then in ((0, 2), (2, 4), (4, 4)):
        expect_page(script, 0, range(gone, 100 + gone), 150 - gone)
        expect_page(script, 99, range(99 + then, 150), 150 - then)
    assert listed(dcs) == list(range(4, 150))


def test_what_is_no_record_is_left_out(dcs: Dcs, script: Script) -> None:
    script.expect("GET", TASKS, {"offset": 0, "limit": 100}, body={"task_count": 1, "tasks": [None, 7, "x", [], {}, {"id": ""}, {"id": None}, task()]})
    script.expect("GET", TASKS, {"offset": 7, "limit": 100}, body={"task_count": 1, "tasks": [task()]})
    assert [found.id for found in dcs.tasks(INSTANCE)] == [TASK]


@pytest.mark.parametrize("body", [{}, {"tasks": None}, {"tasks": {}}, {"tasks": "none"}])
def test_a_list_that_is_none_is_no_answer(dcs: Dcs, script: Script, body: object) -> None:
    script.expect_tasks(body=body)
    with pytest.raises(LostAnswerError, match="without a list of tasks") as error:
        dcs.tasks(INSTANCE)
    assert (error.value.code, error.value.http_status) == ("UnexpectedAnswer", 200)


def test_a_later_page_that_fails_fails_the_list(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(100), 150)
    script.expect("GET", TASKS, {"offset": 99, "limit": 100}, status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    with pytest.raises(ForbiddenError):
        dcs.tasks(INSTANCE)


def test_the_filters_are_sent(dcs: Dcs, script: Script) -> None:
    query = {"start_time": "20260101000000", "end_time": "20260201000000", "offset": 0, "limit": 100}
    script.expect("GET", TASKS, query, body={"task_count": 0, "tasks": []})
    script.expect("GET", INSTANCES, {"name": "cache & more", "offset": 0, "limit": 100}, body={"instance_num": 0, "instances": []})
    assert dcs.tasks(INSTANCE, "20260101000000", "20260201000000") == []
    assert dcs.instances("cache & more") == []


# ---- Records


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            {"old_capacity": "4", "new_capacity": 8, "old_resource_spec_code": "a", "new_resource_spec_code": "b"},
            ("a", "b", 4.0, 8.0),
        ),
        ('{"old_capacity": 0.125, "new_capacity": "0.25"}', (None, None, 0.125, 0.25)),
        ({"old_capacity": "4 GB", "new_capacity": None, "old_resource_spec_code": 7}, ("7", None, None, None)),
        ({"old_capacity": [4], "new_capacity": "inf"}, (None, None, None, None)),
        ({"old_capacity": 10**400}, (None, None, None, None)),
        ("no JSON", (None, None, None, None)),
        pytest.param("[" * 100_000, (None, None, None, None), id="deep"),
        ("[]", (None, None, None, None)),
        (None, (None, None, None, None)),
        ([1], (None, None, None, None)),
    ],
)
def test_task(dcs: Dcs, script: Script, details: object, expected: tuple[Any, ...]) -> None:
    script.expect_tasks(task(details=details))
    (found,) = dcs.tasks(INSTANCE)
    assert found == BackgroundTask(TASK, "EXTEND", "WAITING", details, "operator", "2026-01-31T07:38:42.503Z", "2026-01-31T07:38:42.503Z", *expected)
    assert found.as_result()["details"] == details


def test_a_task_with_values_of_odd_types(dcs: Dcs, script: Script) -> None:
    script.expect_tasks({"id": 7, "name": None, "status": 3, "user_name": 3, "created_at": 1769845122})
    (found,) = dcs.tasks(INSTANCE)
    assert found == BackgroundTask("7", "", "3", None, "3", "1769845122", None, None, None, None, None)


@pytest.mark.parametrize("odd", [{"status": {"now": "WAITING"}}, {"status": ["WAITING"]}, {"name": ["EXTEND"]}, {"id": {"id": TASK}}])
def test_a_task_that_can_not_be_understood_is_not_overlooked(dcs: Dcs, script: Script, odd: dict[str, object]) -> None:
    script.expect_tasks({"id": TASK, "name": "EXTEND", "status": "WAITING", **odd})
    with pytest.raises(LostAnswerError, match=f"{next(iter(odd))} can't be understood"):
        dcs.tasks(INSTANCE)


def test_task_as_users_see_it() -> None:
    found = BackgroundTask(TASK, "EXTEND", "WAITING", {}, "operator", "c", "u", "a", "b", 1.0, 2.0)
    assert found.as_result() == {
        "task_id": TASK,
        "task_name": "EXTEND",
        "status": "WAITING",
        "details": {},
        "user_name": "operator",
        "created_at": "c",
        "updated_at": "u",
        "old_spec_code": "a",
        "new_spec_code": "b",
        "old_capacity": 1.0,
        "new_capacity": 2.0,
    }


def test_instances(dcs: Dcs, script: Script) -> None:
    rows: list[Mapping[str, Any]] = [
        {"instance_id": "a", "name": "sessions", "status": "RUNNING", "spec_code": "s", "maintain_begin": "18:00:00", "maintain_end": "22:00:00", "port": 6379},
        {"instance_id": "b", "name": 7},
        {"name": "no id"},
    ]
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 100}, body={"instance_num": 3, "instances": rows})
    assert dcs.instances() == [Instance("a", "sessions", "RUNNING", "s", "18:00:00", "22:00:00"), Instance("b", "7", None, None, None, None)]


def test_instance(dcs: Dcs, script: Script) -> None:
    script.expect_instance(body={"instance_id": INSTANCE, "status": "EXTENDING"})
    script.expect_instance(body={})
    assert dcs.instance(INSTANCE) == Instance(INSTANCE, None, "EXTENDING", None, None, None)
    assert dcs.instance(INSTANCE).status is None


# ---- Cancel


def test_cancel_sends_one_request_and_returns_its_id(dcs: Dcs, script: Script) -> None:
    script.expect_cancel(headers={"X-Request-Id": "r1"})
    assert dcs.cancel_resize(INSTANCE, TASK, dcs.attempts()) == "r1"


@pytest.mark.parametrize("body", [{}, {"result": "failure"}, {"result": None}, {"result": ["success"]}, {"result": True}])
def test_a_success_that_is_none_is_a_lost_answer(dcs: Dcs, script: Script, body: object) -> None:
    script.expect_cancel(body=body, headers={"X-Request-Id": "r1"})
    with pytest.raises(LostAnswerError, match=f"^POST /v2/{PROJECT}/instances/{INSTANCE}/resize/cancel/{TASK}: ") as error:
        dcs.cancel_resize(INSTANCE, TASK, dcs.attempts())
    assert (error.value.code, error.value.http_status, error.value.request_id) == ("UnexpectedAnswer", 200, "r1")


@pytest.mark.parametrize("status", [201, 202])
def test_another_status_with_success_counts(dcs: Dcs, script: Script, status: int) -> None:
    script.expect_cancel(status)
    assert dcs.cancel_resize(INSTANCE, TASK, dcs.attempts()) is None


@pytest.mark.parametrize("error", [requests.ConnectionError("reset"), requests.ReadTimeout("slow")])
def test_a_lost_answer_is_not_repeated_here(script: Script, error: Exception) -> None:
    dcs = Dcs(Http(max_retries=5), AUTH, ENDPOINT, PROJECT)
    script.expect_cancel(error=error)
    with pytest.raises(LostAnswerError):
        dcs.cancel_resize(INSTANCE, TASK, dcs.attempts())


def test_what_was_not_sent_is_repeated_here(script: Script) -> None:
    dcs = Dcs(Http(max_retries=2), AUTH, ENDPOINT, PROJECT)
    script.expect_cancel(error=requests.ConnectionError("refused"), sent=False)
    script.expect_cancel(429, "APIGW.0308")
    script.expect_cancel()
    dcs.cancel_resize(INSTANCE, TASK, dcs.attempts())


# ---- Hints


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (lambda dcs: dcs.cancel_resize(INSTANCE, TASK, dcs.attempts()), "dcs:instance:cancelResizeTask"),
        (lambda dcs: dcs.tasks(INSTANCE), "dcs:instance:getBackgroundTask"),
        (lambda dcs: dcs.instances(), "dcs:instance:list"),
        (lambda dcs: dcs.instance(INSTANCE), "dcs:instance:get"),
    ],
)
@pytest.mark.parametrize("status", [403, 404, 400])
def test_hints(dcs: Dcs, script: Script, call: Any, action: str, status: int) -> None:
    body = {"error_code": "DCS.1", "error_msg": "No."}
    if action == "dcs:instance:cancelResizeTask":
        script.expect_cancel(status, body=body)
    elif action == "dcs:instance:getBackgroundTask":
        script.expect_tasks(status=status, body=body)
    elif action == "dcs:instance:list":
        script.expect("GET", INSTANCES, {"offset": 0, "limit": 100}, status=status, body=body)
    else:
        script.expect_instance(status, body=body)
    with pytest.raises(RefusedError) as error:
        call(dcs)
    message = error.value.message
    assert str(error.value) == message
    assert ("No. The user or agency needs the IAM permission " + action + "." in message) == (status == 403)
    assert all(word in message for word in ("mistyped", "region", "deleted")) == (status == 404)
    assert isinstance(error.value, {403: ForbiddenError, 404: NotFoundError}.get(status, RefusedError))


# ---- Ids


@pytest.mark.parametrize("value", [INSTANCE, TASK, "a", "A_b-9"])
def test_good_ids(value: str) -> None:
    assert check_id("task", value) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "a/b", "..", ".", "a?b", "a%2Fb", "a%", "a#b", "a\n", "\na", "a\0", "\u00e9", "\u0661", "a;b", "a\\b"])
def test_bad_ids_are_refused_before_any_request(dcs: Dcs, script: Script, value: str) -> None:
    for call in (
        lambda: check_id("task", value),
        lambda: dcs.cancel_resize(INSTANCE, value, dcs.attempts()),
        lambda: dcs.cancel_resize(value, TASK, dcs.attempts()),
        lambda: dcs.tasks(value),
        lambda: dcs.instance(value),
        lambda: Dcs(Http(), AUTH, ENDPOINT, value),
    ):
        with pytest.raises(ConfigurationError) as error:
            call()
        assert error.value.code == "InvalidId"
        assert repr(value) in error.value.message
    assert script.requests == []


# ---- Projects


@pytest.mark.parametrize(
    ("projects", "message"),
    [
        ([], r"No project is called 'cn-north-4'\. Found: none\."),
        ([{"id": "p1", "name": "cn-north-40"}], r"No project is called 'cn-north-4'\. Found: cn-north-40 \(p1\)\."),
        ([{"name": "cn-north-4"}], r"No project is called"),
        (
            [{"id": "p1", "name": "cn-north-4"}, {"id": "p2", "name": "cn-north-4"}],
            r"More than one project is called 'cn-north-4'\. Found: cn-north-4 \(p1\), cn-north-4 \(p2\)\.",
        ),
    ],
)
def test_no_one_project(script: Script, projects: list[Any], message: str) -> None:
    script.expect("GET", "/v3/projects", {"name": "cn-north-4"}, body={"projects": projects})
    with pytest.raises(ConfigurationError, match=message):
        find_project(Http(), AUTH, "https://iam.example.com", "cn-north-4")


def test_the_project(script: Script) -> None:
    script.expect("GET", "/v3/projects", {"name": "cn-north-4"}, body={"projects": [{"id": "p0", "name": "cn-north-4_a"}, {"id": "p1", "name": "cn-north-4"}]})
    assert find_project(Http(), AUTH, "https://iam.example.com", "cn-north-4") == "p1"


def test_projects_that_can_not_be_listed(script: Script) -> None:
    script.expect("GET", "/v3/projects", {"name": "cn-north-4"}, status=403, body={"error": {"code": 403, "message": "no"}})
    with pytest.raises(DcsError):
        find_project(Http(), AUTH, "https://iam.example.com", "cn-north-4")
