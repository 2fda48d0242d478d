# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault does what its description says."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import http.client
import json
import pathlib
import subprocess
import sys
import time
from typing import Any, Callable

import pytest
import simulator
from official_caller import INSTANCE, OTHER_INSTANCE, OTHER_TASK, TASK, Caller
from simulator.client import Simulator, SimulatorError
from simulator.cloud import EVENTS
from simulator.faults import EFFECTS, FAULTS

PACKAGE = pathlib.Path(simulator.__file__).parent
DRIPS = {"drip_body": b" ", "drip_headers": b"x"}


class Seen:
    """The raw response to a task list or a cancel, and the state of the connection afterwards."""

    def __init__(self, caller: Caller, kind: str, fault: str | None = None, *, most: int = 2**16) -> None:
        self.content = b""
        self.end = "open"
        # long enough for any expected data, even on a busy machine; short only if none is expected
        with caller.open(kind, timeout=0.4 if fault == "stall" else 60) as connection:
            try:
                while len(self.content) < most:
                    piece = connection.recv(2**16)
                    self.content += piece
                    if not piece:
                        self.end = "closed"
                        break
                    if self._complete() and fault != "close_afterwards":
                        break
                    if fault in DRIPS and self.content.endswith(DRIPS[fault] * 3):
                        break
            except ConnectionResetError:
                self.end = "reset"
            except TimeoutError:
                pass
        self._parse()

    def _parse(self) -> None:
        head, _blank, self.body = self.content.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else None
        self.headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in lines[1:])}

    def _complete(self) -> bool:
        self._parse()
        return "content-length" in self.headers and len(self.body) >= self.announced

    @property
    def announced(self) -> int:
        """The length of the body as announced."""
        return int(self.headers["content-length"])

    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


TASKS = b'{"task_count": 1, "tasks": [{"id": "' + TASK.encode()


def whole_list(seen: Seen) -> bool:
    """Whether the list is correct."""
    return seen.status == 200 and seen.body.startswith(TASKS) and seen.announced == len(seen.body)


def refusal(status: int, code: str) -> Callable[[Seen], bool]:
    """A check for an error with this status and code."""
    return lambda seen: seen.status == status and seen.json()["error_code"] == code and bool(seen.json()["error_msg"])


