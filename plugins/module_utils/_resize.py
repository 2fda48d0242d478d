# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Domain definitions: which background tasks are pending resizes, and which resize is requested."""

from __future__ import annotations

import typing as t

from ._dcs import check_id, normalized
from ._errors import ConfigurationError

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ._dcs import BackgroundTask
    from ._errors import DcsError

# ---- What counts as a pending resize. If the API turns out to use other names, extend only these constants. In upper case; compared in any case.

#: Names of background tasks that are resizes. Source: the current API reference (EXTEND), ListBackgroundTask of the official SDK (ChangeInstanceSpec).
RESIZE_NAMES = frozenset({"EXTEND", "CHANGEINSTANCESPEC"})
#: Statuses of a task that has not started. That WAITING means waiting for the maintenance window is inferred, not documented; CREATED may be cancellable, too.
WAITING_STATUSES = ("WAITING", "CREATED")
#: The resize has started.
EXECUTING_STATUSES = ("EXECUTING",)
#: The resize has been carried out.
APPLIED_STATUSES = ("SUCCESS",)
#: The resize has been cancelled. Inferred, mostly from sibling services: DCS does not document the status after a cancellation.
CANCELLED_STATUSES = ("CANCELLED", "CANCELED", "DELETED")
#: All statuses that a task may be expected to have.
KNOWN_STATUSES = (*WAITING_STATUSES, *EXECUTING_STATUSES, *APPLIED_STATUSES, "FAILED", *CANCELLED_STATUSES)
#: The status of an instance that is being resized. Whether it covers a pending resize is not documented.
EXTENDING = "EXTENDING"

Outcome = t.Literal["cancelled", "absent", "executing", "applied", "failed", "not_attempted"]
OnTooLate = t.Literal["ignore", "warn", "fail"]


class Request(t.NamedTuple):
    """A resize to cancel.

    :ivar task_id: None: to be found among the background tasks of the instance
    """

    instance_id: str
    task_id: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What identifies the resize. IDs are compared case-insensitively."""
        return self.instance_id.lower(), self.task_id.lower() if self.task_id is not None else None


def is_resize(task: BackgroundTask) -> bool:
    """Whether a background task is a resize, by its name."""
    return normalized(task.name) in RESIZE_NAMES


def is_waiting_resize(task: BackgroundTask) -> bool:
    """Whether a background task is a pending resize: scheduled for the maintenance window."""
    return is_resize(task) and is_in_status(task, WAITING_STATUSES)


def is_in_status(task: BackgroundTask, statuses: Iterable[str]) -> bool:
    """Whether a background task has one of these statuses."""
    return normalized(task.status) in statuses


def malformed(request: Request) -> DcsError | None:
    """The error if an ID of the request is invalid, or None."""
    try:
        check_id("instance", request.instance_id)
        if request.task_id is not None:
            check_id("task", request.task_id)
    except ConfigurationError as error:
        return error
    return None
