# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role and its playbook, as real runs of ansible-playbook against the simulated cloud."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
import yaml
from playbook import Run, ansible_environment, run_playbook
from simulator.client import Simulator

ROLE = "huaweicloud.dcs.resize_cancel"
PLAYBOOK = "huaweicloud.dcs.cancel_resizes"
FILES = pathlib.Path(__file__).resolve().parents[3] / "roles" / "resize_cancel"
COUNTS = ("cancelled", "absent", "too_late", "failed", "not_attempted")
IDS = ("cancelled_instance_ids", "too_late_instance_ids", "failed_instance_ids", "not_attempted_instance_ids", "unsettled_instance_ids")
NOTHING = {"changed": False, **dict.fromkeys(COUNTS, 0), **{name: [] for name in IDS}, "check_mode": False, "resizes": []}


def include(**variables: Any) -> dict[str, Any]:
    """A task that includes the role with these variables, which are given without their prefix."""
    return {"ansible.builtin.include_role": {"name": ROLE}, "vars": {f"resize_cancel_{name}": value for name, value in variables.items()}}


def attempt(**variables: Any) -> dict[str, Any]:
    """The same, in a caller that continues if the role fails."""
    return {"block": [include(**variables)], "rescue": [{"ansible.builtin.debug": {"msg": "rescued: {{ ansible_failed_result.msg }}"}}]}


def results(run: Run) -> list[dict[str, Any]]:
    """The facts that the role set, one per inclusion. Also checks that what it published agrees with them."""
    facts = [entry["result"]["ansible_facts"]["resize_cancel_result"] for entry in run.results if entry["task"].endswith("Set the result")]
    published = [entry["result"]["ansible_stats"]["data"]["resize_cancel_summary"] for entry in run.results if entry["task"].endswith("Publish the summary")]
    own = ("record", "record_omitted")
    if not any("hosts" in part for part in published):
        assert [{key: value for key, value in part.items() if key not in own} for part in published] == [
            {key: value for key, value in fact.items() if key != "resizes"} for fact in facts
        ]
    for fact in facts:
        assert [type(fact[name]) for name in COUNTS] == [int] * len(COUNTS)
        assert (type(fact["changed"]), type(fact["check_mode"])) == (bool, bool)
    return facts


def result(run: Run) -> dict[str, Any]:
    """The fact that the role set in its only inclusion."""
    [fact] = results(run)
    return fact


def counts(fact: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: fact[name] for name in COUNTS if fact[name]}


def rescued(run: Run) -> list[str]:
    """The messages with which the role failed."""
    messages = [entry["result"].get("msg") for entry in run.results if entry["action"].endswith("debug")]
    return [message.removeprefix("rescued: ") for message in messages if str(message).startswith("rescued: ")]


def ids(resizes: list[dict[str, str]]) -> list[str]:
    return [resize["instance_id"] for resize in resizes]


def test_every_form_of_instances(cloud: Simulator) -> None:
    found, mixed, json_mixed, commas, lines = (cloud.schedule_many(2) for _form in range(5))
    forms: list[Any] = [
        [mixed[0]["instance_id"], {**mixed[1], "task_name": "EXTEND", "details": {"new_capacity": "8"}}],
        "\n  " + json.dumps([json_mixed[0]["instance_id"], {**json_mixed[1], "details": {"old": [None]}}], indent=1),
        ",".join(ids(commas)) + ", ",
        " {}\r\n{}\n".format(*ids(lines)),
    ]
    tasks: list[dict[str, Any]] = [
        {"huaweicloud.dcs.dcs_resize_info": {"instance_ids": ids(found)}, "register": "info"},
        include(instances="{{ info.resizes }}"),
        *(include(instances=form) for form in forms),
        include(instances=[]),
        include(instances="[]"),
    ]
    run = run_playbook(tasks, environment=cloud.environment())
    assert run.code == 0, run.output
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 2}] * 5 + [{}] * 2
    assert [ids(fact["resizes"]) for fact in results(run)][:5] == [ids(group) for group in (found, mixed, json_mixed, commas, lines)]
    assert len(cloud.requests(kind="cancel")) == len(cloud.effective_cancels()) == 10
    assert len(re.findall(r"TASK \[.*Cancel pending resizes, selected: 2]", run.output)) == 5
    assert len(re.findall(r"TASK \[.*Cancel pending resizes, selected: 0]", run.output)) == 2


