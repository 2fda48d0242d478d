# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""The DCS API v2 calls that this collection needs, which return typed records.

Source: Huawei Cloud's "DCS API Reference", API V2: ListBackgroundTask, ListInstances, ShowInstance and CancelInstanceResize.
"""

from __future__ import annotations

import json
import math
import re
import typing as t

from ._errors import (
    AuthenticationError,
    BusyError,
    ConfigurationError,
    DcsError,
    ForbiddenError,
    NotExtendingError,
    NotFoundError,
    RefusedError,
    ThrottledError,
)
from ._http import harmless

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from requests.auth import AuthBase

    from ._http import Http, Response
    from ._pace import Call, RetryBudget

#: Records per page; the API accepts 1 to 1000.
PAGE_SIZE = 1000
#: Maximum number of pages of a list; a longer list is treated as endless.
MAX_PAGES = 1000
#: How often a list is read if it changes meanwhile.
MAX_READINGS = 5

#: "The instance status is not extending": no resize is pending. The number is the legacy form of the code, which is inferred.
NOT_EXTENDING_CODES = ("DCS.4239", "111400239")
#: The instance is busy, perhaps because the resize has started. The numbers are inferred, too.
BUSY_CODES = ("DCS.4113", "111400113", "DCS.4026", "111400026")

# Other characters could change the path: when signatures are verified, an encoded slash is treated as a slash.
_ID = re.compile(r"[A-Za-z0-9_-]+")

T = t.TypeVar("T")


class BackgroundTask(t.NamedTuple):
    """A background task of an instance.

    :ivar name: the kind of task; for a resize, `EXTEND` in the current API reference and `ChangeInstanceSpec` in the SDK
    :ivar status: such as `WAITING`, `EXECUTING` or `SUCCESS`; not documented completely
    :ivar details: as received
    :ivar old_capacity: in GB; None if unknown
    :ivar new_capacity: in GB; None if unknown
    """

    id: str
    name: str
    status: str
    details: t.Any
    user_name: str | None
    created_at: str | None
    updated_at: str | None
    old_spec_code: str | None
    new_spec_code: str | None
    old_capacity: float | None
    new_capacity: float | None

    def as_result(self) -> dict[str, t.Any]:
        """The form in which modules return the task."""
        result = self._asdict()
        return {"task_id": result.pop("id"), "task_name": result.pop("name"), **result}


class Instance(t.NamedTuple):
    """A DCS instance.

    :ivar status: such as `RUNNING` or `EXTENDING`
    :ivar maintain_begin: start of the maintenance window, UTC, `HH:mm:ss`
    :ivar maintain_end: its end, likewise
    :ivar tags: as received, a list of keys and values; None if the record has none
    :ivar enterprise_project_id: as received; None if the record has none
    """

    id: str
    name: str | None
    status: str | None
    spec_code: str | None
    maintain_begin: str | None
    maintain_end: str | None
    tags: t.Any = None
    enterprise_project_id: t.Any = None


def normalized(text: str | None) -> str:
    """A code, name or status in the form used for comparison: in upper case, without white space."""
    return "".join((text or "").split()).upper()


def check_id(what: str, value: str) -> str:
    """Return the ID if it is safe in a path.

    :param what: the kind of ID, for the message
    :raises ConfigurationError: it has a character other than letters, digits, `-` and `_`
    """
    if not _ID.fullmatch(value):
        raise ConfigurationError(f"Invalid {what} ID {value!r}: only letters, digits, '-' and '_' are allowed", code="InvalidId")
    return value


def find_project(http: Http, auth: AuthBase, auth_url: str, name: str) -> str:
    """The ID of the project with this name. Source: IAM's "KeystoneListProjects".

    :param auth: authentication without a project
    :param auth_url: IAM's endpoint, without `/v3`
    :raises ConfigurationError: no project has this name, or several have it
    :raises DcsError: the projects can't be listed
    """

    def read(response: Response) -> list[tuple[str, str]]:
        rows = [row for row in _rows(response, "projects") if isinstance(row, dict)]
        return [(str(row.get("name")), _text(row.get("id")) or "") for row in rows]

    try:
        projects = http.get(f"{auth_url}/v3/projects", {"name": name}, auth=auth, read=read)
    except ForbiddenError as error:
        error.hint = "The user or agency is not allowed to list projects: set project_id."
        raise
    found = [project_id for project_name, project_id in projects if project_name == name and project_id]
    if len(found) != 1:
        listed = ", ".join(f"{project_name} ({project_id})" for project_name, project_id in projects) or "none"
        raise ConfigurationError(
            f"{'No project' if not found else 'More than one project'} is named {name!r}. Found: {listed}",
            hint="Set project_id, or project_name and region.",
        )
    return found[0]


class Dcs:
    """The DCS API of one project in one region.

    Every method raises `DcsError`: `RefusedError` if the API refused the request, `LostAnswerError` if the response is missing or invalid, `UnsentError` if
    the request was not sent, `StoppedError` after HTTP 401.

    :param http: sends the requests
    :param auth: authenticates requests for the project
    :param endpoint: such as `https://dcs.cn-north-4.myhuaweicloud.com`
    :param project_id: the project
    """

    def __init__(self, http: Http, auth: AuthBase, endpoint: str, project_id: str) -> None:
        self._http = http
        self._auth = auth
        self._url = f"{endpoint}/v2/{check_id('project', project_id)}"

    def call(self, max_retries: int | None = None, deadline: float = math.inf) -> Call:
        """A call that may need several requests, as a context manager.

        :param max_retries: None: as configured
        :param deadline: the latest time at which a request may begin, on the clock of `time.monotonic()`
        """
        return self._http.call(max_retries, deadline)

    def sleep(self, seconds: float) -> None:
        """Pause between two calls.

        :raises StoppedError: no more requests may be sent
        """
        self._http.sleep(seconds)

    def in_parallel(self, function: Callable[[t.Any], t.Any], items: Sequence[t.Any]) -> list[t.Any]:
        """The function's result for each item, in order. As many run at once as requests may be in flight."""
        return self._http.in_parallel(function, items)

    def cancel_resize(self, instance_id: str, task_id: str, retries: RetryBudget) -> str | None:
        """Cancel a pending resize, and return the request ID.

        :param retries: the retry budget; a request whose response was lost is never repeated here
        :raises NotExtendingError: no resize is pending
        :raises BusyError: the instance is busy
        """
        url = f"{self._instance_url(instance_id)}/resize/cancel/{check_id('task', task_id)}"
        try:
            response = self._http.post(url, auth=self._auth, headers=_JSON, retries=retries)
        except (ForbiddenError, NotFoundError) as error:
            # Whatever the code, HTTP 403 and 404 are about the caller or the instance, not about its resize.
            _explain(error, "dcs:instance:cancelResizeTask")
            raise
        except RefusedError as error:
            if not isinstance(error, (AuthenticationError, ThrottledError)):
                _specialize(error)
            raise
        if normalized(_text(response.data.get("result"))) != "SUCCESS":
            raise response.unexpected("it does not report success")
        return response.request_id

    def tasks(
        self,
        instance_id: str,
        start_time: str | None = None,
        end_time: str | None = None,
        *,
        keep: Callable[[BackgroundTask], bool] = lambda _task: True,
        retries: RetryBudget | None = None,
    ) -> list[BackgroundTask]:
        """The background tasks of an instance.

        :param start_time: UTC, `yyyyMMddHHmmss`; None: no limit
        :param end_time: likewise
        :param keep: which of them to return; the history may be long
        :param retries: the retry budget; None: a new one for each page
        """
        query = {name: value for name, value in (("start_time", start_time), ("end_time", end_time)) if value}
        url = f"{self._instance_url(instance_id)}/tasks"
        return self._all(url, query, "tasks", "task_count", "dcs:instance:getBackgroundTask", _task, keep, retries)

    def instances(self) -> list[Instance]:
        """All instances of the project."""
        return self._all(f"{self._url}/instances", {}, "instances", "instance_num", "dcs:instance:list", _instance, lambda _instance: True, None)

    def instance(self, instance_id: str, retries: RetryBudget | None = None) -> Instance:
        """One instance.

        :param retries: the retry budget; None: a new one
        """

        def read(response: Response) -> Instance:
            try:
                return _instance({"instance_id": instance_id, **response.data})
            except ValueError as error:
                raise response.unexpected(str(error)) from error

        return self._get(self._instance_url(instance_id), None, "dcs:instance:get", retries, read)

    def _instance_url(self, instance_id: str) -> str:
        return f"{self._url}/instances/{check_id('instance', instance_id)}"

    def _get(self, url: str, query: dict[str, str | int] | None, action: str, retries: RetryBudget | None, read: Callable[[Response], T]) -> T:
        try:
            return self._http.get(url, query, auth=self._auth, headers=_JSON, retries=retries, read=read)
        except DcsError as error:
            _explain(error, action)
            raise

    def _all(
        self,
        url: str,
        query: dict[str, str],
        rows_name: str,
        count_name: str,
        action: str,
        convert: Callable[[dict[str, t.Any]], t.Any],
        keep: Callable[[t.Any], bool],
        retries: RetryBudget | None,
    ) -> list[t.Any]:
        """All records to keep, each once. If their number changes meanwhile, some may have moved to a page already read, so the list is read again."""

        def read(response: Response) -> _Page:
            rows = _rows(response, rows_name)
            records: dict[str, t.Any] = {}
            for row in rows:
                try:
                    record = convert(row)
                except ValueError as error:
                    raise response.unexpected(str(error)) from error
                records.setdefault(record.id.lower(), record if keep(record) else None)
            return _Page(records, len(rows), _number(response.data.get(count_name)), response._replace(data={}))

        for _reading in range(MAX_READINGS):
            found: dict[str, t.Any] = {}
            counts: set[float | None] = set()
            offset = 0
            for _page in range(MAX_PAGES):
                page = self._get(url, {**query, "offset": offset, "limit": PAGE_SIZE}, action, retries, read)
                if page.length or not offset:
                    counts.add(page.total)
                new = page.records.keys() - found.keys()
                for key, record in page.records.items():
                    found.setdefault(key, record)
                offset += page.length
                if not new or (page.length < PAGE_SIZE and page.total is not None and len(found) == page.total):
                    break
            else:
                raise page.response.unexpected("the list does not end")
            # A count may be too low, so having read more is fine. But never accept less than any page stated: a last page without records may have a lower
            # count because some records have moved to a page that was already read.
            total = max((count for count in (*counts, page.total) if count is not None), default=0)
            if len(counts) == 1 and len(found) >= total:
                return [record for record in found.values() if record is not None]
        if len(counts) > 1:
            raise page.response.unexpected("the list changes faster than it can be read")
        raise page.response.unexpected(f"{len(found)} records were listed, but {count_name} is {total:g}")


