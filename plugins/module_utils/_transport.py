# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Connections, TLS, proxies and deadlines. The only file that depends on urllib3 and http.client.

`NoConnectionError` guarantees that no connection could be made, so that the request had no effect. Any other failure of a connection may have happened
after the request took effect. As soon as the status line of a response has been read, its status counts, whatever follows.
"""

from __future__ import annotations

import http.client
import io
import os
import re
import socket
import ssl
import threading
import time
import traceback
import typing as t
import urllib.request
from urllib.parse import urlsplit

from ._errors import ConfigurationError

try:
    import requests.utils
    from requests.adapters import HTTPAdapter

    REQUESTS_IMPORT_ERROR: str | None = None
except Exception:  # _module reports the error before any of this is used; the dependencies of requests may break in any way
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    HTTPAdapter = object  # type: ignore[assignment,misc]

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

#: Maximum size of a response in bytes. A page of a thousand background tasks has about one megabyte.
MAX_RESPONSE_BYTES = 8 * 1024 * 1024
#: The maximum duration of a response, as a multiple of the timeout of one read.
RESPONSE_TIMEOUT_FACTOR = 3


class Reply(t.NamedTuple):
    """A response as it was received.

    :ivar problem: why headers or body did not arrive completely; None if they did
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    problem: str | None = None


class NoConnectionError(Exception):
    """No connection could be made: the request has certainly had no effect.

    :ivar target: the host or proxy that could not be reached
    :ivar reason: why, in a few words
    :ivar permanent: whether a retry would not help
    :ivar http_status: of a proxy's response to CONNECT; None if it did not refuse
    :ivar hint: what the user can do
    """

    def __init__(self, target: str, reason: str, permanent: bool, http_status: int | None = None, hint: str = "") -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = reason
        self.permanent = permanent
        self.http_status = http_status
        self.hint = hint


class NoReplyError(Exception):
    """The request may have been sent, but no status was received."""


