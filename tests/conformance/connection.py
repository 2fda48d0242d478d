# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own client, connected as its modules are, which also notes every answer as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import (
    ENVIRONMENT,
    Credentials,
    find_credentials,
    from_environment,
    project_setting,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs, find_project
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import ConfigurationError, LostAnswerError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Answer, Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import SdkHmacSha256, TokenAuth
from requests.auth import AuthBase


class Exchange(NamedTuple):
    """An answer, and the request that it was given to.

    :ivar body: the JSON of the body; None where it is none
    """

    method: str
    path: str
    query: str
    status: int
    headers: Mapping[str, str]
    body: Any


class NotingHttp(Http):
    """Notes every answer before it is judged."""

    #: Seconds, for connecting and for each read.
    TIMEOUT = 30.0

    def __init__(self, **settings: Any) -> None:
        super().__init__(timeout=self.TIMEOUT, **settings)
        self.exchanges: list[Exchange] = []

    def _judge(self, request: str, response: requests.Response, body: bytes) -> Answer:
        parts = urlsplit(str(response.request.url))
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        self.exchanges.append(Exchange(str(response.request.method), parts.path, parts.query, response.status_code, response.headers, content))
        return super()._judge(request, response, body)


class _WithBody(AuthBase):
    """Gives a request a JSON body before it is signed. The collection's client never sends one."""

    def __init__(self, body: Mapping[str, Any], auth: AuthBase) -> None:
        self._body = body
        self._auth = auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.prepare_body(data=None, files=None, json=self._body)
        return self._auth(request)


class Connection(NamedTuple):
    """The API of one project.

    :ivar url: of the project, such as C(https://dcs.cn-north-4.myhuaweicloud.com/v2/0123456789abcdef0123456789abcdef)
    """

    http: NotingHttp
    dcs: Dcs
    auth: AuthBase
    credentials: Credentials
    url: str
    project_id: str

    def schedule(self, instance_id: str, spec_code: str, capacity: float) -> None:
        """Schedule a resize for the maintenance window. Which task that makes, the answer (204, without a body) doesn't say.

        Source: "ResizeInstance" of the DCS API reference, API V2.

        :raises DcsError: it was not scheduled, or perhaps it was: L(LostAnswerError)
        """
        wish = {"spec_code": spec_code, "new_capacity": int(capacity) if capacity.is_integer() else capacity, "execute_immediately": False}
        try:
            self.http.post(
                f"{self.url}/instances/{instance_id}/resize",
                auth=_WithBody(wish, self.auth), headers={"Content-Type": "application/json"}, attempts=self.http.attempts(),
            )
        except LostAnswerError as error:
            if error.http_status != 204:
                raise

    def task_page(self, instance_id: str, **query: int) -> Exchange:
        """One page of the background tasks of an instance, as it came.

        :raises DcsError: the query was refused, or its answer is missing
        """
        self.http.get(f"{self.url}/instances/{instance_id}/tasks", query, auth=self.auth)
        return self.http.exchanges[-1]


def connect(environment: Mapping[str, str]) -> Connection:
    """Connect with the environment variables that the modules know, and with the places of credentials that they know.

    :raises ConfigurationError: something is missing, or can't be used
    :raises DcsError: the project can't be looked up
    """
    options = {name: from_environment(name, environment) for name in ENVIRONMENT}
    # Which environment counts for these is decided for all of them together.
    options.update(dict.fromkeys(("access_key", "secret_key", "security_token", "token", "project_id", "project_name")))
    credentials = find_credentials(options, environment)
    region = options["region"] or credentials.region
    http = NotingHttp(
        max_retries=int(options["max_retries"] or 5),
        validate_certs=not boolean(options["validate_certs"] or False),
        ca_path=options["ca_path"],
        secrets=tuple(value for value in (*credentials.secrets(), credentials.access_key) if value),
        user_agent="huaweicloud.dcs conformance",
    )

    def auth(project: str | None) -> AuthBase:
        if credentials.token:
            return TokenAuth(credentials.token)
        return SdkHmacSha256(str(credentials.access_key), str(credentials.secret_key), credentials.security_token, project)

    def url(value: str | None, service: str) -> str:
        if not value and not region:
            raise ConfigurationError(f"Which region? Set {ENVIRONMENT['region'][0]}.")
        value = value or f"{service}.{region}.{options['cloud'] or 'myhuaweicloud.com'}"
        return (value if "://" in value else f"https://{value}").rstrip("/")

    project_id, project_name = project_setting(options, environment, credentials)
    if not project_id:
        name = project_name or region
        if not name:
            raise ConfigurationError(f"Which project? Set {ENVIRONMENT['project_id'][0]}, {ENVIRONMENT['project_name'][0]} or {ENVIRONMENT['region'][0]}.")
        project_id = find_project(http, auth(None), re.sub(r"/v3$", "", url(options["auth_url"] or credentials.auth_url, "iam")), name)
    endpoint = url(options["endpoint"], "dcs")
    return Connection(http, Dcs(http, auth(project_id), endpoint, project_id), auth(project_id), credentials, f"{endpoint}/v2/{project_id}", project_id)
