# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""From options, their surroundings and credentials to the API of one project: where it is, which project, and who asks."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ._credentials import ENVIRONMENT, project_setting
from ._dcs import Dcs, find_project
from ._errors import ConfigurationError
from ._http import Http
from ._signature import SdkHmacSha256, TokenAuth

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._credentials import Credentials


class Connection(t.NamedTuple):
    """A session with the cloud, and the project that it is for.

    :ivar auth: signs for the project
    :ivar endpoint: of DCS, such as C(https://dcs.cn-north-4.myhuaweicloud.com)
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
    """Connect to the project and region that the options and their surroundings name.

    :param options: the connection options of the modules, by name
    :param environment: environment variables, by name
    :param warn: is told what a human should know
    :param http_class: what the session is made of; None: L(Http)
    :raises ConfigurationError: no project or region is named, or what is can't be used
    :raises DcsError: the project can't be looked up
    """
    region = options["region"] or credentials.region
    project_id, project_name = project_setting(options, environment, credentials)
    endpoint = _url("endpoint", options["endpoint"], "dcs", region, options["cloud"], warn)
    http = (http_class or Http)(
        timeout=options["timeout"],
        max_retries=options["max_retries"],
        concurrency=options["concurrency"],
        validate_certs=options["validate_certs"],
        ca_path=options["ca_path"],
        secrets=(*credentials.secrets(), *((credentials.access_key,) if credentials.access_key else ())),
        user_agent=user_agent,
        unauthorized_hint=(
            f"The token comes from {credentials.source}. It may have expired, or be another region's."
            if credentials.token
            else f"The keys come from {credentials.source}. Check them, and the clock of this host."
        ),
    )
    if not project_id:
        name = project_name or region
        if not name:
            variables = ", ".join((*ENVIRONMENT["project_id"], *ENVIRONMENT["project_name"], *ENVIRONMENT["region"]))
            message = f"Which project? Set 'project_id', or 'project_name', or 'region'. The environment variables are {variables}."
            raise ConfigurationError(message, code="Configuration")
        auth_url = _url("auth_url", options["auth_url"] or credentials.auth_url, "iam", region, options["cloud"], warn)
        project_id = find_project(http, _auth(credentials, None), re.sub(r"/v3$", "", auth_url), name)
    return Connection(http, _auth(credentials, project_id), endpoint, project_id)


def _auth(credentials: Credentials, project_id: str | None) -> SdkHmacSha256 | TokenAuth:
    if credentials.token:
        return TokenAuth(credentials.token)
    return SdkHmacSha256(t.cast(str, credentials.access_key), t.cast(str, credentials.secret_key), credentials.security_token, project_id)


def _url(option: str, value: str | None, service: str, region: str | None, cloud: str, warn: Callable[[str], object]) -> str:
    """A service's endpoint: as set, or after the region."""
    if not value:
        if not region:
            message = f"Which region? Set 'region', or '{option}'. The environment variables are {ENVIRONMENT['region'][0]} and {ENVIRONMENT[option][0]}."
            raise ConfigurationError(message, code="Configuration")
        for name, text in (("region", region), ("cloud", cloud)):
            if not re.fullmatch(r"[A-Za-z0-9.-]+", text):
                raise ConfigurationError(f"The {name} {text!r} can be no part of a host's name", code="Configuration")
        value = f"https://{service}.{region}.{cloud}"
    url = (value if "://" in value else f"https://{value}").rstrip("/")
    if not _is_endpoint(url):
        raise ConfigurationError(f"The {option} must be a URL such as https://{service}.cn-north-4.myhuaweicloud.com", code="Configuration")
    parts = urlsplit(url)
    if parts.scheme == "http" and not re.fullmatch(r"localhost|127(\.\d+){3}|::1", t.cast(str, parts.hostname)):
        warn(f"The {option} {url} is not encrypted: whoever can listen on the way can read all that is asked and answered. Use https.")
    return url


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Reading the port fails where it is no number.
        if parts.port == 0:
            return False
    except ValueError:
        return False
    host = re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
    return bool(parts.scheme in ("http", "https") and host and not parts.username and not parts.query and not parts.fragment)
