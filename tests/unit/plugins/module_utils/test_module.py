# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections from options and the environment: where requests are sent, with which credentials, and how wrong settings are reported."""

from __future__ import annotations

import types
from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _cancel, _credentials, _module, _transport
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import summarize
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK, Script

KEYS = {"access_key": "AK-of-a-test", "secret_key": "SK-is-secret"}
ONE = {"instance_id": INSTANCE, "task_id": TASK}


def run(arguments: dict[str, Any], **environment: str) -> dict[str, Any]:
    return run_module(dcs_resize_cancel, {**ONE, **arguments}, environment=environment)


def origin(script: Script, number: int = -1) -> str:
    """The origin to which a request was sent."""
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
        "https://dcs.example.org?a=b",
        "https://dcs.example.org#a",
        "https://dcs.example.org:port",
        "https://dcs.example.org:0",
        "https://dcs.example.org:99999",
        "https://[::1",
        "https://dcs example.org",
    ],
)
def test_an_endpoint_that_is_none(script: Script, endpoint: str) -> None:
    for options, environment, name in (({"endpoint": endpoint}, {}, "endpoint"), ({}, {"HW_DCS_ENDPOINT": endpoint}, "HW_DCS_ENDPOINT")):
        assert f"Invalid URL in {name}. A valid one is https://dcs." in run({**KEYS, "project_id": PROJECT, **options}, **environment)["msg"]
    assert script.requests == []


URLS_WITH_PASSWORDS = [
    "https://user:PRIVATE-pw@dcs.example.org",
    "https://:PRIVATE-pw@dcs.example.org",
    "https://PRIVATE-pw@dcs.example.org",
    "https://user:PRIVATE-p/w@dcs.example.org",
    "https://user:PRIVATE-p@w@dcs.example.org",
    "https://user:PRIVATE-p#w@dcs.example.org",
    "https://user:PRIVATE%2Fpw@dcs.example.org/v3",
    "user:PRIVATE-pw@dcs.example.org",
    "https://dcs.example.org\\@PRIVATE-other.example.org",
    "  https://user:PRIVATE-pw@dcs.example.org ",
]


@pytest.mark.parametrize("url", URLS_WITH_PASSWORDS)
@pytest.mark.parametrize(("option", "variable"), [("endpoint", "HW_DCS_ENDPOINT"), ("auth_url", "HW_AUTH_URL"), ("auth_url", "HUAWEICLOUD_SDK_IAM_ENDPOINT")])
def test_a_url_with_a_user_or_a_password_is_refused_and_not_shown(script: Script, option: str, variable: str, url: str) -> None:
    """Not even among the module's arguments, whatever else is wrong with them."""
    for options, environment, name in (({option: url}, {}, option), ({}, {variable: url}, variable)):
        result = run({**KEYS, "region": "cn-north-4", **options}, **environment)
        assert f"Invalid URL in {name}: it contains a user name or a password. Remove it" in result["msg"]
        assert "PRIVATE-p" not in str(result)
        for mistake in ({"unknown": 1}, {"timeout": 0}, {"resizes": []}):
            assert "PRIVATE-p" not in str(run({**KEYS, "region": "cn-north-4", **options, **mistake}, **environment))
    assert script.requests == []


def test_nothing_to_do_shows_no_password_either(script: Script) -> None:
    result = run_module(dcs_resize_cancel, {"resizes": [], "endpoint": URLS_WITH_PASSWORDS[0]})
    assert not result.get("failed")
    assert "PRIVATE" not in str(result)


@pytest.mark.parametrize("end", ["", "/", "//", "/v2", "/v2/", "/V2", f"/v2/{PROJECT}", f"/v2/{PROJECT}/", "/v2/{project_id}", "/v2.0"])
def test_what_is_dropped_of_an_endpoint(script: Script, end: str) -> None:
    script.expect_cancel()
    assert run({**KEYS, "project_id": PROJECT, "endpoint": f"https://dcs.example.org{end}"})["changed"]


