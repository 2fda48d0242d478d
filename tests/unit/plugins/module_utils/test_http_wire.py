# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real connections to servers that behave badly: what was sent, what came back, and how long and how large it may be."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import gzip
import re
import ssl
import threading
import time
import tracemalloc
import zlib

import pytest
import trustme
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
    """Opens sessions, without delays before retries, and closes them."""
    sessions = []

    def open_http(**options):
        sessions.append(_http.Http(**{"timeout": 2, "max_retries": 0, **options}))
        return sessions[-1]

    yield open_http
    for session in sessions:
        session.close()


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr(_pace, "FIRST_DELAY", 0.0)


def post(http, url):
    return http.post(f"{url}/v2/cancel", auth=TOKEN, attempts=http.attempts())


@pytest.fixture(scope="module")
def tls():
    """An authority, and the context of a server that it has certified."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return authority, context


# ---- Sent, or not


def test_a_refused_connection_sends_nothing(opened):
    port = unused_port()
    with pytest.raises(UnsentError) as caught:
        post(opened(), f"http://127.0.0.1:{port}")
    assert caught.value.code == "ConnectionFailed"
    # Without the connection's own representation before the words.
    words = r"Failed to establish a new connection: \[Errno \d+\] Connection refused"
    assert re.fullmatch(rf"POST /v2/cancel: no connection to 127\.0\.0\.1:{port}: {words}", caught.value.message)
    assert caught.value.http_status is None


def test_an_unknown_host_is_sent_nothing(opened):
    with pytest.raises(UnsentError, match=r"no connection to dcs\.nowhere\.invalid"):
        post(opened(), "http://dcs.nowhere.invalid")


@pytest.mark.parametrize("farewell", ["reset", "close"])
def test_a_connection_that_ends_in_the_tls_handshake_was_sent_nothing_and_is_repeated(opened, farewell):
    """A busy load balancer does so; only a certificate that is not trusted is in vain to try again."""

    def hang_up(connection):
        connection.sock.recv(65536)
        if farewell == "reset":
            connection.reset()

    with serve(hang_up) as server:
        http = opened(max_retries=1)
        with pytest.raises(UnsentError) as caught:
            post(http, f"https://127.0.0.1:{server.port}")
    assert caught.value.code == "ConnectionFailed"
    assert server.connections == 2


def test_a_silent_tls_handshake_was_sent_nothing(opened):
    with serve(lambda connection: connection.stall()) as server, pytest.raises(UnsentError):
        post(opened(timeout=0.2), f"https://127.0.0.1:{server.port}")


def test_plain_http_where_tls_is_expected_is_not_repeated(opened):
    with serve(lambda connection: connection.answer({}, 400)) as server, pytest.raises(UnsentError) as caught:
        post(opened(max_retries=3), f"https://127.0.0.1:{server.port}")
    assert caught.value.code == "TlsError"
    assert server.connections == 1


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda connection: connection.reset(), id="reset"),
        pytest.param(lambda connection: None, id="close"),
        pytest.param(lambda connection: connection.stall(), id="stall"),
        pytest.param(lambda connection: connection.send(b"SSH-2.0-OpenSSH_9.6\r\n"), id="not http"),
        pytest.param(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Le"), id="half a header"),
        pytest.param(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200), id="too many headers"),
        pytest.param(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000), id="too long a header"),
    ],
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_request_whose_answer_is_lost_was_sent_and_is_not_repeated(opened, tls, tmp_path, end, encrypted):
    authority, context = tls
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def handle(connection):
        connection.receive()
        end(connection)

    with serve(handle, context if encrypted else None) as server, pytest.raises(LostAnswerError) as caught:
        post(opened(timeout=0.3, max_retries=3, ca_path=str(tmp_path / "ca.pem")), server.url)
    # What ends within the header still counts as a header.
    assert caught.value.code in ("NoAnswer", "UnexpectedAnswer")
    assert len(server.requests) == 1


def test_a_kept_connection_that_breaks_under_the_next_request_loses_it(opened):
    """Whether the service saw the second request can't be known."""

    def handle(connection):
        connection.receive()
        connection.answer(SUCCESS)
        connection.receive()
        connection.reset()

    with serve(handle) as server:
        http = opened()
        assert post(http, server.url).data == SUCCESS
        with pytest.raises(LostAnswerError):
            post(http, server.url)
    assert server.connections == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(opened):
    def handle(connection):
        connection.receive()
        connection.answer(SUCCESS)

    with serve(handle) as server:
        http = opened()
        post(http, server.url)
        time.sleep(0.1)
        assert post(http, server.url).data == SUCCESS
    assert server.connections == 2


