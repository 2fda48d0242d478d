# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""The calls of the DCS API v2 that this collection needs, and what they return as typed records.

Source: Huawei Cloud's "DCS API Reference", API V2: ListBackgroundTask, ListInstances, ShowInstance and CancelInstanceResize.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from urllib.parse import urlsplit

from ._errors import ConfigurationError, DcsError, ForbiddenError, LostAnswerError, NotFoundError

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from requests.auth import AuthBase

    from ._http import Answer, Http
    from ._pace import Attempts

#: Records per page; the API takes 1 to 1000.
PAGE_SIZE = 100
#: Pages of one list; a list that is longer does not end.
MOST_PAGES = 10_000
#: How often a list is read that changes meanwhile.
MOST_READINGS = 5

# Anything else in a path could be taken for another path: an encoded slash counts as a slash where signatures are verified.
_ID = re.compile(r"[A-Za-z0-9_-]+")


class BackgroundTask(t.NamedTuple):
    """A background task of an instance.

    :ivar name: the kind of task; for a resize C(EXTEND) today and C(ChangeInstanceSpec) in the SDK's words
    :ivar status: such as C(WAITING), C(EXECUTING) or C(SUCCESS); no page lists them all
    :ivar details: as received
    :ivar old_capacity: GB; None if unknown, like all that follow
    :ivar new_capacity: GB
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
        """The task as users see it in a module's result."""
        result = self._asdict()
        return {"task_id": result.pop("id"), "task_name": result.pop("name"), **result}


