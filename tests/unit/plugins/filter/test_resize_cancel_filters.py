# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role: reading its variables, and building its results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.filter import resize_cancel as filters

A, B = "5560df16-cebf-4473-95c4-d1b573c16e79", "9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d"
TASK, OTHER_TASK = "8abf6e1e72c12e7c0172c15b508500aa", "12345678901234567890123456789012"
ONE, BOTH = [{"instance_id": A}], [{"instance_id": A}, {"instance_id": B}]
PAIR = {"instance_id": A, "task_id": TASK}
ROW = {
    **PAIR, "instance_name": "sessions", "instance_status": "RUNNING", "maintain_begin": "18:00:00", "maintain_end": "22:00:00", "task_name": "EXTEND",
    "status": "WAITING", "next_window_begin": "2026-01-31T18:00:00Z", "user_name": "operator", "created_at": "2026-01-31T07:38:42.503Z",
    "updated_at": "2026-01-31T07:38:42.503Z", "old_spec_code": "redis.2", "new_spec_code": "redis.4", "old_capacity": 2.0, "new_capacity": 4.0,
    "details": {"new_replica_num": 2},
}


class Vaulted(Sequence):  # type: ignore[type-arg]
    """Vaulted text as ansible-core 2.16 passes it: a sequence of characters that is not a str."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, index: Any) -> Any:
        return self._text[index]

    def __len__(self) -> int:
        return len(self._text)

    def __str__(self) -> str:
        return self._text


def plan(listing: bool = False, **inputs: Any) -> dict[str, Any]:
    values = {f"resize_cancel_{name}": value for name, value in inputs.items()}
    return dict(filters.plan(values, list(values), listing))


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        (A, ONE),
        (f"  {A}\u200b\n", ONE),
        (f"'{A}'", ONE),
        (f"\u201c{A}\u201d\uff0c\u2018{B}\u2019", BOTH),
        (f"{A},{B}", BOTH),
        (f"{A}; {B};", BOTH),
        (f"{A}\uff0c{B}", BOTH),
        (f"{A}\uff1b{B}", BOTH),
        (f"{A}\u3001{B}", BOTH),
        (f"{A}\u3000{B}", BOTH),
        (f"{A}\r\n\r\n\t{B}\r\n", BOTH),
        (f'"{A}"\n"{B}"', BOTH),
        (f"- {A}\n- {B}\n", BOTH),
        (f"-{A}\n-{B}", BOTH),
        (f"• {A}\n* {B}", BOTH),
        (f"- '{A}'\n- \"{B}\"", BOTH),
        (f"['{A}', '{B}']", BOTH),
        (f"('{A}', '{B}')"[1:-1], BOTH),
        (f"[{A}, {B}]", BOTH),
        (f'\n ["{A}",\n "{B}",]', BOTH),
        (json.dumps([A, B]), BOTH),
        (json.dumps([PAIR, B]), [PAIR, {"instance_id": B}]),
        (json.dumps([{"instance_id": A, "task_id": None}]), ONE),
        (str([{"instance_id": A, "task_id": None}, PAIR]), [{"instance_id": A}, PAIR]),
        (f"- instance_id: {A}\n  task_id: {TASK}\n- {B}", [PAIR, {"instance_id": B}]),
        (f"- instance_id: {A}\n  task_id: {OTHER_TASK}\n", [{"instance_id": A, "task_id": OTHER_TASK}]),
        (f"- instance_id: {A}\n  task_id: null\n- instance_id: {B}\n  task_id:", BOTH),
        (f"instance_id: {A}\ninstance_id: {B}".replace("instance_id", "- instance_id"), BOTH),
        ([f" {A} ", {"instance_id": f"{B}\n", "task_id": " "}], BOTH),
        ([{**PAIR, "details": {"new_capacity": 4}, "status": "WAITING"}], [PAIR]),
        ([{"instance_id": A, "task_id": int(OTHER_TASK)}], [{"instance_id": A, "task_id": OTHER_TASK}]),
        ([A, A.upper(), {"instance_id": A}, PAIR, {**PAIR, "task_id": TASK.upper()}], [{"instance_id": A}, PAIR]),
        ((A, B), BOTH),
        (Vaulted(f"{A},{B}"), BOTH),
        ([Vaulted(A), {"instance_id": Vaulted(B)}], BOTH),
        ([{**PAIR, "outcome": "failed", "changed": False, "request_id": None, "error": {"code": "x"}, "task": None, "record": ROW}], [PAIR]),
        ([], []),
        ("[]", []),
    ],
)
def test_every_form_of_instances_is_read(instances: Any, expected: list[dict[str, str]]) -> None:
    made = plan(instances=instances)
    assert made["mistakes"] == []
    assert (made["ok"], made["all_pending"], made["resizes"]) == (True, False, expected)


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ("[" + A, "can't be read"),
        ("[" * 100_000, "can't be read"),
        ('{"resizes": []}', "must be a list"),
        ({"instance_id": A}, "must be a list"),
        (5, "must be a list"),
        (True, "must be a list"),
        ([A, None], "has the entry None"),
        ([A, [B]], f"has the entry ['{B}']"),
        ([A, ""], "has an entry without an ID"),
        ([{"task_id": TASK}], "has an entry without an ID"),
        ([{"instance_id": A, "taskid": TASK}], "unknown key taskid (did you mean task_id?)"),
        ([{"instance_id": A, "task_id": 1.5}], "task_id is 1.5"),
        ([{"instance_id": True}], "instance_id is True"),
        ([{"instance_id": 5}], "instance_id is 5"),
    ],
)
def test_instances_that_make_no_sense_are_refused(instances: Any, message: str) -> None:
    made = plan(instances=instances)
    assert (made["ok"], made["resizes"]) == (False, [])
    assert len(made["mistakes"]) == 1
    assert made["mistakes"][0].startswith("resize_cancel_instances ") and message in made["mistakes"][0]
    assert made["mistakes"][0].endswith(".")


@pytest.mark.parametrize("blank", [None, "", " \n", " , ;", "\u3000", "__omit_place_holder__0123", Vaulted(" ")])
def test_blank_is_unset(blank: Any) -> None:
    names = sorted(filters.INPUTS - {"instances"})
    made = plan(instances=A, **dict.fromkeys(names, blank if str(blank).strip(" ,;") or blank is None else ""))
    assert made == plan(instances=A)
    [mistake] = plan(instances=blank)["mistakes"]
    assert mistake == "Set resize_cancel_instances, or resize_cancel_all_pending=true to cancel every pending resize of the project."


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("tags", {"env": " prod ", "n": 1, "e": None}, {"env": "prod", "n": "1", "e": ""}),
        ("tags", '{"env": "prod"}', {"env": "prod"}),
        ("tags", "{'env': 'prod'}", {"env": "prod"}),
        ("tags", "env=prod, team = cache", {"env": "prod", "team": "cache"}),
        ("tags", "env: prod\nurl: http://x", {"env": "prod", "url": "http://x"}),
        ("tags", "env='prod';e=", {"env": "prod", "e": ""}),
        ("exclude", [" cache ", A], ["cache", A]),
        ("exclude", f"cache, {A}\ncache", ["cache", A]),
        ("exclude", json.dumps(["a b"]), ["a b"]),
        ("exclude", [ROW], [A]),
        ("enterprise_project_id", 0, "0"),
        ("instance_name", " cache\n", "cache"),
    ],
)
def test_what_narrows_the_search(name: str, value: Any, expected: Any) -> None:
    made = plan(all_pending="yes", **{name: value})
    assert made["mistakes"] == []
    assert made["find"] == {name: expected}
    assert plan(instances=A, **{name: value})["mistakes"] == [f"resize_cancel_{name} requires resize_cancel_all_pending=true."]
    assert plan(listing=True, **{name: value})["find"] == {name: expected}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tags", "prod"), ("tags", ["env"]), ("tags", {"env": True}), ("tags", {"env": ["a"]}), ("tags", {"": "a"}), ("tags", "{"), ("tags", "=prod"),
        ("exclude", [None]), ("exclude", [""]), ("exclude", {"a": 1}), ("exclude", [["a"]]), ("exclude", 5), ("exclude", [{"name": "x"}]),
        ("instance_name", ["cache"]), ("enterprise_project_id", {"a": 1}), ("record", ["a"]), ("max", -1), ("max", "all"), ("max", True), ("max", 1.5),
        ("concurrency", 0), ("concurrency", 65), ("timeout", 0), ("max_retries", "-1"), ("wait_timeout", "5s"), ("wait", "perhaps"), ("all_pending", 2),
        ("validate_certs", 1.0), ("on_too_late", "Warn"), ("on_too_late", ["warn"]),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(name: str, value: Any) -> None:
    made = plan(**{"all_pending": True, name: value})
    assert [mistake.split(" ")[0] for mistake in made["mistakes"]] == [f"resize_cancel_{name}"]
    assert made["ok"] is False


def test_an_unknown_variable_is_refused_with_the_name_that_is_nearest() -> None:
    names = ["resize_cancel_instnaces", "resize_cancel_Max", "resize_cancel_tag", "resize_cancel_result", "resize_cancel_summary", "resize_cancel_hosts"]
    made = filters.plan({"resize_cancel_all_pending": True}, [*names, "resize_cancel_all_pending", "resize_cancel-max"])
    assert made["ok"] is False
    assert made["mistakes"] == [
        "Unknown variable resize_cancel-max: did you mean resize_cancel_max?",
        "Unknown variable resize_cancel_Max: did you mean resize_cancel_max?",
        "Unknown variable resize_cancel_instnaces: did you mean resize_cancel_instances?",
        "Unknown variable resize_cancel_tag: did you mean resize_cancel_tags?",
    ]


@pytest.mark.parametrize("value", [False, "False", " no", "off", "0", 0, "N"])
def test_false_is_false_in_every_form(value: Any) -> None:
    assert plan(all_pending=value, instances=A)["ok"] is True
    assert plan(all_pending=value)["ok"] is False


def test_zero_and_false_are_values() -> None:
    made = plan(instances=[], max="0", wait="no", wait_timeout=0)
    assert (made["max"], made["cancel"]) == (0, {"wait": False, "wait_timeout": 0})
    assert plan(instances=[])["max"] is None


def test_listing_takes_the_whole_project_or_the_instances() -> None:
    assert plan(listing=True)["all_pending"] is True
    made = plan(listing=True, instances=A, all_pending=False)
    assert (made["ok"], made["all_pending"], made["resizes"]) == (True, False, ONE)


def test_both_or_none_are_refused() -> None:
    assert "are mutually exclusive" in plan(instances=[], all_pending=True)["mistakes"][0]
    assert "are mutually exclusive" in plan(instances="[", all_pending=True)["mistakes"][1]


def test_the_file_of_the_record_is_where_ansible_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/operator")
    assert plan(instances=ONE, record="freeze.json")["record"] == str(tmp_path / "freeze.json")
    assert plan(instances=ONE, record="~/freeze.json")["record"] == "/home/operator/freeze.json"
    assert plan(instances=ONE, record="/tmp/../tmp/freeze.json")["record"] == "/tmp/freeze.json"


def test_record_has_what_is_known() -> None:
    unknown = dict.fromkeys(filters.RECORD_KEYS)
    assert filters.record([PAIR], [[ROW]]) == [ROW]
    assert filters.record([{"instance_id": A.upper()}], [{"resizes": [ROW]}]) == [{**ROW, "instance_id": A.upper()}]
    assert filters.record([{"instance_id": A}], [[A], [ROW]]) == [ROW]
    assert filters.record([PAIR], [json.dumps([PAIR]), [ROW]]) == [ROW]
    assert filters.record([{**PAIR, "task_id": OTHER_TASK}], [[ROW]]) == [{**unknown, **PAIR, "task_id": OTHER_TASK}]
    assert filters.record([{"instance_id": A}], [[ROW], [{**ROW, "task_id": OTHER_TASK}]]) == [{**unknown, "instance_id": A}], "which of them is not known"
    assert filters.record([PAIR], ["[", {}, {"skipped": True}]) == [{**unknown, **PAIR}]


def test_record_has_the_outcome_and_what_the_module_saw() -> None:
    task = {"task_id": TASK, "task_name": "EXTEND", "status": "EXECUTING", "new_spec_code": "redis.8"}
    done = {**PAIR, "outcome": "executing", "changed": False, "task": task, "request_id": "r", "error": None}
    [row] = filters.record([done], [[{"instance_id": A, "instance_name": "sessions"}]])
    assert {key: row[key] for key in ("instance_name", "status", "new_spec_code", "outcome", "changed", "request_id", "error")} == {
        "instance_name": "sessions", "status": "EXECUTING", "new_spec_code": "redis.8", "outcome": "executing", "changed": False, "request_id": "r",
        "error": None,
    }
    assert plan(instances=[row])["resizes"] == [PAIR], "a record is accepted as instances"
    [again] = filters.record([PAIR], [[{**done, "record": ROW}]])
    assert (again["instance_name"], again["new_spec_code"]) == ("sessions", "redis.8"), "a result is accepted as what is known"


def test_lines() -> None:
    [line] = filters.lines([ROW])
    assert line == (
        f"sessions ({A}): redis.2 (2 GB) -> redis.4 (4 GB), window 18:00:00-22:00:00 UTC, not before 2026-01-31T18:00:00Z, scheduled by operator"
    )
    assert filters.lines([PAIR], [[ROW]]) == [line]
    assert filters.lines([{**dict.fromkeys(filters.RECORD_KEYS), **PAIR}]) == [], "nothing is known but the IDs"
    [line] = filters.lines([{**PAIR, "instance_name": "a\n\x1b[31mb", "new_capacity": 8}])
    assert line == f"a [31mb ({A}): unknown -> 8 GB, window unknown, scheduled by an unknown user"


@pytest.mark.parametrize(("resizes", "shown", "last"), [(200, 200, "sessions"), (201, 200, "... and 2 more"), (2700, 200, "... and 2501 more")])
def test_lines_are_200_at_most(resizes: int, shown: int, last: str) -> None:
    lines = filters.lines([{**ROW, "instance_id": f"i{number}"} for number in range(resizes)])
    assert len(lines) == shown and lines[-1].startswith(last)


def entry(instance_id: str, outcome: str) -> dict[str, Any]:
    return {"instance_id": instance_id, "task_id": TASK, "outcome": outcome, "changed": outcome == "cancelled", "task": None, "request_id": None, "error": None}


def test_result_counts_and_names() -> None:
    outcomes = ["cancelled", "absent", "executing", "applied", "failed", "not_attempted"]
    resizes = [entry(f"i{number}", outcome) for number, outcome in enumerate([*outcomes, "failed"])]
    asked = [*({"instance_id": resize["instance_id"]} for resize in resizes), {"instance_id": "i7"}]
    done = filters.result({"changed": True, "resizes": resizes}, asked, [[{"instance_id": "I0", "instance_name": "zero"}]], False)
    assert {key: value for key, value in done.items() if key != "resizes"} == {
        "changed": True, "check_mode": False, "cancelled": 1, "absent": 1, "too_late": 2, "failed": 2, "not_attempted": 1,
        "cancelled_instance_ids": ["i0"], "too_late_instance_ids": ["i2", "i3"], "failed_instance_ids": ["i4", "i6"], "not_attempted_instance_ids": ["i5"],
        "unsettled_instance_ids": ["i4", "i5", "i6", "i7"],
    }
    assert [{key: value for key, value in row.items() if key != "record"} for row in done["resizes"]] == resizes
    assert [row["record"]["instance_name"] for row in done["resizes"]] == ["zero", *[None] * 6]


@pytest.mark.parametrize("answer", [{}, {"failed": True, "msg": "no requests"}, {"skipped": True}, {"resizes": None}, None])
def test_all_that_was_asked_for_is_unsettled_if_nothing_was_sent(answer: Any) -> None:
    done = filters.result(answer, [*BOTH, PAIR], [], False)
    assert (done["changed"], done["resizes"], done["unsettled_instance_ids"]) == (False, [], [A, B])


def test_summary_of_one_host() -> None:
    done = filters.result({"changed": True, "resizes": [{**PAIR, **entry(A, "cancelled")}, entry(B, "failed")]}, BOTH, [[ROW]], True)
    assert filters.summary({"localhost": done}) == {
        **{key: value for key, value in done.items() if key != "resizes"}, "record": [{key: ROW[key] for key in filters.COMPACT_KEYS}], "record_omitted": False,
    }


def test_summary_of_several_hosts_has_the_sums_and_each_part() -> None:
    one = filters.result({"changed": True, "resizes": [entry(A, "cancelled")]}, [], [], False)
    two = filters.result({"resizes": [entry(B, "failed"), entry(A, "failed")]}, [], [], False)
    total = filters.summary({"one": one, "two": two, "three": {}})
    assert {key: total[key] for key in ("changed", "check_mode", "cancelled", "failed", "cancelled_instance_ids", "unsettled_instance_ids")} == {
        "changed": True, "check_mode": False, "cancelled": 1, "failed": 2, "cancelled_instance_ids": [A], "unsettled_instance_ids": [B, A],
    }
    assert total["hosts"] == {host: {key: value for key, value in done.items() if key != "resizes"} for host, done in (("one", one), ("two", two))}
    assert [row["instance_id"] for row in total["record"]] == [A]


@pytest.mark.parametrize(("resizes", "omitted"), [(1000, False), (1001, True)])
def test_summary_affords_a_record_of_1000(resizes: int, omitted: bool) -> None:
    done = filters.result({"changed": True, "resizes": [entry(f"i{number}", "cancelled") for number in range(resizes)]}, [], [], False)
    total = filters.summary({"localhost": done})
    assert (total["record_omitted"], total["record"] is None, len(total["cancelled_instance_ids"])) == (omitted, omitted, resizes)


def test_lists_of_hosts() -> None:
    assert filters.lists({"localhost": {"resizes": [ROW]}}) == {"count": 1, "resizes": [ROW]}
    other = {**ROW, "instance_id": B}
    results = {"one": {"resizes": [ROW]}, "two": {}, "three": {"resizes": [other], "failed": False}, "four": {"resizes": [ROW], "failed": True}}
    assert filters.lists(results) == {
        "count": 2, "resizes": [ROW, other], "hosts": {"one": {"count": 1, "resizes": [ROW]}, "three": {"count": 1, "resizes": [other]}},
    }


def test_pairs() -> None:
    assert filters.pairs([ROW, {**ROW, "task_id": None}, ROW]) == [PAIR, {"instance_id": A}]
