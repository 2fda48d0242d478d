# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All errors have the same attributes."""

from __future__ import annotations

import inspect

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _errors
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, RefusedError

ERRORS = [error for _name, error in inspect.getmembers(_errors, inspect.isclass) if issubclass(error, DcsError)]


@pytest.mark.parametrize("error", ERRORS)
def test_facts(error: type[DcsError]) -> None:
    facts = {} if error is _errors.ConfigurationError else {"http_status": 400, "request_id": "r1", "retry_after": 3}
    raised = error("No.", code="DCS.4002", **facts)
    assert str(raised) == raised.message == "No."
    assert raised.as_result() == {"code": "DCS.4002", "message": "No.", "http_status": facts.get("http_status"), "request_id": facts.get("request_id")}
    assert raised.retry_after == facts.get("retry_after")


@pytest.mark.parametrize("error", ERRORS)
def test_no_facts(error: type[DcsError]) -> None:
    code = "Configuration" if error is _errors.ConfigurationError else None
    assert error("No.").as_result() == {"code": code, "message": "No.", "http_status": None, "request_id": None}


def test_a_refusal_is_known_to_have_had_no_effect_and_a_lost_answer_is_not() -> None:
    refused = {error.__name__ for error in ERRORS if issubclass(error, RefusedError)}
    assert refused == {
        "RefusedError",
        "NotExtendingError",
        "BusyError",
        "AuthenticationError",
        "ForbiddenError",
        "NotFoundError",
        "ThrottledError",
    }


@pytest.mark.parametrize(
    ("reason", "facts", "message"),
    [
        ("No", {}, "No."),
        ("No. ", {"hint": " "}, "No."),
        ("No", {"hint": "Set region"}, "No. Set region."),
        ("No!", {"hint": "Really?"}, "No! Really?"),
        ("\u4e0d\u3002", {}, "\u4e0d\u3002"),
        ("", {"hint": "Set region."}, "Set region."),
        ("No", {"method": "POST", "path": "/v2/p"}, "No. (POST /v2/p)"),
        ("No.", {"method": "GET", "path": "/v2/p", "hint": "Set region"}, "No. Set region. (GET /v2/p)"),
        ("No", {"method": "GET"}, "No."),
        ("No", {"path": "/v2/p"}, "No."),
    ],
)
def test_message(reason: str, facts: dict[str, str], message: str) -> None:
    """The reason, then the hint, and the request last."""
    error = RefusedError(reason, **facts)  # type: ignore[arg-type]
    assert error.message == str(error) == error.as_result()["message"] == message
    assert error.explanation == message.partition(" (")[0]
    assert error.request == ("" if len(facts) < 2 else f"{facts['method']} {facts['path']}")


@pytest.mark.parametrize(("hint", "expected"), [(None, "Set region."), ("", ""), ("Wait.", "Wait.")])
def test_other_words_for_the_same_error(hint: str | None, expected: str) -> None:
    error = RefusedError("No.", code="DCS.4002", http_status=400, request_id="r1", method="GET", path="/v2/p", hint="Set region.")
    told = error.with_reason("It did not work", hint)
    assert told.message == " ".join(filter(None, ("It did not work.", expected, "(GET /v2/p)")))
    assert told.as_result() == {**error.as_result(), "message": told.message}
    assert error.message == "No. Set region. (GET /v2/p)"


def test_what_nobody_foresaw() -> None:
    error = RefusedError("No.")
    assert _errors.unexpected(error) is error
    assert _errors.unexpected(KeyError("x")).as_result() == {
        "code": "InternalError",
        "message": "Unexpected KeyError: 'x'.",
        "http_status": None,
        "request_id": None,
    }
