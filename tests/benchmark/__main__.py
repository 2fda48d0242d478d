# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the benchmarks. Only ratios within one run are meaningful: machines differ, and are noisy.

    python -m benchmark --module-python PYTHON --results FILE [--rounds N]
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible.release
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator

from .measure import Figure, payload, run
from .report import PAGE, table, update_page

#: Number of jobs of each kind in one play.
TASKS = 15
CONCURRENCY = 16
FLEETS = (1, 10, 100, 500, 2000)
LATENCIES = (20, 100)
#: A loop is measured over this many items and scaled up, because it is linear, and slow.
LOOP = 25


def say(text: str) -> None:
    """Print to standard error what is measured next: the whole run takes several minutes."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def uri(cloud: Simulator, instance_id: str, task_id: str, token: str | None = DEFAULT_ACCOUNTS[0].token) -> dict[str, Any]:
    """The task that users write without a module for this purpose."""
    project = cloud.environment()["HW_PROJECT_ID"]
    return {
        "ansible.builtin.uri": {
            "url": f"{cloud.endpoint}/v2/{project}/instances/{instance_id}/resize/cancel/{task_id}",
            "method": "POST",
            "headers": {"X-Auth-Token": token},
            "status_code": [200, 400],
        },
        "register": "answer",
        "changed_when": "answer.status == 200",
        "failed_when": "answer.status not in [200, 400] or (answer.status == 400 and answer.json.error_code != 'DCS.4239')",
    }


def by_hand(cloud: Simulator, instance_id: str, task_id: str) -> list[dict[str, Any]]:
    """The tasks of users who first have to get a token."""
    account = DEFAULT_ACCOUNTS[0]
    identity = {"methods": ["password"], "password": {"user": {"domain": {"name": account.domain}, "name": account.user, "password": account.password}}}
    return [
        {
            "ansible.builtin.uri": {
                "url": f"{cloud.endpoint}/v3/auth/tokens?nocatalog=true",
                "method": "POST",
                "body_format": "json",
                "body": {"auth": {"identity": identity, "scope": {"project": {"id": cloud.environment()["HW_PROJECT_ID"]}}}},
                "status_code": 201,
            },
            "register": "login",
        },
        uri(cloud, instance_id, task_id, token="{{ login.x_subject_token }}"),
    ]


def kinds(cloud: Simulator) -> dict[str, list[list[dict[str, Any]]]]:
    """The jobs to measure at once, by kind: each is a list of tasks, with a resize of its own to cancel."""
    cloud.reset()

    def resizes() -> list[dict[str, str]]:
        return cloud.schedule_many(TASKS)

    return {
        "ping": [[{"ansible.builtin.ping": {}}] for _number in range(TASKS)],
        "uri": [[uri(cloud, **resize)] for resize in resizes()],
        "uri twice": [by_hand(cloud, **resize) for resize in resizes()],
        "dcs_resize_cancel": [[{"huaweicloud.dcs.dcs_resize_cancel": resize}] for resize in resizes()],
        "SDK": [[{"sdk_cancel": resize}] for resize in resizes()],
    }


def python_for(kind: str, module_python: str) -> str:
    """The Python that runs the modules of a kind: the SDK is only installed for this program's own Python."""
    return sys.executable if kind == "SDK" else module_python


def cpu_per_task(cloud: Simulator, module_python: str, rounds: int) -> dict[str, Any]:
    """CPU seconds of one job of each kind, and its ratio to uri's in the same round."""
    seconds: dict[str, list[float]] = {}
    for number in range(rounds):
        say(f"CPU time of a task, round {number + 1} of {rounds}")
        empty = run([], {}, module_python)
        for kind, jobs in kinds(cloud).items():
            cost = run([task for job in jobs for task in job], cloud.environment(), python_for(kind, module_python))
            seconds.setdefault(kind, []).append((cost.cpu - empty.cpu) / TASKS)
    return {
        kind: {"seconds": Figure.of(values)._asdict(), "to uri": Figure.of([own / other for own, other in zip(values, seconds["uri"])])._asdict()}
        for kind, values in seconds.items()
    }


def prepare(cloud: Simulator, latency: int, count: int) -> list[dict[str, str]]:
    """Schedule `count` resizes in a cloud that takes `latency` milliseconds for each response."""
    cloud.reset()
    cloud.configure(latency_ms=latency)
    resizes = cloud.schedule_many(count)
    cloud.clear_requests()
    return resizes


