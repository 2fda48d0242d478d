# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults in a real playbook: one of each kind at a cancel, with real delays and time limits. `tests/faults` has all faults, at all requests."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from playbook import run_playbook
from simulator.client import Simulator

MODULE = "huaweicloud.dcs.dcs_resize_cancel"


class Case(NamedTuple):
    """What happens to a pending resize, and what must be reported.

    :ivar cancels: the faults of its cancels, one after another
    :ivar sent: how many cancels are sent
    :ivar effective: how many take effect
    :ivar warned: whether a warning says that the cancellation is inferred
    :ivar code: of the error
    :ivar again: the outcome of a second run without faults
    """

    cancels: tuple[Any, ...]
    outcome: str = "cancelled"
    sent: int = 2
    effective: int = 1
    warned: bool = False
    code: str | None = None
    again: str = "absent"
    options: Mapping[str, Any] = MappingProxyType({})
    looks: tuple[str, ...] = ()


CASES = {
    "throttled until a date": Case(({"fault": "throttled", "retry_after": "date", "seconds": 2},)),
    "unavailable, with effect": Case(({"fault": "unavailable", "effect": "done"},), sent=1, warned=True),
    "reset after sending": Case(("reset",)),
    "reset, with an effect that comes later": Case(({"fault": "reset", "late_lookups": 1},), warned=True),
    "a body that is cut off": Case(("cut_body",), sent=1, warned=True),
    "a body of 50 megabytes": Case(({"fault": "huge_body", "megabytes": 50},), sent=1, warned=True),
    "a body that never ends": Case(("drip_body",), sent=1, warned=True, options={"timeout": 1}),
    "a web page": Case(("html",)),
    "DCS.4239 although it waits": Case(("not_extending",) * 2, "failed", 2, 0, code="DCS.4239", again="cancelled", options={"max_retries": 1}),
    "lost, and it can't be seen what it did": Case(
        ({"fault": "reset", "effect": "done"},), "failed", 1, code="NoAnswer", options={"max_retries": 0}, looks=("forbidden",)
    ),
}


def test_a_cancel_on_a_bad_day(cloud: Simulator) -> None:
    """Each on an instance of its own, and then all of them again."""
    resizes = {name: cloud.schedule() for name in CASES}
    playbook: list[dict[str, Any]] = []
    for name, case in CASES.items():
        cloud.fault(*case.cancels, kind="cancel", instance_id=resizes[name]["instance_id"])
        cloud.fault(*case.looks, kind="tasks", instance_id=resizes[name]["instance_id"])
        playbook.append({"name": name, MODULE: {**resizes[name], **case.options}, "ignore_errors": True})
    run = run_playbook([*playbook, {"name": "Again", MODULE: {"resizes": list(resizes.values())}}], environment=cloud.environment())
    assert run.code == 0, run.output
    assert "Traceback" not in run.output
    again = {resize["instance_id"]: resize["outcome"] for resize in run.result("Again")["resizes"]}
    for name, case in CASES.items():
        instance_id = resizes[name]["instance_id"]
        result = run.result(name)
        [resize] = result["resizes"]
        assert (resize["outcome"], result["changed"], run.failed(name)) == (case.outcome, case.outcome == "cancelled", case.code is not None), name
        assert (resize["error"] or {}).get("code") == case.code, name
        assert ["was lost" in warning for warning in run.warnings(name)] == [True] * case.warned, name
        # One more from the second run.
        assert len(cloud.requests("cancel", instance_id)) == case.sent + 1, name
        assert again[instance_id] == case.again, name
        assert len(cloud.effective_cancels(instance_id)) == case.effective + (case.again == "cancelled"), name
    assert "may have taken effect" in run.result("lost, and it can't be seen what it did")["msg"]
    told, let_in, _again = cloud.requests("cancel", resizes["throttled until a date"]["instance_id"])
    assert let_in["time"] - told["time"] >= 1, "the date was not waited for"
