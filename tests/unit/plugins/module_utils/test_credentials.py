# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources of credentials: each alone, each before the next, and each one invalid."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import (
    ENVIRONMENT,
    Credentials,
    auth_url_setting,
    find_credentials,
    from_environment,
    is_blank,
    project_setting,
    region_setting,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError
from keyfiles import INI, PROFILE, write_ini, write_profiles
from loopback import answering, serve

PROJECT = "0123456789abcdef0123456789abcdef"
OFF = {"metadata_endpoint": "none"}

# The fields of each source for the access key, the secret key and the security token.
OPTIONS = ("access_key", "secret_key", "security_token")
HW = ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN")
SDK = ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home directory of its own, and no environment variables."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Place:
    """A source with a complete key pair of its own, and what is needed for it to be searched."""

    def __init__(self, home, stack):
        self.options = dict(OFF)
        self.environment = {}
        self._home = home
        self._stack = stack

    def add(self, place):
        keys = [f"AK-example-{place}", f"SK-example-{place}", f"STS-example-{place}"]
        if place == "options":
            self.options.update(zip(OPTIONS, keys))
        elif place == "HW_":
            self.environment.update(zip(HW, keys))
        elif place == "HUAWEICLOUD_SDK_":
            self.environment.update(zip(SDK, keys))
        elif place == "profile":
            write_profiles(self._home, {"name": "default", **dict(zip(PROFILE, keys))})
            self.options["profile"] = "default"
        elif place == "credentials_file":
            write_ini(self._home, dict(zip(INI, keys)), file="named")
            self.options["credentials_file"] = "~/named"
        elif place == "HW_PROFILE":
            write_profiles(self._home, {"name": "default", **dict(zip(PROFILE, keys))})
            self.environment["HW_PROFILE"] = "default"
        elif place == "HUAWEICLOUD_SDK_CREDENTIALS_FILE":
            write_ini(self._home, dict(zip(INI, keys)), file="named")
            self.environment["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = "~/named"
        elif place == "file":
            write_ini(self._home, dict(zip(INI, keys)))
        else:
            credential = {"credential": {"access": keys[0], "secret": keys[1], "securitytoken": keys[2], "expires_at": "2099-01-31T08:00:00.000000Z"}}
            self.options["metadata_endpoint"] = self._stack.enter_context(serve(answering((b"TOKEN-example", 200, {}), (credential, 200, {})))).url

    def find(self):
        return find_credentials(self.options, self.environment)


PLACES = {
    "options": "the module's options",
    "profile": "the profile 'default' in ~/.hcloud/config.json",
    "credentials_file": "the credentials file ~/named",
    "HW_": "the HW_ environment variables",
    "HUAWEICLOUD_SDK_": "the HUAWEICLOUD_SDK_ environment variables",
    "HW_PROFILE": "the profile 'default' in ~/.hcloud/config.json",
    "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "the credentials file ~/named",
    "file": "the credentials file ~/.huaweicloud/credentials",
    "metadata": "the metadata service http://127.0.0.1:",
}


@pytest.fixture
def places(home):
    with contextlib.ExitStack() as stack:
        yield Place(home, stack)


# ---- One source, and one before another


@pytest.mark.parametrize("place", PLACES)
def test_each_place_alone(places, place):
    places.add(place)
    found = places.find()
    assert (found.access_key, found.secret_key, found.security_token) == (f"AK-example-{place}", f"SK-example-{place}", f"STS-example-{place}")
    assert found.token is None
    assert found.source.startswith(PLACES[place])
    assert found.chosen is (place in ("profile", "credentials_file"))
    assert found.secrets() == (f"SK-example-{place}", f"STS-example-{place}")


# A file can't have two contents.
SAME_FILE = (("profile", "HW_PROFILE"), ("credentials_file", "HUAWEICLOUD_SDK_CREDENTIALS_FILE"))
PAIRS = [pair for pair in itertools.combinations(PLACES, 2) if pair not in SAME_FILE]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_each_place_before_the_other(places, first, second):
    """And nothing from the second one is used."""
    places.add(second)
    places.add(first)
    found = places.find()
    assert (found.access_key, found.secret_key, found.security_token) == (f"AK-example-{first}", f"SK-example-{first}", f"STS-example-{first}")


def test_a_security_token_is_not_taken_from_another_place():
    environment = dict(zip(HW, ("AK-example", "SK-example", "STS-example")))
    found = find_credentials({"access_key": "AK-example-options", "secret_key": "SK-example-options", **OFF}, environment)
    assert found.security_token is None


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        pytest.param({"token": "TOKEN-example"}, {}, id="option"),
        pytest.param({}, {"HW_AUTH_TOKEN": "TOKEN-example"}, id="environment"),
        pytest.param({"token": "TOKEN-example", "access_key": "AK-example", "secret_key": "SK-example"}, {}, id="before a pair of the same place"),
        pytest.param({"token": "TOKEN-example", "access_key": "AK-example"}, {}, id="before an incomplete pair of the same place"),
        pytest.param({"token": "TOKEN-example"}, dict(zip(HW, ("AK-example", "SK-example"))), id="before a pair of a later place"),
        pytest.param({}, {"HW_AUTH_TOKEN": "TOKEN-example", **dict(zip(SDK, ("AK-example", "SK-example")))}, id="before a pair of the SDK's environment"),
    ],
)
def test_a_ready_token(options, environment):
    found = find_credentials({**options, **OFF}, environment)
    assert (found.token, found.access_key, found.secret_key) == ("TOKEN-example", None, None)
    assert found.secrets() == ("TOKEN-example",)


