# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gates are the same in .ci/run, in the workflow, and as targets of make, whose recipes are independent of the user's environment."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def gates_of_the_workflow() -> set[str]:
    """The targets of make that the jobs of the workflow run."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    gates: set[str] = set()
    for job in jobs.values():
        if "strategy" not in job:
            continue
        [(variable, values)] = job["strategy"]["matrix"].items()
        commands = [step["run"].removeprefix("make ") for step in job["steps"] if step.get("run", "").startswith("make ")]
        assert commands
        gates |= {command.replace(f"${{{{ matrix.{variable} }}}}", value) for command in commands for value in values}
    return gates


def gates_of_ci_run() -> set[str]:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    [listed] = re.findall(r"^gates=\(([^)]*)\)", script, re.MULTILINE)
    return set(listed.split())


def test_the_workflow_checks_what_ci_run_checks() -> None:
    assert gates_of_ci_run() >= {"test", "lint", "awx"}
    assert gates_of_ci_run() - gates_of_the_workflow() == set()


def test_each_gate_is_a_target() -> None:
    for gate in sorted(gates_of_the_workflow() | gates_of_ci_run()):
        run = subprocess.run(["make", "--dry-run", "--no-print-directory", gate], cwd=ROOT, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        assert f"-s {gate} " in run.stdout


def test_recipes_are_independent_of_the_users_environment() -> None:
    """Of a git hook, a locale that is not generated, pip settings that do not work in a virtual environment, and settings of other programs."""
    hook = {"GIT_DIR": "/elsewhere/.git", "GIT_INDEX_FILE": "/elsewhere/index", "GIT_WORK_TREE": "/elsewhere", "GIT_CONFIG_COUNT": "7"}
    others = dict.fromkeys(("ANSIBLE_CONFIG", "NOXPYTHON", "PIP_TARGET", "PYTEST_ADDOPTS", "PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV"), "1")
    surroundings = {**os.environ, **hook, **others, "LANG": "xx_XX.UTF-8", "LC_ALL": "xx_XX.UTF-8", "PIP_USER": "1"}
    command = ["make", "--no-print-directory", "--eval=show: ; @env; git config --get-all safe.directory", "show"]
    shown = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True).stdout.splitlines()
    variables = dict(line.split("=", 1) for line in shown if "=" in line)
    assert [name for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", *others) if name in variables] == []
    assert (variables["LC_ALL"], variables["PIP_USER"], variables["PYTHONPYCACHEPREFIX"]) == ("C.UTF-8", "0", str(ROOT / ".build" / "cache" / "pycache"))
    assert str(ROOT) in shown


def test_what_touches_ansible_core_is_tested_on_each_version() -> None:
    """A unit test that does not use ansible-core has the same result on each version."""
    session = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    [listed] = re.findall(r"^CORE_TESTS = \((.*?)^\)", session, re.MULTILINE | re.DOTALL)
    listed = re.findall(r'"([^"]+)"', listed)
    assert [path for path in listed if not (ROOT / path).exists()] == []
    touching = re.compile(r"^(?:from|import) (?:ansible[. ]|module_runner|playbook)", re.MULTILINE)
    files = [path for path in (ROOT / "tests" / "unit").rglob("test_*.py") if touching.search(path.read_text(encoding="utf-8"))]
    untested = [str(path.relative_to(ROOT)) for path in files if not any(path.is_relative_to(ROOT / name) for name in listed)]
    assert untested == []
