# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Cancelling resizes that wait for the maintenance window: which task is one, what to do about it, and what it came to.

L(decide) is the one place where an outcome is decided, a pure function of what was answered and read. The real run and check mode both ask it: the real run
does what it says, check mode only reads and reports what it would say.
"""

from __future__ import annotations

import functools
import time
import typing as t

from ._dcs import check_id
from ._errors import (
    AuthenticationError,
    ConfigurationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotFoundError,
    StoppedError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ._dcs import BackgroundTask, Dcs, Instance
    from ._pace import Attempts

# ---- What counts as a waiting resize: to be extended here, and only here, when the API turns out to use other words. Compared in any case.

#: Names of background tasks that are resizes. Source: today's API pages (EXTEND), ListBackgroundTask of the official SDK (ChangeInstanceSpec).
RESIZE_NAMES = frozenset({"extend", "changeinstancespec"})
#: Statuses of a task that has not begun. WAITING for the maintenance window is an inference, no page says so; CREATED may be cancellable, too.
WAITING_STATUSES = ("WAITING", "CREATED")
#: The resize has begun.
EXECUTING_STATUSES = ("EXECUTING",)
#: The resize is done.
APPLIED_STATUSES = ("SUCCESS",)
#: The resize is cancelled. An inference: sibling services use these, the status after a cancel is not documented for DCS.
CANCELLED_STATUSES = ("CANCELLED", "CANCELED", "DELETED")
#: "The instance status is not extending": no resize is waiting. The number is what the older form of the code would be, by inference.
NOT_EXTENDING_CODES = ("DCS.4239", "111400239")
#: The instance is busy, perhaps because the resize has begun. Numbers likewise.
BUSY_CODES = ("DCS.4113", "111400113", "DCS.4026", "111400026")
#: The status of an instance that is being resized. Whether it covers a waiting resize is not documented.
EXTENDING = "EXTENDING"

#: Seconds between two looks while waiting for an instance to leave EXTENDING: at first, and at most.
WAIT_INTERVAL = (0.5, 10.0)
#: Seconds for the last looks, once waiting is over: after that not one more begins.
LAST_LOOKS = 10.0

Outcome = t.Literal["cancelled", "absent", "executing", "applied", "failed", "not_attempted"]
OnTooLate = t.Literal["ignore", "warn", "fail"]
State = t.Literal["waiting", "executing", "applied", "cancelled", "other", "missing", "unreadable"]


class Request(t.NamedTuple):
    """A resize to cancel.

    :ivar task_id: None: to be found
    """

    instance_id: str
    task_id: str | None = None


class Sighting(t.NamedTuple):
    """What a look at the background tasks of an instance showed of one task.

    :ivar task: None if it is not listed, or if the list can't be read
    :ivar others: further resizes that wait on the same instance
    :ivar error: why the list can't be read
    """

    state: State
    task: BackgroundTask | None = None
    others: tuple[BackgroundTask, ...] = ()
    error: DcsError | None = None


class Reply(t.NamedTuple):
    """What a cancel was answered with.

    :ivar kind: C(done); C(not_extending); C(busy); C(lost): it may have taken effect; C(refused): any other error; C(stopped): not sent, after a 401
    """

    kind: t.Literal["done", "not_extending", "busy", "lost", "refused", "stopped"]
    error: DcsError | None = None


class Evidence(t.NamedTuple):
    """All that is known about one resize.

    :ivar reply: to the last cancel; None before the first
    :ivar sighting: after that reply; None if nobody looked since
    :ivar sent: a cancel has reached the API, or may have
    :ivar lost: a cancel's answer was lost, so that it may have taken effect
    :ivar last_seen: the state at the last look that showed one, since the last lost answer
    """

    reply: Reply | None = None
    sighting: Sighting | None = None
    sent: bool = False
    lost: bool = False
    last_seen: State | None = None

    @property
    def waits(self) -> bool:
        """Whether the resize is known to wait still."""
        if self.sighting:
            return self.sighting.state == "waiting"
        return self.last_seen == "waiting" and self.reply is not None and self.reply.kind in ("refused", "stopped")

    def after_reply(self, reply: Reply) -> Evidence:
        lost = reply.kind == "lost"
        return Evidence(
            reply=reply,
            sent=self.sent or lost or reply.kind == "not_extending",
            lost=self.lost or lost,
            # What was seen before a cancel that may have taken effect says nothing about now.
            last_seen=None if lost else self.last_seen,
        )

    def after_look(self, sighting: Sighting) -> Evidence:
        # A look that showed nothing does not outdate an earlier one.
        return self._replace(sighting=sighting, last_seen=self.last_seen if sighting.state == "unreadable" else sighting.state)


class Verdict(t.NamedTuple):
    """What a resize came to.

    :ivar warnings: what a human should know although it is no failure
    """

    outcome: Outcome
    error: DcsError | None = None
    warnings: tuple[str, ...] = ()


Step = t.Literal["send", "look"]


def decide(request: Request, evidence: Evidence, on_too_late: OnTooLate, may_repeat: bool) -> Step | Verdict:
    """The next step, or the verdict. Pure.

    :param request: with its task
    :param may_repeat: whether a retry is left
    """
    reply, sighting = evidence.reply, evidence.sighting
    if reply is None:
        return "send"
    if reply.kind == "done":
        return Verdict("cancelled")
    if reply.kind == "stopped" and not evidence.sent:
        return Verdict("not_attempted", reply.error)
    if reply.kind in ("refused", "stopped"):
        return Verdict("failed", _perhaps_done(evidence, reply.error))
    if sighting is None:
        if reply.kind == "lost" or evidence.lost or on_too_late != "ignore":
            return "look"
        sighting = Sighting("other")
    if sighting.state in ("executing", "applied"):
        return too_late(request, sighting, on_too_late)
    if reply.kind == "busy":
        return Verdict("failed", _perhaps_done(evidence, reply.error))
    if reply.kind == "lost" and sighting.state == "cancelled":
        return Verdict("cancelled", warnings=(_inferred(request, _shown_by(sighting)),))
    if reply.kind == "lost" or sighting.state == "waiting":
        return "send" if may_repeat else Verdict("failed", _perhaps_done(evidence, reply.error))
    # From here on: nothing is waiting, says the API, and the list does not contradict.
    if evidence.lost:
        return Verdict("cancelled", warnings=(_inferred(request, f"a second cancel was answered with {NOT_EXTENDING_CODES[0]}, and {_shown_by(sighting)}"),))
    if sighting.state == "unreadable":
        return _not_looked_up(request, sighting, on_too_late)
    return Verdict("absent", warnings=tuple(_other_waits(request, other) for other in sighting.others))


def predict(request: Request, sighting: Sighting, on_too_late: OnTooLate) -> Verdict:
    """What a real run would come to, judged by a look at the tasks alone. Pure.

    It can't foresee a refusal. Where the list can't be read it does not guess.
    """
    if sighting.error:
        return _unreadable(sighting.error)
    if sighting.state == "waiting":
        return Verdict("cancelled")
    if on_too_late == "ignore":
        return Verdict("absent")
    refused = Evidence().after_reply(Reply("not_extending")).after_look(sighting)
    return t.cast(Verdict, decide(request, refused, on_too_late, may_repeat=False))


def discover(request: Request, tasks: Sequence[BackgroundTask], on_too_late: OnTooLate) -> tuple[Verdict | None, BackgroundTask | None]:
    """Without a verdict, the one waiting resize among an instance's background tasks; otherwise the verdict and the task that it rests on. Pure."""
    waiting = [task for task in tasks if is_waiting_resize(task)]
    if len(waiting) == 1:
        return None, waiting[0]
    if waiting:
        listed = ", ".join(f"{task.id} ({task.name}, {task.status}, created {task.created_at})" for task in waiting)
        error = DcsError(
            f"{len(waiting)} resizes wait on instance {request.instance_id}. None was cancelled, because the module does not guess which one. "
            f"Set task_id to one of: {listed}",
            code="Ambiguous",
        )
        return Verdict("failed", error), None
    executing = [task for task in tasks if is_resize(task) and _is(task, EXECUTING_STATUSES)]
    if executing:
        request = request._replace(task_id=executing[0].id)
        return too_late(request, Sighting("executing", executing[0]), on_too_late), executing[0]
    return Verdict("absent"), None


