# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""One session with the cloud: TLS, timeouts, retries, and from the answer's envelope to a result or an error.

What it promises to the layers above, besides what L(Pace) does:

- A retry is a new request, signed afresh. Only what certainly had no effect is repeated here; for anything else L(LostAnswerError) is raised.
- No answer is read without bounds: neither in size nor in time.
"""

from __future__ import annotations

import email.utils
import http.client
import io
import json
import math
import os
import re
import socket
import ssl
import threading
import time
import traceback
import typing as t
from urllib.parse import urlsplit

from ._errors import (
    AuthenticationError,
    ConfigurationError,
    DcsError,
    ForbiddenError,
    LostAnswerError,
    NotFoundError,
    RefusedError,
    ThrottledError,
    UnsentError,
)
from ._pace import Attempts, Pace

try:
    import requests
    import requests.utils
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import HTTPError

    REQUESTS_IMPORT_ERROR: str | None = None
except Exception:  # _module says what is wrong before any of this is used; what requests imports may break in any way
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    HTTPAdapter = object  # type: ignore[assignment,misc]

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.auth import AuthBase

#: Bytes; a page of a hundred background tasks has about a tenth of a megabyte.
LARGEST_ANSWER = 4 * 1024 * 1024
#: An answer that trickles in is given up after so many times the timeout of one read.
SLOWEST_ANSWER = 3
#: Seconds; no Retry-After is obeyed for longer.
LONGEST_RETRY_AFTER = 60.0


class Answer(t.NamedTuple):
    """An answer that means success.

    :ivar request: what was asked: its method and path
    :ivar data: the JSON object of the body
    :ivar http_status: 200 to 299
    :ivar request_id: of the header C(X-Request-Id), or of the body; None if neither has one
    """

    request: str
    data: dict[str, t.Any]
    http_status: int
    request_id: str | None


class Http:
    """Sends requests and tells success from failure.

    :param timeout: seconds, for connecting and for each read
    :param max_retries: how often one call is repeated at most
    :param concurrency: how many connections are kept
    :param validate_certs: whether the server's certificate is verified
    :param ca_path: a file or a folder of certificates to trust instead of the system's
    :param secrets: what must not be shown even when the API's own words contain it
    :param user_agent: sent with each request
    :param unauthorized_hint: what may help against a 401, for its message
    """

    def __init__(
        self,
        *,
        timeout: float = 30,
        max_retries: int = 5,
        concurrency: int = 1,
        validate_certs: bool = True,
        ca_path: str | None = None,
        secrets: tuple[str, ...] = (),
        user_agent: str = "ansible-huaweicloud.dcs",
        unauthorized_hint: str = "",
    ) -> None:
        self._timeout = timeout
        self._max_retries = max_retries
        self._secrets = secrets
        self._unauthorized_hint = unauthorized_hint
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": user_agent}
        self._pace = Pace()
        self._concurrency = concurrency
        self._validate_certs = validate_certs
        self._ca_path = ca_path
        self._routing = threading.Lock()
        self._routes: dict[tuple[str, str], tuple[HTTPAdapter, dict[str, str]]] = {}

    def attempts(self, within: float = math.inf) -> Attempts:
        """The retries for a call that needs several requests of its own.

        :param within: seconds that the call has, if it has less than others
        """
        return Attempts(self._max_retries, self._pace, within)

    def sleep(self, seconds: float) -> None:
        """Wait between two calls.

        :raises StoppedError: a request was refused with 401
        """
        self._pace.sleep(seconds)

    def close(self) -> None:
        """Close all connections."""
        for adapter, _proxies in self._routes.values():
            adapter.close()

    def get(
        self,
        url: str,
        query: Mapping[str, str | int] | None = None,
        *,
        auth: AuthBase,
        headers: Mapping[str, str] | None = None,
        within: float = math.inf,
    ) -> Answer:
        """Read. Repeated whatever the failure, unless it was refused.

        :param within: seconds that this has, if it has less than others
        :raises DcsError: what the last attempt came to
        """
        attempts = self.attempts(within)
        while True:
            try:
                return self._repeat_unsent("GET", url, query, auth, headers, attempts)
            except LostAnswerError as error:
                if not attempts.wait(error):
                    raise

    def post(self, url: str, *, auth: AuthBase, headers: Mapping[str, str] | None = None, attempts: Attempts) -> Answer:
        """Act. Repeated only where the request certainly had no effect.

        :param attempts: the retries to take from
        :raises LostAnswerError: what it did is unknown; whether to repeat it is the caller's to decide
        :raises DcsError: what the last attempt came to
        """
        return self._repeat_unsent("POST", url, None, auth, headers, attempts)

    def _repeat_unsent(
        self, method: str, url: str, query: Mapping[str, str | int] | None, auth: AuthBase, headers: Mapping[str, str] | None, attempts: Attempts
    ) -> Answer:
        while True:
            try:
                return self._send(method, url, query, auth, headers, attempts)
            except (UnsentError, ThrottledError) as error:
                if isinstance(error, _HopelessError) or not attempts.wait(error):
                    raise

    def _send(
        self, method: str, url: str, query: Mapping[str, str | int] | None, auth: AuthBase, headers: Mapping[str, str] | None, attempts: Attempts
    ) -> Answer:
        """One attempt."""
        request = f"{method} {urlsplit(url).path}"
        adapter, proxies = self._route(url)
        self._pace.enter()
        began = time.monotonic()
        status: int | None = None
        _wire.sent = False
        try:
            prepared = requests.PreparedRequest()
            prepared.prepare(method=method, url=url, headers={**self._headers, **(headers or {})}, params=query, auth=auth)
            # Straight to the adapter: a session would add cookies, credentials from .netrc and redirects, none of which is wanted.
            with adapter.send(prepared, stream=True, timeout=attempts.timeout(self._timeout), verify=self._validate_certs, proxies=proxies) as response:
                status = response.status_code
                body = _read(response)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if status is None or not 300 <= status < 500:
                raise self._failure(request, urlsplit(url).netloc, error, status) from error
            body = b""  # The status alone is a refusal, whatever the rest would have said.
        finally:
            attempts.took(time.monotonic() - began)
            self._pace.leave(status)
        return self._judge(request, response, body)

    def _route(self, url: str) -> tuple[HTTPAdapter, dict[str, str]]:
        """The connections and the proxies for the origin of a URL."""
        origin = urlsplit(url)
        with self._routing:
            key = (origin.scheme, origin.netloc)
            if key not in self._routes:
                context = _tls_context(self._validate_certs, self._ca_path) if origin.scheme == "https" else None
                self._routes[key] = _Adapter(self._concurrency, context), requests.utils.get_environ_proxies(url)
            return self._routes[key]

    def _failure(self, request: str, host: str, error: Exception, status: int | None) -> DcsError:
        """What an attempt without a whole answer came to."""
        cause = _cause(error)
        # What says that a proxy's address makes no sense may show its password.
        unclear = isinstance(error, requests.exceptions.InvalidURL)
        reason = "its address or that of a proxy makes no sense" if unclear else self._mask(_reason(cause))
        # A server that hangs up in the middle of the handshake may be busy.
        if isinstance(error, requests.exceptions.SSLError) and not isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) and not _wire.sent:
            return _HopelessError(f"{request}: no trusted connection to {host}: {reason}", code="TlsError", http_status=status)
        if not _wire.sent:
            # Everything that is wrong with a value, such as the address of a proxy, is a ValueError.
            kind = _HopelessError if isinstance(error, ValueError) else UnsentError
            return kind(f"{request}: no connection to {host}: {reason}", code="ConnectionFailed", http_status=status)
        return LostAnswerError(f"{request}: sent, but no whole answer came: {reason}", code="NoAnswer", http_status=status)

    def _judge(self, request: str, response: requests.Response, body: bytes) -> Answer:
        """From the envelope of an answer to its content, or to an error."""
        status = response.status_code
        data = _parse(body)
        request_id = response.headers.get("X-Request-Id") or None
        code, message = None, None
        if isinstance(data, dict):
            request_id = request_id or _text(data.get("request_id"))
            code, message = (self._mask(text) if text else None for text in _error_of(data))
        if 200 <= status < 300:
            if isinstance(data, dict):
                return Answer(request, data, status, request_id)
            raise LostAnswerError(
                f"{request}: status {status} with a body that is no JSON object: {self._excerpt(body)}",
                code="UnexpectedAnswer", http_status=status, request_id=request_id,
            )
        if 300 <= status < 400:
            target = self._mask(response.headers.get("Location", "nowhere"))
            raise RefusedError(
                f"{request}: answered with a redirect ({status}) to {target}, which is not followed. Check 'endpoint' and 'auth_url'.",
                code="Redirect", http_status=status, request_id=request_id,
            )
        words = message or self._excerpt(body)
        kind = _kind_of(status)
        if kind is AuthenticationError and self._unauthorized_hint:
            words = f"{words.rstrip('.')}. {self._unauthorized_hint}"
        raise kind(
            f"{request}: answered with status {status}{f' and {code}' if code else ''}: {words}",
            code=code, http_status=status, request_id=request_id, retry_after=_retry_after(response.headers.get("Retry-After")),
        )

    def _excerpt(self, body: bytes) -> str:
        """A body that is not what was expected, as a few readable words."""
        text = re.sub(r"<[^>]*>|\s+", " ", body[:2000].decode("utf-8", "replace"))
        return self._mask(" ".join(text.split())[:200]) or "(empty)"

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"://\S*@", "://***@", text)  # a user and a password in a URL
        return re.sub(r"\b[0-9a-fA-F]{64}\b", "***", text)  # a signature


class _HopelessError(UnsentError):
    """The server's certificate is not trusted, or the address of a proxy makes no sense, which no retry changes."""


