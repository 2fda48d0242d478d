# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in files and from the metadata service: their content, and each way in which they can be invalid."""

from __future__ import annotations

import json

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import find_credentials
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError
from keyfiles import PROFILE, write_ini, write_profiles
from loopback import answering, serve, unused_port

PROJECT = "0123456789abcdef0123456789abcdef"
OFF = {"metadata_endpoint": "none"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory of its own, and no environment variables."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


# ---- KooCLI's and Terraform's file


def test_a_profile_by_name_and_the_current_one(home):
    profiles = [
        {"name": name, "mode": "AKSK", **dict(zip(PROFILE, (f"AK-example-{name}", "SK-example"))), "region": f"region-{name}", "projectId": f"project-{name}"}
        for name in ("default", "other")
    ]
    write_profiles(home, *profiles, current="other")
    file = write_profiles(home, *profiles, file="shared.json", current="")
    for options, expected in (
        ({"profile": "default"}, "default"),
        ({"profile": "other"}, "other"),
        ({"profile": " other "}, "other"),
        ({"shared_config_file": "~/.hcloud/config.json"}, "other"),
        ({"shared_config_file": file}, "default"),
        ({"shared_config_file": file, "profile": "other"}, "other"),
    ):
        found = find_credentials({**options, **OFF}, {})
        assert (found.access_key, found.region, found.project_id) == (f"AK-example-{expected}", f"region-{expected}", f"project-{expected}"), options


def test_a_profile_is_only_read_when_it_is_named(home):
    write_profiles(home, {"name": "default", "accessKeyId": "AK-example", "secretAccessKey": "SK-example"}, current="default")
    with pytest.raises(ConfigurationError, match="neither profile nor shared_config_file is set"):
        find_credentials(OFF, {})


def test_a_file_with_a_byte_order_mark(home):
    """As editors on Windows write it."""
    file = home / "config.json"
    file.write_text(json.dumps({"profiles": [{"name": "default", "accessKeyId": "AK-example", "secretAccessKey": "SK-example"}]}), encoding="utf-8-sig")
    assert find_credentials({"shared_config_file": str(file), **OFF}, {}).access_key == "AK-example"
    (home / "credentials").write_text("[basic]\nak = AK-example2\nsk = SK-example\n", encoding="utf-8-sig")
    assert find_credentials({"credentials_file": str(home / "credentials"), **OFF}, {}).access_key == "AK-example2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"{broken SECRET", "is not valid JSON", id="bad JSON"),
        pytest.param(b"", "is not valid JSON", id="empty"),
        pytest.param(b"\xff\xfe\x00SECRET", "is not valid JSON", id="no UTF-8"),
        pytest.param(b"[" * 100_000, "is not valid JSON", id="deep JSON"),
        pytest.param(b"[]", "has no list of profiles", id="list"),
        pytest.param(b"null", "has no list of profiles", id="null"),
        pytest.param(b"{}", "has no list of profiles", id="no profiles"),
        pytest.param(b'{"profiles": {"default": {}}}', "has no list of profiles", id="profiles of another type"),
        pytest.param(b'{"profiles": []}', "has no profile 'default'. Its profiles: none", id="none"),
        pytest.param(b'{"profiles": ["SECRET", null]}', "has no profile 'default'. Its profiles: none", id="no objects"),
        pytest.param(b'{"profiles": [{"name": "b"}, {"name": "a"}]}', "has no profile 'default'. Its profiles: a, b", id="others"),
        pytest.param(b'{"profiles": [{"name": "default", "mode": "ecsAgency"}]}', "(its mode is 'ecsAgency')", id="another mode"),
        pytest.param(b'{"profiles": [{"name": "default", "accessKeyId": "SECRET", "authEncrypt": "true"}]}', "encrypted by KooCLI", id="encrypted profile"),
        pytest.param(b'{"authEncrypt": true, "profiles": [{"name": "default"}]}', "encrypted by KooCLI", id="encrypted file"),
    ],
)
def test_a_broken_shared_file(home, content, words):
    (home / "config.json").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({"shared_config_file": "~/config.json", **OFF}, {})
    assert words in caught.value.message
    assert "~/config.json" in caught.value.message
    assert "SECRET" not in caught.value.message


