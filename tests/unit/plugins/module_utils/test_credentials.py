# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where keys come from: each place alone, each before the other, and each broken."""

from __future__ import annotations

import contextlib
import itertools
import json

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import (
    ENVIRONMENT,
    Credentials,
    find_credentials,
    from_environment,
    is_blank,
    project_setting,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError
from loopback import answering, serve, unused_port

PROJECT = "0123456789abcdef0123456789abcdef"
OFF = {"metadata_endpoint": "none"}

# The names of each place's fields, for the access key, the secret key and the security token.
OPTIONS = ("access_key", "secret_key", "security_token")
HW = ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN")
SDK = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
PROFILE = ("accessKeyId", "secretAccessKey", "securityToken")
INI = ("ak", "sk", "security_token")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, and no environment variable."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write_profiles(home, *profiles, file=".hcloud/config.json", **content):
    path = home / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"profiles": list(profiles), **content}), encoding="utf-8")
    return str(path)


def write_ini(home, values, section="basic", file=".huaweicloud/credentials"):
    path = home / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join([f"[{section}]\n", *(f"{name} = {value}\n" for name, value in values.items())]), encoding="utf-8")
    return str(path)


class Place:
    """One of the places, with a full pair of its own, and what it takes to have it asked."""

    def __init__(self, home, stack):
        self.options = dict(OFF)
        self.environment = {}
        self._home = home
        self._stack = stack

    def add(self, place):
        keys = [f"AK-{place}", f"SK-{place}", f"STS-{place}"]
        if place == "options":
            self.options.update(zip(OPTIONS, keys))
        elif place == "HW_":
            self.environment.update(zip(HW, keys))
        elif place == "HUAWEICLOUD_SDK_":
            self.environment.update(zip(SDK, keys))
        elif place == "profile":
            write_profiles(self._home, {"name": "default", **dict(zip(PROFILE, keys))})
            self.options["profile"] = "default"
        elif place == "file":
            write_ini(self._home, dict(zip(INI, keys)))
        else:
            credential = {"credential": {"access": keys[0], "secret": keys[1], "securitytoken": keys[2], "expires_at": "2099-01-31T08:00:00.000000Z"}}
            self.options["metadata_endpoint"] = self._stack.enter_context(serve(answering((b"TOKEN", 200, {}), (credential, 200, {})))).url

    def find(self):
        return find_credentials(self.options, self.environment)


PLACES = {
    "options": "the module's options",
    "HW_": "the environment (HW_ACCESS_KEY, HW_SECRET_KEY, HW_SECURITY_TOKEN, HW_AUTH_TOKEN)",
    "HUAWEICLOUD_SDK_": "the environment (HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_SECURITY_TOKEN)",
    "profile": "the profile 'default' in ~/.hcloud/config.json",
    "file": "the credentials file ~/.huaweicloud/credentials",
    "metadata": "the metadata service http://127.0.0.1:",
}


@pytest.fixture
def places(home):
    with contextlib.ExitStack() as stack:
        yield Place(home, stack)


# ---- One, and one before the other


@pytest.mark.parametrize("place", PLACES)
def test_each_place_alone(places, place):
    places.add(place)
    found = places.find()
    assert (found.access_key, found.secret_key, found.security_token, found.token) == (f"AK-{place}", f"SK-{place}", f"STS-{place}", None)
    assert found.source.startswith(PLACES[place])
    assert found.secrets() == (f"SK-{place}", f"STS-{place}")


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(PLACES, 2)))
def test_each_place_before_the_other(places, first, second):
    """And nothing of the second is mixed in."""
    places.add(second)
    places.add(first)
    found = places.find()
    assert (found.access_key, found.secret_key, found.security_token) == (f"AK-{first}", f"SK-{first}", f"STS-{first}")


def test_a_security_token_is_not_taken_from_another_place():
    environment = dict(zip(HW, ("AK", "SK", "STS")))
    found = find_credentials({"access_key": "AK-options", "secret_key": "SK-options", **OFF}, environment)
    assert found.security_token is None


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        pytest.param({"token": "TOKEN"}, {}, id="option"),
        pytest.param({}, {"HW_AUTH_TOKEN": "TOKEN"}, id="environment"),
        pytest.param({"token": "TOKEN", "access_key": "AK", "secret_key": "SK"}, {}, id="before a pair of the same place"),
        pytest.param({"token": "TOKEN", "access_key": "AK"}, {}, id="before half a pair of the same place"),
        pytest.param({"token": "TOKEN"}, dict(zip(HW, ("AK", "SK"))), id="before a pair of a later place"),
        pytest.param({}, {"HW_AUTH_TOKEN": "TOKEN", **dict(zip(SDK, ("AK", "SK")))}, id="before a pair of the SDK's environment"),
    ],
)
def test_a_ready_token(options, environment):
    found = find_credentials({**options, **OFF}, environment)
    assert (found.token, found.access_key, found.secret_key) == ("TOKEN", None, None)
    assert found.secrets() == ("TOKEN",)