def test_a_connection_is_kept_for_the_next_request(opened):
    with serve(answering((SUCCESS, 200, {}))) as server:
        http = opened()
        for _number in range(3):
            post(http, server.url)
    assert (server.connections, len(server.requests)) == (1, 3)


# ---- Bounds


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n", id="chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="body without a length"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="continue"),
    ],
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_an_answer_that_trickles_in_is_given_up(opened, tls, tmp_path, start, encrypted):
    authority, context = tls
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def handle(connection):
        connection.receive()
        connection.send(start)
        connection.drip(b"x", 0.05)

    # A handshake takes its time.
    timeout = 1 if encrypted else 0.3
    with serve(handle, context if encrypted else None) as server, pytest.raises(LostAnswerError) as caught:
        post(opened(timeout=timeout, ca_path=str(tmp_path / "ca.pem")), server.url)
    assert caught.value.code == "NoAnswer"


def test_the_next_request_on_the_connection_has_all_the_time_again(opened):
    """The deadline of one answer shortens the timeout of the socket, which the next request must not inherit."""

    def handle(connection):
        connection.receive()
        body = b'{"a": "' + b"x" * 10 + b'"}'
        connection.send(head(200, {"Content-Length": str(len(body))}))
        for byte in body:
            connection.send(bytes([byte]))
            time.sleep(0.06)
        connection.receive()
        time.sleep(0.35)
        connection.answer(SUCCESS)

    with serve(handle) as server:
        http = opened(timeout=0.5)
        post(http, server.url)
        assert post(http, server.url).data == SUCCESS
    assert server.connections == 1


def test_a_huge_answer_is_given_up_early(opened):
    sent = []

    def handle(connection):
        connection.receive()
        connection.send(head(200, {"Content-Length": str(50 * 2**20)}))
        for _number in range(50):
            connection.send(b"x" * 2**20)
            sent.append(1)

    tracemalloc.start()
    with serve(handle) as server, pytest.raises(LostAnswerError, match="larger than 4194304 bytes"):
        post(opened(), server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sent) < 30
    assert peak < 24 * 2**20


def test_a_compressed_answer_is_understood_although_it_was_not_asked_for(opened):
    body = gzip.compress(b'{"result": "success"}')
    with serve(answering((body, 200, {"Content-Encoding": "gzip"}))) as server:
        assert post(opened(), server.url).data == SUCCESS
    assert "accept-encoding: identity" in server.requests[0].lower()


def test_a_small_answer_that_unpacks_to_a_huge_one_is_given_up_early(opened):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * 2**20) for _number in range(200)) + packer.flush()
    assert len(body) < 2**18
    tracemalloc.start()
    with serve(answering((body, 200, {"Content-Encoding": "gzip"}))) as server, pytest.raises(LostAnswerError, match="larger than 4194304 bytes"):
        post(opened(), server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20


def test_a_body_that_only_claims_to_be_compressed_is_lost(opened):
    with serve(answering((SUCCESS, 200, {"Content-Encoding": "gzip"}))) as server, pytest.raises(LostAnswerError):
        post(opened(), server.url)


# ---- Half an answer


def cut(status, headers=None, body=b'{"result": "succe'):
    """A server that announces more than it sends."""

    def handle(connection):
        connection.receive()
        connection.send(head(status, {"Content-Length": "1000", **(headers or {})}) + body)

    return handle


@pytest.mark.parametrize("status", [200, 500, 503])
def test_half_an_answer_is_a_lost_one(opened, status):
    with serve(cut(status)) as server, pytest.raises(LostAnswerError) as caught:
        post(opened(max_retries=3), server.url)
    assert caught.value.http_status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [SUCCESS, {"error_code": "DCS.4239", "error_msg": "Not extending."}])