def test_another_profile_that_is_encrypted_does_not_matter(home):
    keys = dict(zip(PROFILE, ("AK-example", "SK-example")))
    write_profiles(home, {"name": "default", **keys, "authEncrypt": "false"}, {"name": "other", "authEncrypt": "true"})
    assert find_credentials({"profile": "default", **OFF}, {}).access_key == "AK-example"


@pytest.mark.parametrize(
    ("option", "file", "words"),
    [
        ("shared_config_file", "missing", "can't be read: No such file or directory"),
        ("shared_config_file", ".", "can't be read: Is a directory"),
        ("credentials_file", "missing", "does not exist"),
        ("credentials_file", ".", "can't be read: Is a directory"),
        ("credentials_file", "file/below", "can't be read: Not a directory"),
    ],
)
def test_a_file_that_can_not_be_read(home, option, file, words):
    (home / "file").write_text("x")
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({option: str(home / file), **OFF}, {})
    assert words in caught.value.message
    assert str(home / file) in caught.value.message


@pytest.mark.parametrize("option", ["shared_config_file", "credentials_file"])
def test_a_file_that_may_not_be_read(home, monkeypatch, option):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    # The user who runs the tests may be able to read everything.
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigurationError, match="can't be read: Permission denied"):
        find_credentials({option: "~/file", **OFF}, {})


# ---- The SDKs' file


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"ak = PRIVATE\n", "is not a valid INI file", id="no section"),
        pytest.param(b"[basic]\nPRIVATE\n", "is not a valid INI file", id="no value"),
        pytest.param(b"[basic]\nak = PRIVATE\nak = PRIVATE\n", "is not a valid INI file", id="twice"),
        pytest.param(b"[basic\nak = PRIVATE\n", "is not a valid INI file", id="half a section"),
        pytest.param(b"[basic]\nak = \xff\xfePRIVATE\n", "is not a valid INI file", id="no UTF-8"),
    ],
)
def test_a_broken_credentials_file(home, content, words, named):
    file = home / ".huaweicloud" / "credentials"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({**OFF, "credentials_file": str(file) if named else None}, {})
    assert words in caught.value.message
    assert (str(file) if named else "~/.huaweicloud/credentials") in caught.value.message
    assert "PRIVATE" not in caught.value.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"[global]\nak = PRIVATE\nsk = PRIVATE\n", "has no section [basic]", id="another section"),
        pytest.param(b"", "has no section [basic]", id="empty"),
        pytest.param(b"\n; a comment\n", "has no section [basic]", id="comments"),
        pytest.param(b"[basic]\n", "has neither ak nor sk in [basic]", id="empty section"),
        pytest.param(b"[basic]\nak =\nsk = \nproject_id = p\n", "has neither ak nor sk in [basic]", id="blank keys"),
        pytest.param(None, "can't be read: Is a directory", id="folder"),
    ],
)
def test_a_credentials_file_without_credentials(home, content, words):
    """The default file is only listed, because it may exist for other reasons; a file that the user set must be usable."""
    file = home / ".huaweicloud" / "credentials"
    file.parent.mkdir()
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(OFF, {})
    assert caught.value.message.startswith("No credentials found.")
    assert f"the credentials file ~/.huaweicloud/credentials ({words}); the metadata service" in caught.value.message
    for options, environment in (({"credentials_file": str(file)}, {}), ({}, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)})):
        with pytest.raises(ConfigurationError) as caught:
            find_credentials({**OFF, **options}, environment)
        assert caught.value.message == f"The credentials file {file} {words}."
        assert "PRIVATE" not in caught.value.message


@pytest.mark.parametrize(("value", "words"), [("/dev/null", "can't be read: Not a directory"), ("/nonexistent", "does not exist"), ("/a\nb", "does not exist")])
def test_a_home_that_is_none(monkeypatch, value, words):
    """As in services and containers."""
    monkeypatch.setenv("HOME", value)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(OFF, {})
    assert f"the credentials file ~/.huaweicloud/credentials ({words}); the metadata service" in caught.value.message


def test_the_default_file_that_may_not_be_read(home, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigurationError, match=r"the credentials file ~/\.huaweicloud/credentials \(can't be read: Permission denied\)"):
        find_credentials(OFF, {})


