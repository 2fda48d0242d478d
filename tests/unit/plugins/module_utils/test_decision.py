# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions as tables: each row has the responses and reads so far, and the expected decision."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import BackgroundTask
from ansible_collections.huaweicloud.dcs.plugins.module_utils._decision import Decision, History, Observation, decide, discover, predict
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    AuthenticationError,
    BusyError,
    ForbiddenError,
    LostAnswerError,
    NotExtendingError,
    StoppedError,
    ThrottledError,
    UnsentError,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from scripted_transport import INSTANCE, TASK

REQUEST = Request(INSTANCE, TASK)
POLICIES = ("ignore", "warn", "fail")
STATUS_OF_STATE = {"waiting": "WAITING", "executing": "EXECUTING", "applied": "SUCCESS", "cancelled": "CANCELLED", "other": "FAILED"}
UNREADABLE = ForbiddenError("The list is forbidden.", code="DCS.2003", http_status=403, request_id="r1")
RESPONSES = {
    "done": None,
    "4239": NotExtendingError("Not extending.", code="DCS.4239", http_status=400),
    "busy": BusyError("Busy.", code="DCS.4113", http_status=400),
    "lost": LostAnswerError("Lost.", code="NoAnswer"),
    "403": ForbiddenError("Forbidden.", code="DCS.3002", http_status=403),
    "429": ThrottledError("Throttled.", code="APIGW.0308", http_status=429),
    "unsent": UnsentError("No connection.", code="ConnectionFailed"),
    "401": AuthenticationError("Unauthorized.", code="APIGW.0301", http_status=401),
    "stopped": StoppedError("Stopped.", code="Stopped"),
}


def background_task(status: str, task_id: str = TASK, name: str = "EXTEND") -> BackgroundTask:
    return BackgroundTask(task_id, name, status, {}, "operator", "2026-01-31T07:38:42.503Z", None, None, None, None, None)


def observation(state: Any, others: int = 0) -> Observation:
    """An observation of the task in this state."""
    waiting = tuple(background_task("WAITING", f"other{number}") for number in range(others))
    if state == "unreadable":
        return Observation("unreadable", error=UNREADABLE)
    return Observation(state, background_task(STATUS_OF_STATE[state]) if state in STATUS_OF_STATE else None, waiting)


def history_of(history: str) -> History:
    """The history after these responses and observations, in order."""
    known = History()
    for event in history.split():
        known = known.after_response(RESPONSES[event]) if event in RESPONSES else known.after_observation(observation(event))
    return known


class Row(NamedTuple):
    """A row of the table.

    :ivar history: the responses and observations so far
    :ivar expected: the next step, or the outcome
    :ivar warning: a part of the one warning; empty: there is none
    :ivar code: of the error; None: no error
    :ivar message: a part of the error's message
    :ivar last: whether no retry is left
    """

    history: str
    expected: str
    warning: str = ""
    code: str | None = None
    message: str = ""
    on_too_late: str = "warn"
    last: bool = False


