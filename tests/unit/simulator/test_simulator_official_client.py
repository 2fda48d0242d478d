# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The official client works with the simulator without modification."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from official_caller import INSTANCE
from simulator.client import Simulator
from surroundings import bare_environment


@pytest.fixture
def run(cloud: Simulator, tmp_path: pathlib.Path) -> Any:
    """Runs the official client with a home directory of its own."""
    cloud.add_instance(INSTANCE, name="cache-1", tags={"env": "prod"}, enterprise_project_id="f0d5c8a1-0000-4000-8000-000000000001")
    cloud.add_instance(name="other")
    account = cloud.environment()

    def run_client(**changes: str) -> Any:
        words = {**account, **changes}
        program = pathlib.Path(__file__).with_name("official_client.py")
        arguments = [cloud.endpoint, words["HW_ACCESS_KEY"], words["HW_SECRET_KEY"], words["HW_PROJECT_ID"], INSTANCE]
        result = subprocess.run(
            [sys.executable, str(program), *arguments], env=bare_environment(tmp_path), cwd=tmp_path,
            capture_output=True, text=True, timeout=60, check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run_client


def test_it_schedules_lists_and_shows(run: Any, cloud: Simulator) -> None:
    result = run()
    assert result["resized"] == 204
    assert result["tasks"]["task_count"] in (1, "1")
    (task,) = result["tasks"]["tasks"]
    assert (task["name"], task["status"]) == ("EXTEND", "WAITING")
    assert (task["details"]["old_capacity"], task["details"]["new_capacity"]) == ("2", "8")
    assert result["shown"]["instance_id"] == INSTANCE
    assert result["shown"]["capacity"] == 2
    assert [instance["name"] for instance in result["listed"]["instances"]] == ["cache-1"]
    for instance in (result["shown"], *result["listed"]["instances"]):
        assert instance["tags"] == [{"key": "env", "value": "prod"}]
        assert instance["enterprise_project_id"] == "f0d5c8a1-0000-4000-8000-000000000001"
    assert [(request["kind"], request["status"]) for request in cloud.requests()] == [("resize", 204), ("tasks", 200), ("instance", 200), ("instances", 200)]


def test_a_wrong_key_is_refused(run: Any, cloud: Simulator) -> None:
    result = run(HW_SECRET_KEY="not the secret key")
    assert (result["status"], result["code"]) == (401, "APIGW.0301")
    assert cloud.environment()["HW_ACCESS_KEY"] in result["message"]
    assert result["request_id"] == cloud.requests()[0]["request_id"]
