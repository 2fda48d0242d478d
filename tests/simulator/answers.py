# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP responses as objects, and their bytes."""

from __future__ import annotations

import dataclasses
import http
import json
from collections.abc import Mapping
from typing import Any

from .settings import Settings

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}


@dataclasses.dataclass
class Answer:
    """An HTTP response. A body that is not bytes is sent as JSON; None means no body."""

    status: int = 200
    body: Any = None
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    content_length: int | None = None

    def content(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        try:
            return json.dumps(self.body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            # A lone surrogate can't be encoded as UTF-8, but escaped.
            return json.dumps(self.body).encode()

    def render(self, *, keep_alive: bool = True) -> bytes:
        """The complete response, for a single write."""
        content = self.content()
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}"]
        if self.content_type is not None and self.body is not None:
            lines.append(f"Content-Type: {self.content_type}")
        if self.status != 204:
            lines.append(f"Content-Length: {len(content) if self.content_length is None else self.content_length}")
        lines.extend(f"{name}: {value}" for name, value in self.headers.items())
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Refusal(Exception):
    """The API refuses a request, with an error code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def legacy_code(status: int, code: str) -> int:
    """The numeric legacy code, such as 111400061 for DCS.4061."""
    return int(f"111{status}{code[-3:]}")


def error(refusal: Refusal, request_id: str, settings: Settings) -> Answer:
    """The error response in the format of its service: that of API Gateway, or that of DCS according to the settings."""
    code: str | int = refusal.code
    if not refusal.code.startswith("DCS."):
        return Answer(refusal.status, {"error_msg": refusal.message, "error_code": code, "request_id": request_id})
    if settings.error_code_type != "string":
        number = legacy_code(refusal.status, refusal.code)
        code = number if settings.error_code_type == "integer" else str(number)
    if settings.error_shape == "v1":
        return Answer(refusal.status, {"error": {"code": code, "message": refusal.message}})
    return Answer(refusal.status, {"error_code": code, "error_msg": refusal.message})