class Transport:
    """Sends requests, over connections that are kept open.

    :param concurrency: how many connections to each origin are kept open
    :param validate_certs: whether certificates are verified
    :param ca_path: a file or folder of CA certificates to trust instead of the system's
    :param ca_path_name: the option or variable that sets it, for messages
    :param on_status: called with the status of each response as soon as it is known
    """

    def __init__(
        self,
        *,
        concurrency: int = 1,
        validate_certs: bool = True,
        ca_path: str | None = None,
        ca_path_name: str = "ca_path",
        on_status: Callable[[int], object] = lambda _status: None,
    ) -> None:
        self._concurrency = concurrency
        self._validate_certs = validate_certs
        self._ca = (ca_path_name, ca_path) if ca_path else None
        self._on_status = on_status
        self._routing = threading.Lock()
        self._routes: dict[tuple[str, str], tuple[_Adapter, _Proxy | None]] = {}

    def send(self, request: PreparedRequest, timeout: float) -> Reply:
        """Send a request once, and read the response.

        :param timeout: seconds, for connecting and for each read
        :raises ConfigurationError: the configured certificates or proxy can't be used; nothing was sent
        :raises NoConnectionError: nothing was sent
        :raises NoReplyError: the request may have been sent
        """
        url = t.cast(str, request.url)
        adapter, proxy = self._route(url)
        try:
            raw: t.Any = adapter.send(
                request, stream=True, timeout=timeout, verify=self._validate_certs, proxies={urlsplit(url).scheme: proxy.url} if proxy else None
            )
        except _NotConnectedError as error:
            raise self._no_connection(url, proxy, error) from error
        except _BrokenReplyError as error:
            return Reply(error.status, {}, b"", _describe(error.reason))
        except Exception as error:
            # Any other error: once the connection has been made, the request may have taken effect.
            raise NoReplyError(_describe(error)) from error
        try:
            return Reply(raw.status, raw.headers, _read(raw))
        except Exception as error:
            raw.close()
            return Reply(raw.status, raw.headers, b"", _describe(error))
        finally:
            raw.release_conn()

    def close(self) -> None:
        """Close the connections that are kept open."""
        for adapter, _proxy in self._routes.values():
            adapter.close()

    def _route(self, url: str) -> tuple[_Adapter, _Proxy | None]:
        """The connections to the origin of a URL, and the proxy for it: determined once."""
        origin = urlsplit(url)
        with self._routing:
            key = (origin.scheme, origin.netloc)
            if key not in self._routes:
                proxy = _proxy_for(url)
                # Separate contexts, because each checks the host name of its own peer.
                context = self._trust(origin.hostname) if origin.scheme == "https" else None
                proxy_context = self._trust(urlsplit(proxy.url).hostname) if proxy and proxy.url.startswith("https:") else None
                adapter = _Adapter(self._concurrency, context, proxy_context, self._on_status)
                if proxy:
                    try:
                        adapter.proxy_manager_for(proxy.url)
                    except Exception as error:
                        # The exception's message may contain the password.
                        raise ConfigurationError(f"The proxy in {proxy.source} can't be used ({type(error).__name__})") from None
                self._routes[key] = adapter, proxy
            return self._routes[key]

    def _trust(self, host: str | None) -> ssl.SSLContext:
        """The TLS context, with the certificates to trust.

        :raises ConfigurationError: the configured certificates can't be used
        """
        if not self._validate_certs:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            return context
        # The same variables as requests uses.
        variables = ((name, os.environ.get(name, "").strip()) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
        name, path = self._ca or next((pair for pair in variables if pair[1]), ("", ""))
        try:
            if not path:
                context = ssl.create_default_context()
            elif os.path.isdir(path):
                context = ssl.create_default_context(capath=path)
            else:
                context = ssl.create_default_context(cafile=path)
        except (OSError, ValueError) as error:
            key_log = os.environ.get("SSLKEYLOGFILE", "")
            if key_log and not _is_writable(key_log):
                name, path = "SSLKEYLOGFILE", key_log
            raise ConfigurationError(f"The file or directory {path!r} in {name or 'the system trust store'} can't be used: {_describe(error)}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _check_host(context, host)
        return context

    def _no_connection(self, url: str, proxy: _Proxy | None, error: _NotConnectedError) -> NoConnectionError:
        cause = error.reason
        target = f"the proxy {proxy}" if proxy and not error.beyond_proxy else urlsplit(url).netloc
        status = error.tunnel_status
        if status is not None and status != http.HTTPStatus.OK:
            return NoConnectionError(target, f"it answered CONNECT with HTTP {status}", 400 <= status < 500 and status not in (408, 429), status)
        # A server that closes the connection during the handshake may be busy.
        temporary = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError, socket.timeout)
        permanent = isinstance(cause, (ssl.SSLError, ValueError)) and not isinstance(cause, temporary)
        hint = ""
        if isinstance(_innermost(cause), socket.gaierror) and target == urlsplit(url).netloc:
            hint = "Check region and endpoint, or the name resolution of this host."
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "If a private CA issued the certificate, set ca_path or HW_CACERT."
            paths = ssl.get_default_verify_paths()
            if not self._ca and not paths.cafile and not paths.capath:
                hint = "This Python finds no system trust store: set ca_path or HW_CACERT to a file of CA certificates."
        return NoConnectionError(target, _describe(cause), permanent, None, hint)


class _Proxy(t.NamedTuple):
    """A proxy.

    :ivar url: including user name and password, if it has them
    :ivar source: the variable or the settings that it comes from
    """

    url: str
    source: str

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.netloc.rpartition('@')[2]} (from {self.source})"


class _NotConnectedError(Exception):
    """`connect()` failed. Of no type that urllib3 or requests handle, so that it passes through them, though perhaps without its cause.

    :ivar reason: why
    :ivar beyond_proxy: whether the proxy had already opened the tunnel
    :ivar tunnel_status: of the proxy's response to CONNECT; None if CONNECT was not sent or no status was received
    """

    def __init__(self, reason: Exception, beyond_proxy: bool, tunnel_status: int | None) -> None:
        super().__init__()
        self.reason = reason
        self.beyond_proxy = beyond_proxy
        self.tunnel_status = tunnel_status


