# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results and errors from responses: codes and messages, what is retried and when, what is masked and made safe."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import threading
import time

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    AuthenticationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotFoundError,
    RefusedError,
    StoppedError,
    ThrottledError,
    UnsentError,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import SdkHmacSha256, TokenAuth
from loopback import answering, head, serve, unused_port

TOKEN = TokenAuth("TOKENexample0000000000000000")
SUCCESS = {"result": "success"}


@pytest.fixture
def opened():
    """Opens sessions without delays before retries, and closes them at the end."""
    sessions = []

    def open_http(**options):
        sessions.append(_http.Http(**{"timeout": 20, "max_retries": 0, **options}))
        return sessions[-1]

    yield open_http
    for session in sessions:
        session.close()


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.0)


def post(http, url):
    with http.call() as call:
        return http.post(f"{url}/v2/cancel", auth=TOKEN, retries=call.retries)


def get(http, url, query=None, **more):
    return http.get(f"{url}/v2/x", query, auth=TOKEN, read=lambda response: response, **more)


# ---- Incomplete responses


def cut(status, headers=None, body=b'{"result": "succe'):
    """A server that announces more than it sends."""

    def handle(connection):
        connection.receive()
        connection.send(head(status, {"Content-Length": "1000", **(headers or {})}) + body)

    return handle


@pytest.mark.parametrize("status", [200, 400, 409, 500, 503])
def test_half_an_answer_is_a_lost_one(opened, status):
    with serve(cut(status)) as server, pytest.raises(LostAnswerError) as caught:
        post(opened(max_retries=3), server.url)
    assert caught.value.http_status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [SUCCESS, {"error_code": "DCS.4239", "error_msg": "Not extending."}])
@pytest.mark.usefixtures("hurried")
def test_a_body_that_is_whole_json_but_shorter_than_announced_is_a_lost_answer(opened, body):
    with serve(answering((body, 200, {"Content-Length": "1000"}))) as server, pytest.raises(LostAnswerError, match="the response is incomplete"):
        post(opened(), server.url)


@pytest.mark.parametrize(
    ("status", "kind"), [(302, RefusedError), (401, AuthenticationError), (403, ForbiddenError), (404, NotFoundError)]
)
def test_a_refusal_whose_text_is_cut_off_is_still_a_refusal(opened, status, kind):
    with serve(cut(status, {"X-Request-Id": "request-1"}, b"")) as server, pytest.raises(kind) as caught:
        get(opened(max_retries=3), server.url)
    assert (caught.value.http_status, caught.value.request_id) == (status, "request-1")
    assert len(server.requests) == 1


def test_a_throttled_request_whose_text_is_cut_off_is_repeated(opened):
    with serve(cut(429, {"Retry-After": "0"})) as server, pytest.raises(ThrottledError):
        post(opened(max_retries=2), server.url)
    assert len(server.requests) == 3


def test_retry_after_of_a_lost_read_is_obeyed(opened, monkeypatch):
    pauses = []
    monkeypatch.setattr(_pace.Pace, "sleep", lambda self, seconds: pauses.append(seconds))
    with serve(answering(({}, 503, {"Retry-After": "7"}), ({}, 200, {}))) as server:
        get(opened(max_retries=3), server.url)
    assert pauses == [7.0]


