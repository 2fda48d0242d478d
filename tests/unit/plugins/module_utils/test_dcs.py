# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API calls: what is sent, and how tolerantly the responses are interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import BackgroundTask, Dcs, Instance, check_id, find_project
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    AuthenticationError,
    BusyError,
    ConfigurationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotExtendingError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    UnsentError,
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


def cancel(dcs: Dcs, instance_id: str = INSTANCE, task_id: str = TASK) -> str | None:
    with dcs.call() as call:
        return dcs.cancel_resize(instance_id, task_id, call.retries)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [task(task_id=f"task{number}") for number in numbers]


def listed(dcs: Dcs) -> list[int]:
    return [int(found.id.removeprefix("task")) for found in dcs.tasks(INSTANCE)]


def expect_page(script: Script, offset: int, numbers: range, count: object, **more: Any) -> None:
    body: dict[str, Any] = {"tasks": numbered(*numbers)}
    if count is not ...:
        body["task_count"] = count
    script.expect("GET", TASKS, {"offset": offset, "limit": 1000}, body=body, **more)


def expect_pages(script: Script, *pages: tuple[int, range, object]) -> None:
    for offset, numbers, count in pages:
        expect_page(script, offset, numbers, count)


def unexpected(dcs: Dcs, match: str) -> None:
    with pytest.raises(LostAnswerError, match=match) as caught:
        listed(dcs)
    assert (caught.value.code, caught.value.http_status, caught.value.request) == ("UnexpectedAnswer", 200, f"GET {TASKS}")


# ---- Paging


@pytest.mark.parametrize("count", [30, "30", 30.0])
def test_one_page(dcs: Dcs, script: Script, count: object) -> None:
    expect_page(script, 0, range(30), count)
    assert listed(dcs) == list(range(30))


def test_no_records(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(0), 0)
    assert listed(dcs) == []


@pytest.mark.parametrize("count", [2500, "2500"])
def test_all_pages(dcs: Dcs, script: Script, count: object) -> None:
    expect_pages(script, (0, range(1000), count), (1000, range(1000, 2000), count), (2000, range(2000, 2500), count))
    assert listed(dcs) == list(range(2500))


def test_a_full_page_is_never_taken_for_the_last(dcs: Dcs, script: Script) -> None:
    expect_pages(script, (0, range(1000), 1000), (1000, range(0), 1000))
    assert listed(dcs) == list(range(1000))


def test_2000_quiet_instances_cost_three_requests(dcs: Dcs, script: Script) -> None:
    for offset, size in ((0, 1000), (1000, 1000), (2000, 0)):
        rows = [{"instance_id": f"i{number}", "status": "RUNNING"} for number in range(offset, offset + size)]
        script.expect("GET", INSTANCES, {"offset": offset, "limit": 1000}, body={"instance_num": 2000, "instances": rows})
    assert [instance.id for instance in dcs.instances()] == [f"i{number}" for number in range(2000)]


@pytest.mark.parametrize("count", [..., None, "many", [3], {}, float("nan"), "1e999", -1, True, 0])
def test_a_count_that_makes_no_sense_is_not_trusted(dcs: Dcs, script: Script, count: object) -> None:
    expect_pages(script, (0, range(3), count), (3, range(0), count))
    assert listed(dcs) == [0, 1, 2]


@pytest.mark.parametrize("count", [..., None])
def test_without_a_count_all_pages_are_read(dcs: Dcs, script: Script, count: object) -> None:
    expect_pages(script, (0, range(1000), count), (1000, range(1000, 1200), count), (1200, range(0), count))
    assert listed(dcs) == list(range(1200))


@pytest.mark.parametrize("size", [1000, 40])
@pytest.mark.parametrize("last_count", [7, 0])
def test_a_count_that_is_too_small_is_tolerated(dcs: Dcs, script: Script, size: int, last_count: int) -> None:
    expect_pages(script, (0, range(size), 7), (size, range(size, size + 30), 7), (size + 30, range(0), last_count))
    assert listed(dcs) == list(range(size + 30))


