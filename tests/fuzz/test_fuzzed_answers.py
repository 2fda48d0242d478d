# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conversations with an API that may respond with anything: they only raise the collection's own errors, and never report an impossible cancellation."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace, _transport
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs, find_project
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError, DcsError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import list_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import SdkHmacSha256
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import NoConnectionError, NoReplyError, Reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from sample import INSTANCE, TASK
from urllib3 import HTTPResponse

ACCESS_KEY, SECRET_KEY, STS = "AKFUZZ00000000000001", "SKfuzz0000000000000000000000000000000001", "STSfuzz00000000000000000000000000000001"
RETRIES = 1
OUTCOMES = {"cancelled", "absent", "executing", "applied", "failed", "not_attempted"}
# The profile sets the number of examples, and whether they are the same each time: see tests/conftest.py.
FUZZ = settings(suppress_health_check=list(HealthCheck))

# ---- The possible responses of an API


class Scripted(NamedTuple):
    """The result of one request.

    :ivar error: raised instead of a response
    :ivar problem: why headers and body don't arrive, although the status does
    """

    status: int
    headers: dict[str, str]
    content: bytes
    error: Exception | None = None
    problem: str | None = None

    @property
    def may_have_cancelled(self) -> bool:
        """Whether a cancel with this result may have taken effect: unless it was refused or never sent."""
        if self.error:
            return isinstance(self.error, NoReplyError)
        # An incomplete refusal is ambiguous unless its status alone is clear.
        return not 300 <= self.status < 500 or (self.problem is not None and self.status not in TELLING)

    @property
    def says_success(self) -> bool:
        """Whether the response is the documented one for success, in any encoding."""
        content = gzip.decompress(self.content) if self.content[:2] == b"\x1f\x8b" else self.content
        try:
            return not self.error and not self.problem and 200 <= self.status < 300 and json.loads(content)["result"].strip().upper() == "SUCCESS"
        except (ValueError, TypeError, KeyError, AttributeError):
            return False


def deep(levels: int) -> Any:
    """A structure nested so deeply."""
    value: Any = SECRET_KEY
    for level in range(levels):
        value = [value] if level % 2 else {"__ansible_unsafe": value}
    return value


class Author(random.Random):
    """Generates responses. Hypothesis only generates the authors, because drawing each value separately would take ten times as long."""

    def rarely(self, one_in: int) -> bool:
        return self.randrange(one_in) == 0

    def junk(self, depth: int = 2) -> Any:
        """Any JSON."""
        kind = self.randrange(12 if depth else 9)
        if kind >= 9:
            children = [self.junk(depth - 1) for _number in range(self.randrange(4))]
            return children if kind == 9 else {str(self.choice(KEYS)): child for child in children}
        return self.choice(
            [
                *(None, True, -1, 10**20, 10**400, 1e300, float("nan"), float("inf"), "", "\u7b49\u5f85", SECRET_KEY, ACCESS_KEY, "success", "WAITING"),
                *("\ud800", "\udcff\ud83d", "x" * 300, "__ansible_type", "_ansible_no_log", " WAITING ", "{{ 1 }}", "\x00\x1b[31m", deep(40), deep(300)),
            ]
        )

    def record(self, **fields: Any) -> dict[str, Any]:
        """An object whose fields are mostly correct, and sometimes wrong or missing."""
        return {name: self.junk() if self.rarely(25) else field for name, field in fields.items() if not self.rarely(40)}

    def records(self, make: Callable[[], dict[str, Any]]) -> list[Any]:
        return [self.junk() if self.rarely(25) else make() for _number in range(self.randrange(3))]

    def task(self) -> dict[str, Any]:
        details = self.record(old_resource_spec_code="old", new_resource_spec_code=self.choice(["new", "old"]), old_capacity=self.choice([1, "2", "x"]))
        return self.record(
            id=self.choice([TASK, TASK, "other"]),
            name=self.choice(["EXTEND", "EXTEND", "ChangeInstanceSpec", "modify"]),
            status=self.choice(STATUSES),
            details=json.dumps(details) if self.rarely(3) else details,
        )

    def instance(self) -> dict[str, Any]:
        return self.record(instance_id=self.choice([INSTANCE, "second"]), name="cache", status=self.choice(STATUSES), spec_code=self.choice(["old", "new"]))

    def body(self) -> Any:
        """A response to any request and an error in one: which part counts depends on the request and the status."""
        if self.rarely(12):
            return self.junk()
        code, message = self.choice(CODES), self.choice(["no", f"ak:{ACCESS_KEY}", f"sk {SECRET_KEY}", "0123456789abcdef" * 4])
        error = {"error": self.record(code=code, message=message)} if self.rarely(6) else self.record(error_code=code, error_msg=message)
        return {
            **error,
            **self.instance(),
            **self.record(
                result="success",
                request_id="1" * 32,
                task_count=self.randrange(4),
                tasks=self.records(self.task),
                instance_num=self.randrange(4),
                instances=self.records(self.instance),
                projects=self.records(lambda: self.record(id="0123456789abcdef0123456789abcdef", name="cn-north-4")),
            ),
        }

    def content(self) -> bytes:
        """A body, possibly damaged in transit."""
        content = json.dumps(self.body()).encode()
        if not self.rarely(6):
            return content
        where = self.randrange(len(content))
        return self.choice(
            [
                b"",
                content[:where],
                content[:where] + bytes([content[where] ^ 0x55]) + content[where + 1:],
                gzip.compress(content),
                content.decode().encode("utf-16"),
                content * 2,
                b"<html><title>" + content + b"</title>",
                self.randbytes(40),
            ]
        )

    def answer(self) -> Scripted:
        """The result of one request."""
        if self.rarely(8):
            return Scripted(0, {}, b"", self.choice(ERRORS))
        status = self.randrange(100, 1000) if self.rarely(12) else self.choice(USUAL)
        headers = {self.choice(HEADERS): self.choice(VALUES) for _number in range(self.randrange(1, 3))} if self.rarely(4) else {}
        return Scripted(status, headers, self.content(), problem="Connection reset by peer" if self.rarely(20) else None)


