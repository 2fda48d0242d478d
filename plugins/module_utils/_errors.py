# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""What can go wrong on the way to the DCS API and back, as one small hierarchy.

Every error carries the same facts, so that one place can turn any of them into a module's result.
"""

from __future__ import annotations

import typing as t


class DcsError(Exception):
    """Something went wrong. The base of all errors of this collection.

    :param message: what was attempted and what came of it, one sentence for a human
    :param code: the API's error code, such as C(DCS.4239), or a word of our own, such as C(WaitTimeout); None if there is none
    :param http_status: the status of the answer; None if there was no answer
    :param request_id: what Huawei Cloud's support asks for; None if the answer had none
    :param retry_after: seconds that the answer asks to wait before the next try; None if it doesn't
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after

    def as_result(self) -> dict[str, str | int | None]:
        """The error as users see it in a module's result."""
        return {"code": self.code, "message": self.message, "http_status": self.http_status, "request_id": self.request_id}


class ConfigurationError(DcsError):
    """The options, the environment or a file they name can't be used. No request was sent."""

    def __init__(self, message: str, *, code: str = "Configuration", **facts: t.Any) -> None:
        super().__init__(message, code=code, **facts)


class StoppedError(DcsError):
    """The request was not sent, because an earlier one was refused with 401.

    An access key is locked after more than five failed authentications in a row, so none is risked.
    """


class UnsentError(DcsError):
    """The request did not reach the API: no connection could be made. It has certainly had no effect."""


class LostAnswerError(DcsError):
    """The request was sent and what it did is unknown: no answer, half an answer, a 5xx or an answer that makes no sense."""


class RefusedError(DcsError):
    """The API, or the gateway before it, answered and said no. The request had no effect."""


class AuthenticationError(RefusedError):
    """401: the access key, the secret key, the security token or the token is not accepted."""


class ForbiddenError(RefusedError):
    """403: who is asking is known and may not do this."""


class NotFoundError(RefusedError):
    """404: no such instance, or no such API in this region."""


class ThrottledError(RefusedError):
    """429: too many requests; not even looked at."""


def unexpected(error: Exception) -> DcsError:
    """The error itself, or for an exception that nobody foresaw an error for users."""
    return error if isinstance(error, DcsError) else DcsError(f"Unexpected {type(error).__name__}: {error}", code="InternalError")