def is_resize(task: BackgroundTask) -> bool:
    """Whether a background task is a resize."""
    return task.name.lower() in RESIZE_NAMES


def is_waiting_resize(task: BackgroundTask) -> bool:
    """Whether a background task is a resize that waits for the maintenance window."""
    return is_resize(task) and _is(task, WAITING_STATUSES)


def too_late(request: Request, sighting: Sighting, on_too_late: OnTooLate) -> Verdict:
    """The resize has begun, or is done."""
    done = sighting.state == "applied"
    message = (
        f"Too late to cancel the resize {_named(request)}: it {'has been carried out' if done else 'is being carried out'} "
        f"({_shown_by(sighting)}). Nothing was changed; to undo it, resize the instance back."
    )
    outcome: Outcome = "applied" if done else "executing"
    if on_too_late == "fail":
        return Verdict(outcome, DcsError(message, code="TooLate"))
    return Verdict(outcome, warnings=(message,) if on_too_late == "warn" else ())


def _is(task: BackgroundTask, statuses: Iterable[str]) -> bool:
    return task.status.upper() in statuses


def _named(request: Request) -> str:
    return f"{request.task_id} of instance {request.instance_id}"


def _shown_by(sighting: Sighting) -> str:
    """What a look showed, as part of a sentence."""
    if sighting.error:
        return f"its background task could not be looked up ({sighting.error.message.rstrip('.')})"
    return f"its background task is {sighting.task.status or 'in no status'}" if sighting.task else "its background task is not listed"