MAY_HAVE = "may have taken effect"
TABLE = [
    # The first step, and unambiguous responses.
    Row("", "send"),
    Row("", "send", last=True),
    Row("done", "cancelled"),
    Row("403", "failed", code="DCS.3002", message="Forbidden."),
    Row("stopped", "not_attempted", code="Stopped"),
    # The API reports that nothing is pending: one read, none with "ignore".
    Row("4239", "observe"),
    Row("4239", "observe", on_too_late="fail"),
    Row("4239", "absent", on_too_late="ignore"),
    Row("4239 executing", "executing", warning="has already started"),
    Row("4239 executing", "executing", code="TooLate", message="has already started", on_too_late="fail"),
    Row("4239 applied", "applied", warning="has been carried out"),
    Row("4239 applied", "applied", code="TooLate", message="has been carried out", on_too_late="fail"),
    Row("4239 missing", "absent"),
    Row("4239 missing", "absent", on_too_late="fail"),
    Row("4239 cancelled", "absent"),
    Row("4239 other", "absent"),
    Row("4239 unreadable", "absent", warning="has been carried out is unknown: The list is forbidden."),
    Row("4239 unreadable", "failed", code="DCS.2003", message="has been carried out is unknown: The list is forbidden.", on_too_late="fail"),
    # The list contradicts this: repeat, and finally fail.
    Row("4239 waiting", "send"),
    Row("4239 waiting", "failed", code="DCS.4239", message="still pending", last=True),
    Row("4239 waiting 4239", "observe"),
    Row("4239 waiting 4239 missing", "absent"),
    Row("4239 waiting 4239 executing", "executing", warning="has already started"),
    Row("4239 waiting done", "cancelled"),
    Row("4239 waiting 403", "failed", code="DCS.3002"),
    Row("4239 waiting stopped", "failed", code="Stopped"),
    # Busy, perhaps because the resize has started.
    Row("busy", "observe"),
    Row("busy", "failed", code="DCS.4113", on_too_late="ignore"),
    Row("busy executing", "executing", warning="has already started"),
    Row("busy executing", "executing", code="TooLate", on_too_late="fail"),
    Row("busy applied", "applied", warning="has been carried out"),
    Row("busy waiting", "failed", code="DCS.4113"),
    Row("busy missing", "failed", code="DCS.4113"),
    Row("busy other", "failed", code="DCS.4113"),
    Row("busy unreadable", "failed", code="DCS.4113"),
    Row("busy unreadable", "failed", code="DCS.4113", on_too_late="fail"),
    # A lost response: looked up whatever on_too_late is, even after the last attempt.
    *(Row("lost", "observe", on_too_late=policy, last=last) for policy in POLICIES for last in (False, True)),
    Row("lost executing", "executing", warning="has already started"),
    Row("lost executing", "executing", on_too_late="ignore"),
    Row("lost executing", "executing", code="TooLate", on_too_late="fail", last=True),
    Row("lost applied", "applied", warning="has been carried out", last=True),
    *(
        Row("lost cancelled", "cancelled", warning="the status of its background task is CANCELLED", on_too_late=policy, last=last)
        for policy in POLICIES
        for last in (False, True)
    ),
    *(Row(f"lost {state}", "send") for state in ("waiting", "other", "missing", "unreadable")),
    Row("lost waiting", "failed", code="NoAnswer", last=True),
    *(Row(f"lost {state}", "failed", code="NoAnswer", message=MAY_HAVE, last=True) for state in ("other", "missing", "unreadable")),
    # The repetition of a cancel whose response was lost.
    Row("lost waiting done", "cancelled"),
    *(Row("lost waiting 4239", "observe", on_too_late=policy) for policy in POLICIES),
    *(
        Row(f"lost {before} 4239 {after}", "cancelled", warning="a second cancel request got DCS.4239", on_too_late=policy)
        for policy in POLICIES
        for before in ("waiting", "other", "missing", "unreadable")
        for after in ("other", "missing", "unreadable")
    ),
    # The warning says what was observed.
    Row("lost other 4239 other", "cancelled", warning="DCS.4239, and the status of its background task is FAILED. A "),
    Row("lost other 4239 missing", "cancelled", warning="DCS.4239, and its background task is not listed. A "),
    Row("lost other 4239 unreadable", "cancelled", warning="and its background task could not be read (The list is forbidden). A ", on_too_late="fail"),
    Row("lost waiting 4239 executing", "executing", warning="has already started"),
    Row("lost missing 4239 applied", "applied", code="TooLate", on_too_late="fail"),
    Row("lost missing 4239 waiting", "send"),
    Row("lost missing 4239 waiting", "failed", code="DCS.4239", message="still pending", last=True),
    Row("lost waiting 4239 cancelled", "cancelled", warning="the status of its background task is CANCELLED"),
    # Another refusal follows: one last read, whatever on_too_late is; the cancel may have taken effect, unless the task is pending.
    *(
        Row(f"lost {state} {refusal}", "observe", on_too_late=policy, last=True)
        for state in ("waiting", "missing")
        for refusal in ("403", "429", "unsent")
        for policy in POLICIES
    ),
    *(Row(f"lost missing 429 {state}", "failed", code="APIGW.0308", message=MAY_HAVE) for state in ("other", "missing", "unreadable")),
    Row("lost waiting 429 cancelled", "cancelled", warning="the status of its background task is CANCELLED", last=True),
    Row("lost waiting 429 applied", "applied", warning="has been carried out", last=True),
    Row("lost waiting 429 waiting", "failed", code="APIGW.0308", last=True),
    Row("lost missing 403 waiting", "failed", code="DCS.3002"),
    Row("lost waiting 403 unreadable", "failed", code="DCS.3002"),
    Row("lost waiting lost 403 unreadable", "failed", code="DCS.3002", message=MAY_HAVE),
    Row("403", "failed", code="DCS.3002", on_too_late="fail"),
    Row("429", "failed", code="APIGW.0308"),
    Row("unsent", "failed", code="ConnectionFailed"),
    # Never after HTTP 401.
    Row("lost unreadable stopped", "failed", code="Stopped", message=MAY_HAVE),
    Row("lost missing 401", "failed", code="APIGW.0301", message=MAY_HAVE),
    Row("lost waiting 401", "failed", code="APIGW.0301"),
    # Busy after a lost response: an earlier attempt may have been the one that cancelled it.
    Row("lost waiting busy cancelled", "cancelled", warning="the status of its background task is CANCELLED"),
    Row("busy cancelled", "failed", code="DCS.4113"),
    Row("lost waiting busy", "observe"),
    Row("lost waiting busy unreadable", "failed", code="DCS.4113"),
    Row("lost missing busy unreadable", "failed", code="DCS.4113", message=MAY_HAVE),
    Row("lost waiting busy executing", "executing", warning="has already started"),
    Row("lost missing busy missing", "failed", code="DCS.4113", message=MAY_HAVE),
    Row("lost missing busy waiting", "failed", code="DCS.4113"),
    Row("lost missing busy", "observe", on_too_late="ignore"),
]


