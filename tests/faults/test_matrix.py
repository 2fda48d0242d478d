# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each fault, at each request: for one resize with and without a task ID, and for one among many, with and without the permission to read background tasks.

The expectations are written down here, fault by fault, and not derived from the code under test. The first cancel of a resize always finds it pending.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _cancel, _transport
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from sample import INSTANCE, TASK
from simulator.client import Simulator
from simulator.faults import FAULTS

from .trial import NEIGHBOURS, Seen, run

RETRIES = 2
SLOW = ("stall", "drip_body", "drip_headers")


class Want(NamedTuple):
    """The expected result.

    :ivar effective: how many cancels of this run took effect on the resize
    :ivar cancels: how many were sent
    :ivar looks: how often its background tasks were read
    :ivar reads: how often its instance was read
    :ivar code: of the error; None: no error
    :ivar unsure: the message says that the cancel may have taken effect
    """

    outcome: str
    changed: bool
    effective: int
    cancels: int
    looks: int
    reads: int = 0
    code: str | None = None
    unsure: bool = False


class Case(NamedTuple):
    """A fault and its expected result."""

    fault: dict[str, Any]
    readable: Want
    unreadable: Want | None = None
    always: bool = False

    @property
    def name(self) -> str:
        words = [f"{value}" if name == "fault" else f"{name}={value}" for name, value in self.fault.items()]
        return "-".join([*words, *(["always"] if self.always else [])])


def cases(faults: str, readable: Want, unreadable: Want | None = None, *, always: bool = False, **more: Any) -> list[Case]:
    """Cases for several faults with the same expected result.

    :param more: parameters of the faults
    """
    return [Case({"fault": name, **SMALLER.get(name, {}), **more}, readable, unreadable, always) for name in faults.split()]


# As severe as the default values, but faster.
SMALLER: dict[str, dict[str, Any]] = {
    "delay": {"milliseconds": 30},
    "drip_body": {"milliseconds": 50},
    "drip_headers": {"milliseconds": 50},
    "huge_body": {"megabytes": 9},
    "gzip_bomb": {"megabytes": 20},
}

# Faults by what a client can conclude from them.
HARMLESS = "normal delay wrong_content_type no_content_type gzipped"
NO_ANSWER = "reset close stall"
SERVER_ERROR = "internal_error bad_gateway unavailable gateway_timeout service_unavailable html"
# Responses that are damaged after the request has been carried out.
SPOILED = (
    "empty null cut_body cut_chunk wrong_types list_body invalid_utf8 broken_json deep_json broken_gzip huge_body gzip_bomb drip_body drip_headers not_http"
)
# Those that make a read be repeated, and responses whose content is wrong.
GARBAGE = SPOILED.replace("wrong_types ", "")
MISTAKEN = "wrong_types failure_result"
NOT_THERE = "empty_list failed_meanwhile"
REFUSALS = {
    "forbidden": "DCS.3002",
    "forbidden_by_gateway": "APIGW.0302",
    "instance_gone": "DCS.3022",
    "not_published": "APIGW.0101",
    "chinese": "DCS.4097",
    "refused": "DCS.4049",
    "unauthorized": "APIGW.0301",
    "redirect": "Redirect",
}

