# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module itself: its options, results, diffs, warnings and failures."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK, Script, scripted_transport, task

CONNECTION = {"access_key": "AK-of-a-test", "secret_key": "SK-is-secret", "region": "cn-north-4", "project_id": PROJECT, "max_retries": 0}
ONE = {"instance_id": INSTANCE, "task_id": TASK}
OTHER = "9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d"


def run(arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return run_module(dcs_resize_cancel, {**CONNECTION, **arguments}, **more)


SPECS = " from old.spec to new.spec"


def line(instance_id: str, task_id: str, change: str = "", name: str = "") -> str:
    return f"instance {instance_id}{name}: pending resize {task_id}{change}\n"


def test_cancelled(script: Script) -> None:
    script.expect_cancel(headers={"X-Request-Id": "r1"})
    result = run(ONE, diff=True)
    result.pop("invocation", None)
    assert result == {
        "changed": True,
        "resizes": [{**ONE, "outcome": "cancelled", "changed": True, "task": None, "request_id": "r1", "error": None}],
        "diff": {"before": line(INSTANCE, TASK), "after": ""},
        "warnings": [],
    }


@pytest.mark.parametrize("on_too_late", ["ignore", "warn", "fail"])
def test_too_late(script: Script, on_too_late: str) -> None:
    script.expect_cancel(400, "DCS.4239")
    if on_too_late != "ignore":
        script.expect_tasks(task("EXECUTING"))
    result = run({**ONE, "on_too_late": on_too_late}, diff=True)
    assert result["resizes"][0]["outcome"] == ("absent" if on_too_late == "ignore" else "executing")
    assert result.get("failed", False) == (on_too_late == "fail")
    assert len(result["warnings"]) == (1 if on_too_late == "warn" else 0)
    assert (result["changed"], result["diff"]) == (False, {"before": "", "after": ""})
    if on_too_late == "fail":
        assert result["msg"] == result["resizes"][0]["error"]["message"]


@pytest.mark.parametrize(("status", "code"), [(401, "APIGW.0301"), (403, "DCS.2003"), (404, "DCS.3022"), (400, "DCS.4070")])
def test_failed(script: Script, status: int, code: str) -> None:
    script.expect_cancel(status, code, headers={"X-Request-Id": "r1"})
    result = run(ONE, diff=True)
    assert result["failed"]
    assert result["msg"].startswith(result["resizes"][0]["error"]["message"])
    assert result["msg"].endswith(" Nothing was cancelled.")
    assert {**result["resizes"][0]["error"], "message": ""} == {"code": code, "message": "", "http_status": status, "request_id": "r1"}
    assert (result["changed"], result["diff"]) == (False, {"before": "", "after": ""})


@pytest.mark.parametrize("status", [403, 404, 503])
def test_nothing_was_cancelled_where_the_list_cannot_be_read(script: Script, status: int) -> None:
    script.expect_tasks(status=status, body={"error_code": "X.1", "error_msg": "No."})
    assert run({"instance_id": INSTANCE})["msg"].endswith(" Nothing was cancelled.")


@pytest.mark.parametrize(("status", "reads"), [(401, 0), (403, 2)])
def test_a_lost_response_leaves_open_whether_something_was_cancelled(script: Script, status: int, reads: int) -> None:
    """Whatever the API says to the second attempt, and whether or not the background tasks are read once more."""
    script.expect_cancel(503)
    script.expect_tasks(status=500)
    script.expect_tasks(status=500)
    script.expect_cancel(status, "X.1")
    for _read in range(reads):
        script.expect_tasks(status=500)
    message = run({**ONE, "max_retries": 1})["msg"]
    assert "may have taken effect" in message
    assert "Nothing was cancelled" not in message


def test_what_to_do_once_no_retry_is_left(script: Script) -> None:
    """If the API throttles, or if the response to a read or to a cancel that certainly had no effect is lost."""
    script.expect_cancel(429)
    assert "Run it again later, or raise max_retries (now 0). (POST " in run(ONE)["msg"]
    script.expect_cancel(503)
    script.expect_tasks(task())
    assert "The resize is still pending: run it again later. (POST " in run(ONE)["msg"]
    script.expect_tasks(status=503)
    assert "Run it again later. (GET " in run({"instance_id": INSTANCE})["msg"]


def test_the_list_of_the_info_module_is_accepted_unchanged(script: Script) -> None:
    script.expect_cancel()
    script.expect_tasks(task(task_id="found"), instance_id=OTHER)
    script.expect_cancel(instance_id=OTHER, task_id="found")
    entries = [{**ONE, "instance_name": "cache", "status": "WAITING", "details": {"a": [1]}, "old_capacity": 4.0}, {"instance_id": OTHER, "task_id": None}]
    result = run({"resizes": entries, "concurrency": 1}, diff=True)
    assert [resize["task_id"] for resize in result["resizes"]] == [TASK, "found"]
    assert result["diff"] == {"before": line(INSTANCE, TASK, name=" (cache)") + line(OTHER, "found", SPECS), "after": ""}


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_is_unset(script: Script, blank: object) -> None:
    script.expect_tasks()
    names = ("task_id", "resizes", "on_too_late", "wait", "wait_timeout", "concurrency", "timeout", "endpoint", "profile", "validate_certs")
    unset = dict.fromkeys(names, blank)
    assert run({**unset, "instance_id": INSTANCE})["resizes"][0]["outcome"] == "absent"
    script.expect_tasks()
    assert run({**unset, "instance_id": blank, "resizes": [{"instance_id": INSTANCE, "task_id": blank}]})["resizes"][0]["outcome"] == "absent"


def test_the_same_pair_is_done_once(script: Script) -> None:
    script.expect_cancel()
    result = run({"resizes": [ONE, {**ONE, "status": "WAITING"}, ONE]})
    assert len(result["resizes"]) == 1


def test_no_resizes_need_no_credentials(script: Script) -> None:
    result = run_module(dcs_resize_cancel, {"resizes": []}, diff=True)
    assert (result["changed"], result["resizes"], result["diff"]) == (False, [], {"before": "", "after": ""})
    assert script.requests == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of the following is required: instance_id, resizes"),
        ({"instance_id": " ", "resizes": None}, "one of the following is required: instance_id, resizes"),
        ({**ONE, "resizes": []}, "mutually exclusive"),
        ({"task_id": TASK, "resizes": []}, "instance_id"),
        ({"resizes": [{"instance_id": INSTANCE}, {"task_id": TASK}]}, "Entry 2 of resizes has no instance_id. Nothing was cancelled."),
        ({"resizes": [{"instance_id": " "}]}, "Entry 1 of resizes has no instance_id."),
        ({"resizes": [ONE, {"instance_id": INSTANCE, "taskid": TASK}]}, "Entry 2 of resizes has an unknown key 'taskid'. Did you mean 'task_id'?"),
        ({"resizes": [{"instance_id": INSTANCE, "Task_ID": TASK}]}, "Entry 1 of resizes has an unknown key 'Task_ID'. Did you mean 'task_id'?"),
        ({"resizes": [{"id": INSTANCE}]}, "Entry 1 of resizes has an unknown key 'id'."),
        ({"resizes": [{"instance_id": INSTANCE, "xyz": 1}]}, "unknown key 'xyz'. Set instance_id and, optionally, task_id. Nothing was cancelled."),
        ({"resizes": [f"instance_id={INSTANCE} taskid={TASK}"]}, "unknown key 'taskid'"),
        ({"resizes": [{"instance_id": [INSTANCE]}]}, "Invalid instance_id in entry 1 of resizes: it must be text, not list."),
        ({"resizes": [{"instance_id": True}]}, "Invalid instance_id in entry 1 of resizes: it must be text, not bool."),
        ({"resizes": [{"instance_id": INSTANCE, "task_id": False}]}, "Invalid task_id in entry 1 of resizes: it must be text, not bool."),
        ({"resizes": [{"instance_id": INSTANCE, "task_id": {"id": TASK}}]}, "Invalid task_id in entry 1 of resizes: it must be text, not dict."),
        ({"resizes": [{"instance_id": INSTANCE, "task_id": 1.5}]}, "Invalid task_id in entry 1 of resizes: it must be text, not float."),
        ({"resizes": [INSTANCE]}, "resizes"),
        ({"resizes": [[ONE]]}, "resizes"),
        ({"resizes": [ONE, None]}, "resizes must not have blank entries, but entry 2 is blank."),
        ({"resizes": [" "]}, "resizes must not have blank entries, but entry 1 is blank."),
        ({"resizes": [3]}, "resizes"),
        ({**ONE, "on_too_late": "later"}, "on_too_late"),
        ({**ONE, "concurrency": 0}, "concurrency must be a whole number from 1 to 64, but is 0."),
        ({**ONE, "concurrency": 65}, "concurrency must be a whole number from 1 to 64, but is 65."),
        ({**ONE, "wait_timeout": -1}, "wait_timeout must be a whole number from 0 to 604800, but is -1."),
        ({**ONE, "timeout": 0}, "timeout must be a whole number from 1 to 3600, but is 0."),
        ({**ONE, "max_retries": -1}, "max_retries must be a whole number from 0 to 100, but is -1."),
        ({**ONE, "unknown": 1}, "unknown"),
    ],
)
def test_options_that_can_not_be_used(script: Script, arguments: dict[str, Any], message: str) -> None:
    result = run(arguments)
    assert message in result["msg"]
    assert (result["failed"], result["changed"], result["resizes"]) == (True, False, [])
    assert script.requests == []