def test_another_path_of_an_endpoint_is_kept(script: Script) -> None:
    """As with the user's own gateway."""
    script.expect("POST", f"/huawei/dcs/v2/{PROJECT}/instances/{INSTANCE}/resize/cancel/{TASK}", body={"result": "success"})
    assert run({**KEYS, "project_id": PROJECT, "endpoint": "https://gateway.example.org/huawei/dcs/v2"})["changed"]


@pytest.mark.parametrize("end", ["", "/", "/v3", "/v3/", "/v3.0", "/V3", "/v3/auth", "/v3/auth/tokens", "/v3/auth/tokens/", "/v3/projects"])
def test_what_is_dropped_of_an_auth_url(script: Script, end: str) -> None:
    expect_project(script, "cn-north-4")
    assert run({**KEYS, "region": "cn-north-4", "auth_url": f"https://iam.example.org{end}"})["changed"]


@pytest.mark.parametrize("name", ["region", "cloud"])
@pytest.mark.parametrize("text", ["a/b", "a@b", "a b", "a?b", "a#b", "a:443"])
def test_a_region_or_cloud_that_can_be_no_part_of_a_host(script: Script, name: str, text: str) -> None:
    """It would send the signature to a different host than it appears."""
    assert run({**KEYS, "project_id": PROJECT, "region": "cn-north-4", name: text})["msg"] == (
        f"Invalid {name} {text!r}: only letters, digits, '-' and '.' are allowed. Nothing was cancelled."
    )
    assert script.requests == []


def test_no_region(script: Script) -> None:
    message = run({**KEYS, "project_id": PROJECT})["msg"]
    assert message == "No region. Set region (HW_REGION_NAME) or endpoint (HW_DCS_ENDPOINT). Nothing was cancelled."
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
    assert run({**KEYS, "endpoint": "https://dcs.example.org"})["msg"] == (
        "No project. Set project_id (HW_PROJECT_ID or HUAWEICLOUD_SDK_PROJECT_ID), project_name (HW_PROJECT_NAME) or region (HW_REGION_NAME). "
        "Nothing was cancelled."
    )
    assert script.requests == []


def test_a_project_id_that_is_none(script: Script) -> None:
    assert run({**KEYS, "region": "cn-north-4", "project_id": "a/b"})["resizes"][0]["error"]["code"] == "InvalidId"
    assert script.requests == []


# ---- Authentication


def test_a_token(script: Script) -> None:
    expect_project(script, "cn-north-4")
    run({"region": "cn-north-4"}, HW_AUTH_TOKEN="a-ready-token")
    assert [(request.headers["X-Auth-Token"], "Authorization" in request.headers) for request in script.requests] == [("a-ready-token", False)] * 2


def test_temporary_keys(script: Script) -> None:
    script.expect_cancel()
    run({"region": "cn-north-4"}, HW_ACCESS_KEY="AK-of-a-test", HW_SECRET_KEY="SK-is-secret", HW_SECURITY_TOKEN="STS-of-a-test", HW_PROJECT_ID=PROJECT)
    assert script.requests[0].headers["X-Security-Token"] == "STS-of-a-test"


