# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Cancels pending resizes, one or many at once, and waits for their instances."""

from __future__ import annotations

import functools
import time
import typing as t

from ._dcs import normalized
from ._decision import Decision, History, Observation, decide, discover, predict, state_of, unreadable
from ._errors import (
    AuthenticationError,
    DcsError,
    LostAnswerError,
    NotFoundError,
    PermanentConnectionError,
    StoppedError,
    ThrottledError,
    UnsentError,
    unexpected,
)
from ._resize import EXECUTING_STATUSES, EXTENDING, is_in_status, is_resize, is_waiting_resize, malformed

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._dcs import BackgroundTask, Dcs
    from ._pace import Call, RetryBudget
    from ._resize import OnTooLate, Outcome, Request

#: Seconds between status checks while waiting for an instance to leave EXTENDING: initial and maximum.
WAIT_INTERVAL = (0.5, 10.0)
#: Seconds after the wait timeout in which the final status checks may still begin.
FINAL_CHECKS = 10.0


class Result(t.NamedTuple):
    """The outcome of one resize, with everything that is shown to users.

    :ivar task_id: as given, or as found
    :ivar task: as last seen
    :ivar request_id: from the last response to a cancel request; if there was none, from the error
    :ivar still_waiting: IDs of the tasks concerned that are known to be still pending
    """

    instance_id: str
    task_id: str | None
    outcome: Outcome
    task: BackgroundTask | None = None
    request_id: str | None = None
    error: DcsError | None = None
    warnings: tuple[str, ...] = ()
    still_waiting: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether this run cancelled the resize or, in check mode, would cancel it."""
        return self.outcome == "cancelled"

    def as_result(self) -> dict[str, t.Any]:
        """The form in which a module returns it."""
        return {
            "instance_id": self.instance_id,
            "task_id": self.task_id,
            "outcome": self.outcome,
            "changed": self.changed,
            "task": self.task.as_result() if self.task else None,
            "request_id": self.request_id,
            "error": self.error.as_result() if self.error else None,
        }


class Plan(t.NamedTuple):
    """How to cancel.

    :ivar check_mode: read and predict, but cancel nothing
    :ivar wait_timeout: seconds to wait until an instance has left EXTENDING; None: don't wait
    """

    on_too_late: OnTooLate = "warn"
    check_mode: bool = False
    wait_timeout: int | None = None


Key = tuple[str, t.Optional[str]]


def cancel_resizes(connect: Callable[[], Dcs], requests: Iterable[Request], plan: Plan) -> list[Result]:
    """Cancel resizes. If one fails, the others are still cancelled, but after HTTP 401 nothing more is sent.

    :param connect: creates the API client, which may send requests; not called if no resize can be sent
    :returns: one result per distinct request, in the order given
    """
    wanted: dict[Key, Request] = {}
    for request in requests:
        wanted.setdefault(request.key, request)
    refused = {key: malformed(request) for key, request in wanted.items()}
    results = {key: _result(wanted[key], Decision("failed", error)) for key, error in refused.items() if error}
    left = [request for key, request in wanted.items() if not refused[key]]
    if left:
        try:
            dcs = connect()
        except Exception as error:
            decision = Decision("not_attempted" if isinstance(error, AuthenticationError) else "failed", unexpected(error))
            results.update((request.key, _result(request, decision)) for request in left)
        else:
            results.update(_cancel_all(dcs, left, plan))
    return [results[key] for key in wanted]


def _cancel_all(dcs: Dcs, requests: list[Request], plan: Plan) -> dict[Key, Result]:
    results: dict[Key, Result] = {}
    asked: dict[str, set[str | None]] = {}
    for request in requests:
        instance_id, task_id = request.key
        asked.setdefault(instance_id, set()).add(task_id)
    # Requests with a task ID run first: discovery, for those without one, must not find the same resizes again.
    for with_task in (True, False):
        done = frozenset(key for key, result in results.items() if result.changed)
        part = [request for request in requests if (request.task_id is not None) is with_task]
        cancel = functools.partial(_cancel, dcs, plan, asked, done)
        results.update(zip((request.key for request in part), dcs.in_parallel(cancel, part)))
    if plan.wait_timeout is not None and not plan.check_mode:
        try:
            _wait(dcs, results, plan.wait_timeout)
        except Exception as error:
            # A bug must not hide what has been cancelled.
            results.update((key, result._replace(error=unexpected(error))) for key, result in results.items() if result.changed)
    return results


def _cancel(dcs: Dcs, plan: Plan, asked: dict[str, set[str | None]], done: frozenset[Key], request: Request) -> Result:
    """Process one resize, from discovery to its outcome. Any error becomes part of the result.

    :param asked: the task IDs requested in this run, by instance; None stands for discovery
    :param done: the resizes that this run has already cancelled, whatever their listed status
    """
    others = asked[request.key[0]]
    with dcs.call() as call:
        try:
            if request.task_id is None:
                return _find_and_cancel(dcs, call, plan, others, done, request)
            if plan.check_mode:
                observation = _observe(dcs, call, request, others, check_applied=plan.on_too_late != "ignore")
                return _result(request, predict(request, observation, plan.on_too_late), observation.task)
            return _send(dcs, call, request, others, plan.on_too_late)
        except DcsError as error:
            return _result(request, Decision("failed", error))
        except Exception as error:
            # A bug must not hide the results of the other resizes.
            return _result(request, Decision("failed", unexpected(error)))


def _find_and_cancel(dcs: Dcs, call: Call, plan: Plan, asked: set[str | None], done: frozenset[Key], request: Request) -> Result:
    def matters(task: BackgroundTask) -> bool:
        return is_waiting_resize(task) or (is_resize(task) and is_in_status(task, EXECUTING_STATUSES))

    try:
        tasks = dcs.tasks(request.instance_id, keep=matters, retries=call.reads())
    except DcsError as error:
        return _result(request, unreadable(error))
    tasks = [task for task in tasks if request._replace(task_id=task.id).key not in done]
    decision, task = discover(request, tasks, plan.on_too_late)
    if decision:
        pending = tuple(task.id for task in tasks if is_waiting_resize(task))
        return _result(request, decision, task, still_waiting=pending)
    request = request._replace(task_id=t.cast("BackgroundTask", task).id)
    if plan.check_mode:
        return _result(request, Decision("cancelled"), task)
    return _send(dcs, call, request, asked - {None}, plan.on_too_late, task)


def _send(dcs: Dcs, call: Call, request: Request, asked: set[str | None], on_too_late: OnTooLate, task: BackgroundTask | None = None) -> Result:
    """Cancel one resize whose task is known.

    :param task: the pending task as found by discovery; None if it was not read
    """
    history = History(last_seen="waiting" if task else None)
    task_id = t.cast(str, request.task_id)
    request_id: str | None = None
    while True:
        step = decide(request, history, on_too_late, call.retries.left)
        if step == "send":
            error, answered = _attempt(dcs, call, request.instance_id, task_id, history)
            request_id = answered or request_id
            # If the time limit kept the request from being sent, no attempt is left either.
            history = history if error is _NO_TIME else history.after_response(error)
        elif step == "observe":
            observation = _observe(dcs, call, request, asked)
            history = history.after_observation(observation)
            if observation.task:
                # Use the ID as the API spells it.
                task, task_id = observation.task, observation.task.id
        else:
            pending = (task_id,) if step.outcome in ("failed", "not_attempted") and history.is_pending else ()
            return _result(request, step, task, request_id, pending)


_NO_TIME = DcsError("The time limit has expired.")


def _attempt(dcs: Dcs, call: Call, instance_id: str, task_id: str, history: History) -> tuple[DcsError | None, str | None]:
    """Send a cancel request. Return its error, if any, and its request ID. The error is `_NO_TIME` if no time is left for this retry."""
    try:
        if history.answered and not call.retries.wait(history.error):
            return _NO_TIME, None
        return None, dcs.cancel_resize(instance_id, task_id, call.retries)
    except DcsError as error:
        return error, error.request_id
    except Exception as error:
        # The request may have been sent.
        return LostAnswerError(f"Unexpected {type(error).__name__}: {error}", code="InternalError"), None


def _observe(dcs: Dcs, call: Call, request: Request, asked: set[str | None], check_applied: bool = True) -> Observation:
    """Read one background task by its ID, whatever its name.

    :param asked: the task IDs requested on the instance, which have results of their own and are not reported as others; None stands for discovery
    :param check_applied: for a task that succeeded, check by the instance's spec code whether it has been applied
    """
    task_id = request.key[1]
    if not call.has_time:
        return Observation("unreadable", error=DcsError("the time limit expired before the background tasks could be read", code="NoTime"))
    try:
        tasks = dcs.tasks(request.instance_id, keep=lambda task: task.id.lower() == task_id or is_waiting_resize(task), retries=call.reads())
        others = () if None in asked else tuple(task for task in tasks if task.id.lower() not in {task_id, *asked} and is_waiting_resize(task))
        task = next((task for task in tasks if task.id.lower() == task_id), None)
        if task is None:
            return Observation("missing", None, others)
        state = state_of(task)
        if state == "applied" and check_applied and _kept_old_spec(dcs, request.instance_id, task, call.reads()):
            state = "other"
        return Observation(state, task, others)
    except DcsError as error:
        return Observation("unreadable", error=error)
    except Exception as error:
        return Observation("unreadable", error=unexpected(error))


def _kept_old_spec(dcs: Dcs, instance_id: str, task: BackgroundTask, retries: RetryBudget) -> bool:
    """Whether the instance still has its old specification, so that the task can't have applied the new one. False if unknown."""
    old, new = normalized(task.old_spec_code), normalized(task.new_spec_code)
    if not old or not new or old == new:
        return False
    try:
        return normalized(dcs.instance(instance_id, retries).spec_code) == old
    except DcsError:
        return False


