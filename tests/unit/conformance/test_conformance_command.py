# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The suite as a user runs it against the cloud: it refuses, or tells what it does, and leaves nothing behind when it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conformance.run import CONSENT, NEW_CAPACITY, NEW_SPEC_CODE
from conformance.simulated import INSTANCE, furnish
from simulator.client import Simulator
from surroundings import bare_environment

ROOT = Path(__file__).resolve().parents[3]


def start(environment: dict[str, str], home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the suite as against the cloud, with nothing from the surroundings."""
    command = [sys.executable, "-m", "pytest", "tests/conformance", "--cloud", *arguments]
    # A file, unlike a pipe, takes any amount of output before it is read.
    with (home / "output").open("wb") as output:
        return subprocess.Popen(
            command, cwd=ROOT, env={**bare_environment(home), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )


def end(process: subprocess.Popen[bytes], home: Path) -> tuple[int, str]:
    """Wait for its end: exit code and output."""
    return process.wait(120), (home / "output").read_text(encoding="utf-8")


def run(environment: dict[str, str], home: Path, *arguments: str) -> tuple[int, str]:
    """Run it to its end: exit code and output."""
    return end(start(environment, home, *arguments), home)


def states(cloud: Simulator) -> list[str]:
    """What became of the resizes that were scheduled on the instance."""
    return [task["state"] for task in cloud.state()["instances"][INSTANCE]["tasks"].values() if task["details"]]


def test_a_whole_run(cloud: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "sub" / "report.json"
    code, output = run(furnish(cloud), tmp_path, "--conformance-report", str(file))
    assert code == 0, output
    plan, cancelled, table = (output.index(words) for words in ("What this command does on the instance spare", "The resize has been cancelled", "Point  "))
    assert plan < cancelled < table
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["target"] == "cloud"
    assert {row["verdict"] for row in report["points"]} == {"yes"}
    assert states(cloud) == ["cancelled"]


def test_a_run_that_finds_differences_is_red(cloud: Simulator, tmp_path: Path) -> None:
    environment = furnish(cloud)
    cloud.configure(task_name="ResizeInstance", request_id_header=False)
    code, output = run(environment, tmp_path)
    assert code == 1
    assert "2 failed" in output
    assert "This affects RESIZE_NAMES in plugins/module_utils/_resize.py" in output
    assert "This affects Http._parse_response in plugins/module_utils/_http.py" in output
    assert states(cloud) == ["cancelled"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({CONSENT: ""}, f"to perform it, set {CONSENT}=yes"),
        ({CONSENT: "no"}, f"to perform it, set {CONSENT}=yes"),
        ({NEW_SPEC_CODE: "", NEW_CAPACITY: ""}, f"Set {NEW_SPEC_CODE}, {NEW_CAPACITY}"),
        ({"HW_ACCESS_KEY": ""}, "Incomplete credentials: HW_SECRET_KEY is set, but HW_ACCESS_KEY is not"),
    ],
    ids=str,
)
def test_it_refuses_what_is_not_asked_for_properly(cloud: Simulator, tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    code, output = run({**furnish(cloud), **changes}, tmp_path)
    assert code == 3
    assert "Nothing was done" in output
    assert reason in " ".join(output.split())
    assert ("What it may cost" in output) is (CONSENT in changes)
    assert {request["method"] for request in cloud.requests()} <= {"GET"}


def test_it_refuses_to_run_in_several_processes(cloud: Simulator, tmp_path: Path) -> None:
    code, output = run(furnish(cloud), tmp_path, "-n", "1")
    assert (code, "omit -n" in output) == (4, True)
    assert cloud.requests() == []


@pytest.mark.parametrize(
    ("kind", "before", "signals"),
    [
        pytest.param("resize", 0, [signal.SIGINT], id="while it schedules"),
        pytest.param("tasks", 2, [signal.SIGINT], id="while it looks for the task"),
        pytest.param("instance", 1, [signal.SIGINT], id="while the resize waits"),
        pytest.param("cancel", 0, [signal.SIGINT], id="at a wrong cancel"),
        pytest.param("cancel", 2, [signal.SIGINT], id="at the cancel"),
        pytest.param("cancel", 3, [signal.SIGINT], id="at the second cancel"),
        pytest.param("instance", 1, [signal.SIGTERM], id="SIGTERM"),
        pytest.param("resize", 0, [signal.SIGHUP], id="SIGHUP"),
        pytest.param("instance", 1, [signal.SIGINT, signal.SIGINT, signal.SIGTERM], id="an impatient user"),
    ],
)
def test_an_interrupt_leaves_no_resize_waiting(cloud: Simulator, tmp_path: Path, kind: str, before: int, signals: list[signal.Signals]) -> None:
    environment = furnish(cloud)
    cloud.clear_faults()
    # The request takes effect, and its answer takes longer than anybody waits.
    cloud.fault(*[{"fault": "normal", "times": before}] * bool(before), {"fault": "delay", "milliseconds": 60_000}, kind=kind, instance_id=INSTANCE)
    process = start(environment, tmp_path)
    while process.poll() is None and not any(request["fault"] == "delay" for request in cloud.requests()):
        time.sleep(0.05)
    for number in signals:
        process.send_signal(number)
    code, output = end(process, tmp_path)
    assert code == 2, output
    assert "no resize that this run has scheduled is still pending" in output
    assert states(cloud) == ["cancelled"]
    assert len(cloud.effective_cancels()) == 1
