# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demonstration shows what it promises, and fails if it can't."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
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


def demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a home of its own, with nothing of a cloud in the environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    return subprocess.run([sys.executable, "-m", "demo", *arguments], cwd=TESTS, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_it_shows_both_recaps_and_leaves_nothing_behind(tmp_path: Path) -> None:
    result = demo(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.findall(r"localhost +: ok=2 +changed=(\d)", result.stdout) == ["1", "0"]
    assert "Cancels that took effect: 1." in result.stdout
    assert "\033" not in result.stdout, "no colours where there is no terminal"
    assert list(tmp_path.iterdir()) == []


def test_a_recap_that_is_not_right_is_a_failure(tmp_path: Path) -> None:
    playbook = tmp_path / "happy.yml"
    playbook.write_text(HAPPY, encoding="utf-8")
    result = demo(tmp_path, "--playbook", str(playbook))
    assert result.returncode == 1
    assert "the recap must say changed=0" in result.stdout
