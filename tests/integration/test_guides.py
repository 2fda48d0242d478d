# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the README and the guides is valid, and every one that can run here does: in check mode, done, and done again."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from playbook import ROOT, run_ad_hoc, run_playbook
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))]
#: By the page's suffix: how a block begins, and a whole block.
BEGINNINGS = {".md": re.compile(r"^```\w", re.MULTILINE), ".rst": re.compile(r"\.\. code-block::")}
BLOCKS = {
    ".md": re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL),
    ".rst": re.compile(r"^\.\. code-block:: (\S+)\n(?:   +:.*\n)*\n((?:(?: +.*)?\n)+)", re.MULTILINE),
}
PROJECTS = [{"id": "0123456789abcdef0123456789abcdef", "name": "cn-north-4"}, {"id": "123456789abcdef0123456789abcdef0", "name": "cn-north-4_caches"}]
INSTANCES = ("5560df16-cebf-4473-95c4-d1b573c16e79", "9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d")
#: The one that the README names.
TASK = "8abf6e1e72c12e7c0172c15b508500aa"
#: What the examples take from their surroundings.
VARIABLES = {
    "resizes": [{"instance_id": instance} for instance in INSTANCES],
    "resize_cancel_summary": {"cancelled": 2, "absent": 0, "too_late": 0, "failed": 0, "not_attempted": 0, "failed_instance_ids": []},
    "vault_access_key": DEFAULT_ACCOUNTS[0].access_key,
    "vault_secret_key": DEFAULT_ACCOUNTS[0].secret_key,
}


class Example(NamedTuple):
    """A block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def examples(*languages: str) -> list[Example]:
    """The blocks of all pages in these languages; all for none."""
    found = []
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for block in BLOCKS[page.suffix].finditer(content):
            # GitHub knows no name for YAML with templates in it.
            language = "yaml+jinja" if page.suffix == ".md" and block.group(1) == "yaml" else block.group(1)
            if not languages or language in languages:
                found.append(Example(page.stem, content.count("\n", 0, block.start()) + 1, language, textwrap.dedent(block.group(2))))
    return found


def is_playbook(example: Example) -> bool:
    """Whether it is a list of plays or tasks, and no file of another kind."""
    content = yaml.safe_load(example.text)
    return isinstance(content, list) and all("name" in entry for entry in content)


def commands() -> list[Any]:
    """The command lines that need no file of the reader's own and no other service, each once."""
    lines: dict[str, Example] = {}
    for example in examples("bash"):
        for line in example.text.replace("\\\n", "").splitlines():
            lines.setdefault(line, example)
    return [
        pytest.param(shlex.split(line), id=f"{example}-{number}")
        for number, (line, example) in enumerate(lines.items())
        if line.startswith(("ansible localhost ", "ansible-playbook huaweicloud.dcs.cancel_resizes"))
    ]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator({"projects": PROJECTS}) as running:
        yield running


@pytest.fixture
def environment(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    """A cloud in which a resize waits on each instance, and a home with the profile that the guides speak of."""
    simulator.reset()
    for instance, task in zip(INSTANCES, (TASK, None)):
        simulator.schedule(instance, task_id=task)
    keys = {"accessKeyId": DEFAULT_ACCOUNTS[0].access_key, "secretAccessKey": DEFAULT_ACCOUNTS[0].secret_key}
    file = tmp_path / ".hcloud" / "config.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"profiles": [{"name": "production", "mode": "AKSK", **keys}]}), encoding="utf-8")
    return {**simulator.environment(), "HW_PROJECT_ID": "", "HOME": str(tmp_path)}


def test_blocks_are_found() -> None:
    """A block that the pattern does not know would not be tested."""
    for page in PAGES:
        assert len(BEGINNINGS[page.suffix].findall(page.read_text(encoding="utf-8"))) == sum(example.page == page.stem for example in examples())


@pytest.mark.parametrize("example", examples("yaml", "yaml+jinja", "json", "ini"), ids=str)
def test_an_example_is_valid(example: Example) -> None:
    parsers = {"json": json.loads, "ini": lambda text: configparser.ConfigParser(interpolation=None, allow_no_value=True).read_string(text)}
    parsers.get(example.language, yaml.safe_load)(example.text)


@pytest.mark.parametrize("example", [example for example in examples("yaml+jinja") if is_playbook(example)], ids=str)
def test_a_playbook_runs(example: Example, simulator: Simulator, environment: dict[str, str]) -> None:
    """It cancels what it would cancel in check mode, and then nothing more."""
    content = yaml.safe_load(example.text)
    check, first, second = (
        run_playbook(content, *arguments, environment=environment, extra_vars=VARIABLES) for arguments in (("--check",), (), ())
    )
    for run in (check, first, second):
        assert run.code == 0, run.output
    assert check.stats["localhost"]["changed"] == first.stats["localhost"]["changed"]
    assert second.stats["localhost"]["changed"] == 0
    if "dcs_resize_cancel" in example.text:
        assert simulator.effective_cancels()


@pytest.mark.parametrize("command", commands())
def test_a_command_runs(command: list[str], environment: dict[str, str]) -> None:
    program, target, *arguments = command
    if program == "ansible":
        assert arguments[0] == "-m"
        assert arguments[2] == "-a"
        run = run_ad_hoc(arguments[1], arguments[3], *arguments[4:], environment=environment)
    else:
        run = run_playbook(target, *arguments, environment=environment)
    assert run.code == 0, run.output
