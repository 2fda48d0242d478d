# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which a request can fail, and what is known afterwards: that it was not sent, that it was refused, or nothing.

The server shows whether a cancel really took effect. Any version of urllib3 may be installed, even one that ignores what `_transport` overrides.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import gzip
import json
import socket
import ssl
import typing as t
import warnings
import zlib
from collections.abc import Callable, Iterator

import pytest
import trustme
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace, _transport
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, LostAnswerError, PermanentConnectionError, UnsentError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import list_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from loopback import Connection, dropping_port, head, serve, unused_port
from sample import INSTANCE, TASK
from waiting import wait_until

TOKEN = TokenAuth("TOKENexample0000000000000000")
PASSWORD = "PROXYsecret1"
SUCCESS = b'{"result": "success"}'
NOT_EXTENDING = b'{"error_code": "DCS.4239", "error_msg": "Not extending."}'

NOT_SENT = "not sent, and another attempt may help"
NEVER = "not sent, and no attempt can help"
LOST = "lost"


class Failure(t.NamedTuple):
    """One way to fail.

    :ivar where: `handshake`: as soon as the connection is there, before TLS; `proxy`: in place of a tunnel; `forward`: in place of what a proxy
        should fetch; `http`, `https`, `tunnel`: in place of the response to a request that came that way
    :ivar do: applies it to the first connection; the following ones are served normally
    :ivar known: NOT_SENT, NEVER, LOST, or the status of a refusal or a success
    """

    where: str
    do: Callable[[Connection], object]
    known: str | int


def raw(*pieces: bytes) -> Callable[[Connection], None]:
    """Send these bytes, and close."""
    return lambda connection: connection.send(*pieces)


def reset_after(*pieces: bytes) -> Callable[[Connection], None]:
    """Send these bytes, and reset the connection once they have arrived."""

    def do(connection: Connection) -> None:
        connection.send(*pieces)
        connection.wait_until_arrived()
        connection.reset()

    return do


def stall_after(*pieces: bytes) -> Callable[[Connection], None]:
    def do(connection: Connection) -> None:
        connection.send(*pieces)
        connection.stall()

    return do


def drip_after(start: bytes, rest: bytes = b"x") -> Callable[[Connection], None]:
    def do(connection: Connection) -> None:
        connection.send(start)
        connection.drip(rest, 0.02)

    return do


def whole(status: int, body: bytes = b"{}", *lines: bytes) -> bytes:
    """A response with these header lines in addition to its length, after which the server closes the connection."""
    start = head(status, {"Content-Length": str(len(body)), "Connection": "close"})[:-2]
    return start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def endless_informational(connection: Connection) -> None:
    while True:
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)


def handshake_then(after: Callable[[Connection], object]) -> Callable[[Connection], None]:
    """Do this after the client has begun its handshake."""

    def do(connection: Connection) -> None:
        connection.sock.recv(65536)
        after(connection)

    return do


def certificate(name: str) -> Callable[[Connection], None]:
    """Make the TLS handshake with the certificate of this name."""
    return lambda connection: connection.start_tls(contexts()[name])


