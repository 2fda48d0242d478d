# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first `make` in a checkout, with a stand-in for Python: whatever its path, and only once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from surroundings import bare_environment

ROOT = Path(__file__).resolve().parents[3]
#: Logs its arguments. For `venv`, it creates a copy of itself.
PYTHON = """\
#!/bin/sh
case "$*" in
    "-c "*) echo "$STAND_IN" ;;
    "-m venv --clear .build/tools") echo venv >>"$LOG"; sleep 1; mkdir -p .build/tools/bin; cp "$0" .build/tools/bin/python ;;
    "-m pip install "*) [ "${PIP_TARGET-none}" = none ] || echo "pip to $PIP_TARGET" >>"$LOG" ;;
    "-m nox -s demo "*) echo demo >>"$LOG" ;;
    *) echo "unexpected: $*" >>"$LOG" ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Environment in which the stand-in is the first Python of each version, and PIP_TARGET is set for another program."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for version in ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14"):
        (programs / f"python{version}").write_text(PYTHON, encoding="utf-8")
        (programs / f"python{version}").chmod(0o755)
    bare = bare_environment(tmp_path)
    further = {"LOG": str(tmp_path / "log"), "STAND_IN": str(programs / "python3.13"), "PIP_TARGET": "/elsewhere"}
    return {**bare, **further, "PATH": f"{programs}{os.pathsep}{bare['PATH']}"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of a checkout that `make demo` needs, in a path with characters that a shell would interpret."""
    folder = tmp_path / """it's "my" & 100% 中文"""
    shutil.copytree(ROOT / "tests" / "tools", folder / "tests" / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def start(checkout: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = ["make", "--no-print-directory", "demo"]
    return subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def done(environment: dict[str, str], *processes: subprocess.Popen[str]) -> list[str]:
    """The log once these processes have ended."""
    for process in processes:
        output, _nothing = process.communicate(timeout=120)
        assert process.returncode == 0, output
    log = Path(environment["LOG"])
    lines = log.read_text(encoding="utf-8").splitlines()
    log.unlink()
    return lines


def test_once_only(checkout: Path, environment: dict[str, str]) -> None:
    assert done(environment, start(checkout, environment)) == ["venv", "demo"]
    assert done(environment, start(checkout, environment)) == ["demo"]
    assert [path.name for path in checkout.parent.iterdir() if path not in (checkout, Path(environment["LOG"]))] == ["bin"]


def test_several_at_once(checkout: Path, environment: dict[str, str]) -> None:
    assert done(environment, *(start(checkout, environment) for _number in range(3))) == ["venv", "demo", "demo", "demo"]


def test_again_where_the_environment_is_of_no_use(checkout: Path, environment: dict[str, str]) -> None:
    """After an interruption, if the Python has gone, or if the checkout was moved: a virtual environment can't be moved."""
    assert done(environment, start(checkout, environment)) == ["venv", "demo"]
    (checkout / ".build" / "tools" / "ready").unlink()
    assert done(environment, start(checkout, environment)) == ["venv", "demo"]
    (checkout / ".build" / "tools" / "bin" / "python").unlink()
    assert done(environment, start(checkout, environment)) == ["venv", "demo"]
    moved = checkout.rename(checkout.with_name("moved"))
    (moved / ".build" / "nox" / "demo").mkdir(parents=True)
    assert done(environment, start(moved, environment)) == ["venv", "demo"]
    assert not (moved / ".build" / "nox").exists()


@pytest.mark.parametrize("name", ["a:b", "$HOME"])
def test_a_path_that_is_of_no_use(checkout: Path, environment: dict[str, str], name: str) -> None:
    process = start(checkout.rename(checkout.with_name(name)), environment)
    output, _nothing = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output.startswith("Move the checkout to a path without : and $.")
    assert not Path(environment["LOG"]).exists()
