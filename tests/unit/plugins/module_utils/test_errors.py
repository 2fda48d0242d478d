# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors carry the same facts, whatever they are."""

from __future__ import annotations

import inspect

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _errors
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, RefusedError

ERRORS = [error for _name, error in inspect.getmembers(_errors, inspect.isclass) if issubclass(error, DcsError)]


@pytest.mark.parametrize("error", ERRORS)
def test_facts(error: type[DcsError]) -> None:
    raised = error("No.", code="DCS.4002", http_status=400, request_id="r1", retry_after=3)
    assert str(raised) == raised.message == "No."
    assert raised.as_result() == {"code": "DCS.4002", "message": "No.", "http_status": 400, "request_id": "r1"}
    assert raised.retry_after == 3


@pytest.mark.parametrize("error", ERRORS)
def test_no_facts(error: type[DcsError]) -> None:
    code = "Configuration" if error is _errors.ConfigurationError else None
    assert error("No.").as_result() == {"code": code, "message": "No.", "http_status": None, "request_id": None}


def test_a_refusal_is_known_to_have_had_no_effect_and_a_lost_answer_is_not() -> None:
    refused = {error.__name__ for error in ERRORS if issubclass(error, RefusedError)}
    assert refused == {"RefusedError", "AuthenticationError", "ForbiddenError", "NotFoundError", "ThrottledError"}