def tunnel_then(after: Callable[[Connection], object]) -> Callable[[Connection], None]:
    """As a proxy, open the tunnel, and then do this to the connection through it."""

    def do(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        after(connection)

    return do


def connect_answer(status: int, body: bytes = b"no") -> Callable[[Connection], None]:
    """As a proxy, send this response to CONNECT."""

    def do(connection: Connection) -> None:
        connection.receive()
        connection.answer(body, status)

    return do


def connect_then(after: Callable[[Connection], object]) -> Callable[[Connection], None]:
    def do(connection: Connection) -> None:
        connection.receive()
        after(connection)

    return do


bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
BOMB = b"".join(bomb.compress(b" " * 2**20) for _number in range(40)) + bomb.flush()
CHARSET = b"Content-Type: application/json; charset"
MANY = [b"X-Header-%d: x" % number for number in range(120)]
LONG = b"X-Long: " + b"x" * 70_000
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


FAILURES = {
    # No connection
    "TLS handshake reset": Failure("handshake", handshake_then(Connection.reset), NOT_SENT),
    "TLS handshake closed": Failure("handshake", handshake_then(lambda _connection: None), NOT_SENT),
    "TLS handshake reset at once": Failure("handshake", Connection.reset, NOT_SENT),
    "TLS handshake stalled": Failure("handshake", Connection.stall, NOT_SENT),
    "plain HTTP on the TLS port": Failure("handshake", handshake_then(raw(whole(400, NOT_EXTENDING))), NEVER),
    "SSH on the TLS port": Failure("handshake", raw(b"SSH-2.0-OpenSSH_9.6\r\n"), NEVER),
    "certificate of another CA": Failure("handshake", certificate("other"), NEVER),
    "certificate of another host": Failure("handshake", certificate("host"), NEVER),
    "expired certificate": Failure("handshake", certificate("expired"), NEVER),
    "outdated TLS": Failure("handshake", certificate("outdated"), NEVER),
    # No tunnel
    **{f"CONNECT answered with {status}": Failure("proxy", connect_answer(status), NEVER) for status in (400, 401, 403, 404, 405)},
    **{f"CONNECT answered with {status}": Failure("proxy", connect_answer(status), NOT_SENT) for status in (302, 408, 429, 500, 502, 503, 504)},
    "CONNECT answered with 407": Failure("proxy", connect_answer(407), 407),
    "CONNECT answered with 407 and 120 headers": Failure("proxy", connect_then(raw(whole(407, b"no", *MANY))), 407),
    "CONNECT answered with 407 and reset": Failure("proxy", connect_then(reset_after(b"HTTP/1.1 407 No\r\nX-A")), 407),
    "CONNECT answered with 403 and reset": Failure("proxy", connect_then(reset_after(b"HTTP/1.1 403 No\r\nX-A")), NEVER),
    "CONNECT answered with 200 and reset": Failure("proxy", connect_then(reset_after(b"HTTP/1.1 200 OK\r\nX-A")), NOT_SENT),
    "CONNECT answered with garbage": Failure("proxy", connect_then(raw(b"220 smtp.example.com ESMTP\r\n")), NOT_SENT),
    "CONNECT answered with half a line": Failure("proxy", connect_then(raw(b"HTTP/1.1 2")), NOT_SENT),
    "CONNECT reset": Failure("proxy", connect_then(Connection.reset), NOT_SENT),
    "CONNECT reset at once": Failure("proxy", Connection.reset, NOT_SENT),
    "CONNECT closed": Failure("proxy", connect_then(lambda _connection: None), NOT_SENT),
    "CONNECT stalled": Failure("proxy", connect_then(Connection.stall), NOT_SENT),
    "CONNECT dripping": Failure("proxy", connect_then(drip_after(b"HTTP/1.1 200 ")), NOT_SENT),
    "TLS handshake reset in the tunnel": Failure("proxy", tunnel_then(handshake_then(Connection.reset)), NOT_SENT),
    "TLS handshake closed in the tunnel": Failure("proxy", tunnel_then(handshake_then(lambda _connection: None)), NOT_SENT),
    "certificate of another CA in the tunnel": Failure("proxy", tunnel_then(certificate("other")), NEVER),
    "TLS proxy with a certificate of another CA": Failure("TLS proxy", certificate("other"), NEVER),
    "TLS proxy with a certificate of another host": Failure("TLS proxy", certificate("host"), NEVER),
    "TLS proxy that resets": Failure("TLS proxy", handshake_then(Connection.reset), NOT_SENT),
    "TLS proxy that speaks plain HTTP": Failure("TLS proxy", handshake_then(raw(whole(400))), NEVER),
    # A forwarding proxy
    "forward proxy answers 407": Failure("forward", raw(whole(407)), 407),
    "forward proxy answers 403": Failure("forward", raw(whole(403)), 403),
    "forward proxy answers 502": Failure("forward", raw(whole(502)), LOST),
    "forward proxy resets after the request": Failure("forward", Connection.reset, LOST),
    "forward proxy closes after the request": Failure("forward", lambda _connection: None, LOST),
    "forward proxy stalls": Failure("forward", Connection.stall, LOST),
    # No status
    "reset before the status line": Failure("http", Connection.reset, LOST),
    "closed before the status line": Failure("http", lambda _connection: None, LOST),
    "stalled before the status line": Failure("http", Connection.stall, LOST),
    "reset in the status line": Failure("http", reset_after(b"HTTP/1.1 40"), LOST),
    "closed in the status line": Failure("http", raw(b"HTTP/1.1 "), LOST),
    "dripping status line": Failure("http", drip_after(b"HTTP/1.1 401 "), LOST),
    "HTTP/0.9 garbage": Failure("http", raw(b"<html>hello</html>"), LOST),
    "SSH for a response": Failure("http", raw(b"SSH-2.0-OpenSSH_9.6\r\n"), LOST),
    "HTTP/2 frames": Failure("http", raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80"), LOST),
    "HTTP/2 preface": Failure("http", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), LOST),
    "status line without a number": Failure("http", raw(b"HTTP/1.1 abc Status\r\n\r\n"), LOST),
    "status line too long": Failure("http", raw(b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n"), LOST),
    "endless informational responses": Failure("http", endless_informational, LOST),
    "informational response and nothing more": Failure("http", stall_after(PROCESSING), LOST),
    "protocol switched": Failure("http", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), LOST),
    # An incomplete success response
    "reset in the headers": Failure("http", reset_after(b"HTTP/1.1 200 OK\r\nContent-Le"), LOST),
    "closed in the headers": Failure("http", raw(b"HTTP/1.1 200 OK\r\nContent-Le"), LOST),
    "dripping headers": Failure("http", drip_after(b"HTTP/1.1 200 OK\r\nX-Slow: "), LOST),
    "120 headers": Failure("http", raw(whole(200, SUCCESS, *MANY)), LOST),
    "a header of 70 kB": Failure("http", raw(whole(200, SUCCESS, LONG)), LOST),
    "reset in the body": Failure("http", reset_after(whole(200, SUCCESS)[:-5]), LOST),
    "closed in the body": Failure("http", raw(whole(200, SUCCESS)[:-5]), LOST),
    "stalled in the body": Failure("http", stall_after(whole(200, SUCCESS)[:-5]), LOST),
    "dripping body": Failure("http", drip_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), LOST),
    "dripping body without a length": Failure("http", drip_after(b"HTTP/1.1 200 OK\r\n\r\n"), LOST),
    "dripping chunk": Failure("http", drip_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"), LOST),
    "no body": Failure("http", raw(whole(200, b"")), LOST),
    "204": Failure("http", raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), LOST),
    "whole JSON, but a longer length": Failure("http", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + SUCCESS), LOST),
    "conflicting lengths": Failure("http", raw(whole(200, SUCCESS, b"Content-Length: 1")), LOST),
    "conflicting lengths in one line": Failure("http", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 21, 22\r\n\r\n" + SUCCESS), LOST),
    "a length that is none": Failure("http", raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n" + SUCCESS), LOST),
    "a negative length": Failure("http", raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + SUCCESS), LOST),
    "half a chunk": Failure("http", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + SUCCESS), LOST),
    "a chunk without a size": Failure("http", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" + SUCCESS), LOST),
    "reset in a chunk": Failure("http", reset_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + SUCCESS), LOST),
    "gzip that is none": Failure("http", raw(whole(200, SUCCESS, b"Content-Encoding: gzip")), LOST),
    "half a gzip": Failure("http", raw(whole(200, gzip.compress(SUCCESS)[:-20], b"Content-Encoding: gzip")), LOST),
    "gzip that unpacks to too much": Failure("http", raw(whole(200, BOMB, b"Content-Encoding: gzip")), LOST),
    "too large": Failure("http", raw(whole(200, SUCCESS + b" " * 9 * 2**20)), LOST),
    "success in other words": Failure("http", raw(whole(200, b'{"result": "ok"}')), 200),
    "a list for a success": Failure("http", raw(whole(200, b"[]")), LOST),
    "HTTP/2 in the status line": Failure("http", raw(whole(200, SUCCESS).replace(b"HTTP/1.1", b"HTTP/2")), LOST),
    # A success response in an unusual form
    "success whose charset is empty": Failure("http", raw(whole(200, SUCCESS, CHARSET)), 200),
    "success after 100": Failure("http", raw(CONTINUE + whole(200, SUCCESS)), 200),
    "success after 102 and 103": Failure("http", raw(PROCESSING, HINTS, HINTS, whole(200, SUCCESS)), 200),
    "success in gzip": Failure("http", raw(whole(200, gzip.compress(SUCCESS), b"Content-Encoding: gzip")), 200),
    "success of HTTP/1.0": Failure("http", raw(b"HTTP/1.0 200 OK\r\n\r\n" + SUCCESS), 200),
    "success with a line that is no header": Failure("http", raw(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n" + SUCCESS), 200),
    # A status without a reliable meaning
    **{f"{status}": Failure("http", raw(whole(status, b'{"error_code": "X.1"}')), LOST) for status in (500, 502, 503, 504, 599)},
    "503 cut off": Failure("http", raw(whole(503)[:-1]), LOST),
    "400 cut off": Failure("http", raw(whole(400, NOT_EXTENDING)[:-5]), LOST),
    "400 reset in the body": Failure("http", reset_after(whole(400, NOT_EXTENDING)[:-5]), LOST),
    "400 reset in the headers": Failure("http", reset_after(b"HTTP/1.1 400 Bad\r\nContent-Le"), LOST),
    "400 in broken gzip": Failure("http", raw(whole(400, NOT_EXTENDING, b"Content-Encoding: gzip")), LOST),
    # Refusals whose status is clear
    **{f"{status}": Failure("http", raw(whole(status, b'{"error_code": "X.1"}')), status) for status in (302, 400, 401, 403, 404, 409, 429)},
    **{f"{status} in TLS": Failure("https", raw(whole(status)), status) for status in (400, 401)},
    **{f"{status} in a tunnel": Failure("tunnel", raw(whole(status)), status) for status in (400, 401)},
    **{f"{status} reset in the headers": Failure("http", reset_after(b"HTTP/1.1 %d No\r\nX-A: b\r\nConte" % status), status) for status in (302, 403, 404)},
    # Lost in TLS, and in a tunnel
    "reset after TLS": Failure("https", Connection.reset, LOST),
    "closed after TLS": Failure("https", lambda _connection: None, LOST),
    "stalled after TLS": Failure("https", Connection.stall, LOST),
    "reset in the body in TLS": Failure("https", reset_after(whole(200, SUCCESS)[:-5]), LOST),
    "reset in the tunnel after the request": Failure("tunnel", Connection.reset, LOST),
    "closed in the tunnel after the request": Failure("tunnel", lambda _connection: None, LOST),
    "stalled in the tunnel after the request": Failure("tunnel", Connection.stall, LOST),
}

#: HTTP 401 in unusual forms: what follows the status line is invalid, or something precedes it.
UNAUTHORIZED = {
    "plain": raw(whole(401)),
    "charset": raw(whole(401, b"{}", CHARSET)),
    "102 before": raw(PROCESSING + whole(401)),
    "103 before": raw(HINTS, HINTS, whole(401)),
    "100 before": raw(CONTINUE + whole(401)),
    "120 headers": raw(whole(401, b"{}", *MANY)),
    "a header of 70 kB": raw(whole(401, b"{}", LONG)),
    "reset in the headers": reset_after(b"HTTP/1.1 401 Unauthorized\r\nContent-Le"),
    "closed after the status line": raw(b"HTTP/1.1 401 Unauthorized\r\n"),
    "reset after the status line": reset_after(b"HTTP/1.1 401 Unauthorized\r\n"),
    "stalled after the status line": stall_after(b"HTTP/1.1 401 Unauthorized\r\n"),
    "dripping headers": drip_after(b"HTTP/1.1 401 Unauthorized\r\nX-Slow: "),
    "reset in the body": reset_after(whole(401)[:-1]),
    "closed in the body": raw(whole(401)[:-1]),
    "gzip that is none": raw(whole(401, b"{}", b"Content-Encoding: gzip")),
    "conflicting lengths": raw(whole(401, b"{}", b"Content-Length: 1")),
    "no length": raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: x\r\n\r\n"),
    "half a chunk": raw(b"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}"),
    "HTTP/2 in the status line": raw(b"HTTP/2 401 Unauthorized\r\n\r\n"),
    "too large": raw(whole(401, b" " * 9 * 2**20)),
    "DCS.4239": raw(whole(401, NOT_EXTENDING)),
}
PROXY_REFUSALS = {name: UNAUTHORIZED[name] for name in ("plain", "charset", "102 before", "120 headers", "reset in the headers")}


# ---- Servers


_contexts: dict[str, ssl.SSLContext] = {}
_authority = trustme.CA()


def contexts() -> dict[str, ssl.SSLContext]:
    """TLS contexts of servers, by what is wrong with the certificate; `good` is the valid one."""
    if not _contexts:
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
        shown = {
            "good": _authority.issue_cert("127.0.0.1", "localhost"),
            "other": trustme.CA().issue_cert("127.0.0.1"),
            "host": _authority.issue_cert("dcs.cn-north-4.myhuaweicloud.com", "127.0.0.2"),
            "expired": _authority.issue_cert("127.0.0.1", not_after=past),
            "outdated": _authority.issue_cert("127.0.0.1"),
        }
        for name, cert in shown.items():
            _contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            cert.configure_cert(_contexts[name])
        _contexts["outdated"].set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Since Python 3.10
            warnings.simplefilter("ignore", DeprecationWarning)
            _contexts["outdated"].minimum_version = _contexts["outdated"].maximum_version = ssl.TLSVersion.TLSv1_1
    return _contexts


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    _authority.cert_pem.write_to_path(file)
    return str(file)


class World:
    """An API with one pending resize, to which the first connection fails.

    :ivar cancelled: whether a cancel has taken effect
    :ivar calls: the methods of the requests that reached the API or its stand-in
    :ivar attempts: how many connections were opened
    """

    def __init__(self, failure: Failure) -> None:
        self._failure = failure
        self._left = [failure.do]
        self.url = ""
        self.environment: dict[str, str] = {}
        self.cancelled = False
        self.calls: list[str] = []
        self.connections = lambda: 0

    def serve_api(self, connection: Connection) -> None:
        while request := connection.receive():
            method = request.split(" ", 1)[0]
            self.calls.append(method)
            if self._failure.where in ("http", "https", "tunnel", "forward") and self._left:
                # A refusal has no effect; everything else may have one.
                self.cancelled = method == "POST" and self._failure.known in (LOST, 200)
                self._left.pop()(connection)
                return
            if method == "GET":
                task = {"id": TASK, "name": "EXTEND", "status": "CANCELLED" if self.cancelled else "WAITING"}
                connection.answer({"task_count": 1, "tasks": [task]})
            elif self.cancelled:
                connection.answer(NOT_EXTENDING, 400)
            else:
                self.cancelled = True
                connection.answer(SUCCESS)

    def first(self, otherwise: Callable[[Connection], object]) -> Callable[[Connection], None]:
        """Fail on the first connection, and serve the others."""

        def handle(connection: Connection) -> None:
            behaviour = self._left.pop() if self._left else otherwise
            behaviour(connection)

        return handle

    @contextlib.contextmanager
    def open(self) -> Iterator[World]:
        where = self._failure.where

        def serve_tls(connection: Connection) -> None:
            connection.start_tls(contexts()["good"])
            self.serve_api(connection)

        def proxy(connection: Connection) -> None:
            request = connection.receive()
            assert request
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            connection.tunnel(int(request.split()[1].rpartition(":")[2]))

        def tls_proxy(connection: Connection) -> None:
            connection.start_tls(contexts()["good"])
            proxy(connection)

        api = {"http": self.serve_api, "forward": self.serve_api, "handshake": self.first(serve_tls)}.get(where, serve_tls)
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(serve(api))
            self.url = f"{'http' if where in ('http', 'forward') else 'https'}://127.0.0.1:{server.port}"
            self.connections = lambda: server.connections
            if where in ("proxy", "TLS proxy", "tunnel"):
                behaviour = {"proxy": self.first(proxy), "TLS proxy": self.first(tls_proxy), "tunnel": proxy}[where]
                before = stack.enter_context(serve(behaviour))
                scheme = "https" if where == "TLS proxy" else "http"
                self.environment = {"https_proxy": f"{scheme}://user:{PASSWORD}@127.0.0.1:{before.port}"}
                self.connections = lambda: before.connections
            elif where == "forward":
                self.environment = {"http_proxy": f"http://user:{PASSWORD}@127.0.0.1:{server.port}"}
                self.url = "http://dcs.example.com"
            yield self


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.0)
    monkeypatch.setattr(_transport, "RESPONSE_TIMEOUT_FACTOR", 1)


def timeout_of(name: str) -> float:
    """The timeout, which is short if the client has to wait for it."""
    return 1.0 if any(word in name for word in ("stalled", "stalls", "dripping", "endless", "nothing more")) else 20.0


def post(url: str, ca_path: str, **options: t.Any) -> tuple[t.Any, int]:
    """Send one POST. Return the result and the HTTP status."""
    with contextlib.closing(_http.Http(**{"max_retries": 0, "ca_path": ca_path, **options})) as http, http.call() as call:
        try:
            return None, http.post(f"{url}/v2/cancel", auth=TOKEN, retries=call.retries).http_status
        except DcsError as error:
            return error, error.http_status or 0


def known_of(error: DcsError | None, status: int) -> str | int:
    if isinstance(error, PermanentConnectionError):
        return NEVER
    if isinstance(error, UnsentError):
        return NOT_SENT
    return LOST if isinstance(error, LostAnswerError) else status


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_known(name: str, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = FAILURES[name]
    connects = failure.where not in ("handshake", "proxy", "TLS proxy")
    with World(failure).open() as world:
        for variable, value in world.environment.items():
            monkeypatch.setenv(variable, value)
        if connects:
            # However long that takes, it is not what is waited for in vain.
            send = _transport._Adapter.send
            monkeypatch.setattr(_transport._Adapter, "send", lambda *arguments, timeout, **more: send(*arguments, timeout=(20, timeout), **more))
        error, status = post(world.url, ca_file, timeout=timeout_of(name))
        if connects:
            wait_until(lambda: world.calls)
        calls = list(world.calls)
    assert known_of(error, status) == failure.known, error
    assert calls == ["POST"] * connects
    if error:
        assert PASSWORD not in error.message
        assert " object at 0x" not in error.message


def test_a_host_that_drops_packets(ca_file: str) -> None:
    with dropping_port() as port:
        error, _status = post(f"http://127.0.0.1:{port}", ca_file, timeout=0.3)
    assert known_of(error, 0) == NOT_SENT
    assert error.message == f"No connection to 127.0.0.1:{port}: timed out. (POST /v2/cancel)"


def test_a_port_on_which_nobody_listens(ca_file: str) -> None:
    port = unused_port()
    error, _status = post(f"http://127.0.0.1:{port}", ca_file)
    assert known_of(error, 0) == NOT_SENT
    assert error.message == f"No connection to 127.0.0.1:{port}: Connection refused. (POST /v2/cancel)"


def test_a_response_that_is_cut_off_is_told_in_words(ca_file: str) -> None:
    def answer(connection: Connection) -> None:
        connection.receive()
        connection.send(whole(200, SUCCESS)[:-5])

    with serve(answer) as server:
        error, _status = post(server.url, ca_file)
    assert error.message == "HTTP 200, but the response is incomplete: the connection was closed too early. (POST /v2/cancel)"


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_a_host_that_is_not_found(ca_file: str, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise socket.gaierror(number, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    error, _status = post("http://dcs.example.com", ca_file)
    assert known_of(error, 0) == NOT_SENT
    assert error.message == (
        "No connection to dcs.example.com: Name or service not known. Check region and endpoint, or the name resolution of this host. (POST /v2/cancel)"
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named_and_not_the_host_behind_it(ca_file: str, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    port = unused_port()
    monkeypatch.setenv(f"{scheme}_proxy", f"http://user:{PASSWORD}@127.0.0.1:{port}")
    error, _status = post(f"{scheme}://dcs.example.com", ca_file)
    assert known_of(error, 0) == NOT_SENT
    assert error.message == f"No connection to the proxy 127.0.0.1:{port} (from {scheme}_proxy): Connection refused. (POST /v2/cancel)"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_drops_packets(ca_file: str, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with dropping_port() as port:
        monkeypatch.setenv(f"{scheme}_proxy", f"{scheme}://127.0.0.1:{port}")
        error, _status = post("http://dcs.example.com" if scheme == "http" else "https://dcs.example.com", ca_file, timeout=0.3)
    assert known_of(error, 0) == NOT_SENT
    assert error.message == f"No connection to the proxy 127.0.0.1:{port} (from {scheme}_proxy): timed out. (POST /v2/cancel)"


@pytest.mark.parametrize("farewell", [Connection.reset, lambda _connection: None], ids=["reset", "close"])
def test_a_kept_connection_that_breaks_under_the_next_request_loses_it(ca_file: str, farewell: Callable[[Connection], None]) -> None:
    """Whether the service received the second request can't be known."""

    def handle(connection: Connection) -> None:
        connection.receive()
        connection.answer(SUCCESS)
        connection.receive()
        farewell(connection)

    with serve(handle) as server, contextlib.closing(_http.Http(max_retries=3, ca_path=ca_file)) as http, http.call() as call:
        http.post(server.url, auth=TOKEN, retries=call.retries)
        with pytest.raises(LostAnswerError):
            http.post(server.url, auth=TOKEN, retries=call.retries)
    assert (server.connections, len(server.requests)) == (1, 2)


# ---- Never a wrong result, however the installed urllib3 uses what is overridden


def no_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_transport._Connection, "connect")


def no_response(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain(_transport.http.client.HTTPResponse):
        on_status: t.Any

    monkeypatch.setattr(_transport, "_Response", Plain)


def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport._Adapter, "_watch", lambda _self, _manager: None)


def all_hooks(_monkeypatch: pytest.MonkeyPatch) -> None:
    pass


@pytest.fixture(scope="module")
def _small_garbage() -> Iterator[None]:
    """Let the garbage collector examine only what is made from here on, which takes it a hundredth of the time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_small_garbage")
@pytest.mark.parametrize("without", [all_hooks, no_connect, no_response, nothing], ids=lambda function: function.__name__)
@pytest.mark.parametrize("name", [name for name, failure in FAILURES.items() if timeout_of(name) > 1])
def test_what_changed_is_told_truly(name: str, without: Callable[[pytest.MonkeyPatch], None], ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At worst, it costs one more read."""
    failure = FAILURES[name]
    without(monkeypatch)
    with World(failure).open() as world, contextlib.closing(_http.Http(timeout=20, max_retries=1, ca_path=ca_file)) as http:
        for variable, value in world.environment.items():
            monkeypatch.setenv(variable, value)
        dcs = Dcs(http, TOKEN, world.url, "0" * 32)
        (result,) = cancel_resizes(lambda: dcs, [Request(INSTANCE, TASK)], Plan())
    if without is not all_hooks:
        # Without them, the closing of some sockets is left to the garbage collector.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    assert result.changed == world.cancelled, result
    assert world.calls.count("POST") <= 2
    assert len(world.calls) <= 3
    if failure.known in (LOST, 200):
        assert result.outcome == "cancelled"
    if without is all_hooks and failure.known in (NOT_SENT, NEVER):
        assert world.calls == (["POST"] if failure.known == NOT_SENT else [])


# ---- Stop


def unauthorized(behaviour: Callable[[Connection], object], seen: list[str]) -> Callable[[Connection], None]:
    def handle(connection: Connection) -> None:
        seen.append(str(connection.receive()))
        behaviour(connection)

    return handle


@pytest.mark.parametrize("disguise", UNAUTHORIZED)
@pytest.mark.parametrize("what", ["cancel", "find and cancel", "list"])
@pytest.mark.usefixtures("hurried")
def test_a_refused_key_is_sent_once(disguise: str, what: str, ca_file: str) -> None:
    ids = [f"instance-{number}" for number in range(12)]
    seen: list[str] = []
    with serve(unauthorized(UNAUTHORIZED[disguise], seen)) as server:
        outcomes, errors = run(server.url, ids, what, ca_file)
    assert len(seen) == 1
    assert [error.http_status for error in errors if error.code != "Stopped"] == [401]
    assert [error.code for error in errors].count("Stopped") == 11
    if outcomes:
        assert sorted(outcomes) == ["failed"] + ["not_attempted"] * 11


@pytest.mark.parametrize("disguise", PROXY_REFUSALS)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("what", ["cancel", "list"])
def test_a_refused_proxy_password_is_sent_once(disguise: str, scheme: str, what: str, ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"instance-{number}" for number in range(12)]
    seen: list[str] = []

    def refuse(connection: Connection) -> None:
        class Refusing(Connection):
            def send(self, *pieces: bytes) -> None:
                super().send(*(piece.replace(b" 401 ", b" 407 ") for piece in pieces))

        connection.__class__ = Refusing
        UNAUTHORIZED[disguise](connection)

    with serve(unauthorized(refuse, seen)) as server:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://user:{PASSWORD}@127.0.0.1:{server.port}")
        outcomes, errors = run(f"{scheme}://dcs.example.com", ids, what, ca_file)
    assert len(seen) == 1
    (refused,) = [error for error in errors if error.code != "Stopped"]
    assert refused.http_status == 407, refused
    assert "proxy" in refused.message
    assert PASSWORD not in json.dumps([error.as_result() for error in errors])
    if outcomes:
        assert sorted(outcomes) == ["failed"] + ["not_attempted"] * 11


def run(url: str, ids: list[str], what: str, ca_path: str) -> tuple[list[str], list[DcsError]]:
    """Run what both modules do for many instances. Return the outcomes, and the errors."""
    with contextlib.closing(_http.Http(timeout=20, max_retries=2, concurrency=8, ca_path=ca_path)) as http:
        dcs = Dcs(http, TOKEN, url, "0" * 32)
        if what == "list":
            return [], [error for _instance_id, error in list_resizes(dcs, instance_ids=ids).errors]
        results = cancel_resizes(lambda: dcs, [Request(each, None if what == "find and cancel" else TASK) for each in ids], Plan())
        return [result.outcome for result in results], [result.error for result in results if result.error]
