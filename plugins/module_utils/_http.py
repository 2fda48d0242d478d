# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Signs and sends requests, and turns each response into a result or an error.

Guarantees to the layers above, besides those of `Pace`:

- A retry is a new request with a new signature. A POST is repeated here only if it certainly had no effect; if that is unknown, `LostAnswerError` is raised.
- A module can safely return what responses contain, and no error message shows a secret.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import json
import math
import re
import threading
import time
import typing as t
from urllib.parse import quote, urlsplit

from ._errors import (
    AuthenticationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotFoundError,
    PermanentConnectionError,
    RefusedError,
    ThrottledError,
    UnsentError,
)
from ._pace import Call, Pace, RetryBudget, nobody_waits
from ._signature import canonical_query
from ._transport import NoConnectionError, NoReplyError, Transport

with contextlib.suppress(Exception):  # _module says what is wrong before any of this is used
    import requests

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from requests.auth import AuthBase

    from ._transport import Reply

#: Maximum number of seconds for which Retry-After is obeyed.
MAX_RETRY_AFTER = 60.0
#: Maximum number of characters of an API message, and of an excerpt from an unexpected body.
MAX_MESSAGE = 1000
MAX_EXCERPT = 200
#: Maximum nesting depth of received data; deeper data breaks ansible-core's own serialization.
MAX_DEPTH = 32

T = t.TypeVar("T")


class Response(t.NamedTuple):
    """A success response.

    :ivar request: method and path of the request
    :ivar data: the JSON object of the body
    :ivar http_status: 200 to 299
    :ivar request_id: from the header `X-Request-Id`, or from the body; None if neither has one
    """

    request: tuple[str, str]
    data: dict[str, t.Any]
    http_status: int
    request_id: str | None

    def unexpected(self, what: str) -> LostAnswerError:
        """The error for a success response with unexpected content.

        :param what: what is wrong with it, as the end of a sentence
        """
        method, path = self.request
        return LostAnswerError(
            f"Unexpected response (HTTP {self.http_status}): {what}",
            code="UnexpectedAnswer", http_status=self.http_status, request_id=self.request_id, method=method, path=path,
        )