def test_variables_in_the_name_of_a_file(home, monkeypatch):
    monkeypatch.setenv("WHERE", str(home))
    write_ini(home, {"ak": "AK-example", "sk": "SK-example"}, file="named")
    assert find_credentials(OFF, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "$WHERE/named"}).access_key == "AK-example"


def test_percent_signs_are_no_references(home):
    write_ini(home, {"ak": "AK-example", "sk": "S%(K)s%example"})
    assert find_credentials(OFF, {}).secret_key == "S%(K)s%example"


def test_what_a_file_says_beside_the_keys(home):
    write_ini(home, {"ak": "AK-example", "sk": "SK-example", "project_id": PROJECT, "iam_endpoint": "https://iam.example.com"})
    found = find_credentials(OFF, {})
    assert (found.project_id, found.auth_url, found.region) == (PROJECT, "https://iam.example.com", None)


# ---- Metadata


KEYS = {"access": "AK-example", "secret": "SK-example", "securitytoken": "STS-example", "expires_at": "2099-01-31T08:00:00.000000Z"}


def find_in_metadata(handle, **options):
    with serve(handle) as metadata:
        try:
            return metadata, find_credentials({"metadata_endpoint": metadata.url, **options}, {})
        except ConfigurationError as error:
            return metadata, error


def test_metadata_with_its_token():
    metadata, found = find_in_metadata(answering((b"TOKEN\n", 200, {}), ({"credential": KEYS}, 200, {})))
    assert (found.access_key, found.secret_key, found.security_token) == ("AK-example", "SK-example", "STS-example")
    asked, fetched = (request.lower() for request in metadata.requests)
    assert asked.startswith("put /meta-data/latest/api/token http/1.1\r\n")
    assert "\r\nx-metadata-token-ttl-seconds: 21600\r\n" in asked
    assert fetched.startswith("get /openstack/latest/securitykey http/1.1\r\n")
    assert "\r\nx-metadata-token: token\r\n" in fetched