def test_playbook_first_predicts_then_changes_then_does_not(cloud: Simulator) -> None:
    waiting = ids(cloud.schedule_many(2))
    arguments = (PLAYBOOK, "-e", f"resize_cancel_instances='{' '.join(waiting)}'")
    predicted = run_playbook(*arguments, "--check", "--diff", environment=cloud.environment())
    assert predicted.code == 0 and cloud.requests(kind="cancel") == []
    assert result(predicted)["check_mode"] is True
    [cancel] = [entry["result"] for entry in predicted.results if "Cancel pending resizes" in entry["task"]]
    assert all(instance_id in cancel["diff"]["before"] and instance_id not in cancel["diff"]["after"] for instance_id in waiting)

    first, second = (run_playbook(*arguments, environment=cloud.environment()) for _time in range(2))
    assert [(run.code, run.stats["localhost"]["changed"], counts(result(run))) for run in (predicted, first, second)] == [
        (0, 1, {"cancelled": 2}), (0, 1, {"cancelled": 2}), (0, 0, {"absent": 2}),
    ]
    assert [result(run)["changed"] for run in (predicted, first, second)] == [True, True, False]
    assert run_playbook(*arguments, "--check", environment=cloud.environment()).stats["localhost"]["changed"] == 0


def test_check_mode_counts_wherever_it_is_set(cloud: Simulator) -> None:
    [waiting] = ids(cloud.schedule_many(1))
    predicted, done = include(instances=waiting), include(instances=waiting)
    predicted["ansible.builtin.include_role"]["apply"] = {"check_mode": True}
    done["ansible.builtin.include_role"]["apply"] = {"check_mode": False}
    run = run_playbook([predicted], environment=cloud.environment())
    assert (result(run)["check_mode"], counts(result(run)), cloud.requests(kind="cancel")) == (True, {"cancelled": 1}, [])
    run = run_playbook([done], "--check", environment=cloud.environment())
    assert (result(run)["check_mode"], counts(result(run)), len(cloud.effective_cancels())) == (False, {"cancelled": 1}, 1)


def test_what_fails_first_of_all_leaves_no_old_result(cloud: Simulator) -> None:
    first, second = ids(cloud.schedule_many(2))
    broken = attempt(instances=second)
    broken["block"][0]["ansible.builtin.include_role"]["apply"] = {"become": True, "become_user": "nobody", "become_exe": "/nowhere/sudo"}
    run = run_playbook([include(instances=first), broken], environment=cloud.environment())
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 1}, {}]
    assert ids(cloud.effective_cancels()) == [first]


def test_the_role_may_be_entered_in_the_middle(cloud: Simulator) -> None:
    [waiting] = ids(cloud.schedule_many(1))
    arguments = (PLAYBOOK, "-e", f"resize_cancel_instances={waiting}", "--start-at-task", "Read the variables")
    run = run_playbook(*arguments, environment=cloud.environment())
    assert run.code == 0, run.output
    assert (result(run)["check_mode"], counts(result(run))) == (False, {"cancelled": 1})


def test_text_that_means_false_cancels_nothing(cloud: Simulator) -> None:
    cloud.schedule()
    run = run_playbook(PLAYBOOK, "-e", "resize_cancel_all_pending=false resize_cancel_instances=''", environment=cloud.environment())
    assert run.code == 2 and "Set resize_cancel_instances, or" in run.output
    assert result(run) == NOTHING
    assert cloud.requests() == []