AT_CANCEL: list[Case] = [
    # Handled normally.
    *cases(f"{HARMLESS} close_afterwards same_page lying_count rescheduled_meanwhile", *[Want("cancelled", True, 1, 1, 0)] * 2),
    # Lost without effect: looked up, still pending or unknown, repeated.
    *cases(f"{NO_ANSWER} {SERVER_ERROR} failure_result", *[Want("cancelled", True, 1, 2, 1)] * 2),
    # Lost with effect: the list shows it; without the list, a second cancel does, after which the list is read again.
    *cases(f"{NO_ANSWER} {SERVER_ERROR}", Want("cancelled", True, 1, 1, 1), Want("cancelled", True, 1, 2, 2), effect="done"),
    *cases(f"{SPOILED} empty_list", Want("cancelled", True, 1, 1, 1), Want("cancelled", True, 1, 2, 2)),
    # Refused: never repeated, nothing to look up.
    *[case for name, code in REFUSALS.items() for case in cases(name, *[Want("failed", False, 0, 1, 0, code=code)] * 2)],
    *cases("refused", *[Want("failed", False, 0, 1, 0, code="DCS.4070")] * 2, code="DCS.4070"),
    *[case for status in (401, 403, 404) for case in cases("refused", *[Want("failed", False, 0, 1, 0, code="DCS.4239")] * 2, code="DCS.4239", status=status)],
    *cases("html", *[Want("failed", False, 0, 1, 0, code=None)] * 2, status=400),
    *cases("html", *[Want("failed", False, 0, 1, 0, code=None)] * 2, status=404),
    # "Not extending" although the list shows it as pending: repeated. Without the list, the API's response counts.
    *cases("not_extending v1_error integer_code", Want("cancelled", True, 1, 2, 1), Want("absent", False, 0, 1, 1)),
    # Busy, but not because the resize has started.
    *cases("busy", *[Want("failed", False, 0, 1, 1, code="DCS.4113")] * 2),
    *cases("wrong_state", *[Want("failed", False, 0, 1, 1, code="DCS.4026")] * 2),
    *cases("busy", Want("executing", False, 0, 1, 1), Want("failed", False, 0, 1, 1, code="DCS.4113"), before="start"),
    # Throttled: repeated, nothing to look up.
    *cases("throttled", *[Want("cancelled", True, 1, 2, 0)] * 2),
    *[case for after in (0, 1, -5, "date", "absurd", "soon") for case in cases("throttled", *[Want("cancelled", True, 1, 2, 0)] * 2, retry_after=after)],
    # Other users were faster.
    *cases("started_meanwhile", Want("executing", False, 0, 1, 1), Want("absent", False, 0, 1, 1)),
    *cases("finished_meanwhile", Want("applied", False, 0, 1, 1, 1), Want("absent", False, 0, 1, 1)),
    *cases("failed_meanwhile cancelled_meanwhile", *[Want("absent", False, 0, 1, 1)] * 2),
    *cases("removed_meanwhile", *[Want("failed", False, 0, 1, 0, code="DCS.3022")] * 2),
    # Every attempt fails.
    *cases(
        f"{NO_ANSWER}", Want("failed", False, 0, 3, 3, code="NoAnswer"), Want("failed", False, 0, 3, 3, code="NoAnswer", unsure=True), always=True,
    ),
    *cases("unavailable", Want("failed", False, 0, 3, 3, code="APIGW.0613"), Want("failed", False, 0, 3, 3, code="APIGW.0613", unsure=True), always=True),
    *cases("html", Want("failed", False, 0, 3, 3), Want("failed", False, 0, 3, 3, unsure=True), always=True),
    *cases(
        "failure_result",
        Want("failed", False, 0, 3, 3, code="UnexpectedAnswer"),
        Want("failed", False, 0, 3, 3, code="UnexpectedAnswer", unsure=True),
        always=True,
    ),
    # The response to every attempt is lost, and the first took effect: without the list, that can't be known.
    *cases(NO_ANSWER, Want("cancelled", True, 1, 1, 1), Want("failed", False, 1, 3, 3, code="NoAnswer", unsure=True), effect="done", always=True),
    *cases("empty null", Want("cancelled", True, 1, 1, 1), Want("failed", False, 1, 3, 3, code="UnexpectedAnswer", unsure=True), always=True),
    # The second cancel is refused, but the reason is unreadable.
    *cases("broken_json", Want("cancelled", True, 1, 1, 1), Want("failed", False, 1, 2, 2, unsure=True), always=True),
    *cases("cut_body", Want("cancelled", True, 1, 1, 1), Want("failed", False, 1, 3, 3, code="NoAnswer", unsure=True), always=True),
    *cases("not_extending", Want("failed", False, 0, 3, 3, code="DCS.4239"), Want("absent", False, 0, 1, 1), always=True),
    *cases("throttled", *[Want("failed", False, 0, 3, 0, code="APIGW.0308")] * 2, always=True),
]