class Http:
    """Sends requests, and returns a result or raises an error for each.

    :param timeout: seconds, for connecting and for each read
    :param max_retries: maximum number of retries of one call
    :param concurrency: maximum number of requests in flight, and of connections kept open
    :param validate_certs: whether the server's certificate is verified
    :param ca_path: a file or folder of CA certificates to trust instead of the system's
    :param ca_path_name: the option or variable that sets it, for messages
    :param secrets: what must be masked in messages, including those of the API
    :param user_agent: sent with each request
    :param unauthorized_hint: the hint for HTTP 401
    """

    def __init__(
        self,
        *,
        timeout: float = 30,
        max_retries: int = 5,
        concurrency: int = 1,
        validate_certs: bool = True,
        ca_path: str | None = None,
        ca_path_name: str = "ca_path",
        secrets: tuple[str, ...] = (),
        user_agent: str = "ansible-huaweicloud.dcs",
        unauthorized_hint: str = "",
    ) -> None:
        self._timeout = timeout
        self._concurrency = concurrency
        self._secrets = secrets
        self._secret_pattern: re.Pattern[str] | None = None
        self._unauthorized_hint = unauthorized_hint
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": user_agent}
        self._pace = Pace(max_retries, nobody_waits)
        self._transport = Transport(
            concurrency=concurrency,
            validate_certs=validate_certs,
            ca_path=ca_path,
            ca_path_name=ca_path_name,
            # Without a reference to self, which would be a cycle: an unused object is to close its connections at once.
            on_status=functools.partial(_stop_if_refused, self._pace),
        )
        # One response at a time, because parsed data takes many times the memory of the bytes.
        self._parsing = threading.Lock()

    def call(self, max_retries: int | None = None, deadline: float = math.inf) -> Call:
        """A call that may need several requests, as a context manager.

        :param max_retries: None: as configured
        :param deadline: the latest time at which a request may begin, on the clock of `time.monotonic()`
        """
        return Call(self._pace, max_retries, deadline)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()

    def sleep(self, seconds: float) -> None:
        """Pause between two calls.

        :raises StoppedError: no more requests may be sent
        """
        self._pace.sleep(seconds)

    def in_parallel(self, function: Callable[[t.Any], t.Any], items: Sequence[t.Any]) -> list[t.Any]:
        """The function's result for each item, in order. As many run at once as requests may be in flight."""
        return self._pace.in_parallel(function, items, self._concurrency)

    def get(
        self,
        url: str,
        query: Mapping[str, str | int] | None = None,
        *,
        auth: AuthBase,
        headers: Mapping[str, str] | None = None,
        retries: RetryBudget | None = None,
        read: Callable[[Response], T],
    ) -> T:
        """Send a GET request, and retry it if that may help.

        :param retries: the retry budget; None: a new one
        :param read: converts the response to a smaller result; one response is converted at a time
        :raises DcsError: the last attempt failed
        """
        if retries is None:
            with self.call() as call:
                return self.get(url, query, auth=auth, headers=headers, retries=call.retries, read=read)
        if query:
            url = f"{url}?{canonical_query((name, str(value)) for name, value in query.items())}"
        while True:
            try:
                return self._send("GET", url, auth, headers, retries.call, read)
            except (UnsentError, ThrottledError, LostAnswerError) as error:
                if isinstance(error, PermanentConnectionError) or not retries.wait(error):
                    error.hint = error.hint or _advice(error, retries)
                    raise

    def post(self, url: str, *, auth: AuthBase, headers: Mapping[str, str] | None = None, retries: RetryBudget) -> Response:
        """Send a POST request. It is repeated only if it certainly had no effect.

        :param retries: the retry budget
        :raises LostAnswerError: its effect is unknown; the caller decides whether to repeat it
        :raises DcsError: the last attempt failed
        """
        while True:
            try:
                return self._send("POST", url, auth, headers, retries.call, lambda response: response)
            except (UnsentError, ThrottledError) as error:
                if isinstance(error, PermanentConnectionError) or not retries.wait(error):
                    error.hint = error.hint or _advice(error, retries)
                    raise

    def _send(self, method: str, url: str, auth: AuthBase, headers: Mapping[str, str] | None, call: Call, read: Callable[[Response], T]) -> T:
        """One attempt."""
        parts = urlsplit(url)
        request = (method, parts.path)
        self._pace.acquire(f"{parts.scheme}://{parts.netloc}", call)
        began = time.monotonic()
        status: int | None = None
        error: DcsError | None = None
        accepted = False
        try:
            # Signed only now: the signature contains the current time.
            prepared = _prepare(method, url, {**self._headers, **(headers or {})}, auth)
            reply = self._transport.send(prepared, call.timeout(self._timeout))
            status = reply.status
            with self._parsing:
                response = self._parse_response(request, reply)
                accepted = True
                return read(response)
        except DcsError as raised:
            error = raised
            accepted = accepted or _is_of_the_api(raised)
            error.method, error.path = error.method or method, error.path or parts.path
            raise
        except NoConnectionError as raised:
            error = self._no_connection(raised, request)
            raise error from raised
        except NoReplyError as raised:
            error = self._lost(f"No response: {self._mask(str(raised))}", request, None)
            raise error from raised
        except Exception as raised:
            error = self._lost(f"Unexpected {type(raised).__name__}: {self._mask(str(raised))}", request, status, code="InternalError")
            raise error from raised
        finally:
            call.took(time.monotonic() - began)
            self._pace.release(f"{parts.scheme}://{parts.netloc}", status, error, accepted)

    def _no_connection(self, error: NoConnectionError, request: tuple[str, str]) -> DcsError:
        facts: dict[str, t.Any] = {"method": request[0], "path": request[1], "http_status": error.http_status, "hint": error.hint}
        if error.http_status == 407:
            return _proxy_refusal(error.target, facts)
        reason = f"No connection to {error.target}: {self._mask(error.reason)}"
        if error.permanent and error.http_status is None:
            return PermanentConnectionError(reason, code="TlsError", **facts)
        kind = PermanentConnectionError if error.permanent else UnsentError
        return kind(reason, code="ConnectionFailed", **facts)

    def _lost(self, reason: str, request: tuple[str, str], status: int | None, code: str = "NoAnswer", **facts: t.Any) -> LostAnswerError:
        return LostAnswerError(reason, code=code, http_status=status, method=request[0], path=request[1], **facts)

    def _parse_response(self, request: tuple[str, str], reply: Reply) -> Response:
        """Return a success response, or raise the error for any other."""
        status = reply.status
        data = _parse(reply.body) if reply.problem is None else None
        request_id = _clean(reply.headers.get("X-Request-Id") or "")[:256] or None
        code, message = None, None
        if isinstance(data, dict):
            request_id = request_id or _text(data.get("request_id"))
            code, message = (self._mask(text)[:MAX_MESSAGE] if text else None for text in _error_of(data))
        facts: dict[str, t.Any] = {"http_status": status, "request_id": request_id, "method": request[0], "path": request[1]}
        if 200 <= status < 300 and isinstance(data, dict):
            return Response(request, data, status, request_id)
        # Only the body shows whether a refusal is DCS.4239. Redirects and these statuses are clear without it.
        if reply.problem is not None and not 300 <= status < 400 and status not in (*_KINDS, 407):
            raise LostAnswerError(f"HTTP {status}, but the response is incomplete: {self._mask(reply.problem)}", code="NoAnswer", **facts)
        if 200 <= status < 300:
            reason = f"Unexpected response (HTTP {status}): the body is not a JSON object: {self._excerpt(reply.body)}"
            raise LostAnswerError(reason, code="UnexpectedAnswer", **facts)
        if 300 <= status < 400:
            target = self._mask(_clean(reply.headers.get("Location") or "an unknown location"))[:MAX_EXCERPT]
            raise RefusedError(f"HTTP {status}: a redirect to {target}, which is not followed", code="Redirect", hint="Check endpoint and auth_url.", **facts)
        if status == 407:
            raise _proxy_refusal("the proxy", facts)
        kind = LostAnswerError if status >= 500 or status < 200 else _KINDS.get(status, RefusedError)
        words = message or (self._excerpt(reply.body) if reply.problem is None else self._mask(reply.problem))
        hint = self._unauthorized_hint if kind is AuthenticationError else ""
        raise kind(
            f"HTTP {status}{f' {code}' if code else ''}: {words}", code=code, retry_after=_retry_after(reply.headers.get("Retry-After")), hint=hint, **facts
        )

    def _excerpt(self, body: bytes) -> str:
        """A short, readable excerpt from an unexpected body."""
        # Masked before it is cut: part of a secret would not be recognized.
        text = self._mask(body.decode("utf-8", "replace"))
        text = text[:20000]
        # Without the head of an HTML page: its title repeats the heading.
        text = text[max(text.lower().find("<body"), 0) :]
        text = re.sub(r"<[^>]*>|[\s\x00-\x1f\x7f]+", " ", text)
        return " ".join(text.split())[:MAX_EXCERPT] or "(empty)"

    def _mask(self, text: str) -> str:
        if self._secrets:
            if self._secret_pattern is None:
                self._secret_pattern = re.compile("|".join(map(_spellings, sorted(self._secrets, key=len, reverse=True))))
            text = self._secret_pattern.sub("***", text)
        text = re.sub(r"://\S*@", "://***@", text)  # a user and a password in a URL
        return re.sub(r"\b[0-9a-fA-F]{64}\b", "***", text)  # a signature


