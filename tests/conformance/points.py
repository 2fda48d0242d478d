# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection assumes of the API: each point with the place in the code that rests on it, and what it means when it is otherwise."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.huaweicloud.dcs.plugins.module_utils import _dcs, _resize

from .run import NotObserved, Reply


class Point(NamedTuple):
    """One assumption.

    :ivar name: of the observation
    :ivar question: what is assumed, in a few words
    :ivar assumed: the answer
    :ivar holds: whether an observation is as assumed
    :ivar places: what rests on it: files of the collection and names in them, as `module.name`, or `option name`
    :ivar setting: of the simulator, which stands for the same point and is to follow; None if it is one of its faults
    :ivar basis: why it is assumed
    :ivar otherwise: what it means when it is otherwise
    :ivar by_hand: how to see it without the suite
    """

    name: str
    question: str
    assumed: str
    holds: Callable[[Any], bool]
    places: tuple[str, ...]
    setting: str | None
    basis: str
    otherwise: str
    by_hand: str

    def place(self) -> str:
        """The places in words."""
        return " and ".join(_place(place) for place in self.places)

    def verdict(self, observed: Any) -> str:
        """One of `yes`, `NO` and `not observed`."""
        return "not observed" if isinstance(observed, NotObserved) else "yes" if self.holds(observed) else "NO"

    def sentence(self, observed: Any) -> str:
        """What a difference means, and what it touches."""
        follow = f" The simulator must follow: {self.setting} in tests/simulator/settings.py." if self.setting else ""
        return f"{self.question}: assumed {self.assumed}, observed {observed}. This affects {self.place()}: {self.otherwise}{follow}"

    def facts(self) -> str:
        """The point as an entry of a reStructuredText definition list."""
        code = " and ".join(_place_in_docs(place) for place in self.places)
        fields = {"In the code": code, "If it is wrong": self.otherwise, "To verify it manually": self.by_hand}
        lines = [f"{self.question}: {self.assumed}", _wrap(self.basis), "", *(_wrap(f":{name}: {text}", "      ") for name, text in fields.items())]
        return "\n".join([*lines, ""])


