# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only signatures that match those of the official SDK are accepted."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from official_caller import Caller, Reply
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator

NOW = datetime.datetime.now(datetime.timezone.utc)


def refused(caller: Caller, method: str, target: str, headers: dict[str, str]) -> str:
    """The message of the 401 response to this request."""
    answer = caller.send(method, target, headers)
    assert (answer.status, answer.code) == (401, "APIGW.0301")
    return str(answer.json()["error_msg"])


def test_a_signed_request_is_let_in(caller: Caller) -> None:
    assert caller.call("projects", {"name": "a b/c~*", "x": ""}).status == 200


@pytest.mark.parametrize("flaw", [
    {"secret_key": "wrong"}, {"access_key": "AKUNKNOWN"}, {"date": NOW - datetime.timedelta(minutes=16)}, {"date": NOW + datetime.timedelta(hours=3)},
    {"headers": {"X-Security-Token": "of nobody"}},
])
def test_a_flawed_request_is_refused_with_the_access_key_in_the_text(caller: Caller, flaw: dict[str, object]) -> None:
    text = refused(caller, *caller.sign(*caller.path("projects"), **flaw)[:3])
    assert str(flaw.get("access_key", caller.access_key)) in text


@pytest.mark.parametrize("tamper", ["method", "path", "query", "header", "signature", "unsigned date"])
def test_a_request_changed_on_its_way_is_refused(waiting: Simulator, caller: Caller, tamper: str) -> None:
    method, target, headers, _content = caller.sign(*caller.path("cancel"), {"a": "1"}, headers={"X-Project-Id": caller.project_id})
    if tamper == "method":
        method, target, headers, _content = caller.sign("PUT", caller.path("cancel")[1])
        method = "POST"
    elif tamper == "path":
        target = target.replace("5560df16", "5560df17")
    elif tamper == "query":
        target = target.replace("a=1", "a=2")
    elif tamper == "header":
        headers["X-Project-Id"] = "f" * 32
    elif tamper == "signature":
        headers["Authorization"] = headers["Authorization"][:-1] + ("0" if headers["Authorization"][-1] != "0" else "1")
    else:
        headers["Authorization"] = headers["Authorization"].replace(";x-sdk-date", "")
    refused(caller, method, target, headers)
    assert waiting.effective_cancels() == []


def test_a_body_changed_on_its_way_is_refused(caller: Caller) -> None:
    method, target, headers, content = caller.sign(*caller.path("resize"), body={"new_capacity": 4})
    assert caller.send(method, target, headers, content.replace(b"4", b"8")).status == 401


def test_nothing_or_nonsense_is_refused(caller: Caller) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"X-Auth-Token": "of nobody"}):
        refused(caller, *caller.path("projects"), headers)


def test_a_token_is_let_in_until_it_expires(cloud: Simulator, caller: Caller) -> None:
    headers = {"X-Auth-Token": str(DEFAULT_ACCOUNTS[0].token)}
    assert caller.send(*caller.path("projects"), headers).status == 200
    cloud.change_account(caller.access_key, expired=True)
    refused(caller, *caller.path("projects"), headers)


def test_temporary_keys_need_their_security_token(cloud: Simulator, caller: Caller) -> None:
    account = DEFAULT_ACCOUNTS[1]
    keys = {"access_key": account.access_key, "secret_key": account.secret_key}
    assert caller.call("projects", **keys, headers={"X-Security-Token": str(account.security_token)}).status == 200
    assert caller.call("projects", **keys).status == 401
    cloud.change_account(account.access_key, expired=True)
    assert caller.call("projects", **keys, headers={"X-Security-Token": str(account.security_token)}).status == 401


def test_a_failing_access_key_is_locked_for_a_while(cloud: Simulator, caller: Caller) -> None:
    for _attempt in range(5):
        assert caller.call("projects", secret_key="wrong").status == 401
    assert cloud.state()["locks"] == []
    assert caller.call("projects").status == 200, "five failures lock nothing, and a success starts the count anew"
    for _attempt in range(6):
        assert caller.call("projects", secret_key="wrong").status == 401
    assert [lock["access_key"] for lock in cloud.state()["locks"]] == [caller.access_key]
    assert "reach the limit" in caller.call("projects").json()["error_msg"]
    cloud.advance(301)
    assert caller.call("projects").status == 200


def test_temporary_account_of_another_project(cloud: Simulator, caller: Caller) -> None:
    assert caller.call("instances", headers={"X-Project-Id": "f" * 32}).code == "DCS.2003"
    assert cloud.requests()[0]["access_key"] == caller.access_key


def log_in(caller: Caller, scope: Any = None, **changes: Any) -> Reply:
    """Request a token with the password of the first account; `changes` are for the user, `methods` are those of authentication."""
    account = DEFAULT_ACCOUNTS[0]
    methods = changes.pop("methods", ["password"])
    user = {"domain": {"name": account.domain}, "name": account.user, "password": account.password, **changes}
    asked = {"auth": {"identity": {"methods": methods, "password": {"user": user}}, **({"scope": scope} if scope is not None else {})}}
    return caller.send("POST", "/v3/auth/tokens?nocatalog=true", {"Content-Type": "application/json"}, json.dumps(asked).encode())


def test_a_token_by_password_is_good_for_its_project_and_a_day(cloud: Simulator, caller: Caller) -> None:
    answer = log_in(caller, {"project": {"id": caller.project_id}})
    assert (answer.status, answer.json()["token"]["project"]["id"]) == (201, caller.project_id)
    headers = {"X-Auth-Token": str(answer.headers["X-Subject-Token"])}
    assert caller.send(*caller.path("instances"), headers).status == 200
    cloud.advance(24 * 3600)
    refused(caller, *caller.path("instances"), headers)


def test_a_token_by_password_without_a_project_enters_none(caller: Caller) -> None:
    answer = log_in(caller)
    headers = {"X-Auth-Token": str(answer.headers["X-Subject-Token"])}
    assert (answer.status, caller.send(*caller.path("instances"), headers).status) == (201, 403)


@pytest.mark.parametrize(("scope", "changes", "status"), [
    (None, {"password": "wrong"}, 401), (None, {"name": "nobody"}, 401), (None, {"domain": {"name": "another"}}, 401), ({"project": {"id": "f" * 32}}, {}, 401),
    (None, {"password": ""}, 400), (None, {"domain": {}}, 400), (None, {"methods": ["totp"]}, 400), ({"project": {}}, {}, 400), ("project", {}, 400),
])
def test_who_does_not_log_in_properly_gets_no_token(caller: Caller, scope: Any, changes: dict[str, Any], status: int) -> None:
    answer = log_in(caller, scope, **changes)
    assert (answer.status, answer.json()["error"]["code"], answer.headers["X-Subject-Token"]) == (status, status, None)