# The task list with which a resize is found. In check mode, the result is the same, without a cancel.
AT_DISCOVERY: list[Case] = [
    *cases(f"{HARMLESS} same_page", Want("cancelled", True, 1, 1, 1)),
    # The next page has a different count, so the list is read again.
    *cases("lying_count", Want("cancelled", True, 1, 1, 3)),
    *cases("lying_count", Want("cancelled", True, 1, 1, 2), count="many"),
    *cases("lying_count", Want("cancelled", True, 1, 1, 2), count=0),
    *cases(f"{NO_ANSWER} {SERVER_ERROR} {GARBAGE} {MISTAKEN}", Want("cancelled", True, 1, 1, 2)),
    *cases("wrong_types", Want("cancelled", True, 1, 1, 2), rows=True),
    *cases("throttled", Want("cancelled", True, 1, 1, 2)),
    *[case for name, code in REFUSALS.items() for case in cases(name, Want("failed", False, 0, 0, 1, code=code))],
    *cases("busy", Want("failed", False, 0, 0, 1, code="DCS.4113")),
    *cases("wrong_state", Want("failed", False, 0, 0, 1, code="DCS.4026")),
    *cases("not_extending v1_error", Want("failed", False, 0, 0, 1, code="DCS.4239")),
    *cases("integer_code", Want("failed", False, 0, 0, 1, code="111400239")),
    *cases("empty_list failed_meanwhile finished_meanwhile cancelled_meanwhile", Want("absent", False, 0, 0, 1)),
    *cases("started_meanwhile", Want("executing", False, 0, 0, 1)),
    *cases("rescheduled_meanwhile", Want("failed", False, 0, 0, 1, code="Ambiguous")),
    *cases("removed_meanwhile", Want("failed", False, 0, 0, 1, code="DCS.3022")),
    *cases(NO_ANSWER, Want("failed", False, 0, 0, 3, code="NoAnswer"), always=True),
    *cases("empty null list_body", Want("failed", False, 0, 0, 3, code="UnexpectedAnswer"), always=True),
    *cases("throttled", Want("failed", False, 0, 0, 3, code="APIGW.0308"), always=True),
]

# The task list after "not extending", for a resize that is being carried out.
AT_LOOK: list[Case] = [
    *cases(f"{HARMLESS} same_page", Want("executing", False, 0, 1, 1)),
    *cases("lying_count", Want("executing", False, 0, 1, 3)),
    *cases("throttled", Want("executing", False, 0, 1, 2)),
    *cases(f"{NO_ANSWER} {SERVER_ERROR} {GARBAGE} {MISTAKEN}", Want("executing", False, 0, 1, 2)),
    *cases("wrong_types", Want("executing", False, 0, 1, 2), rows=True),
    # Whether it was too late is unknown, which causes a warning.
    *cases(" ".join(REFUSALS), Want("absent", False, 0, 1, 1)),
    *cases("busy wrong_state not_extending v1_error integer_code removed_meanwhile", Want("absent", False, 0, 1, 1)),
    *cases("unavailable reset empty throttled", Want("absent", False, 0, 1, 3), always=True),
    *cases(NOT_THERE, Want("absent", False, 0, 1, 1)),
    *cases("finished_meanwhile", Want("applied", False, 0, 1, 1, 1)),
    # A resize that is being carried out can no longer start or be cancelled, and another resize does not matter.
    *cases("started_meanwhile cancelled_meanwhile rescheduled_meanwhile", Want("executing", False, 0, 1, 1)),
]