@pytest.mark.parametrize("value", ["a/b", "..", "a?b", "a%2Fb", "a b", f"{TASK}\n{TASK}"])
@pytest.mark.parametrize("check", [False, True])
def test_ids_are_refused_before_any_request(script: Script, value: str, check: bool) -> None:
    """The project is not looked up either."""
    unset = {"project_id": None}
    for arguments in (
        {"instance_id": value},
        {"instance_id": INSTANCE, "task_id": value},
        {"resizes": [{"instance_id": value}, {"instance_id": INSTANCE, "task_id": value}]},
    ):
        result = run({**unset, **arguments}, check=check)
        assert result["failed"]
        assert {resize["outcome"] for resize in result["resizes"]} == {"failed"}
        assert {resize["error"]["code"] for resize in result["resizes"]} == {"InvalidId"}
        assert repr(value) in result["msg"]
    assert script.requests == []


def test_one_failure_stops_no_other_and_the_message_names_it() -> None:
    with scripted_transport(ordered=False) as script:
        script.expect_cancel(instance_id="i0")
        script.expect_cancel(403, "DCS.2003", instance_id="i1")
        script.expect_cancel(400, "DCS.4239", instance_id="i2")
        script.expect_tasks(task(), task(task_id="second"), instance_id="i3")
        entries = [*({"instance_id": f"i{number}", "task_id": TASK} for number in range(3)), {"instance_id": "i3"}]
        result = run({"resizes": entries, "on_too_late": "ignore"}, diff=True)
    assert (result["failed"], result["changed"]) == (True, True)
    assert [resize["outcome"] for resize in result["resizes"]] == ["cancelled", "failed", "absent", "failed"]
    assert result["msg"].startswith("2 of 4 resizes failed. i1: ")
    assert "dcs:instance:cancelResizeTask" in result["msg"]
    assert "Set task_id to the one to cancel" in result["msg"]
    ambiguous = line("i3", TASK) + line("i3", "second")
    assert result["diff"] == {"before": line("i0", TASK) + ambiguous, "after": ambiguous}