@pytest.mark.parametrize("status", [404, 405, 503])
def test_metadata_without_a_token(status):
    """If the service does not support tokens, no token is used."""
    metadata, found = find_in_metadata(answering((b"no", status, {}), ({"credential": KEYS}, 200, {})))
    assert found.access_key == "AK-example"
    assert "x-metadata-token" not in metadata.requests[1].lower()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param([(b"no", 403, {})], "(HTTP 403 for the metadata token)", id="token refused"),
        pytest.param([(b"no", 500, {})], "(HTTP 500 for the metadata token)", id="token failed"),
        pytest.param([(b"T", 200, {}), (b"no", 404, {})], "(this ECS instance has no agency)", id="no agency"),
        pytest.param([(b"T", 200, {}), (b"no", 401, {})], "(HTTP 401)", id="token not accepted"),
        pytest.param([(b"T", 200, {}), (b"no", 500, {})], "(HTTP 500)", id="failed"),
        pytest.param([(b"T", 200, {}), (b"", 302, {"Location": "http://127.0.0.1:1/"})], "(HTTP 302)", id="redirect"),
        pytest.param([(b"T", 200, {}), (b"no JSON", 200, {})], "(a response without credentials)", id="no JSON"),
        pytest.param([(b"T", 200, {}), ([], 200, {})], "(a response without credentials)", id="list"),
        pytest.param([(b"T", 200, {}), ({"credential": None}, 200, {})], "(a response without credentials)", id="null"),
        pytest.param([(b"T", 200, {}), ({"credential": ["PRIVATE"]}, 200, {})], "(a response without credentials)", id="another type"),
        pytest.param([(b"T", 200, {}), (b"[" * 60_000, 200, {})], "(a response without credentials)", id="deep JSON"),
        pytest.param([(b"T", 200, {}), (b"x" * 10**6, 200, {})], "(a response without credentials)", id="huge"),
        pytest.param([(b"T", 200, {}), ({"credential": {}}, 200, {})], "(none of access, secret, securitytoken is set)", id="empty"),
        pytest.param([(b"T" * 70_000, 200, {}), (b"no", 401, {})], "metadata service", id="huge token"),
        pytest.param([(b"T\nX: y", 200, {}), (b"no", 401, {})], "metadata service", id="a token that is none"),
        pytest.param([(b"T", 200, {}), ({"credential": KEYS}, 200, {"Content-Length": "9999"})], "metadata service", id="cut off"),
    ],
)
def test_metadata_that_has_no_keys(monkeypatch, answers, words):
    if "Content-Length" in answers[-1][2]:
        # Only here something is waited for that does not come.
        monkeypatch.setattr("ansible_collections.huaweicloud.dcs.plugins.module_utils._credential_files.METADATA_TIMEOUT", 0.3)
    _metadata, error = find_in_metadata(answering(*answers))
    assert error.message.startswith("No credentials found.")
    assert words in error.message
    assert "PRIVATE" not in error.message


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda connection: connection.reset(), id="reset"),
        pytest.param(lambda connection: connection.stall(), id="stall"),
        pytest.param(lambda connection: connection.send(b"SSH-2.0\r\n"), id="not http"),
        pytest.param(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), id="half a body"),
        pytest.param(lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), connection.stall()), id="a body that stalls"),
        pytest.param(lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), connection.reset()), id="a reset body"),
        pytest.param(lambda connection: connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), id="no chunks"),
    ],
)
def test_metadata_that_breaks(monkeypatch, end):
    """Outside ECS, anything may respond at this address."""
    monkeypatch.setattr("ansible_collections.huaweicloud.dcs.plugins.module_utils._credential_files.METADATA_TIMEOUT", 0.3)

    def handle(connection):
        connection.receive()
        end(connection)

    _metadata, error = find_in_metadata(handle)
    assert error.message.startswith("No credentials found.")
    assert "the metadata service http://127.0.0.1:" in error.message


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param(lambda connection: connection.drip(b"x", 0.05), id="status line"),
        pytest.param(lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\n"), connection.drip(b"X-Header: y\r\n", 0.02)), id="headers"),
        pytest.param(lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"), connection.drip(b"x", 0.02)), id="body"),
    ],
)
def test_metadata_that_drips(monkeypatch, drip):
    """Each read is fast, but the response never ends."""
    monkeypatch.setattr("ansible_collections.huaweicloud.dcs.plugins.module_utils._credential_files.METADATA_LIMIT", 0.5)

    def handle(connection):
        connection.receive()
        drip(connection)

    _metadata, error = find_in_metadata(handle)
    assert error.message.startswith("No credentials found.")
    assert "(no complete response within 0.5 s)" in error.message


def test_nobody_answers():
    port = unused_port()
    with pytest.raises(ConfigurationError, match="no response; not an ECS instance"):
        find_credentials({"metadata_endpoint": f"http://127.0.0.1:{port}"}, {})


def test_expired_keys_are_an_error():
    metadata, error = find_in_metadata(answering((b"T", 200, {}), ({"credential": {**KEYS, "expires_at": "2020-01-31T08:00:00.000000Z"}}, 200, {})))
    assert error.message == f"The keys from the metadata service {metadata.url} expired at 2020-01-31T08:00:00.000000Z."


@pytest.mark.parametrize("expires_at", ["2099-01-31T08:00:00Z", "2099-01-31T08:00:00", "", None, "later", 4102444800])
def test_keys_that_have_not_expired_as_far_as_can_be_told(expires_at):
    _metadata, found = find_in_metadata(answering((b"T", 200, {}), ({"credential": {**KEYS, "expires_at": expires_at}}, 200, {})))
    assert found.access_key == "AK-example"


@pytest.mark.parametrize("value", ["none", "None", "NONE", " none "])
def test_metadata_is_switched_off(value):
    with pytest.raises(ConfigurationError, match=r"the metadata service \(disabled\)"):
        find_credentials({"metadata_endpoint": value}, {})


@pytest.mark.parametrize("form", ["{url}/", "{host}", " {url} "])
def test_forms_of_the_metadata_endpoint(form):
    with serve(answering((b"T", 200, {}), ({"credential": KEYS}, 200, {}))) as metadata:
        value = form.format(url=metadata.url, host=metadata.url.partition("//")[2])
        assert find_credentials({"metadata_endpoint": value}, {}).access_key == "AK-example"
    assert metadata.requests[0].startswith("PUT /meta-data/")
