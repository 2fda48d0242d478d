# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP server: logs, authenticates, throttles and handles each request, applies a fault if one is due, and sends the response in one write."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import math
import secrets
import time
from typing import Any, Callable
from urllib.parse import parse_qsl

from aiohttp import web

from . import api
from .answers import Answer, Refusal, error
from .authentication import DEFAULT_ACCOUNTS, Account, Gatekeeper, Received
from .cloud import DEFAULT_PROJECT, Cloud, UnknownError, happen
from .control import CONTROL_PREFIX, Control
from .exchange import Exchange
from .faults import Rule, Step
from .settings import Settings
from .throttle import Throttle

_LOG_LENGTH = 500_000


class World:
    """Everything that a reset restores to its initial state."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.settings = Settings()
        self.cloud = Cloud(self.settings, config.get("projects") or [dict(DEFAULT_PROJECT)])
        accounts = [Account(**account) for account in config.get("accounts", ())] or [Account(**vars(account)) for account in DEFAULT_ACCOUNTS]
        self.gatekeeper = Gatekeeper(accounts, self.settings, self.cloud.now)
        self.rules: list[Rule] = []
        self.metadata_tokens: set[str] = set()
        self.log: collections.deque[dict[str, Any]] = collections.deque(maxlen=_LOG_LENGTH)
        self.in_flight = 0
        self.most_in_flight = 0
        self.throttle: Throttle | None = None
        self.configure(config.get("settings", {}))
        for instance in config.get("instances", ()):
            self.cloud.add_instance(**instance)
        for rule in config.get("faults", ()):
            self.rules.append(Rule(**rule))

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings; raises UnknownSettingError, or ValueError and TypeError for an impossible throttle."""
        throttle = Throttle(**changes["throttle"]) if changes.get("throttle") else None
        self.settings.change(changes)
        if "throttle" in changes:
            self.throttle = throttle

    def next_step(self, kind: str, instance_id: str | None) -> Step | None:
        """The fault that is due for a request, if any."""
        for rule in self.rules:
            step = rule.next_step(kind, instance_id)
            if step is not None:
                return step
        return None


class _Sent(web.StreamResponse):
    """A response that is sent as exactly the given bytes, in one write."""

    def __init__(self, transport: asyncio.Transport, data: bytes, *, keep_alive: bool) -> None:
        super().__init__()
        self._transport = transport
        self._data = data
        if not keep_alive:
            self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send the bytes."""
        if self._data and not self._transport.is_closing():
            self._transport.write(self._data)

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: everything has already been sent."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open."""
        return bool(super().keep_alive is not False)


