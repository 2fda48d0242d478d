# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates are trusted, with real servers."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import warnings

import pytest
import trustme
import urllib3.connection
import urllib3.util.ssl_
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError, PermanentConnectionError, UnsentError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from loopback import answering, serve

TOKEN = TokenAuth("TOKENexample0000000000000000")
# That of urllib3, which nobody would see.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA(organization_name="huaweicloud.dcs", organization_unit_name="tests")


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return file


@pytest.fixture(scope="module")
def ca_folder(ca_file, tmp_path_factory):
    """A folder as created by `openssl rehash`, which names the file after a hash of the CA's name."""
    folder = tmp_path_factory.mktemp("authorities")
    (folder / "6cfd799d.0").write_bytes(ca_file.read_bytes())
    return folder


def context_of(certificate, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def connect(context, *, max_retries=0, **options):
    """Send one request to a server with this context. Return the server, and the result."""
    with serve(answering(({"ok": True}, 200, {})), context) as server:
        return server, request(server.url, max_retries=max_retries, **options)


def request(url, **options):
    """Send a request. Return why it can't be sent, or None."""
    with contextlib.closing(Http(**{"timeout": 20, "max_retries": 0, **options})) as http:
        try:
            assert http.get(url, auth=TOKEN, read=lambda response: response.data) == {"ok": True}
        except (UnsentError, ConfigurationError) as error:
            return error
    return None


@pytest.mark.parametrize("form", ["file", "folder"])
def test_an_authority_of_ones_own(authority, ca_file, ca_folder, form):
    server, error = connect(context_of(authority.issue_cert("127.0.0.1")), ca_path=str(ca_file if form == "file" else ca_folder))
    assert error is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_of_the_usual_environment(authority, ca_file, monkeypatch, variable):
    monkeypatch.setenv(variable, str(ca_file))
    assert connect(context_of(authority.issue_cert("127.0.0.1")))[1] is None


def test_the_option_comes_before_the_environment(authority, ca_file, monkeypatch, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    assert connect(context_of(authority.issue_cert("127.0.0.1")), ca_path=str(tmp_path / "other.pem"))[1] is not None


def expired(authority):
    return authority.issue_cert("127.0.0.1", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))


def self_signed(_authority):
    return trustme.CA().issue_cert("127.0.0.1")


def wrong_host(authority):
    return authority.issue_cert("dcs.cn-north-4.myhuaweicloud.com")


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        pytest.param(wrong_host, "127.0.0.1", id="wrong host"),
        pytest.param(expired, "expired", id="expired"),
        pytest.param(self_signed, "certificate", id="another authority"),
    ],
)
def test_a_certificate_that_is_not_trusted(authority, ca_file, certificate, words):
    """Nothing is sent, there is no retry, and the message says what is wrong."""
    server, error = connect(context_of(certificate(authority)), ca_path=str(ca_file), max_retries=3)
    assert error.code == "TlsError"
    assert isinstance(error, PermanentConnectionError)
    assert error.message.startswith(f"No connection to 127.0.0.1:{server.port}: the certificate is not trusted: ")
    assert "If a private CA issued the certificate, set ca_path or HW_CACERT." in error.message
    assert words in error.message
    assert (server.connections, server.requests) == (1, [])


def test_the_systems_authorities_do_not_know_ours(authority):
    server, error = connect(context_of(authority.issue_cert("127.0.0.1")))
    assert error.code == "TlsError"
    assert not server.requests


@pytest.mark.parametrize("certificate", [wrong_host, expired, self_signed])
@pytest.mark.parametrize("own_authority", [False, True])
def test_nothing_is_verified_if_that_is_wanted(authority, ca_file, certificate, own_authority):
    with warnings.catch_warnings():
        # That of urllib3, which nobody would see.
        warnings.simplefilter("ignore")
        server, error = connect(context_of(certificate(authority)), validate_certs=False, ca_path=str(ca_file) if own_authority else None)
    assert error is None
    assert len(server.requests) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.parametrize("validate_certs", [True, False])