class _Page(t.NamedTuple):
    """A page of a list.

    :ivar records: by ID in lower case; None for those not to keep
    :ivar length: how many rows it has
    :ivar total: how many records the whole list has; None if the page does not state it
    """

    records: dict[str, t.Any]
    length: int
    total: float | None
    response: Response


_JSON = {"Content-Type": "application/json"}


def _explain(error: DcsError, action: str) -> None:
    """Add a hint about what the user can do."""
    if isinstance(error, ForbiddenError):
        error.hint = f"Check that the user or agency has the IAM permission {action} in this project, and that the project is the right one."
    elif isinstance(error, NotFoundError):
        error.hint = "Check the instance ID, the region and project, and whether the instance has been deleted: the API does not distinguish these cases."


def _specialize(error: RefusedError) -> None:
    """Raise a more specific error if there is a class for its code."""
    code = normalized(error.code)
    kind: type[RefusedError] = NotExtendingError if code in NOT_EXTENDING_CODES else BusyError if code in BUSY_CODES else RefusedError
    if kind is not RefusedError:
        raise kind(
            error.reason, code=error.code, http_status=error.http_status, request_id=error.request_id, retry_after=error.retry_after,
            method=error.method, path=error.path, hint=error.hint,
        ) from None


def _rows(response: Response, name: str) -> list[t.Any]:
    rows = response.data.get(name)
    if not isinstance(rows, list):
        raise response.unexpected(f"it has no list of {name}")
    return rows


