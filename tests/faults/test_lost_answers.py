# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancel requests whose response is lost: they may have taken effect, then or later, and other users may act meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from sample import INSTANCE, TASK
from simulator.client import Simulator

from .trial import NEIGHBOURS, Seen, run

LOST = {"fault": "reset", "effect": "none"}
DONE = {"fault": "unavailable", "effect": "done"}


class Story(NamedTuple):
    """A sequence of events, and what must be reported.

    :ivar cancels: the faults of the cancels, one after another
    :ivar truth: the state of the task in the end
    :ivar requests: the number of cancels, of task lists and of reads of the instance
    :ivar retries: how many are allowed
    :ivar by_us: how many cancels of this run took effect
    """

    cancels: tuple[Any, ...]
    outcome: str
    changed: bool
    truth: str
    requests: tuple[int, int, int]
    unsure: bool = False
    retries: int = 2
    by_us: int = 0
    looks: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = MappingProxyType({})


def late(lookups: int) -> dict[str, Any]:
    """A cancel without a response that takes effect after this number of further task lists."""
    return {"fault": "reset", "late_lookups": lookups}


STORIES = {
    # The effect
    "effective 503": Story((DONE,), "cancelled", True, "cancelled", (1, 1, 0), by_us=1),
    "effective 500": Story(({"fault": "internal_error", "effect": "done"},), "cancelled", True, "cancelled", (1, 1, 0), by_us=1),
    "no effect": Story((LOST,), "cancelled", True, "cancelled", (2, 1, 0), by_us=1),
    "after the first look": Story((late(1),), "cancelled", True, "cancelled", (2, 2, 0), by_us=1),
    # The second cancel is processed before the first one takes effect, which then has nothing to do.
    "after the second cancel": Story((late(2),), "cancelled", True, "cancelled", (2, 1, 0), by_us=1),
    "two lost, the first late": Story((late(1), LOST), "cancelled", True, "cancelled", (2, 2, 0), by_us=1),
    "two lost, the second effective": Story((LOST, DONE), "cancelled", True, "cancelled", (2, 2, 0), by_us=1),
    # The attempts
    "the only attempt, effective": Story((DONE,), "cancelled", True, "cancelled", (1, 1, 0), by_us=1, retries=0),
    "the only attempt, in vain": Story((LOST,), "failed", False, "waiting", (1, 1, 0), retries=0),
    "the only attempt, late": Story((late(1),), "failed", False, "cancelled", (1, 1, 0), retries=0, by_us=1),
    "the last attempt, effective": Story((LOST, LOST, DONE), "cancelled", True, "cancelled", (3, 3, 0), by_us=1),
    "the last attempt, in vain": Story((LOST, LOST, LOST), "failed", False, "waiting", (3, 3, 0)),
    "the last attempt, with a list that can't be read": Story(
        (DONE,), "failed", False, "cancelled", (1, 1, 0), unsure=True, retries=0, by_us=1, looks=("forbidden",)
    ),
    "the last attempt, not listed": Story(
        (DONE,), "failed", False, "cancelled", (1, 1, 0), unsure=True, retries=0, by_us=1, settings={"status_after_cancel": "REMOVED"}
    ),
    # What the list shows of a cancelled resize
    "removed from the list": Story((DONE,), "cancelled", True, "cancelled", (2, 2, 0), by_us=1, settings={"status_after_cancel": "REMOVED"}),
    "listed as deleted": Story((DONE,), "cancelled", True, "cancelled", (1, 1, 0), by_us=1, settings={"status_after_cancel": "DELETED"}),
    "listed as canceled": Story((DONE,), "cancelled", True, "cancelled", (1, 1, 0), by_us=1, settings={"status_after_cancel": "Canceled"}),
    "listed in words unheard of": Story((DONE,), "cancelled", True, "cancelled", (2, 2, 0), by_us=1, settings={"status_after_cancel": "REVOKED"}),
    "listed as a success that changed nothing": Story((DONE,), "cancelled", True, "cancelled", (2, 2, 2), by_us=1, settings={"status_after_cancel": "SUCCESS"}),
    "listed as waiting for a while": Story((DONE,), "cancelled", True, "cancelled", (2, 2, 0), by_us=1, settings={"status_after_cancel_lookups": 1}),
    "listed as waiting after not extending": Story((DONE,), "cancelled", True, "cancelled", (3, 3, 0), by_us=1, settings={"status_after_cancel_lookups": 2}),
    "listed as waiting to the end": Story((DONE,), "failed", False, "cancelled", (3, 3, 0), by_us=1, settings={"status_after_cancel_lookups": 9}),
    # "Not extending" although the resize is pending
    "not extending although it waits": Story(("not_extending",), "cancelled", True, "cancelled", (2, 1, 0), by_us=1),
    "not extending to the end although it waits": Story(("not_extending",) * 3, "failed", False, "waiting", (3, 3, 0)),
    "not extending, then lost": Story(("not_extending", DONE), "cancelled", True, "cancelled", (2, 2, 0), by_us=1),
    # Other users
    "cancelled by somebody else after the loss": Story(({**LOST, "after": "cancel"},), "cancelled", True, "cancelled", (1, 1, 0)),
    "cancelled by somebody else before": Story((({"fault": "not_extending", "before": "cancel"}),), "absent", False, "cancelled", (1, 1, 0)),
    "begun after the loss": Story(({**LOST, "after": "start"},), "executing", False, "executing", (1, 1, 0)),
    "carried out after the loss": Story(({**LOST, "after": "finish"},), "applied", False, "succeeded", (1, 1, 1)),
    "begun before the second cancel": Story((LOST, "started_meanwhile"), "executing", False, "executing", (2, 2, 0)),
    "failed after the loss": Story(({**LOST, "after": "fail"},), "cancelled", True, "failed", (2, 2, 0)),
    "another scheduled after the loss": Story(({**DONE, "after": "schedule"},), "cancelled", True, "cancelled", (1, 1, 0), by_us=1),
    "another scheduled and the list can't be read": Story(
        ({**DONE, "after": "schedule"},), "cancelled", True, "cancelled", (2, 2, 0), by_us=1, looks=("forbidden", "forbidden")
    ),
    "removed after the loss": Story(({**LOST, "after": "remove"},), "failed", False, "gone", (2, 2, 0), unsure=True),
    # A different response to the second cancel
    "lost, then forbidden": Story((LOST, "forbidden"), "failed", False, "waiting", (2, 2, 0)),
    "lost and unreadable, then forbidden": Story((DONE, "forbidden"), "cancelled", True, "cancelled", (2, 2, 0), by_us=1, looks=("forbidden",)),
    "lost and unreadable to the end, then forbidden": Story(
        (DONE, "forbidden"), "failed", False, "cancelled", (2, 2, 0), unsure=True, by_us=1, looks=("forbidden", "forbidden")
    ),
    "lost, then busy": Story((LOST, "busy"), "failed", False, "waiting", (2, 2, 0)),
    "lost, then busy as it has begun": Story((LOST, {"fault": "busy", "before": "start"}), "executing", False, "executing", (2, 2, 0)),
    "lost, then throttled": Story((LOST, "throttled"), "cancelled", True, "cancelled", (3, 1, 0), by_us=1),
    "lost and unreadable, then throttled to the end": Story(
        (DONE, "throttled", "throttled"), "cancelled", True, "cancelled", (3, 2, 0), by_us=1, looks=("forbidden",)
    ),
    "lost, then busy as somebody else cancelled it": Story((LOST, {"fault": "busy", "before": "cancel"}), "cancelled", True, "cancelled", (2, 2, 0)),
}
# Unknowable: the API's responses are the same whether or not this run has cancelled the resize.
UNKNOWABLE = {
    "the only attempt, late",
    "listed as waiting to the end",
    "cancelled by somebody else after the loss",
    "lost, then busy as somebody else cancelled it",
    "failed after the loss",
}