def fleet(cloud: Simulator, module_python: str, latency: int, count: int, rounds: int) -> dict[str, Any]:
    """Many resizes in one task: wall time relative to the minimum that the API's latency allows, memory and requests."""
    to_limit, seconds, per_resize, memory = [], [], [], []
    for number in range(rounds):
        say(f"{count} resizes in one task, {latency} ms for each response, round {number + 1} of {rounds}")
        resizes = prepare(cloud, latency, count)
        empty = run([], {}, module_python)
        cost = run([{"huaweicloud.dcs.dcs_resize_cancel": {"resizes": resizes, "concurrency": CONCURRENCY}}], cloud.environment(), module_python)
        if len(cloud.effective_cancels()) != count:
            sys.exit(f"{count} resizes waited and {len(cloud.effective_cancels())} were cancelled")
        to_limit.append(cost.seconds / (empty.seconds + latency / 1000 * count / CONCURRENCY))
        seconds.append(cost.seconds)
        per_resize.append((cost.seconds - empty.seconds) / count)
        memory.append(cost.memory / 1024)
    figures = {"to limit": to_limit, "seconds": seconds, "per resize": per_resize, "memory": memory}
    return {
        "latency": latency,
        "count": count,
        "requests": len(cloud.requests()),
        **{name: Figure.of(values)._asdict() for name, values in figures.items()},
    }


def loop(cloud: Simulator, module_python: str, latency: int, task: Mapping[str, Any]) -> float:
    """Wall seconds per item of a loop over resizes."""
    say(f"a loop over {LOOP} resizes, {latency} ms for each response: {next(iter(task))}")
    items = prepare(cloud, latency, LOOP)
    empty = run([], {}, module_python)
    cost = run([{**task, "loop": items, "loop_control": {"label": "{{ item.instance_id }}"}}], cloud.environment(), module_python)
    return (cost.seconds - empty.seconds) / LOOP


def listing(cloud: Simulator, module_python: str) -> dict[str, int]:
    """The number of requests to find the pending resizes of a project, by kind."""
    say(f"the pending resizes of a project of {FLEETS[-1]} instances")
    prepare(cloud, 0, FLEETS[-1])
    run([{"huaweicloud.dcs.dcs_resize_info": {"concurrency": CONCURRENCY}}], cloud.environment(), module_python)
    return dict(collections.Counter(request["kind"] for request in cloud.requests()))


def measure_all(cloud: Simulator, module_python: str, rounds: int) -> dict[str, Any]:
    of_item = {"instance_id": "{{ item.instance_id }}", "task_id": "{{ item.task_id }}"}

    def said_by(*arguments: str) -> str:
        return subprocess.run([module_python, *arguments], capture_output=True, text=True, check=True).stdout.strip()

    return {
        "versions": {
            "ansible-core": ansible.release.__version__,
            "Python": said_by("-c", "import platform; print(platform.python_version())"),
            "requests": said_by("-c", "import requests; print(requests.__version__)"),
        },
        "rounds": rounds,
        "tasks": TASKS,
        "concurrency": CONCURRENCY,
        "loop": LOOP,
        "cpu": cpu_per_task(cloud, module_python, rounds),
        "payload": {kind: payload(jobs[0], cloud.environment(), python_for(kind, module_python)) for kind, jobs in kinds(cloud).items()},
        "fleets": [fleet(cloud, module_python, latency, count, min(rounds, 3)) for latency in LATENCIES for count in FLEETS],
        "loops": [
            {
                "latency": latency,
                "uri": loop(cloud, module_python, latency, uri(cloud, **of_item)),
                "dcs_resize_cancel": loop(cloud, module_python, latency, {"huaweicloud.dcs.dcs_resize_cancel": of_item}),
            }
            for latency in LATENCIES
        ],
        "listing": listing(cloud, module_python),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__.splitlines()[0])
    parser.add_argument("--module-python", default=sys.executable, help="runs the modules; best one that has requests and little else")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results.json"))
    options = parser.parse_args()
    try:
        with Simulator() as cloud:
            results = measure_all(cloud, options.module_python, options.rounds)
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing was written.")
    options.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(update_page(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