# Whether the request of this thread has begun to leave; exact, where the kinds of exceptions of requests and urllib3 are not.
_wire = threading.local()


class _BoundedReader(io.RawIOBase):
    """Reads from a socket until a deadline, which a timeout for each read alone does not keep, and no more than an answer may have with all around it."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._left = 2 * LARGEST_ANSWER
        self._timeout = sock.gettimeout()
        self._end = time.monotonic() + SLOWEST_ANSWER * self._timeout if self._timeout else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        if self._timeout and self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise socket.timeout(f"the answer did not end within {SLOWEST_ANSWER * self._timeout:g} s")
            self._socket.settimeout(min(left, self._timeout))
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise OSError("the answer does not end")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """A response whose header and body are read until a deadline."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(sock, self.fp.detach()))


class _Observed:
    """A connection that says when a request has begun to leave, and whose answers are bounded."""

    response_class: t.Any = _BoundedResponse
    sock: socket.socket | None

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        finally:
            # What a proxy was sent to get through to the API is no request.
            _wire.sent = False

    def send(self, data: t.Any) -> None:
        if self.sock is None:
            self.connect()
        _wire.sent = True
        super().send(data)  # type: ignore[misc]


def _observed(pool: t.Any) -> t.Any:
    """A kind of connection pool, whose connections are observed."""
    if issubclass(pool.ConnectionCls, _Observed):
        return pool
    connection = type("Connection", (_Observed, pool.ConnectionCls), {})
    return type("Pool", (pool,), {"ConnectionCls": connection})