def test_a_pair_of_an_earlier_place_comes_before_a_token():
    assert find_credentials({"access_key": "AK", "secret_key": "SK", **OFF}, {"HW_AUTH_TOKEN": "TOKEN"}).token is None


def test_blanks_around_a_key_do_not_count():
    """As a key file read with a lookup has a line break at its end."""
    found = find_credentials({"access_key": " AK\n", "secret_key": "\tSK\r\n", **OFF}, {})
    assert (found.access_key, found.secret_key) == ("AK", "SK")


def test_secrets_do_not_appear_by_accident():
    found = Credentials("somewhere", "AK", "SK-secret", "STS-secret", "TOKEN-secret")
    assert "secret" not in f"{found} {found!r}"


def test_later_places_are_not_read_if_an_earlier_one_has_the_keys(home):
    """A broken file that is not needed is no obstacle."""
    write_ini(home, {}, section="broken")
    with serve(lambda connection: connection.answer({}, 500)) as metadata:
        find_credentials({"profile": "unknown", "metadata_endpoint": metadata.url}, dict(zip(HW, ("AK", "SK"))))
    assert metadata.connections == 0


# ---- Blanks


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t ", None])
def test_blank_is_unset(blank):
    assert is_blank(blank)
    environment = {name: blank or "" for names in ENVIRONMENT.values() for name in names}
    options = dict.fromkeys((*ENVIRONMENT, "credentials_file"), blank)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({**options, **OFF}, environment)
    assert caught.value.message.startswith("No credentials found.")
    assert project_setting(options, environment, Credentials("x")) == (None, None)
    for option in ENVIRONMENT:
        assert from_environment(option, environment) is None


@pytest.mark.parametrize("value", ["x", 0, False, [], "0"])
def test_a_value_is_no_blank(value):
    assert not is_blank(value)


def test_a_blank_variable_gives_way_to_the_next():
    assert from_environment("auth_url", {"HW_AUTH_URL": " ", "HUAWEICLOUD_SDK_IAM_ENDPOINT": " https://iam.example.com "}) == "https://iam.example.com"


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_fields_of_files_are_unset(home, blank):
    write_profiles(home, {"name": "default", "accessKeyId": "AK", "secretAccessKey": "SK", "securityToken": blank, "region": blank, "projectId": blank})
    found = find_credentials({"profile": "default", **OFF}, {})
    assert (found.security_token, found.region, found.project_id) == (None, None, None)
    write_ini(home, {"ak": "AK", "sk": "SK", "security_token": blank, "project_id": blank, "iam_endpoint": blank})
    found = find_credentials(OFF, {})
    assert (found.security_token, found.project_id, found.auth_url) == (None, None, None)


def test_nothing_anywhere(home):
    """One error that lists all that was tried, in its order."""
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(OFF, {})
    assert caught.value.message == (
        "No credentials found. Needed is an access key with its secret key, or a token. Tried, in this order: "
        "the module's options (nothing set); "
        "the environment (HW_ACCESS_KEY, HW_SECRET_KEY, HW_SECURITY_TOKEN, HW_AUTH_TOKEN) (nothing set); "
        "the environment (HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_SECURITY_TOKEN) (nothing set); "
        "a profile in ~/.hcloud/config.json (neither profile nor shared_config_file is set); "
        "the credentials file ~/.huaweicloud/credentials (does not exist); "
        "the metadata service (switched off)."
    )
    assert caught.value.code == "Configuration"


# ---- Half a pair


