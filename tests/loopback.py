# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loopback servers that control a connection byte by byte."""

from __future__ import annotations

import contextlib
import fcntl
import json
import selectors
import socket
import ssl
import struct
import termios
import threading
import time
import typing as t
from collections.abc import Callable, Iterator, Mapping

from waiting import wait_until


class Connection:
    """One connection that a client has opened."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self.sock = sock

    def receive(self) -> str | None:
        """The next request's line and headers; None if the client has closed the connection."""
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            if not byte:
                return None
            received += byte
        request = received.decode("latin-1")
        self._server.requests.append(request)
        return request

    def send(self, *pieces: bytes) -> None:
        """Send these bytes."""
        for piece in pieces:
            self.sock.sendall(piece)

    def wait_until_arrived(self) -> None:
        """Wait until the client's side has acknowledged all that was sent, and the end if that was sent: the system may hold back a small second packet."""
        wait_until(lambda: fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)) == bytes(4))

    def answer(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Send a complete response; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send(head(status, {"Content-Length": str(len(content)), **(headers or {})}) + content)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send one byte at a time with a pause after each, repeatedly, until the client closes the connection."""
        while True:
            for byte in data:
                self.send(bytes([byte]))
                time.sleep(seconds)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Make the TLS handshake."""
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def tunnel(self, port: int) -> None:
        """Forward bytes to this port and back, until one side closes its connection."""
        with socket.create_connection(("127.0.0.1", port)) as upstream, selectors.DefaultSelector() as selector:
            # In one thread, because TLS must not be read and written at the same time.
            others = {self.sock: upstream, upstream: self.sock}
            for side in others:
                selector.register(side, selectors.EVENT_READ)
            while True:
                decrypted = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
                for side in [self.sock] if decrypted else [t.cast(socket.socket, key.fileobj) for key, _events in selector.select(60)]:
                    data = side.recv(65536)
                    if not data:
                        return
                    others[side].sendall(data)

    def reset(self) -> None:
        """Reset the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def stall(self) -> None:
        """Send nothing until the client gives up."""
        with contextlib.suppress(OSError):
            self.sock.settimeout(60)
            self.sock.recv(1)


class Server:
    """What a server has received.

    :ivar requests: line and headers of each request
    :ivar connections: how many were opened
    """

    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.requests: list[str] = []
        self.connections = 0


@contextlib.contextmanager
def serve(handle: Callable[[Connection], None], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Listen on a free port. Each connection is passed to the handler in a thread of its own, and closed afterwards.

    :param tls: the connection is passed on after the handshake
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], "https" if tls else "http")
    threads: list[threading.Thread] = []

    def run(sock: socket.socket) -> None:
        # The server does not care if the client has gone.
        with contextlib.suppress(OSError):
            sock.settimeout(60)
            if tls:
                sock = tls.wrap_socket(sock, server_side=True)
            connection = Connection(server, sock)
            try:
                handle(connection)
            finally:
                connection.sock.close()
        sock.close()

    def accept() -> None:
        while True:
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            server.connections += 1
            threads.append(threading.Thread(target=run, args=(sock,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        # Closing the socket alone does not wake the thread that waits for a connection.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()


def answering(*answers: tuple[object, int, Mapping[str, str]]) -> Callable[[Connection], None]:
    """A server that sends these responses (body, status, headers) in turn, over any number of connections; the last one is repeated forever."""
    left = list(answers)

    def handle(connection: Connection) -> None:
        while connection.receive():
            body, status, headers = left.pop(0) if len(left) > 1 else left[0]
            connection.answer(body, status, headers)

    return handle


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers of a response."""
    return "".join([f"HTTP/1.1 {status} Status\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items()), "\r\n"]).encode("latin-1")


@contextlib.contextmanager
def dropping_port() -> Iterator[int]:
    """A port that does not even accept connections, like a firewall that drops packets: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = int(listener.getsockname()[1])
        for _number in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        yield port


_bound: list[socket.socket] = []


def unused_port() -> int:
    """A port on which nothing listens, nor will while the tests run: it stays bound, as another process might be given it otherwise."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    _bound.append(sock)
    return int(sock.getsockname()[1])