def test_mistakes_are_named_before_anything_is_sent(cloud: Simulator) -> None:
    one = cloud.schedule()["instance_id"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "Set resize_cancel_instances, or"),
        ({"instances": "", "all_pending": " False"}, "Set resize_cancel_instances, or"),
        ({"instances": [], "all_pending": True}, "are mutually exclusive"),
        ({"instances": one, "all_pending": "perhaps"}, "resize_cancel_all_pending must be true or false"),
        ({"instances": one, "instance_name": "cache"}, "resize_cancel_instance_name requires resize_cancel_all_pending=true"),
        ({"instances": "[" + one}, "resize_cancel_instances can't be read"),
        ({"instances": [{"instance_id": one, "taskid": one}]}, "unknown key taskid (did you mean task_id?)"),
        ({"instances": [one, " "]}, "resize_cancel_instances has an entry without an ID"),
        ({"instances": one, "wait": "perhaps", "validate_certs": [False]}, "resize_cancel_wait must be true or false. resize_cancel_validate_certs must be"),
        ({"instances": one, "timeout": 0, "max": "9" * 5000}, "resize_cancel_timeout must be a whole number, 1 to 3600."),
        ({"instances": one, "region": ["cn-north-4"]}, "resize_cancel_region must be text"),
        ({"instances": one, "on_too_late": "explode"}, "resize_cancel_on_too_late must be ignore, warn or fail"),
    ]
    run = run_playbook([attempt(**variables) for variables, _message in cases], environment=cloud.environment())
    assert run.code == 0, run.output
    messages = rescued(run)
    assert len(messages) == len(cases)
    assert [expected for (_variables, expected), message in zip(cases, messages) if expected not in message or "Nothing was cancelled" not in message] == []
    assert [fact for fact in results(run) if {**fact, "unsettled_instance_ids": []} != NOTHING or fact["unsettled_instance_ids"] not in ([], [one])] == []
    assert cloud.requests() == []


def test_number_is_no_instance_id(cloud: Simulator) -> None:
    run = run_playbook([attempt(instances=56)], extra_vars={"resize_cancel_instances": 56}, environment=cloud.environment())
    assert "resize_cancel_instances" in rescued(run)[0] and cloud.requests() == []


def test_blank_and_null_are_unset_and_false_and_zero_are_values(cloud: Simulator) -> None:
    specs = yaml.safe_load((FILES / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    names = [name.removeprefix("resize_cancel_") for name in specs if name != "resize_cancel_instances"]
    first, second, third = ids(cloud.schedule_many(3))
    cloud.fault("unavailable", kind="cancel", instance_id=third)
    run = run_playbook(
        [
            include(instances=first, **dict.fromkeys(names, "")),
            include(instances=second, **dict.fromkeys(names)),
            attempt(
                instances=third, validate_certs=False, max_retries=0, wait="true", wait_timeout="5", timeout="5", concurrency="2", on_too_late="fail", max="3"
            ),
        ],
        environment={**cloud.environment(), "ANSIBLE_INJECT_INVOCATION": "true"},
    )
    assert run.code == 0, run.output
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 1}, {"cancelled": 1}, {"failed": 1}]
    assert len(cloud.requests(kind="cancel", instance_id=third)) == 1, "max_retries=0"
    unset, null, given = (entry["result"]["invocation"]["module_args"] for entry in run.results if "Cancel pending resizes" in entry["task"])
    assert {**unset, "resizes": []} == {**null, "resizes": []}
    assert {name: unset[name] for name in ("endpoint", "wait", "on_too_late", "concurrency")} == {
        "endpoint": cloud.environment()["HW_DCS_ENDPOINT"], "wait": False, "on_too_late": "warn", "concurrency": 8,
    }
    assert {name: given[name] for name in ("validate_certs", "max_retries", "wait", "wait_timeout", "timeout", "concurrency", "on_too_late")} == {
        "validate_certs": False, "max_retries": 0, "wait": True, "wait_timeout": 5, "timeout": 5, "concurrency": 2, "on_too_late": "fail",
    }


def test_all_pending(cloud: Simulator) -> None:
    caches = [cloud.schedule(instance={"name": f"cache-{number}"}) for number in range(3)]
    others = cloud.schedule_many(2)
    cloud.start(others[1]["instance_id"])
    run = run_playbook(
        [
            attempt(all_pending=True, max=3),
            include(all_pending="True", instance_name="cache", max="3"),
            include(all_pending=True),
            include(all_pending=True),
        ],
        environment=cloud.environment(),
    )
    assert run.code == 0, run.output
    assert ["4 resizes are pending, but resize_cancel_max allows 3." in message for message in rescued(run)] == [True]
    assert [counts(fact) for fact in results(run)] == [{}, {"cancelled": 3}, {"cancelled": 1}, {}]
    assert sorted(ids(cloud.effective_cancels())) == sorted(ids([*caches, others[0]]))
    assert len(cloud.requests(kind="cancel")) == 4, "found with their tasks, one request each"