# ---- Success, refusal or failure


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        pytest.param({"error_code": "DCS.4049", "error_msg": "Not now.", "error_ext_msg": None}, "DCS.4049", "Not now.", id="v2"),
        pytest.param({"error_code": "111400061", "error_msg": "Not now."}, "111400061", "Not now.", id="numeric"),
        pytest.param({"error_code": 111400061, "error_msg": "Not now."}, "111400061", "Not now.", id="integer"),
        pytest.param({"error": {"code": "DCS.4049", "message": "Not now."}}, "DCS.4049", "Not now.", id="v1"),
        pytest.param({"code": "DCS.4049", "message": "Not now."}, "DCS.4049", "Not now.", id="flat v1"),
        pytest.param({"error_msg": "实例正忙", "error_code": "DCS.4113"}, "DCS.4113", "实例正忙", id="Chinese"),
        pytest.param({"error_code": "DCS.4049"}, "DCS.4049", "DCS.4049", id="no words"),
        pytest.param({"error_msg": "Not now."}, None, "Not now.", id="no code"),
        pytest.param({"error_code": None, "error_msg": None, "error": "text"}, None, "error", id="null"),
        pytest.param({"error_code": True, "error_msg": ["x"]}, None, "error_code", id="wrong types"),
        pytest.param([], None, "[]", id="list"),
        pytest.param(b"<html><head><title>Bad</title></head><body>Bad \n <b>gateway</b></body></html>", None, "Bad gateway", id="HTML"),
        pytest.param(b"<HTML><HEAD><TITLE>Bad gateway</TITLE></HEAD></HTML>", None, "Bad gateway", id="HTML with no body"),
        pytest.param(b"", None, "(empty)", id="empty"),
        pytest.param(b"\xff\xfe\x00broken", None, "broken", id="bytes"),
        pytest.param(b"[" * 100_000, None, "[[[", id="deep"),
        pytest.param(b'{"error_code": 1' + b"0" * 10_000 + b"}", None, "error_code", id="a number too long for Python"),
    ],
)
def test_what_an_error_says(opened, body, code, words):
    with serve(answering((body, 400, {"X-Request-Id": "request-1"}))) as server, pytest.raises(RefusedError) as caught:
        post(opened(max_retries=3), server.url)
    error = caught.value
    assert (error.code, error.http_status, error.request_id) == (code, 400, "request-1")
    assert error.message.endswith(" (POST /v2/cancel)")
    # Only the message, unless there is none.
    if words in ("Not now.", "实例正忙"):
        assert error.reason == f"HTTP 400{f' {code}' if code else ''}: {words}"
    assert words in error.reason
    assert len(error.message) < 400
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "post_requests", "get_requests"),
    [
        (400, RefusedError, 1, 1),
        (401, AuthenticationError, 1, 1),
        (403, ForbiddenError, 1, 1),
        (404, NotFoundError, 1, 1),
        (405, RefusedError, 1, 1),
        (409, RefusedError, 1, 1),
        (429, ThrottledError, 3, 3),
        (500, LostAnswerError, 1, 3),
        (502, LostAnswerError, 1, 3),
        (503, LostAnswerError, 1, 3),
        (504, LostAnswerError, 1, 3),
        (599, LostAnswerError, 1, 3),
    ],
)
def test_what_is_repeated(opened, status, kind, post_requests, get_requests):
    """A POST is only repeated if it certainly had no effect, a GET unless it was refused. Each attempt has a new signature."""
    moments = iter(range(1_700_000_000, 1_700_001_000, 7))
    auth = SdkHmacSha256("AKEXAMPLE", "SKEXAMPLE", now=lambda: next(moments))
    for call, requests in (("post", post_requests), ("get", get_requests)):
        http = opened(max_retries=2)
        more = {"read": lambda response: response} if call == "get" else {}
        with serve(answering(({"error_code": "X.1"}, status, {}))) as server, http.call() as budget, pytest.raises(kind) as caught:
            getattr(http, call)(server.url, auth=auth, retries=budget.retries, **more)
        assert caught.type is kind
        assert len(server.requests) == requests
        signatures = {line for request in server.requests for line in request.splitlines() if line.lower().startswith("authorization:")}
        assert len(signatures) == requests


def test_no_connection_is_repeated_for_a_post_too(opened):
    port = unused_port()
    http = opened(max_retries=3)
    with http.call() as call:
        with pytest.raises(UnsentError):
            http.post(f"http://127.0.0.1:{port}", auth=TOKEN, retries=call.retries)
        assert not call.retries.left


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"success"', b"success", b"<html></html>", b"\xff", b"[" * 100_000, b'{"result": "succ'], ids=lambda body: repr(body[:12])
)
def test_a_success_that_is_no_json_object_is_a_lost_answer(opened, body):
    with serve(answering((body, 200, {}))) as server, pytest.raises(LostAnswerError) as caught:
        post(opened(), server.url)
    assert caught.value.code == "UnexpectedAnswer"
    assert caught.value.http_status == 200


