# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancelling and listing, request by request: what is sent, in which order, and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _cancel, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, Result, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import BackgroundTask, Dcs, Instance
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import AuthenticationError, DcsError, StoppedError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._pace import Call, RetryBudget
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import OnTooLate, Request, malformed
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from scripted_transport import ENDPOINT, INSTANCE, PROJECT, TASK, Expected, Script, scripted_transport, task

NAMED = Request(INSTANCE, TASK)
FOUND = Request(INSTANCE)
CHECK = Plan(check_mode=True)
INSTANCES = f"/v2/{PROJECT}/instances"
NO_ANSWER = requests.ConnectionError("Connection reset by peer")


def dcs(max_retries: int = 2, concurrency: int = 1) -> Dcs:
    return Dcs(Http(max_retries=max_retries, concurrency=concurrency), TokenAuth("token"), ENDPOINT, PROJECT)


def one(request: Request, plan: Plan | None = None, max_retries: int = 2) -> Result:
    (result,) = cancel_resizes(lambda: dcs(max_retries), [request], plan or Plan())
    return result


def failing(error: Exception) -> Callable[[], Dcs]:
    """A connection that can't be made."""

    def connect() -> Dcs:
        raise error

    return connect


def one_task(status: str = "WAITING") -> BackgroundTask:
    """The record for a task in the API's list."""
    row = task(status)
    return BackgroundTask(
        TASK, "EXTEND", status, row["details"], row["user_name"], row["created_at"], row["updated_at"], "old.spec", "new.spec", 4.0, 8.0
    )


def outcomes(results: list[Result]) -> list[str]:
    return [result.outcome for result in results]


# ---- One, with its task


def test_one_request(script: Script) -> None:
    script.expect_cancel(headers={"X-Request-Id": "r1"})
    assert one(NAMED) == Result(INSTANCE, TASK, "cancelled", request_id="r1")


@pytest.mark.parametrize("status", ["EXECUTING", "SUCCESS", "FAILED", "CANCELLED", None])
def test_4239_costs_one_look(script: Script, status: str | None) -> None:
    script.expect_cancel(400, "DCS.4239", headers={"X-Request-Id": "r1"})
    script.expect_tasks(*([task(status, details={}, name="AnyOther")] if status else []))
    result = one(NAMED)
    assert (result.outcome, result.changed, result.request_id) == ({"EXECUTING": "executing", "SUCCESS": "applied"}.get(str(status), "absent"), False, "r1")
    assert (result.task.status if result.task else None) == status


def test_4239_with_ignore_costs_no_look(script: Script) -> None:
    script.expect_cancel(400, "DCS.4239")
    assert one(NAMED, Plan(on_too_late="ignore")).outcome == "absent"


@pytest.mark.parametrize("code", ["DCS.4239", "111400239", 111400239])
def test_every_form_of_4239(script: Script, code: object) -> None:
    script.expect_cancel(400, body={"error_code": code, "error_msg": "no"})
    assert one(NAMED, Plan(on_too_late="ignore")).outcome == "absent"


@pytest.mark.parametrize(("spec_code", "outcome"), [("old.spec", "absent"), ("new.spec", "applied"), ("any", "applied"), (None, "applied")])
@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_success_that_left_the_old_specification_is_not_applied(script: Script, spec_code: str | None, outcome: str, plan: Plan) -> None:
    if not plan.check_mode:
        script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task("SUCCESS"))
    script.expect_instance(spec_code=spec_code)
    assert one(NAMED, plan).outcome == outcome


@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_success_counts_where_the_instance_can_not_be_read(script: Script, plan: Plan) -> None:
    if not plan.check_mode:
        script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task("SUCCESS"))
    script.expect_instance(403, body={"error_code": "DCS.2003", "error_msg": "no"})
    assert one(NAMED, plan).outcome == "applied"


