# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs playbooks and measures their time and memory."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playbook import USAGE, ansible_environment

HERE = Path(__file__).resolve().parent


class Cost(NamedTuple):
    """Time and memory of a run of ansible-playbook.

    :ivar seconds: by the wall clock
    :ivar cpu: seconds of all its processes
    :ivar memory: KiB that a module's process had resident at most; 0 if no module ran
    """

    seconds: float
    cpu: float
    memory: int


class Figure(NamedTuple):
    """A measured figure: its median and its spread."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(statistics.median(values), min(values), max(values))


def run(tasks: Sequence[Mapping[str, Any]], environment: Mapping[str, str], python: str) -> Cost:
    """Run tasks on localhost, and fail if one fails.

    :param python: what runs the modules
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        playbook = folder / "playbook.yml"
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": list(tasks)}]), encoding="utf-8")
        variables = ansible_environment(folder, environment)
        # Byte code is cached, as on a real host.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        variables.update(
            ANSIBLE_PYTHON_INTERPRETER=python, ANSIBLE_LIBRARY=str(HERE / "library"), ANSIBLE_STDOUT_CALLBACK="minimal", PYTHONPATH=str(USAGE),
            PEAK_FILE=str(folder / "peak"),
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        with (folder / "output").open("w+", encoding="utf-8") as output:
            code = subprocess.run(
                ["ansible-playbook", str(playbook)], env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
            ).returncode
            seconds = time.monotonic() - began
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if code:
                output.seek(0)
                sys.exit(f"a benchmark's playbook failed:\n{output.read()[-3000:]}")
        peak = folder / "peak"
        memory = max(map(int, peak.read_text(encoding="ascii").split())) if peak.exists() else 0
        return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, memory)


def payload(tasks: Sequence[Mapping[str, Any]], environment: Mapping[str, str], python: str) -> int:
    """Bytes of the files that Ansible ships to run the modules of tasks."""
    with tempfile.TemporaryDirectory(prefix="payload-") as folder:
        run(tasks, {**environment, "ANSIBLE_KEEP_REMOTE_FILES": "true", "ANSIBLE_REMOTE_TEMP": folder}, python)
        return sum(os.path.getsize(shipped) for shipped in Path(folder).rglob("AnsiballZ_*.py"))