class _BrokenReplyError(Exception):
    """The status line was read, but what follows can't be. Of no type that urllib3 or requests handle, either."""

    def __init__(self, status: int, reason: Exception) -> None:
        super().__init__()
        self.status = status
        self.reason = reason


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a deadline, which a timeout for each read alone can't enforce, and no more than a response may have with its overhead.

    Version 1 of urllib3 reads the line with the size of a chunk without a limit.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._left = MAX_RESPONSE_BYTES * 3 // 2
        self._timeout = sock.gettimeout()
        self._end = time.monotonic() + RESPONSE_TIMEOUT_FACTOR * self._timeout if self._timeout else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        if self._timeout and self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise socket.timeout(f"the response did not end within {RESPONSE_TIMEOUT_FACTOR * self._timeout:g} seconds")
            self._socket.settimeout(min(left, self._timeout))
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise OSError("the response does not end")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that is read until a deadline, and whose status is reported as soon as the status line has been read."""

    on_status: Callable[[int], object]
    noted_status: int | None = None

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        while 100 <= status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            # Informational: the actual response follows.
            http.client.parse_headers(self.fp)
            version, status, reason = super()._read_status()  # type: ignore[misc]
        self.noted_status = status
        self.on_status(status)
        return version, status, reason

    def begin(self) -> None:
        try:
            super().begin()
            # Refused here, because urllib3 would fail on it later.
            lengths = {value.strip() for line in self.headers.get_all("Content-Length", []) for value in line.split(",")}
            if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
                raise ValueError("the response has an invalid Content-Length")
        except Exception as error:
            if self.noted_status is None:
                raise
            raise _BrokenReplyError(self.noted_status, error) from error


class _Connection:
    """A connection whose errors show whether it could be made."""

    response_class: Callable[..., t.Any]
    _beyond_proxy = False
    _tunnel_status: int | None = None

    def connect(self) -> None:
        self._beyond_proxy, self._tunnel_status = False, None
        try:
            super().connect()  # type: ignore[misc]
        except Exception as error:
            raise _NotConnectedError(error, self._beyond_proxy, self._tunnel_status) from error

    def _tunnel(self) -> None:
        make_response = self.response_class
        responses: list[t.Any] = []

        def remember(*args: t.Any, **kwargs: t.Any) -> t.Any:
            responses.append(make_response(*args, **kwargs))
            return responses[-1]

        self.response_class = remember
        try:
            super()._tunnel()  # type: ignore[misc]
            self._beyond_proxy = True
        finally:
            self.response_class = make_response
            self._tunnel_status = getattr(responses[-1], "noted_status", None) if responses else None


class _Adapter(HTTPAdapter):
    """The connections to one origin, directly or through a proxy. Its responses are those of urllib3.

    :param size: how many connections are kept open
    :param context: for TLS to the origin; None if it is not used
    :param proxy_context: for TLS to a proxy; None if it is not used
    """

    def __init__(self, size: int, context: ssl.SSLContext | None, proxy_context: ssl.SSLContext | None, on_status: Callable[[int], object]) -> None:
        self._context = context
        self._proxy_context = proxy_context
        self._response_class = type("Response", (_Response,), {"on_status": staticmethod(on_status)})
        super().__init__(pool_connections=1, pool_maxsize=size)

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
        known = proxy in self.proxy_manager
        if self._proxy_context:
            kwargs["proxy_ssl_context"] = self._proxy_context
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        if not known:
            self._watch(manager)
        return manager

    def cert_verify(self, conn: t.Any, url: str, verify: t.Any, cert: t.Any) -> None:
        """Leave verification to the context; requests would add a CA bundle of its own."""
        if self._context:
            conn.cert_reqs = self._context.verify_mode

    def build_response(self, req: PreparedRequest, resp: t.Any) -> t.Any:
        """The response of urllib3 unchanged: requests would evaluate its headers, which may be invalid."""
        return resp

    def _watch(self, manager: t.Any) -> None:
        """Make a pool manager create connections that are also a `_Connection`."""
        watched = {}
        for scheme, pool in manager.pool_classes_by_scheme.items():
            connection = type("Connection", (_Connection, pool.ConnectionCls), {"response_class": self._response_class})
            watched[scheme] = type("Pool", (pool,), {"ConnectionCls": connection})
        manager.pool_classes_by_scheme = watched


def _check_host(context: ssl.SSLContext, host: str | None) -> None:
    """Make OpenSSL check the host even if urllib3 does not pass it: version 1 never passes an IP address, and does not check that of a proxy at all."""

    def named(wrap: Callable[..., t.Any]) -> Callable[..., t.Any]:
        return lambda *args, **kwargs: wrap(*args, **{**kwargs, "server_hostname": kwargs.get("server_hostname") or host})

    context.check_hostname = True
    context.wrap_socket = named(context.wrap_socket)  # type: ignore[method-assign]
    context.wrap_bio = named(context.wrap_bio)  # type: ignore[method-assign]


def _proxy_for(url: str) -> _Proxy | None:
    """The proxy for a URL, from the usual environment variables or, if there are none, from the system's settings.

    :raises ConfigurationError: the proxy can't be used; its URL is not shown, because it may contain a password
    """
    no_proxy = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").strip()
    if requests.utils.should_bypass_proxies(url, no_proxy=no_proxy or None):
        return None
    proxies = {name: value.strip() for name, value in urllib.request.getproxies().items() if value.strip()}
    value = requests.utils.select_proxy(url, proxies)
    if not value:
        return None
    key = next(name for name, candidate in proxies.items() if candidate == value)
    source = next(
        (name for name, candidate in os.environ.items() if name.lower() == f"{key.lower()}_proxy" and candidate.strip() == value), "the system's proxy settings"
    )
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value.lstrip("/")
    user, _at, _host = rest.rpartition("@")
    if re.search(r"[@#/?]", user):
        raise ConfigurationError(
            f"The proxy in {source} has one of the characters @ # / ? in its user name or password",
            hint="Percent-encode it: %40 for @, %23 for #, %2F for /, %3F for ?.",
        )
    address = f"{scheme.lower()}://{rest}"
    try:
        parts = urlsplit(address)
        valid = bool(parts.hostname and parts.port != 0 and re.fullmatch(r"https?|socks[45][ah]?", parts.scheme) and not re.search(r"\s", rest))
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(f"Invalid URL in {source}")
    return _Proxy(address, source)


def _read(raw: t.Any) -> bytes:
    """The body of a response."""
    if raw.status < 200:
        # An error, so that the connection is closed and further data is not taken for the response to the next request.
        raise OSError("the server switched protocols")
    body = bytearray()
    # Small chunks, because each may decompress to a thousand times its size.
    for chunk in raw.stream(8192, decode_content=True):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise OSError(f"the response is larger than {MAX_RESPONSE_BYTES} bytes")
    # Older versions of urllib3 mistake a connection that is closed early for the end of the body.
    if raw.length_remaining:
        raise http.client.IncompleteRead(bytes(body), raw.length_remaining)
    return bytes(body)


def _describe(error: BaseException) -> str:
    """A short description of an exception of any library."""
    error = _innermost(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was closed too early"
    if isinstance(error, socket.timeout):
        text = str(error)
        return text if text.startswith("the ") else "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return re.sub(r"^<?[\w.]+\(.*?\)>?: |^<[^>]*>: |\s*<[\w.]+ object at 0x[0-9a-f]+>", "", str(error)) or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    """The original exception inside those that wrap it."""
    seen = {id(error)}
    # It says what happened; those around it add where, with the addresses of objects.
    while True:
        inner = next((value for value in (getattr(error, "reason", None), *error.args[::-1], error.__cause__) if isinstance(value, BaseException)), None)
        if inner is None and not isinstance(error, OSError):
            inner = error.__context__
        if inner is None or id(inner) in seen:
            return error
        seen.add(id(inner))
        error = inner


def _is_writable(path: str) -> bool:
    try:
        with open(path, "a", encoding="utf-8"):
            return True
    except OSError:
        return False
