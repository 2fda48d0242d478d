# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""The words of the domain: which background task is a pending resize, and which resize is asked for."""

from __future__ import annotations

import typing as t

from ._dcs import check_id, normalized
from ._errors import ConfigurationError

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from ._dcs import BackgroundTask
    from ._errors import DcsError

# ---- What counts as a pending resize: to be extended here, and only here, when the API turns out to use other words. In capitals; compared in any case.

#: Names of background tasks that are resizes. Source: today's API pages (EXTEND), ListBackgroundTask of the official SDK (ChangeInstanceSpec).
RESIZE_NAMES = frozenset({"EXTEND", "CHANGEINSTANCESPEC"})
#: Statuses of a task that has not begun. WAITING for the maintenance window is an inference, no page says so; CREATED may be cancellable, too.
WAITING_STATUSES = ("WAITING", "CREATED")
#: The resize has begun.
EXECUTING_STATUSES = ("EXECUTING",)
#: The resize is done.
APPLIED_STATUSES = ("SUCCESS",)
#: The resize is cancelled. An inference: sibling services use these, the status after a cancel is not documented for DCS.
CANCELLED_STATUSES = ("CANCELLED", "CANCELED", "DELETED")
#: The status of an instance that is being resized. Whether it covers a waiting resize is not documented.
EXTENDING = "EXTENDING"

Outcome = t.Literal["cancelled", "absent", "executing", "applied", "failed", "not_attempted"]
OnTooLate = t.Literal["ignore", "warn", "fail"]


class Request(t.NamedTuple):
    """A resize to cancel.

    :ivar task_id: None: to be found
    """

    instance_id: str
    task_id: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What tells it from others: IDs are the same in any case."""
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
    """Why a request can't be sent, if its IDs are invalid."""
    try:
        check_id("instance", request.instance_id)
        if request.task_id is not None:
            check_id("task", request.task_id)
    except ConfigurationError as error:
        return error
    return None
