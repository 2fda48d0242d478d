# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the README and the guides is valid, and all that can be run here are run: in check mode, for real, and once more."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from loopback import answering, serve
from playbook import ROOT, Run, run_ad_hoc, run_playbook
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))]
#: By the suffix of the page: how a block begins, and a complete block.
BEGINNINGS = {".md": re.compile(r"^```\w", re.MULTILINE), ".rst": re.compile(r"\.\. code-block::")}
BLOCKS = {
    ".md": re.compile(r"^```(?P<language>\S+)\n(?P<options>)(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL),
    ".rst": re.compile(
        r"^(?P<indent> *)\.\. code-block:: (?P<language>\S+)\n(?P<options>(?:(?P=indent)   +:.*\n)*)\n(?P<text>(?:(?:(?P=indent) +.*)?\n)+)", re.MULTILINE
    ),
}
PROJECTS = [
    {"id": f"{number}123456789abcdef0123456789abcdef", "name": name} for number, name in enumerate(("cn-north-4", "cn-north-4_caches", "cn-east-3"))
]
INSTANCES = ("5560df16-cebf-4473-95c4-d1b573c16e79", "9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d")
#: The instance in the README.
TASK = "8abf6e1e72c12e7c0172c15b508500aa"
ACCOUNT = DEFAULT_ACCOUNTS[0]
#: The variables that the examples expect.
VARIABLES = {
    "resizes": [{"instance_id": instance} for instance in INSTANCES],
    "resize_cancel_summary": {"cancelled": 2, "absent": 0, "too_late": 0, "failed": 0, "not_attempted": 0, "failed_instance_ids": []},
    "vault_access_key": ACCOUNT.access_key,
    "vault_secret_key": ACCOUNT.secret_key,
}
#: Plays that need the results of another play or command have their own tests.
RESCHEDULE = "Schedule the cancelled resizes again"
LIST = "List the pending resizes for approval"
CANCEL_APPROVED = "Cancel the approved resizes"
SHOW_CANCELLED = "Show what was cancelled"


class Example(NamedTuple):
    """A block of a page."""

    page: str
    line: int
    language: str
    text: str
    caption: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples(*languages: str) -> list[Example]:
    """The blocks of all pages in these languages; without any, in all languages."""
    found = []
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for block in BLOCKS[page.suffix].finditer(content):
            # GitHub has no name for YAML with templates.
            language = "yaml+jinja" if page.suffix == ".md" and block["language"] == "yaml" else block["language"]
            caption = re.search(r":caption: (.+)", block["options"])
            if not languages or language in languages:
                line = content.count("\n", 0, block.start()) + 1
                found.append(Example(page.stem, line, language, textwrap.dedent(block["text"]), caption and caption[1]))
    return found


def is_playbook(example: Example) -> bool:
    """Whether the block is a list of plays or tasks, and not another kind of file."""
    content = yaml.safe_load(example.text)
    return isinstance(content, list) and all("name" in entry for entry in content)


def play(name: str) -> list[dict[str, Any]]:
    """The only play with this name in the guides."""
    [found] = [
        plays for example in examples("yaml+jinja") if is_playbook(example) for plays in [yaml.safe_load(example.text)] if plays[0]["name"] == name
    ]
    return list(found)


def runs_by_itself(example: Example) -> bool:
    return is_playbook(example) and yaml.safe_load(example.text)[0]["name"] not in (RESCHEDULE, LIST, CANCEL_APPROVED, SHOW_CANCELLED)


def commands() -> list[Any]:
    """The command lines that need neither the reader's own files nor other services, each once."""
    lines: dict[str, Example] = {}
    for example in examples("bash"):
        for line in example.text.replace("\\\n", "").splitlines():
            lines.setdefault(" ".join(line.split()), example)
    return [
        pytest.param(shlex.split(line), id=f"{example}-{number}")
        for number, (line, example) in enumerate(lines.items())
        if line.startswith(("ansible localhost ", "ansible-playbook huaweicloud.dcs.cancel_resizes", "ansible-playbook huaweicloud.dcs.list_resizes"))
    ]


def run_command(command: list[str], environment: dict[str, str], folder: Path) -> Run:
    """Run a command line of a page in a folder with the files that readers are told to save."""
    program, target, *arguments = command
    for example in examples("yaml"):
        if example.caption in arguments:
            file = folder / example.caption
            file.write_text(example.text, encoding="utf-8")
            arguments[arguments.index(example.caption)] = str(file)
    arguments = [re.sub(r"^(resize_cancel_record=)", rf"\1{folder}/", argument) for argument in arguments]
    if program == "ansible":
        assert arguments[0] == "-m"
        assert arguments[2] == "-a"
        return run_ad_hoc(arguments[1], arguments[3], *arguments[4:], environment=environment)
    return run_playbook(target, *arguments, environment=environment)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator({"projects": PROJECTS}) as running:
        yield running


@pytest.fixture
def environment(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    """A cloud with a pending resize on each instance, and a home directory with the profiles of the guides."""
    simulator.reset()
    for instance, task in zip(INSTANCES, (TASK, None)):
        simulator.schedule(instance, task_id=task)
    keys = {"accessKeyId": ACCOUNT.access_key, "secretAccessKey": ACCOUNT.secret_key}
    profiles = [{"name": name, "mode": "AKSK", **keys} for name in ("production", "other-account")]
    file = tmp_path / ".hcloud" / "config.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"profiles": profiles}), encoding="utf-8")
    return {**simulator.environment(), "HW_PROJECT_ID": "", "HOME": str(tmp_path)}


def pending(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """The details of the resizes that are pending, by instance."""
    return {
        instance_id: task["details"]
        for instance_id, instance in simulator.state()["instances"].items() for task in instance["tasks"].values() if task["listed_status"] == "WAITING"
    }


def test_blocks_are_found() -> None:
    """A block that the pattern does not match would not be tested."""
    for page in PAGES:
        assert len(BEGINNINGS[page.suffix].findall(page.read_text(encoding="utf-8"))) == sum(example.page == page.stem for example in examples())


@pytest.mark.parametrize("example", examples("yaml", "yaml+jinja", "json", "ini"), ids=str)
def test_an_example_is_valid(example: Example) -> None:
    parsers = {"json": json.loads, "ini": lambda text: configparser.ConfigParser(interpolation=None, allow_no_value=True).read_string(text)}
    parsers.get(example.language, yaml.safe_load)(example.text)


@pytest.mark.parametrize("example", [example for example in examples("yaml+jinja") if runs_by_itself(example)], ids=str)
def test_a_playbook_runs(example: Example, simulator: Simulator, environment: dict[str, str]) -> None:
    """It cancels in the first run, and changes nothing in the second."""
    content = yaml.safe_load(example.text)
    with serve(answering(({}, 200, {}))) as webhook:
        # In check mode if the command could affect more than the API.
        runs = [
            run_playbook(content, *arguments, environment=environment, extra_vars={**VARIABLES, "webhook_url": webhook.url})
            for arguments in ([["--check"]] if "webhook_url" in example.text else []) + [[], []]
        ]
    for run in runs:
        assert run.code == 0, run.output
    first, second = runs[-2:]
    assert first.stats["localhost"]["changed"] == runs[0].stats["localhost"]["changed"]
    assert second.stats["localhost"]["changed"] == 0
    if "dcs_resize_cancel" in example.text:
        assert simulator.effective_cancels()
    # Nothing is sent in check mode.
    assert len(webhook.requests) == (2 if "webhook_url" in example.text else 0)


#: Variables of a play take precedence over those of an inventory, unlike keywords.
LOCAL = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def test_plays_run_locally_whatever_the_inventory_says() -> None:
    plays = {str(example): content for example in examples("yaml+jinja") if is_playbook(example) for content in yaml.safe_load(example.text)}
    calling = {name: content for name, content in plays.items() if "hosts" in content and "huaweicloud.dcs" in json.dumps(content)}
    assert len(calling) >= 5
    assert {name for name, content in calling.items() if not LOCAL.items() <= content["vars"].items()} == set()


def test_a_play_runs_with_an_inventory_that_lists_localhost(environment: dict[str, str], tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        "localhost ansible_connection=ssh ansible_become=true ansible_become_method=sudo ansible_python_interpreter=/nowhere/python3\n", encoding="utf-8"
    )
    content = next(yaml.safe_load(example.text) for example in examples("yaml+jinja") if example.page == "README" and is_playbook(example))
    run = run_playbook(content, "--inventory", str(inventory), environment=environment)
    assert run.code == 0, run.output


@pytest.mark.parametrize("command", commands())
def test_a_command_runs(command: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    run = run_command(command, environment, tmp_path)
    assert run.code == 0, run.output


def test_only_what_was_approved_is_cancelled(simulator: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "approved.json"
    listing = run_playbook(play(LIST), environment=environment, extra_vars={"approval_file": str(file)})
    assert listing.code == 0, listing.output
    resizes = json.loads(file.read_text(encoding="utf-8"))
    assert [resize["instance_id"] for resize in resizes] == list(INSTANCES)
    file.write_text(json.dumps(resizes[:1]), encoding="utf-8")
    # Scheduled after the approval, on an approved instance.
    simulator.cancel(INSTANCES[0])
    simulator.schedule(INSTANCES[0])
    record = tmp_path / "record.json"
    cancelling = run_playbook(play(CANCEL_APPROVED), environment=environment, extra_vars={"approval_file": str(file), "resize_cancel_record": str(record)})
    assert cancelling.code == 0, cancelling.output
    assert set(pending(simulator)) == set(INSTANCES)
    assert [(row["instance_id"], row["outcome"]) for row in json.loads(record.read_text(encoding="utf-8"))] == [(INSTANCES[0], "absent")]


def test_each_host_has_an_approval_of_its_own(simulator: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """With the changes for several hosts according to the guide, and its inventory."""
    caches = simulator.schedule(instance={"project_id": PROJECTS[1]["id"]})["instance_id"]
    text = {example.caption: example.text for example in examples("yaml", "yaml+jinja") if example.caption}
    inventory = tmp_path / "freeze-hosts.yml"
    inventory.write_text(text["freeze-hosts.yml"], encoding="utf-8")
    connection = yaml.safe_load(text["Connection of the module in the first playbook"])
    variables = {name: f"{tmp_path}/{file}" for name, file in {
        "approval_file": "pending-{{ inventory_hostname }}.json", "resize_cancel_record": "{{ inventory_hostname }}.json",
    }.items()}
    # Here, the other account of the inventory has the same project.
    arguments = ("--inventory", str(inventory), "--limit", "!other-account")
    for name, more in ((LIST, connection), (CANCEL_APPROVED, {})):
        [content] = play(name)
        run = run_playbook([{**content, "hosts": "freeze", **more}], *arguments, environment=environment, extra_vars=variables)
        assert run.code == 0, run.output
        if name == LIST:
            # The approver leaves one out.
            beijing = tmp_path / "pending-beijing.json"
            approved = [row for row in json.loads(beijing.read_text(encoding="utf-8")) if row["instance_id"] != INSTANCES[1]]
            beijing.write_text(json.dumps(approved), encoding="utf-8")
    assert {cancel["instance_id"] for cancel in simulator.effective_cancels()} == {INSTANCES[0], caches}


def test_what_was_cancelled_is_scheduled_again(simulator: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """With the record that the command of the guide has written, but not if that would place an order, change replicas, or change anything else."""
    yearly, replicas, changed = (simulator.add_instance(charging_mode=mode) for mode in (1, 0, 0))
    simulator.schedule(yearly)
    simulator.schedule(changed)
    simulator.schedule(replicas, details={**pending(simulator)[INSTANCES[0]], "old_replica_num": 2, "new_replica_num": 3})
    before = pending(simulator)
    [command] = [entry.values[0] for entry in commands() if "guide_after_the_freeze" in str(entry.id) and "resize_cancel_record" in str(entry.values)]
    cancelling = run_command(command, environment, tmp_path)
    assert cancelling.code == 0, cancelling.output
    assert pending(simulator) == {}
    simulator.add_instance(changed, spec_code="redis.ha.xu1.large.r4.2")

    variables = {
        "record_file": str(tmp_path / "freeze-2026-06-17.json"),
        "dcs_endpoint": simulator.endpoint,
        "project_id": PROJECTS[0]["id"],
        "iam_token": ACCOUNT.token,
    }
    shown = run_playbook(play(SHOW_CANCELLED), environment=environment, extra_vars=variables)
    assert shown.code == 0, shown.output
    assert all(instance in shown.output for instance in before)
    # A record file of the role also contains what was not cancelled, so it is not accepted as the record of an AWX job.
    mistaken = run_playbook(play(RESCHEDULE), "-e", "artifact=true", environment=environment, extra_vars=variables)
    assert (mistaken.code, pending(simulator)) == (2, {}), mistaken.output

    check, first, second = (
        run_playbook(play(RESCHEDULE), *arguments, environment=environment, extra_vars=variables) for arguments in (("--check",), (), ())
    )
    for run in (check, first, second):
        assert run.code == 0, run.output
    assert pending(simulator) == {instance: before[instance] for instance in INSTANCES}
    assert len(simulator.requests(kind="resize")) == len(INSTANCES)
    assert second.stats["localhost"]["changed"] == 0
    # Check mode predicts it, and a second run does not refer anyone to the console for a resize that is now pending.
    for run in (check, first, second):
        [left] = [result["result"]["msg"] for result in run.results if result["task"] == "List the resizes to schedule in the console"]
        assert set(left.split(", ")) == {yearly, replicas, changed}, run.output


def test_what_a_job_of_awx_cancelled_is_scheduled_again(simulator: Simulator, environment: dict[str, str], tmp_path: Path) -> None:
    """With the record of its artifact, which has no outcomes. It is refused if it is given as a record file of the role."""
    before = pending(simulator)
    cancelling = run_playbook("huaweicloud.dcs.cancel_resizes", "-e", "resize_cancel_all_pending=true", environment=environment)
    assert cancelling.code == 0, cancelling.output
    file = tmp_path / "record.json"
    artifact = cancelling.result("huaweicloud.dcs.resize_cancel : Publish the summary")["ansible_stats"]["data"]["resize_cancel_summary"]
    file.write_text(json.dumps(artifact["record"]), encoding="utf-8")
    variables = {"record_file": str(file), "dcs_endpoint": simulator.endpoint, "project_id": PROJECTS[0]["id"], "iam_token": ACCOUNT.token}
    refused = run_playbook(play(RESCHEDULE), environment=environment, extra_vars=variables)
    assert (refused.code, pending(simulator)) == (2, {}), refused.output
    assert "contains no cancelled resize. Nothing was scheduled." in refused.output
    for name in (SHOW_CANCELLED, RESCHEDULE):
        run = run_playbook(play(name), "-e", "artifact=true", environment=environment, extra_vars=variables)
        assert run.code == 0, run.output
        assert all(instance in run.output for instance in before)
    assert set(pending(simulator)) == set(before)


def test_the_example_of_the_simulator_runs() -> None:
    """The example in its README, with a playbook at the place where one is to be run."""
    [code] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "tests" / "simulator" / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    def run(cloud: Simulator) -> None:
        cancelling = run_playbook([{"huaweicloud.dcs.dcs_resize_cancel": {"instance_id": INSTANCES[0]}}], environment=cloud.environment())
        assert cancelling.code == 0, cancelling.output

    assert code.count("    ...") == 1
    exec(code.replace("    ...", "    run(cloud)"), {"run": run})