def test_the_difference_shows_what_waited_before_a_refusal(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_cancel(403, "DCS.2003")
    result = run({"instance_id": INSTANCE}, diff=True)
    assert result["diff"] == dict.fromkeys(("before", "after"), line(INSTANCE, TASK, SPECS))


def test_the_difference_shows_no_resize_as_waiting_that_another_entry_cancelled(script: Script) -> None:
    script.expect_cancel(400, "DCS.4239")
    script.expect_tasks(task())
    script.expect_tasks(task())
    script.expect_cancel()
    result = run({"resizes": [ONE, {"instance_id": INSTANCE}], "max_retries": 0}, diff=True)
    assert [resize["outcome"] for resize in result["resizes"]] == ["failed", "cancelled"]
    assert result["diff"] == {"before": line(INSTANCE, TASK, SPECS), "after": ""}


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        (
            {"access_key": "AK-of-a-test", "secret_key": "SK-of-a-test"},
            (
                "no. The keys come from the module's options. Check them and the clock of this host. "
                "Do not retry blindly: more than five failures in a row lock the key for five minutes."
            ),
        ),
        ({"token": "TOKEN-of-a-test"}, "no. The token comes from the module's options. It may have expired or belong to another region."),
    ],
)
def test_a_401_says_where_the_keys_come_from(script: Script, keys: dict[str, str], hint: str) -> None:
    script.expect_cancel(401, body={"error_code": "APIGW.0301", "error_msg": "no."})
    assert hint in run({**ONE, "access_key": None, "secret_key": None, "token": None, **keys})["msg"]


def test_the_same_reason_is_told_once(script: Script) -> None:
    script.expect_cancel(401, "APIGW.0301", instance_id="i0")
    result = run({"resizes": [{"instance_id": f"i{number}", "task_id": TASK} for number in range(30)], "concurrency": 1})
    assert [resize["outcome"] for resize in result["resizes"]] == ["failed"] + ["not_attempted"] * 29
    assert result["msg"].startswith("30 of 30 resizes failed. i0: ")
    assert all(f"i{number}, " in result["msg"] for number in range(1, 29))
    assert result["msg"].endswith(" Nothing was cancelled.")
    assert result["msg"].count("Not sent: ") == 1