def test_fewer_records_than_the_count_are_no_answer(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        expect_pages(script, (0, range(3), 4), (3, range(0), 4))
    unexpected(dcs, "3 records were listed, but task_count is 4")


def test_no_records_at_all_are_no_answer_where_there_should_be_one(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        expect_page(script, 0, range(0), 1)
    unexpected(dcs, "0 records were listed, but task_count is 1")


def test_a_record_that_is_listed_twice_counts_once(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        rows = [task(task_id="Task1"), task(task_id="task1"), task(task_id="task2")]
        script.expect("GET", TASKS, {"offset": 0, "limit": 1000}, body={"task_count": 3, "tasks": rows})
        expect_page(script, 3, range(0), 3)
    unexpected(dcs, "2 records were listed, but task_count is 3")


def test_records_that_do_not_matter_count(dcs: Dcs, script: Script) -> None:
    expect_pages(script, (0, range(1000), 1003), (1000, range(1000, 1003), 1003))
    assert [found.id for found in dcs.tasks(INSTANCE, keep=lambda found: found.id == "task1001")] == ["task1001"]


def test_the_server_may_have_shorter_pages(dcs: Dcs, script: Script) -> None:
    expect_pages(script, (0, range(10), "25"), (10, range(10, 20), "25"), (20, range(20, 25), "25"))
    assert listed(dcs) == list(range(25))


def test_an_offset_that_counts_pages_is_no_answer(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        expect_pages(script, (0, range(1000), 1500), (1000, range(0), 1500))
    unexpected(dcs, "1000 records were listed, but task_count is 1500")


def test_the_same_page_again_is_no_answer(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        expect_pages(script, (0, range(1000), 1500), (1000, range(1000), 1500))
    unexpected(dcs, "1000 records were listed")


def test_an_offset_may_be_rounded_to_whole_pages(dcs: Dcs, script: Script) -> None:
    expect_pages(script, (0, range(1000), 2500), (1000, range(1000, 2000), 2500), (2000, range(2000, 2500), 2500))
    assert listed(dcs) == list(range(2500))


def test_shorter_pages_with_rounded_offsets_are_no_answer(dcs: Dcs, script: Script) -> None:
    for _reading in range(5):
        expect_pages(script, (0, range(100), 250), (100, range(100), 250))
    unexpected(dcs, "100 records were listed, but task_count is 250")


def test_a_list_that_does_not_end_is_no_answer(dcs: Dcs, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dcs, "MAX_PAGES", 3)
    expect_pages(script, *((1000 * number, range(1000 * number, 1000 * number + 1000), 9000) for number in range(3)))
    unexpected(dcs, "the list does not end")


# ---- A list that changes while it is read


@pytest.mark.parametrize("gone", [1, 2, 30])
def test_what_moves_up_as_others_go_is_not_missed(dcs: Dcs, script: Script, gone: int) -> None:
    expect_pages(script, (0, range(1000), 1500), (1000, range(1000 + gone, 1500), 1500 - gone))
    expect_pages(script, (0, range(gone, 1000 + gone), 1500 - gone), (1000, range(1000 + gone, 1500), 1500 - gone))
    assert listed(dcs) == list(range(gone, 1500))


@pytest.mark.parametrize("gone", [1, 30])
def test_what_moves_up_from_the_last_page_is_not_missed(dcs: Dcs, script: Script, gone: int) -> None:
    """The last page is then empty, so that its count is not compared: the missing records reveal the change."""
    expect_pages(script, (0, range(1000), 1000 + gone), (1000, range(0), 1000))
    expect_pages(script, (0, range(gone, 1000 + gone), 1000), (1000, range(0), 1000))
    assert listed(dcs) == list(range(gone, 1000 + gone))


def test_a_record_that_comes_between_two_pages_is_listed_once(dcs: Dcs, script: Script) -> None:
    expect_pages(script, (0, range(1, 1001), 1500), (1000, range(1000, 1501), 1501), (1501, range(0), 1501))
    expect_pages(script, (0, range(1000), 1501), (1000, range(1000, 1501), 1501))
    assert listed(dcs) == list(range(1501))


def test_a_list_is_read_again_until_it_does_not_change(dcs: Dcs, script: Script) -> None:
    for before, after in ((0, 2), (2, 4), (4, 6), (6, 8), (8, 8)):
        expect_pages(script, (0, range(before, 1000 + before), 1500 - before), (1000, range(1000 + after, 1500), 1500 - after))
    assert listed(dcs) == list(range(8, 1500))


def test_a_list_that_changes_too_fast_is_no_answer(dcs: Dcs, script: Script) -> None:
    for before, after in ((0, 2), (2, 4), (4, 6), (6, 8), (8, 10)):
        expect_pages(script, (0, range(before, 1000 + before), 1500 - before), (1000, range(1000 + after, 1500), 1500 - after))
    unexpected(dcs, "the list changes faster than it can be read")


@pytest.mark.parametrize("body", [{}, {"tasks": None}, {"tasks": {}}, {"tasks": "none"}])
def test_a_list_that_is_none_is_no_answer(dcs: Dcs, script: Script, body: object) -> None:
    script.expect_tasks(body=body)
    with pytest.raises(LostAnswerError, match="it has no list of tasks") as error:
        dcs.tasks(INSTANCE)
    assert (error.value.code, error.value.http_status) == ("UnexpectedAnswer", 200)


def test_a_later_page_that_fails_fails_the_list(dcs: Dcs, script: Script) -> None:
    expect_page(script, 0, range(1000), 1500)
    script.expect("GET", TASKS, {"offset": 1000, "limit": 1000}, status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    with pytest.raises(ForbiddenError):
        dcs.tasks(INSTANCE)


def test_the_filters_are_sent(dcs: Dcs, script: Script) -> None:
    query = {"start_time": "20260101000000", "end_time": "20260201000000", "offset": 0, "limit": 1000}
    script.expect("GET", TASKS, query, body={"task_count": 0, "tasks": []})
    assert dcs.tasks(INSTANCE, "20260101000000", "20260201000000") == []


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
        (f'{{"old_capacity": {10**400}, "new_capacity": 1e400}}', (None, None, None, None)),
        ('{"old_resource_spec_code": " a\\ud800\\n", "new_resource_spec_code": "\\ud83d\\ude00"}', ("a?", "\U0001f600", None, None)),
        ('{"old_resource_spec_code": ["a"], "new_resource_spec_code": " "}', (None, None, None, None)),
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


def test_a_task_with_numbers_for_texts(dcs: Dcs, script: Script) -> None:
    script.expect_tasks({"id": 7, "name": " EXTEND ", "status": 3, "user_name": 3, "created_at": 1769845122, "updated_at": ["now"]})
    (found,) = dcs.tasks(INSTANCE)
    assert found == BackgroundTask("7", "EXTEND", "3", None, "3", "1769845122", None, None, None, None, None)


@pytest.mark.parametrize("name", ["id", "name", "status"])
@pytest.mark.parametrize("odd", [..., None, "", " \n", True, {"now": "WAITING"}, ["WAITING"]])
def test_a_task_that_can_not_be_understood_is_not_overlooked(dcs: Dcs, script: Script, name: str, odd: object) -> None:
    row = task(**{"task_id" if name == "id" else name: odd})
    if odd is ...:
        del row[name]
    script.expect_tasks(task(task_id="other"), row)
    unexpected(dcs, f"a record has no usable {name}")


@pytest.mark.parametrize("row", [None, 7, "EXTEND", [], True])
def test_a_record_that_is_none_is_not_overlooked(dcs: Dcs, script: Script, row: object) -> None:
    script.expect("GET", TASKS, {"offset": 0, "limit": 1000}, body={"task_count": 2, "tasks": [task(), row]})
    unexpected(dcs, f"a record has the type {type(row).__name__} instead of an object")


@pytest.mark.parametrize("row", [{"name": "no id"}, {"instance_id": " "}, {"instance_id": None}, "a", {"instance_id": "a", "status": ["RUNNING"]}])
def test_an_instance_that_can_not_be_understood_is_not_overlooked(dcs: Dcs, script: Script, row: object) -> None:
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, body={"instance_num": 2, "instances": [{"instance_id": "b"}, row]})
    with pytest.raises(LostAnswerError, match="a record ") as caught:
        dcs.instances()
    assert caught.value.code == "UnexpectedAnswer"


def test_what_is_unexpected_may_be_read_again(script: Script) -> None:
    dcs = Dcs(Http(max_retries=1), AUTH, ENDPOINT, PROJECT)
    script.expect_tasks({"id": TASK})
    script.expect_tasks(task())
    assert [found.id for found in dcs.tasks(INSTANCE)] == [TASK]


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
        {"instance_id": "b", "name": 7, "tags": [{"key": "k", "value": "v"}], "enterprise_project_id": "0"},
    ]
    script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, body={"instance_num": 2, "instances": rows})
    assert dcs.instances() == [
        Instance("a", "sessions", "RUNNING", "s", "18:00:00", "22:00:00"),
        Instance("b", "7", None, None, None, None, [{"key": "k", "value": "v"}], "0"),
    ]


def test_instance(dcs: Dcs, script: Script) -> None:
    script.expect_instance(body={"instance_id": INSTANCE, "status": "EXTENDING"})
    script.expect_instance(body={})
    assert dcs.instance(INSTANCE) == Instance(INSTANCE, None, "EXTENDING", None, None, None)
    assert dcs.instance(INSTANCE) == Instance(INSTANCE, None, None, None, None, None)


@pytest.mark.parametrize("status", [["EXTENDING"], {"now": "EXTENDING"}])
def test_an_instance_with_an_odd_status_is_no_answer(dcs: Dcs, script: Script, status: object) -> None:
    script.expect_instance(status=status)
    with pytest.raises(LostAnswerError, match="a record has no usable status") as caught:
        dcs.instance(INSTANCE)
    assert (caught.value.code, caught.value.request) == ("UnexpectedAnswer", f"GET {INSTANCES}/{INSTANCE}")


# ---- Cancel


def test_cancel_sends_one_request_and_returns_its_id(dcs: Dcs, script: Script) -> None:
    script.expect_cancel(headers={"X-Request-Id": "r1"})
    assert cancel(dcs) == "r1"


@pytest.mark.parametrize("body", [{}, {"result": "failure"}, {"result": None}, {"result": ["success"]}, {"result": True}])
def test_a_success_that_is_none_is_a_lost_answer(dcs: Dcs, script: Script, body: object) -> None:
    script.expect_cancel(body=body, headers={"X-Request-Id": "r1"})
    with pytest.raises(LostAnswerError, match="it does not report success") as error:
        cancel(dcs)
    assert (error.value.code, error.value.http_status, error.value.request_id) == ("UnexpectedAnswer", 200, "r1")
    assert error.value.request == f"POST /v2/{PROJECT}/instances/{INSTANCE}/resize/cancel/{TASK}"


@pytest.mark.parametrize("word", ["success", "SUCCESS", "Success", " success\n"])
def test_a_success_in_any_case(dcs: Dcs, script: Script, word: str) -> None:
    script.expect_cancel(body={"result": word, "request_id": "r2"})
    assert cancel(dcs) == "r2"


@pytest.mark.parametrize("status", [201, 202])
def test_another_status_with_success_counts(dcs: Dcs, script: Script, status: int) -> None:
    script.expect_cancel(status)
    assert cancel(dcs) is None


@pytest.mark.parametrize("lost", [{"error": OSError("reset")}, {"status": 503}, {"body": b"<html>"}, {"body": {}}])
def test_a_lost_answer_is_not_repeated_here(script: Script, lost: dict[str, Any]) -> None:
    dcs = Dcs(Http(max_retries=5), AUTH, ENDPOINT, PROJECT)
    script.expect_cancel(**lost)
    with pytest.raises(LostAnswerError):
        cancel(dcs)


def test_what_was_not_sent_or_throttled_is_repeated_with_the_retries_of_the_call(script: Script) -> None:
    dcs = Dcs(Http(max_retries=5), AUTH, ENDPOINT, PROJECT)
    with dcs.call(max_retries=3) as call:
        script.expect_cancel(error=OSError("refused"), sent=False)
        script.expect_cancel(429, "APIGW.0308")
        script.expect_cancel()
        dcs.cancel_resize(INSTANCE, TASK, call.retries)
        script.expect_cancel(error=OSError("refused"), sent=False)
        script.expect_cancel(error=OSError("refused"), sent=False)
        with pytest.raises(UnsentError):
            dcs.cancel_resize(INSTANCE, TASK, call.retries)
        assert not call.retries.left


CODES = {
    NotExtendingError: ["DCS.4239", "dcs.4239", " DCS.4239 ", "DCS. 4239", "111400239", 111400239],
    BusyError: ["DCS.4113", "Dcs.4113", "111400113", 111400113, "DCS.4026", "dcs.4026\n", "111400026", 111400026],
    RefusedError: ["DCS.42390", "DCS.423", "4239", 4239, "XDCS.4239", "DCS.4070", None, ""],
}


@pytest.mark.parametrize("name", ["error_code", "errorCode", "code"])
@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
def test_codes_with_a_meaning_of_their_own(script: Script, kind: type[DcsError], code: object, name: str) -> None:
    dcs = Dcs(Http(max_retries=5), AUTH, ENDPOINT, PROJECT)
    for body in ({name: code, "error_msg": "No."}, {"error": {name: code, "message": "No."}}):
        script.expect_cancel(400, body=body, headers={"X-Request-Id": "r1", "Retry-After": "3"})
        with pytest.raises(RefusedError) as caught:
            cancel(dcs)
        error = caught.value
        assert error.__class__ is kind
        assert (error.code, error.http_status, error.request_id, error.retry_after) == (str(code or "").strip() or None, 400, "r1", 3.0)
        assert error.request == f"POST {INSTANCES}/{INSTANCE}/resize/cancel/{TASK}"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (403, ForbiddenError), (404, NotFoundError), (429, ThrottledError), (500, LostAnswerError)]
)
def test_a_status_that_says_more_than_the_code(dcs: Dcs, script: Script, status: int, kind: type[DcsError]) -> None:
    script.expect_cancel(status, "DCS.4239")
    with pytest.raises(DcsError) as caught:
        cancel(dcs)
    assert caught.value.__class__ is kind


# ---- Hints


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (cancel, "dcs:instance:cancelResizeTask"),
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
        script.expect("GET", INSTANCES, {"offset": 0, "limit": 1000}, status=status, body=body)
    else:
        script.expect_instance(status, body=body)
    with pytest.raises(RefusedError) as error:
        call(dcs)
    message = error.value.message
    assert str(error.value) == message
    assert ("No. Check that the user or agency has the IAM permission " + action + " in this project" in message) == (status == 403)
    assert all(word in message for word in ("Check the instance ID", "region and project", "deleted")) == (status == 404)
    assert isinstance(error.value, {403: ForbiddenError, 404: NotFoundError}.get(status, RefusedError))


# ---- IDs


@pytest.mark.parametrize("value", [INSTANCE, TASK, "a", "A_b-9"])
def test_good_ids(value: str) -> None:
    assert check_id("task", value) == value


@pytest.mark.parametrize("value", ["", " ", "a b", "a/b", "..", ".", "a?b", "a%2Fb", "a%", "a#b", "a\n", "\na", "a\0", "\u00e9", "\u0661", "a;b", "a\\b"])
def test_bad_ids_are_refused_before_any_request(dcs: Dcs, script: Script, value: str) -> None:
    for call in (
        lambda: check_id("task", value),
        lambda: cancel(dcs, INSTANCE, value),
        lambda: cancel(dcs, value),
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
        ([], r"No project is named 'cn-north-4'\. Found: none\."),
        ([{"id": "p1", "name": "cn-north-40"}], r"No project is named 'cn-north-4'\. Found: cn-north-40 \(p1\)\."),
        ([{"name": "cn-north-4"}], r"No project is named"),
        (
            [{"id": "p1", "name": "cn-north-4"}, {"id": "p2", "name": "cn-north-4"}],
            r"More than one project is named 'cn-north-4'\. Found: cn-north-4 \(p1\), cn-north-4 \(p2\)\.",
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
