# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls the cloud as the official SDK would, for tests of the simulator itself."""

from __future__ import annotations

import dataclasses
import datetime
import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from sample import INSTANCE, TASK
from simulator.authentication import Keys
from simulator.client import Simulator

OTHER_INSTANCE = "11111111-cebf-4473-95c4-d1b573c16e79"
OTHER_TASK = "11111111111111111111111111111111"


@dataclasses.dataclass
class Reply:
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    @property
    def code(self) -> Any:
        """The error code."""
        return self.json()["error_code"]


class Caller:
    """Sends requests that are signed by the official SDK, one connection each."""

    def __init__(self, cloud: Simulator) -> None:
        environment = cloud.environment()
        self.access_key = environment["HW_ACCESS_KEY"]
        self.secret_key = environment["HW_SECRET_KEY"]
        self.project_id = environment["HW_PROJECT_ID"]
        self.address = urlsplit(cloud.endpoint).netloc

    def path(self, kind: str, instance_id: str = INSTANCE, task_id: str = TASK) -> tuple[str, str]:
        """Method and path of a request kind."""
        instance = f"/v2/{self.project_id}/instances/{instance_id}"
        return {
            "cancel": ("POST", f"{instance}/resize/cancel/{task_id}"), "tasks": ("GET", f"{instance}/tasks"), "instance": ("GET", instance),
            "instances": ("GET", f"/v2/{self.project_id}/instances"), "resize": ("POST", f"{instance}/resize"), "projects": ("GET", "/v3/projects"),
        }[kind]

    def sign(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None, *,
        headers: dict[str, str] | None = None, access_key: str | None = None, secret_key: str | None = None, date: datetime.datetime | None = None,
    ) -> tuple[str, str, dict[str, str], bytes]:
        """Method, request target, headers and body of a signed request."""
        content = b"" if body is None else json.dumps(body).encode()
        moment = date or datetime.datetime.now(datetime.timezone.utc)
        request = SdkRequest(
            method=method, schema="http", host=self.address, resource_path=path, query_params=list((query or {}).items()), body=content,
            header_params={"X-Sdk-Date": f"{moment:%Y%m%dT%H%M%SZ}", "Content-Type": "application/json", **(headers or {})},
        )
        Signer(Keys(access_key or self.access_key, secret_key or self.secret_key)).sign(request)
        return method, request.uri, request.header_params, content

    def send(self, method: str, target: str, headers: dict[str, str], content: bytes = b"", *, timeout: float = 60) -> Reply:
        """Send a request as it is."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        try:
            connection.request(method, target, content or None, headers)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def call(
        self, kind: str, query: dict[str, Any] | None = None, body: Any = None, *, instance_id: str = INSTANCE, task_id: str = TASK, **signing: Any
    ) -> Reply:
        """Send a signed request of a kind."""
        return self.send(*self.sign(*self.path(kind, instance_id, task_id), query, body, **signing))

    def open(self, kind: str, *, timeout: float = 60) -> socket.socket:
        """Send a signed request of a kind on a plain socket, from which the raw response can be read."""
        method, target, headers, content = self.sign(*self.path(kind))
        host, _colon, port = self.address.partition(":")
        connection = socket.create_connection((host, int(port)), timeout)
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(content)}"]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        return connection