def test_the_request_id_of_the_body_serves_where_the_header_is_missing(opened):
    with serve(answering(({"request_id": "body-1"}, 200, {}), ({"request_id": "body-2"}, 200, {"X-Request-Id": "header-2"}), ({}, 200, {}))) as server:
        http = opened()
        assert [post(http, server.url).request_id for _number in range(3)] == ["body-1", "header-2", None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nothing_is_sent_there(opened, status):
    with serve(answering((SUCCESS, 200, {}))) as target:
        location = f"http://user:password@127.0.0.1:{target.port}/elsewhere"
        with serve(answering((b"", status, {"Location": location}))) as server, pytest.raises(RefusedError) as caught:
            get(opened(max_retries=3), server.url)
        assert target.connections == 0
    assert caught.value.code == "Redirect"
    assert f"127.0.0.1:{target.port}/elsewhere" in caught.value.message
    assert "password" not in caught.value.message
    assert len(server.requests) == 1


def test_secrets_are_masked_in_the_words_of_the_service(opened):
    secrets = ("AKEXAMPLE0000000000", "STSTOKEN/with+odd=chars")
    words = f"verify aksk signature fail, ak:{secrets[0]}, sts: {secrets[1]}, signature {'0a' * 32}"
    with serve(answering(({"error_code": "APIGW.0301", "error_msg": words}, 400, {}), (words.encode(), 400, {}))) as server:
        http = opened(secrets=secrets)
        for _form in ("JSON", "text"):
            with pytest.raises(RefusedError) as caught:
                post(http, server.url)
            assert "verify aksk signature fail, ak:***, sts: ***, signature ***" in caught.value.message


def test_headers_that_are_sent(opened):
    with serve(answering((SUCCESS, 200, {}))) as server:
        http = opened(user_agent="huaweicloud.dcs test")
        get(http, server.url, {"name": "a b&c*~", "offset": 0}, headers={"Content-Type": "application/json"})
    line, *headers = server.requests[0].strip().split("\r\n")
    assert line == "GET /v2/x?name=a%20b%26c%2A~&offset=0 HTTP/1.1"
    assert {header.partition(":")[0].lower() for header in headers} == {"host", "accept", "accept-encoding", "user-agent", "content-type", "x-auth-token"}
    assert "User-Agent: huaweicloud.dcs test" in headers


# ---- Retry-After


def date_in(seconds, form="%a, %d %b %Y %H:%M:%S GMT"):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime(form)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        pytest.param("0", 0, 0, id="zero"),
        pytest.param("2", 2, 2, id="seconds"),
        pytest.param("1.5", 1.5, 1.5, id="fraction"),
        pytest.param("-3", 0, 0, id="negative"),
        pytest.param("315360000", 60, 60, id="ten years"),
        pytest.param("inf", 60, 60, id="infinite"),
        pytest.param(lambda: date_in(20), 15, 20, id="date"),
        pytest.param(lambda: date_in(20, "%a %b %d %H:%M:%S %Y"), 15, 20, id="date as C writes it"),
        pytest.param(lambda: date_in(20, "%A, %d-%b-%y %H:%M:%S GMT"), 15, 20, id="date of RFC 850"),
        pytest.param(lambda: email.utils.formatdate(time.time() + 20), 15, 20, id="date with -0000"),
        pytest.param(lambda: date_in(-20), 0, 0, id="past date"),
        pytest.param(lambda: date_in(315360000), 60, 60, id="date in ten years"),
    ],
)
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Shanghai"])
def test_retry_after_is_understood(monkeypatch, value, least, most, timezone):
    monkeypatch.setenv("TZ", timezone)
    time.tzset()
    try:
        seconds = _http._retry_after(value() if callable(value) else value)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seconds is not None
    assert least <= seconds <= most


@pytest.mark.parametrize("value", [None, "", "soon", "nan", "Thu, 99 Foo 2026 99:99:99 GMT", "1e999999x", "1, 2"])
def test_a_retry_after_that_makes_no_sense_is_none(value):
    assert _http._retry_after(value) is None


def test_retry_after_is_obeyed(opened):
    with serve(answering(({}, 429, {"Retry-After": "0.3"}), (SUCCESS, 200, {}))) as server:
        began = time.monotonic()
        assert post(opened(max_retries=1), server.url).data == SUCCESS
    assert time.monotonic() - began >= 0.3


# ---- One at a time, and stop


def test_requests_go_one_at_a_time_until_one_is_let_in_and_a_401_stops_them(opened):
    """A 401 stops threads that wait for their turn or for a retry."""
    in_flight, most = [], []
    answers = iter([(503, {}), (429, {"Retry-After": "0"}), (401, {})])
    lock = threading.Lock()

    def handle(connection):
        while connection.receive():
            with lock:
                in_flight.append(1)
                most.append(len(in_flight))
                status, headers = next(answers)
            time.sleep(0.05)
            with lock:
                in_flight.pop()
            connection.answer({}, status, headers)

    ends = []

    def run(http):
        try:
            get(http, server.url)
        except DcsError as error:
            ends.append(type(error))

    with serve(handle) as server:
        http = opened(max_retries=5)
        threads = [threading.Thread(target=run, args=(http,)) for _number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(most) == 1
    assert len(server.requests) == 3
    assert sorted(ends, key=str) == [AuthenticationError] + [StoppedError] * 7
    with pytest.raises(StoppedError):
        http.sleep(60)
    with contextlib.suppress(StoppedError):
        get(http, server.url)
    assert len(server.requests) == 3