def test_a_body_that_is_whole_json_but_shorter_than_announced_is_a_lost_answer(opened, body):
    with serve(answering((body, 200, {"Content-Length": "1000"}))) as server, pytest.raises(LostAnswerError, match="no whole answer"):
        post(opened(timeout=0.3), server.url)


def test_half_a_chunk_is_a_lost_answer(opened):
    def handle(connection):
        connection.receive()
        connection.send(head(200, {"Transfer-Encoding": "chunked"}) + b'ff\r\n{"result": "success"}')

    with serve(handle) as server, pytest.raises(LostAnswerError):
        post(opened(), server.url)


@pytest.mark.parametrize(
    ("status", "kind"), [(302, RefusedError), (400, RefusedError), (401, AuthenticationError), (403, ForbiddenError), (404, NotFoundError)]
)
def test_a_refusal_whose_text_is_cut_off_is_still_a_refusal(opened, status, kind):
    with serve(cut(status, {"X-Request-Id": "request-1"}, b"")) as server, pytest.raises(kind) as caught:
        opened(max_retries=3).get(server.url, auth=TOKEN)
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
        opened(max_retries=3).get(server.url, auth=TOKEN)
    assert pauses == [7.0]


# ---- The envelope


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
        pytest.param(b"<html><head><title>Bad</title></head><body>Bad \n <b>gateway</b></body></html>", None, "Bad Bad gateway", id="HTML"),
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
    assert error.message.startswith("POST /v2/cancel: ")
    # The words alone, unless there are none.
    assert error.message.endswith(f": {words}") if words in ("Not now.", "实例正忙") else words in error.message
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
    """A POST only where it certainly had no effect; a GET unless it was refused; each time signed afresh."""
    moments = iter(range(1_700_000_000, 1_700_001_000, 7))
    auth = SdkHmacSha256("AKEXAMPLE", "SKEXAMPLE", now=lambda: next(moments))
    for call, requests in (("post", post_requests), ("get", get_requests)):
        http = opened(max_retries=2)
        more = {"attempts": http.attempts()} if call == "post" else {}
        with serve(answering(({"error_code": "X.1"}, status, {}))) as server, pytest.raises(kind) as caught:
            getattr(http, call)(server.url, auth=auth, **more)
        assert caught.type is kind
        assert len(server.requests) == requests
        signatures = {line for request in server.requests for line in request.splitlines() if line.lower().startswith("authorization:")}
        assert len(signatures) == requests


def test_no_connection_is_repeated_for_a_post_too(opened):
    with serve(lambda connection: connection.reset()) as server:
        pass
    http = opened(max_retries=3)
    attempts = http.attempts()
    with pytest.raises(UnsentError):
        http.post(server.url, auth=TOKEN, attempts=attempts)
    assert not attempts.left


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
            opened(max_retries=3).get(server.url, auth=TOKEN)
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


def test_cookies_and_netrc_are_not_used(opened, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serve(answering((SUCCESS, 200, {"Set-Cookie": "session=1"}))) as server:
        http = opened()
        post(http, server.url)
        post(http, server.url)
    for request in server.requests:
        assert "cookie" not in request.lower()
        assert "authorization" not in request.lower()


def test_headers_that_are_sent(opened):
    with serve(answering((SUCCESS, 200, {}))) as server:
        http = opened(user_agent="huaweicloud.dcs test")
        http.get(f"{server.url}/v2/x", {"name": "a b&c", "offset": 0}, auth=TOKEN, headers={"Content-Type": "application/json"})
    line, *headers = server.requests[0].strip().split("\r\n")
    assert line == "GET /v2/x?name=a+b%26c&offset=0 HTTP/1.1"
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
    """Threads that wait for their turn, and those that wait before a retry, are stopped by a 401."""
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
            http.get(server.url, auth=TOKEN)
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
        http.get(server.url, auth=TOKEN)
    assert len(server.requests) == 3