def _inferred(request: Request, reason: str) -> str:
    return (
        f"The answer to the cancel of the resize {_named(request)} was lost, but it counts as cancelled: {reason}. "
        "If somebody else cancelled it at the same moment, that can't be told apart."
    )


def _other_waits(request: Request, other: BackgroundTask) -> str:
    return (
        f"The resize {_named(request)} is not waiting, but another one is: {other.id} ({other.name}, {other.status}). It was not touched; "
        "to cancel it, name its task_id or none."
    )


def _perhaps_done(evidence: Evidence, error: DcsError | None) -> DcsError:
    """The error, which says if the cancel may have taken effect after all."""
    error = error or DcsError("The cancel failed")
    if evidence.reply and evidence.reply.kind == "not_extending":
        return _with_message(error, f"{error.message} But its background task is still waiting.")
    if evidence.lost and evidence.last_seen != "waiting":
        return _with_message(error, f"{error.message} The cancel may have taken effect: run the same again, or look at the instance's background tasks.")
    return error


def _not_looked_up(request: Request, sighting: Sighting, on_too_late: OnTooLate) -> Verdict:
    reason = sighting.error.message if sighting.error else "unknown"
    message = f"No resize {_named(request)} is waiting, but whether it was carried out could not be looked up: {reason}"
    if on_too_late == "fail":
        return Verdict("failed", _with_message(sighting.error or DcsError(message), message))
    return Verdict("absent", warnings=(message,))


def _unreadable(error: DcsError) -> Verdict:
    """The list was needed and can't be read."""
    return Verdict("not_attempted" if isinstance(error, StoppedError) else "failed", error)


def _with_message(error: DcsError, message: str) -> DcsError:
    return DcsError(message, code=error.code, http_status=error.http_status, request_id=error.request_id)


# ---- Doing it


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
    for named in (True, False):
        done = frozenset(request for request, result in results.items() if result.changed)
        cancel = functools.partial(_cancel, dcs, plan, asked, done)
        part = [request for request in wanted if (request.task_id is not None) is named]
        results.update(zip(part, in_parallel(cancel, part, plan.concurrency)))
    if plan.wait_timeout is not None and not plan.check_mode:
        results.update(_wait(dcs, results, plan.wait_timeout, plan.concurrency))
    return [results[request] for request in wanted]


def malformed(request: Request) -> DcsError | None:
    """Why a request can't be sent, if its ids are none."""
    try:
        check_id("instance", request.instance_id)
        if request.task_id is not None:
            check_id("task", request.task_id)
    except ConfigurationError as error:
        return error
    return None