@pytest.mark.parametrize(
    ("place", "names"),
    [("options", OPTIONS), ("HW_", HW), ("HUAWEICLOUD_SDK_", SDK), ("profile", PROFILE), ("file", INI), ("metadata", ("access", "secret", "securitytoken"))],
)
@pytest.mark.parametrize("present", [(0,), (1,), (2,), (0, 2), (1, 2)], ids=["access key", "secret key", "security token", "no secret key", "no access key"])
def test_half_a_pair(home, place, names, present):
    """The message names what is missing and where, shows no value, and no later place is asked."""
    half = {names[index]: f"VALUE{index}" for index in present}
    options, environment = dict(OFF), dict(zip(SDK, ("AK", "SK"))) if place in ("options", "HW_") else {}
    handle = answering((b"TOKEN", 200, {}), ({"credential": half}, 200, {}))
    with serve(handle) as metadata:
        if place == "options":
            options.update(half)
        elif place in ("HW_", "HUAWEICLOUD_SDK_"):
            environment.update(half)
        elif place == "profile":
            write_profiles(home, {"name": "default", "mode": "AKSK", **half})
            options["profile"] = "default"
        elif place == "file":
            write_ini(home, half)
        else:
            options["metadata_endpoint"] = metadata.url
        with pytest.raises(ConfigurationError) as caught:
            find_credentials(options, environment)
    message = caught.value.message
    assert "VALUE" not in message
    if place == "profile" and present == (2,):
        assert message == "The profile 'default' in ~/.hcloud/config.json has neither accessKeyId nor secretAccessKey (its mode is 'AKSK')"
        return
    missing = " and ".join(names[index] for index in (0, 1) if index not in present)
    assert message.startswith("Half a pair of keys: ")
    assert PLACES[place] in message
    assert f" has {' and '.join(half)}, but not {missing}. " in message


@pytest.mark.parametrize("value", ["A K", "A\nK", "A\tK", "A\u00a0K", "schl\u00fcssel", "\u5bc6\u94a5", "A\x00K", "A\x7fK"])
@pytest.mark.parametrize("field", ["access_key", "secret_key", "security_token", "token"])
def test_characters_that_no_key_has(field, value):
    """A header could not carry them, and the HTTP library's error would show them."""
    options = {"access_key": "AK", "secret_key": "SK", "security_token": "STS", **OFF, field: value}
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(options, {})
    assert caught.value.message == f"A character that no key has, such as a blank or a line break, is in {field} of the module's options"
    assert value not in caught.value.message


# ---- KooCLI's and Terraform's file


def test_a_profile_by_name_and_the_current_one(home):
    profiles = [
        {"name": name, "mode": "AKSK", "accessKeyId": f"AK-{name}", "secretAccessKey": "SK", "region": f"region-{name}", "projectId": f"project-{name}"}
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
        assert (found.access_key, found.region, found.project_id) == (f"AK-{expected}", f"region-{expected}", f"project-{expected}"), options


def test_a_profile_is_only_read_when_it_is_named(home):
    write_profiles(home, {"name": "default", "accessKeyId": "AK", "secretAccessKey": "SK"}, current="default")
    with pytest.raises(ConfigurationError, match="neither profile nor shared_config_file is set"):
        find_credentials(OFF, {})


def test_a_file_with_a_byte_order_mark(home):
    """As editors on Windows write it."""
    file = home / "config.json"
    file.write_text(json.dumps({"profiles": [{"name": "default", "accessKeyId": "AK", "secretAccessKey": "SK"}]}), encoding="utf-8-sig")
    assert find_credentials({"shared_config_file": str(file), **OFF}, {}).access_key == "AK"
    (home / "credentials").write_text("[basic]\nak = AK2\nsk = SK\n", encoding="utf-8-sig")
    assert find_credentials({"credentials_file": str(home / "credentials"), **OFF}, {}).access_key == "AK2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"{broken SECRET", "is no JSON", id="bad JSON"),
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"\xff\xfe\x00SECRET", "is no JSON", id="no UTF-8"),
        pytest.param(b"[" * 100_000, "is no JSON", id="deep JSON"),
        pytest.param(b"[]", "has no list of profiles", id="list"),
        pytest.param(b"null", "has no list of profiles", id="null"),
        pytest.param(b"{}", "has no list of profiles", id="no profiles"),
        pytest.param(b'{"profiles": {"default": {}}}', "has no list of profiles", id="profiles of another type"),
        pytest.param(b'{"profiles": []}', "has no profile 'default'; it has: none", id="none"),
        pytest.param(b'{"profiles": ["SECRET", null]}', "has no profile 'default'; it has: none", id="no objects"),
        pytest.param(b'{"profiles": [{"name": "b"}, {"name": "a"}]}', "has no profile 'default'; it has: a, b", id="others"),
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
    write_profiles(home, {"name": "default", "accessKeyId": "AK", "secretAccessKey": "SK", "authEncrypt": "false"}, {"name": "other", "authEncrypt": "true"})
    assert find_credentials({"profile": "default", **OFF}, {}).access_key == "AK"


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

    # Whoever runs the tests may read everything.
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigurationError, match="can't be read: Permission denied"):
        find_credentials({option: "~/file", **OFF}, {})