@pytest.mark.parametrize(("old", "new"), [("same", "same"), (None, "new"), ("old", None)])
def test_success_without_two_specifications_to_compare_asks_no_more(script: Script, old: str | None, new: str | None) -> None:
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task("SUCCESS", details={"old_resource_spec_code": old, "new_resource_spec_code": new}))
    assert one(NAMED).outcome == "applied"


def test_still_waiting_is_repeated_and_fails(script: Script) -> None:
    for _attempt in range(3):
        script.expect_cancel(400, "DCS.4239")
        script.expect_tasks(task())
    result = one(NAMED, max_retries=2)
    assert (result.outcome, result.still_waiting) == ("failed", (TASK,))
    assert result.error
    assert result.error.code == "DCS.4239"


@pytest.mark.parametrize("code", ["DCS.4113", "DCS.4026", "111400113", "111400026"])
@pytest.mark.parametrize(("status", "outcome"), [("EXECUTING", "executing"), ("WAITING", "failed")])
def test_busy_is_looked_up(script: Script, code: str, status: str, outcome: str) -> None:
    script.expect_cancel(400, code)
    script.expect_tasks(task(status))
    assert one(NAMED).outcome == outcome


@pytest.mark.parametrize(("status", "code"), [(400, "DCS.4002"), (400, "DCS.4070"), (401, "APIGW.0301"), (403, "DCS.2003"), (404, "DCS.3022"), (409, None)])
def test_other_refusals_are_neither_repeated_nor_looked_up(script: Script, status: int, code: str | None) -> None:
    script.expect_cancel(status, body={"error_code": code, "error_msg": "no"}, headers={"X-Request-Id": "r1"})
    result = one(NAMED)
    assert result.outcome == "failed"
    assert result.error
    assert (result.error.code, result.error.http_status, result.error.request_id, result.request_id) == (code, status, "r1", "r1")


def test_a_look_that_is_impossible(script: Script) -> None:
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = one(NAMED)
    assert result.outcome == "absent"
    assert "dcs:instance:getBackgroundTask" in result.warnings[0]


# ---- Lost answers


def test_a_lost_answer_whose_cancel_took_effect(script: Script) -> None:
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(task("CANCELLED"))
    result = one(NAMED, Plan(on_too_late="ignore"))
    assert (result.outcome, len(result.warnings)) == ("cancelled", 1)


def test_a_lost_answer_whose_cancel_took_no_effect(script: Script) -> None:
    script.expect_cancel(503, body={"error_code": "APIGW.0613", "error_msg": "no"})
    script.expect_tasks(task())
    script.expect_cancel(headers={"X-Request-Id": "r2"})
    result = one(NAMED)
    assert result == Result(INSTANCE, TASK, "cancelled", one_task(), "r2")
    assert result.as_result()["task"] == one_task().as_result()


def test_a_lost_answer_whose_effect_comes_late(script: Script) -> None:
    script.expect_cancel(body={})
    script.expect_tasks(task())
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks()
    result = one(NAMED)
    assert (result.outcome, len(result.warnings)) == ("cancelled", 1)


def test_the_last_attempt_is_looked_up_too(script: Script) -> None:
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(task("EXECUTING"))
    assert one(NAMED, max_retries=0).outcome == "executing"


def test_attempts_spent(script: Script) -> None:
    for _attempt in range(2):
        script.expect_cancel(error=NO_ANSWER)
        script.expect_tasks()
    result = one(NAMED, max_retries=1)
    assert (result.outcome, result.still_waiting) == ("failed", ())
    assert result.error
    assert (result.error.code, result.error.http_status) == ("NoAnswer", None)
    # The reason, its meaning, and finally the request.
    assert str(NO_ANSWER) in result.error.message
    assert "may have taken effect" in result.error.message
    assert result.error.message.endswith(f"(POST {INSTANCES}/{INSTANCE}/resize/cancel/{TASK})")