def test_all_pending_that_cannot_be_read_completely_cancels_nothing(cloud: Simulator) -> None:
    readable, unreadable = ids(cloud.schedule_many(2))
    cloud.fault("forbidden", kind="tasks", instance_id=unreadable)
    run = run_playbook([include(all_pending=True)], environment=cloud.environment())
    assert run.code == 2 and "dcs:instance:getBackgroundTask" in run.output
    assert cloud.requests(kind="cancel") == []
    fact = result(run)
    assert {**fact, "unsettled_instance_ids": []} == NOTHING and set(fact["unsettled_instance_ids"]) == {readable, unreadable}


def test_more_than_max_are_refused_and_duplicates_count_once(cloud: Simulator) -> None:
    first, second = cloud.schedule_many(2)
    same = [first["instance_id"], {"instance_id": first["instance_id"]}, {"instance_id": first["instance_id"], "task_id": " "}]
    run = run_playbook([attempt(instances=[*same, second], max="1"), include(instances=same, max=1)], environment=cloud.environment())
    assert run.code == 0, run.output
    assert ["2 resizes are given, but resize_cancel_max allows 1." in message for message in rescued(run)] == [True]
    assert [counts(fact) for fact in results(run)] == [{}, {"cancelled": 1}]
    assert ids(cloud.effective_cancels()) == [first["instance_id"]]


def test_result_is_there_when_the_role_fails(cloud: Simulator) -> None:
    broken, waiting, gone, late = ids(cloud.schedule_many(4))
    cloud.fault("forbidden", kind="cancel", instance_id=broken)
    cloud.cancel(gone)
    cloud.start(late)
    everything = [broken, waiting, gone, late]
    run = run_playbook([include(instances=everything)], environment=cloud.environment())
    assert run.code == 2 and run.stats["localhost"]["failures"] == 1 and run.stats["localhost"]["ignored"] == 0
    fact = result(run)
    assert counts(fact) == {"failed": 1, "cancelled": 1, "absent": 1, "too_late": 1}
    assert fact["changed"] is True and fact["failed_instance_ids"] == [broken] and ids(fact["resizes"]) == everything
    assert fact["resizes"][0]["error"]["http_status"] == 403

    cloud.fault("unauthorized", kind="cancel", always=True)
    many = cloud.schedule_many(3)
    run = run_playbook([attempt(instances=many), attempt(instances=late, on_too_late="fail")], environment={**cloud.environment(), "HW_MAX_RETRIES": "0"})
    assert run.code == 0, run.output
    assert counts(results(run)[0]) == {"failed": 1, "not_attempted": 2}
    assert results(run)[0]["failed_instance_ids"] == ids(many[:1])


def test_nothing_leaks_from_one_inclusion_to_the_next(cloud: Simulator) -> None:
    one, two = cloud.schedule_many(2)
    run = run_playbook(
        [
            {"ansible.builtin.set_fact": {"resize_cancel_max": " 5"}},
            {**include(instances="{{ [item] }}"), "loop": [one["instance_id"], two["instance_id"], one["instance_id"]]},
            attempt(instances="[", all_pending=True),
            {"ansible.builtin.debug": {"msg": {"result": "{{ resize_cancel_result }}", "max": "{{ resize_cancel_max ~ '.' }}"}}},
            include(all_pending=True),
            {"ansible.builtin.import_role": {"name": ROLE}, "vars": {"resize_cancel_instances": two["instance_id"]}},
        ],
        environment=cloud.environment(),
    )
    assert run.code == 0, run.output
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 1}, {"cancelled": 1}, {"absent": 1}, {}, {}, {"absent": 1}]
    [seen] = [entry["result"]["msg"] for entry in run.results if isinstance(entry["result"].get("msg"), dict)]
    assert seen == {"result": NOTHING, "max": " 5."}


