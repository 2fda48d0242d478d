# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies, as the usual environment variables name them: a real one, and some that misbehave."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import find_credentials
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, LostAnswerError, RefusedError, UnsentError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from loopback import answering, serve, unused_port
from waiting import wait_until

TOKEN = TokenAuth("TOKENexample0000000000000000")
PASSWORD = "PROXYsecret@1"
IN_A_URL = "user:PROXYsecret%401"


@pytest.fixture(scope="module")
def tls():
    """An authority's file, and the context of a server that it has certified."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as file:
        yield file, context


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A proxy that wants a password: its host and port, and the log of what went through it."""
    folder = tmp_path_factory.mktemp("proxy")
    port_file, log = folder / "port", folder / "log"
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file", str(port_file), "--log-file", str(log)]
    command += ["--num-acceptors", "1", "--num-workers", "1", "--basic-auth", f"user:{PASSWORD}"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)})
    try:
        wait_until(lambda: port_file.exists() and port_file.read_text().strip())
        yield f"127.0.0.1:{port_file.read_text().strip()}", log
    finally:
        process.terminate()
        process.wait(10)


def request(url, method="get", **options):
    with contextlib.closing(_http.Http(**{"timeout": 5, "max_retries": 0, **options})) as http:
        more = {"attempts": http.attempts()} if method == "post" else {}
        return getattr(http, method)(f"{url}/v2/x", auth=TOKEN, **more).data


# ---- A real proxy


@pytest.mark.parametrize("method", ["get", "post"])
def test_http_goes_through_the_proxy(proxy, monkeypatch, method):
    address, log = proxy
    monkeypatch.setenv("http_proxy", f"http://{IN_A_URL}@{address}")
    with serve(answering(({"ok": True}, 200, {}))) as server:
        assert request(server.url, method) == {"ok": True}
    assert "via: 1.1 proxy.py" in server.requests[0].lower()
    assert "proxy-authorization" not in server.requests[0].lower()
    assert f"Host: 127.0.0.1:{server.port}" in server.requests[0]
    wait_until(lambda: f"{method.upper()} 127.0.0.1:{server.port}/v2/x" in log.read_text())


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_https_goes_through_a_tunnel_of_the_proxy(proxy, tls, monkeypatch, variable):
    address, log = proxy
    ca_file, context = tls
    monkeypatch.setenv(variable, f"http://{IN_A_URL}@{address}")
    with serve(answering(({"ok": True}, 200, {})), context) as server:
        assert request(server.url, ca_path=ca_file) == {"ok": True}
    assert "proxy-authorization" not in server.requests[0].lower()
    wait_until(lambda: f"CONNECT 127.0.0.1:{server.port}" in log.read_text())


def test_a_certificate_is_verified_behind_the_proxy_too(proxy, tls, monkeypatch):
    address, _log = proxy
    monkeypatch.setenv("https_proxy", f"http://{IN_A_URL}@{address}")
    with serve(answering(({"ok": True}, 200, {})), tls[1]) as server, pytest.raises(UnsentError) as caught:
        request(server.url)
    assert caught.value.code == "TlsError"
    assert not server.requests


def test_the_proxy_wants_another_password(proxy, tls, monkeypatch):
    """For https nothing reached the API; for http the proxy's answer stands for the API's. Neither shows a password."""
    address, _log = proxy
    ca_file, context = tls
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, f"http://user:WRONGpassword@{address}")
    with serve(answering(({}, 200, {})), context) as server, pytest.raises(UnsentError) as tunnel:
        request(server.url, ca_path=ca_file)
    with serve(answering(({}, 200, {}))) as plain, pytest.raises(RefusedError) as forwarded:
        request(plain.url)
    assert "407" in tunnel.value.message
    assert forwarded.value.http_status == 407
    assert not server.requests + plain.requests
    for error in (tunnel.value, forwarded.value):
        assert "WRONGpassword" not in error.message


# ---- When it is used, and when not


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "127.0.0.0/8", "example.com, 127.0.0.1", "*"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_no_proxy_is_honoured(tls, monkeypatch, no_proxy, encrypted):
    ca_file, context = tls
    dead = f"http://127.0.0.1:{unused_port()}"
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, dead)
    monkeypatch.setenv("no_proxy", no_proxy)
    with serve(answering(({"ok": True}, 200, {})), context if encrypted else None) as server:
        assert request(server.url, ca_path=ca_file) == {"ok": True}


