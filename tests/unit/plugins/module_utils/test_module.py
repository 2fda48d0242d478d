# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options and the environment to a connection: where requests go, as whom, and what is wrong with a set-up."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _credentials, _http, _module
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import summarize
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK, Script

KEYS = {"access_key": "AK", "secret_key": "SK-is-secret"}
ONE = {"instance_id": INSTANCE, "task_id": TASK}


def run(arguments: dict[str, Any], **environment: str) -> dict[str, Any]:
    return run_module(dcs_resize_cancel, {**ONE, **arguments}, environment=environment)


def origin(script: Script, number: int = -1) -> str:
    """Where a request went."""
    url = str(script.requests[number].url)
    return url[: url.index("/", len("https://"))]


# ---- Endpoints


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({"region": "cn-north-4"}, {}, "https://dcs.cn-north-4.myhuaweicloud.com"),
        ({"region": "eu-west-101", "cloud": "myhuaweicloud.eu"}, {}, "https://dcs.eu-west-101.myhuaweicloud.eu"),
        ({}, {"HW_REGION_NAME": "xy-new-99", "HW_CLOUD": "example.org"}, "https://dcs.xy-new-99.example.org"),
        ({"region": "a", "cloud": "b"}, {"HW_REGION_NAME": "c", "HW_CLOUD": "d"}, "https://dcs.a.b"),
        ({"region": ""}, {"HW_REGION_NAME": " ", "HW_DCS_ENDPOINT": "https://dcs.example.org/"}, "https://dcs.example.org"),
        ({"endpoint": "dcs.example.org"}, {"HW_DCS_ENDPOINT": "https://other"}, "https://dcs.example.org"),
        ({"endpoint": "https://dcs.example.org:8443"}, {}, "https://dcs.example.org:8443"),
        ({"endpoint": "http://127.0.0.1:9"}, {}, "http://127.0.0.1:9"),
        ({"endpoint": "http://[::1]:9"}, {}, "http://[::1]:9"),
    ],
)
def test_endpoint(script: Script, options: dict[str, Any], environment: dict[str, str], expected: str) -> None:
    script.expect_cancel()
    result = run({**KEYS, "project_id": PROJECT, **options}, **environment)
    assert origin(script) == expected
    assert result["warnings"] == []


@pytest.mark.parametrize("host", ["dcs.example.org", "10.0.0.1", "127.example.org", "localhost.example.org"])
def test_plain_http_is_warned_of(script: Script, host: str) -> None:
    script.expect_cancel()
    result = run({**KEYS, "project_id": PROJECT, "endpoint": f"http://{host}"})
    assert ["is not encrypted" in warning and host in warning for warning in result["warnings"]] == [True]


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://dcs.example.org",
        "https://",
        "https://user:pw@dcs.example.org",
        "https://dcs.example.org?a=b",
        "https://dcs.example.org#a",
        "https://dcs.example.org:port",
        "https://dcs.example.org:0",
        "https://dcs.example.org:99999",
        "https://[::1",
        "https://dcs example.org",
        "https://dcs.example.org\\@other.example.org",
    ],
)
def test_an_endpoint_that_is_none(script: Script, endpoint: str) -> None:
    assert "The endpoint must be a URL" in run({**KEYS, "project_id": PROJECT, "endpoint": endpoint})["msg"]
    assert script.requests == []


@pytest.mark.parametrize("name", ["region", "cloud"])
@pytest.mark.parametrize("text", ["a/b", "a@b", "a b", "a?b", "a#b", "a:443"])
def test_a_region_or_cloud_that_can_be_no_part_of_a_host(script: Script, name: str, text: str) -> None:
    """It would send the keys' signature elsewhere than it seems."""
    assert run({**KEYS, "project_id": PROJECT, "region": "cn-north-4", name: text})["msg"] == f"The {name} {text!r} can be no part of a host's name"
    assert script.requests == []


def test_no_region(script: Script) -> None:
    message = run({**KEYS, "project_id": PROJECT})["msg"]
    assert "Which region?" in message
    assert "HW_REGION_NAME" in message
    assert "HW_DCS_ENDPOINT" in message
    assert script.requests == []