class Server:
    """Responds to every request."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self.world = World(config)
        self.control = Control(self)

    def reset(self) -> None:
        """Return to the initial state."""
        self.world = World(self._config)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond to one request."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        path, _mark, query = request.raw_path.partition("?")
        body = await request.read() if request.body_exists else b""
        if path.startswith(CONTROL_PREFIX):
            control_answer = self.control.handle(path[len(CONTROL_PREFIX):], body)
            return _Sent(transport, control_answer.render(), keep_alive=request.keep_alive)
        arrived = time.monotonic()
        world = self.world
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        record: dict[str, Any] = {
            "time": time.time(), "method": request.method, "path": path, "query": query, "kind": None, "instance_id": None, "task_id": None,
            "access_key": None, "authorization": request.headers.get("Authorization"), "user_agent": request.headers.get("User-Agent"),
            "peer_port": transport.get_extra_info("peername")[1],
            "request_id": secrets.token_hex(16), "status": None, "fault": None, "ended": None, "sequence": len(world.log),
        }
        world.log.append(record)
        try:
            answer = await self._answer(world, request, path, query, body, transport, record)
            wait = arrived + world.settings.latency_ms / 1000 - time.monotonic()
            if answer is not None and wait > 0:
                await asyncio.sleep(wait)
        finally:
            world.in_flight -= 1
            record["ended"] = time.time()
        if record["access_key"] is not None and (answer is None or answer.status != 401):
            world.gatekeeper.count_success(record["access_key"])
        if answer is None:
            return _Sent(transport, b"", keep_alive=False)
        record["status"] = answer.status
        if world.settings.request_id_header:
            answer.headers = {**answer.headers, "X-Request-Id": record["request_id"]}
        return _Sent(transport, answer.render(keep_alive=request.keep_alive), keep_alive=request.keep_alive)

    async def _answer(
        self, world: World, request: web.BaseRequest, path: str, query: str, body: bytes, transport: asyncio.Transport, record: dict[str, Any],
    ) -> Answer | None:
        request_id = record["request_id"]
        try:
            kind, handler, ids = api.route(request.method, path)
            record.update(kind=kind, **{name: ids[name] for name in ("instance_id", "task_id") if name in ids})
            pairs = parse_qsl(query, keep_blank_values=True)
            account = None
            if kind not in api.OPEN_KINDS:
                account = self._admit(world, Received(request.method, path, pairs, request.headers, body), record)
            self._let_in(world, kind)
        except Refusal as refusal:
            return self._refused(world, refusal, request_id)
        step = world.next_step(kind, record["instance_id"])
        if step is not None:
            pairs = [(name, value) for name, value in pairs if name not in step.fault.ignored_query]
        call = api.Call(
            cloud=world.cloud, gatekeeper=world.gatekeeper, kind=kind, request_id=request_id, endpoint=f"{request.scheme}://{request.host}",
            query=dict(pairs), headers=request.headers, body=body, account=account, metadata_tokens=world.metadata_tokens, **ids,
        )
        if step is None:
            answer, effect = self._handle(world, handler, call)
            if effect is not None:
                effect()
            return answer
        record["fault"] = step.fault.name
        self._happen(world, step.before, call)
        answer, effect = self._handle(world, handler, call)
        if effect is not None and step.effect == "done":
            effect()
        elif effect is not None and step.effect == "late" and call.instance_id is not None:
            seconds = None if step.late_ms is None else step.late_ms / 1000
            world.cloud.later(world.cloud.instance(call.instance_id), effect, seconds=seconds, lookups=step.late_lookups)
        self._happen(world, step.after, call)
        exchange = Exchange(call, transport, world.gatekeeper, world.settings, record["access_key"])
        return await step.fault.spoil(exchange, answer, **step.parameters)

    @staticmethod
    def _admit(world: World, received: Received, record: dict[str, Any]) -> Account:
        authorization = record["authorization"] or ""
        record["access_key"] = authorization.partition("Access=")[2].partition(",")[0] or None
        return world.gatekeeper.admit(received)

    @staticmethod
    def _let_in(world: World, kind: str) -> None:
        wait = world.throttle.wait(kind, world.cloud.now()) if world.throttle is not None else 0
        if wait > 0:
            raise _Throttled(wait)

    @staticmethod
    def _refused(world: World, refusal: Refusal, request_id: str) -> Answer:
        answer = error(refusal, request_id, world.settings)
        if isinstance(refusal, _Throttled) and world.settings.retry_after:
            answer.headers = {"Retry-After": str(math.ceil(refusal.wait))}
        return answer

    def _handle(self, world: World, handler: Callable[[api.Call], api.Outcome], call: api.Call) -> api.Outcome:
        try:
            return handler(call)
        except Refusal as refusal:
            return self._refused(world, refusal, call.request_id), None

    @staticmethod
    def _happen(world: World, event: str | None, call: api.Call) -> None:
        if event is None or call.instance_id is None:
            return
        with contextlib.suppress(UnknownError):  # an event that is no longer possible does not happen
            happen(world.cloud, event, world.cloud.instance(call.instance_id), call.task_id)


class _Throttled(Refusal):
    def __init__(self, wait: float) -> None:
        super().__init__(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second")
        self.wait = wait


def read_config(text: str) -> dict[str, Any]:
    """Parse a configuration file: an object with `settings`, `projects`, `accounts`, `instances` and `faults`, all optional."""
    config: dict[str, Any] = json.loads(text)
    unknown = sorted(set(config) - {"settings", "projects", "accounts", "instances", "faults"})
    if unknown:
        raise ValueError(f"unknown in the configuration: {', '.join(unknown)}")
    return config
