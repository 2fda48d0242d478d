# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small stand-in for the API of AWX, for the modules of awx.awx: it keeps what they send, and refuses what AWX refuses."""

from __future__ import annotations

import http.server
import json
import re
import threading
import types
import urllib.parse
from typing import Any

import jinja2
import jinja2.sandbox

API = "/api/v2/"
QUESTION_TYPES = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")


class Refused(Exception):
    """What AWX answers with status 400."""


def check_credential_type(record: dict[str, Any]) -> None:
    """The rules of AWX for credential types: known field types, no variable of Ansible's own, and templates that name fields only."""
    fields = record["inputs"]["fields"]
    names = {field["id"] for field in fields}
    if not all(re.fullmatch(r"[a-zA-Z_]\w*", name) for name in names) or len(names) != len(fields):
        raise Refused("field ids are unique identifiers")
    if not {field["type"] for field in fields} <= {"string", "boolean"} or not all(field.get("label") for field in fields):
        raise Refused("a field is a string or a boolean, and has a label")
    if [field["id"] for field in fields if field["type"] == "boolean" and field.get("secret")] or not set(record["inputs"].get("required", [])) <= names:
        raise Refused("a boolean is no secret, and what is required is a field")
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for name, template in record["injectors"]["env"].items():
        if name.startswith("ANSIBLE_") or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise Refused(f"Environment variable {name} may affect Ansible configuration so its use is not allowed in credentials.")
        try:
            strict.from_string(template).render(dict.fromkeys(names, "EXAMPLE"))
        except jinja2.TemplateError as error:
            raise Refused(f"{name} uses an undefined field: {error}") from error


def check_survey(record: dict[str, Any]) -> None:
    """The rules of AWX for surveys."""
    if not {"name", "description", "spec"} <= set(record) or not record["spec"]:
        raise Refused("a survey has a name, a description and questions")
    variables = [question["variable"] for question in record["spec"]]
    if len(set(variables)) != len(variables):
        raise Refused("a variable is asked for twice")
    for question in record["spec"]:
        if question["type"] not in QUESTION_TYPES or not isinstance(question["required"], bool) or not question["question_name"]:
            raise Refused(f"{question['variable']}: type, name or required")
        if any(not isinstance(question.get(limit, 0), int) for limit in ("min", "max")):
            raise Refused(f"{question['variable']}: limits are integers")
        if question["type"] == "integer" and not isinstance(question.get("default", 0), int):
            raise Refused(f"{question['variable']}: the default is an integer")
        if question["type"] == "multiplechoice" and (not question["choices"] or question["default"] not in question["choices"]):
            raise Refused(f"{question['variable']}: the default is one of the choices")


class Controller:
    """The stand-in, from entering the `with` block to leaving it.

    :ivar host: for CONTROLLER_HOST
    :ivar records: what is there: by kind, by id
    :ivar sent: each change that was asked for: method, path and content
    """

    def __init__(self) -> None:
        kinds = ("organizations", "projects", "inventories", "execution_environments", "credentials", "credential_types", "job_templates")
        self.records: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in kinds}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.attached: dict[int, list[int]] = {}
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        controller = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = json.loads(self.rfile.read(length) or b"{}")
                status, body = controller.handle(self.command, self.path, content, self.headers.get("Authorization", ""))
                payload = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PATCH = answer

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Controller:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, kind: str, /, **record: Any) -> int:
        """Add a record; its id."""
        number = sum(map(len, self.records.values())) + 1
        url = f"{API}{kind}/{number}/"
        self.records[kind][number] = {**record, "id": number, "type": kind.removesuffix("s"), "url": url, "related": {"survey_spec": f"{url}survey_spec/"}}
        return number

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The record of that name."""
        [found] = [record for record in self.records[kind].values() if record["name"] == name]
        return found

    def handle(self, method: str, path: str, content: dict[str, Any], authorization: str) -> tuple[int, Any]:
        """Status and body of the answer."""
        if authorization != "Bearer controller-token":
            return 401, {"detail": "Authentication credentials were not provided."}
        url = urllib.parse.urlsplit(path)
        kind, *rest = url.path.removeprefix(API).strip("/").split("/")
        if method != "GET":
            self.sent.append((method, url.path, content))
        try:
            if not rest:
                return self._collection(method, kind, dict(urllib.parse.parse_qsl(url.query)), content)
            return self._record(method, kind, int(rest[0]), "/".join(rest[1:]), content)
        except Refused as error:
            return 400, {"error": str(error), "__all__": [str(error)]}
        except KeyError:
            return 404, {"detail": "Not found."}

    def _collection(self, method: str, kind: str, query: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            found = [record for record in self.records[kind].values() if all(str(record.get(key)) == value for key, value in query.items())]
            return 200, {"count": len(found), "next": None, "previous": None, "results": found}
        if kind == "credential_types":
            check_credential_type(content)
        return 201, self.records[kind][self.add(kind, **content)]

    def _record(self, method: str, kind: str, number: int, part: str, content: dict[str, Any]) -> tuple[int, Any]:
        record = self.records[kind][number]
        if part == "survey_spec":
            if method == "POST":
                check_survey(content)
                self.surveys[number] = content
            return 200, self.surveys.get(number, {})
        if part == "credentials":
            attached = self.attached.setdefault(number, [])
            if method == "POST":
                attached.append(content["id"])
                return 204, None
            return 200, {"count": len(attached), "next": None, "results": [self.records["credentials"][credential] for credential in attached]}
        if method == "PATCH":
            record.update(content)
        return 200, record