# The response to a task list with one pending resize, for each fault.
LOOKS: dict[str, Callable[[Seen], bool]] = {
    "normal": whole_list,
    "delay": whole_list,
    "reset": lambda seen: (seen.content, seen.end) == (b"", "reset"),
    "close": lambda seen: (seen.content, seen.end) == (b"", "closed"),
    "close_afterwards": lambda seen: whole_list(seen) and seen.end == "closed" and "connection" not in seen.headers,
    "stall": lambda seen: (seen.content, seen.end) == (b"", "open"),
    "internal_error": refusal(500, "DCS.5000"),
    "bad_gateway": refusal(502, "APIGW.0201"),
    "unavailable": refusal(503, "APIGW.0613"),
    "gateway_timeout": refusal(504, "APIGW.0201"),
    "service_unavailable": refusal(503, "DCS.5006"),
    "forbidden": refusal(403, "DCS.3002"),
    "forbidden_by_gateway": refusal(403, "APIGW.0302"),
    "instance_gone": refusal(404, "DCS.3022"),
    "not_published": refusal(404, "APIGW.0101"),
    "not_extending": refusal(400, "DCS.4239"),
    "busy": refusal(400, "DCS.4113"),
    "wrong_state": refusal(400, "DCS.4026"),
    "chinese": lambda seen: refusal(400, "DCS.4097")(seen) and not seen.json()["error_msg"].isascii(),
    "refused": refusal(400, "DCS.4049"),
    "unauthorized": refusal(401, "APIGW.0301"),
    "throttled": refusal(429, "APIGW.0308"),
    "v1_error": lambda seen: seen.status == 400 and seen.json()["error"]["code"] == "DCS.4239",
    "integer_code": lambda seen: seen.status == 400 and seen.json()["error_code"] == 111400239,
    "html": lambda seen: seen.status == 502 and seen.headers["content-type"] == "text/html" and seen.body.startswith(b"<html>"),
    "redirect": lambda seen: seen.status == 302 and seen.headers["location"].endswith("/elsewhere"),
    "empty": lambda seen: seen.status == 200 and seen.announced == 0 and seen.body == b"",
    "null": lambda seen: seen.status == 200 and seen.body == b"null",
    "failure_result": lambda seen: seen.status == 200 and seen.json() == {"result": "failure"},
    "cut_body": lambda seen: seen.body.startswith(TASKS) and len(seen.body) == seen.announced - 5 and seen.end == "closed",
    "cut_chunk": lambda seen: "content-length" not in seen.headers and seen.end == "closed" and seen.body.endswith(b"}]}"),
    "wrong_types": lambda seen: seen.json() == {"task_count": [1], "tasks": "many"},
    "list_body": lambda seen: seen.json()[0]["task_count"] == 1,
    "wrong_content_type": lambda seen: seen.headers["content-type"] == "text/plain; charset=iso-8859-1" and seen.body.startswith(TASKS),
    "no_content_type": lambda seen: "content-type" not in seen.headers and whole_list(seen),
    "invalid_utf8": lambda seen: seen.body.startswith(TASKS) and b"\xff\xfe" in seen.body,
    "broken_json": lambda seen: whole_list(seen) and seen.body.count(b"]") == 0,
    "deep_json": lambda seen: seen.body.startswith(b"[" * 1000) and seen.announced == 200_000,
    "gzipped": lambda seen: seen.headers["content-encoding"] == "gzip" and gzip.decompress(seen.body).startswith(TASKS),
    "broken_gzip": lambda seen: seen.headers["content-encoding"] == "gzip" and seen.body.startswith(TASKS),
    "huge_body": lambda seen: seen.announced > 50 * 2**20 and len(seen.body) > 2**15,
    "gzip_bomb": lambda seen: seen.headers["content-encoding"] == "gzip" and seen.announced < 2**19,
    "drip_body": lambda seen: 3 < len(seen.body) < 100 and seen.announced > 1000 and seen.end == "open",
    "drip_headers": lambda seen: seen.content.startswith(b"HTTP/1.1 200 OK\r\nX-Slow: xxx") and b"\r\n\r\n" not in seen.content and seen.end == "open",
    "not_http": lambda seen: not seen.content.startswith(b"HTTP") and len(seen.content) > 10,
    "same_page": whole_list,
    "lying_count": lambda seen: seen.json()["task_count"] == 1000 and len(seen.json()["tasks"]) == 1,
    "empty_list": lambda seen: seen.json() == {"tasks": [], "task_count": 0},
    "started_meanwhile": lambda seen: seen.json()["tasks"][0]["status"] == "EXECUTING",
    "finished_meanwhile": lambda seen: seen.json()["tasks"][0]["status"] == "SUCCESS",
    "failed_meanwhile": lambda seen: seen.json()["tasks"][0]["status"] == "FAILED",
    "cancelled_meanwhile": lambda seen: seen.json()["tasks"][0]["status"] == "CANCELLED",
    "rescheduled_meanwhile": lambda seen: [task["status"] for task in seen.json()["tasks"]] == ["WAITING", "WAITING"],
    "removed_meanwhile": refusal(404, "DCS.3022"),
}
PARAMETERS: dict[str, dict[str, Any]] = {"delay": {"milliseconds": 200}, "gzip_bomb": {"megabytes": 20}}


def test_every_fault_is_looked_at() -> None:
    assert set(LOOKS) == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_look(waiting: Simulator, caller: Caller, name: str) -> None:
    waiting.fault({"fault": name, **PARAMETERS.get(name, {})}, kind="tasks")
    seen = Seen(caller, "tasks", name)
    assert LOOKS[name](seen), (seen.content[:500], seen.end)
    if name != "removed_meanwhile":
        assert caller.call("tasks").status == 200, "the fault was for one request"
    assert [request["fault"] for request in waiting.requests()][:1] == [name]


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("name", [name for name in FAULTS if not name.endswith("_meanwhile")])
def test_effect(waiting: Simulator, caller: Caller, name: str, effect: str) -> None:
    """Whatever happens to the response, the cancel takes effect when it should and only then."""
    late = {"late_lookups": 2} if effect == "late" else {}
    waiting.fault({"fault": name, "effect": effect, **late, **PARAMETERS.get(name, {})}, kind="cancel")
    seen = Seen(caller, "cancel", name, most=100)
    assert seen.status != 200 or name not in ("normal", "delay") or seen.json() == {"result": "success"}
    assert len(waiting.effective_cancels()) == (effect == "done")
    statuses = [caller.call("tasks").json()["tasks"][0]["status"] for _lookup in range(3)]
    assert statuses == {"done": ["CANCELLED"] * 3, "none": ["WAITING"] * 3, "late": ["WAITING", "WAITING", "CANCELLED"]}[effect]
    assert [request["effective"] for request in waiting.requests(kind="cancel")] == [effect != "none"]