# ---- Projects


def expect_project(script: Script, name: str) -> None:
    script.expect("GET", "/v3/projects", {"name": name}, body={"projects": [{"id": PROJECT, "name": name}]})
    script.expect_cancel()


@pytest.mark.parametrize(
    ("options", "environment", "name", "iam"),
    [
        ({"region": "cn-north-4"}, {}, "cn-north-4", "https://iam.cn-north-4.myhuaweicloud.com"),
        ({"region": "cn-north-4", "project_name": "cn-north-4_sub"}, {}, "cn-north-4_sub", "https://iam.cn-north-4.myhuaweicloud.com"),
        ({"region": "cn-north-4"}, {"HW_PROJECT_NAME": "named"}, "named", "https://iam.cn-north-4.myhuaweicloud.com"),
        ({"region": "cn-north-4", "auth_url": "https://iam.example.org/v3/"}, {}, "cn-north-4", "https://iam.example.org"),
        ({"region": "cn-north-4"}, {"HW_AUTH_URL": "https://iam.example.org:31943/v3"}, "cn-north-4", "https://iam.example.org:31943"),
        ({"region": "cn-north-4"}, {"HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://iam.example.org"}, "cn-north-4", "https://iam.example.org"),
        ({"endpoint": "https://dcs.x", "auth_url": "https://iam.x", "project_name": "p"}, {}, "p", "https://iam.x"),
    ],
)
def test_project_is_looked_up(script: Script, options: dict[str, Any], environment: dict[str, str], name: str, iam: str) -> None:
    expect_project(script, name)
    assert run({**KEYS, **options}, **environment)["changed"]
    assert origin(script, 0) == iam
    assert "X-Project-Id" not in script.requests[0].headers
    assert script.requests[1].headers["X-Project-Id"] == PROJECT


@pytest.mark.parametrize("name", ["HW_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID"])
def test_project_id_from_the_environment_costs_no_request(script: Script, name: str) -> None:
    script.expect_cancel()
    assert run({**KEYS, "region": "cn-north-4"}, **{name: PROJECT})["changed"]


def test_no_project(script: Script) -> None:
    assert "Which project?" in run({**KEYS, "endpoint": "https://dcs.example.org"})["msg"]
    assert script.requests == []


def test_a_project_id_that_is_none(script: Script) -> None:
    assert run({**KEYS, "region": "cn-north-4", "project_id": "a/b"})["resizes"][0]["error"]["code"] == "InvalidId"
    assert script.requests == []


# ---- As whom


def test_a_token(script: Script) -> None:
    expect_project(script, "cn-north-4")
    run({"region": "cn-north-4"}, HW_AUTH_TOKEN="a-ready-token")
    assert [(request.headers["X-Auth-Token"], "Authorization" in request.headers) for request in script.requests] == [("a-ready-token", False)] * 2


def test_temporary_keys(script: Script) -> None:
    script.expect_cancel()
    run({"region": "cn-north-4"}, HW_ACCESS_KEY="AK", HW_SECRET_KEY="SK-is-secret", HW_SECURITY_TOKEN="STS", HW_PROJECT_ID=PROJECT)
    assert script.requests[0].headers["X-Security-Token"] == "STS"


@pytest.mark.parametrize(
    "secrets",
    [
        {"HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": "SK-is-secret", "HW_SECURITY_TOKEN": "STS-is-secret"},
        {"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": "SK-is-secret"},
        {"HW_AUTH_TOKEN": "TOKEN-is-secret"},
    ],
)
def test_secrets_of_the_environment_are_masked(script: Script, secrets: dict[str, str]) -> None:
    script.expect_cancel(400, body={"error_code": "X", "error_msg": " ".join(secrets.values())})
    assert "-is-secret" not in str(run({"region": "cn-north-4"}, HW_PROJECT_ID=PROJECT, **secrets))


