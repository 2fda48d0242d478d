# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication: signatures, which are verified with the official SDK's own signer, temporary keys, tokens, and locked access keys."""

from __future__ import annotations

import dataclasses
import datetime
import hmac
import math
import re
import time
from collections.abc import Mapping
from typing import Callable, NamedTuple

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from .answers import Refusal
from .settings import Settings

_AUTHORIZATION = re.compile(r"SDK-HMAC-SHA256 Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})")
_ALWAYS_SIGNED = {"host", "x-sdk-date"}
_PREFIX = "Incorrect IAM authentication information: "


class Keys(NamedTuple):
    """The attributes of the SDK's credentials that its signer needs. Importing their class would write to the user's home directory."""

    ak: str
    sk: str


@dataclasses.dataclass
class Account:
    """A user of the cloud: permanent or temporary keys, an existing token, accessible projects (None: all), and domain, user and password for login."""

    access_key: str
    secret_key: str
    security_token: str | None = None
    token: str | None = None
    projects: list[str] | None = None
    expired: bool = False
    domain: str | None = None
    user: str | None = None
    password: str | None = None

    def may_enter(self, project_id: str) -> bool:
        """Whether the account has access to this project."""
        return self.projects is None or project_id in self.projects


DEFAULT_ACCOUNTS = [
    Account(
        "AKSIMULATOR000000001", "SKsimulator0000000000000000000000000permanent", token="TOKENsimulator00000000000000000000000000000ready",
        domain="simulated", user="operator", password="PASSWORDsimulator0000000000000000000000000000",
    ),
    Account("AKSIMULATOR000000002", "SKsimulator0000000000000000000000000temporary", security_token="STSsimulator0000000000000000000000000security"),
]


class Grant(NamedTuple):
    """The permissions of a token: projects (None: all of its account), and the time on the cloud's clock until which it is valid."""

    account: Account
    projects: list[str] | None = None
    expires_at: float = math.inf


@dataclasses.dataclass
class Received:
    """The parts of a request that a signature covers."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


class Gatekeeper:
    """Authenticates requests or refuses them with 401, and locks an access key after too many failures."""

    def __init__(self, accounts: list[Account], settings: Settings, now: Callable[[], float]) -> None:
        self.accounts = accounts
        self.locks: list[tuple[str, float]] = []
        """The access keys that were locked, with the times (seconds since the epoch)."""
        self._settings = settings
        self._now = now
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}
        self._by_access_key = {account.access_key: (account, Signer(Keys(account.access_key, account.secret_key))) for account in accounts}
        self._grants = {account.token: Grant(account) for account in accounts if account.token}

    def admit(self, request: Received) -> Account:
        """The account that sent this request; raises Refusal (401)."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            grant = self._grants.get(request.headers.get("X-Auth-Token", ""))
            if grant is None or grant.account.expired or grant.expires_at <= self._now():
                raise Refusal(401, "APIGW.0301", _PREFIX + ("decrypt token fail" if "X-Auth-Token" in request.headers else "x-auth-token not found"))
            if grant.projects is None:
                return grant.account
            return dataclasses.replace(grant.account, projects=list(filter(grant.account.may_enter, grant.projects)))
        match = _AUTHORIZATION.fullmatch(authorization)
        if match is None:
            raise Refusal(401, "APIGW.0301", _PREFIX + "the format of Authorization is wrong")
        access_key, signed_headers = match.group(1), match.group(2).split(";")
        if self._locked_until.get(access_key, 0) > self._now():
            raise Refusal(401, "APIGW.0301", f"{_PREFIX}AK access failed to reach the limit,forbidden, ak:{access_key}")
        account, flaw = self._verify(request, access_key, signed_headers, authorization)
        if flaw or account is None:
            self.count_failure(access_key)
            raise Refusal(401, "APIGW.0301", f"{_PREFIX}{flaw}, ak:{access_key}")
        return account

    def log_in(self, domain: str, user: str, password: str) -> Account | None:
        """The account with this domain, user and password, or None."""
        given = (domain, user, password)
        return next((account for account in self.accounts if account.user and (account.domain, account.user, account.password) == given), None)

    def accept_token(self, token: str, account: Account, projects: list[str], seconds: float) -> None:
        """Accept this token for the account and these projects, for this number of seconds."""
        self._grants[token] = Grant(account, projects, self._now() + seconds)

    def count_success(self, access_key: str) -> None:
        """Record a successful authentication: it ends a row of failures."""
        self._failures.pop(access_key, None)

    def count_failure(self, access_key: str) -> None:
        """Record a failed authentication; more than the allowed number in a row lock the access key."""
        failures = self._failures[access_key] = self._failures.get(access_key, 0) + 1
        if failures > self._settings.lock_after_failures:
            self._locked_until[access_key] = self._now() + self._settings.lock_seconds
            self.locks.append((access_key, time.time()))
            self._failures.pop(access_key)

    def _verify(self, request: Received, access_key: str, signed_headers: list[str], authorization: str) -> tuple[Account | None, str | None]:
        """The account, and what is wrong with the request, if anything."""
        account, signer = self._by_access_key.get(access_key, (None, None))
        if account is None or signer is None:
            return None, "verify aksk signature fail, ak not exist"
        headers = {name: request.headers[name] for name in signed_headers if name in request.headers}
        if not _ALWAYS_SIGNED.issubset(headers) or len(headers) != len(signed_headers):
            return account, "verify aksk signature fail, signed headers are missing"
        try:
            sent_at = datetime.datetime.strptime(headers["x-sdk-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            return account, "verify aksk signature fail, x-sdk-date is malformed"
        if abs(time.time() - sent_at.timestamp()) > self._settings.clock_skew_seconds:
            return account, "verify aksk signature fail, x-sdk-date is expired"
        expected = signer.sign(SdkRequest(
            method=request.method, schema="https", host=headers["host"], resource_path=request.path, query_params=list(request.query),
            header_params=headers, body=request.body,
        )).header_params["Authorization"]
        if not hmac.compare_digest(expected.replace(" ", ""), authorization.replace(" ", "")):
            return account, "verify aksk signature fail"
        if request.headers.get("X-Security-Token") != account.security_token:
            return account, "verify security token fail"
        if account.expired:
            return account, "security token is expired"
        return account, None
