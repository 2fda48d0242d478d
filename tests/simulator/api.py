# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public API: the response to each request, and its effect.

A handler reads the cloud, and returns the response and a function that carries out the effect, or None. It changes nothing itself: its caller decides
whether and when the effect takes place, which is the difference between a lost request, a lost response and a late effect.

Sources: Huawei Cloud's DCS API reference (API V2), the models of its Python SDK, and the IAM and ECS metadata documentation.
"""

from __future__ import annotations

import dataclasses
import datetime
import http
import json
import re
import secrets
from typing import Any, Callable
from urllib.parse import unquote

from .answers import Answer, Refusal
from .authentication import Account, Gatekeeper
from .cloud import Cloud, Instance, State, Task, UnknownError, timestamp, utc_now

NOT_EXTENDING = Refusal(400, "DCS.4239", "The instance status is not extending.")
CANCELLED = {"result": "success"}

_INSTANCE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TASK_ID = re.compile(r"[0-9a-f]{32}|" + _INSTANCE_ID.pattern)
_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_BUSY = {State.WAITING, State.EXECUTING}
_DOMAIN_ID = "d78cbac186b744899480f25bd022f468"
_USER_ID = "6d0977e4c9b74ae7b5a083a8d0d8fafa"
_TOKEN_SECONDS = 24 * 3600

Effect = Callable[[], Any]
Outcome = tuple[Answer, "Effect | None"]


@dataclasses.dataclass
class Call:
    """One request to the API, after its path has been parsed."""

    cloud: Cloud
    gatekeeper: Gatekeeper
    kind: str
    request_id: str
    endpoint: str
    query: dict[str, str]
    headers: Any
    body: bytes
    project_id: str | None = None
    instance_id: str | None = None
    task_id: str | None = None
    account: Account | None = None
    metadata_tokens: set[str] = dataclasses.field(default_factory=set)

    def instance(self) -> Instance:
        """The instance in the path, which must belong to the project in the path; raises Refusal."""
        self.check_project()
        if self.instance_id is None or not _INSTANCE_ID.fullmatch(self.instance_id):
            raise Refusal(400, "DCS.4061", "Invalid instance ID format.")
        instance = self.cloud.instances.get(self.instance_id)
        if instance is None or instance.project_id != self.project_id:
            raise Refusal(404, "DCS.3022", "This DCS instance does not exist.")
        self.cloud.settle(instance)
        return instance

    def check_project(self) -> None:
        """Refuse a project ID that is malformed, or to which the account has no access."""
        if self.project_id is None or not _PROJECT_ID.fullmatch(self.project_id):
            raise Refusal(400, "DCS.4002", "Invalid project ID format.")
        known = any(project["id"] == self.project_id for project in self.cloud.projects)
        named = self.headers.get("X-Project-Id", self.project_id)
        if not known or named != self.project_id or self.account is None or not self.account.may_enter(self.project_id):
            raise Refusal(403, "DCS.2003", "Insufficient permissions in this project.")

    def page(self) -> tuple[int, int]:
        """The requested `offset` (in records) and `limit`; raises Refusal."""
        offset, limit = (self._whole_number(name, default) for name, default in (("offset", 0), ("limit", 10)))
        settings = self.cloud.settings
        if offset < 0 or (settings.limit_enforced and not 1 <= limit <= 1000):
            raise Refusal(400, "DCS.4000", "Invalid offset or limit.")
        limit = min(max(limit, 1), 1000)
        offset *= limit if settings.offset_unit == "pages" else 1
        return offset, limit if settings.page_cap is None else min(limit, settings.page_cap)

    def _whole_number(self, name: str, default: int) -> int:
        try:
            return int(self.query.get(name, default))
        except ValueError:
            raise Refusal(400, "DCS.4000", f"Invalid {name}.") from None

    def moment(self, name: str) -> datetime.datetime | None:
        """The time in a query parameter (UTC, yyyyMMddHHmmss), if it is set; raises Refusal."""
        value = self.query.get(name)
        if not value:
            return None
        try:
            return datetime.datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            raise Refusal(400, "DCS.4000", f"Invalid {name}.") from None

    def tags(self) -> dict[str, str]:
        """The query parameter `tags` (`key=value`, separated by commas), empty if it is not set; raises Refusal."""
        pairs = [pair.partition("=") for pair in self.query.get("tags", "").split(",") if pair]
        if not all(key and separator for key, separator, _value in pairs):
            raise Refusal(400, "DCS.4000", "Invalid tags.")
        return {key: value for key, _separator, value in pairs}


# DCS


def cancel(call: Call) -> Outcome:
    """POST .../resize/cancel/{task_id} (CancelInstanceResize)."""
    instance = call.instance()
    task_id = call.task_id or ""
    if not _TASK_ID.fullmatch(task_id):
        raise Refusal(400, "DCS.4070", "Invalid task ID format.")
    cloud, settings = call.cloud, call.cloud.settings
    try:
        task = cloud.task(instance, task_id)
    except UnknownError:
        return _told_or_not_extending(settings.answer_unknown_task if cloud.instance_of_task(task_id) is None else settings.answer_foreign_task)
    if not task.resize:
        raise NOT_EXTENDING
    if task.state is State.WAITING:
        answer = _told(settings.answer_cancelled) or Answer(200, CANCELLED)
        return answer, lambda: cloud.cancel(instance, task, by="api", request_id=call.request_id)
    told = {State.EXECUTING: settings.answer_executing, State.CANCELLED: settings.answer_cancelled_before}
    return _told_or_not_extending(told.get(task.state, settings.answer_ended))


def _told(answer: dict[str, Any] | None) -> Answer | None:
    return None if answer is None else Answer(answer["status"], answer.get("body"))


def _told_or_not_extending(told: dict[str, Any] | None) -> Outcome:
    answer = _told(told)
    if answer is None:
        raise NOT_EXTENDING
    return answer, None


def resize(call: Call) -> Outcome:
    """POST .../resize (ResizeInstance): 204 without a body; the task ID is only in the task list."""
    instance = call.instance()
    try:
        wish = json.loads(call.body)
        spec_code, capacity, immediately = wish["spec_code"], wish["new_capacity"], wish.get("execute_immediately", True)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(400, "DCS.4000", "Invalid request body.") from None
    # The schema has an integer, but its description allows fractions below 1 for small instances.
    whole = isinstance(capacity, int) and not isinstance(capacity, bool) and capacity > 0
    if not (isinstance(spec_code, str) and spec_code and isinstance(immediately, bool) and (whole or (isinstance(capacity, float) and 0 < capacity < 1))):
        raise Refusal(400, "DCS.4000", "Invalid request body.")
    if any(task.resize and task.state in _BUSY for task in instance.tasks):
        raise Refusal(400, "DCS.4113", "The instance is being resized.")
    if instance.status != "RUNNING":
        raise Refusal(400, "DCS.4026", "This operation is not allowed in the present status of the instance.")

    def effect() -> None:
        call.cloud.schedule(instance, new_spec_code=spec_code, new_capacity=float(capacity), immediately=immediately)

    return Answer(204), effect


def tasks(call: Call) -> Outcome:
    """GET .../tasks (ListBackgroundTask)."""
    instance = call.instance()
    offset, limit = call.page()
    start, end = call.moment("start_time"), call.moment("end_time")
    rows = [
        (task, status) for task, status in call.cloud.listed_tasks(instance)
        if (start is None or task.created_at >= start) and (end is None or task.created_at <= end)
    ]
    count: int | str = str(len(rows)) if call.cloud.settings.task_count_type == "string" else len(rows)
    records = [_task_record(task, status, call.cloud.settings.details_type) for task, status in rows[offset:offset + limit]]
    answer = Answer(200, {"task_count": count, "tasks": records})
    return answer, lambda: call.cloud.looked_up(instance)


def _task_record(task: Task, status: str, details_type: str) -> dict[str, Any]:
    details = json.dumps(task.details) if details_type == "string" else task.details
    return {
        "id": task.id, "name": task.name, "details": details, "user_name": task.user_name, "user_id": task.user_id, "params": task.params,
        "status": status, "created_at": timestamp(task.created_at), "updated_at": timestamp(task.updated_at), "enable_show": True,
    }


def instances(call: Call) -> Outcome:
    """GET .../instances (ListInstances)."""
    call.check_project()
    offset, limit = call.page()
    call.cloud.settle_all()
    exact = call.query.get("name_equal", "").lower() == "true"
    name, wanted_id, wanted_status = (call.query.get(key, "") for key in ("name", "instance_id", "status"))
    if call.cloud.settings.name_query == "ignored":
        name = ""
    wanted_tags = call.tags()
    rows = [
        instance for instance in call.cloud.instances.values()
        if instance.project_id == call.project_id
        and (not name or (name == instance.name if exact else name in instance.name))
        and (not wanted_id or wanted_id == instance.id)
        and (not wanted_status or wanted_status == call.cloud.instance_status(instance))
        and wanted_tags.items() <= instance.tags.items()
    ]
    records = (_instance_record(call.cloud, instance) for instance in rows[offset:offset + limit])
    page = [{name: value for name, value in record.items() if name not in call.cloud.settings.fields_not_listed} for record in records]
    return Answer(200, {"instance_num": len(rows), "instances": page}), None


def instance_details(call: Call) -> Outcome:
    """GET .../instances/{instance_id} (ShowInstance)."""
    instance = call.instance()
    name = "default" if instance.enterprise_project_id == "0" else f"project-{instance.enterprise_project_id}"
    return Answer(200, {**_instance_record(call.cloud, instance, read=True), "enterprise_project_name": name}), None


def _instance_record(cloud: Cloud, instance: Instance, *, read: bool = False) -> dict[str, Any]:
    small = instance.capacity < 1
    return {
        "instance_id": instance.id, "name": instance.name, "status": cloud.instance_status(instance, read=read), "sub_status": None,
        "engine": "Redis", "engine_version": "6.0", "spec_code": instance.spec_code,
        "capacity": 0 if small else int(instance.capacity), "capacity_minor": f"{instance.capacity:g}"[1:] if small else "",
        "maintain_begin": instance.maintain_begin, "maintain_end": instance.maintain_end, "ip": "192.0.2.10", "port": 6379,
        "charging_mode": instance.charging_mode, "max_memory": int(instance.capacity * 1024), "used_memory": 3, "created_at": instance.created_at,
        "user_id": _USER_ID, "user_name": "operator", "no_password_access": "false", "enable_ssl": False,
        "service_upgrade": False, "az_codes": ["cn-north-4a"], "enterprise_project_id": instance.enterprise_project_id,
        "tags": [{"key": key, "value": value} for key, value in instance.tags.items()],
    }


# IAM and ECS metadata


def projects(call: Call) -> Outcome:
    """GET /v3/projects (KeystoneListProjects): the account's projects; with `name`, only those with exactly this name."""
    name = call.query.get("name")
    rows = [
        {
            "id": project["id"], "name": project["name"], "description": "", "is_domain": False, "enabled": True,
            "domain_id": _DOMAIN_ID, "parent_id": _DOMAIN_ID,
            "links": {"self": f"{call.endpoint}/v3/projects/{project['id']}", "next": None, "previous": None},
        }
        for project in call.cloud.projects
        if (not name or project["name"] == name) and call.account is not None and call.account.may_enter(project["id"])
    ]
    return Answer(200, {"projects": rows, "links": {"self": f"{call.endpoint}/v3/projects", "next": None, "previous": None}}), None