# The task list after a cancel that took effect but whose response was lost.
AT_LOOK_AFTER_LOSS: list[Case] = [
    *cases(f"{HARMLESS} same_page rescheduled_meanwhile", Want("cancelled", True, 1, 1, 1)),
    # A cancelled resize can no longer start, end or be cancelled.
    *cases("started_meanwhile finished_meanwhile failed_meanwhile cancelled_meanwhile", Want("cancelled", True, 1, 1, 1)),
    *cases("lying_count", Want("cancelled", True, 1, 1, 3)),
    *cases("throttled", Want("cancelled", True, 1, 1, 2)),
    *cases(f"{NO_ANSWER} {SERVER_ERROR} {GARBAGE} {MISTAKEN}", Want("cancelled", True, 1, 1, 2)),
    # Unreadable, so repeated; "not extending" now means that the first cancel took effect. The second task list shows it, too.
    *cases(" ".join(REFUSALS).replace(" unauthorized", ""), Want("cancelled", True, 1, 2, 2)),
    *cases("busy wrong_state not_extending v1_error integer_code empty_list", Want("cancelled", True, 1, 2, 2)),
    *cases("unauthorized", Want("failed", False, 1, 1, 1, code="Stopped", unsure=True)),
    *cases("removed_meanwhile", Want("failed", False, 1, 2, 2, code="DCS.3022", unsure=True)),
    *cases("forbidden", Want("cancelled", True, 1, 2, 2), always=True),
    *cases("unavailable empty", Want("cancelled", True, 1, 2, 6), always=True),
]

# The status checks until an instance has left EXTENDING, which the second one shows.
AT_WAIT: list[Case] = [
    *cases(f"{HARMLESS} same_page lying_count", Want("cancelled", True, 1, 1, 0, 2)),
    *cases("started_meanwhile finished_meanwhile failed_meanwhile cancelled_meanwhile rescheduled_meanwhile", Want("cancelled", True, 1, 1, 0, 2)),
    *cases(f"{NO_ANSWER} {SERVER_ERROR} {GARBAGE} throttled", Want("cancelled", True, 1, 1, 0, 2)),
    *cases("wrong_types", Want("cancelled", True, 1, 1, 0, 2)),
    # A missing status does not count as EXTENDING.
    *cases("failure_result empty_list", Want("cancelled", True, 1, 1, 0, 1, code="UnexpectedAnswer")),
    *cases("instance_gone not_published removed_meanwhile", Want("cancelled", True, 1, 1, 0, 1)),
    *[
        case
        for name, code in REFUSALS.items()
        if name not in ("instance_gone", "not_published")
        for case in cases(name, Want("cancelled", True, 1, 1, 0, 1, code=code))
    ],
    *cases("busy", Want("cancelled", True, 1, 1, 0, 1, code="DCS.4113")),
    *cases("wrong_state", Want("cancelled", True, 1, 1, 0, 1, code="DCS.4026")),
    *cases("not_extending v1_error", Want("cancelled", True, 1, 1, 0, 1, code="DCS.4239")),
    *cases("integer_code", Want("cancelled", True, 1, 1, 0, 1, code="111400239")),
    *cases("reset", Want("cancelled", True, 1, 1, 0, 3, code="NoAnswer"), always=True),
    *cases("empty null list_body", Want("cancelled", True, 1, 1, 0, 3, code="UnexpectedAnswer"), always=True),
    *cases("throttled", Want("cancelled", True, 1, 1, 0, 3, code="APIGW.0308"), always=True),
]

BY_REQUEST = {"cancel": AT_CANCEL, "discovery": AT_DISCOVERY, "look": AT_LOOK, "look after loss": AT_LOOK_AFTER_LOSS, "wait": AT_WAIT}
MODES = ("one", "found", "many")


def table(request: str, *modes: str) -> Any:
    """The cases of a request, as parameters of a test."""
    return pytest.mark.parametrize(
        ("case", "mode"), [pytest.param(case, mode, id=f"{case.name}-{mode}") for case in BY_REQUEST[request] for mode in modes]
    )


#: What follows the instance in the path of a request.
PATHS = {"cancel": "/resize/cancel/.*", "tasks": "/tasks", "instance": ""}


def impatient(case: Case, kind: str, spared: int) -> contextlib.AbstractContextManager[Any]:
    """Let the client give up early what the case makes slow, and that alone: on a busy machine anything may take its time."""
    send, path, numbers = _transport.Transport.send, re.compile(rf".*/{INSTANCE}{PATHS[kind]}(\?.*)?"), itertools.count()

    def send_impatiently(transport: Any, request: Any, timeout: float) -> Any:
        slow = path.fullmatch(request.url) and (next(numbers) == spared or case.always)
        return send(transport, request, 0.5 if slow else timeout)

    return patch.object(_transport.Transport, "send", send_impatiently)