def test_serial_and_module_defaults_of_the_play(cloud: Simulator, tmp_path: pathlib.Path) -> None:
    waiting = cloud.schedule()["instance_id"]
    inventory = tmp_path / "hosts"
    inventory.write_text("one ansible_connection=local\ntwo ansible_connection=local\n", encoding="utf-8")
    elsewhere = {"endpoint": "http://127.0.0.1:9", "max_retries": 0, "task_id": "0" * 32}
    play = {
        "hosts": "all", "gather_facts": False, "serial": 1, "roles": [{"role": ROLE}],
        "module_defaults": {
            "group/huaweicloud.dcs.dcs": {"endpoint": "http://127.0.0.1:9"},
            "huaweicloud.dcs.dcs_resize_cancel": elsewhere,
            "huaweicloud.dcs.dcs_resize_info": {"instance_ids": []},
        },
    }
    run = run_playbook([play], "-i", str(inventory), "-e", f"resize_cancel_instances={waiting}", environment=cloud.environment())
    assert run.code == 0, run.output
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 1}, {"absent": 1}]
    assert {host: stats["changed"] for host, stats in run.stats.items()} == {"one": 1, "two": 0}


def test_secrets_in_variables_are_never_shown(cloud: Simulator) -> None:
    waiting = cloud.schedule()["instance_id"]
    environment = cloud.environment()
    secret = environment.pop("HW_SECRET_KEY")
    keys = {"access_key": environment.pop("HW_ACCESS_KEY"), "secret_key": "{{ kept }}"}
    good = run_playbook([include(instances=waiting, **keys)], "-vvvv", "--diff", environment=environment, extra_vars={"kept": secret})
    assert good.code == 0, good.output
    wrong = "SKwrong000000000000000000000000000000wrong"
    bad = run_playbook(
        [attempt(instances=waiting, **keys), attempt(instances="[", **keys), attempt(all_pending=True, security_token="STSwrong0000", region=[], **keys)],
        "-vvvv", environment=environment, extra_vars={"kept": wrong},
    )
    assert [counts(fact) for fact in results(good) + results(bad)] == [{"cancelled": 1}, {"failed": 1}, {}, {}]
    shown = good.output + bad.output + json.dumps([good.results, bad.results])
    assert [text for text in (secret, wrong, "STSwrong0000") if text in shown.replace(f'"kept": "{text}"', "")] == []


