# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Determines endpoint, project and authentication from the options, the environment and the credentials."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ._credentials import ENVIRONMENT, auth_url_setting, from_environment, project_setting, region_setting, variable_of
from ._dcs import Dcs, find_project
from ._errors import ConfigurationError
from ._http import Http
from ._signature import SdkHmacSha256, TokenAuth

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._credentials import Credentials


class Connection(t.NamedTuple):
    """A session with the cloud for one project.

    :ivar auth: authenticates requests for the project
    :ivar endpoint: the DCS endpoint, such as `https://dcs.cn-north-4.myhuaweicloud.com`
    """

    http: Http
    auth: SdkHmacSha256 | TokenAuth
    endpoint: str
    project_id: str

    def dcs(self) -> Dcs:
        """The project's DCS API."""
        return Dcs(self.http, self.auth, self.endpoint, self.project_id)


def connect(
    options: Mapping[str, t.Any],
    environment: Mapping[str, str],
    credentials: Credentials,
    user_agent: str,
    warn: Callable[[str], object],
    http_class: type[Http] | None = None,
) -> Connection:
    """Connect to the project and region that are set by the options, the environment or the credentials.

    :param options: the connection options of the modules, by name
    :param environment: environment variables, by name
    :param warn: called with each warning
    :param http_class: the class of the session; None: `Http`
    :raises ConfigurationError: no project or region is set, or a setting can't be used
    :raises DcsError: the project can't be looked up
    """
    region = region_setting(options, environment, credentials)
    project_id, project_name = project_setting(options, environment, credentials)

    def named(option: str, value: str | None) -> str:
        # An IAM endpoint from a credentials file has no environment variable.
        return (variable_of(option, environment) if value == from_environment(option, environment) else None) or option

    def url(option: str, value: str | None, service: str, tail: str) -> str:
        if not value:
            return _regional_url(option, service, region, options["cloud"])
        return _url(named(option, value), value, service, tail, warn)

    endpoint = url("endpoint", options["endpoint"], "dcs", _DCS_TAIL)
    http = (http_class or Http)(
        timeout=options["timeout"],
        max_retries=options["max_retries"],
        concurrency=options["concurrency"],
        validate_certs=options["validate_certs"],
        ca_path=options["ca_path"],
        ca_path_name=named("ca_path", options["ca_path"]),
        secrets=(*credentials.secrets(), *((credentials.access_key,) if credentials.access_key else ())),
        user_agent=user_agent,
        unauthorized_hint=(
            f"The token comes from {credentials.source}. It may have expired or belong to another region."
            if credentials.token
            else f"The keys come from {credentials.source}. Check them and the clock of this host. "
            "Do not retry blindly: more than five failures in a row lock the key for five minutes."
        ),
    )
    if not project_id:
        name = project_name or region
        if not name:
            raise ConfigurationError(f"No project. Set {_settable('project_id')}, {_settable('project_name')} or {_settable('region')}.")
        auth_url = url("auth_url", auth_url_setting(options, environment, credentials), "iam", _IAM_TAIL)
        project_id = find_project(http, _auth(credentials, None), auth_url, name)
    return Connection(http, _auth(credentials, project_id), endpoint, project_id)


#: Path suffixes that the console and other tools show in endpoints. They are removed, because each call adds its own.
_DCS_TAIL = r"/v2(\.0)?(/[^/]*)?"
_IAM_TAIL = r"/v3(\.0)?(/auth|/auth/tokens|/projects)?"


def _auth(credentials: Credentials, project_id: str | None) -> SdkHmacSha256 | TokenAuth:
    if credentials.token:
        return TokenAuth(credentials.token)
    return SdkHmacSha256(t.cast(str, credentials.access_key), t.cast(str, credentials.secret_key), credentials.security_token, project_id)


def _settable(option: str) -> str:
    """An option and its environment variables, for a message."""
    return f"{option} ({' or '.join(ENVIRONMENT[option])})"


def _regional_url(option: str, service: str, region: str | None, cloud: str) -> str:
    """A service's endpoint in the region."""
    if not region:
        raise ConfigurationError(f"No region. Set {_settable('region')} or {_settable(option)}.")
    for name, text in (("region", region), ("cloud", cloud)):
        # Other characters could send the request, with its signature, to a different host than it appears.
        if not re.fullmatch(r"[A-Za-z0-9.-]+", text):
            raise ConfigurationError(f"Invalid {name} {text!r}: only letters, digits, '-' and '.' are allowed.")
    return f"https://{service}.{region}.{cloud}"


def _url(name: str, value: str, service: str, tail: str, warn: Callable[[str], object]) -> str:
    """The normalized endpoint of a service from a setting.

    :param name: of the option or variable; an invalid value is not shown, because it may contain a password
    :param tail: a pattern for the path suffix to remove
    """
    url = value if "://" in value else f"https://{value}"
    if "@" in url:
        raise ConfigurationError(f"Invalid URL in {name}: it contains a user name or a password. Remove it: credentials have options of their own.")
    url = re.sub(f"{tail}$", "", url.rstrip("/"), flags=re.IGNORECASE).rstrip("/")
    if not _is_endpoint(url):
        raise ConfigurationError(f"Invalid URL in {name}. A valid one is https://{service}.cn-north-4.myhuaweicloud.com.")
    parts = urlsplit(url)
    if parts.scheme == "http" and not re.fullmatch(r"localhost|127(\.\d+){3}|::1", t.cast(str, parts.hostname)):
        warn(f"{name} {url} is not encrypted: anybody on the network path can read requests and responses. Use https.")
    return url


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Raises ValueError if the port is not a number.
        if parts.port == 0:
            return False
    except ValueError:
        return False
    host = re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
    return bool(parts.scheme in ("http", "https") and host and not parts.query and not parts.fragment)
