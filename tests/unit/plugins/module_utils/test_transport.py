# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to real servers: their number, limits of time and size, and when the status is known."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from types import SimpleNamespace

import pytest
import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _transport
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import NoReplyError, Transport
from loopback import answering, head, serve

SUCCESS = b'{"result": "success"}'


@pytest.fixture
def opened():
    """Opens transports, and closes them at the end."""
    transports = []

    def open_transport(**options):
        transports.append(Transport(**options))
        return transports[-1]

    yield open_transport
    for transport in transports:
        transport.close()


def send(transport, url, method="POST", timeout=20):
    request = requests.PreparedRequest()
    request.prepare(method=method, url=f"{url}/v2/cancel", headers={"Accept-Encoding": "identity"})
    return transport.send(request, timeout)


# ---- Connections


def test_a_connection_is_kept_for_the_next_request(opened):
    with serve(answering((SUCCESS, 200, {}))) as server:
        transport = opened()
        for _number in range(3):
            assert send(transport, server.url).body == SUCCESS
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(opened):
    closed = threading.Event()

    def handle(connection):
        connection.receive()
        connection.answer(SUCCESS)
        connection.sock.shutdown(socket.SHUT_WR)
        connection.wait_until_arrived()
        closed.set()

    with serve(handle) as server:
        transport = opened()
        send(transport, server.url)
        assert closed.wait(60)
        assert send(transport, server.url).body == SUCCESS
    assert server.connections == 2


@pytest.mark.parametrize("pieces", [1, 2])
def test_what_comes_after_a_response_is_not_the_next_one(opened, pieces):
    whole, forged = head(200, {"Content-Length": "5"}) + b"hello", head(200, {"Content-Length": "6"}) + b"forged"
    arrived = threading.Semaphore(0)

    def handle(connection):
        while connection.receive():
            connection.send(*([whole + forged] if pieces == 1 else [whole, forged]))
            connection.wait_until_arrived()
            arrived.release()

    with serve(handle) as server:
        transport = opened()
        for _number in range(3):
            assert send(transport, server.url).body == b"hello"
            assert arrived.acquire(timeout=60)


def test_as_many_connections_are_kept_as_there_may_be_requests_at_once(opened):
    arrived = threading.Barrier(4, timeout=60)

    def handle(connection):
        while connection.receive():
            arrived.wait()
            connection.answer(SUCCESS)

    with serve(handle) as server:
        transport = opened(concurrency=4)
        for _round in range(3):
            threads = [threading.Thread(target=send, args=(transport, server.url)) for _number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert (server.connections, len(server.requests)) == (4, 12)


def test_a_kept_connection_is_not_held_up_by_the_deadline_of_the_last_response(opened, monkeypatch):
    """The deadline of one response shortens the timeout of the socket, which the next request must not inherit."""
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr(_transport, "time", clock)
    known, sent = threading.Event(), threading.Event()

    def handle(connection):
        connection.receive()
        connection.send(head(200, {"Content-Length": "4"}))
        assert known.wait(60)
        connection.send(b"slow")
        connection.wait_until_arrived()
        sent.set()
        connection.receive()
        time.sleep(0.3)
        connection.answer(SUCCESS)

    def on_status(_status):
        if not known.is_set():
            known.set()
            assert sent.wait(60)
            # A tenth of a second is left for what is there already.
            clock.now += _transport.RESPONSE_TIMEOUT_FACTOR * 20 - 0.1

    with serve(handle) as server:
        transport = opened(on_status=on_status)
        assert send(transport, server.url).body == b"slow"
        assert send(transport, server.url).body == SUCCESS
    assert server.connections == 1


def test_cookies_and_netrc_are_not_used(opened, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serve(answering((SUCCESS, 200, {"Set-Cookie": "session=1"}))) as server:
        transport = opened()
        send(transport, server.url)
        send(transport, server.url)
    for request in server.requests:
        assert "cookie" not in request.lower()
        assert "authorization" not in request.lower()


# ---- Limits


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n", id="chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ", id="trailer"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", id="body without a length"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="continue"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: ", id="hints"),
    ],
)
def test_a_response_that_trickles_in_is_given_up(opened, start, monkeypatch, hurried):
    """Each byte arrives in time, so only the deadline ends it."""

    def handle(connection):
        connection.receive()
        connection.send(start)
        connection.drip(b"x", 0.02)

    with serve(handle) as server:
        if b" 200 " in start:
            reply = send(opened(), server.url)
            assert reply.status == 200
            assert reply.problem in ("the response did not end within 60 seconds", "timed out")
        else:
            monkeypatch.setattr(_transport, "RESPONSE_TIMEOUT_FACTOR", 0.1)
            with pytest.raises(NoReplyError) as caught:
                send(opened(), server.url, timeout=5)
            assert str(caught.value) in ("the response did not end within 0.5 seconds", "timed out")