def test_many_of_one_kind_are_one_sentence() -> None:
    with scripted_transport(ordered=False) as script:
        for number in range(12):
            script.expect_cancel(404, "DCS.3022", instance_id=f"i{number}")
        result = run({"resizes": [{"instance_id": f"i{number}", "task_id": TASK} for number in range(12)]})
    assert result["msg"].count("The words of DCS.3022.") == 1
    assert result["msg"].startswith(f"12 of 12 resizes failed. {', '.join(f'i{number}' for number in range(12))}: ")


def test_the_keys_of_both_modules_and_of_the_role_are_known(script: Script) -> None:
    """The entries that they return are accepted unchanged; the role adds `record`."""
    documented = {key for module in (dcs_resize_cancel, dcs_resize_info) for key in yaml.safe_load(module.RETURN)["resizes"]["contains"]}
    assert documented | {"record"} == dcs_resize_cancel.KNOWN_KEYS
    script.expect_cancel()
    result = run({"resizes": [{**dict.fromkeys(dcs_resize_cancel.KNOWN_KEYS), **ONE}]})
    assert result["changed"]


def test_wait_timeout_is_a_failure_that_has_changed_something(script: Script) -> None:
    script.expect_cancel()
    script.expect_instance(body={"status": "EXTENDING"})
    result = run({**ONE, "wait": True, "wait_timeout": 0})
    assert (result["failed"], result["changed"], result["resizes"][0]["outcome"]) == (True, True, "cancelled")
    assert result["resizes"][0]["error"]["code"] == "WaitTimeout"


def test_check_mode_reads_and_sends_no_cancel(script: Script) -> None:
    script.expect_tasks(task())
    result = run({**ONE, "wait": True}, check=True, diff=True)
    assert (result["changed"], result["resizes"][0]["outcome"], result["diff"]) == (True, "cancelled", {"before": line(INSTANCE, TASK, SPECS), "after": ""})


def test_the_difference_shows_what_the_list_or_the_task_says(script: Script) -> None:
    """The name is only known from the list, and applies to all resizes of the instance; the latest data takes precedence."""
    listed = {"instance_name": " my\ncache ", "old_spec_code": "listed.old", "new_spec_code": "listed.new"}
    script.expect_cancel()
    script.expect_cancel(400, "DCS.4239", task_id="stale")
    script.expect_tasks(task(task_id="stale"))
    script.expect_tasks(task(task_id="found", details={}), instance_id=OTHER)
    script.expect_cancel(instance_id=OTHER, task_id="found")
    script.expect_tasks(task(), task(task_id="second"), instance_id="i3")
    entries = [{**ONE, "record": listed, "task": None}, {"instance_id": INSTANCE, "task_id": "stale", "old_spec_code": "x", "new_spec_code": "y"}]
    entries += [{"instance_id": OTHER, "instance_name": "sessions", "old_spec_code": "x", "new_spec_code": None}, {"instance_id": "i3", "details": [1]}]
    result = run({"resizes": entries, "max_retries": 0, "concurrency": 1}, diff=True)
    stale = line(INSTANCE, "stale", SPECS, " (my cache)")
    ambiguous = line("i3", TASK) + line("i3", "second")
    assert result["diff"] == {
        "before": line(INSTANCE, TASK, " from listed.old to listed.new", " (my cache)") + stale + line(OTHER, "found", name=" (sessions)") + ambiguous,
        "after": stale + ambiguous,
    }


def test_a_project_that_can_not_be_looked_up_fails_every_resize(script: Script) -> None:
    script.expect("GET", "/v3/projects", {"name": "cn-north-4"}, status=401, body={"error_code": "APIGW.0301", "error_msg": "no"})
    result = run({"project_id": "", "resizes": [ONE, {"instance_id": "a/b"}]})
    assert [resize["outcome"] for resize in result["resizes"]] == ["not_attempted", "failed"]
    assert [resize["error"]["code"] for resize in result["resizes"]] == ["APIGW.0301", "InvalidId"]


def test_no_secret_is_shown_that_the_api_repeats(script: Script) -> None:
    script.expect_cancel(401, body={"error_code": "APIGW.0301", "error_msg": "ak:AK-visible sk:SK-is-secret"})
    result = run({**ONE, "access_key": "AK-visible"})
    shown = {key: value for key, value in result.items() if key != "invocation"}
    assert "SK-is-secret" not in str(result)
    assert "AK-visible" not in str(shown)
