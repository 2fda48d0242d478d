# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration: a resize is scheduled on a simulated cloud, and a playbook that cancels it is run twice."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playbook import Run, run_playbook
from sample import INSTANCE, TASK
from simulator.client import Simulator

PLAYBOOK = Path(__file__).with_name("cancel.yml")


def say(text: str = "", *, bold: bool = False) -> None:
    """Print a line, in bold on a terminal."""
    print(f"\033[1m{text}\033[0m" if bold and sys.stdout.isatty() else text, flush=True)


def task_status(cloud: Simulator) -> str:
    """The status of the resize in the cloud's task list."""
    return str(cloud.state()["instances"][INSTANCE]["tasks"][TASK]["listed_status"])


def run(cloud: Simulator, playbook: Path) -> Run:
    """Run the playbook and show Ansible's output."""
    say(f"  $ ansible-playbook {playbook.name} -e instance_id={INSTANCE}")
    result = run_playbook(playbook, environment={**cloud.environment(), "COLUMNS": "80"}, extra_vars={"instance_id": INSTANCE})
    for line in result.output.splitlines():
        if line.strip():
            say(f"  | {line.rstrip()}")
    return result


def is_right(result: Run, *, changed: int) -> bool:
    """Whether a run succeeded, and its recap has this number of changes."""
    recap = result.stats.get("localhost", {})
    right = result.code == 0 and recap.get("changed") == changed and not recap.get("failures") and not recap.get("unreachable")
    if not right:
        say(f"  This is wrong: the recap must show changed={changed} and failed=0.", bold=True)
    return right


def show(playbook: Path) -> bool:
    """Show everything. Return whether all results were as expected."""
    with Simulator() as cloud:
        cloud.schedule(INSTANCE, task_id=TASK, instance={"name": "cache"})
        say("A resize is pending: it is scheduled for the maintenance window", bold=True)
        say(f"  cloud     simulated, {cloud.endpoint}")
        say(f"  instance  {INSTANCE}, from 2 GB to 4 GB between 18:00 and 22:00 UTC")
        say(f"  task      {TASK}, {task_status(cloud)}")
        say()
        say("A playbook cancels it", bold=True)
        first = is_right(run(cloud, playbook), changed=1)
        if first:
            say(f"  changed=1: a resize was pending and has been cancelled. The status of its background task is now {task_status(cloud)}.")
        say()
        say("The same playbook again", bold=True)
        second = is_right(run(cloud, playbook), changed=0)
        if second:
            say("  changed=0: no resize was pending, so nothing was changed. This is not a failure: you can run the playbook as often as you like.")
        say()
        requests, cancels = cloud.requests(), cloud.effective_cancels()
        say(f"The simulated cloud received {len(requests)} requests with valid signatures. Cancelled resizes: {len(cancels)}.")
        return first and second and len(cancels) == 1


def main() -> int:
    """Run the demonstration. Return 0 if all results were as expected."""
    parser = argparse.ArgumentParser(prog="make demo", description="A resize is scheduled on a simulated cloud, and a playbook cancels it, twice.")
    parser.add_argument("--playbook", type=Path, default=PLAYBOOK, help="another playbook to run, with the variable instance_id")
    arguments = parser.parse_args()

    try:
        return 0 if show(arguments.playbook.resolve()) else 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
