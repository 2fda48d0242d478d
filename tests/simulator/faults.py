# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry of all faults that the simulated cloud can produce.

A fault has two independent sides: what happens to the request (its effect: `done`, `none`, or `late`) and what happens to the response. The functions below
change the response; each is registered with its default effect, which tests can override. README.md lists them.
"""

from __future__ import annotations

import asyncio
import dataclasses
import email.utils
import functools
import gzip
import inspect
import json
import time
from collections.abc import Awaitable
from typing import Any, Callable

from .answers import Answer, Refusal, legacy_code
from .api import KINDS, NOT_EXTENDING
from .cloud import EVENTS
from .exchange import Exchange

EFFECTS = ("done", "none", "late")


Spoil = Callable[..., Awaitable["Answer | None"]]
"""Turns the regular response into the faulty one, or returns None if the fault has used the connection itself, which is then closed."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault."""

    name: str
    description: str
    effect: str
    spoil: Spoil
    parameters: dict[str, Any]
    """The parameters of the fault, with their default values."""
    ignored_query: tuple[str, ...] = ()
    """Query parameters that are ignored when the request is handled."""


FAULTS: dict[str, Fault] = {}


class UnknownFaultError(ValueError):
    """A fault does not exist, or its definition is invalid."""


def _fault(description: str, *, effect: str = "none", ignored_query: tuple[str, ...] = ()) -> Callable[[Spoil], Spoil]:
    def register(spoil: Spoil) -> Spoil:
        name = spoil.__name__
        parameters = {
            parameter.name: parameter.default
            for parameter in inspect.signature(spoil).parameters.values() if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        FAULTS[name] = Fault(name, description, effect, spoil, parameters, ignored_query)
        return spoil

    return register


# No fault


@_fault("No fault. As a step of a sequence, it lets requests pass.", effect="done")
async def normal(_exchange: Exchange, answer: Answer) -> Answer:
    return answer


@_fault("The correct response, delayed by this number of milliseconds.", effect="done")
async def delay(_exchange: Exchange, answer: Answer, *, milliseconds: float = 1000) -> Answer:
    await asyncio.sleep(milliseconds / 1000)
    return answer


# The connection


@_fault("The connection is reset instead of a response.")
async def reset(exchange: Exchange, _answer: Answer) -> None:
    exchange.reset()


@_fault("The connection is closed without a response.")
async def close(_exchange: Exchange, _answer: Answer) -> None:
    return None


@_fault("The correct response. The connection is then closed without notice, so that the next request on it is lost.", effect="done")
async def close_afterwards(exchange: Exchange, answer: Answer) -> None:
    await exchange.send_last(answer.render())


@_fault("No response. The connection stays open until the client gives up, or for this number of seconds.")
async def stall(exchange: Exchange, _answer: Answer, *, seconds: float = 600) -> None:
    await exchange.peer_gone(seconds)


# Refusals and failures of the service and of the gateway in front of it


def _refusal_fault(name: str, description: str, status: int, code: str, message: str) -> None:
    async def spoil(exchange: Exchange, _answer: Answer) -> Answer:
        return exchange.refuse(Refusal(status, code, message))

    FAULTS[name] = Fault(name, description, "none", spoil, {})


for _row in (
    ("internal_error", "500 DCS.5000.", 500, "DCS.5000", "Internal service error."),
    ("bad_gateway", "502 APIGW.0201 of the gateway.", 502, "APIGW.0201", "Backend unavailable."),
    ("unavailable", "503 APIGW.0613 of the gateway.", 503, "APIGW.0613", "The backend is temporarily unavailable."),
    ("gateway_timeout", "504 APIGW.0201 of the gateway.", 504, "APIGW.0201", "Backend timeout."),
    ("service_unavailable", "503 DCS.5006 of the service.", 503, "DCS.5006", "Internal service error."),
    ("forbidden", "403 DCS.3002.", 403, "DCS.3002", "Insufficient permissions."),
    ("forbidden_by_gateway", "403 APIGW.0302.", 403, "APIGW.0302", "The IAM user is not authorized to access the API."),
    ("instance_gone", "404 DCS.3022.", 404, "DCS.3022", "This DCS instance does not exist."),
    ("not_published", "404 APIGW.0101.", 404, "APIGW.0101", "The API does not exist or has not been published in the environment."),
    ("not_extending", "400 DCS.4239, while the list still shows the resize as pending.", NOT_EXTENDING.status, NOT_EXTENDING.code, NOT_EXTENDING.message),
    ("busy", "400 DCS.4113.", 400, "DCS.4113", "The instance is being resized."),
    ("wrong_state", "400 DCS.4026.", 400, "DCS.4026", "This operation is not allowed in the present status of the instance."),
    ("chinese", "400 with a message in Chinese.", 400, "DCS.4097", "\u5b9e\u4f8b\u72b6\u6001\u4e0d\u652f\u6301\u8be5\u64cd\u4f5c\u3002"),
):
    _refusal_fault(*_row)


@_fault("Any error with this status, code and message.")
async def refused(exchange: Exchange, _answer: Answer, *, status: int = 400, code: str = "DCS.4049", message: str = "The request was refused.") -> Answer:
    return exchange.refuse(Refusal(status, code, message))


@_fault("401 APIGW.0301, with the access key in the message. Counts as a failed authentication.")
async def unauthorized(exchange: Exchange, _answer: Answer) -> Answer:
    exchange.failed_authentication()
    return exchange.refuse(Refusal(401, "APIGW.0301", f"Incorrect IAM authentication information: verify aksk signature fail, ak:{exchange.access_key}"))


@_fault("429 APIGW.0308; `retry_after` is a number of seconds, `date` (a date `seconds` from now), `absurd` (ten years) or null (no header).")
async def throttled(exchange: Exchange, _answer: Answer, *, retry_after: float | str | None = None, seconds: float = 1) -> Answer:
    answer = exchange.refuse(Refusal(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit,limit:10,time:1 minute"))
    if retry_after is not None:
        values = {"date": email.utils.formatdate(time.time() + seconds, usegmt=True), "absurd": str(10 * 365 * 24 * 3600)}
        answer.headers = {"Retry-After": values.get(str(retry_after), str(retry_after))}
    return answer


@_fault("An error in the format of the first API version: `{\"error\": {\"code\", \"message\"}}`.")
async def v1_error(_exchange: Exchange, _answer: Answer, *, status: int = 400, code: str = NOT_EXTENDING.code, message: str = NOT_EXTENDING.message) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


@_fault("An error whose code is a JSON integer.")
async def integer_code(
    _exchange: Exchange, _answer: Answer, *, status: int = 400, code: str = NOT_EXTENDING.code, message: str = NOT_EXTENDING.message
) -> Answer:
    return Answer(status, {"error_code": legacy_code(status, code), "error_msg": message})


@_fault("An HTML page, as from a proxy, instead of JSON.")
async def html(_exchange: Exchange, _answer: Answer, *, status: int = 502) -> Answer:
    return Answer(status, b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>", content_type="text/html")


@_fault("A redirect to another location.")
async def redirect(_exchange: Exchange, _answer: Answer, *, status: int = 302, location: str = "http://127.0.0.1:9/elsewhere") -> Answer:
    return Answer(status, b"", headers={"Location": location})


# Responses that are damaged in transit


@_fault("200 without a body.", effect="done")
async def empty(_exchange: Exchange, _answer: Answer) -> Answer:
    return Answer(200, b"")


@_fault("200 with the body `null`.", effect="done")
async def null(_exchange: Exchange, _answer: Answer) -> Answer:
    return Answer(200, b"null")


@_fault("200 with the body `{\"result\": \"failure\"}`.")
async def failure_result(_exchange: Exchange, _answer: Answer) -> Answer:
    return Answer(200, {"result": "failure"})


@_fault("The body ends before its announced length, and the connection is closed.", effect="done")
async def cut_body(exchange: Exchange, answer: Answer, *, missing: int = 5) -> None:
    content = answer.content()
    kept = max(0, len(content) - missing)
    await exchange.send(dataclasses.replace(answer, body=content[:kept], content_length=kept + missing).render())


@_fault("A chunked body that ends within a chunk.", effect="done")
async def cut_chunk(exchange: Exchange, answer: Answer) -> None:
    content = answer.content()
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{len(content) + 5:x}\r\n"
    await exchange.send(head.encode() + content)


@_fault("Values of the wrong JSON types: at the top level or, with `rows`, in the records of the list.", effect="done")
async def wrong_types(_exchange: Exchange, answer: Answer, *, rows: bool = False) -> Answer:
    body = json.loads(answer.content() or b"{}")
    if not rows:
        return dataclasses.replace(answer, body=_retype(body))
    return dataclasses.replace(
        answer, body={key: [None, 7, "text", [], *map(_retype, value)] if isinstance(value, list) else value for key, value in body.items()}
    )


def _retype(record: Any) -> Any:
    if not isinstance(record, dict):
        return [record]
    return {key: {"text": value} if isinstance(value, str) else "many" if isinstance(value, list) else [value] for key, value in record.items()}


@_fault("A JSON list instead of an object.", effect="done")
async def list_body(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, body=[json.loads(answer.content() or b"{}")])


@_fault("A content type other than JSON.", effect="done")
async def wrong_content_type(_exchange: Exchange, answer: Answer, *, content_type: str = "text/plain; charset=iso-8859-1") -> Answer:
    return dataclasses.replace(answer, content_type=content_type)


@_fault("No content type.", effect="done")
async def no_content_type(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, content_type=None)


@_fault("A body that is not UTF-8.", effect="done")
async def invalid_utf8(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, body=answer.content()[:-1] + b', "note": "\xff\xfe\xc3"}')


@_fault("Truncated JSON in a body of the announced length.", effect="done")
async def broken_json(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, body=answer.content()[:-2])


@_fault("JSON with 100,000 levels of nesting.", effect="done")
async def deep_json(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, body=b"[" * 100_000 + b"]" * 100_000)


@_fault("The correct body, compressed (`Content-Encoding: gzip`).", effect="done")
async def gzipped(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, body=gzip.compress(answer.content()), headers={"Content-Encoding": "gzip"})


@_fault("A body that is declared as compressed but is not.", effect="done")
async def broken_gzip(_exchange: Exchange, answer: Answer) -> Answer:
    return dataclasses.replace(answer, headers={"Content-Encoding": "gzip"})


@_fault("A body of this number of megabytes.", effect="done")
async def huge_body(exchange: Exchange, answer: Answer, *, megabytes: int = 50) -> None:
    opening, closing, filling = b'{"result": "success", "note": "', b'"}', b"x" * 2**20
    await exchange.send(dataclasses.replace(answer, body=opening, content_length=len(opening) + megabytes * len(filling) + len(closing)).render())
    for _number in range(megabytes):
        if not await exchange.send(filling):
            return
    await exchange.send(closing)
    await exchange.peer_gone(1)


@_fault("A small compressed body that decompresses to this number of megabytes.", effect="done")
async def gzip_bomb(_exchange: Exchange, answer: Answer, *, megabytes: int = 200) -> Answer:
    body = await asyncio.to_thread(_bomb, megabytes)
    return dataclasses.replace(answer, body=body, headers={"Content-Encoding": "gzip"})


@functools.lru_cache
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b'{"result": "success", "note": "' + b"x" * (megabytes * 2**20) + b'"}')


@_fault("A body that arrives one byte at a time and never ends.", effect="done")
async def drip_body(exchange: Exchange, answer: Answer, *, milliseconds: float = 100) -> None:
    await exchange.send(dataclasses.replace(answer, body=b"{", content_length=10**6).render())
    while await exchange.send(b" "):
        await asyncio.sleep(milliseconds / 1000)


@_fault("Headers that arrive one byte at a time and never end.", effect="done")
async def drip_headers(exchange: Exchange, _answer: Answer, *, milliseconds: float = 100) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while await exchange.send(b"x"):
        await asyncio.sleep(milliseconds / 1000)


@_fault("Something that is not HTTP.", effect="done")
async def not_http(exchange: Exchange, _answer: Answer) -> None:
    await exchange.send(b"\x15\x03\x01\x00\x02\x02\x16 this is not HTTP\r\n\r\n")


# Misleading lists


def _records(exchange: Exchange) -> tuple[str, str]:
    return ("instances", "instance_num") if exchange.kind == "instances" else ("tasks", "task_count")


@_fault("The list ignores `offset` and always returns the first page.", effect="done", ignored_query=("offset",))
async def same_page(_exchange: Exchange, answer: Answer) -> Answer:
    return answer


@_fault("The list states a wrong number of records.", effect="done")
async def lying_count(exchange: Exchange, answer: Answer, *, count: int | str = 1000) -> Answer:
    return dataclasses.replace(answer, body={**answer.body, _records(exchange)[1]: count}) if isinstance(answer.body, dict) else answer


@_fault("The list is empty, although there are records.", effect="done")
async def empty_list(exchange: Exchange, answer: Answer) -> Answer:
    records, count = _records(exchange)
    return dataclasses.replace(answer, body={records: [], count: 0})


# Actions of other users. The event takes place immediately before the request is handled. Any fault can have an event: see `Step`.

_EVENT_BEFORE: dict[str, str] = {}
for _name, _event in (("started_meanwhile", "start"), ("finished_meanwhile", "finish"), ("failed_meanwhile", "fail"), ("cancelled_meanwhile", "cancel"),
                      ("rescheduled_meanwhile", "schedule"), ("removed_meanwhile", "remove")):
    _EVENT_BEFORE[_name] = _event
    FAULTS[_name] = Fault(_name, f"Immediately before the request is handled, {EVENTS[_event][1]}. The response is correct.", "done", normal, {})


# Rules that say when the cloud fails


@dataclasses.dataclass(frozen=True)
class Step:
    """One fault of a sequence, for `times` requests.

    `effect` overrides what happens to the request; `late` needs `late_ms` or `late_lookups` (the number of further task lists before it takes effect).
    `before` and `after` name an event (see `cloud.EVENTS`) that takes place immediately before the request is handled, or after it and before its response.
    """

    fault: Fault
    times: int
    effect: str
    late_ms: float | None
    late_lookups: int | None
    before: str | None
    after: str | None
    parameters: dict[str, Any]

    @classmethod
    def read(cls, wish: str | dict[str, Any]) -> Step:
        """A step from the name of a fault, or from an object with `fault` and further fields; raises UnknownFaultError."""
        words: dict[str, Any] = {"fault": wish} if isinstance(wish, str) else dict(wish)
        name = words.pop("fault", None)
        if name not in FAULTS:
            raise UnknownFaultError(f"no fault {name}; known: {', '.join(FAULTS)}")
        fault = FAULTS[name]
        late_ms, late_lookups = words.pop("late_ms", None), words.pop("late_lookups", None)
        effect = words.pop("effect", fault.effect if late_ms is None and late_lookups is None else "late")
        step = cls(
            fault=fault, times=words.pop("times", 1), effect=effect, late_ms=late_ms, late_lookups=late_lookups,
            before=words.pop("before", _EVENT_BEFORE.get(name)), after=words.pop("after", None), parameters=words,
        )
        unknown = sorted(set(words) - set(fault.parameters))
        if unknown:
            raise UnknownFaultError(f"{name} has no {', '.join(unknown)}; it has {', '.join(fault.parameters) or 'nothing to set'}")
        if effect not in EFFECTS or (effect == "late") != ((late_ms is None) != (late_lookups is None)):
            raise UnknownFaultError(f"the effect is one of {', '.join(EFFECTS)}; late needs either late_ms or late_lookups")
        for event in (step.before, step.after):
            if event is not None and event not in EVENTS:
                raise UnknownFaultError(f"no event {event}; known: {', '.join(EVENTS)}")
        return step


class Rule:
    """Which requests fail, and how: a sequence of steps.

    `kind` is a request kind or `any`. Without `instance_id`, the rule applies to all instances; with `each`, every instance has its own sequence.
    With `always`, the last step is repeated forever; otherwise, requests are handled normally once the sequence is finished.
    """

    def __init__(
        self, sequence: list[str | dict[str, Any]], *, kind: str = "any", instance_id: str | None = None, each: bool = False, always: bool = False
    ) -> None:
        if kind != "any" and kind not in KINDS:
            raise UnknownFaultError(f"no request kind {kind}; known: any, {', '.join(KINDS)}")
        self.kind = kind
        self.instance_id = instance_id
        self._plan = [step for step in map(Step.read, sequence) for _time in range(step.times)]
        self._each = each
        self._always = always
        self._taken: dict[str | None, int] = {}

    def next_step(self, kind: str, instance_id: str | None) -> Step | None:
        """The next step for this request, or None if the rule does not apply to it or its sequence is finished."""
        if self.kind not in ("any", kind) or self.instance_id not in (None, instance_id):
            return None
        key = instance_id if self._each else None
        taken = self._taken.get(key, 0)
        self._taken[key] = taken + 1
        if taken < len(self._plan):
            return self._plan[taken]
        return self._plan[-1] if self._always and self._plan else None


def describe() -> list[tuple[str, str, str, str]]:
    """Name, default effect, parameters with their default values, and description of each fault, in order."""
    return [
        (f"`{fault.name}`", fault.effect, ", ".join(f"`{name}={json.dumps(value)}`" for name, value in fault.parameters.items()), fault.description)
        for fault in FAULTS.values()
    ]
