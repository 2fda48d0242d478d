# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies that are set by the usual environment variables."""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
import sys

import pytest
import trustme
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import find_credentials
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import AuthenticationError, ConfigurationError, UnsentError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from loopback import answering, serve, unused_port
from waiting import wait_until

TOKEN = TokenAuth("TOKENexample0000000000000000")
PASSWORD = "PROXYsecret@1"
IN_A_URL = "user:PROXYsecret%401"


@pytest.fixture(scope="module")
def tls():
    """The certificate file of a CA, and the TLS context of a server with a certificate from this CA."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as file:
        yield file, context


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A proxy that requires a password: its host and port, and the log of its requests."""
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
    with contextlib.closing(_http.Http(**{"timeout": 20, "max_retries": 0, **options})) as http, http.call() as call:
        more = {} if method == "post" else {"read": lambda response: response}
        return getattr(http, method)(f"{url}/v2/x", auth=TOKEN, retries=call.retries, **more).data


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
    """This has the same effect as rejected keys, and no message shows the password."""
    address, _log = proxy
    ca_file, context = tls
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, f"http://user:WRONGpassword@{address}")
    with serve(answering(({}, 200, {})), context) as server, pytest.raises(AuthenticationError) as tunnel:
        request(server.url, ca_path=ca_file)
    with serve(answering(({}, 200, {}))) as plain, pytest.raises(AuthenticationError) as forwarded:
        request(plain.url)
    assert not server.requests + plain.requests
    for error in (tunnel.value, forwarded.value):
        assert error.http_status == 407
        assert error.code == "ProxyAuthentication"
        assert "WRONGpassword" not in error.message


# ---- When a proxy is used


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
    """Another host would respond with its own keys."""
    for variable in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{unused_port()}")
    keys = {"credential": {"access": "AK-example", "secret": "SK-example", "securitytoken": "STS-example", "expires_at": "2099-01-01T00:00:00.000000Z"}}
    with serve(answering((b"token", 200, {}), (keys, 200, {}))) as metadata:
        found = find_credentials({"metadata_endpoint": metadata.url}, {})
    assert (found.access_key, found.secret_key, found.security_token) == ("AK-example", "SK-example", "STS-example")


# ---- The values of the variables


DEAD = "127.0.0.1:9"


@pytest.mark.parametrize(
    "value",
    ["http://{0}", " http://{0}\n", "{0}", "\t{0} ", "//{0}", "HTTP://{0}", "http://user:p%40@{0}", "user:p%40@{0}", "http://user@{0}", "http://user:@{0}"],
)
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_what_names_a_proxy(monkeypatch, value, variable):
    """Surrounding white space is removed, and the default scheme is http."""
    port = unused_port()
    monkeypatch.setenv(variable, value.format(f"127.0.0.1:{port}"))
    with pytest.raises(UnsentError) as caught:
        request("http://dcs.example.com")
    assert caught.value.message == f"No connection to the proxy 127.0.0.1:{port} (from {variable}): Connection refused. (GET /v2/x)"


@pytest.mark.parametrize("blank", ["", " ", "\n"])
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "no_proxy"])
def test_a_blank_variable_is_not_set(monkeypatch, blank, variable):
    monkeypatch.setenv(variable, blank)
    with serve(answering(({"ok": True}, 200, {}))) as server:
        assert request(server.url) == {"ok": True}


def test_a_blank_variable_leaves_all_proxy(monkeypatch):
    port = unused_port()
    monkeypatch.setenv("http_proxy", " ")
    monkeypatch.setenv("all_proxy", f"127.0.0.1:{port}")
    with pytest.raises(UnsentError, match=rf"the proxy 127\.0\.0\.1:{port} \(from all_proxy\)"):
        request("http://dcs.example.com")


@pytest.mark.parametrize(
    "password", ["PROXY@secret#1", "PROXY@secret/1", "PROXY@secret?1", "PROXY@secret", "PROXY#secret", "PROXY/secret", "PROXY?secret", "#", "@"]
)
@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_raw_character_in_the_user_part_is_refused_by_the_variables_name(monkeypatch, password, scheme, variable):
    monkeypatch.setenv(variable, f"{scheme}someone:{password}@{DEAD}")
    with pytest.raises(ConfigurationError) as caught:
        request("https://dcs.example.com", max_retries=3)
    assert caught.value.message.startswith(f"The proxy in {variable} has one of the characters @ # / ? in its user name or password. Percent-encode it")
    for part in ("someone", "PROXY@", "PROXY#", "PROXY/", "PROXY?", "secret", DEAD):
        assert part not in caught.value.message


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("http://user:PROXYsecret@", id="no host after the password"),
        pytest.param("user:PROXYsecret@", id="no host and no scheme"),
        pytest.param("http://user:PROXYsecret@:3128", id="a port alone"),
        pytest.param("http://user:PROXYsecret@127.0.0.1:port", id="no number"),
        pytest.param("http://user:PROXYsecret@127.0.0.1:99999", id="no port"),
        pytest.param("http://user:PROXYsecret@127.0.0.1:0", id="port 0"),
        pytest.param("http://user:PROXYsecret@[::1", id="half an IPv6 address"),
        pytest.param("http://user:PROXYsecret@a b", id="white space within"),
        pytest.param("gopher://user:PROXYsecret@127.0.0.1:1", id="unknown scheme"),
        pytest.param("http://", id="no host"),
        pytest.param("://PROXYsecret", id="no scheme before the colon"),
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
def test_an_address_that_makes_no_sense_is_refused_by_the_variables_name(monkeypatch, address, variable):
    monkeypatch.setenv(variable, address)
    with pytest.raises(ConfigurationError) as caught:
        request("https://dcs.example.com", max_retries=3)
    assert caught.value.reason == f"Invalid URL in {variable}"
    assert not caught.value.hint


def test_socks_without_its_library_is_refused_by_the_variables_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("https_proxy", f"socks5://user:PROXYsecret@{DEAD}")
    with pytest.raises(ConfigurationError) as caught:
        request("https://dcs.example.com", max_retries=3)
    assert caught.value.message.startswith("The proxy in https_proxy can't be used")
    assert "PROXYsecret" not in caught.value.message


def test_a_proxy_of_the_system_is_named_as_such(monkeypatch):
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://user:PROXYsecret@127.0.0.1:port"})
    with pytest.raises(ConfigurationError) as caught:
        request("https://dcs.example.com")
    assert caught.value.reason == "Invalid URL in the system's proxy settings"


def test_the_proxy_of_an_origin_is_read_once(monkeypatch):
    """A run uses the proxy with which it has begun until its end."""
    with serve(answering(({"ok": True}, 200, {}))) as server, contextlib.closing(_http.Http(timeout=20)) as http:
        for _number in range(2):
            assert http.get(server.url, auth=TOKEN, read=lambda response: response.data) == {"ok": True}
            monkeypatch.setenv("http_proxy", f"http://{DEAD}")
