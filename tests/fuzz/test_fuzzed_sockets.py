# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arbitrary bytes as responses, over real sockets."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, Result, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import Transport
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Connection, serve

REQUEST = Request("5560df16-cebf-4473-95c4-d1b573c16e79", "8abf6e1e72c12e7c0172c15b508500aa")
SUCCESS = b'{"result": "success"}'
LISTED = json.dumps({"task_count": 1, "tasks": [{"id": REQUEST.task_id, "name": "EXTEND", "status": "CANCELLED"}]}).encode()


class Server:
    """Responds to requests with the given bytes, one after another; the last ones are repeated forever.

    :ivar methods: of the requests received
    """

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Iterable[bytes]] = []
        self.methods: list[str] = []

    def cancel(self, *answers: Iterable[bytes]) -> Result:
        """Cancel with a server that sends these responses, and return the result."""
        self.answers, self.methods = list(answers), []
        http = Http(timeout=20, max_retries=1)
        dcs = Dcs(http, TokenAuth("TOKEN"), self.url, "0" * 32)
        try:
            (result,) = cancel_resizes(lambda: dcs, [REQUEST], Plan())
        finally:
            http.close()
        return result

    def handle(self, connection: Connection) -> None:
        """Answer on one connection."""
        while request := connection.receive():
            self.methods.append(request.split()[0])
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for piece in answer:
                connection.send(piece)
            if not getattr(answer, "keep_alive", False):
                return


class KeepAlive(list[bytes]):
    """A response after which the connection stays open."""

    keep_alive = True


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that sends the given bytes."""
    running = Server()
    with serve(running.handle) as listening:
        running.url = listening.url
        yield running


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.0)
    monkeypatch.setattr(_http, "MAX_RETRY_AFTER", 0.0)
    monkeypatch.setattr(_pace.Rate, "throttled", lambda self, now: None)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancel waits in vain, and not for long. The look-up that follows is answered, however late."""
    send = Transport.send
    monkeypatch.setattr(Transport, "send", lambda self, request, timeout: send(self, request, 2 if request.method == "POST" else timeout))


pieces = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.0 400 Bad", b"HTTP/9.9 777 ?", b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\n"),
        *(b"\r\n", b"\r\n\r\n", b"\n\n", b": ", b"\x00", b" folded", b"X" * 70000, SUCCESS, LISTED, b"\x1f\x8b\x08"),
        *(b"Content-Length: 21", b"Content-Length: -1", b"Content-Length: 9999999999999999999", b"Content-Length: 1, 2", b"Connection: close"),
        *(b"Transfer-Encoding: chunked", b"15\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n"),
        *(b"Content-Encoding: gzip", b"Content-Encoding: deflate, gzip", b"Content-Type: application/json; charset=\xe9"),
        *(b"Set-Cookie: \x00=\xff; max-age=x", b"Location: \xff\xfe", b"Retry-After: \xb2"),
    ]
) | st.binary(max_size=12)
garbage = st.lists(pieces, max_size=10).map(b"".join)
framed = st.builds(
    lambda status, lines, body: b"HTTP/1.1 %d X\r\n" % status + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body,
    st.sampled_from([200, 204, 206, 302, 304, 400, 403, 404, 429, 500, 503]),
    st.lists(pieces.filter(lambda piece: b"\n" not in piece), max_size=4),
    pieces,
)


# urllib3 does not close a response whose Content-Length is invalid.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=max(100, settings().max_examples // 10), suppress_health_check=list(HealthCheck))
@given(st.lists(garbage | framed, min_size=1, max_size=4))
def test_any_bytes(server: Server, answers: list[bytes]) -> None:
    result = server.cancel(*([answer] for answer in answers))
    json.dumps(result.as_result())
    assert result.error is None or result.error.code != "InternalError", result.error
    assert server.methods.count("POST") <= 2
    assert result.changed == (result.outcome == "cancelled")
    if result.changed:
        assert SUCCESS in b"".join(answers) or result.warnings


@pytest.mark.usefixtures("impatient")
def test_interim_answers_are_none(server: Server) -> None:
    """A response that follows an interim one is not taken for the response to the next request."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
    result = server.cancel(KeepAlive([hints]), KeepAlive([whole % (len(LISTED), LISTED)]))
    assert (result.outcome, server.methods) == ("cancelled", ["POST", "GET"])
    assert result.warnings


def test_more_than_was_announced_is_not_the_next_answer(server: Server) -> None:
    """Further bytes on the connection do not belong to any response."""
    refusal = b'{"error_code": "DCS.4239"}'
    first = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (len(refusal), refusal)
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"tasks\": []}"
    result = server.cancel(KeepAlive([first + forged]), [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTED), LISTED)])
    assert (result.outcome, server.methods) == ("absent", ["POST", "GET"])
    assert result.task


@pytest.mark.parametrize(
    "endless",
    [
        itertools.chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"], itertools.repeat(b"x" * 2**16, 4096)),
        itertools.chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"10000\r\n" + b"x" * 2**16 + b"\r\n", 4096)),
        itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 2**16, 4096)),
        itertools.chain([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"], itertools.repeat(b"X: " + b"x" * 2**16 + b"\r\n", 4096)),
        itertools.chain(itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000, 4096)),
    ],
    ids=["chunk-size", "chunks", "body", "trailers", "interim answers"],
)
@pytest.mark.usefixtures("impatient")
def test_what_does_not_end_is_not_kept(server: Server, endless: Iterable[bytes]) -> None:
    """A quarter of a gigabyte is sent, but only a few megabytes are read."""
    tracemalloc.start()
    try:
        result = server.cancel(endless, [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LISTED), LISTED)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.outcome, server.methods) == ("cancelled", ["POST", "GET"])
    assert peak < 40 * 2**20
