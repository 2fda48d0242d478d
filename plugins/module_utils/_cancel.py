# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Cancelling pending resizes, one or many at once, and waiting for their instances."""

from __future__ import annotations

import functools
import time
import typing as t

from ._decision import Decision, History, Observation, Reply, decide, discover, named, predict, unreadable
from ._errors import AuthenticationError, DcsError, ForbiddenError, LostAnswerError, NotFoundError, StoppedError
from ._pace import in_parallel
from ._resize import (
    APPLIED_STATUSES,
    BUSY_CODES,
    CANCELLED_STATUSES,
    EXECUTING_STATUSES,
    EXTENDING,
    NOT_EXTENDING_CODES,
    WAITING_STATUSES,
    is_in_status,
    is_waiting_resize,
    malformed,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._dcs import BackgroundTask, Dcs
    from ._decision import State
    from ._pace import Attempts
    from ._resize import OnTooLate, Outcome, Request

#: Seconds between two looks while waiting for an instance to leave EXTENDING: at first, and at most.
WAIT_INTERVAL = (0.5, 10.0)
#: Seconds for the last looks, once waiting is over: after that not one more begins.
LAST_LOOKS = 10.0


class Result(t.NamedTuple):
    """What one resize came to, with all that users see of it.

    :ivar task_id: as given, or as found
    :ivar task: as last seen
    :ivar request_id: of the last answer to a cancel; if there was none, of the error
    :ivar still_waiting: ids of the tasks that this was about and that are known to wait still
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
        """Whether the resize was cancelled by this run, or would be."""
        return self.outcome == "cancelled"

    def as_result(self) -> dict[str, t.Any]:
        """As users see it in a module's result."""
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
    :ivar concurrency: requests in flight at once
    """

    on_too_late: OnTooLate = "warn"
    check_mode: bool = False
    wait_timeout: int | None = None
    concurrency: int = 1


def cancel_resizes(dcs: Dcs, requests: Sequence[Request], plan: Plan) -> list[Result]:
    """Cancel resizes; one failure stops no other, a 401 stops all.

    :returns: one result per different request, in the order asked
    """
    wanted = list(dict.fromkeys(requests))
    results: dict[Request, Result] = {}
    asked: dict[str, set[str | None]] = {}
    for request in wanted:
        asked.setdefault(request.instance_id, set()).add(request.task_id)
    # Those with a task first: what they cancel is not found again by those without.
    for with_task in (True, False):
        done = frozenset(request for request, result in results.items() if result.changed)
        cancel = functools.partial(_cancel, dcs, plan, asked, done)
        part = [request for request in wanted if (request.task_id is not None) is with_task]
        results.update(zip(part, in_parallel(cancel, part, plan.concurrency)))
    if plan.wait_timeout is not None and not plan.check_mode:
        results.update(_wait(dcs, results, plan.wait_timeout, plan.concurrency))
    return [results[request] for request in wanted]


def not_begun(requests: Sequence[Request], error: DcsError | None = None) -> list[Result]:
    """The results where the API was not even asked.

    :param error: why, for those that are not malformed
    """
    outcome: Outcome = "not_attempted" if isinstance(error, AuthenticationError) else "failed"
    refused = {request: malformed(request) for request in requests}
    return [_result(request, Decision("failed", refused[request]) if refused[request] else Decision(outcome, error)) for request in refused]


def _cancel(dcs: Dcs, plan: Plan, asked: Mapping[str, set[str | None]], done: frozenset[Request], request: Request) -> Result:
    """One resize, from looking for it to its outcome. Whatever goes wrong becomes part of the result.

    :param asked: the tasks that this run is asked for, by instance
    :param done: what this run has cancelled already, whatever the list says of it
    """
    refused = malformed(request)
    if refused:
        return _result(request, Decision("failed", refused))
    try:
        if request.task_id is None:
            return _find_and_cancel(dcs, plan, asked[request.instance_id], done, request)
        if plan.check_mode:
            observation = _observe(dcs, request, asked[request.instance_id], plan.on_too_late != "ignore")
            return _result(request, predict(request, observation, plan.on_too_late), observation.task)
        return _send(dcs, request, asked[request.instance_id], plan.on_too_late)
    except DcsError as error:
        return _result(request, Decision("failed", error))
    except Exception as error:
        # A mistake of ours must not hide what became of the other resizes.
        return _result(request, Decision("failed", DcsError(f"Unexpected {type(error).__name__}: {error}", code="InternalError")))


def _find_and_cancel(dcs: Dcs, plan: Plan, asked: set[str | None], done: frozenset[Request], request: Request) -> Result:
    try:
        tasks = [task for task in dcs.tasks(request.instance_id) if request._replace(task_id=task.id) not in done]
    except DcsError as error:
        return _result(request, unreadable(error))
    decision, task = discover(request, tasks, plan.on_too_late)
    if decision:
        waiting = tuple(task.id for task in tasks if is_waiting_resize(task))
        return _result(request, decision, task, still_waiting=waiting)
    request = request._replace(task_id=t.cast("BackgroundTask", task).id)
    if plan.check_mode:
        return _result(request, Decision("cancelled"), task)
    return _send(dcs, request, asked - {None}, plan.on_too_late, task)


def _send(dcs: Dcs, request: Request, asked: set[str | None], on_too_late: OnTooLate, task: BackgroundTask | None = None) -> Result:
    """Cancel one resize whose task is known.

    :param task: as it was found waiting; None if nobody looked
    """
    history = History(last_seen="waiting" if task else None)
    attempts = dcs.attempts()
    request_id: str | None = None
    while True:
        step = decide(request, history, on_too_late, attempts.left)
        if step == "send":
            reply, answered = _cancel_once(dcs, request, attempts, history.reply)
            request_id = answered or request_id
            # Where nothing was sent for want of time, no attempt is left either.
            history = history.after_reply(reply) if reply else history
        elif step == "look":
            observation = _observe(dcs, request, asked)
            task = observation.task or task
            history = history.after_observation(observation)
        else:
            waiting = (t.cast(str, request.task_id),) if step.outcome in ("failed", "not_attempted") and history.waits else ()
            return _result(request, step, task, request_id, waiting)


def _cancel_once(dcs: Dcs, request: Request, attempts: Attempts, previous: Reply | None) -> tuple[Reply | None, str | None]:
    """Send a cancel: what it was answered with, and the answer's request id. None if it would be a retry and no time is left for it."""
    try:
        if previous is not None and not attempts.wait(previous.error):
            return None, None
        return Reply("done"), dcs.cancel_resize(request.instance_id, t.cast(str, request.task_id), attempts)
    except LostAnswerError as error:
        return Reply("lost", error), error.request_id
    except StoppedError as error:
        return Reply("stopped", error), None
    except (AuthenticationError, ForbiddenError, NotFoundError) as error:
        # Whatever the code: these speak of who asks and of the instance, not of its resize.
        return Reply("refused", error), error.request_id
    except DcsError as error:
        if error.code in NOT_EXTENDING_CODES:
            return Reply("not_extending", error), error.request_id
        return Reply("busy" if error.code in BUSY_CODES else "refused", error), error.request_id


def _observe(dcs: Dcs, request: Request, asked: set[str | None], check_applied: bool = True) -> Observation:
    """Look at the one task, whatever its name: it was asked for by its id.

    :param asked: what else is asked for on the instance, None for whatever is found: no other resize, but one that is dealt with on its own
    :param check_applied: tell by the instance's spec code whether a task that succeeded has changed it
    """
    try:
        tasks = dcs.tasks(request.instance_id)
    except DcsError as error:
        return Observation("unreadable", error=error)
    others = () if None in asked else tuple(task for task in tasks if task.id not in {request.task_id, *asked} and is_waiting_resize(task))
    task = next((task for task in tasks if task.id == request.task_id), None)
    if task is None:
        return Observation("missing", None, others)
    state: State = "other"
    if is_in_status(task, WAITING_STATUSES):
        state = "waiting"
    elif is_in_status(task, EXECUTING_STATUSES):
        state = "executing"
    elif is_in_status(task, CANCELLED_STATUSES):
        state = "cancelled"
    elif is_in_status(task, APPLIED_STATUSES) and not (check_applied and _kept_old_spec(dcs, request.instance_id, task)):
        state = "applied"
    return Observation(state, task, others)


def _kept_old_spec(dcs: Dcs, instance_id: str, task: BackgroundTask) -> bool:
    """Whether an instance still is what it was before the resize, which its task then can't have carried out. False if that can't be told."""
    if not task.old_spec_code or not task.new_spec_code or task.old_spec_code == task.new_spec_code:
        return False
    try:
        return dcs.instance(instance_id).spec_code == task.old_spec_code
    except DcsError:
        return False


def _result(
    request: Request, decision: Decision, task: BackgroundTask | None = None, request_id: str | None = None, still_waiting: tuple[str, ...] = ()
) -> Result:
    request_id = request_id or (decision.error.request_id if decision.error else None)
    return Result(request.instance_id, request.task_id, decision.outcome, task, request_id, decision.error, decision.warnings, still_waiting)


def _wait(dcs: Dcs, results: dict[Request, Result], seconds: int, concurrency: int) -> dict[Request, Result]:
    """Wait until the instances of all cancelled resizes have left EXTENDING; the results of those that did not, or can't be read, with the error."""
    failed: dict[Request, Result] = {}
    pending = [request for request, result in results.items() if result.changed]
    deadline = time.monotonic() + seconds
    interval, longest = WAIT_INTERVAL
    statuses: dict[str, str | DcsError | None] = {}
    while pending:
        instance_ids = list(dict.fromkeys(request.instance_id for request in pending))
        look = functools.partial(_status_of_instance, dcs, deadline, statuses)
        statuses = dict(zip(instance_ids, in_parallel(look, instance_ids, concurrency)))
        extending = []
        for request in pending:
            status = statuses[request.instance_id]
            if isinstance(status, DcsError):
                failed[request] = results[request]._replace(error=status)
            elif status is not None and status.upper() == EXTENDING:
                extending.append(request)
        pending = extending
        left = deadline - time.monotonic()
        if left <= 0:
            for request in pending:
                # The result knows the task that was found, the request may not.
                resize = named(request._replace(task_id=results[request].task_id))
                message = f"The resize {resize} is cancelled, but after {seconds} s the instance still is {statuses[request.instance_id]}"
                failed[request] = results[request]._replace(error=DcsError(message, code="WaitTimeout"))
            break
        if pending:
            try:
                dcs.sleep(min(interval, left))
            except StoppedError as error:
                failed.update({request: results[request]._replace(error=error) for request in pending})
                break
            interval = min(interval * 2, longest)
    return failed


def _status_of_instance(dcs: Dcs, deadline: float, known: Mapping[str, str | DcsError | None], instance_id: str) -> str | DcsError | None:
    """The status of an instance, None if it is gone, or why it can't be read.

    :param deadline: when this should be over, in the time of C(time.monotonic())
    :param known: what an earlier look showed
    """
    if time.monotonic() > deadline + LAST_LOOKS:
        # The looks at others have taken all the time.
        unseen = DcsError(f"The resize is cancelled, but there was no time left to look at instance {instance_id}", code="WaitTimeout")
        return known.get(instance_id, unseen)
    try:
        status = dcs.instance(instance_id, deadline - time.monotonic()).status
    except NotFoundError:
        return None
    except DcsError as error:
        return error
    # No status is not yet another status.
    return status or DcsError(f"The resize is cancelled, but the status of instance {instance_id} can't be read: the answer has none", code="UnexpectedAnswer")