class Instance(t.NamedTuple):
    """A DCS instance.

    :ivar status: such as C(RUNNING) or C(EXTENDING)
    :ivar maintain_begin: start of the maintenance window, UTC, C(HH:mm:ss)
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


def check_id(what: str, value: str) -> str:
    """Return an id that is safe in a path.

    :param what: what it is the id of, for the message
    :raises ConfigurationError: it has a character other than letters, digits, C(-) and C(_)
    """
    if not _ID.fullmatch(value):
        raise ConfigurationError(f"{value!r} is no {what} id: only letters, digits, '-' and '_' may be in it", code="InvalidId")
    return value


def find_project(http: Http, auth: AuthBase, auth_url: str, name: str) -> str:
    """The id of the project of that name. Source: IAM's "KeystoneListProjects".

    :param auth: without a project of its own
    :param auth_url: IAM's endpoint, without C(/v3)
    :raises ConfigurationError: there is none, or there are several
    :raises DcsError: IAM did not say
    """
    try:
        answer = http.get(f"{auth_url}/v3/projects", {"name": name}, auth=auth)
    except ForbiddenError as error:
        _add(error, "The user or agency may not list projects. Set 'project_id'.")
        raise
    projects = [row for row in _rows(answer, "projects") if isinstance(row, dict)]
    found = [project for project in projects if project.get("name") == name and project.get("id")]
    if len(found) != 1:
        listed = ", ".join(f"{project.get('name')} ({project.get('id')})" for project in projects) or "none"
        raise ConfigurationError(
            f"{'No project' if not found else 'More than one project'} is called {name!r}. Found: {listed}. Set 'project_id', or 'project_name' and 'region'.",
            code="Configuration",
        )
    return str(found[0]["id"])


class Dcs:
    """The DCS API of one project in one region.

    Every method raises L(DcsError): a L(RefusedError) where the API said no, a L(LostAnswerError) where the answer is missing or makes no sense, a
    L(UnsentError) where no connection could be made, a L(StoppedError) after a 401.

    :param http: the session
    :param auth: signs for the project
    :param endpoint: such as C(https://dcs.cn-north-4.myhuaweicloud.com)
    :param project_id: the project
    """

    def __init__(self, http: Http, auth: AuthBase, endpoint: str, project_id: str) -> None:
        self._http = http
        self._auth = auth
        self._url = f"{endpoint}/v2/{check_id('project', project_id)}"

    def attempts(self) -> Attempts:
        """The retries for L(cancel_resize)."""
        return self._http.attempts()

    def sleep(self, seconds: float) -> None:
        """Wait between two calls.

        :raises StoppedError: a request was refused with 401
        """
        self._http.sleep(seconds)

    def cancel_resize(self, instance_id: str, task_id: str, attempts: Attempts) -> str | None:
        """Cancel a resize that waits for the maintenance window, and return the request's id.

        The API answers C(DCS.4239) where none is waiting.

        :param attempts: the retries to take from; L(LostAnswerError) is never retried here
        """
        url = f"{self._instance_url(instance_id)}/resize/cancel/{check_id('task', task_id)}"
        try:
            answer = self._http.post(url, auth=self._auth, headers=_JSON, attempts=attempts)
        except DcsError as error:
            _explain(error, "dcs:instance:cancelResizeTask")
            raise
        if answer.data.get("result") != "success":
            raise _unexpected(answer, "without a success")
        return answer.request_id

    def tasks(self, instance_id: str, start_time: str | None = None, end_time: str | None = None) -> list[BackgroundTask]:
        """All background tasks of an instance.

        :param start_time: UTC, C(yyyyMMddHHmmss); None: no limit
        :param end_time: likewise
        """
        query = {name: value for name, value in (("start_time", start_time), ("end_time", end_time)) if value}
        rows = self._all(f"{self._instance_url(instance_id)}/tasks", query, "tasks", "task_count", "dcs:instance:getBackgroundTask")
        return [_task(row) for row in rows]

    def instances(self, name: str | None = None) -> list[Instance]:
        """All instances of the project.

        :param name: only those whose name contains this
        """
        rows = self._all(f"{self._url}/instances", {"name": name} if name else {}, "instances", "instance_num", "dcs:instance:list", key="instance_id")
        return [_instance(row) for row in rows]

    def instance(self, instance_id: str, within: float = math.inf) -> Instance:
        """One instance.

        :param within: seconds that this has, if it has less than others
        """
        answer = self._get(self._instance_url(instance_id), None, "dcs:instance:get", within)
        _check(answer, answer.data, "status")
        return _instance(answer.data)

    def _instance_url(self, instance_id: str) -> str:
        return f"{self._url}/instances/{check_id('instance', instance_id)}"

    def _get(self, url: str, query: dict[str, str | int] | None, action: str, within: float = math.inf) -> Answer:
        try:
            return self._http.get(url, query, auth=self._auth, headers=_JSON, within=within)
        except DcsError as error:
            _explain(error, action)
            raise

    def _all(self, url: str, query: dict[str, str], rows_name: str, count_name: str, action: str, key: str = "id") -> Iterable[dict[str, t.Any]]:
        """All records, each once.

        Where some went while the pages were read, others have moved up and may have been missed. Then all is read again, until nothing new turns up.
        """
        found: dict[str, dict[str, t.Any]] = {}
        for _reading in range(MOST_READINGS):
            records, whole = self._pages(url, query, rows_name, count_name, action, key)
            if whole:
                return records.values()
            if records.keys() <= found.keys():
                return found.values()
            found.update(records)
        raise _endless(url)

    def _pages(
        self, url: str, query: dict[str, str], rows_name: str, count_name: str, action: str, key: str
    ) -> tuple[dict[str, dict[str, t.Any]], bool]:
        """The records of all pages by their ids, and whether each page has the last record of the one before, with which it was asked to begin.

        The count may be wrong and a page shorter than asked for: the end is a page with nothing new, or a page that is not full and reaches exactly the count.
        """
        found: dict[str, dict[str, t.Any]] = {}
        whole = True
        offset = 0
        last: str | None = None
        for _page in range(MOST_PAGES):
            answer = self._get(url, {**query, "offset": offset, "limit": PAGE_SIZE}, action)
            rows = _rows(answer, rows_name)
            page = {str(row[key]): row for row in rows if _has(row, key)}
            for row in page.values():
                _check(answer, row, key, "name", "status")
            whole = whole and (last is None or last in page)
            new = page.keys() - found.keys()
            found.update(page)
            if len(rows) < PAGE_SIZE and offset + len(rows) == _number(answer.data.get(count_name)):
                return found, whole
            if new:
                # With a page of a single record the next one can't overlap.
                last = str(rows[-1][key]) if len(rows) > 1 and _has(rows[-1], key) else None
                offset += len(rows) - (last is not None)
            elif last is not None and len(rows) > 1:
                # Perhaps the offset was rounded to whole pages, and this was the page before again.
                offset, last = offset + 1, None
            else:
                return found, whole
        raise _endless(url)


_JSON = {"Content-Type": "application/json"}


def _explain(error: DcsError, action: str) -> None:
    """Add to the message what a user can do about it."""
    if isinstance(error, ForbiddenError):
        hint = f"The user or agency needs the IAM permission {action}."
    elif isinstance(error, NotFoundError):
        hint = "The id may be mistyped, the region or the project may be another one, or the instance may have been deleted: these look alike."
    else:
        return
    _add(error, hint)


def _add(error: DcsError, hint: str) -> None:
    error.message = f"{error.message.rstrip('.')}. {hint}"
    error.args = (error.message,)


def _rows(answer: Answer, name: str) -> list[t.Any]:
    rows = answer.data.get(name)
    if not isinstance(rows, list):
        raise _unexpected(answer, f"without a list of {name}")
    return rows


def _has(row: t.Any, key: str) -> bool:
    """Whether a row is a record, with an id."""
    return isinstance(row, dict) and bool(row.get(key))


def _endless(url: str) -> LostAnswerError:
    return LostAnswerError(f"GET {urlsplit(url).path}: the list does not end, or changes faster than it can be read", code="UnexpectedAnswer")


def _check(answer: Answer, record: dict[str, t.Any], *names: str) -> None:
    """Refuse a record in which nobody can tell what everything rests on: a waiting resize that is overlooked would count as none."""
    wrong = [name for name in names if isinstance(record.get(name), (dict, list))]
    if wrong:
        raise _unexpected(answer, f"with a record whose {' and '.join(wrong)} can't be understood")


def _unexpected(answer: Answer, what: str) -> LostAnswerError:
    """An answer that means success, but makes no sense."""
    message = f"{answer.request}: answered with status {answer.http_status}, but {what}"
    return LostAnswerError(message, code="UnexpectedAnswer", http_status=answer.http_status, request_id=answer.request_id)


def _task(row: dict[str, t.Any]) -> BackgroundTask:
    details = row.get("details")
    facts = details
    if isinstance(details, str):
        try:
            facts = json.loads(details)
        except (ValueError, RecursionError):
            facts = None
    if not isinstance(facts, dict):
        facts = {}
    return BackgroundTask(
        id=str(row["id"]),
        name=_text(row.get("name")) or "",
        status=_text(row.get("status")) or "",
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
    return Instance(
        id=_text(row.get("instance_id")) or "",
        name=_text(row.get("name")),
        status=_text(row.get("status")),
        spec_code=_text(row.get("spec_code")),
        maintain_begin=_text(row.get("maintain_begin")),
        maintain_end=_text(row.get("maintain_end")),
        tags=row.get("tags"),
        enterprise_project_id=row.get("enterprise_project_id"),
    )


def _text(value: t.Any) -> str | None:
    return None if value is None else str(value)


def _number(value: t.Any) -> float | None:
    """A number, which the API gives as a number or as text."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
