# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own client, connected as its modules are, which also notes every answer as it came."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _connection
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import ENVIRONMENT, Credentials, find_credentials, from_environment
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import LostAnswerError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._transport import Reply, Transport
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


class NotingTransport:
    """Sends requests, and notes every answer as it came."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.exchanges: list[Exchange] = []

    def send(self, request: requests.PreparedRequest, timeout: float) -> Reply:
        """As that of `Transport`."""
        reply = self._transport.send(request, timeout)
        parts = urlsplit(str(request.url))
        try:
            content = json.loads(reply.body)
        except ValueError:
            content = None
        self.exchanges.append(Exchange(str(request.method), parts.path, parts.query, reply.status, reply.headers, content))
        return reply

    def close(self) -> None:
        """As that of `Transport`."""
        self._transport.close()


class NotingHttp(Http):
    """Notes every answer before it is parsed."""

    #: Seconds, for connecting and for each read.
    TIMEOUT = 30.0

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        noting = NotingTransport(self._transport)
        self.exchanges = noting.exchanges
        self._transport = noting  # type: ignore[assignment]


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

    :ivar url: of the project, such as `https://dcs.cn-north-4.myhuaweicloud.com/v2/0123456789abcdef0123456789abcdef`
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

        :raises DcsError: it was not scheduled, or perhaps it was: `LostAnswerError`
        """
        wish = {"spec_code": spec_code, "new_capacity": int(capacity) if capacity.is_integer() else capacity, "execute_immediately": False}
        try:
            with self.http.call() as call:
                self.http.post(
                    f"{self.url}/instances/{instance_id}/resize",
                    auth=_WithBody(wish, self.auth), headers={"Content-Type": "application/json"}, retries=call.retries,
                )
        except LostAnswerError as error:
            if error.http_status != 204:
                raise

    def cancel(self, instance_id: str, task_id: str) -> None:
        """Cancel the resize of one task.

        :raises DcsError: it was not cancelled, or perhaps it was: `LostAnswerError`
        """
        with self.dcs.call() as call:
            self.dcs.cancel_resize(instance_id, task_id, call.retries)

    def task_page(self, instance_id: str, **query: int) -> Exchange:
        """One page of the background tasks of an instance, as it came.

        :raises DcsError: the query was refused, or its answer is missing
        """
        self.http.get(f"{self.url}/instances/{instance_id}/tasks", query, auth=self.auth, read=lambda response: response)
        return self.http.exchanges[-1]


def connect(environment: Mapping[str, str]) -> Connection:
    """Connect with the environment variables that the modules know, and with the places of credentials that they know.

    :raises ConfigurationError: something is missing, or can't be used
    :raises DcsError: the project can't be looked up
    """
    options: dict[str, Any] = {name: from_environment(name, environment) for name in ENVIRONMENT}
    # Which environment counts for these is decided for all of them together.
    options.update(dict.fromkeys(("access_key", "secret_key", "security_token", "token", "project_id", "project_name", "region", "auth_url")))
    options.update(dict.fromkeys(("profile", "shared_config_file", "credentials_file")))
    options.update(
        timeout=NotingHttp.TIMEOUT,
        concurrency=1,
        max_retries=int(options["max_retries"] or 5),
        validate_certs=not boolean(options["validate_certs"] or False),
        cloud=options["cloud"] or "myhuaweicloud.com",
    )
    credentials = find_credentials(options, environment)
    made = _connection.connect(options, environment, credentials, "huaweicloud.dcs conformance", warnings.warn, NotingHttp)
    return Connection(made.http, made.dcs(), made.auth, credentials, f"{made.endpoint}/v2/{made.project_id}", made.project_id)