STATUSES = ["WAITING", "WAITING", "CREATED", "EXECUTING", "SUCCESS", "FAILED", "CANCELLED", "DELETED", "extending", "RUNNING"]
CODES = ["DCS.4239", "DCS.4239", "111400239", 111400239, "DCS.4113", "DCS.4026", "DCS.3022", "APIGW.0301", "APIGW.0308", SECRET_KEY]
USUAL = [200] * 6 + [400] * 6 + [401, 403, 404, 429, 429, 500, 503]
HEADERS = ["Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Retry-After", "X-Request-Id", "Location", "Set-Cookie"]
VALUES = ["", "0", "-1", "1", "1e999", "nan", "gzip", "deflate", "br", "chunked", 'text/html; charset="', "/x", "a=b; expires=x", "\xe9\xff", SECRET_KEY]
KEYS = ["id", "status", "\ud800", "__ansible_type", "_ansible_parsed", "__payload__", "", SECRET_KEY, "x" * 300]
#: Statuses that show by themselves that nothing was done.
TELLING = {*range(300, 400), 401, 403, 404, 407, 429}
ERRORS = [
    NoReplyError("timed out"),
    NoReplyError(f"reset \xff http://user:{SECRET_KEY}@proxy"),
    NoReplyError(""),
    NoConnectionError("dcs.example.com", "Connection refused", permanent=False),
    NoConnectionError("dcs.example.com", "the certificate is not trusted", permanent=True),
    NoConnectionError("the proxy proxy:3128", "it answered CONNECT with HTTP 503", permanent=False, http_status=503),
]

conversations = st.lists(st.integers(0, 2**32).map(lambda seed: Author(seed).answer()), min_size=1, max_size=5)


class Transport:
    """Plays back a conversation; its last response is repeated forever."""

    def __init__(self, conversation: list[Scripted]) -> None:
        self._conversation = conversation
        self.on_status: Callable[[int], object] = lambda _status: None
        self.played: list[tuple[str, Scripted]] = []

    def send(self, request: requests.PreparedRequest, _timeout: float) -> Reply:
        answer = self._conversation[min(len(self.played), len(self._conversation) - 1)]
        self.played.append((str(request.method), answer))
        assert len(self.played) < 200, "this never ends"
        if answer.error:
            raise answer.error
        self.on_status(answer.status)
        if answer.problem:
            return Reply(answer.status, {}, b"", answer.problem)
        raw = HTTPResponse(io.BytesIO(answer.content), headers=answer.headers, status=answer.status, preload_content=False, request_method=request.method)
        try:
            return Reply(answer.status, raw.headers, _transport._read(raw))
        except Exception as error:
            return Reply(answer.status, CaseInsensitiveDict(answer.headers), b"", _transport._describe(error))

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def cancels(self) -> list[Scripted]:
        """The responses to the cancels."""
        return [answer for method, answer in self.played if method == "POST"]


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.0)
    monkeypatch.setattr(_http, "MAX_RETRY_AFTER", 0.0)
    monkeypatch.setattr(_pace.Rate, "throttled", lambda self, now: None)


@contextlib.contextmanager
def converse(conversation: list[Scripted]) -> Iterator[tuple[Transport, Http, SdkHmacSha256]]:
    """A client whose requests get the responses of a conversation."""
    transport = Transport(conversation)

    def play(*, on_status: Callable[[int], object], **_options: Any) -> Transport:
        transport.on_status = on_status
        return transport

    with patch.object(_http, "Transport", play):
        http = Http(max_retries=RETRIES, secrets=(SECRET_KEY, STS, ACCESS_KEY))
    yield transport, http, SdkHmacSha256(ACCESS_KEY, SECRET_KEY, STS, "0" * 32)