@pytest.mark.parametrize("mode", ["one", "found", "many"])
@pytest.mark.parametrize("on_too_late", ["ignore", "warn", "fail"])
@pytest.mark.parametrize("name", STORIES)
def test_lost_answer(cloud: Simulator, name: str, on_too_late: str, mode: str) -> None:
    story = STORIES[name]
    seen = told(cloud, story, on_too_late, mode)
    result = seen.result
    outcome, changed, requests = story.outcome, story.changed, story.requests
    if on_too_late == "ignore" and outcome == "absent":
        # Nothing was lost, so nothing has to be looked up.
        requests = (requests[0], 0, 0)
    if name.startswith("not extending") and on_too_late == "ignore":
        outcome, changed, requests = "absent", False, (1, 0, 0)
    if mode == "found":
        requests = (requests[0], requests[1] + 1, requests[2])
    assert (result.outcome, result.changed, seen.requests()) == (outcome, changed, requests), result
    too_late = outcome in ("executing", "applied")
    assert bool(result.error) == (outcome == "failed" or (too_late and on_too_late == "fail"))
    assert ("may have taken effect" in (result.error.message if result.error else "")) == story.unsure
    inferred = outcome == "cancelled" and last_answer(cloud) != 200
    assert bool(result.warnings) == (inferred or (too_late and on_too_late == "warn"))
    truth = cloud.state()["instances"].get(INSTANCE, {"tasks": {TASK: {"state": "gone"}}})["tasks"][TASK]["state"]
    if (outcome, changed) == (story.outcome, story.changed):
        assert truth == story.truth
        assert seen.cancels.count(TASK) == story.by_us
    # At most once, and nothing that was not requested.
    assert seen.cancels.count(TASK) <= 1
    assert set(seen.cancels) <= {TASK, *NEIGHBOURS.values()}
    if name not in UNKNOWABLE and not story.unsure:
        assert result.changed == (seen.cancels.count(TASK) == 1)


