# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Decides on the next step and the outcome for one resize: pure functions of the responses and of the background tasks that were read.

The real run and check mode share them: the real run acts on the decisions, check mode only reads and reports them.
"""

from __future__ import annotations

import typing as t

from ._dcs import NOT_EXTENDING_CODES
from ._errors import AuthenticationError, BusyError, DcsError, LostAnswerError, NotExtendingError, StoppedError
from ._resize import (
    APPLIED_STATUSES,
    CANCELLED_STATUSES,
    EXECUTING_STATUSES,
    WAITING_STATUSES,
    is_in_status,
    is_resize,
    is_waiting_resize,
)

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ._dcs import BackgroundTask
    from ._resize import OnTooLate, Outcome, Request

State = t.Literal["waiting", "executing", "applied", "cancelled", "other", "missing", "unreadable"]

_STATES: tuple[tuple[State, tuple[str, ...]], ...] = (
    ("waiting", WAITING_STATUSES),
    ("executing", EXECUTING_STATUSES),
    ("applied", APPLIED_STATUSES),
    ("cancelled", CANCELLED_STATUSES),
)


def state_of(task: BackgroundTask) -> State:
    """The state of a background task, by its status alone."""
    return next((state for state, statuses in _STATES if is_in_status(task, statuses)), "other")


class Observation(t.NamedTuple):
    """What the list of an instance's background tasks shows about one of them.

    :ivar task: None if it is not listed, or if the list can't be read
    :ivar others: other pending resizes of the same instance
    :ivar error: why the list can't be read
    """

    state: State
    task: BackgroundTask | None = None
    others: tuple[BackgroundTask, ...] = ()
    error: DcsError | None = None


class History(t.NamedTuple):
    """Everything that is known about one resize.

    :ivar answered: whether a cancel request has been attempted
    :ivar error: why the last cancel request failed; None if it succeeded
    :ivar observation: what was read after the last cancel request; None if nothing was
    :ivar reached: whether a cancel request has, or may have, reached the API
    :ivar lost: whether the response to a cancel request was lost, so that the request may have taken effect
    :ivar last_seen: the state that was read last since the last lost response
    """

    answered: bool = False
    error: DcsError | None = None
    observation: Observation | None = None
    reached: bool = False
    lost: bool = False
    last_seen: State | None = None

    @property
    def is_pending(self) -> bool:
        """Whether the resize is known to be still pending."""
        if self.observation:
            return self.observation.state == "waiting"
        return self.last_seen == "waiting" and self.error is not None and not isinstance(self.error, (LostAnswerError, NotExtendingError, BusyError))

    def after_response(self, error: DcsError | None) -> History:
        """The history after another cancel request.

        :param error: why it failed, if it did
        """
        lost = isinstance(error, LostAnswerError)
        return History(
            answered=True,
            error=error,
            reached=self.reached or lost or isinstance(error, (NotExtendingError, BusyError)),
            lost=self.lost or lost,
            # If the request may have taken effect, what was read before is outdated.
            last_seen=None if lost else self.last_seen,
        )

    def after_observation(self, observation: Observation) -> History:
        """The history after the background tasks have been read."""
        # A failed read does not outdate an earlier one.
        return self._replace(observation=observation, last_seen=self.last_seen if observation.state == "unreadable" else observation.state)


class Decision(t.NamedTuple):
    """The outcome of a resize.

    :ivar warnings: what users should know although it is not a failure
    """

    outcome: Outcome
    error: DcsError | None = None
    warnings: tuple[str, ...] = ()


Step = t.Literal["send", "observe"]


def decide(request: Request, history: History, on_too_late: OnTooLate, may_repeat: bool) -> Step | Decision:
    """The next step, or the decision. Pure.

    :param request: with its task ID
    :param may_repeat: whether a retry is left
    """
    error, observation = history.error, history.observation
    if not history.answered:
        return "send"
    if error is None:
        return Decision("cancelled")
    if isinstance(error, StoppedError) and not history.reached:
        return Decision("not_attempted", error)
    if isinstance(error, (StoppedError, AuthenticationError)):
        return Decision("failed", _perhaps_done(history, error))
    lost = isinstance(error, LostAnswerError)
    # Any other error shows by itself that this request had no effect.
    unclear = lost or isinstance(error, (NotExtendingError, BusyError))
    if observation is None:
        if history.lost or (unclear and on_too_late != "ignore"):
            return "observe"
        observation = Observation("other")
    if observation.state in ("executing", "applied"):
        return too_late(request, observation, on_too_late)
    if history.lost and observation.state == "cancelled":
        return Decision("cancelled", warnings=(_inferred(request, _shown_by(observation)),))
    if not unclear or isinstance(error, BusyError):
        return Decision("failed", _perhaps_done(history, error))
    if lost or observation.state == "waiting":
        return "send" if may_repeat else Decision("failed", _perhaps_done(history, error))
    # From here on: the API reports that no resize is pending, and the list does not contradict it.
    if history.lost:
        reason = f"a second cancel request got {NOT_EXTENDING_CODES[0]}, and {_shown_by(observation)}"
        return Decision("cancelled", warnings=(_inferred(request, reason),))
    if observation.state == "unreadable":
        return _not_observed(request, observation, on_too_late)
    return Decision("absent", warnings=tuple(_other_pending(request, other) for other in observation.others))


def predict(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    """What a real run would report, judged by the background tasks alone. Pure.

    A refusal of the cancel request can't be predicted. If the list can't be read, nothing is guessed.
    """
    if observation.error:
        return unreadable(observation.error)
    if observation.state == "waiting":
        task = t.cast("BackgroundTask", observation.task)
        if is_resize(task):
            return Decision("cancelled")
        reason = f"The background task {named(request)} is waiting, but is a {task.name}, not a resize: the API would probably refuse to cancel it"
        return Decision("failed", DcsError(reason, code="NotAResize", hint="Check mode can't predict this reliably."))
    if on_too_late == "ignore":
        return Decision("absent")
    refused = History().after_response(NotExtendingError("")).after_observation(observation)
    return t.cast(Decision, decide(request, refused, on_too_late, may_repeat=False))


def discover(request: Request, tasks: Sequence[BackgroundTask], on_too_late: OnTooLate) -> tuple[Decision | None, BackgroundTask | None]:
    """Return None and the only pending resize among an instance's background tasks, or else a decision and the task that it is based on. Pure."""
    waiting = [task for task in tasks if is_waiting_resize(task)]
    if len(waiting) == 1:
        return None, waiting[0]
    if waiting:
        listed = ", ".join(f"{task.id} ({task.name}, {task.status}, created {task.created_at})" for task in waiting)
        error = DcsError(
            f"{len(waiting)} resizes are pending on instance {request.instance_id}, and none was cancelled: {listed}",
            code="Ambiguous", hint="Set task_id to the one to cancel.",
        )
        return Decision("failed", error), None
    executing = [task for task in tasks if is_resize(task) and is_in_status(task, EXECUTING_STATUSES)]
    if executing:
        request = request._replace(task_id=executing[0].id)
        return too_late(request, Observation("executing", executing[0]), on_too_late), executing[0]
    return Decision("absent"), None


