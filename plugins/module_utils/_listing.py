# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Lists resizes, by default those that are pending."""

from __future__ import annotations

import datetime
import re
import typing as t

from ._dcs import normalized
from ._errors import AuthenticationError, DcsError, LostAnswerError, NotFoundError, StoppedError, unexpected
from ._resize import KNOWN_STATUSES, WAITING_STATUSES, is_in_status, is_resize

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from ._dcs import BackgroundTask, Dcs, Instance

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_DAY = datetime.timedelta(days=1)


class InstanceFilter(t.NamedTuple):
    """Selects instances of the project by their records in the list of instances. All conditions must be met; an empty one always is.

    :ivar name: part of the name, case-insensitive
    :ivar tags: keys and values, compared exactly
    :ivar enterprise_project_id: case-insensitive
    :ivar exclude: IDs or complete names of instances not to select, case-insensitive
    """

    name: str | None = None
    tags: Mapping[str, str] | None = None
    enterprise_project_id: str | None = None
    exclude: Sequence[str] = ()

    def select(self, listed: Sequence[Instance]) -> tuple[list[Instance], list[tuple[str, DcsError]], list[str]]:
        """The listed instances that meet all conditions; the ID and the error of each one whose record can't be interpreted; and warnings.

        :raises LostAnswerError: the list lacks a field that a condition needs, as may happen with some editions of the API
        """
        for field, condition in (("tags", self.tags), ("enterprise_project_id", self.enterprise_project_id)):
            if condition and listed and all(getattr(instance, field) is None for instance in listed):
                raise LostAnswerError(
                    f"The list of instances has no {field} for any of its {len(listed)} instances, so they can't be filtered by {field}. "
                    "Use instance_ids instead.",
                    code="UnexpectedAnswer",
                )
        excluded = {_plain(text): text for text in self.exclude}
        selected: list[Instance] = []
        errors: list[tuple[str, DcsError]] = []
        for instance in listed:
            try:
                if self._admits(instance, excluded.keys()):
                    selected.append(instance)
            except LostAnswerError as error:
                errors.append((instance.id, error))
        known = {_plain(text) for instance in listed for text in (instance.id, instance.name or "")}
        unmatched = ", ".join(repr(text) for key, text in excluded.items() if key not in known)
        return selected, errors, [f"Entries of exclude that match no instance of the project: {unmatched}."] if unmatched else []

    def _admits(self, instance: Instance, excluded: Set[str]) -> bool:
        if _plain(instance.id) in excluded:
            return False
        if self.enterprise_project_id:
            # An instance without this field belongs to no enterprise project.
            found = instance.enterprise_project_id
            if found is None or _plain(_scalar(instance, "enterprise_project_id", found)) != _plain(self.enterprise_project_id):
                return False
        if self.tags:
            tags = _tags(instance)
            if any(tags.get(key) != value for key, value in self.tags.items()):
                return False
        if self.name or excluded:
            name = _plain(_scalar(instance, "name", instance.name))
            return name not in excluded and _plain(self.name or "") in name
        return True


EVERY_INSTANCE = InstanceFilter()


class Listing(t.NamedTuple):
    """Resizes, with errors and warnings about what could not be read.

    :ivar resizes: each with its instance, which is None where the instance was not read
    :ivar errors: the ID of an instance and why its resizes can't be read
    :ivar asked: the number of instances to read
    """

    resizes: list[tuple[str, Instance | None, BackgroundTask]]
    errors: list[tuple[str, DcsError]]
    warnings: list[str]
    asked: int