# ---- The SDKs' file


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"ak = SECRET\n", "is no valid INI file", id="no section"),
        pytest.param(b"[basic]\nSECRET\n", "is no valid INI file", id="no value"),
        pytest.param(b"[basic]\nak = SECRET\nak = SECRET\n", "is no valid INI file", id="twice"),
        pytest.param(b"[basic\nak = SECRET\n", "is no valid INI file", id="half a section"),
        pytest.param(b"[basic]\nak = \xff\xfeSECRET\n", "is no valid INI file", id="no UTF-8"),
        pytest.param(b"[global]\nak = SECRET\nsk = SECRET\n", "has no section [basic]", id="another section"),
        pytest.param(b"", "has no section [basic]", id="empty"),
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
    assert "SECRET" not in caught.value.message


def test_percent_signs_are_no_references(home):
    write_ini(home, {"ak": "AK", "sk": "S%(K)s%"})
    assert find_credentials(OFF, {}).secret_key == "S%(K)s%"


def test_what_a_file_says_beside_the_keys(home):
    write_ini(home, {"ak": "AK", "sk": "SK", "project_id": PROJECT, "iam_endpoint": "https://iam.example.com"})
    found = find_credentials(OFF, {})
    assert (found.project_id, found.auth_url, found.region) == (PROJECT, "https://iam.example.com", None)


# ---- Metadata


KEYS = {"access": "AK", "secret": "SK", "securitytoken": "STS", "expires_at": "2099-01-31T08:00:00.000000Z"}


def find_in_metadata(handle, **options):
    with serve(handle) as metadata:
        try:
            return metadata, find_credentials({"metadata_endpoint": metadata.url, **options}, {})
        except ConfigurationError as error:
            return metadata, error


def test_metadata_with_its_token():
    metadata, found = find_in_metadata(answering((b"TOKEN\n", 200, {}), ({"credential": KEYS}, 200, {})))
    assert (found.access_key, found.secret_key, found.security_token) == ("AK", "SK", "STS")
    asked, fetched = (request.lower() for request in metadata.requests)
    assert asked.startswith("put /meta-data/latest/api/token http/1.1\r\n")
    assert "\r\nx-metadata-token-ttl-seconds: 21600\r\n" in asked
    assert fetched.startswith("get /openstack/latest/securitykey http/1.1\r\n")
    assert "\r\nx-metadata-token: token\r\n" in fetched


@pytest.mark.parametrize("status", [404, 405, 503])
def test_metadata_without_a_token(status):
    """Where the service has none yet, one goes on without."""
    metadata, found = find_in_metadata(answering((b"no", status, {}), ({"credential": KEYS}, 200, {})))
    assert found.access_key == "AK"
    assert "x-metadata-token" not in metadata.requests[1].lower()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param([(b"no", 403, {})], "(status 403 for its token)", id="token refused"),
        pytest.param([(b"no", 500, {})], "(status 500 for its token)", id="token failed"),
        pytest.param([(b"T", 200, {}), (b"no", 404, {})], "(this ECS instance has no agency)", id="no agency"),
        pytest.param([(b"T", 200, {}), (b"no", 401, {})], "(status 401)", id="token not accepted"),
        pytest.param([(b"T", 200, {}), (b"no", 500, {})], "(status 500)", id="failed"),
        pytest.param([(b"T", 200, {}), (b"", 302, {"Location": "http://127.0.0.1:1/"})], "(status 302)", id="redirect"),
        pytest.param([(b"T", 200, {}), (b"no JSON", 200, {})], "(an answer without credentials)", id="no JSON"),
        pytest.param([(b"T", 200, {}), ([], 200, {})], "(an answer without credentials)", id="list"),
        pytest.param([(b"T", 200, {}), ({"credential": None}, 200, {})], "(an answer without credentials)", id="null"),
        pytest.param([(b"T", 200, {}), ({"credential": ["PRIVATE"]}, 200, {})], "(an answer without credentials)", id="another type"),
        pytest.param([(b"T", 200, {}), (b"[" * 60_000, 200, {})], "(an answer without credentials)", id="deep JSON"),
        pytest.param([(b"T", 200, {}), (b"x" * 10**6, 200, {})], "(an answer without credentials)", id="huge"),
        pytest.param([(b"T", 200, {}), ({"credential": {}}, 200, {})], "(nothing set)", id="empty"),
        pytest.param([(b"T" * 70_000, 200, {}), (b"no", 401, {})], "metadata service", id="huge token"),
        pytest.param([(b"T\nX: y", 200, {}), (b"no", 401, {})], "metadata service", id="a token that is none"),
        pytest.param([(b"T", 200, {}), ({"credential": KEYS}, 200, {"Content-Length": "9999"})], "metadata service", id="cut off"),
    ],
)
def test_metadata_that_has_no_keys(monkeypatch, answers, words):
    monkeypatch.setattr("ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials._METADATA_TIMEOUT", 0.3)
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
    """Not on an ECS instance, anything may answer there."""
    monkeypatch.setattr("ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials._METADATA_TIMEOUT", 0.3)

    def handle(connection):
        connection.receive()
        end(connection)

    _metadata, error = find_in_metadata(handle)
    assert error.message.startswith("No credentials found.")
    assert "the metadata service http://127.0.0.1:" in error.message