def test_retry_after_of_a_lost_answer_is_obeyed_before_the_repeat(script: Script) -> None:
    script.expect_cancel(503, headers={"Retry-After": "7"})
    script.expect_tasks(task())
    script.expect_cancel()
    with patch.object(_pace.Pace, "sleep") as sleep:
        assert one(NAMED).outcome == "cancelled"
    sleep.assert_called_once_with(7.0)


def test_a_repeat_that_would_come_too_late_is_none(script: Script) -> None:
    """It was seen as pending after the cancel was lost, so it need not be read again."""
    script.expect_cancel(503, headers={"Retry-After": "60"})
    script.expect_tasks(task())
    with patch.object(_pace.Pace, "sleep"), patch.object(_pace, "RETRY_TIME_LIMIT", 50.0):
        result = one(NAMED)
    assert (result.outcome, result.still_waiting) == ("failed", (TASK,))
    assert result.error
    assert "may have taken effect" not in result.error.message


def test_attempts_spent_while_it_waits(script: Script) -> None:
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(task())
    result = one(NAMED, max_retries=0)
    assert (result.outcome, result.still_waiting) == ("failed", (TASK,))
    assert result.error
    assert str(NO_ANSWER) in result.error.message
    assert "still pending: run it again later" in result.error.message
    assert "may have taken effect" not in result.error.message


def test_a_connection_that_can_not_be_made(script: Script) -> None:
    """Nothing was sent, so nothing is looked up."""
    script.expect_cancel(error=NO_ANSWER, sent=False)
    error = one(NAMED, max_retries=0).error
    assert error
    assert (error.code, error.http_status) == ("ConnectionFailed", None)
    assert "may have taken effect" not in error.message


@pytest.mark.parametrize(("on_too_late", "outcome", "code"), [("warn", "absent", None), ("fail", "failed", "NoTime")])
def test_no_time_to_find_out_whether_it_is_too_late(
    script: Script, monkeypatch: pytest.MonkeyPatch, on_too_late: OnTooLate, outcome: str, code: str | None
) -> None:
    script.expect_cancel(400, "DCS.4239")
    took = Call.took
    monkeypatch.setattr(Call, "took", lambda call, _seconds: took(call, _pace.RETRY_TIME_LIMIT))
    result = one(NAMED, Plan(on_too_late))
    assert (result.outcome, result.error and result.error.code) == (outcome, code)
    assert "whether it has been carried out is unknown: " in (result.warnings[0] if code is None else str(result.error and result.error.message))


def test_an_access_key_that_expires_after_a_lost_answer(script: Script) -> None:
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(status=401, body={"error_code": "APIGW.0301", "error_msg": "no"})
    result = one(NAMED)
    assert result.outcome == "failed"
    assert result.error
    assert result.error.code == "Stopped"
    assert "may have taken effect" in result.error.message


# ---- One, found


def test_found_and_cancelled(script: Script) -> None:
    script.expect_tasks(task("SUCCESS", task_id="old"), task())
    script.expect_cancel()
    assert one(FOUND) == Result(INSTANCE, TASK, "cancelled", one_task())


def test_found_and_predicted(script: Script) -> None:
    script.expect_tasks(task())
    assert one(FOUND, CHECK) == Result(INSTANCE, TASK, "cancelled", one_task())


@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_nothing_found(script: Script, plan: Plan) -> None:
    script.expect_tasks(task("SUCCESS"), task("WAITING", name="BindEip", task_id="other"))
    assert one(FOUND, plan) == Result(INSTANCE, None, "absent")


@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_several_found(script: Script, plan: Plan) -> None:
    script.expect_tasks(task(), task(task_id="second"))
    result = one(FOUND, plan)
    assert (result.outcome, result.task_id, result.still_waiting) == ("failed", None, (TASK, "second"))


