# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the page CancelInstanceResize of Huawei Cloud's API reference, byte for byte, at a plain socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel
from loopback import Connection, serve
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK

# As on the page: the request, and the bodies of the responses with status 200 and 400.
REQUEST = "POST https://{dcs_endpoint}/v2/{project_id}/instances/{instance_id}/resize/cancel/{task_id}"
SUCCESS = b'{\n  "result" : "success"\n}'
NOT_EXTENDING = b'{\n  "error_code" : "DCS.4239",\n  "error_msg" : "The instance status is not extending."\n}'


class Wire(NamedTuple):
    """A socket that responds to one request after another with the given bytes.

    :ivar endpoint: host and port
    :ivar received: line and headers of each request
    """

    endpoint: str
    answers: list[bytes]
    received: list[str]


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A socket that sends responses."""
    answers: list[bytes] = []

    def handle(connection: Connection) -> None:
        if connection.receive():
            connection.send(answers.pop(0))

    with serve(handle) as server:
        yield Wire(server.url.removeprefix("http://"), answers, server.requests)


def answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Request-Id: r1\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def cancel(wire: Wire, **more: Any) -> dict[str, Any]:
    keys = {"access_key": "AK-of-a-test", "secret_key": "SK-is-secret"}
    connection = {**keys, "project_id": PROJECT, "region": "cn-north-4", "endpoint": f"http://{wire.endpoint}"}
    return run_module(dcs_resize_cancel, {**connection, "instance_id": INSTANCE, "task_id": TASK, **more})


def test_the_request_and_the_success(wire: Wire) -> None:
    wire.answers.append(answer("200 OK", SUCCESS))
    result = cancel(wire)
    assert (result["changed"], result["resizes"][0]["outcome"], result["resizes"][0]["request_id"]) == (True, "cancelled", "r1")

    (head,) = wire.received
    line, *headers = head.removesuffix("\r\n\r\n").split("\r\n")
    method, url = REQUEST.format(dcs_endpoint=wire.endpoint, project_id=PROJECT, instance_id=INSTANCE, task_id=TASK).split(" ")
    path = url.removeprefix(f"https://{wire.endpoint}")
    assert line == f"{method} {path} HTTP/1.1"
    sent = {name.lower(): value for name, value in (header.split(": ", 1) for header in headers)}
    assert sent["host"] == wire.endpoint
    assert sent["content-length"] == "0", "there is no body"
    assert sent["x-project-id"] == PROJECT
    assert sent["authorization"].startswith("SDK-HMAC-SHA256 Access=AK-of-a-test, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=")


def test_the_refusal(wire: Wire) -> None:
    wire.answers.append(answer("400 Bad Request", NOT_EXTENDING))
    result = cancel(wire, on_too_late="ignore")
    assert (result["changed"], result["resizes"][0]["outcome"], result["resizes"][0]["error"]) == (False, "absent", None)
    assert len(wire.received) == 1


def test_the_same_refusal_with_another_code_is_shown_in_its_own_words(wire: Wire) -> None:
    wire.answers.append(answer("400 Bad Request", NOT_EXTENDING.replace(b"DCS.4239", b"DCS.4049")))
    error = cancel(wire)["resizes"][0]["error"]
    assert (error["code"], error["http_status"], error["request_id"]) == ("DCS.4049", 400, "r1")
    assert "The instance status is not extending." in error["message"]