def test_a_huge_response_is_given_up_early(opened):
    sent = []

    def handle(connection):
        connection.receive()
        connection.send(head(200, {"Content-Length": str(50 * 2**20)}))
        for _number in range(50):
            connection.send(b"x" * 2**20)
            sent.append(1)

    tracemalloc.start()
    with serve(handle) as server:
        reply = send(opened(), server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reply.problem == f"the response is larger than {_transport.MAX_RESPONSE_BYTES} bytes"
    assert reply.body == b""
    assert len(sent) < 40
    assert peak < 32 * 2**20


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
def test_a_compressed_response_is_understood_although_it_was_not_asked_for(opened, encoding):
    body = gzip.compress(SUCCESS) if encoding.lower() == "gzip" else zlib.compress(SUCCESS)
    with serve(answering((body, 200, {"Content-Encoding": encoding}))) as server:
        assert send(opened(), server.url).body == SUCCESS


def test_a_small_response_that_unpacks_to_a_huge_one_is_given_up_early(opened):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * 2**20) for _number in range(200)) + packer.flush()
    assert len(body) < 2**18
    tracemalloc.start()
    with serve(answering((body, 200, {"Content-Encoding": "gzip"}))) as server:
        reply = send(opened(), server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reply.problem == f"the response is larger than {_transport.MAX_RESPONSE_BYTES} bytes"
    assert peak < 48 * 2**20


def test_the_largest_response_that_is_accepted(opened):
    body = b"x" * _transport.MAX_RESPONSE_BYTES
    with serve(answering((body, 200, {}))) as server:
        reply = send(opened(), server.url)
    assert (len(reply.body), reply.problem) == (len(body), None)


# ---- The status


def test_a_status_is_told_as_soon_as_its_line_has_been_read(opened):
    """By then, nothing of the rest has been sent."""
    told = threading.Event()
    statuses = []

    def handle(connection):
        connection.receive()
        connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 401 Unauthorized\r\n")
        assert told.wait(60)
        connection.send(b"Content-Length: 2\r\n\r\n{}")

    def on_status(status):
        statuses.append(status)
        told.set()

    with serve(handle) as server:
        reply = send(opened(on_status=on_status), server.url)
    assert (statuses, reply.status, reply.body) == ([401], 401, b"{}")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["connect", "status"])
def test_an_interruption_is_passed_on(opened, monkeypatch, interruption, where):
    """It is not a lost response: nothing must follow it."""

    def interrupt(*_arguments, **_more):
        raise interruption

    if where == "connect":
        monkeypatch.setattr("socket.getaddrinfo", interrupt)
    with serve(answering((SUCCESS, 200, {}))) as server, pytest.raises(interruption):
        send(opened(on_status=interrupt if where == "status" else lambda _status: None), server.url)


def test_the_connections_to_an_origin_are_made_once(opened):
    transport = opened()
    plain = transport._route("http://dcs.example.com/v2")
    encrypted = transport._route("https://dcs.example.com/v2")
    assert plain[0] is not encrypted[0]
    assert transport._route("https://dcs.example.com/v2/other")[0] is encrypted[0]
    assert transport._route("https://dcs.example.com:8443/v2")[0] is not encrypted[0]