def test_the_user_agent_names_the_collection_and_ansible(script: Script) -> None:
    script.expect_cancel()
    run({**KEYS, "region": "cn-north-4", "project_id": PROJECT})
    assert script.requests[0].headers["User-Agent"] == "huaweicloud.dcs ansible-core/2.16.0"


# ---- Settings of the transport


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ({}, {}, {"timeout": 30, "max_retries": 5, "concurrency": 8, "validate_certs": True, "ca_path": None}),
        ({"timeout": 7, "max_retries": 0, "concurrency": 64}, {}, {"timeout": 7, "max_retries": 0, "concurrency": 64}),
        ({"validate_certs": False}, {"HW_INSECURE": "false"}, {"validate_certs": False}),
        ({"ca_path": "/ca"}, {"HW_CACERT": "/other"}, {"ca_path": "/ca"}),
        ({}, {"HW_MAX_RETRIES": "2", "HW_CACERT": "/ca", "HW_INSECURE": "true"}, {"max_retries": 2, "ca_path": "/ca", "validate_certs": False}),
        ({}, {"HW_MAX_RETRIES": " ", "HW_CACERT": "", "HW_INSECURE": ""}, {"max_retries": 5, "ca_path": None, "validate_certs": True}),
        ({}, {"HW_INSECURE": "false"}, {"validate_certs": True}),
        ({"validate_certs": True}, {"HW_INSECURE": "1"}, {"validate_certs": True}),
    ],
)
def test_settings(options: dict[str, Any], environment: dict[str, str], expected: dict[str, Any]) -> None:
    given: dict[str, Any] = {}

    def http(**settings: Any) -> None:
        given.update(settings)
        raise DcsError("Enough.", code="Enough")

    with patch("module_runner._http.Http", http):
        assert run({**KEYS, "region": "r", "project_id": PROJECT, **options}, **environment)["msg"] == "Enough."
    assert {name: given[name] for name in expected} == expected


@pytest.mark.parametrize(("name", "option"), [("HW_INSECURE", "validate_certs"), ("HW_MAX_RETRIES", "max_retries")])
def test_an_environment_variable_that_makes_no_sense(script: Script, name: str, option: str) -> None:
    result = run({**KEYS, "region": "r", "project_id": PROJECT}, **{name: "perhaps"})
    assert option in result["msg"]
    assert (result["changed"], result["resizes"]) == (False, [])
    assert script.requests == []


def test_every_environment_variable_belongs_to_an_option() -> None:
    assert set(_credentials.ENVIRONMENT) == set(_module.CONNECTION_OPTIONS) - {"timeout"}


def test_requests_is_missing() -> None:
    with patch.object(_module, "REQUESTS_IMPORT_ERROR", "Traceback: no requests"):
        result = run({**KEYS, "region": "r", "project_id": PROJECT})
    assert "requests" in result["msg"]
    assert (result["failed"], result["changed"], result["resizes"]) == (True, False, [])
    assert _http.REQUESTS_IMPORT_ERROR is None


# ---- Messages


def failures(count: int) -> list[tuple[str, DcsError]]:
    return [(f"i{number}", DcsError(f"Reason {number}" + "." * (number % 2))) for number in range(count)]


@pytest.mark.parametrize(
    ("errors", "total", "message"),
    [
        (failures(1), 1, "Reason 0"),
        (failures(1), 5, "1 of 5 things failed: i0. Reason 0."),
        (failures(2), 2, "2 of 2 things failed: i0, i1. Reason 0. Reason 1."),
        ([("i0", DcsError("Same.")), ("i0", DcsError("Same."))], 2, "2 of 2 things failed: i0. Same."),
    ],
)
def test_summary(errors: list[tuple[str, DcsError]], total: int, message: str) -> None:
    assert summarize(errors, total, "things") == message


def test_a_summary_names_all_and_gives_ten_reasons() -> None:
    message = summarize(failures(25), 30, "things")
    assert all(f"i{number}" in message for number in range(25))
    assert message.count("Reason") == 10
    assert message.endswith(" And 15 more reasons.")