@pytest.mark.parametrize(
    "secrets",
    [
        {"HW_ACCESS_KEY": "AK-of-a-test", "HW_SECRET_KEY": "SK-is-secret", "HW_SECURITY_TOKEN": "STS-is-secret"},
        {"HUAWEICLOUD_SDK_AK": "AK-of-a-test", "HUAWEICLOUD_SDK_SK": "SK-is-secret"},
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


WHOLE = "must be a whole number from"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ({"timeout": 0}, {}, f"timeout {WHOLE} 1 to 3600, but is 0."),
        ({"timeout": 10_000_000_000}, {}, f"timeout {WHOLE} 1 to 3600, but is 10000000000."),
        ({"timeout": "1e999999999"}, {}, f"timeout {WHOLE} 1 to 3600, but is '1e999999999'."),
        ({"timeout": float("inf")}, {}, f"timeout {WHOLE} 1 to 3600, but is inf."),
        ({"timeout": float("nan")}, {}, f"timeout {WHOLE} 1 to 3600, but is nan."),
        ({"timeout": "inf"}, {}, f"timeout {WHOLE} 1 to 3600, but is 'inf'."),
        ({"timeout": 1.5}, {}, f"timeout {WHOLE} 1 to 3600, but is 1.5."),
        ({"timeout": "soon"}, {}, f"timeout {WHOLE} 1 to 3600, but is 'soon'."),
        ({"timeout": True}, {}, f"timeout {WHOLE} 1 to 3600, but is True."),
        ({"timeout": [30]}, {}, f"timeout {WHOLE} 1 to 3600, but is [30]."),
        ({"wait_timeout": int("9" * 310)}, {}, f"wait_timeout {WHOLE} 0 to 604800, but is {'9' * 37}...."),
        ({"wait_timeout": "9" * 5000}, {}, f"wait_timeout {WHOLE} 0 to 604800, but is '{'9' * 36}...."),
        ({"wait_timeout": -1}, {}, f"wait_timeout {WHOLE} 0 to 604800, but is -1."),
        ({"concurrency": 65}, {}, f"concurrency {WHOLE} 1 to 64, but is 65."),
        ({"max_retries": -1}, {}, f"max_retries {WHOLE} 0 to 100, but is -1."),
        ({}, {"HW_MAX_RETRIES": "many"}, f"HW_MAX_RETRIES {WHOLE} 0 to 100, but is 'many'."),
        ({}, {"HW_MAX_RETRIES": "-1"}, f"HW_MAX_RETRIES {WHOLE} 0 to 100, but is '-1'."),
        ({}, {"HW_INSECURE": "perhaps"}, "HW_INSECURE must be true or false, but is 'perhaps'."),
        ({"validate_certs": "perhaps"}, {}, "validate_certs must be true or false, but is 'perhaps'."),
    ],
)
@pytest.mark.parametrize("module", [dcs_resize_cancel, dcs_resize_info])
def test_numbers_and_flags_that_make_no_sense(
    script: Script, module: types.ModuleType, arguments: dict[str, Any], environment: dict[str, str], message: str
) -> None:
    """They are named as the user set them; the result has all keys, and no secret."""
    asked = {"instance_id": INSTANCE} if module is dcs_resize_cancel else {"instance_ids": [INSTANCE]}
    if "wait_timeout" in arguments and module is dcs_resize_info:
        return
    result = run_module(module, {**KEYS, "region": "r", "project_id": PROJECT, **asked, **arguments}, environment=environment)
    assert result["msg"] == message
    assert (result["failed"], result["changed"], result["resizes"]) == (True, False, [])
    assert KEYS["secret_key"] not in str(result)
    assert script.requests == []


@pytest.mark.parametrize("value", [7, "7", " 7\n", 7.0, "7.0"])
def test_forms_of_a_number(script: Script, value: object) -> None:
    script.expect_cancel(error=ConnectionError("no"), sent=False)
    result = run({**KEYS, "region": "r", "project_id": PROJECT, "timeout": value, "max_retries": 0})
    assert result["resizes"][0]["outcome"] == "failed"
    assert result.get("invocation", {"module_args": {"timeout": 7}})["module_args"]["timeout"] == 7


# ---- White space


def test_white_space_around_any_text_is_dropped(script: Script) -> None:
    """Pasted text may end with a space or a line break."""
    script.expect_cancel()
    script.expect_cancel(instance_id="i2", task_id="t2")
    connection = {**KEYS, "region": "cn-north-4", "project_id": PROJECT, "endpoint": "https://dcs.example.org", "metadata_endpoint": "none"}
    padded = {**connection, "on_too_late": "ignore"}
    entries = [{" instance_id ": f" {INSTANCE}\n", "task_id": f"\t{TASK} "}, {"instance_id": "i2 ", "task_id\n": " t2"}]
    arguments = {**{name: f" {value}\r\n" for name, value in padded.items()}, "resizes": entries, "concurrency": " 1 "}
    result = run_module(dcs_resize_cancel, arguments)
    assert [(resize["instance_id"], resize["task_id"], resize["outcome"]) for resize in result["resizes"]] == [
        (INSTANCE, TASK, "cancelled"), ("i2", "t2", "cancelled"),
    ]


