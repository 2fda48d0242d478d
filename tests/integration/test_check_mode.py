# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The criteria for every module: check mode, a run, check mode again, a second run. And the examples of its documentation are run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from playbook import diff_of_ids, run_ad_hoc, run_playbook
from sample import INSTANCE, TASK
from simulator.client import Simulator

MODULES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "plugins" / "modules").glob("[!_]*.py"))
OTHER = "9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d"

#: For each module, arguments with which it has work to do, and whether that makes changes.
SCENARIOS: dict[str, list[tuple[dict[str, Any], bool]]] = {
    "dcs_resize_cancel": [
        ({"instance_id": INSTANCE, "task_id": TASK}, True),
        ({"instance_id": INSTANCE}, True),
        ({"resizes": [{"instance_id": INSTANCE}, {"instance_id": OTHER}], "wait": True}, True),
    ],
    "dcs_resize_info": [({}, False), ({"instance_ids": [INSTANCE, OTHER], "status": []}, False)],
}


def schedule(cloud: Simulator) -> None:
    """Create the instances of the examples, each with a pending resize."""
    cloud.reset()
    cloud.schedule(INSTANCE, task_id=TASK)
    cloud.schedule(OTHER)


def test_every_module_has_a_scenario() -> None:
    assert sorted(SCENARIOS) == MODULES


@pytest.mark.parametrize(
    ("module", "arguments", "changes"), [(module, arguments, changes) for module, scenarios in SCENARIOS.items() for arguments, changes in scenarios]
)
def test_criteria(cloud: Simulator, module: str, arguments: dict[str, Any], changes: bool) -> None:
    schedule(cloud)
    rounds = [("in check mode", True, changes), ("done", False, changes), ("in check mode again", True, False), ("done again", False, False)]
    playbook = [{"name": name, f"huaweicloud.dcs.{module}": arguments, "check_mode": check, "diff": True} for name, check, _changed in rounds]
    run = run_playbook(playbook, environment=cloud.environment())
    assert run.code == 0, run.output
    results = {name: run.result(name) for name, _check, _changed in rounds}
    assert [results[name]["changed"] for name, _check, _changed in rounds] == [changed for _name, _check, changed in rounds]
    for earlier, later in (("in check mode", "done"), ("in check mode again", "done again")):
        # Only the data in the response to the cancel can't be known before.
        told = [
            {**results[name], "resizes": [{**resize, "request_id": None, "task": None} for resize in results[name]["resizes"]]} for name in (earlier, later)
        ]
        assert diff_of_ids(told[0]) == diff_of_ids(told[1])
        assert told[0]["resizes"] == told[1]["resizes"]
    kinds = [request["kind"] for request in cloud.requests()]
    assert len(cloud.effective_cancels()) == (len(arguments.get("resizes", [arguments])) if changes else 0)
    assert ("cancel" in kinds) == changes


# ---- Examples


def configuration(cloud: Simulator, folder: Path) -> dict[str, str]:
    """What the examples presuppose: variables, a profile, and the endpoints of the simulator."""
    environment = cloud.environment()
    profile = {"name": "production", "mode": "AKSK", "accessKeyId": environment["HW_ACCESS_KEY"], "secretAccessKey": environment["HW_SECRET_KEY"]}
    file = folder / "config.json"
    file.write_text(json.dumps({"current": "production", "profiles": [profile]}), encoding="utf-8")
    return {**environment, "HW_SHARED_CONFIG_FILE": str(file)}


def examples(text: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("number", range(len(examples(dcs_resize_cancel.EXAMPLES))))
def test_examples_of_cancel(cloud: Simulator, tmp_path: Path, number: int) -> None:
    schedule(cloud)
    example = examples(dcs_resize_cancel.EXAMPLES)[number]
    environment = configuration(cloud, tmp_path)
    keys = {"my_access_key": environment["HW_ACCESS_KEY"], "my_secret_key": environment["HW_SECRET_KEY"]}
    if "access_key" in str(example) or "profile" in str(example):
        del environment["HW_ACCESS_KEY"], environment["HW_SECRET_KEY"]
    run = run_playbook([example], extra_vars=keys, environment=environment)
    assert run.code == 0, run.output
    assert run.stats["localhost"]["changed"] == 1
    assert len(cloud.effective_cancels()) == (2 if "block" in example else 1)


def test_the_ad_hoc_example(cloud: Simulator) -> None:
    schedule(cloud)
    (command,) = re.findall(r"^# (ansible localhost .*)$", dcs_resize_cancel.EXAMPLES, re.MULTILINE)
    program, host, *options = shlex.split(command)
    assert (program, host, options[0], options[2]) == ("ansible", "localhost", "-m", "-a")
    run = run_ad_hoc(options[1], options[3], environment=cloud.environment())
    assert (run.code, run.stats["localhost"]["changed"]) == (0, 1)


def test_examples_of_info(cloud: Simulator) -> None:
    schedule(cloud)
    run = run_playbook(examples(dcs_resize_info.EXAMPLES), environment=cloud.environment())
    assert run.code == 0, run.output
    assert run.stats["localhost"]["changed"] == 0
    assert run.output.count("2.0 GB to 4.0 GB, not before 2") == 2