def _required(row: t.Any, *names: str) -> list[str]:
    """The required fields of a record. If they were optional, a pending resize could be overlooked.

    :raises ValueError: one of them is missing or unusable
    """
    if not isinstance(row, dict):
        raise ValueError(f"a record has the type {type(row).__name__} instead of an object")
    values = [_text(row.get(name)) for name in names]
    missing = [name for name, value in zip(names, values) if not value]
    if missing:
        raise ValueError(f"a record has no usable {' and '.join(missing)}")
    return t.cast("list[str]", values)


def _task(row: dict[str, t.Any]) -> BackgroundTask:
    task_id, name, status = _required(row, "id", "name", "status")
    details = row.get("details")
    facts = details
    if isinstance(details, str):
        try:
            facts = harmless(json.loads(details))
        except (ValueError, RecursionError):
            facts = None
    if not isinstance(facts, dict):
        facts = {}
    return BackgroundTask(
        id=task_id,
        name=name,
        status=status,
        details=details,
        user_name=_text(row.get("user_name")),
        created_at=_text(row.get("created_at")),
        updated_at=_text(row.get("updated_at")),
        old_spec_code=_text(facts.get("old_resource_spec_code")),
        new_spec_code=_text(facts.get("new_resource_spec_code")),
        old_capacity=_number(facts.get("old_capacity")),
        new_capacity=_number(facts.get("new_capacity")),
    )


def _instance(row: dict[str, t.Any]) -> Instance:
    (instance_id,) = _required(row, "instance_id")
    if isinstance(row.get("status"), (dict, list)):
        raise ValueError("a record has no usable status")
    return Instance(
        id=instance_id,
        name=_text(row.get("name")),
        status=_text(row.get("status")),
        spec_code=_text(row.get("spec_code")),
        maintain_begin=_text(row.get("maintain_begin")),
        maintain_end=_text(row.get("maintain_end")),
        tags=row.get("tags"),
        enterprise_project_id=row.get("enterprise_project_id"),
    )


def _text(value: t.Any) -> str | None:
    """A string, which may be received as a number; None if it is blank or of another type."""
    return str(value).strip() or None if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _number(value: t.Any) -> float | None:
    """A number, which may be received as a string; None if it is not one."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