def _result(
    request: Request, decision: Decision, task: BackgroundTask | None = None, request_id: str | None = None, still_waiting: tuple[str, ...] = ()
) -> Result:
    request_id = request_id or (decision.error.request_id if decision.error else None)
    return Result(request.instance_id, request.task_id, decision.outcome, task, request_id, decision.error, decision.warnings, still_waiting)


# ---- Waiting


def _wait(dcs: Dcs, results: dict[Key, Result], seconds: int) -> None:
    """Wait until the instances of all cancelled resizes have left EXTENDING. A result whose instance has not, or can't be read, gets an error."""
    deadline = time.monotonic() + seconds
    pending = list(dict.fromkeys(result.instance_id for result in results.values() if result.changed))
    last: dict[str, str | DcsError] = {}
    failed: dict[str, DcsError] = {}
    interval, longest = WAIT_INTERVAL
    while pending:
        check = functools.partial(_status, dcs, deadline + FINAL_CHECKS)
        for instance_id, status in zip(pending, dcs.in_parallel(check, pending)):
            # A read that was skipped for lack of time does not replace an earlier status.
            if not (isinstance(status, UnsentError) and status.code == "NoTime"):
                last[instance_id] = status
        failed.update((instance_id, status) for instance_id, status in last.items() if isinstance(status, DcsError) and not isinstance(status, _TRANSIENT))
        pending = [
            instance_id
            for instance_id in pending
            if instance_id not in failed and (isinstance(last.get(instance_id), _TRANSIENT) or normalized(str(last.get(instance_id, EXTENDING))) == EXTENDING)
        ]
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if pending:
            try:
                dcs.sleep(min(interval, left))
            except StoppedError as error:
                failed.update(dict.fromkeys(pending, error))
                pending = []
            interval = min(interval * 2, longest)
    for key, result in results.items():
        if result.changed and result.instance_id in failed:
            cause = failed[result.instance_id]
            reason = f"The resize has been cancelled, but the instance's status could not be read: {cause.reason}"
            results[key] = result._replace(error=cause.with_reason(reason))
        elif result.changed and result.instance_id in pending:
            results[key] = result._replace(error=_timeout(result, seconds, last.get(result.instance_id)))