@pytest.mark.parametrize(("status", "code", "waits"), [(403, "DCS.3002", True), (401, "APIGW.0301", True), (404, "DCS.3022", True), (400, "DCS.4239", False)])
def test_found_and_refused(script: Script, status: int, code: str, waits: bool) -> None:
    """It is still pending, unless the API says otherwise."""
    script.expect_tasks(task())
    script.expect_cancel(status, code)
    if not waits:
        script.expect_tasks(status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = one(FOUND, Plan(on_too_late="fail"))
    assert (result.outcome, result.still_waiting) == ("failed", (TASK,) if waits else ())


def test_found_and_not_attempted(script: Script) -> None:
    """Another request is refused with 401 between discovery and the cancel."""
    script.expect_tasks(task())
    with patch.object(Dcs, "cancel_resize", side_effect=StoppedError("Not sent.", code="Stopped")):
        result = one(FOUND)
    assert (result.outcome, result.still_waiting) == ("not_attempted", (TASK,))


def test_found_and_lost(script: Script) -> None:
    """Whether it is still pending is unknown."""
    script.expect_tasks(task())
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = one(FOUND, max_retries=0)
    assert (result.outcome, result.still_waiting) == ("failed", ())


@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_found_being_carried_out(script: Script, plan: Plan) -> None:
    script.expect_tasks(task("EXECUTING"))
    result = one(FOUND, plan._replace(on_too_late="fail"))
    assert (result.outcome, result.task_id, result.task, result.error and result.error.code) == ("executing", None, one_task("EXECUTING"), "TooLate")


@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_a_list_that_can_not_be_read(script: Script, plan: Plan) -> None:
    script.expect_tasks(status=403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = one(FOUND, plan)
    assert result.outcome == "failed"
    assert result.error
    assert "dcs:instance:getBackgroundTask" in result.error.message


def test_the_window_opens_between_the_look_and_the_cancel(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task("EXECUTING"))
    assert one(FOUND).outcome == "executing"


def test_discovery_is_never_repeated(script: Script) -> None:
    """Another resize is scheduled after the response was lost: it is not touched."""
    script.expect_tasks(task())
    script.expect_cancel(error=NO_ANSWER)
    script.expect_tasks(task("CANCELLED"), task(task_id="second"))
    result = one(FOUND)
    assert (result.task_id, result.outcome, result.task, len(result.warnings)) == (TASK, "cancelled", one_task("CANCELLED"), 1)


# ---- Many


def test_results_keep_the_order_and_duplicates_are_done_once() -> None:
    wanted = [Request(f"i{number}", TASK) for number in range(20)]
    with scripted_transport(ordered=False) as script:
        for number in range(20):
            script.expect_cancel(*((400, "DCS.4049") if number % 3 == 0 else ()), instance_id=f"i{number}")
        results = cancel_resizes(lambda: dcs(concurrency=4), [*wanted, wanted[3], wanted[0]], Plan())
    assert [result.instance_id for result in results] == [request.instance_id for request in wanted]
    assert outcomes(results) == ["failed" if number % 3 == 0 else "cancelled" for number in range(20)]


@pytest.mark.parametrize("check_mode", [False, True])
def test_entries_without_a_task_come_last(script: Script, check_mode: bool) -> None:
    """A resize that was cancelled by its task ID is not found again, even if it is still listed as pending."""
    both = [task(), task(task_id="second")]
    if check_mode:
        script.expect_tasks(*both)
    else:
        script.expect_cancel()
    script.expect_tasks(*both)
    if not check_mode:
        script.expect_cancel(task_id="second")
    results = cancel_resizes(dcs, [FOUND, NAMED], Plan(check_mode=check_mode))
    assert [(result.task_id, result.outcome) for result in results] == [("second", "cancelled"), (TASK, "cancelled")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_last_one_is_absent(script: Script, check_mode: bool) -> None:
    if check_mode:
        script.expect_tasks(task())
    else:
        script.expect_cancel()
    script.expect_tasks(task())
    assert outcomes(cancel_resizes(dcs, [FOUND, NAMED], Plan(check_mode=check_mode))) == ["absent", "cancelled"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("more", "warned"), [([], True), ([Request(INSTANCE, "second")], False), ([FOUND], False), ([Request("other", "second")], True)])
def test_another_that_waits_is_no_news_if_it_is_asked_for(check_mode: bool, more: list[Request], warned: bool) -> None:
    with scripted_transport(ordered=False) as script:
        script.expect_tasks(task("FAILED"), task(task_id="second"))
        if not check_mode:
            script.expect_cancel(400, "DCS.4239")
        for request in more:
            if request == FOUND or check_mode:
                script.expect_tasks(task("FAILED"), task(task_id="second"), instance_id=request.instance_id)
            if not check_mode:
                script.expect_cancel(task_id="second", instance_id=request.instance_id)
        results = cancel_resizes(dcs, [NAMED, *more], Plan(check_mode=check_mode))
    assert outcomes(results) == ["absent", *["cancelled"] * len(more)]
    assert ["second" in warning for result in results for warning in result.warnings] == ([True] if warned else [])


def test_another_that_waits_is_told_even_if_the_one_asked_for_is_not_listed(script: Script) -> None:
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task(task_id="second"))
    result = one(NAMED)
    assert (result.outcome, ["second" in warning for warning in result.warnings]) == ("absent", [True])
    assert "To cancel it, pass its task_id or omit task_id." in result.warnings[0]


def test_another_that_waits_after_all_is_news_to_who_asked_for_whatever_is_found(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task("FAILED"), task(task_id="second"))
    result = one(FOUND)
    assert (result.outcome, ["second" in warning for warning in result.warnings]) == ("absent", [True])


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("plan", [Plan(), CHECK])
@pytest.mark.parametrize("named", [True, False])
def test_a_first_401_is_the_only_request(script: Script, concurrency: int, plan: Plan, named: bool) -> None:
    wanted = [Request(INSTANCE if number == 0 else f"i{number}", TASK if named else None) for number in range(8)]
    if named and not plan.check_mode:
        script.expect_cancel(401, "APIGW.0301")
    else:
        script.expect_tasks(status=401, body={"error_code": "APIGW.0301", "error_msg": "no"})
    # Threads may begin in any order.
    with patch.object(Expected, "is_for", lambda *_arguments: True):
        results = cancel_resizes(lambda: dcs(concurrency=concurrency), wanted, plan)
    assert sorted(outcomes(results)) == ["failed", *["not_attempted"] * 7]
    assert len(script.requests) == 1
    assert all(result.error for result in results)


def test_a_later_401_stops_the_rest(script: Script) -> None:
    for number in range(3):
        script.expect_cancel(instance_id=f"i{number}")
    script.expect_cancel(401, "APIGW.0301", instance_id="i3")
    results = cancel_resizes(dcs, [Request(f"i{number}", TASK) for number in range(6)], Plan())
    assert outcomes(results) == ["cancelled"] * 3 + ["failed"] + ["not_attempted"] * 2


def test_a_401_stops_looks(script: Script) -> None:
    """The API has reported that nothing is pending; whether it was too late can no longer be looked up."""
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(status=401, body={"error_code": "APIGW.0301", "error_msg": "no"})
    results = cancel_resizes(dcs, [NAMED, Request("other", TASK)], Plan())
    assert outcomes(results) == ["absent", "not_attempted"]
    assert len(results[0].warnings) == 1


def test_a_bug_hides_no_other_result(script: Script) -> None:
    script.expect_cancel(instance_id="second")
    send = _cancel._send

    def fail_first(dcs: Dcs, call: Call, request: Request, *more: Any) -> Result:
        if request == NAMED:
            raise TypeError("oops")
        return send(dcs, call, request, *more)

    with patch.object(_cancel, "_send", fail_first):
        results = cancel_resizes(dcs, [NAMED, Request("second", TASK)], Plan())
    assert outcomes(results) == ["failed", "cancelled"]
    assert results[0].error
    assert (results[0].error.code, results[0].error.message) == ("InternalError", "Unexpected TypeError: oops.")


def test_a_bug_while_cancelling_counts_as_a_lost_response(script: Script) -> None:
    script.expect_tasks(task("CANCELLED"))
    with patch.object(Dcs, "cancel_resize", side_effect=AttributeError("'bool' object has no attribute 'strip'")):
        result = one(NAMED)
    assert (result.outcome, len(result.warnings)) == ("cancelled", 1)


def test_a_bug_while_looking_up_hides_no_change(script: Script) -> None:
    script.expect_cancel(503)
    script.expect_cancel(400, "DCS.4239")
    with patch.object(Dcs, "tasks", side_effect=RecursionError("too deep")):
        result = one(NAMED)
    assert (result.outcome, len(result.warnings)) == ("cancelled", 1)


def test_a_bug_while_looking_up_is_told(script: Script) -> None:
    script.expect_cancel(400, "DCS.4239")
    with patch.object(Dcs, "tasks", side_effect=RecursionError("too deep")):
        result = one(NAMED)
    assert (result.outcome, ["Unexpected RecursionError: too deep" in warning for warning in result.warnings]) == ("absent", [True])


def test_a_bug_while_waiting_hides_no_change(script: Script) -> None:
    script.expect_cancel()
    with patch.object(Dcs, "instance", side_effect=TypeError("oops")):
        result = one(NAMED, Plan(wait_timeout=60))
    assert (result.outcome, result.error and result.error.code) == ("cancelled", "InternalError")


def test_a_bug_while_connecting_is_every_resize_s_failure() -> None:
    results = cancel_resizes(failing(TypeError("oops")), [NAMED, FOUND], Plan())
    assert [(result.outcome, result.error and result.error.code) for result in results] == [("failed", "InternalError")] * 2


def test_a_bug_between_status_checks_hides_no_change(script: Script) -> None:
    script.expect_cancel()
    with patch.object(_cancel, "_wait", side_effect=TypeError("oops")):
        results = cancel_resizes(dcs, [NAMED], Plan(wait_timeout=60))
    assert [(result.outcome, result.error and result.error.code) for result in results] == [("cancelled", "InternalError")]


def test_ids_are_the_same_in_any_case(script: Script) -> None:
    """Requested twice, listed in another case, and repeated as the API spells them."""
    upper = Request(INSTANCE.upper(), TASK.upper())
    script.expect_cancel(400, "DCS.4239", instance_id=INSTANCE.upper(), task_id=TASK.upper())
    script.expect_tasks(task(), instance_id=INSTANCE.upper())
    script.expect_cancel(instance_id=INSTANCE.upper(), task_id=TASK)
    (result,) = cancel_resizes(dcs, [upper, NAMED], Plan())
    assert (result.instance_id, result.outcome) == (INSTANCE.upper(), "cancelled")


@pytest.mark.parametrize("request_", [Request("a/b", TASK), Request(INSTANCE, ".."), Request("a b"), Request(INSTANCE, "x%2Fy"), Request(INSTANCE, "x?y=1")])
@pytest.mark.parametrize("plan", [Plan(), CHECK])
def test_ids_that_are_none_are_refused_before_any_request(script: Script, request_: Request, plan: Plan) -> None:
    if not plan.check_mode:
        script.expect_cancel()
    else:
        script.expect_tasks(task())
    refused, other = cancel_resizes(dcs, [request_, NAMED], plan)
    assert (refused.outcome, refused.error and refused.error.code, other.outcome) == ("failed", "InvalidId", "cancelled")
    assert malformed(request_)
    assert [result.error and result.error.code for result in cancel_resizes(failing(DcsError("no", code="X")), [request_, NAMED], plan)] == ["InvalidId", "X"]


def test_a_401_before_anything_was_sent() -> None:
    assert outcomes(cancel_resizes(failing(AuthenticationError("no", code="APIGW.0301")), [NAMED], Plan())) == ["not_attempted"]


# ---- Waiting


@pytest.fixture
def impatient() -> Iterator[None]:
    """Waiting without delays."""
    with patch.object(_cancel, "WAIT_INTERVAL", (0.0, 0.0)):
        yield


@pytest.mark.usefixtures("impatient")
def test_wait_until_it_has_left_extending(script: Script) -> None:
    script.expect_cancel()
    for status in ("EXTENDING", "extending", "RUNNING"):
        script.expect_instance(body={"status": status})
    assert one(NAMED, Plan(wait_timeout=60)) == Result(INSTANCE, TASK, "cancelled")


def test_any_other_status_ends_the_wait(script: Script) -> None:
    script.expect_cancel()
    script.expect_instance(body={"status": "ERROR"})
    assert one(NAMED, Plan(wait_timeout=60)).error is None


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": ""}, {"error_code": "DCS.5000"}])
def test_an_instance_without_a_status_has_not_left_extending(script: Script, body: object) -> None:
    script.expect_cancel()
    script.expect_instance(body=body)
    result = one(NAMED, Plan(wait_timeout=60))
    assert (result.outcome, result.error and result.error.code) == ("cancelled", "UnexpectedAnswer")
    assert result.error
    assert INSTANCE in result.error.message


@pytest.fixture
def clock() -> Iterator[list[float]]:
    """The list of the pauses, which are all that moves the clock forward."""
    pauses = [0.0]
    time = SimpleNamespace(monotonic=lambda: sum(pauses))
    with (
        patch.object(_cancel, "time", time),
        patch.object(_pace, "time", time),
        patch.object(_pace.Rate, "throttled"),
        patch.object(Dcs, "sleep", lambda _dcs, seconds: pauses.append(seconds)),
    ):
        yield pauses


def test_status_checks_grow_rarer_and_the_last_is_at_the_end(script: Script, clock: list[float]) -> None:
    script.expect_cancel()
    for _check in range(8):
        script.expect_instance(body={"status": "EXTENDING"})
    result = one(NAMED, Plan(wait_timeout=30))
    assert result.error
    assert result.error.code == "WaitTimeout"
    assert clock[1:] == [0.5, 1, 2, 4, 8, 10, 4.5]


def test_status_checks_that_take_all_the_time_leave_none_for_others(script: Script, clock: list[float]) -> None:
    """No time is left, neither for the first check of an instance nor for a further one."""
    wanted = [Request(f"i{number}", TASK) for number in range(5)]
    for request in wanted:
        script.expect_cancel(instance_id=request.instance_id)
    for request in wanted[:4]:
        script.expect_instance(instance_id=request.instance_id, status="EXTENDING")
    instance = Dcs.instance

    def slow(dcs: Dcs, instance_id: str, retries: RetryBudget) -> Instance:
        try:
            return instance(dcs, instance_id, retries)
        finally:
            clock.append(4)

    with patch.object(Dcs, "instance", slow):
        results = cancel_resizes(dcs, wanted, Plan(wait_timeout=5))
    assert outcomes(results) == ["cancelled"] * 5
    assert [result.error and result.error.code for result in results] == ["WaitTimeout"] * 5
    # The first four checks take 16 s, more than the 5 s and the final 10 s.
    assert ["the time limit expired" in result.error.message for result in results if result.error] == [False] * 4 + [True]


@pytest.mark.parametrize(("status", "code"), [(503, "DCS.5000"), (429, "APIGW.0308")])
def test_what_may_be_over_at_the_next_check_does_not_end_the_wait(script: Script, clock: list[float], status: int, code: str) -> None:
    script.expect_cancel()
    script.expect_instance(status, body={"error_code": code, "error_msg": "Later."})
    script.expect_instance(status="RUNNING")
    assert one(NAMED, Plan(wait_timeout=30)).error is None
    assert clock[1:] == [0.5]


def test_a_status_that_can_not_be_read_to_the_end(script: Script, clock: list[float]) -> None:
    script.expect_cancel()
    for _check in range(3):
        script.expect_instance(503, body={"error_code": "DCS.5000", "error_msg": "Later."})
    result = one(NAMED, Plan(wait_timeout=1))
    assert (result.outcome, result.error and result.error.code) == ("cancelled", "DCS.5000")
    assert result.error
    assert "within 1 seconds" in result.error.message


def test_gone_is_left(script: Script) -> None:
    script.expect_cancel()
    script.expect_instance(404, body={"error_code": "DCS.3022", "error_msg": "gone"})
    assert one(NAMED, Plan(wait_timeout=60)).error is None


def test_wait_timeout(script: Script) -> None:
    script.expect_cancel(headers={"X-Request-Id": "r1"})
    script.expect_instance(body={"status": "EXTENDING"})
    result = one(NAMED, Plan(wait_timeout=0))
    assert (result.outcome, result.changed, result.request_id) == ("cancelled", True, "r1")
    assert result.error
    assert result.error.code == "WaitTimeout"
    assert "0 s" in result.error.message
    assert "EXTENDING" in result.error.message


def test_wait_timeout_names_the_task_that_was_found(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_cancel()
    script.expect_instance(body={"status": "EXTENDING"})
    error = one(FOUND, Plan(wait_timeout=0)).error
    assert error
    assert f"The resize {TASK} of instance {INSTANCE} has been cancelled" in error.message


def test_wait_that_can_not_read(script: Script) -> None:
    script.expect_cancel()
    script.expect_instance(403, body={"error_code": "DCS.2003", "error_msg": "no"})
    result = one(NAMED, Plan(wait_timeout=60))
    assert (result.outcome, result.changed, result.error and result.error.code) == ("cancelled", True, "DCS.2003")


@pytest.mark.usefixtures("impatient")
def test_a_look_that_fails_is_not_repeated_after_the_timeout(script: Script) -> None:
    script.expect_cancel()
    script.expect_instance(503, body={"error_code": "DCS.5000", "error_msg": "busy"})
    result = one(NAMED, Plan(wait_timeout=0))
    assert (result.outcome, result.changed, result.error and result.error.code) == ("cancelled", True, "DCS.5000")


@pytest.mark.usefixtures("impatient")
def test_a_401_ends_the_wait_of_all(script: Script) -> None:
    for number in range(2):
        script.expect_cancel(instance_id=f"i{number}")
    script.expect_instance(instance_id="i0", body={"status": "EXTENDING"})
    script.expect_instance(401, instance_id="i1", body={"error_code": "APIGW.0301", "error_msg": "no"})
    results = cancel_resizes(dcs, [Request(f"i{number}", TASK) for number in range(2)], Plan(wait_timeout=60))
    assert outcomes(results) == ["cancelled", "cancelled"]
    assert [result.error and result.error.code for result in results] == ["Stopped", "APIGW.0301"]


@pytest.mark.usefixtures("impatient")
def test_each_instance_is_read_once_a_round(script: Script) -> None:
    script.expect_cancel()
    script.expect_cancel(task_id="second")
    script.expect_cancel(400, "DCS.4049", instance_id="other")
    script.expect_instance(body={"status": "EXTENDING"})
    script.expect_instance(body={"status": "RUNNING"})
    wanted = [NAMED, Request(INSTANCE, "second"), Request("other", TASK)]
    assert outcomes(cancel_resizes(dcs, wanted, Plan(wait_timeout=60))) == ["cancelled", "cancelled", "failed"]


def test_no_wait_in_check_mode_or_without_a_cancel(script: Script) -> None:
    script.expect_tasks(task())
    assert one(NAMED, Plan(check_mode=True, wait_timeout=60)).outcome == "cancelled"
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks()
    assert one(NAMED, Plan(wait_timeout=60)).outcome == "absent"


def test_nothing_begun_fails_each_once() -> None:
    results = cancel_resizes(failing(DcsError("No project.", code="Configuration")), [NAMED, FOUND, NAMED], Plan())
    assert [(result.task_id, result.outcome) for result in results] == [(TASK, "failed"), (None, "failed")]