def name(row: Row) -> str:
    return "-".join([*(row.history or "begin").split(), row.on_too_late, *(["last"] if row.last else []), row.expected])


@pytest.mark.parametrize("row", TABLE, ids=name)
def test_decide(row: Row) -> None:
    decision = decide(REQUEST, history_of(row.history), row.on_too_late, not row.last)
    if row.expected in ("send", "observe"):
        assert decision == row.expected
        return
    assert isinstance(decision, Decision)
    assert decision.outcome == row.expected
    assert (decision.error.code if decision.error else None) == row.code
    assert row.message in (decision.error.message if decision.error else "")
    assert (MAY_HAVE in decision.error.message if decision.error else False) == (row.message == MAY_HAVE)
    assert [row.warning in warning for warning in decision.warnings] == ([True] if row.warning else [])
    for warning in decision.warnings:
        assert TASK in warning
        assert INSTANCE in warning


def test_a_failure_keeps_the_facts_of_the_error() -> None:
    decision = decide(REQUEST, history_of("4239 unreadable"), "fail", True)
    assert isinstance(decision, Decision)
    assert decision.error
    assert (decision.error.code, decision.error.http_status, decision.error.request_id) == ("DCS.2003", 403, "r1")


def test_another_resize_that_waits_is_named_and_no_reason_to_send() -> None:
    decision = decide(REQUEST, history_of("4239").after_observation(observation("missing", others=2)), "warn", True)
    assert isinstance(decision, Decision)
    assert decision.outcome == "absent"
    assert [f"other{number} (EXTEND, WAITING)" in warning for number, warning in enumerate(decision.warnings)] == [True, True]


def histories(length: int) -> list[tuple[str, ...]]:
    """All sequences of rounds: a response, followed by an observation or not."""
    looks = ("", "waiting", "executing", "applied", "cancelled", "other", "missing", "unreadable")
    rounds = list(itertools.product(RESPONSES, looks))
    return [sum(chosen, ()) for chosen in itertools.product(rounds, repeat=length)]


@pytest.mark.parametrize("on_too_late", POLICIES)
@pytest.mark.parametrize("may_repeat", [True, False])
def test_whatever_happens_the_decision_keeps_the_rules(on_too_late: Any, may_repeat: bool) -> None:
    for history in [*histories(1), *histories(2)]:
        known = history_of(" ".join(history))
        decision = decide(REQUEST, known, on_too_late, may_repeat)
        if decision == "send":
            assert may_repeat, history
            assert known.observation, "nothing is repeated without a look"
        elif decision == "observe":
            assert not known.observation, history
        else:
            assert isinstance(decision, Decision)
            lost = "lost" in history
            if decision.outcome == "cancelled":
                assert history[-2] == "done" or (lost and decision.warnings), history
            if decision.outcome == "absent":
                assert not lost, "a lost response never ends as if nothing had happened"
                assert isinstance(known.error, NotExtendingError)
            if decision.outcome == "not_attempted":
                assert not lost
            if decision.outcome in ("executing", "applied"):
                assert (decision.error is not None) == (on_too_late == "fail")
                assert bool(decision.warnings) == (on_too_late == "warn")
            else:
                assert (decision.error is not None) == (decision.outcome in ("failed", "not_attempted")), history


# ---- Check mode


PREDICTIONS = [
    ("waiting", "cancelled", "cancelled", "cancelled"),
    ("executing", "absent", "executing", "executing"),
    ("applied", "absent", "applied", "applied"),
    ("cancelled", "absent", "absent", "absent"),
    ("other", "absent", "absent", "absent"),
    ("missing", "absent", "absent", "absent"),
    ("unreadable", "failed", "failed", "failed"),
]


@pytest.mark.parametrize(
    ("state", "on_too_late", "outcome"),
    [(state, policy, outcome) for state, *outcomes in PREDICTIONS for policy, outcome in zip(POLICIES, outcomes, strict=True)],
)
def test_predict(state: Any, on_too_late: Any, outcome: str) -> None:
    decision = predict(REQUEST, observation(state), on_too_late)
    assert decision.outcome == outcome
    assert (decision.error is not None) == (outcome == "failed" or (on_too_late == "fail" and outcome in ("executing", "applied")))