def test_a_pair_of_an_earlier_place_comes_before_a_token():
    assert find_credentials({"access_key": "AK-example", "secret_key": "SK-example", **OFF}, {"HW_AUTH_TOKEN": "TOKEN-example"}).token is None


def test_blanks_around_a_key_do_not_count():
    """A key file that is read with a lookup ends with a line break."""
    found = find_credentials({"access_key": " AK-example\n", "secret_key": "\tSK-example\r\n", **OFF}, {})
    assert (found.access_key, found.secret_key) == ("AK-example", "SK-example")


def test_secrets_do_not_appear_by_accident():
    found = Credentials("somewhere", "AK-example", "SK-secret", "STS-secret", "TOKEN-secret")
    assert "secret" not in f"{found} {found!r}"


def test_later_places_are_not_read_if_an_earlier_one_has_the_keys(home):
    """An invalid file that is not needed does no harm."""
    write_ini(home, {}, section="broken")
    with serve(lambda connection: connection.answer({}, 500)) as metadata:
        environment = {"HW_PROFILE": "unknown", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "missing"}
        find_credentials({"metadata_endpoint": metadata.url}, {**environment, **dict(zip(HW, ("AK-example", "SK-example")))})
    assert metadata.connections == 0


# ---- Blank values


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
    keys = dict(zip(PROFILE, ("AK-example", "SK-example", blank)))
    write_profiles(home, {"name": "default", **keys, "region": blank, "projectId": blank})
    found = find_credentials({"profile": "default", **OFF}, {})
    assert (found.security_token, found.region, found.project_id) == (None, None, None)
    write_ini(home, {"ak": "AK-example", "sk": "SK-example", "security_token": blank, "project_id": blank, "iam_endpoint": blank})
    found = find_credentials(OFF, {})
    assert (found.security_token, found.project_id, found.auth_url) == (None, None, None)