class _Adapter(HTTPAdapter):
    """The connections to one origin, directly or through a proxy.

    :param size: how many connections are kept
    :param context: what TLS trusts; None where TLS is not used
    """

    def __init__(self, size: int, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=size)

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self._observe(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        self._observe(manager)
        return manager

    def cert_verify(self, conn: t.Any, url: str, verify: t.Any, cert: t.Any) -> None:
        """Leave trust to the context; requests would add a bundle of its own."""
        if self._context:
            conn.cert_reqs = self._context.verify_mode

    @staticmethod
    def _observe(manager: t.Any) -> None:
        manager.pool_classes_by_scheme = {scheme: _observed(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


def _tls_context(validate_certs: bool, ca_path: str | None) -> ssl.SSLContext:
    """What TLS trusts.

    :raises ConfigurationError: C(ca_path) can't be used
    """
    # The variables are those that users of requests know.
    trusted = ca_path or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        if not trusted:
            context = ssl.create_default_context()
        elif os.path.isdir(trusted):
            context = ssl.create_default_context(capath=trusted)
        else:
            context = ssl.create_default_context(cafile=trusted)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"The certificates in {trusted!r} (see 'ca_path') can't be read: {error}", code="Configuration") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # urllib3 compares the certificate's names with the host itself; its version 1 can't connect to an address if the context does so.
    context.check_hostname = False
    if not validate_certs:
        context.verify_mode = ssl.CERT_NONE
    return context


def _read(response: requests.Response) -> bytes:
    if response.status_code < 200:
        # The answer proper is still to come. Closing the connection keeps it from being taken for that to the next request.
        raise OSError(f"status {response.status_code}, which is no answer")
    body = bytearray()
    # Small, as each may unpack to a thousand times its size.
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise OSError(f"the answer is larger than {LARGEST_ANSWER} bytes")
    # Older versions of urllib3 take a connection that ends early for the end of the body.
    if response.raw.length_remaining:
        raise OSError(f"the answer ended {response.raw.length_remaining} bytes early")
    return bytes(body)


def _parse(body: bytes) -> t.Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: t.Any) -> str | None:
    """A code or a message, which may come as a number, as text."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None


def _error_of(data: dict[str, t.Any]) -> tuple[str | None, str | None]:
    """Code and message of an error's body: DCS's and API Gateway's C(error_code), or the older C({"error": {"code", "message"}})."""
    for source in (data, data.get("error")):
        if isinstance(source, dict):
            code = _text(source.get("error_code")) or _text(source.get("code"))
            message = _text(source.get("error_msg")) or _text(source.get("message"))
            if code or message:
                return code, message
    return None, None


_KINDS: dict[int, type[DcsError]] = {401: AuthenticationError, 403: ForbiddenError, 404: NotFoundError, 429: ThrottledError}


def _kind_of(status: int) -> type[DcsError]:
    return LostAnswerError if status >= 500 else _KINDS.get(status, RefusedError)


def _retry_after(value: str | None) -> float | None:
    """The header C(Retry-After), seconds or a date, as seconds from now; None if it makes no sense."""
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
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _cause(error: BaseException) -> BaseException:
    """What is at the bottom of an exception of requests."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((value for value in error.args if isinstance(value, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _reason(cause: BaseException) -> str:
    """An exception in a few words."""
    return re.sub(r"^<?\w+\(.*?\)>?: |^<[^>]*>: ", "", str(cause)) or type(cause).__name__