def test_white_space_in_a_list_that_is_given_as_text(script: Script) -> None:
    script.expect_tasks()
    script.expect_tasks(instance_id="i2")
    connection = {**KEYS, "region": "r", "project_id": PROJECT, "concurrency": 1}
    result = run_module(dcs_resize_info, {**connection, "instance_ids": f"{INSTANCE} , i2\n", "status": " waiting , created"})
    assert not result.get("failed"), result


@pytest.mark.parametrize("blank", ["", " ", "\n", None])
@pytest.mark.parametrize("others", [[], [INSTANCE]], ids=["alone", "with another"])
def test_a_blank_item_of_a_list_is_refused(script: Script, others: list[str], blank: str | None) -> None:
    """It must not select all instances of the project, nor fewer than intended."""
    result = run_module(dcs_resize_info, {**KEYS, "region": "r", "project_id": PROJECT, "instance_ids": [*others, blank]})
    assert result["failed"]
    assert result["msg"] == f"instance_ids must not have blank entries, but entry {len(others) + 1} is blank."
    assert (result["resizes"], script.requests) == ([], [])


def test_keys_of_a_mapping_that_differ_in_spaces_only(script: Script) -> None:
    result = run_module(dcs_resize_cancel, {**KEYS, "resizes": [{"instance_id": "i1", "instance_id ": "i2"}]})
    assert result["msg"] == "resizes has keys that differ only in spaces: 'instance_id', 'instance_id '."
    assert (result["resizes"], script.requests) == ([], [])


def test_every_environment_variable_belongs_to_an_option() -> None:
    assert set(_credentials.ENVIRONMENT) == set(_module.CONNECTION_OPTIONS) - {"timeout"}


# ---- Unexpected errors


class Strange(RuntimeError):
    """An exception that is not defined by this collection."""


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (dcs_resize_cancel, "cancel_resizes"), (dcs_resize_cancel, "requested"), (dcs_resize_cancel, "Plan"),
        (dcs_resize_info, "list_resizes"), (dcs_resize_info, "wanted_tags"), (dcs_resize_info, "rows"),
    ],
)
def test_whatever_goes_wrong_is_a_failure_with_all_keys(script: Script, module: types.ModuleType, function: str) -> None:
    if function == "rows":
        script.expect_tasks()
    asked = ONE if module is dcs_resize_cancel else {"instance_ids": [INSTANCE]}
    with patch.object(module, function, side_effect=Strange("SK-is-secret went wrong")):
        result = run_module(module, {**KEYS, "region": "r", "project_id": PROJECT, **asked})
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"] == "Unexpected Strange: ******** went wrong."
    assert result["resizes"] == []
    if module is dcs_resize_info:
        assert [(error["instance_id"], error["code"]) for error in result["errors"]] == [(None, "InternalError")]


@pytest.mark.parametrize("function", ["diff", "summarize"])
def test_what_goes_wrong_afterwards_hides_no_change(script: Script, function: str) -> None:
    script.ordered = False
    script.expect_cancel()
    script.expect_cancel(403, "DCS.2003", instance_id="i2")
    arguments = {**KEYS, "region": "r", "project_id": PROJECT, "resizes": [ONE, {**ONE, "instance_id": "i2"}]}
    with patch.object(dcs_resize_cancel, function, side_effect=Strange("wrong")):
        result = run_module(dcs_resize_cancel, arguments, diff=True)
    assert result["msg"] == "Unexpected Strange: wrong."
    assert (result["failed"], result["changed"]) == (True, True)
    assert [resize["outcome"] for resize in result["resizes"]] == ["cancelled", "failed"]


class Unwritable:
    """An object that can't be serialized as JSON."""