def test_vaulted_text_is_read(cloud: Simulator, tmp_path: pathlib.Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n", encoding="utf-8")

    def vaulted(text: str) -> str:
        command = [str(pathlib.Path(sys.executable).parent / "ansible-vault"), "encrypt_string", "--vault-password-file", str(password), text]
        environment = ansible_environment(tmp_path, {})
        # With the tag !vault, and indented as the value of a key.
        text = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        return text.replace("\n", "\n" + 16 * " ")

    first, second, third = ids(cloud.schedule_many(3))
    secret = cloud.environment()["HW_SECRET_KEY"]
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: {ROLE}
      vars:
        resize_cancel_instances: {vaulted(f"{first},{second}")}
        resize_cancel_max: {vaulted(" 2")}
        resize_cancel_access_key: {cloud.environment()["HW_ACCESS_KEY"]}
        resize_cancel_secret_key: {vaulted(secret)}
    - ansible.builtin.include_role:
        name: {ROLE}
      vars:
        resize_cancel_instances:
          - {vaulted(third)}
        resize_cancel_wait: {vaulted("false")}
        resize_cancel_region: {vaulted(cloud.environment()["HW_REGION_NAME"])}
""",
        encoding="utf-8",
    )
    run = run_playbook(playbook, "--vault-password-file", str(password), environment=cloud.environment())
    assert run.code == 0, run.output
    assert [fact["cancelled_instance_ids"] for fact in results(run)] == [[first, second], [third]]
    assert len(cloud.requests(kind="cancel")) == 3


def test_record_of_given_instances(cloud: Simulator, tmp_path: pathlib.Path) -> None:
    known, bare, gone, forbidden = ids(cloud.schedule_many(4))
    cloud.remove(gone)
    cloud.fault("forbidden", kind="cancel", instance_id=forbidden)
    file = tmp_path / "record.json"
    tasks: list[dict[str, Any]] = [
        {"huaweicloud.dcs.dcs_resize_info": {"instance_ids": [known]}, "register": "info"},
        attempt(instances="{{ info.resizes + [bare, gone, forbidden] }}", record=f" {file} "),
    ]
    variables = {"bare": bare, "gone": gone, "forbidden": forbidden}
    predicted = run_playbook(tasks, "--check", environment=cloud.environment(), extra_vars=variables)
    assert (predicted.code, file.exists()) == (0, False)
    run = run_playbook(tasks, "--diff", environment=cloud.environment(), extra_vars=variables)
    assert run.code == 0, run.output
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [(row["instance_id"], row["outcome"], row["new_capacity"], row["user_name"]) for row in rows] == [
        (known, "cancelled", 4.0, "operator"), (bare, "cancelled", 4.0, "operator"), (gone, "failed", None, None), (forbidden, "failed", 4.0, "operator"),
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [resize["record"]["instance_name"] for resize in result(run)["resizes"]] == [row["instance_name"] for row in rows]
    assert result(run)["unsettled_instance_ids"] == [gone, forbidden]
    assert run.output.count("scheduled by operator") == 3, "a line for each, and no diff of the file"

    again = run_playbook([include(instances=f"{{{{ lookup('ansible.builtin.file', '{file}') }}}}", record=str(file))], environment=cloud.environment())
    assert (again.code, counts(result(again))) == (2, {"absent": 2, "failed": 1, "cancelled": 1})
    assert len(list(tmp_path.glob("record.json*"))) == 2, "the earlier record is kept"
    assert again.stats["localhost"]["changed"] == 0, "the record is no change, and the cancel has failed"


def test_text_is_never_taken_for_a_template(cloud: Simulator) -> None:
    evil = "{{ lookup('ansible.builtin.pipe', 'echo taken') }}"
    [waiting] = ids([cloud.schedule(instance={"name": evil})])
    run = run_playbook([include(all_pending=True)], environment=cloud.environment())
    assert run.code == 0, run.output
    assert "echo taken" in run.output and result(run)["resizes"][0]["record"]["instance_name"] == evil
    assert ids(cloud.effective_cancels()) == [waiting]


@pytest.fixture
def example_cloud() -> Any:
    """A cloud with the instances and tasks of the examples."""
    projects = [{"id": "0123456789abcdef0123456789abcdef", "name": "cn-north-4"}, {"id": "f" * 32, "name": "cn-north-4_caches"}]
    keys = {"access_key": "AKEXAMPLE0000000000", "secret_key": "SKexample00000000000000000000000000000000"}
    accounts = [{**keys, "security_token": None, "token": None, "projects": [project["id"] for project in projects]}]
    with Simulator({"projects": projects, "accounts": accounts}) as cloud:
        cloud.schedule("5560df16-cebf-4473-95c4-d1b573c16e79")
        cloud.schedule("9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d", task_id="8abf6e1e72c12e7c0172c15b508500aa", instance={"name": "cache"})
        cloud.schedule("9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1e", instance={"name": "sessions-cache"})
        cloud.schedule("9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c10", instance={"name": "cache-2"})
        cloud.schedule("9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1f", instance={"project_id": projects[1]["id"]})
        yield cloud


def test_examples_of_the_documentation(example_cloud: Simulator) -> None:
    plays = yaml.safe_load(yaml.safe_load((FILES / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["examples"])
    run = run_playbook(plays, environment=example_cloud.environment())
    assert run.code == 0, run.output
    assert [counts(fact) for fact in results(run)] == [{"cancelled": 2}, {"cancelled": 1}, {"cancelled": 1}, {"cancelled": 1}]
    assert "1 cancelled, 0 too late, 0 failed." in run.output


def test_commands_of_the_readme(example_cloud: Simulator) -> None:
    block = re.findall(r"```console\n(.*?)```", (FILES / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    commands = [shlex.split(line.removeprefix("$ ")) for line in block.splitlines()]
    assert [command[0] for command in commands] == ["ansible-playbook"] * len(commands)
    *runs, listed = [run_playbook(*command[1:], environment=example_cloud.environment()) for command in commands]
    assert [(run.code, counts(result(run))) for run in runs] == [(0, {"cancelled": 2}), (0, {"cancelled": 2})]
    assert listed.code == 0 and "sessions-cache" in listed.output
    assert len(example_cloud.effective_cancels()) == 2, "the second one only predicts"