def too_late(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    """The decision for a resize that has started, or has been carried out."""
    done = observation.state == "applied"
    reason = (
        f"Too late to cancel the resize {named(request)}: it {'has been carried out' if done else 'has already started'} ({_shown_by(observation)}). "
        "The resize was not cancelled"
    )
    hint = "To undo it, resize the instance to its old specification."
    outcome: Outcome = "applied" if done else "executing"
    if on_too_late == "fail":
        return Decision(outcome, DcsError(reason, code="TooLate", hint=hint))
    return Decision(outcome, warnings=(f"{reason}. {hint}",) if on_too_late == "warn" else ())


def unreadable(error: DcsError) -> Decision:
    """The decision if the list is needed but can't be read."""
    return Decision("not_attempted" if isinstance(error, StoppedError) else "failed", error)


def named(request: Request) -> str:
    """A resize as messages name it."""
    return f"{request.task_id} of instance {request.instance_id}"


def _shown_by(observation: Observation) -> str:
    """What was read, as part of a sentence."""
    if observation.error:
        return f"its background task could not be read ({observation.error.reason.rstrip('.')})"
    return f"the status of its background task is {observation.task.status}" if observation.task else "its background task is not listed"


def _inferred(request: Request, reason: str) -> str:
    return (
        f"The response to the cancel request for the resize {named(request)} was lost. The resize is reported as cancelled, because {reason}. "
        "A cancellation by somebody else at the same moment would look the same."
    )


def _other_pending(request: Request, other: BackgroundTask) -> str:
    return (
        f"The resize {named(request)} is not pending, but another one is: {other.id} ({other.name}, {other.status}). It was not cancelled. "
        "To cancel it, pass its task_id or omit task_id."
    )


def _perhaps_done(history: History, error: DcsError) -> DcsError:
    """The error, with a note if the resize is still pending or if the cancel may have taken effect."""
    if isinstance(error, NotExtendingError):
        return error.with_reason(f"{error.reason.rstrip('.')}, but its background task is still pending")
    if history.lost and history.last_seen != "waiting":
        hint = f"{error.hint} The cancel may have taken effect: run it again, or check the instance's background tasks."
        return error.with_reason(error.reason, hint.strip())
    if isinstance(error, LostAnswerError):
        return error.with_reason(error.reason, f"{error.hint} The resize is still pending: run it again later.".strip())
    return error


def _not_observed(request: Request, observation: Observation, on_too_late: OnTooLate) -> Decision:
    error = observation.error or DcsError("unknown")
    reason = f"The resize {named(request)} is not pending, but whether it has been carried out is unknown: {error.reason}"
    if on_too_late == "fail":
        return Decision("failed", error.with_reason(reason))
    return Decision("absent", warnings=(error.with_reason(reason).message,))
