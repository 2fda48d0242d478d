# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Authenticates requests: with signatures (Huawei Cloud's SDK-HMAC-SHA256) or with an existing IAM token.

Source: "API Gateway: Calling APIs through App Authentication / AK/SK signing" of Huawei Cloud's documentation; compared in tests with the
signer of the official SDK (`huaweicloudsdkcore`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
import typing as t
from urllib.parse import parse_qsl, quote, unquote, urlsplit

try:
    from requests.auth import AuthBase
except Exception:  # _module reports the error before any of this is used; the dependencies of requests may break in any way
    AuthBase = object  # type: ignore[assignment,misc]

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from requests import PreparedRequest

ALGORITHM = "SDK-HMAC-SHA256"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"


def _encode(text: str) -> str:
    return quote(text, safe="~")


def _canonical_uri(path: str) -> str:
    """The decoded path, each segment percent-encoded, with a trailing slash, which only the canonical form has."""
    uri = quote(unquote(path), safe="/~")
    return uri if uri.endswith("/") else uri + "/"


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """A query in canonical form: sorted, with everything except letters, digits and `-_.~` percent-encoded."""
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(parameters))


class SdkHmacSha256(AuthBase):
    """Signs a prepared request with an access key and its secret key.

    Calling it again on the same request signs it afresh, with a new date.

    :param access_key: the access key (AK)
    :param secret_key: its secret key (SK)
    :param security_token: for temporary keys only
    :param project_id: sent as `X-Project-Id` and signed; None for requests to IAM
    :param now: returns the seconds since the epoch; the service accepts a difference of 15 minutes at most
    """

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        security_token: str | None = None,
        project_id: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key.encode()
        self._security_token = security_token
        self._project_id = project_id
        self._now = now

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        url = urlsplit(t.cast(str, request.url))
        date = time.strftime(DATE_FORMAT, time.gmtime(self._now()))
        headers = request.headers
        headers["Host"] = url.netloc.rpartition("@")[2]
        headers["X-Sdk-Date"] = date
        if self._project_id:
            headers["X-Project-Id"] = self._project_id
        if self._security_token:
            headers["X-Security-Token"] = self._security_token
        # Sign only headers that are set here and that proxies do not change.
        names = [name for name in ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token") if name in headers]
        body = request.body or b""
        canonical_request = "\n".join(
            [
                t.cast(str, request.method),
                _canonical_uri(url.path),
                canonical_query(parse_qsl(url.query, keep_blank_values=True)),
                "".join(f"{name}:{headers[name].strip()}\n" for name in names),
                ";".join(names),
                hashlib.sha256(body.encode() if isinstance(body, str) else body).hexdigest(),
            ]
        )
        to_sign = "\n".join([ALGORITHM, date, hashlib.sha256(canonical_request.encode()).hexdigest()])
        signature = hmac.new(self._secret_key, to_sign.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = f"{ALGORITHM} Access={self._access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        return request


class TokenAuth(AuthBase):
    """Sends an existing token, which is valid for 24 hours and for one project.

    :param token: the token, as IAM returned it in `X-Subject-Token`
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._token
        return request