def _stop_if_refused(pace: Pace, status: int) -> None:
    """Stop all further requests after HTTP 401 or 407, whatever follows the status line."""
    if status in (401, 407):
        lock = "repeated authentication failures lock the access key" if status == 401 else "repeated authentication failures lock proxy accounts"
        pace.stop(f"an earlier request got HTTP {status}, and {lock}")


def _prepare(method: str, url: str, headers: Mapping[str, str], auth: AuthBase) -> requests.PreparedRequest:
    try:
        prepared = requests.PreparedRequest()
        prepared.prepare(method=method, url=url, headers=headers, auth=auth)
        return prepared
    except Exception as error:
        # The exception's message may contain the value of a header.
        raise PermanentConnectionError(f"The request can't be made: {type(error).__name__}", code="Configuration") from None


_KINDS: dict[int, type[DcsError]] = {401: AuthenticationError, 403: ForbiddenError, 404: NotFoundError, 429: ThrottledError}

#: The format of the API's error codes: `DCS.4239`, `APIGW.0301`, or the legacy `111400061`.
_API_CODE = re.compile(r"\s*([A-Za-z][A-Za-z_-]*\s*\.\s*\d{3,}|\d{6,})\s*")


def _advice(error: DcsError, retries: RetryBudget) -> str:
    """What to do once no retry is left. It is the same for all requests of a run, so that their errors can be grouped."""
    if isinstance(error, ThrottledError):
        return f"Run it again later, or raise max_retries (now {retries.max_retries})."
    return "Run it again later." if isinstance(error, LostAnswerError) else ""