def tried(cloud: Simulator, case: Case, mode: str, kind: str, plan: Plan, spared: int = 0) -> Seen:
    """Run a case and return its result.

    :param spared: how many requests of the kind are answered as usual before
    """
    cloud.fault(case.fault, kind=kind, instance_id=INSTANCE, always=case.always)
    task_id = TASK if mode in ("one", "many") else None
    requests = [Request(INSTANCE, task_id)]
    concurrency = 1
    if mode.startswith("many"):
        before, after = ((cloud.schedule(instance_id, task_id=neighbour), neighbour if task_id else None) for instance_id, neighbour in NEIGHBOURS.items())
        requests = [Request(before[0]["instance_id"], before[1]), *requests, Request(after[0]["instance_id"], after[1])]
        # Accepted requests of others give a throttled request further attempts, and a 401 stops those not yet in flight: both are tested elsewhere.
        # A connection that is closed afterwards must be the one that the next resize would use.
        # A request that always fails must not be the first one: until one is accepted, all share the retries of one.
        one_by_one = case.always or case.fault["fault"] in ("throttled", "unauthorized", "close_afterwards")
        concurrency = 1 if one_by_one else 3
    with impatient(case, kind, spared) if case.fault["fault"] in SLOW else contextlib.nullcontext():
        return run(cloud, *requests, plan=plan, max_retries=RETRIES, concurrency=concurrency)


def compare(seen: Seen, want: Want) -> None:
    """Fail if the result differs from the expected one."""
    result = seen.result
    message = result.error.message if result.error else ""
    came = Want(
        result.outcome,
        result.changed,
        seen.cancels.count(TASK),
        *seen.requests(),
        code=result.error.code if result.error else None,
        unsure="may have taken effect" in message,
    )
    assert came == want, (message, result.warnings)
    assert bool(result.error) == (want.outcome == "failed" or want.code is not None)


def compare_neighbours(cloud: Simulator, seen: Seen, case: Case, *, found: bool = False) -> None:
    """A fault of one resize does not affect the others, except a 401."""
    first, last = (result for result in seen.results if result.instance_id != INSTANCE)
    assert (first.outcome, seen.requests(first.instance_id)[:2]) == ("cancelled", (1, 1 if found else 0))
    stopped = case.fault["fault"] == "unauthorized" or case.fault.get("status") == 401
    if stopped and last.outcome == "not_attempted":
        assert (last.changed, seen.requests(last.instance_id)) == (False, (0, 0, 0))
    else:
        assert (last.outcome, seen.requests(last.instance_id)[:2]) == ("cancelled", (1, 1 if found else 0))
    for result in (first, last):
        assert seen.cancels.count(NEIGHBOURS[result.instance_id]) == (1 if result.changed else 0)


def left_alone(cloud: Simulator) -> bool:
    """Whether only requested tasks were cancelled."""
    asked = {TASK, *NEIGHBOURS.values()}
    tasks = [(task_id, task) for instance in cloud.state()["instances"].values() for task_id, task in instance["tasks"].items()]
    return all(task["state"] != "cancelled" for task_id, task in tasks if task_id not in asked)