def not_begun(requests: Sequence[Request], error: DcsError | None = None) -> list[Result]:
    """The results where the API was not even asked.

    :param error: why, for those that are not malformed
    """
    outcome: Outcome = "not_attempted" if isinstance(error, AuthenticationError) else "failed"
    refused = {request: malformed(request) for request in requests}
    return [_result(request, Verdict("failed", refused[request]) if refused[request] else Verdict(outcome, error)) for request in refused]


def in_parallel(function: Callable[[t.Any], t.Any], items: Sequence[t.Any], concurrency: int) -> list[t.Any]:
    """The function's result for each item, in order."""
    if concurrency == 1 or len(items) <= 1:
        return [function(item) for item in items]
    # Not needed, and so not imported, for a single resize.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(concurrency, len(items))) as executor:
        return list(executor.map(function, items))


def _cancel(dcs: Dcs, plan: Plan, asked: Mapping[str, set[str | None]], done: frozenset[Request], request: Request) -> Result:
    """One resize, from looking for it to its outcome. Whatever goes wrong becomes part of the result.

    :param asked: the tasks that this run is asked for, by instance
    :param done: what this run has cancelled already, whatever the list says of it
    """
    refused = malformed(request)
    if refused:
        return _result(request, Verdict("failed", refused))
    try:
        if request.task_id is None:
            return _find_and_cancel(dcs, plan, asked[request.instance_id], done, request)
        if plan.check_mode:
            sighting = _look(dcs, request, asked[request.instance_id], plan.on_too_late != "ignore")
            return _result(request, predict(request, sighting, plan.on_too_late), sighting.task)
        return _send(dcs, request, asked[request.instance_id], plan.on_too_late)
    except DcsError as error:
        return _result(request, Verdict("failed", error))
    except Exception as error:
        # A mistake of ours must not hide what became of the other resizes.
        return _result(request, Verdict("failed", DcsError(f"Unexpected {type(error).__name__}: {error}", code="InternalError")))


def _find_and_cancel(dcs: Dcs, plan: Plan, asked: set[str | None], done: frozenset[Request], request: Request) -> Result:
    try:
        tasks = [task for task in dcs.tasks(request.instance_id) if request._replace(task_id=task.id) not in done]
    except DcsError as error:
        return _result(request, _unreadable(error))
    verdict, task = discover(request, tasks, plan.on_too_late)
    if verdict:
        waiting = tuple(task.id for task in tasks if is_waiting_resize(task))
        return _result(request, verdict, task, still_waiting=waiting)
    request = request._replace(task_id=t.cast("BackgroundTask", task).id)
    if plan.check_mode:
        return _result(request, Verdict("cancelled"), task)
    return _send(dcs, request, asked - {None}, plan.on_too_late, task)


def _send(dcs: Dcs, request: Request, asked: set[str | None], on_too_late: OnTooLate, task: BackgroundTask | None = None) -> Result:
    """Cancel one resize whose task is known.

    :param task: as it was found waiting; None if nobody looked
    """
    evidence = Evidence(last_seen="waiting" if task else None)
    attempts = dcs.attempts()
    request_id: str | None = None
    while True:
        step = decide(request, evidence, on_too_late, attempts.left)
        if step == "send":
            reply, answered = _cancel_once(dcs, request, attempts, evidence.reply)
            request_id = answered or request_id
            # Where nothing was sent for want of time, no attempt is left either.
            evidence = evidence.after_reply(reply) if reply else evidence
        elif step == "look":
            sighting = _look(dcs, request, asked)
            task = sighting.task or task
            evidence = evidence.after_look(sighting)
        else:
            waiting = (t.cast(str, request.task_id),) if step.outcome in ("failed", "not_attempted") and evidence.waits else ()
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


def _look(dcs: Dcs, request: Request, asked: set[str | None], check_applied: bool = True) -> Sighting:
    """Look at the one task, whatever its name: it was asked for by its id.

    :param asked: what else is asked for on the instance, None for whatever is found: no other resize, but one that is dealt with on its own
    :param check_applied: tell by the instance's spec code whether a task that succeeded has changed it
    """
    try:
        tasks = dcs.tasks(request.instance_id)
    except DcsError as error:
        return Sighting("unreadable", error=error)
    others = () if None in asked else tuple(task for task in tasks if task.id not in {request.task_id, *asked} and is_waiting_resize(task))
    task = next((task for task in tasks if task.id == request.task_id), None)
    if task is None:
        return Sighting("missing", None, others)
    state: State = "other"
    if _is(task, WAITING_STATUSES):
        state = "waiting"
    elif _is(task, EXECUTING_STATUSES):
        state = "executing"
    elif _is(task, CANCELLED_STATUSES):
        state = "cancelled"
    elif _is(task, APPLIED_STATUSES) and not (check_applied and _kept_old_spec(dcs, request.instance_id, task)):
        state = "applied"
    return Sighting(state, task, others)


