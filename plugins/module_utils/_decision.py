# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""What to do about one resize, and its outcome: pure functions of what was answered and read.

The real run and check mode both ask them: the real run does what they say, check mode only reads and reports what they would say.
"""

from __future__ import annotations

import typing as t

from ._errors import DcsError, StoppedError
from ._resize import EXECUTING_STATUSES, NOT_EXTENDING_CODES, is_in_status, is_resize, is_waiting_resize

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ._dcs import BackgroundTask
    from ._resize import OnTooLate, Outcome, Request

State = t.Literal["waiting", "executing", "applied", "cancelled", "other", "missing", "unreadable"]


class Observation(t.NamedTuple):
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


class History(t.NamedTuple):
    """All that is known about one resize.

    :ivar reply: to the last cancel; None before the first
    :ivar observation: after that reply; None if nobody looked since
    :ivar sent: a cancel has reached the API, or may have
    :ivar lost: a cancel's answer was lost, so that it may have taken effect
    :ivar last_seen: the state at the last look that showed one, since the last lost answer
    """

    reply: Reply | None = None
    observation: Observation | None = None
    sent: bool = False
    lost: bool = False
    last_seen: State | None = None

    @property
    def waits(self) -> bool:
        """Whether the resize is known to wait still."""
        if self.observation:
            return self.observation.state == "waiting"
        return self.last_seen == "waiting" and self.reply is not None and self.reply.kind in ("refused", "stopped")

    def after_reply(self, reply: Reply) -> History:
        lost = reply.kind == "lost"
        return History(
            reply=reply,
            sent=self.sent or lost or reply.kind == "not_extending",
            lost=self.lost or lost,
            # What was seen before a cancel that may have taken effect says nothing about now.
            last_seen=None if lost else self.last_seen,
        )

    def after_observation(self, observation: Observation) -> History:
        # A look that showed nothing does not outdate an earlier one.
        return self._replace(observation=observation, last_seen=self.last_seen if observation.state == "unreadable" else observation.state)


class Decision(t.NamedTuple):
    """What a resize came to.

    :ivar warnings: what a human should know although it is no failure
    """

    outcome: Outcome
    error: DcsError | None = None
    warnings: tuple[str, ...] = ()


Step = t.Literal["send", "look"]


def decide(request: Request, history: History, on_too_late: OnTooLate, may_repeat: bool) -> Step | Decision:
    """The next step, or the decision. Pure.

    :param request: with its task
    :param may_repeat: whether a retry is left
    """
    reply, observation = history.reply, history.observation
    if reply is None:
        return "send"
    if reply.kind == "done":
        return Decision("cancelled")
    if reply.kind == "stopped" and not history.sent:
        return Decision("not_attempted", reply.error)
    if reply.kind in ("refused", "stopped"):
        return Decision("failed", _perhaps_done(history, reply.error))
    if observation is None:
        if reply.kind == "lost" or history.lost or on_too_late != "ignore":
            return "look"
        observation = Observation("other")
    if observation.state in ("executing", "applied"):
        return too_late(request, observation, on_too_late)
    if reply.kind == "busy":
        return Decision("failed", _perhaps_done(history, reply.error))
    if reply.kind == "lost" and observation.state == "cancelled":
        return Decision("cancelled", warnings=(_inferred(request, _shown_by(observation)),))
    if reply.kind == "lost" or observation.state == "waiting":
        return "send" if may_repeat else Decision("failed", _perhaps_done(history, reply.error))
    # From here on: nothing is waiting, says the API, and the list does not contradict.
    if history.lost:
        reason = f"a second cancel was answered with {NOT_EXTENDING_CODES[0]}, and {_shown_by(observation)}"
        return Decision("cancelled", warnings=(_inferred(request, reason),))
    if observation.state == "unreadable":
        return _not_looked_up(request, observation, on_too_late)
    return Decision("absent", warnings=tuple(_other_waits(request, other) for other in observation.others))


def predict(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    """What a real run would come to, judged by a look at the tasks alone. Pure.

    It can't foresee a refusal. Where the list can't be read it does not guess.
    """
    if observation.error:
        return unreadable(observation.error)
    if observation.state == "waiting":
        return Decision("cancelled")
    if on_too_late == "ignore":
        return Decision("absent")
    refused = History().after_reply(Reply("not_extending")).after_observation(observation)
    return t.cast(Decision, decide(request, refused, on_too_late, may_repeat=False))


def discover(request: Request, tasks: Sequence[BackgroundTask], on_too_late: OnTooLate) -> tuple[Decision | None, BackgroundTask | None]:
    """Without a decision, the one waiting resize among an instance's background tasks; otherwise the decision and the task that it rests on. Pure."""
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
        return Decision("failed", error), None
    executing = [task for task in tasks if is_resize(task) and is_in_status(task, EXECUTING_STATUSES)]
    if executing:
        request = request._replace(task_id=executing[0].id)
        return too_late(request, Observation("executing", executing[0]), on_too_late), executing[0]
    return Decision("absent"), None


def too_late(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    """The resize has begun, or is done."""
    done = observation.state == "applied"
    message = (
        f"Too late to cancel the resize {named(request)}: it {'has been carried out' if done else 'is being carried out'} "
        f"({_shown_by(observation)}). Nothing was changed; to undo it, resize the instance back."
    )
    outcome: Outcome = "applied" if done else "executing"
    if on_too_late == "fail":
        return Decision(outcome, DcsError(message, code="TooLate"))
    return Decision(outcome, warnings=(message,) if on_too_late == "warn" else ())


def named(request: Request) -> str:
    return f"{request.task_id} of instance {request.instance_id}"


def _shown_by(observation: Observation) -> str:
    """What a look showed, as part of a sentence."""
    if observation.error:
        return f"its background task could not be looked up ({observation.error.message.rstrip('.')})"
    return f"its background task is {observation.task.status or 'in no status'}" if observation.task else "its background task is not listed"


def _inferred(request: Request, reason: str) -> str:
    return (
        f"The answer to the cancel of the resize {named(request)} was lost, but it counts as cancelled: {reason}. "
        "If somebody else cancelled it at the same moment, that can't be told apart."
    )


def _other_waits(request: Request, other: BackgroundTask) -> str:
    return (
        f"The resize {named(request)} is not waiting, but another one is: {other.id} ({other.name}, {other.status}). It was not touched; "
        "to cancel it, name its task_id or none."
    )


def _perhaps_done(history: History, error: DcsError | None) -> DcsError:
    """The error, which says if the cancel may have taken effect after all."""
    error = error or DcsError("The cancel failed")
    if history.reply and history.reply.kind == "not_extending":
        return _with_message(error, f"{error.message} But its background task is still waiting.")
    if history.lost and history.last_seen != "waiting":
        return _with_message(error, f"{error.message} The cancel may have taken effect: run the same again, or look at the instance's background tasks.")
    return error


def _not_looked_up(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    reason = observation.error.message if observation.error else "unknown"
    message = f"No resize {named(request)} is waiting, but whether it was carried out could not be looked up: {reason}"
    if on_too_late == "fail":
        return Decision("failed", _with_message(observation.error or DcsError(message), message))
    return Decision("absent", warnings=(message,))


def unreadable(error: DcsError) -> Decision:
    """The list was needed and can't be read."""
    return Decision("not_attempted" if isinstance(error, StoppedError) else "failed", error)


def _with_message(error: DcsError, message: str) -> DcsError:
    return DcsError(message, code=error.code, http_status=error.http_status, request_id=error.request_id)