@pytest.mark.parametrize("failed", [False, True])
def test_what_can_not_be_written_hides_no_change(script: Script, failed: bool) -> None:
    """Such as a structure that is nested too deeply. Everything else is returned."""
    script.ordered = False
    script.expect_cancel()
    if failed:
        script.expect_cancel(403, "DCS.2003", instance_id="i2")
    arguments = {**KEYS, "region": "r", "project_id": PROJECT, "resizes": [ONE, {**ONE, "instance_id": "i2"}] if failed else [ONE]}
    details = {"new_capacity": "8", "nested": {"further": [Unwritable()]}}
    as_result = _cancel.Result.as_result
    with patch.object(_cancel.Result, "as_result", lambda result: {**as_result(result), "task": {"status": "WAITING", "details": details}}):
        result = run_module(dcs_resize_cancel, arguments)
    assert (result.get("failed", False), result["changed"]) == (failed, True)
    assert [resize["outcome"] for resize in result["resizes"]] == ["cancelled", "failed"][: len(arguments["resizes"])]
    assert result["resizes"][0]["task"] == {"status": "WAITING", "details": {"new_capacity": "8", "nested": None}}
    assert ("DCS.2003" in result.get("msg", "")) is failed


@pytest.mark.parametrize("cause", ["ModuleNotFoundError: No module named 'requests'", "AttributeError: module 'lib' has no attribute 'X509_V_FLAG'"])
@pytest.mark.parametrize("module", [dcs_resize_cancel, dcs_resize_info])
def test_requests_can_not_be_imported(module: types.ModuleType, cause: str) -> None:
    """Whatever the reason, it is named, and each requested resize is in the result."""
    asked = ONE if module is dcs_resize_cancel else {"instance_ids": [INSTANCE]}
    with patch.object(_module, "REQUESTS_IMPORT_ERROR", f"Traceback (most recent call last):\n  File ...\n{cause}\n"):
        result = run_module(module, {**KEYS, "region": "r", "project_id": PROJECT, **asked})
    assert "Failed to import the required Python library (requests) on " in result["msg"]
    assert cause in result["msg"]
    assert (result["failed"], result["changed"]) == (True, False)
    found = result["resizes"] if module is dcs_resize_cancel else result["errors"]
    assert [entry.get("error", entry)["code"] for entry in found] == ["Configuration"]
    assert _transport.REQUESTS_IMPORT_ERROR is None


# ---- Messages


def failures(count: int) -> list[tuple[str, DcsError]]:
    return [(f"i{number}", DcsError(f"Reason {number}" + "." * (number % 2), code=str(number))) for number in range(count)]


@pytest.mark.parametrize(
    ("errors", "total", "message"),
    [
        (failures(1), 1, "Reason 0."),
        (failures(1), 5, "1 of 5 things failed. i0: Reason 0."),
        (failures(2), 2, "2 of 2 things failed. i0: Reason 0. i1: Reason 1."),
        ([("i0", DcsError("Same.", code="A"))] * 2, 2, "2 of 2 things failed. i0: Same."),
        ([("i0", DcsError("A.", code="A")), ("i1", DcsError("B.", code="A", http_status=400))], 2, "2 of 2 things failed. i0: A. i1: B."),
    ],
)
def test_summary(errors: list[tuple[str, DcsError]], total: int, message: str) -> None:
    assert summarize(errors, total, "things") == message


def test_a_summary_has_one_sentence_for_each_status_and_code() -> None:
    """Even if the messages differ, because each names the path of its request. All failed items are named."""
    gone = [(f"i{number}", DcsError("Gone", code="DCS.3022", http_status=404, method="GET", path=f"/v2/p/instances/i{number}")) for number in range(30)]
    refused = [("i30", DcsError("Refused", code="DCS.2003", http_status=403, method="GET", path="/v2/p/instances/i30"))]
    message = summarize([*gone[:15], *refused, *gone[15:]], 40, "things")
    names = ", ".join(f"i{number}" for number in range(30))
    assert message == f"31 of 40 things failed. {names}: Gone. i30: Refused. (GET /v2/p/instances/i30)"