def token(call: Call) -> Outcome:
    """POST /v3/auth/tokens (KeystoneCreateUserTokenByPassword): a token for one project or, with another scope or none, for no project."""
    try:
        asked = json.loads(call.body)["auth"]
        identity, scope = asked["identity"], asked.get("scope", {})
        user = identity["password"]["user"]
        given = (user["domain"]["name"], user["name"], user["password"])
        wanted = {name: value for name, value in scope.get("project", {}).items() if name in ("id", "name")}
        by_password = identity["methods"] == ["password"] and all(isinstance(text, str) and text for text in (*given, *wanted.values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _keystone_error(400, "Request body is invalid.")
    in_json = call.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"
    if not by_password or not in_json or ("project" in scope and not wanted):
        return _keystone_error(400, "Request body is invalid.")
    account = call.gatekeeper.log_in(*given)
    if account is None:
        return _keystone_error(401, "The username or password is wrong.")
    projects = [project for project in call.cloud.projects if wanted and wanted.items() <= project.items() and account.may_enter(project["id"])]
    if wanted and not projects:
        return _keystone_error(401, "The user has no access to the project.")
    # Real tokens have a similar length.
    value = secrets.token_urlsafe(2048)
    domain = {"id": _DOMAIN_ID, "name": account.domain}
    now = utc_now()
    content = {
        "methods": ["password"], "issued_at": timestamp(now), "expires_at": timestamp(now + datetime.timedelta(seconds=_TOKEN_SECONDS)),
        "user": {"domain": domain, "id": _USER_ID, "name": account.user, "password_expires_at": ""}, "roles": [{"id": "0", "name": "te_admin"}],
        **({"project": {"domain": domain, **projects[0]}} if projects else {"domain": domain}),
    }
    if not call.query.get("nocatalog"):
        endpoint = {"id": "c0", "interface": "public", "region": "cn-north-4", "region_id": "cn-north-4", "url": f"{call.endpoint}/v3"}
        content["catalog"] = [{"id": "c1", "name": "iam", "type": "iam", "endpoints": [endpoint]}]
    ids = [project["id"] for project in projects]
    return Answer(201, {"token": content}, headers={"X-Subject-Token": value}), lambda: call.gatekeeper.accept_token(value, account, ids, _TOKEN_SECONDS)


def _keystone_error(status: int, message: str) -> Outcome:
    """An error in the format of Keystone, which differs from those of DCS and API Gateway."""
    return Answer(status, {"error": {"code": status, "message": message, "title": http.HTTPStatus(status).phrase}}), None


def metadata_token(call: Call) -> Outcome:
    """PUT /meta-data/latest/api/token."""
    status = call.cloud.settings.metadata_token_status
    if status != 200:
        return Answer(status, b"", content_type="text/plain"), None
    if not call.headers.get("X-Metadata-Token-Ttl-Seconds", "").isdigit():
        return Answer(400, b"", content_type="text/plain"), None
    token = secrets.token_urlsafe(24)
    return Answer(200, token.encode(), content_type="text/plain"), lambda: call.metadata_tokens.add(token)


def metadata_credential(call: Call) -> Outcome:
    """GET /openstack/latest/securitykey: the temporary credentials of the server's agency."""
    settings = call.cloud.settings
    if settings.metadata_token_status == 200 and settings.metadata_token_required and call.headers.get("X-Metadata-Token") not in call.metadata_tokens:
        return Answer(401, b"", content_type="text/plain"), None
    account = next((account for account in call.gatekeeper.accounts if account.security_token), None)
    if account is None or not settings.metadata_agency:
        return Answer(404, b"", content_type="text/plain"), None
    expires_at = utc_now() + datetime.timedelta(hours=-1 if settings.metadata_expired else 6)
    credential = {"access": account.access_key, "secret": account.secret_key, "securitytoken": account.security_token, "expires_at": timestamp(expires_at)}
    return Answer(200, {"credential": credential}), None


# Paths

_INSTANCE = r"/v2/(?P<project_id>[^/]*)/instances/(?P<instance_id>[^/]*)"
_ROUTES: list[tuple[str, re.Pattern[str], str, Callable[[Call], Outcome]]] = [
    ("POST", re.compile(_INSTANCE + r"/resize/cancel/(?P<task_id>[^/]*)"), "cancel", cancel),
    ("GET", re.compile(_INSTANCE + r"/tasks"), "tasks", tasks),
    ("GET", re.compile(_INSTANCE), "instance", instance_details),
    ("GET", re.compile(r"/v2/(?P<project_id>[^/]*)/instances"), "instances", instances),
    ("POST", re.compile(_INSTANCE + r"/resize"), "resize", resize),
    ("GET", re.compile(r"/v3/projects"), "projects", projects),
    ("POST", re.compile(r"/v3/auth/tokens"), "token", token),
    ("PUT", re.compile(r"/meta-data/latest/api/token"), "metadata", metadata_token),
    ("GET", re.compile(r"/openstack/latest/securitykey"), "metadata", metadata_credential),
]
KINDS = ("cancel", "tasks", "instance", "instances", "resize", "projects", "token", "metadata")
#: The kinds that need no authentication, because they return credentials.
OPEN_KINDS = ("token", "metadata")


def route(method: str, path: str) -> tuple[str, Callable[[Call], Outcome], dict[str, str]]:
    """The kind of a request, its handler, and the IDs in its path; raises Refusal for an API that is not published."""
    for route_method, pattern, kind, handler in _ROUTES:
        if route_method == method:
            match = pattern.fullmatch(path)
            if match:
                return kind, handler, {name: unquote(value) for name, value in match.groupdict().items()}
    raise Refusal(404, "APIGW.0101", "The API does not exist or has not been published in the environment.")
