# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""The errors of this collection, as one small hierarchy.

All of them have the same attributes, so that any can be turned into a module's result in one place.
"""

from __future__ import annotations


class DcsError(Exception):
    """The base of all errors of this collection.

    :param reason: what went wrong, as a sentence
    :param code: the API's error code, such as `DCS.4239`, or one of our own, such as `WaitTimeout`; None if there is none
    :param http_status: the status of the response; None if there was none
    :param request_id: the request ID, which Huawei Cloud support asks for; None if the response had none
    :param retry_after: seconds to wait before the next attempt, as requested by the response; None if not requested
    :param method: of the request, such as `POST`; None if the error is not about a request
    :param path: of the request's URL; None likewise
    :param hint: what the user can do, as sentences; may be empty
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
        """The reason and the hint, without the request: the part that errors of several requests may share."""
        return " ".join(filter(None, (sentence(self.reason), sentence(self.hint))))

    @property
    def message(self) -> str:
        """The explanation, followed by the request in parentheses."""
        return " ".join(filter(None, (self.explanation, self.request and f"({self.request})")))

    def with_reason(self, reason: str, hint: str | None = None) -> DcsError:
        """The same error with another reason.

        :param hint: None: unchanged
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
        """The form in which modules return the error."""
        return {"code": self.code, "message": self.message, "http_status": self.http_status, "request_id": self.request_id}


class ConfigurationError(DcsError):
    """An option, an environment variable or a file can't be used. No request was sent to DCS."""

    def __init__(self, reason: str, *, code: str = "Configuration", hint: str = "") -> None:
        super().__init__(reason, code=code, hint=hint)


class StoppedError(DcsError):
    """The request was not sent: an earlier one was refused with HTTP 401 or a proxy's 407, or the run was interrupted."""


class UnsentError(DcsError):
    """The request was not sent, so it certainly had no effect: no connection could be made, or the time limit had expired."""


class PermanentConnectionError(UnsentError):
    """A connection can't be made, and a retry would not help: for example, because of an untrusted certificate or a proxy that refuses it. Or no attempt
    was made, because earlier requests failed."""


class LostAnswerError(DcsError):
    """The request may have been sent and its effect is unknown: no response, an incomplete or unexpected one, or HTTP 5xx."""


class RefusedError(DcsError):
    """The API, or the gateway in front of it, refused the request, which had no effect."""


class NotExtendingError(RefusedError):
    """`DCS.4239`: no resize of the instance is pending."""


class BusyError(RefusedError):
    """The instance is busy, perhaps because its resize has started."""


class AuthenticationError(RefusedError):
    """HTTP 401, or HTTP 407 from a proxy: the credentials were not accepted."""


class ForbiddenError(RefusedError):
    """HTTP 403: the caller is authenticated but not permitted to do this."""


class NotFoundError(RefusedError):
    """HTTP 404: no such instance, or no such API in this region."""


class ThrottledError(RefusedError):
    """HTTP 429: too many requests; the request was not processed."""


def sentence(text: str) -> str:
    """The text with a full stop, unless it is empty or already ends with a punctuation mark."""
    text = text.strip()
    return text if not text or text[-1] in ".!?。" else f"{text}."


def unexpected(error: Exception) -> DcsError:
    """The error itself, or an error for users that describes an unexpected exception."""
    return error if isinstance(error, DcsError) else DcsError(f"Unexpected {type(error).__name__}: {error}", code="InternalError")
