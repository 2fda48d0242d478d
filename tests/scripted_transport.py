# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transport that follows a script: the expected requests, and the response to each.

It replaces the connections below `_http`, so that everything above is the real code. An extra, a missing or a different request fails the test.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import NoConnectionError, NoReplyError, Reply
from requests.structures import CaseInsensitiveDict
from sample import INSTANCE, PROJECT, TASK

ENDPOINT = "https://dcs.cn-north-4.myhuaweicloud.com"


class Expected(NamedTuple):
    """A request, and the response to it.

    :ivar query: all parameters, as they are in the URL
    :ivar error: raised instead of a response
    :ivar sent: whether the request has been sent when the error is raised
    """

    method: str
    path: str
    query: dict[str, str]
    status: int
    body: bytes
    headers: dict[str, str]
    error: Exception | None
    sent: bool

    def is_for(self, method: str, path: str, query: Mapping[str, str]) -> bool:
        return (self.method, self.path, self.query) == (method, path, query)


class Script:
    """The expected requests, and the transport that responds to them.

    :param ordered: whether the requests must be sent in this order
    """

    def __init__(self, ordered: bool = True) -> None:
        self.ordered = ordered
        #: Called with the status of each response.
        self.on_status: Callable[[int], object] = lambda _status: None
        #: All requests, as they would have been sent.
        self.requests: list[requests.PreparedRequest] = []
        self._expected: list[Expected] = []
        self._wrong: list[str] = []
        self._lock = threading.Lock()

    def expect(
        self,
        method: str,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        status: int = 200,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        error: Exception | None = None,
        sent: bool = True,
    ) -> None:
        """Expect one more request.

        :param body: bytes, or what is sent as JSON
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        parameters = {name: str(value) for name, value in (query or {}).items()}
        self._expected.append(Expected(method, path, parameters, status, content, {"Content-Type": "application/json", **(headers or {})}, error, sent))

    def expect_tasks(self, *tasks: Mapping[str, Any], instance_id: str = INSTANCE, status: int = 200, body: object = None, **more: Any) -> None:
        """Expect a read of an instance's background tasks, which are all on one page."""
        body = {"task_count": len(tasks), "tasks": list(tasks)} if body is None else body
        self.expect("GET", f"/v2/{PROJECT}/instances/{instance_id}/tasks", {"offset": 0, "limit": 1000}, status=status, body=body, **more)

    def expect_cancel(self, status: int = 200, code: str | None = None, *, instance_id: str = INSTANCE, task_id: str = TASK, **more: Any) -> None:
        """Expect a cancel, whose response is success or an error code."""
        body: dict[str, str] = {"result": "success"} if code is None else {"error_code": code, "error_msg": f"The words of {code}."}
        self.expect("POST", f"/v2/{PROJECT}/instances/{instance_id}/resize/cancel/{task_id}", status=status, **{"body": body, **more})

    def expect_instance(self, http_status: int = 200, /, *, instance_id: str = INSTANCE, body: object = None, **attributes: Any) -> None:
        """Expect a read of an instance."""
        body = {"instance_id": instance_id, **attributes} if body is None else body
        self.expect("GET", f"/v2/{PROJECT}/instances/{instance_id}", status=http_status, body=body)

    def verify(self) -> None:
        """Fail if a request was unexpected, or if an expected one was not sent."""
        missing = [f"missing: {expected.method} {expected.path} {expected.query}" for expected in self._expected]
        assert not self._wrong + missing, "\n".join(self._wrong + missing)

    # The interface that `_http` uses

    def send(self, request: requests.PreparedRequest, _timeout: float) -> Reply:
        parts = urlsplit(str(request.url))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            self.requests.append(request)
            candidates = self._expected[:1] if self.ordered else self._expected
            expected = next((candidate for candidate in candidates if candidate.is_for(str(request.method), parts.path, query)), None)
            if expected is None or request.body is not None:
                wanted = "; expected: " + (f"{candidates[0].method} {candidates[0].path} {candidates[0].query}" if candidates else "none")
                self._wrong.append(f"unexpected: {request.method} {parts.path} {query}{' with a body' if request.body else ''}{wanted}")
                # An error that is never retried, so that the test ends.
                raise NoConnectionError("the host", self._wrong[-1], permanent=True)
            self._expected.remove(expected)
        if expected.error:
            raise NoReplyError(str(expected.error)) if expected.sent else NoConnectionError("the host", str(expected.error), permanent=False)
        self.on_status(expected.status)
        return Reply(expected.status, CaseInsensitiveDict(expected.headers), expected.body)

    def close(self) -> None:
        """There is nothing to close."""


@contextlib.contextmanager
def scripted_transport(ordered: bool = True) -> Iterator[Script]:
    """Follow a script instead of sending anything, without delays before retries. It is verified at the end."""
    script = Script(ordered)

    def play(*, on_status: Callable[[int], object], **_options: Any) -> Script:
        script.on_status = on_status
        return script

    with patch.object(_http, "Transport", play), patch.object(_pace, "BACKOFF_BASE", 0.0):
        yield script
    script.verify()


def task(status: str = "WAITING", name: str = "EXTEND", task_id: str = TASK, **more: Any) -> dict[str, Any]:
    """A background task as the API lists it."""
    return {
        "id": task_id,
        "name": name,
        "status": status,
        "details": {"old_capacity": "4", "new_capacity": "8", "old_resource_spec_code": "old.spec", "new_resource_spec_code": "new.spec"},
        "user_name": "operator",
        "created_at": "2026-01-31T07:38:42.503Z",
        "updated_at": "2026-01-31T07:38:42.503Z",
        **more,
    }
