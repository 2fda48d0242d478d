# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small stand-in for the API of AWX, for the modules of awx.awx: it stores what they send, and refuses what AWX refuses."""

from __future__ import annotations

import http.server
import json
import threading
import types
import urllib.parse
from typing import Any

from controller_rules import Refused, check_credential_type, check_survey, demand, launch

API = "/api/v2/"
# Tokens with their scopes, and whether the user is a system administrator.
TOKENS = {"controller-token": ("write", True), "read-token": ("read", True), "operator-token": ("write", False)}


class Forbidden(Exception):
    """A request that AWX refuses with HTTP 403."""


class Controller:
    """The stand-in, which runs while the `with` block is active.

    :ivar host: for CONTROLLER_HOST
    :ivar records: all records, by kind and ID
    :ivar sent: method, path and content of each requested change
    :ivar launched: the extra variables and the other prompts of each job
    """

    def __init__(self) -> None:
        kinds = ("organizations", "projects", "inventories", "execution_environments", "credentials", "credential_types", "job_templates", "jobs")
        self.records: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in kinds}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.attached: dict[int, list[int]] = {}
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.launched: list[tuple[dict[str, Any], dict[str, Any]]] = []
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
                """Print nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Controller:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, kind: str, /, **record: Any) -> int:
        """Add a record. Return its ID."""
        number = sum(map(len, self.records.values())) + 1
        url = f"{API}{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/", "launch": f"{url}launch/"}
        self.records[kind][number] = {**record, "id": number, "type": kind.removesuffix("s"), "url": url, "related": related}
        return number

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The record with this name."""
        [found] = [record for record in self.records[kind].values() if record["name"] == name]
        return found

    def handle(self, method: str, path: str, content: dict[str, Any], authorization: str) -> tuple[int, Any]:
        """Status and body of the response."""
        scope, administrator = TOKENS.get(authorization.removeprefix("Bearer "), ("", False))
        if not scope:
            return 401, {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."}
        url = urllib.parse.urlsplit(path)
        kind, *rest = url.path.removeprefix(API).strip("/").split("/")
        if method != "GET":
            self.sent.append((method, url.path, content))
        try:
            if method != "GET" and (scope != "write" or (kind == "credential_types" and not administrator)):
                raise Forbidden
            if not rest:
                return self._collection(method, kind, dict(urllib.parse.parse_qsl(url.query)), content)
            return self._record(method, kind, int(rest[0]), "/".join(rest[1:]), content)
        except Refused as error:
            return 400, error.body
        except Forbidden as error:
            return 403, {"detail": str(error) or "You do not have permission to perform this action."}
        except KeyError:
            return 404, {"detail": "Not found."}

    def _collection(self, method: str, kind: str, query: dict[str, str], content: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            found = [self._shown(kind, record) for record in self.records[kind].values() if self._matches(record, query)]
            return 200, {"count": len(found), "next": None, "previous": None, "results": found}
        return 201, self._shown(kind, self.records[kind][self.add(kind, **self._checked(kind, content))])

    def _record(self, method: str, kind: str, number: int, part: str, content: dict[str, Any]) -> tuple[int, Any]:
        record = self.records[kind][number]
        if part == "survey_spec":
            if method == "POST":
                check_survey(content)
                self.surveys[number] = content
            return 200, self.surveys.get(number, {})
        if part == "credentials":
            return self._credentials(method, number, content)
        if part == "launch":
            variables = launch(record, self.surveys.get(number, {}), content.pop("extra_vars", {}))
            # Other prompts are ignored unless the template enables them.
            self.launched.append((variables, {name: value for name, value in content.items() if record.get(f"ask_{name}_on_launch")}))
            job = self.add("jobs", name=record["name"], status="successful", finished="2026-01-01T00:00:00Z", failed=False, elapsed=1.0)
            return 201, self.records["jobs"][job]
        if method == "PATCH":
            changed = self._checked(kind, {**record, **content})
            in_use = kind == "credential_types" and any(credential.get("credential_type") == number for credential in self.records["credentials"].values())
            if in_use and changed["inputs"] != record["inputs"]:
                raise Forbidden("Modifications to inputs are not allowed for credential types that are in use")
            record.update(changed)
        return 200, self._shown(kind, record)

    def _credentials(self, method: str, template: int, content: dict[str, Any]) -> tuple[int, Any]:
        """The credentials of a job template: at most one of each type."""
        attached = self.attached.setdefault(template, [])
        if method == "GET":
            return 200, {"count": len(attached), "next": None, "results": [self.records["credentials"][credential] for credential in attached]}
        if content.get("disassociate"):
            attached.remove(content["id"])
        else:
            kinds = [self.records["credentials"][credential].get("credential_type") for credential in (content["id"], *attached)]
            demand(kinds[0] is None or kinds[0] not in kinds[1:], {"error": "Cannot assign multiple credentials of a type."})
            attached.append(content["id"])
        return 204, None

    def _matches(self, record: dict[str, Any], query: dict[str, str]) -> bool:
        """Whether a record has those values; `organization__name` looks up the organization."""
        organization = self.records["organizations"].get(record.get("organization", 0), {"name": None})
        known = {**record, "organization__name": organization["name"]}
        return all(str(known[key]) == value for key, value in query.items())

    def _shown(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        """A record as the API returns it."""
        if kind != "job_templates":
            return record
        attached = [self.records["credentials"][credential] for credential in self.attached.get(record["id"], [])]
        return {**record, "summary_fields": {"credentials": [{"id": credential["id"], "name": credential["name"]} for credential in attached]}}

    def _checked(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        """Check a new or changed record, and return it if AWX accepts it."""
        if kind == "credential_types":
            check_credential_type(record)
        elif kind == "job_templates":
            project = self.records["projects"].get(record.get("project", 0))
            demand(project, {"project": ["Job Templates must have a project assigned."]})
            assert project is not None
            demand(record.get("inventory"), {"inventory": ["You must either set a default value or ask to prompt on launch."]})
            demand(record.get("playbook"), {"playbook": ["Must select playbook for project."]})
            # A project that has never been synchronized has no playbooks.
            demand(record["playbook"] in project.get("playbook_files", []), {"playbook": ["Playbook not found for project."]})
            # The organization of a job template is always that of its project.
            return {"ask_variables_on_launch": False, **record, "organization": project["organization"]}
        return record