@pytest.mark.parametrize("name", FAULTS)
def test_usual_effect(waiting: Simulator, caller: Caller, name: str) -> None:
    waiting.fault({"fault": name, **PARAMETERS.get(name, {})}, kind="cancel")
    Seen(caller, "cancel", name, most=100)
    overtaken = name in ("started_meanwhile", "finished_meanwhile", "failed_meanwhile", "cancelled_meanwhile", "removed_meanwhile")
    assert [cancel["task_id"] for cancel in waiting.effective_cancels() if cancel["by"] == "api"] == [TASK] * (FAULTS[name].effect == "done" and not overtaken)


def test_an_effect_that_lands_milliseconds_later(waiting: Simulator, caller: Caller) -> None:
    waiting.fault({"fault": "reset", "late_ms": 3_600_000}, kind="cancel")
    Seen(caller, "cancel")
    assert caller.call("tasks").json()["tasks"][0]["status"] == "WAITING"
    waiting.advance(3600)
    assert caller.call("tasks").json()["tasks"][0]["status"] == "CANCELLED"
    assert len(waiting.effective_cancels()) == 1


def test_an_effect_that_comes_too_late(waiting: Simulator, caller: Caller) -> None:
    waiting.fault({"fault": "stall", "late_lookups": 1, "after": "start"}, kind="cancel")
    Seen(caller, "cancel", "stall")
    assert [caller.call("tasks").json()["tasks"][0]["status"] for _lookup in range(2)] == ["EXECUTING", "EXECUTING"]
    assert waiting.effective_cancels() == []


@pytest.mark.parametrize("event", EVENTS)
def test_what_happens_meanwhile(waiting: Simulator, caller: Caller, event: str) -> None:
    waiting.fault({"fault": "unavailable", "effect": "none", "after": event}, kind="cancel")
    assert caller.call("cancel").status == 503
    listed = caller.call("tasks")
    expected = {"start": ["EXECUTING"], "finish": ["SUCCESS"], "fail": ["FAILED"], "cancel": ["CANCELLED"], "schedule": ["WAITING", "WAITING"], "remove": None}
    assert (None if listed.status == 404 else [task["status"] for task in listed.json()["tasks"]]) == expected[event]


def test_a_new_resize_after_the_lost_answer(waiting: Simulator, caller: Caller) -> None:
    waiting.fault({"fault": "reset", "effect": "done", "after": "schedule"}, kind="cancel")
    Seen(caller, "cancel")
    assert [task["status"] for task in caller.call("tasks").json()["tasks"]] == ["WAITING", "CANCELLED"]
    assert caller.call("cancel").code == "DCS.4239"


@pytest.mark.parametrize(("retry_after", "low", "high"), [(7, 7, 7), ("absurd", 10**8, 10**9), (None, None, None)])
def test_retry_after(caller: Caller, cloud: Simulator, retry_after: Any, low: int | None, high: int | None) -> None:
    cloud.fault({"fault": "throttled", "retry_after": retry_after})
    value = caller.call("projects").headers["Retry-After"]
    assert value is None if low is None or high is None else low <= float(str(value)) <= high


def test_retry_after_a_date(caller: Caller, cloud: Simulator) -> None:
    cloud.fault({"fault": "throttled", "retry_after": "date", "seconds": 30})
    before = time.time()
    moment = email.utils.parsedate_to_datetime(str(caller.call("projects").headers["Retry-After"])).timestamp()
    # a date has no fractions of a second
    assert before + 29 <= moment <= time.time() + 30