#: Errors that may be gone at the next status check.
_TRANSIENT = (LostAnswerError, ThrottledError, UnsentError)


def _status(dcs: Dcs, deadline: float, instance_id: str) -> str | DcsError:
    """The status of an instance, an empty string if the instance is gone, or the error.

    :param deadline: the latest time at which the read may begin, on the clock of `time.monotonic()`
    """
    try:
        # No retries: the next status check takes their place.
        with dcs.call(max_retries=0, deadline=deadline) as call:
            status = dcs.instance(instance_id, call.retries).status
    except NotFoundError:
        return ""
    except PermanentConnectionError as error:
        return error.with_reason(error.reason)
    except DcsError as error:
        return error
    except Exception as error:
        return unexpected(error)
    # A missing status does not mean that the instance has left EXTENDING.
    return status or DcsError(f"the response has no status of instance {instance_id}", code="UnexpectedAnswer")


def _timeout(result: Result, seconds: int, last: str | DcsError | None) -> DcsError:
    # Unlike the request, the result always has the task ID, even if discovery found it.
    resize = f"The resize {result.task_id} of instance {result.instance_id} has been cancelled, but"
    if isinstance(last, DcsError):
        return last.with_reason(f"{resize} the status of the instance could not be read within {seconds} seconds: {last.reason}")
    if last is None:
        return DcsError(f"{resize} the time limit expired before the status of the instance could be read", code="WaitTimeout")
    return DcsError(f"{resize} after {seconds} seconds the instance is still {last}", code="WaitTimeout")
