# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The peak memory of a module's process for 2,000 resizes in one task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playbook import USAGE, run_playbook
from simulator.client import Simulator

MOST = 64
COUNT = 2000


def megabytes(cloud: Simulator, folder: Path, module: str, arguments: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The peak memory of a task's only module process in MiB, and the result of the task."""
    peak = folder / "peak"
    environment = {**cloud.environment(), "PYTHONPATH": str(USAGE), "PEAK_FILE": str(peak)}
    run = run_playbook([{"name": "Task", f"huaweicloud.dcs.{module}": arguments}], environment=environment)
    assert run.code == 0, run.output[-2000:]
    (figure,) = peak.read_text(encoding="ascii").split()
    return int(figure) / 1024, run.result("Task")


def test_cancelling(cloud: Simulator, tmp_path: Path, record_property: Any) -> None:
    """Half of them with their task ID, and half without."""
    resizes = cloud.schedule_many(COUNT)
    entries = [resize if number % 2 else {"instance_id": resize["instance_id"]} for number, resize in enumerate(resizes)]
    peak, result = megabytes(cloud, tmp_path, "dcs_resize_cancel", {"resizes": entries, "concurrency": 64})
    assert [resize["task_id"] for resize in result["resizes"]] == [resize["task_id"] for resize in resizes]
    assert {resize["outcome"] for resize in result["resizes"]} == {"cancelled"}
    assert len(cloud.effective_cancels()) == COUNT
    record_property("peak_mebibytes", peak)
    print(json.dumps({"module": "dcs_resize_cancel", "resizes": COUNT, "MiB": peak}))
    assert peak <= MOST


def test_listing(cloud: Simulator, tmp_path: Path, record_property: Any) -> None:
    cloud.schedule_many(COUNT)
    peak, result = megabytes(cloud, tmp_path, "dcs_resize_info", {"concurrency": 64})
    assert len(result["resizes"]) == COUNT
    record_property("peak_mebibytes", peak)
    print(json.dumps({"module": "dcs_resize_info", "resizes": COUNT, "MiB": peak}))
    assert peak <= MOST