def test_unauthorized_names_the_access_key_and_locks_it(caller: Caller, cloud: Simulator) -> None:
    cloud.fault({"fault": "normal", "times": 3}, "unauthorized", always=True)
    answers = [caller.call("projects") for _request in range(8)]
    assert [answer.status for answer in answers] == [200] * 3 + [401] * 5
    assert all(caller.access_key in answer.json()["error_msg"] for answer in answers[3:])
    assert cloud.state()["locks"] == []
    caller.call("projects")
    assert [lock["access_key"] for lock in cloud.state()["locks"]] == [caller.access_key]
    cloud.clear_faults()
    assert caller.call("projects").status == 401


def test_misleading_lists(cloud: Simulator, caller: Caller) -> None:
    cloud.add_instance(INSTANCE)
    cloud.add_tasks(INSTANCE, count=25, name="BindEip", status="SUCCESS")
    whole = [task["id"] for task in caller.call("tasks", {"limit": 1000}).json()["tasks"]]
    cloud.fault("same_page", {"fault": "lying_count", "count": "many"}, {"fault": "wrong_types", "rows": True}, kind="tasks")
    assert [task["id"] for task in caller.call("tasks", {"offset": 10}).json()["tasks"]] == whole[:10]
    assert caller.call("tasks").json()["task_count"] == "many"
    rows = caller.call("tasks").json()["tasks"]
    assert (rows[:4], rows[4]["id"], rows[4]["details"]) == ([None, 7, "text", []], {"text": whole[0]}, [{}])


def test_which_requests_fail(cloud: Simulator, caller: Caller) -> None:
    cloud.schedule(INSTANCE, task_id=TASK)
    cloud.schedule(OTHER_INSTANCE, task_id=OTHER_TASK)
    cloud.fault("busy", "normal", "forbidden", kind="tasks", each=True)
    cloud.fault("unavailable", kind="any", instance_id=OTHER_INSTANCE)
    here, there = [[caller.call("tasks", instance_id=instance_id).status for _request in range(5)] for instance_id in (INSTANCE, OTHER_INSTANCE)]
    assert here == [400, 200, 403, 200, 200]
    assert there == [400, 200, 403, 503, 200]
    cloud.fault({"fault": "busy", "times": 2}, "forbidden", always=True)
    assert [caller.call("instance").status for _request in range(5)] == [400, 400, 403, 403, 403]
    cloud.clear_faults()
    assert caller.call("instance").status == 200


@pytest.mark.parametrize(("sequence", "rule", "reason"), [
    (["explode"], {}, "no fault explode"), (["busy"], {"kind": "everything"}, "no request kind"),
    ([{"fault": "busy", "seconds": 1}], {}, "busy has no seconds"), ([{"fault": "busy", "effect": "late"}], {}, "late needs"),
    ([{"fault": "busy", "effect": "done", "late_ms": 5}], {}, "late needs"), ([{"fault": "busy", "before": "rain"}], {}, "no event rain"),
])
def test_what_is_no_fault(cloud: Simulator, sequence: list[Any], rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(SimulatorError, match=reason):
        cloud.fault(*sequence, **rule)


def test_faults_come_after_authentication(waiting: Simulator, caller: Caller) -> None:
    waiting.fault({"fault": "unavailable", "effect": "done"})
    assert caller.call("cancel", secret_key="wrong").status == 401
    assert waiting.effective_cancels() == []
    assert caller.call("cancel").status == 503
    assert len(waiting.effective_cancels()) == 1


def test_a_connection_that_is_closed_afterwards_loses_the_next_request(waiting: Simulator, caller: Caller) -> None:
    waiting.fault("close_afterwards", kind="tasks")
    with contextlib.closing(http.client.HTTPConnection(caller.address, timeout=5)) as connection:

        def status() -> int:
            method, target, headers, _content = caller.sign(*caller.path("tasks"))
            connection.request(method, target, headers=headers)
            with connection.getresponse() as response:
                response.read()
                return response.status

        assert status() == 200
        connection.auto_open = 0
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            status()


@pytest.mark.parametrize("option", ["--list-faults", "--list-settings"])
def test_the_readme_has_the_table(option: str) -> None:
    result = subprocess.run([sys.executable, "-m", "simulator", option], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert result.stdout in (PACKAGE / "README.md").read_text(encoding="utf-8")