def list_resizes(
    dcs: Dcs,
    *,
    instance_ids: Sequence[str] | None = None,
    instances: InstanceFilter = EVERY_INSTANCE,
    statuses: Sequence[str] = WAITING_STATUSES,
    start_time: str | None = None,
    end_time: str | None = None,
) -> Listing:
    """The resizes of some or all instances of the project, in the order of the instances.

    :param instance_ids: None: those of the project
    :param instances: which instances of the project to read; used only without instance_ids
    :param statuses: statuses of the background tasks to list, case-insensitive; empty: all
    :param start_time: UTC, `yyyyMMddHHmmss`
    :param end_time: likewise
    :raises DcsError: the project's instances can't be listed
    """
    named = instance_ids is not None
    known: dict[str, Instance] = {}
    errors: list[tuple[str, DcsError]] = []
    warnings: list[str] = []
    if instance_ids is None:
        # Filtered here and not by the API, which does not document how it compares.
        selected, errors, warnings = instances.select(dcs.instances())
        known = {instance.id: instance for instance in selected}
    # Each instance once, whatever the case of its ID.
    unique: dict[str, str] = {}
    for instance_id in instance_ids or known:
        unique.setdefault(instance_id.lower(), instance_id)
    ids = list(unique.values())
    listing = Listing([], errors, warnings, len(errors) + len(ids))
    wanted = frozenset(map(normalized, statuses))

    def matters(task: BackgroundTask) -> bool:
        return is_resize(task) and (not wanted or is_in_status(task, wanted))

    def read(instance_id: str) -> tuple[list[BackgroundTask], Instance | None, DcsError | None, str | None]:
        try:
            resizes = dcs.tasks(instance_id, start_time, end_time, keep=matters)
        except DcsError as error:
            # A 404 from the gateway itself is about the API, not about the instance.
            if isinstance(error, NotFoundError) and not named and not (error.code or "").startswith("APIGW."):
                return [], None, None, f"The instance {instance_id} vanished while its resizes were being listed."
            return [], None, error, None
        except Exception as error:
            # A bug must not hide the resizes of other instances.
            return [], None, unexpected(error), None
        instance = known.get(instance_id)
        warning = None
        if resizes and instance is None:
            try:
                instance = dcs.instance(instance_id)
            except (AuthenticationError, NotFoundError, StoppedError) as error:
                return resizes, None, error, None
            except DcsError as error:
                warning = f"The instance {instance_id} can't be read, so its name, status and maintenance window are missing: {error.message}"
            except Exception as error:
                return resizes, None, unexpected(error), None
        return resizes, instance, None, warning

    for instance_id, (resizes, instance, error, warning) in zip(ids, dcs.in_parallel(read, ids)):
        listing.resizes.extend((instance_id, instance, task) for task in resizes)
        if error:
            listing.errors.append((instance_id, error))
        if warning:
            listing.warnings.append(warning)
    # A mistyped status must not look like a list without resizes. But the API may have statuses that it does not document.
    seen = {normalized(task.status) for _instance_id, _instance, task in listing.resizes}
    listing.warnings.extend(
        f"No resize has the status {status!r}, which is not a known one. Known are {', '.join(KNOWN_STATUSES)}; an empty list stands for all."
        for status in statuses if normalized(status) not in {*KNOWN_STATUSES, *seen}
    )
    return listing


def next_window_begin(instance: Instance, now: datetime.datetime) -> str | None:
    """When the instance's maintenance window opens next, as UTC in ISO 8601: `now` if it is open; None if the window is unknown.

    :param now: in UTC
    """
    begin, end = (_since_midnight(text) for text in (instance.maintain_begin, instance.maintain_end))
    if begin is None or end is None or begin == end:
        return None
    now = now.replace(microsecond=0)
    midnight = now.replace(hour=0, minute=0, second=0)
    # The remainder of a division by a day is never negative, which covers windows across midnight.
    since_begin = (now - midnight - begin) % _DAY
    moment = now if since_begin < (end - begin) % _DAY else now + (_DAY - since_begin)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str) -> str:
    """Text in the form used for comparison: case-folded, without surrounding white space."""
    return text.strip().casefold()


def _tags(instance: Instance) -> dict[str, str]:
    """The tags of an instance. Source: ListInstances, where `tags` is a list of objects with `key` and, optionally, `value`."""
    rows = [] if instance.tags is None else instance.tags
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("key") is not None for row in rows):
        raise _not_understood(instance, "tags")
    return {_scalar(instance, "tags", row["key"]): "" if row.get("value") is None else _scalar(instance, "tags", row["value"]) for row in rows}


def _scalar(instance: Instance, what: str, value: t.Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise _not_understood(instance, what)
    return str(value)


def _not_understood(instance: Instance, what: str) -> LostAnswerError:
    return LostAnswerError(
        f"The {what} of instance {instance.id} in the list of instances can't be interpreted, so whether to select the instance is unknown.",
        code="UnexpectedAnswer",
    )


def _since_midnight(text: str | None) -> datetime.timedelta | None:
    match = _TIME.fullmatch(text.strip()) if text else None
    return datetime.timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3] or 0)) if match else None