def told(cloud: Simulator, story: Story, on_too_late: str, mode: str) -> Seen:
    """Run a story and return its result."""
    cloud.schedule(INSTANCE, task_id=TASK)
    cloud.configure(**story.settings)
    cloud.fault(*story.cancels, kind="cancel", instance_id=INSTANCE)
    if story.looks:
        cloud.fault(*(["normal"] if mode == "found" else []), *story.looks, kind="tasks", instance_id=INSTANCE)
    requests = [Request(INSTANCE, None if mode == "found" else TASK)]
    if mode == "many":
        requests += [Request(cloud.schedule(instance_id, task_id=task_id)["instance_id"], task_id) for instance_id, task_id in NEIGHBOURS.items()]
    seen = run(cloud, *requests, plan=Plan(on_too_late=on_too_late), max_retries=story.retries)  # type: ignore[arg-type]
    assert all(result.outcome == "cancelled" for result in seen.results if result.instance_id != INSTANCE)
    return seen


def last_answer(cloud: Simulator) -> int | None:
    """The status of the last response to a cancel."""
    status: int | None = cloud.requests("cancel", INSTANCE)[-1]["status"]
    return status


def test_a_resize_scheduled_meanwhile_is_not_touched(cloud: Simulator) -> None:
    """A resize is found and cancelled, but the response is lost, and then another one is scheduled: discovery is not repeated."""
    cloud.schedule(INSTANCE, task_id=TASK)
    cloud.fault({**DONE, "after": "schedule"}, "normal", kind="cancel", instance_id=INSTANCE)
    seen = run(cloud, Request(INSTANCE))
    assert (seen.result.outcome, seen.result.task_id) == ("cancelled", TASK)
    states = {task_id: task["state"] for task_id, task in cloud.state()["instances"][INSTANCE]["tasks"].items()}
    assert states.pop(TASK) == "cancelled"
    assert list(states.values()) == ["waiting"]


def test_an_effect_that_comes_after_everything_is_found_by_the_next_run(cloud: Simulator) -> None:
    cloud.schedule(INSTANCE, task_id=TASK)
    cloud.fault({"fault": "reset", "late_lookups": 2}, kind="cancel", instance_id=INSTANCE)
    first = run(cloud, Request(INSTANCE, TASK), max_retries=0)
    assert (first.result.outcome, first.result.changed) == ("failed", False)
    second = run(cloud, Request(INSTANCE, TASK), max_retries=0)
    assert (second.result.outcome, second.cancels) == ("cancelled", [TASK])
    third = run(cloud, Request(INSTANCE, TASK))
    assert (third.result.outcome, third.result.changed, third.cancels) == ("absent", False, [TASK])
