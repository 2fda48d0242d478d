# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Which resizes are pending."""

from __future__ import annotations

import typing as t

from ._errors import AuthenticationError, DcsError, NotFoundError, StoppedError
from ._pace import in_parallel
from ._resize import WAITING_STATUSES, is_resize

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ._dcs import BackgroundTask, Dcs, Instance


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