def _is_of_the_api(error: DcsError) -> bool:
    """Whether an error shows that the API has accepted the credentials: it has an API code, and is about neither authentication nor throttling."""
    status = error.http_status or 0
    return 400 <= status < 500 and status not in (401, 407, 429) and bool(_API_CODE.fullmatch(error.code or ""))


def _proxy_refusal(target: str, facts: dict[str, t.Any]) -> AuthenticationError:
    hint = "Check the user name and password in the proxy variables (https_proxy, http_proxy). Repeated failures lock proxy accounts."
    reason = f"HTTP 407: {target} requires authentication, or has rejected the credentials"
    return AuthenticationError(reason, code="ProxyAuthentication", **{**facts, "hint": hint})


def _spellings(secret: str) -> str:
    """A pattern that matches a secret as it is, JSON-escaped, URL-encoded or HTML-escaped."""

    def spell(character: str) -> str:
        if character.isalnum() and character.isascii():
            return character
        encoded = "".join(f"%{byte:02x}" for byte in character.encode())
        escapes = {json.dumps(character)[1:-1], f"\\u{ord(character):04x}", f"\\{character}", encoded, quote(character, safe=""), f"&#{ord(character)};"}
        variants = {character, *escapes, *(escape.upper() for escape in escapes), *(escape.replace("\\U", "\\u") for escape in map(str.upper, escapes))}
        return f"(?:{'|'.join(sorted(map(re.escape, variants), key=len, reverse=True))})"

    return "".join(map(spell, secret))


def _parse(body: bytes) -> t.Any:
    try:
        return harmless(json.loads(body))
    except (ValueError, RecursionError):
        return None


def harmless(value: t.Any, depth: int = 0) -> t.Any:
    """Received data without anything that would break a module's result: lone surrogates, numbers that JSON does not have or with too many digits, keys
    that ansible-core reserves, and structures that are nested too deeply."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        return "(nested too deeply)"
    if isinstance(value, dict):
        return {_RESERVED.sub("", _clean(str(key))): harmless(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [harmless(member, depth + 1) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > 64:
        return "(a number with too many digits)"
    return value


_RESERVED = re.compile(r"^_+(?=ansible)")


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _text(value: t.Any) -> str | None:
    """A code or message as a string, even if it was received as a number; None if it is blank or of another type."""
    return str(value).strip() or None if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _error_of(data: dict[str, t.Any]) -> tuple[str | None, str | None]:
    """Code and message from the body of an error: `error_code` as in DCS and API Gateway, or the legacy `{"error": {"code", "message"}}`."""
    for source in (data, data.get("error")):
        if isinstance(source, dict):
            code = next(filter(None, (_text(source.get(name)) for name in ("error_code", "errorCode", "code"))), None)
            message = next(filter(None, (_text(source.get(name)) for name in ("error_msg", "errorMsg", "message"))), None)
            if code or message:
                return code, message
    return None, None


def _retry_after(value: str | None) -> float | None:
    """The header `Retry-After`, which is a number of seconds or a date, as seconds from now; None if it is invalid."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        if not date:
            return None
        try:
            # A date without a zone is in UTC.
            seconds = email.utils.mktime_tz(date) - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