def test_outdated_tls_is_refused(authority, ca_file, version, validate_certs):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    server, error = connect(context, ca_path=str(ca_file), validate_certs=validate_certs)
    assert error.code == "TlsError"
    assert not server.requests


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_todays_tls_is_accepted(authority, ca_file, version):
    assert connect(context_of(authority.issue_cert("127.0.0.1"), minimum_version=version, maximum_version=version), ca_path=str(ca_file))[1] is None


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_authorities_that_can_not_be_read(authority, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    server, error = connect(context_of(authority.issue_cert("127.0.0.1")), ca_path=str(file), max_retries=3)
    assert isinstance(error, ConfigurationError)
    assert error.code == "Configuration"
    assert str(file) in error.message
    assert "ca_path" in error.message
    assert server.connections == 0


# ---- The host name


def served_as(tls, names, host, **options):
    """Send a request to this host, whose certificate has these names."""
    with serve(answering(({"ok": True}, 200, {})), context_of(tls.issue_cert(*names))) as server:
        return request(f"https://{host}:{server.port}", **options), server


@pytest.mark.parametrize(
    ("names", "host", "trusted"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.2"], "127.0.0.1", False),
        (["localhost"], "127.0.0.1", False),
        (["localhost"], "localhost", True),
        (["127.0.0.1"], "localhost", False),
        (["other.example", "127.0.0.2"], "localhost", False),
    ],
)
def test_the_host_is_checked(authority, ca_file, names, host, trusted):
    error, server = served_as(authority, names, host, ca_path=str(ca_file))
    assert (error is None) is trusted
    assert len(server.requests) == trusted
    if error:
        assert "certificate is not valid for" in error.message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_openssl_checks_the_host_whatever_urllib3_does(authority, ca_file, host, monkeypatch):
    """The context alone must refuse: a later urllib3 may rely on it."""
    for module in (urllib3.connection, urllib3.util.ssl_):
        for name in ("match_hostname", "_match_hostname"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *_arguments, **_more: None)
    error, server = served_as(authority, ["other.example", "127.0.0.2"], host, ca_path=str(ca_file))
    assert error.code == "TlsError"
    assert not server.requests


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_host_of_a_tls_proxy_is_checked(authority, ca_file, monkeypatch, scheme, host):
    """Before the password is sent to it."""
    with serve(answering(({"ok": True}, 200, {})), context_of(authority.issue_cert("other.example", "127.0.0.2"))) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"https://user:PROXYsecret1@{host}:{proxy.port}")
        error = request(f"{scheme}://dcs.example.com", ca_path=str(ca_file), max_retries=3)
    assert error.message.startswith(f"No connection to the proxy {host}:{proxy.port} (from {scheme}_proxy): the certificate is not trusted: ")
    assert (proxy.connections, proxy.requests) == (1, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_authority_of_ones_own_holds_for_a_tls_proxy(authority, ca_file, monkeypatch, host):
    """And for TLS through this proxy."""

    def tunnel(connection):
        connection.receive()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.tunnel(server.port)

    context = context_of(authority.issue_cert("127.0.0.1", "localhost"))
    with serve(answering(({"ok": True}, 200, {})), context) as server, serve(tunnel, context) as proxy:
        monkeypatch.setenv("https_proxy", f"https://user:PROXYsecret1@{host}:{proxy.port}")
        assert request(server.url, ca_path=str(ca_file)) is None
        assert isinstance(request(server.url), PermanentConnectionError)
        assert request(server.url, validate_certs=False) is None
    assert len(proxy.requests) == 2
    assert all(line.startswith("CONNECT ") for line in proxy.requests)
    assert len(server.requests) == 2


# ---- Sources of trusted certificates


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSLKEYLOGFILE"])
def test_nothing_is_read_if_nothing_is_verified(authority, monkeypatch, variable):
    monkeypatch.setenv(variable, "/no/such/file")
    assert connect(context_of(authority.issue_cert("127.0.0.1")), validate_certs=False, ca_path="/no/such/either")[1] is None


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_variable_is_not_set(authority, ca_file, monkeypatch, blank):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", blank)
    monkeypatch.setenv("CURL_CA_BUNDLE", f" {ca_file}\n")
    assert connect(context_of(authority.issue_cert("127.0.0.1")))[1] is None
    monkeypatch.setenv("CURL_CA_BUNDLE", blank)
    assert connect(context_of(authority.issue_cert("127.0.0.1")))[1].code == "TlsError"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HW_CACERT", "resize_cancel_ca_path"])
def test_a_path_that_can_not_be_used_is_named_with_its_setting(monkeypatch, variable):
    options = {}
    if variable.endswith("BUNDLE"):
        monkeypatch.setenv(variable, "/no/such/file")
    else:
        options = {"ca_path": "/no/such/file", "ca_path_name": variable}
    error = request("https://127.0.0.1:9", **options)
    assert isinstance(error, ConfigurationError)
    assert error.message == f"The file or directory '/no/such/file' in {variable} can't be used: No such file or directory."


@pytest.mark.parametrize("set_too", [False, True])
def test_a_key_log_that_can_not_be_written_is_named(monkeypatch, ca_file, set_too):
    monkeypatch.setenv("SSLKEYLOGFILE", "/no/such/folder/keys")
    error = request("https://127.0.0.1:9", ca_path=str(ca_file) if set_too else None)
    assert isinstance(error, ConfigurationError)
    assert "'/no/such/folder/keys' in SSLKEYLOGFILE can't be used" in error.message


def test_a_python_without_a_trust_store_says_so(authority, monkeypatch):
    """Python from python.org for macOS has none until a script has been run."""
    none = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "/none", "SSL_CERT_DIR", "/none")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: none)
    error = connect(context_of(authority.issue_cert("127.0.0.1")))[1]
    assert error.code == "TlsError"
    assert error.hint == "This Python finds no system trust store: set ca_path or HW_CACERT to a file of CA certificates."