def check(transport: Transport, shown: Any) -> None:
    """Check what holds for all responses: the result can be serialized and shows no secret, and after a 401 nothing was sent."""
    json.dumps(shown, allow_nan=False).encode()
    json.dumps(shown, ensure_ascii=False).encode()
    assert depth_of(shown) <= _http.MAX_DEPTH + 8
    assert not any(key.startswith(("_ansible", "__ansible")) for key in keys_of(shown))
    # The API's data about a task is passed on as received; AnsibleModule removes secrets from it.
    messages = json.dumps(find_messages(shown))
    assert not any(secret in messages for secret in (SECRET_KEY, STS, ACCESS_KEY)), messages
    refused = [number for number, (_method, answer) in enumerate(transport.played) if not answer.error and answer.status in (401, 407)]
    assert refused in ([], [len(transport.played) - 1])


def depth_of(value: Any) -> int:
    """The nesting depth of a value."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, children), default=0)


def keys_of(value: Any) -> Iterator[str]:
    """All keys in a value."""
    if isinstance(value, dict):
        yield from value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_of(child)


def find_messages(shown: Any) -> list[str]:
    """All messages of errors."""
    if isinstance(shown, dict):
        return [value for key, child in shown.items() for value in ([str(child)] if key == "message" else find_messages(child) if key == "error" else [])]
    return [message for child in shown for message in find_messages(child)] if isinstance(shown, list) else []


@FUZZ
@given(conversations, st.sampled_from(["ignore", "warn", "fail"]), st.booleans())
def test_cancel(conversation: list[Scripted], on_too_late: Any, check_mode: bool) -> None:
    cancel(conversation, Request(INSTANCE, TASK), Plan(on_too_late, check_mode))


@FUZZ
@given(conversations, st.sampled_from(["ignore", "warn", "fail"]), st.booleans())
def test_find_and_cancel(conversation: list[Scripted], on_too_late: Any, check_mode: bool) -> None:
    waiting = {"tasks": [{"id": TASK, "name": "EXTEND", "status": "WAITING"}], "task_count": 1}
    found = Scripted(200, {}, json.dumps(waiting).encode())
    cancel([found, *conversation] if len(conversation) % 2 else conversation, Request(INSTANCE), Plan(on_too_late, check_mode))


@FUZZ
@given(conversations)
def test_cancel_and_wait(conversation: list[Scripted]) -> None:
    done = Scripted(200, {}, b'{"result": "success"}')
    cancel([done, *conversation], Request(INSTANCE, TASK), Plan(wait_timeout=0))


def cancel(conversation: list[Scripted], request: Request, plan: Plan) -> None:
    """Cancel, and compare the result with the conversation."""
    with converse(conversation) as (transport, http, auth):
        dcs = Dcs(http, auth, "https://dcs.example.com", "0" * 32)
        (result,) = cancel_resizes(lambda: dcs, [request], plan)
    shown = result.as_result()
    check(transport, [shown])
    assert result.outcome in OUTCOMES
    assert result.changed == shown["changed"] == (result.outcome == "cancelled")
    assert result.error is None or result.error.code != "InternalError", result.error
    assert result.error or result.outcome not in ("failed", "not_attempted")
    if plan.check_mode:
        assert not transport.cancels
        return
    assert len(transport.cancels) <= 1 + RETRIES
    if result.changed:
        assert any(answer.may_have_cancelled for answer in transport.cancels)
        assert transport.cancels[-1].says_success or result.warnings


@FUZZ
@given(conversations, st.sampled_from([None, [INSTANCE], [INSTANCE, "second"]]))
def test_list(conversation: list[Scripted], instance_ids: list[str] | None) -> None:
    with converse(conversation) as (transport, http, auth):
        try:
            listing = list_resizes(Dcs(http, auth, "https://dcs.example.com", "0" * 32), instance_ids=instance_ids)
        except DcsError as error:
            check(transport, [{"error": error.as_result()}])
        else:
            check(transport, [{"error": error.as_result()} for _instance_id, error in listing.errors])
            check(transport, [task.as_result() for _instance_id, _instance, task in listing.resizes])


@FUZZ
@given(conversations)
def test_find_project(conversation: list[Scripted]) -> None:
    with converse(conversation) as (transport, http, auth):
        try:
            project_id = find_project(http, auth, "https://iam.example.com", "cn-north-4")
        except ConfigurationError as error:
            # The message lists the projects as received; AnsibleModule removes secrets from it.
            json.dumps(error.as_result()).encode()
        except DcsError as error:
            check(transport, [{"error": error.as_result()}])
        else:
            assert isinstance(project_id, str)
            assert project_id