def _kept_old_spec(dcs: Dcs, instance_id: str, task: BackgroundTask) -> bool:
    """Whether an instance still is what it was before the resize, which its task then can't have carried out. False if that can't be told."""
    if not task.old_spec_code or not task.new_spec_code or task.old_spec_code == task.new_spec_code:
        return False
    try:
        return dcs.instance(instance_id).spec_code == task.old_spec_code
    except DcsError:
        return False


def _result(
    request: Request, verdict: Verdict, task: BackgroundTask | None = None, request_id: str | None = None, still_waiting: tuple[str, ...] = ()
) -> Result:
    request_id = request_id or (verdict.error.request_id if verdict.error else None)
    return Result(request.instance_id, request.task_id, verdict.outcome, task, request_id, verdict.error, verdict.warnings, still_waiting)


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
                named = _named(request._replace(task_id=results[request].task_id))
                message = f"The resize {named} is cancelled, but after {seconds} s the instance still is {statuses[request.instance_id]}"
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


# ---- Listing


class Listing(t.NamedTuple):
    """Resizes, and what could not be read.

    :ivar resizes: each with its instance, which is None where the instance was not read
    :ivar errors: the id of an instance and why its resizes can't be read
    :ivar asked: how many instances there were to read
    """

    resizes: list[tuple[str, Instance | None, BackgroundTask]]
    errors: list[tuple[str, DcsError]]
    warnings: list[str]
    asked: int


def list_resizes(
    dcs: Dcs,
    *,
    instance_ids: Sequence[str] | None = None,
    instance_name: str | None = None,
    statuses: Sequence[str] = WAITING_STATUSES,
    start_time: str | None = None,
    end_time: str | None = None,
    concurrency: int = 1,
) -> Listing:
    """The resizes of some or all instances of the project, in the order of the instances.

    :param instance_ids: None: all of the project
    :param instance_name: of all of the project, only those whose name contains this
    :param statuses: which background tasks, in any case; empty: all
    :param start_time: UTC, C(yyyyMMddHHmmss)
    :param end_time: likewise
    :raises DcsError: the project's instances can't be listed
    """
    named = instance_ids is not None
    known = {} if named else {instance.id: instance for instance in dcs.instances(instance_name)}
    wanted = frozenset(status.upper() for status in statuses)

    def read(instance_id: str) -> tuple[list[BackgroundTask], Instance | None, DcsError | None, str | None]:
        try:
            tasks = dcs.tasks(instance_id, start_time, end_time)
        except DcsError as error:
            # The gateway's own 404 speaks of the API, not of the instance.
            if isinstance(error, NotFoundError) and not named and not (error.code or "").startswith("APIGW."):
                return [], None, None, f"The instance {instance_id} vanished while its resizes were being listed."
            return [], None, error, None
        resizes = [task for task in tasks if is_resize(task) and (not wanted or task.status.upper() in wanted)]
        instance = known.get(instance_id)
        warning = None
        if resizes and instance is None:
            try:
                instance = dcs.instance(instance_id)
            except (AuthenticationError, NotFoundError, StoppedError) as error:
                return resizes, None, error, None
            except DcsError as error:
                warning = f"The instance {instance_id} can't be read, so its name, status and maintenance window are missing: {error.message}"
        return resizes, instance, None, warning

    ids = list(dict.fromkeys(instance_ids if instance_ids is not None else known))
    listing = Listing([], [], [], len(ids))
    for instance_id, (resizes, instance, error, warning) in zip(ids, in_parallel(read, ids, concurrency)):
        listing.resizes.extend((instance_id, instance, task) for task in resizes)
        if error:
            listing.errors.append((instance_id, error))
        if warning:
            listing.warnings.append(warning)
    return listing