@pytest.mark.parametrize("on_too_late", POLICIES)
@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("state", [row[0] for row in PREDICTIONS if row[0] != "unreadable"])
def test_check_mode_predicts_what_the_real_run_reports(state: Any, others: int, on_too_late: Any) -> None:
    """The real run uses a cloud in which nothing else happens."""
    seen = observation(state, others)
    known = History()
    step: Any = decide(REQUEST, known, on_too_late, True)
    while not isinstance(step, Decision):
        known = known.after_response(RESPONSES["done" if state == "waiting" else "4239"]) if step == "send" else known.after_observation(seen)
        step = decide(REQUEST, known, on_too_late, True)
    predicted = predict(REQUEST, seen, on_too_late)
    assert (predicted.outcome, predicted.warnings) == (step.outcome, step.warnings)
    assert (predicted.error and predicted.error.as_result()) == (step.error and step.error.as_result())


def test_check_mode_does_not_promise_to_cancel_what_is_no_resize() -> None:
    decision = predict(REQUEST, Observation("waiting", background_task("WAITING", name="AddReplica")), "warn")
    assert decision.outcome == "failed"
    assert decision.error
    assert decision.error.code == "NotAResize"
    assert "AddReplica" in decision.error.message


def test_check_mode_after_a_401_sends_no_more() -> None:
    assert predict(REQUEST, Observation("unreadable", error=StoppedError("Stopped.", code="Stopped")), "warn").outcome == "not_attempted"


# ---- Discovery

FOUND = Request(INSTANCE)
DISCOVERIES: list[tuple[str, list[tuple[str, str]], str | int]] = [
    # name and status of each task; then the outcome, or the index of the task to cancel
    ("nothing at all", [], "absent"),
    ("one waits", [("EXTEND", "WAITING")], 0),
    ("created counts as waiting", [("EXTEND", "CREATED")], 0),
    ("the SDK's name", [("ChangeInstanceSpec", "WAITING")], 0),
    ("any case", [("cHaNgEiNsTaNcEsPeC", "waiting")], 0),
    ("white space around both", [(" EXTEND\n", "\tWAITING ")], 0),
    ("one waits among others", [("BindEip", "WAITING"), ("EXTEND", "SUCCESS"), ("EXTEND", "WAITING"), ("EXTEND", "EXECUTING")], 2),
    ("another task waits", [("AddReplica", "WAITING")], "absent"),
    ("two wait", [("EXTEND", "WAITING"), ("ChangeInstanceSpec", "CREATED")], "failed"),
    ("one is carried out", [("EXTEND", "EXECUTING"), ("EXTEND", "SUCCESS")], "executing"),
    ("any case of executing", [("extend", "executing")], "executing"),
    ("another task is carried out", [("BindEip", "EXECUTING")], "absent"),
    ("all have ended", [("EXTEND", "SUCCESS"), ("EXTEND", "FAILED"), ("EXTEND", "CANCELLED"), ("EXTEND", "DELETED")], "absent"),
    ("an unknown status is not waiting", [("EXTEND", "PAUSED"), ("EXTEND", "")], "absent"),
    ("no name", [("", "WAITING")], "absent"),
]


@pytest.mark.parametrize("on_too_late", POLICIES)
@pytest.mark.parametrize(("tasks", "expected"), [row[1:] for row in DISCOVERIES], ids=[row[0] for row in DISCOVERIES])
def test_discover(tasks: list[tuple[str, str]], expected: str | int, on_too_late: Any) -> None:
    listed = [background_task(status, f"task{number}", name) for number, (name, status) in enumerate(tasks)]
    decision, found = discover(FOUND, listed, on_too_late)
    if isinstance(expected, int):
        assert (decision, found) == (None, listed[expected])
        return
    assert decision
    assert decision.outcome == expected
    assert (found.status.upper() if found else None) == ("EXECUTING" if expected == "executing" else None)
    assert bool(decision.warnings) == (expected == "executing" and on_too_late == "warn")
    if decision.warnings:
        [warning] = decision.warnings
        status = tasks[0][1]
        assert warning.startswith(
            f"Too late to cancel the resize task0 of instance {INSTANCE}: it has already started (the status of its background task is {status})."
        )
    if expected == "failed":
        assert decision.error
        assert decision.error.code == "Ambiguous"
        assert ", ".join(f"{task.id} ({task.name}, {task.status}, created {task.created_at})" for task in listed) in decision.error.message
    else:
        assert (decision.error and decision.error.code) == ("TooLate" if expected == "executing" and on_too_late == "fail" else None)
