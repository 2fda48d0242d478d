# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration shows what it promises, and fails if it can't."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playbook import ROOT
from surroundings import bare_environment

HAPPY = """\
---
- name: Claim to have changed something
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Claim it
      ansible.builtin.debug:
        msg: Done
      changed_when: true
"""


ENDLESS = """\
---
- name: Wait for somebody who has had enough
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait
      ansible.builtin.pause:
        minutes: 10
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory, also for temporary files. Its path is as short as that of /tmp usually is: the path of a Unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def start(home: Path, *arguments: str, tests: Path = ROOT / "tests") -> subprocess.Popen[str]:
    """Start it in a home directory of its own, in a locale that is not generated, with no cloud settings in the environment."""
    environment = {**bare_environment(home), "TMPDIR": str(home), "LC_ALL": "xx_XX.UTF-8"}
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=tests, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        # Tests may run in the background, where a shell has this signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def demo(home: Path, *arguments: str, tests: Path = ROOT / "tests") -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    process = start(home, *arguments, tests=tests)
    output, _nothing = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def test_it_shows_both_recaps_and_leaves_nothing_behind(home: Path) -> None:
    result = demo(home)
    assert result.returncode == 0, result.stdout
    assert re.findall(r"localhost +: ok=2 +changed=(\d)", result.stdout) == ["1", "0"]
    assert "Cancelled resizes: 1." in result.stdout
    assert "\033" not in result.stdout, "no colours where there is no terminal"
    assert list(home.iterdir()) == []


def test_a_checkout_with_a_long_path(home: Path, tmp_path: Path) -> None:
    checkout = tmp_path / ("a checkout " * 9) / "dcs"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    result = demo(home, tests=checkout / "tests")
    assert result.returncode == 0, result.stdout
    assert list(home.iterdir()) == []


def test_ctrl_c(home: Path, tmp_path: Path) -> None:
    """It ends at once, and prints no traceback."""
    playbook = tmp_path / "endless.yml"
    playbook.write_text(ENDLESS, encoding="utf-8")
    process = start(home, "--playbook", str(playbook))
    assert process.stdout
    shown = ""
    while "$ ansible-playbook" not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    # As a terminal does it: to all processes of the group.
    os.killpg(process.pid, signal.SIGINT)
    rest, _nothing = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert rest == "Interrupted.\n"


def test_a_recap_that_is_not_right_is_a_failure(home: Path, tmp_path: Path) -> None:
    playbook = tmp_path / "happy.yml"
    playbook.write_text(HAPPY, encoding="utf-8")
    result = demo(home, "--playbook", str(playbook))
    assert result.returncode == 1
    assert "the recap must show changed=0" in result.stdout
