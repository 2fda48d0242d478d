# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom TLS trusts, with real servers."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import warnings

import pytest
import trustme
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError, UnsentError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from loopback import answering, serve

TOKEN = TokenAuth("TOKENexample0000000000000000")


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
    """A folder as C(openssl rehash) makes it, which names the file after a hash of the authority's name."""
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
    """Send one request to a server with this context; return the server, and how it ended."""
    error = None
    with serve(answering(({"ok": True}, 200, {})), context) as server, contextlib.closing(Http(timeout=5, max_retries=max_retries, **options)) as http:
        try:
            assert http.get(server.url, auth=TOKEN).data == {"ok": True}
        except (UnsentError, ConfigurationError) as caught:
            error = caught
    return server, error


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
    """Nothing is sent, it is not tried again, and the message says what is wrong."""
    server, error = connect(context_of(certificate(authority)), ca_path=str(ca_file), max_retries=3)
    assert error.code == "TlsError"
    assert f"no trusted connection to 127.0.0.1:{server.port}" in error.message
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


def test_http_and_https_of_one_host_are_told_apart(authority, ca_file):
    """The connections of one must not serve the other, which has another idea of trust."""
    http = Http(timeout=5, max_retries=0, ca_path=str(ca_file))
    with contextlib.closing(http):
        plain, _proxies = http._route("http://dcs.example.com/v2")
        encrypted, _proxies = http._route("https://dcs.example.com/v2")
        assert plain is not encrypted
        assert http._route("https://dcs.example.com/v2/other")[0] is encrypted
        assert encrypted.poolmanager.connection_pool_kw["ssl_context"].verify_mode is ssl.CERT_REQUIRED
