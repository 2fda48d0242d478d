# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs real playbooks and ad hoc commands, and returns the results of their tasks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from surroundings import is_foreign

ROOT = Path(__file__).resolve().parent.parent
#: If it is in PYTHONPATH, modules record how much memory they used.
USAGE = ROOT / "tests" / "usage"


class Run(NamedTuple):
    """The result of a run of Ansible.

    :ivar results: one per task that ended: task, action, host, status (ok, failed, skipped, unreachable), ignored, result
    :ivar stats: by host, as in the recap
    """

    code: int
    output: str
    results: list[dict[str, Any]]
    stats: dict[str, dict[str, int]]

    def result(self, task: str) -> dict[str, Any]:
        """The result of the only task with this name."""
        return dict(self._entry(task)["result"])

    def failed(self, task: str) -> bool:
        """Whether the only task with this name failed."""
        return bool(self._entry(task)["status"] == "failed")

    def warnings(self, task: str) -> list[str]:
        """The texts of its warnings, which newer versions of ansible-core wrap."""
        return [warning if isinstance(warning, str) else warning["event"]["msg"] for warning in self.result(task).get("warnings", [])]

    def _entry(self, task: str) -> dict[str, Any]:
        (found,) = [result for result in self.results if result["task"] == task]
        return found


def run_playbook(
    playbook: str | Path | Sequence[Mapping[str, Any]],
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    extra_vars: Mapping[str, Any] | None = None,
) -> Run:
    """Run a playbook on localhost.

    :param playbook: its file or full name, or its content: tasks (for localhost) or plays
    :param arguments: further arguments, such as `--check`
    :param environment: further environment variables; inherited settings of Huawei Cloud and Ansible are ignored
    """
    with tempfile.TemporaryDirectory(prefix="playbook-") as folder:
        if not isinstance(playbook, (str, Path)):
            plays = list(playbook)
            if not any("hosts" in play or "ansible.builtin.import_playbook" in play for play in plays):
                plays = [{"hosts": "localhost", "gather_facts": False, "tasks": plays}]
            playbook = Path(folder, "playbook.yml")
            playbook.write_text(json.dumps(plays), encoding="utf-8")
        command = ["ansible-playbook", str(playbook), *_extra_vars(extra_vars), *arguments]
        return _run(command, Path(folder), environment or {})


def run_ad_hoc(module: str, module_arguments: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run one module on localhost with `ansible`."""
    with tempfile.TemporaryDirectory(prefix="ad-hoc-") as folder:
        command = ["ansible", "localhost", "-m", module, "-a", module_arguments, *arguments]
        return _run(command, Path(folder), environment or {})


def diff_of_ids(result: Mapping[str, Any]) -> dict[str, str]:
    """The diff without specifications: unlike check mode, a cancel with a task ID reads no list and does not know them."""
    return {side: re.sub(r" from \S+ to \S+$", "", text, flags=re.MULTILINE) for side, text in result.get("diff", {}).items()}


def collections() -> Path:
    """A folder of collections in which this checkout is `huaweicloud.dcs`, because collections need a specific path."""
    folder = ROOT / ".build" / "collections"
    link = folder / "ansible_collections" / "huaweicloud" / "dcs"
    # If the checkout was copied or moved, an existing link may point to another one.
    if not (link.exists() and link.samefile(ROOT)):
        link.parent.mkdir(parents=True, exist_ok=True)
        # Atomically, because other processes may do the same.
        new = link.with_name(f"dcs-{os.getpid()}")
        new.symlink_to(os.path.relpath(ROOT, link.parent.resolve()), target_is_directory=True)
        new.replace(link)
    return folder


def ansible_environment(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that isolate a run of Ansible from the user's home directory and settings."""
    return {
        **{name: value for name, value in os.environ.items() if not is_foreign(name)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        # Ansible needs a UTF-8 locale. The inherited one may not have been generated; this one is always available.
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PYTHON_INTERPRETER": os.environ.get("DCS_MODULE_PYTHON", sys.executable),
        "ANSIBLE_NOCOLOR": "true",
        **environment,
    }


def _extra_vars(values: Mapping[str, Any] | None) -> list[str]:
    return ["--extra-vars", json.dumps(values)] if values else []


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    record = folder / "record.jsonl"
    variables = {
        **ansible_environment(folder, environment),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "RECORD_FILE": str(record),
    }
    process = subprocess.run(
        command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600
    )
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    records = [json.loads(line) for line in lines]
    stats = next((entry["stats"] for entry in records if "stats" in entry), {})
    return Run(process.returncode, process.stdout, [entry for entry in records if "stats" not in entry], stats)