@pytest.fixture(autouse=True)
def _waiting(cloud: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.schedule(INSTANCE, task_id=TASK)
    monkeypatch.setattr(_transport, "RESPONSE_TIMEOUT_FACTOR", 1.2)


@pytest.mark.parametrize("readable", [True, False], ids=["readable", "unreadable"])
@table("cancel", *MODES)
def test_fault_at_cancel(cloud: Simulator, case: Case, mode: str, readable: bool) -> None:
    if not readable:
        cloud.fault("forbidden", kind="tasks", always=True)
    seen = tried(cloud, case, mode, "cancel", Plan())
    want = case.readable if readable else case.unreadable
    assert want
    if mode == "found":
        want = want._replace(looks=want.looks + 1) if readable else Want("failed", False, 0, 0, 1, code="DCS.3002")
    compare(seen, want)
    if mode == "many":
        compare_neighbours(cloud, seen, case)
    assert left_alone(cloud)


@table("discovery", "found", "many found")
def test_fault_at_discovery(cloud: Simulator, case: Case, mode: str) -> None:
    seen = tried(cloud, case, mode, "tasks", Plan())
    compare(seen, case.readable)
    if mode == "many found":
        compare_neighbours(cloud, seen, case, found=True)
    assert left_alone(cloud)


@table("discovery", "found")
def test_fault_at_discovery_in_check_mode(cloud: Simulator, case: Case, mode: str) -> None:
    seen = tried(cloud, case, mode, "tasks", Plan(check_mode=True))
    compare(seen, case.readable._replace(effective=0, cancels=0))
    assert left_alone(cloud)


@table("look", "one", "many")
def test_fault_at_look(cloud: Simulator, case: Case, mode: str) -> None:
    cloud.start(INSTANCE)
    seen = tried(cloud, case, mode, "tasks", Plan())
    compare(seen, case.readable)
    assert bool(seen.result.warnings) == (case.readable.outcome != "absent" or case.fault["fault"] not in NOT_THERE.split())
    if mode == "many":
        compare_neighbours(cloud, seen, case)


@table("look", "one")
def test_fault_at_look_that_must_succeed(cloud: Simulator, case: Case, mode: str) -> None:
    """With `on_too_late: fail`, a task list that can't be read is a failure, and its error is returned."""
    cloud.start(INSTANCE)
    seen = tried(cloud, case, mode, "tasks", Plan(on_too_late="fail"))
    in_vain = case.readable.outcome == "absent" and case.fault["fault"] not in NOT_THERE.split()
    assert seen.result.outcome == ("failed" if in_vain else case.readable.outcome)
    assert bool(seen.result.error) == (in_vain or case.readable.outcome in ("executing", "applied"))
    assert not seen.result.changed
    assert seen.requests() == (case.readable.cancels, case.readable.looks, case.readable.reads)


@table("look after loss", *MODES)
def test_fault_at_look_after_loss(cloud: Simulator, case: Case, mode: str) -> None:
    cloud.fault({"fault": "reset", "effect": "done"}, kind="cancel", instance_id=INSTANCE)
    want = case.readable
    if mode == "found":
        # The task list with which it is found has no fault.
        cloud.fault("normal", kind="tasks", instance_id=INSTANCE)
        want = want._replace(looks=want.looks + 1)
    seen = tried(cloud, case, mode, "tasks", Plan(), spared=int(mode == "found"))
    compare(seen, want)
    if mode == "many":
        compare_neighbours(cloud, seen, case)
    assert left_alone(cloud)


@table("wait", *MODES)
def test_fault_at_wait(cloud: Simulator, case: Case, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.configure(extending_after_cancel_reads=1)
    if case.always:
        # Retried at each status check. Ten seconds pass from one to the next, however fast the machine is.
        began, checks = time.monotonic(), itertools.count()
        monkeypatch.setattr(_cancel, "time", SimpleNamespace(monotonic=lambda: began + 10 * next(checks)))
    seen = tried(cloud, case, mode, "instance", Plan(wait_timeout=30))
    want = case.readable._replace(looks=1) if mode == "found" else case.readable
    compare(seen, want)
    if mode == "many":
        compare_neighbours(cloud, seen, case)


@pytest.mark.parametrize("request_", BY_REQUEST)
def test_table_is_complete_and_true(request_: str) -> None:
    """Every fault of the simulator has a case, and `changed` is true to what happened, unless the message says that this is unknown."""
    rows = BY_REQUEST[request_]
    # If the connection is closed after the response to a read, the next request may or may not be disturbed.
    left_out = set() if request_ == "cancel" else {"close_afterwards"}
    assert {case.fault["fault"] for case in rows} == set(FAULTS) - left_out
    wants = [want for case in rows for want in (case.readable, case.unreadable) if want]
    assert all(want.changed == (want.effective == 1) for want in wants if not want.unsure)
    assert all(want.changed == (want.outcome == "cancelled") for want in wants)
    assert len({(case.name, case.always) for case in rows}) == len(rows)