def _wrap(text: str, indent: str = "   ") -> str:
    return textwrap.fill(text, 160, initial_indent="   ", subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _place_in_docs(place: str) -> str:
    module, _dot, name = place.partition(".")
    if name:
        return f"``{name}`` in ``plugins/module_utils/{module}.py``"
    return f"the option :ansopt:`huaweicloud.dcs.dcs_resize_cancel#module:{place.removeprefix('option ')}`"


def _place(place: str) -> str:
    module, _dot, name = place.partition(".")
    return f"{name} in plugins/module_utils/{module}.py" if name else place


def _one_of(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _not_extending(reply: Reply) -> bool:
    return reply.status == 400 and reply.code in _dcs.NOT_EXTENDING_CODES and reply.still_waiting is not False


_LIST_TASKS = "GET .../instances/{instance_id}/tasks"
_CANCEL = "POST .../instances/{instance_id}/resize/cancel/{task_id}"
_NOT_EXTENDING = _dcs.NOT_EXTENDING_CODES[0]

POINTS: tuple[Point, ...] = (
    Point(
        "task_name", "Name of the background task", "EXTEND or ChangeInstanceSpec, in any case", lambda name: name.upper() in _resize.RESIZE_NAMES,
        ("_resize.RESIZE_NAMES",), "task_name",
        "The API reference of background tasks lists EXTEND; ListBackgroundTask of the official SDK lists ChangeInstanceSpec.",
        "resizes with another name are neither found nor listed, and can only be cancelled by their task_id. Add the name there, in upper case.",
        f"{_LIST_TASKS} while a resize is pending: name.",
    ),
    Point(
        "waiting_status", "Status of a pending resize", _one_of(_resize.WAITING_STATUSES), lambda status: status.upper() in _resize.WAITING_STATUSES,
        ("_resize.WAITING_STATUSES",), "waiting_status",
        "The API reference lists SUCCESS, FAILED, EXECUTING, CREATED and WAITING, but does not say which of them a pending resize has.",
        "pending resizes are not found, and after DCS.4239 they are reported as absent. Add the status there, in upper case.",
        f"{_LIST_TASKS} while a resize is pending: status.",
    ),
    Point(
        "instance_status", "Status of the instance while a resize is pending", f"RUNNING or {_resize.EXTENDING}",
        lambda status: status in ("RUNNING", _resize.EXTENDING),
        ("_resize.EXTENDING", "option wait"), "instance_status_waiting",
        "Not documented. The text of DCS.4239, \"not extending\", suggests that EXTENDING includes a pending resize. "
        "Therefore, only the option wait uses this status.",
        "after a cancellation, the option wait may have to wait until the instance has left this status, too.",
        "GET .../instances/{instance_id} while a resize is pending: status.",
    ),
    Point(
        "cancel", "Response to the cancel request", '200 {"result": "success"}',
        lambda reply: reply.status == 200 and reply.code is None and isinstance(reply.body, dict) and reply.body.get("result") == "success",
        ("_dcs.Dcs.cancel_resize",), "answer_cancelled",
        "The API reference of CancelInstanceResize.",
        "any other response is treated as lost: the background task is queried and the request is repeated, although the resize may already be cancelled.",
        f"{_CANCEL} while the resize is pending.",
    ),
    Point(
        "second_cancel", "Response to a second cancel request", f"400 {_NOT_EXTENDING}", _not_extending,
        ("_dcs.NOT_EXTENDING_CODES",), "answer_cancelled_before",
        "The API reference has this code, \"The instance status is not extending\", without saying when it is returned.",
        "a second run fails instead of reporting absent. If the code means that no resize is pending, add it to the list.",
        f"{_CANCEL} again after a successful one.",
    ),
    Point(
        "unknown_task", "Response to a wrong task ID", f"400 {_NOT_EXTENDING}, and the resize is still pending", _not_extending,
        ("_dcs.NOT_EXTENDING_CODES",), "answer_unknown_task",
        "Not documented.",
        "with a task_id that does not exist, the outcome is failed instead of absent. If the observation says that the resize is no longer "
        "pending, the API ignores the task ID: a wrong task_id cancels whichever resize of the instance is pending.",
        f"{_CANCEL} with 32 hexadecimal digits that are not the ID of a task, while another resize is pending.",
    ),
    Point(
        "foreign_task", "Response to the task ID of another instance", f"400 {_NOT_EXTENDING}, and the resize is still pending", _not_extending,
        ("_dcs.NOT_EXTENDING_CODES",), "answer_foreign_task",
        "Not documented.",
        "with the task_id of another instance, the outcome is failed instead of absent. If the observation says that the resize is no longer "
        "pending, the API ignores the task ID: a wrong task_id cancels whichever resize of the instance is pending.",
        f"{_CANCEL} with the ID of a finished task of another instance, while a resize is pending.",
    ),
    Point(
        "ended_task", "Response for a resize that has been carried out", f"400 {_NOT_EXTENDING}", _not_extending,
        ("_dcs.NOT_EXTENDING_CODES",), "answer_ended",
        "Not documented; it is an inference that DCS.4239 is also returned when it is too late. Therefore, the background task is queried after it.",
        "a resize that has been carried out is reported as failed instead of applied. Add the code there, or to BUSY_CODES.",
        f"{_CANCEL} with the ID of the background task of a resize that has been carried out.",
    ),
    Point(
        "status_after_cancel", "Status of the background task after a cancellation", _one_of(_resize.CANCELLED_STATUSES),
        lambda status: status.upper() in _resize.CANCELLED_STATUSES,
        ("_resize.CANCELLED_STATUSES",), "status_after_cancel",
        "Not documented. Similar services use these words.",
        "after a lost response, the request is sent once more before the resize is reported as cancelled. "
        "If the status has no other meaning, add it there, in upper case.",
        f"{_LIST_TASKS} after a cancellation: status.",
    ),
    Point(
        "list_delay", "Delay until the list shows a cancellation", "at the first query", lambda delay: delay == "at the first query",
        ("_pace.BACKOFF_BASE", "option max_retries"), "status_after_cancel_seconds",
        "Not documented.",
        "until the list shows the cancellation, a second run finds the resize still pending, and fails if the list has not changed when no retries are left. "
        "Increase the delay between retries or their number.",
        f"{_LIST_TASKS} once per second after a cancellation.",
    ),
    Point(
        "instance_after_cancel", "Status of the instance after a cancellation", "RUNNING at the first query",
        lambda status: status == "RUNNING at the first query",
        ("_cancel.WAIT_INTERVAL", "option wait", "option wait_timeout"), "extending_after_cancel_seconds",
        "Not documented.",
        "to continue with the instance after a cancellation, use wait: true and a wait_timeout that is longer than the observed time.",
        "GET .../instances/{instance_id} once per second after a cancellation: status.",
    ),
    Point(
        "task_count_type", "Type of task_count", "integer", lambda kind: kind == "integer",
        ("_dcs._number",), "task_count_type",
        "The API reference says String, but its examples show an integer.",
        "strings are converted to numbers there. Without a usable count, pages are read until one contains nothing new.",
        f"{_LIST_TASKS}: task_count.",
    ),
    Point(
        "details_type", "Type of the task's details", "object", lambda kind: kind == "object",
        ("_dcs._task",), "details_type",
        "The API reference describes an object.",
        "a string that contains JSON is accepted there, too; otherwise, the old and new specification and capacity are null.",
        f"{_LIST_TASKS} while a resize is pending: details.",
    ),
    Point(
        "capacity_type", "Type of the capacities", "string", lambda kind: kind == "string",
        ("_dcs._number",), "capacity_type",
        "The API reference has strings in some places and numbers in others.",
        "strings and numbers are accepted there; anything else results in null.",
        f"{_LIST_TASKS} while a resize is pending: old_capacity and new_capacity of details.",
    ),
    Point(
        "page_size", "Tasks on a page of limit=1000", "all", lambda rows: rows == "all",
        ("_dcs.Dcs._all", "_dcs.PAGE_SIZE"), "page_cap",
        "The API reference: 1 to 1000.",
        "further pages are read until the count is reached; if task_count is the number of records on the page only, tasks are missed.",
        f"{_LIST_TASKS}?offset=0&limit=1000.",
    ),
    Point(
        "largest_limit", "HTTP status of a response to limit=1001", "400", lambda status: status == 400,
        ("_dcs.PAGE_SIZE",), "limit_enforced",
        "The API reference: 1 to 1000.",
        "nothing breaks; larger pages may be possible or may be truncated.",
        f"{_LIST_TASKS}?offset=0&limit=1001.",
    ),
    Point(
        "offset", "What offset counts", "records", lambda what: what == "records",
        ("_dcs.Dcs._all",), "offset_unit",
        "The API reference and the SDK: a record offset, not a page number.",
        "if there is more than one page, tasks are missed. An offset that is rounded to whole pages only costs more requests.",
        f"{_LIST_TASKS}?offset=1&limit=2 on an instance with at least two tasks: the first record is the second of all.",
    ),
    Point(
        "error_shape", "Fields of an error", "error_code and error_msg", lambda names: names == "error_code and error_msg",
        ("_http._error_of",), "error_shape",
        "The API reference. The first version of the API returned error, with code and message.",
        "both formats are accepted there; in any other format, code and message are missing and DCS.4239 is not recognized.",
        f"{_CANCEL} with a wrong task ID: the body.",
    ),
    Point(
        "error_code", "Type and format of an error code", f"string {_NOT_EXTENDING}", lambda code: re.fullmatch(r"string DCS\.\d{4}", code) is not None,
        ("_http._error_of", "_dcs.NOT_EXTENDING_CODES", "_dcs.BUSY_CODES"), "error_code_type",
        "The API reference. Older codes are numbers such as 111400061; the number of DCS.4239 is an inference.",
        "numbers are compared as text; those of DCS.4239, DCS.4113, and DCS.4026 are inferred and must be corrected in the lists.",
        f"{_CANCEL} with a wrong task ID: error_code.",
    ),
    Point(
        "request_id", "Header X-Request-Id", "in every response", lambda words: words == "in every response",
        ("_http.Http._parse_response",), "request_id_header",
        "The documentation of Huawei Cloud's API gateway.",
        "the returned request_id is null if neither the header nor the body contains it.",
        "Any request: the headers of the response.",
    ),
    Point(
        "retry_after", "Header Retry-After of a throttled request", "no such header", lambda words: words == "no such header",
        ("_http._retry_after", "_http.MAX_RETRY_AFTER"), "retry_after",
        "Not documented.",
        "a number of seconds or a date is respected, up to MAX_RETRY_AFTER seconds; anything else is ignored.",
        "Any request that gets HTTP 429; the command does not provoke one.",
    ),
)