def test_nobody_answers():
    port = unused_port()
    with pytest.raises(ConfigurationError, match="no answer; not an ECS instance"):
        find_credentials({"metadata_endpoint": f"http://127.0.0.1:{port}"}, {})


def test_expired_keys_are_an_error():
    metadata, error = find_in_metadata(answering((b"T", 200, {}), ({"credential": {**KEYS, "expires_at": "2020-01-31T08:00:00.000000Z"}}, 200, {})))
    assert error.message == f"The keys that the metadata service {metadata.url} gave have expired at 2020-01-31T08:00:00.000000Z"


@pytest.mark.parametrize("expires_at", ["2099-01-31T08:00:00Z", "2099-01-31T08:00:00", "", None, "later", 4102444800])
def test_keys_that_have_not_expired_as_far_as_can_be_told(expires_at):
    _metadata, found = find_in_metadata(answering((b"T", 200, {}), ({"credential": {**KEYS, "expires_at": expires_at}}, 200, {})))
    assert found.access_key == "AK"


@pytest.mark.parametrize("value", ["none", "None", "NONE", " none "])
def test_metadata_is_switched_off(value):
    with pytest.raises(ConfigurationError, match=r"the metadata service \(switched off\)"):
        find_credentials({"metadata_endpoint": value}, {})


@pytest.mark.parametrize("form", ["{url}/", "{host}", " {url} "])
def test_forms_of_the_metadata_endpoint(form):
    with serve(answering((b"T", 200, {}), ({"credential": KEYS}, 200, {}))) as metadata:
        value = form.format(url=metadata.url, host=metadata.url.partition("//")[2])
        assert find_credentials({"metadata_endpoint": value}, {}).access_key == "AK"
    assert metadata.requests[0].startswith("PUT /meta-data/")


# ---- The project


@pytest.mark.parametrize(
    ("options", "environment", "of_the_keys", "expected"),
    [
        pytest.param({}, {}, None, (None, None), id="nothing"),
        pytest.param({"project_id": "o"}, {"HW_PROJECT_ID": "h", "HUAWEICLOUD_SDK_PROJECT_ID": "s"}, "k", ("o", None), id="option"),
        pytest.param({"project_name": "o"}, {"HW_PROJECT_ID": "h", "HUAWEICLOUD_SDK_PROJECT_ID": "s"}, "k", (None, "o"), id="the option's name"),
        pytest.param({"project_id": "o", "project_name": "n"}, {}, None, ("o", None), id="an id before a name"),
        pytest.param({}, {"HW_PROJECT_ID": "h", "HW_PROJECT_NAME": "n", "HUAWEICLOUD_SDK_PROJECT_ID": "s"}, "k", ("h", None), id="environment"),
        pytest.param({}, {"HW_PROJECT_NAME": "n", "HUAWEICLOUD_SDK_PROJECT_ID": "s"}, "k", (None, "n"), id="the environment's name"),
        pytest.param({}, {"HUAWEICLOUD_SDK_PROJECT_ID": "s"}, "k", ("s", None), id="the SDK's environment"),
        pytest.param({}, {}, "k", ("k", None), id="where the keys are"),
        pytest.param({"project_id": " ", "project_name": None}, {"HW_PROJECT_ID": "", "HW_PROJECT_NAME": " n "}, "k", (None, "n"), id="blanks"),
    ],
)
def test_which_project(options, environment, of_the_keys, expected):
    assert project_setting(options, environment, Credentials("x", project_id=of_the_keys)) == expected
