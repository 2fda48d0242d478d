# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""What can go wrong on the way to the DCS API and back, as one small hierarchy.

Every error carries the same facts, so that one place can turn any of them into a module's result.
"""

from __future__ import annotations


class DcsError(Exception):
    """The base of all errors of this collection.

    :param reason: what went wrong, as a sentence
    :param code: the API's error code, such as `DCS.4239`, or a word of our own, such as `WaitTimeout`; None if there is none
    :param http_status: the status of the response; None if there was none
    :param request_id: what Huawei Cloud's support asks for; None if the response had none
    :param retry_after: seconds that the response asks to wait before the next attempt; None if it doesn't
    :param method: of the request, such as `POST`; None if the error is not about a request
    :param path: of the request's URL; None likewise
    :param hint: what the user can do, as sentences; empty if there is nothing to say
    """

    def __init__(
        self,
        reason: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        method: str | None = None,
        path: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after
        self.method = method
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    @property
    def request(self) -> str:
        """The request's method and path; empty if the error is not about a request."""
        return f"{self.method} {self.path}" if self.method and self.path else ""

    @property
    def explanation(self) -> str:
        """The reason, then what to do: what errors of several requests may have in common."""
        return " ".join(filter(None, (sentence(self.reason), sentence(self.hint))))

    @property
    def message(self) -> str:
        """The explanation, and the request last."""
        return " ".join(filter(None, (self.explanation, self.request and f"({self.request})")))

    def with_reason(self, reason: str, hint: str | None = None) -> DcsError:
        """The same error told in other words.

        :param hint: None: the one that it has
        """
        return DcsError(
            reason,
            code=self.code,
            http_status=self.http_status,
            request_id=self.request_id,
            method=self.method,
            path=self.path,
            hint=self.hint if hint is None else hint,
        )

    def as_result(self) -> dict[str, str | int | None]:
        """The error as users see it in a module's result."""
        return {"code": self.code, "message": self.message, "http_status": self.http_status, "request_id": self.request_id}


class ConfigurationError(DcsError):
    """The options, the environment or a file that they name can't be used. No request was sent."""

    def __init__(self, reason: str, *, code: str = "Configuration", hint: str = "") -> None:
        super().__init__(reason, code=code, hint=hint)


class StoppedError(DcsError):
    """The request was not sent: an earlier one was refused with HTTP 401 or a proxy's 407, or the run was interrupted."""


class UnsentError(DcsError):
    """The request did not reach the API: no connection could be made. It has certainly had no effect."""


class PermanentConnectionError(UnsentError):
    """No connection could be made, and another attempt would not change that: an untrusted certificate, a proxy that refuses. Or none was tried, as other
    requests have failed before."""


class LostAnswerError(DcsError):
    """The request may have been sent and its effect is unknown: no response, an incomplete one, HTTP 5xx or an unexpected one."""


class RefusedError(DcsError):
    """The API, or the gateway before it, refused the request, which had no effect."""


class NotExtendingError(RefusedError):
    """`DCS.4239`: no resize of the instance is pending."""


class BusyError(RefusedError):
    """The instance is busy, perhaps because its resize has started."""


class AuthenticationError(RefusedError):
    """HTTP 401, or 407 of a proxy: the credentials are not accepted."""


class ForbiddenError(RefusedError):
    """HTTP 403: the caller is known and may not do this."""


class NotFoundError(RefusedError):
    """HTTP 404: no such instance, or no such API in this region."""


class ThrottledError(RefusedError):
    """HTTP 429: too many requests; the request was not processed."""


def sentence(text: str) -> str:
    """A text with a full stop, unless it is empty or ends in one."""
    text = text.strip()
    return text if not text or text[-1] in ".!?。" else f"{text}."


def unexpected(error: Exception) -> DcsError:
    """The error itself, or for an exception that nobody foresaw an error for users."""
    return error if isinstance(error, DcsError) else DcsError(f"Unexpected {type(error).__name__}: {error}", code="InternalError")