def test_nothing_anywhere(home):
    """One error lists everything that was searched, in order."""
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(OFF, {})
    assert caught.value.message == (
        "No credentials found. Set an access key and its secret key, or an existing IAM token. Searched, in this order: "
        "the module's options (none of access_key, secret_key, security_token, token is set); "
        "the HW_ environment variables (none of HW_ACCESS_KEY, HW_SECRET_KEY, HW_SECURITY_TOKEN, HW_AUTH_TOKEN is set); "
        "the HUAWEICLOUD_SDK_ environment variables (none of HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_SECURITY_TOKEN is set); "
        "a profile in ~/.hcloud/config.json (neither profile nor shared_config_file is set); "
        "the credentials file ~/.huaweicloud/credentials (does not exist); "
        "the metadata service (disabled)."
    )
    assert caught.value.code == "Configuration"


# ---- An incomplete pair


@pytest.mark.parametrize(
    ("place", "names"),
    [("options", OPTIONS), ("HW_", HW), ("HUAWEICLOUD_SDK_", SDK), ("profile", PROFILE), ("file", INI), ("metadata", ("access", "secret", "securitytoken"))],
)
@pytest.mark.parametrize("present", [(0,), (1,), (2,), (0, 2), (1, 2)], ids=["access key", "secret key", "security token", "no secret key", "no access key"])
def test_an_incomplete_pair(home, place, names, present):
    """The message names what is missing and where, shows no value, and no later source is searched."""
    half = {names[index]: f"VALUE-of-{index}" for index in present}
    options, environment = dict(OFF), dict(zip(SDK, ("AK-example", "SK-example"))) if place in ("options", "HW_") else {}
    handle = answering((b"TOKEN-example", 200, {}), ({"credential": half}, 200, {}))
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
        assert message == "The profile 'default' in ~/.hcloud/config.json has neither accessKeyId nor secretAccessKey (its mode is 'AKSK')."
        return
    missing = " and ".join(names[index] for index in (0, 1) if index not in present)
    verbs = ["is" if len(names_) == 1 else "are" for names_ in (half, missing.split(" and "))]
    assert message.startswith(f"Incomplete credentials: {' and '.join(half)} {verbs[0]} set, but {missing} {verbs[1]} not ({PLACES[place]}")


@pytest.mark.parametrize("value", ["A K", "A\nK", "A\tK", "A\u00a0K", "schl\u00fcssel", "\u5bc6\u94a5", "A\x00K", "A\x7fK"])
@pytest.mark.parametrize("field", ["access_key", "secret_key", "security_token", "token"])
def test_characters_that_no_key_has(field, value):
    """They are not allowed in a header, and the HTTP library's error would show them."""
    options = {"access_key": "AK-example", "secret_key": "SK-example", "security_token": "STS-example", **OFF, field: value}
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(options, {})
    message = "it has a character that no key has, such as a space or a line break"
    assert caught.value.message == f"Invalid {field} in the module's options: {message}."
    assert value not in caught.value.message


@pytest.mark.parametrize("value", ['"{}"', "'{}'", "{}'", '"{}', "`{}`", "\u201c{}\u201d", "\u2018{}\u2019"])
@pytest.mark.parametrize("field", ["access_key", "secret_key", "security_token", "token"])
def test_keys_in_quotation_marks(field, value):
    """As from a file with lines such as KEY="value" that is not read by a shell. They would cause a 401."""
    value = value.format("KEY-example")
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({"access_key": "AK-example", "secret_key": "SK-example", **OFF, field: value}, {})
    assert caught.value.message == f"Invalid {field} in the module's options: it begins or ends with a quotation mark. Remove the quotation marks."


@pytest.mark.parametrize("value", ["A", "1234567"])
@pytest.mark.parametrize("field", ["access_key", "secret_key", "security_token", "token"])
def test_keys_that_are_too_short(field, value):
    """They would be masked wherever their few characters occur."""
    with pytest.raises(ConfigurationError) as caught:
        find_credentials({"access_key": "AK-example", "secret_key": "SK-example", **OFF, field: value}, {})
    assert caught.value.message == f"Invalid {field} in the module's options: it has fewer than 8 characters."
    assert find_credentials({"access_key": "12345678", "secret_key": "12345678", **OFF}, {}).secret_key == "12345678"