def test_no_proxy_for_others_is_no_exception(monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("no_proxy", "example.com")
    with serve(answering(({}, 200, {}))) as server, pytest.raises(UnsentError, match=r"proxy|refused"):
        request(server.url)
    assert server.connections == 0


def test_metadata_is_never_asked_through_a_proxy(monkeypatch):
    """Another host would answer with its own keys."""
    for variable in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port()}")
    keys = {"credential": {"access": "AK-example", "secret": "SK-example", "securitytoken": "STS-example", "expires_at": "2099-01-01T00:00:00.000000Z"}}
    with serve(answering((b"token", 200, {}), (keys, 200, {}))) as metadata:
        found = find_credentials({"metadata_endpoint": metadata.url}, {})
    assert (found.access_key, found.secret_key, found.security_token) == ("AK-example", "SK-example", "STS-example")


# ---- Proxies that misbehave


@pytest.mark.parametrize(
    "misbehave",
    [
        pytest.param(lambda connection: connection.answer(b"no", 502), id="502"),
        pytest.param(lambda connection: connection.answer(b"no", 403), id="403"),
        pytest.param(lambda connection: connection.reset(), id="reset"),
        pytest.param(lambda connection: None, id="close"),
        pytest.param(lambda connection: connection.stall(), id="stall"),
        pytest.param(lambda connection: connection.drip(b"HTTP/1.1 200 OK x", 0.05), id="drip"),
        pytest.param(lambda connection: connection.send(b"220 smtp.example.com ESMTP\r\n"), id="not http"),
    ],
)
def test_a_tunnel_that_is_not_made_sends_nothing_and_is_tried_again(tls, monkeypatch, misbehave):
    monkeypatch.setattr(_pace, "FIRST_DELAY", 0.0)

    def handle(connection):
        connection.receive()
        misbehave(connection)

    with serve(handle) as proxy, serve(answering(({}, 200, {})), tls[1]) as server:
        monkeypatch.setenv("https_proxy", f"http://{IN_A_URL}@127.0.0.1:{proxy.port}")
        with pytest.raises(UnsentError) as caught:
            request(server.url, "post", max_retries=1, timeout=0.4, ca_path=tls[0])
    assert caught.value.code == "ConnectionFailed"
    assert all(line.startswith("CONNECT ") for line in proxy.requests)
    assert proxy.connections == 2
    assert server.connections == 0
    assert PASSWORD not in caught.value.message


def test_a_tunnel_that_breaks_under_the_request_loses_it(tls, monkeypatch):
    """Encrypted bytes have left by then; whether the API has them can't be known."""

    def handle(connection):
        connection.receive()
        port = server.port
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pump, args=(upstream, connection.sock), daemon=True).start()
            pump(connection.sock, upstream)

    def hang_up(connection):
        connection.receive()
        connection.reset()

    with serve(hang_up, tls[1]) as server, serve(handle) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(LostAnswerError):
            request(server.url, "post", max_retries=3, ca_path=tls[0])
    assert len(server.requests) == 1


def pump(source, target):
    """Pass bytes on until one side ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://user:PROXYsecret#x@127.0.0.1:1", id="unquoted number sign"),
        pytest.param("http://user:PROXYsecret/x@127.0.0.1:1", id="unquoted slash"),
        pytest.param("http://user:PROXYsecret@127.0.0.1:port", id="no number"),
        pytest.param("gopher://user:PROXYsecret@127.0.0.1:1", id="unknown scheme"),
        pytest.param("http://", id="no host"),
    ],
)
def test_an_address_that_makes_no_sense_is_an_error_without_the_password_and_not_tried_again(monkeypatch, address):
    slept = []
    monkeypatch.setattr(_pace.Pace, "sleep", lambda self, seconds: slept.append(seconds))
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(UnsentError) as caught:
        request("https://dcs.example.com", max_retries=3)
    assert "PROXYsecret" not in caught.value.message
    assert not slept


def test_a_dead_proxy_is_named_without_its_password(monkeypatch):
    port = unused_port()
    monkeypatch.setenv("https_proxy", f"http://{IN_A_URL}@127.0.0.1:{port}")
    with pytest.raises(DcsError) as caught:
        request("https://dcs.example.com")
    assert isinstance(caught.value, UnsentError)
    assert "PROXYsecret" not in caught.value.message