def test_the_message_names_the_variable_and_the_field_of_a_file(home):
    with pytest.raises(ConfigurationError, match="Invalid HW_SECRET_KEY in the HW_ environment variables: "):
        find_credentials(OFF, {"HW_ACCESS_KEY": "AK-example", "HW_SECRET_KEY": "short"})
    write_ini(home, {"ak": "AK-example", "sk": "short"})
    with pytest.raises(ConfigurationError, match=r"Invalid sk in the credentials file ~/\.huaweicloud/credentials: "):
        find_credentials(OFF, {})


# ---- Sources that the user sets


def test_an_option_that_names_a_place_counts_before_the_environment(home):
    """And only this source is read: the other one, which the environment sets, is not."""
    write_profiles(home, {"name": "mine", "accessKeyId": "AK-example", "secretAccessKey": "SK-example"})
    keys = dict(zip(HW, ("AK-elsewhere", "SK-elsewhere")))
    for options in ({"profile": "mine"}, {"shared_config_file": "~/.hcloud/config.json", "profile": "mine"}):
        assert find_credentials({**options, **OFF}, {**keys, "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "missing"}).access_key == "AK-example"
    write_ini(home, {"ak": "AK-in-file", "sk": "SK-in-file"}, file="named")
    environment = {**keys, "HW_PROFILE": "missing", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "missing"}
    assert find_credentials({"credentials_file": "~/named", **OFF}, environment).access_key == "AK-in-file"


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        ({"profile": "missing"}, {}, "can't be read"),
        ({"credentials_file": "missing"}, {}, "does not exist"),
        ({}, {"HW_PROFILE": "missing"}, "can't be read"),
        ({}, {"HW_SHARED_CONFIG_FILE": "missing"}, "can't be read"),
        ({}, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "missing"}, "does not exist"),
    ],
)
def test_a_place_that_is_named_must_be_usable(home, options, environment, words):
    """Keys from another source are never used instead."""
    write_ini(home, {"ak": "AK-example", "sk": "SK-example"})
    keys = dict(zip(HW, ("AK-example", "SK-example"))) if options else {}
    with pytest.raises(ConfigurationError, match=words):
        find_credentials({**options, **OFF}, {**environment, **keys})


def test_one_half_of_the_name_of_a_profile_from_the_environment(home):
    file = write_profiles(home, {"name": "mine", "accessKeyId": "AK-example", "secretAccessKey": "SK-example"}, file="shared.json")
    assert find_credentials({"profile": "mine", **OFF}, {"HW_SHARED_CONFIG_FILE": file}).chosen
    assert find_credentials({"shared_config_file": file, **OFF}, {"HW_PROFILE": "mine"}).chosen


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


def test_what_an_option_names_says_where(home):
    """Region and project of a profile set by an option take precedence over those in the environment, which may belong to another account."""
    environment = {"HW_REGION_NAME": "r-env", "HW_PROJECT_ID": "p-env", "HW_AUTH_URL": "https://env"}
    chosen = Credentials("x", chosen=True, region="r-keys", project_id="p-keys", auth_url="https://keys")
    options = {"region": " r-option ", "project_name": "p-option", "auth_url": "https://option"}
    for given, variables, credentials, expected in (
        ({}, environment, chosen, ("r-keys", ("p-keys", None), "https://keys")),
        ({}, environment, chosen._replace(chosen=False), ("r-env", ("p-env", None), "https://env")),
        ({}, environment, Credentials("x", chosen=True), ("r-env", ("p-env", None), "https://env")),
        ({}, {}, chosen._replace(chosen=False), ("r-keys", ("p-keys", None), "https://keys")),
        (options, environment, chosen, ("r-option", (None, "p-option"), "https://option")),
        ({}, {}, Credentials("x"), (None, (None, None), None)),
    ):
        settings = (given, variables, credentials)
        assert (region_setting(*settings), project_setting(*settings), auth_url_setting(*settings)) == expected
