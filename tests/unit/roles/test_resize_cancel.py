# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the role say the same: argument specs, defaults, README, tasks, and the modules that the role calls."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
import yaml
from ansible_collections.huaweicloud.dcs.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "resize_cancel"
PREFIX = "resize_cancel_"
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
OPTIONS: dict[str, dict[str, Any]] = SPEC["options"]
VARS = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
MODULE = yaml.safe_load(dcs_resize_cancel.DOCUMENTATION)["options"]
CONNECTION = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def plain(text: str) -> str:
    """Ansible's markup as Markdown."""
    text = re.sub(r"RV\([^#)]*#module:(\w+)\)", r"`\1`", text)
    text = re.sub(r"RV\((\w+)\)", r"`\1`", text)
    return re.sub(r"\b[CEMOV]\(([^)]*)\)", r"`\1`", text)


def table() -> list[str]:
    """The README's table of variables."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, option in OPTIONS.items():
        default = f"`{json.dumps(option['default']).strip(chr(34))}`" if "default" in option else ""
        rows.append(f"| `{name}` | {default} | {plain(' '.join(option['description']))} |".replace("|  |", "| |"))
    return rows


def test_readme_has_the_variables_of_the_argument_specs() -> None:
    readme = (ROLE / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in readme if line.startswith("|")] == table()


def test_readme_has_the_first_example() -> None:
    first = yaml.safe_load(SPEC["examples"])[0]
    blocks = re.findall(r"```yaml\n(.*?)```", (ROLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert yaml.safe_load(blocks[0]) == [first]


def test_defaults_are_those_of_the_argument_specs() -> None:
    text = (ROLE / "defaults" / "main.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text) == {name: option["default"] for name, option in OPTIONS.items() if "default" in option}
    assert re.findall(rf"^(?:# )?({PREFIX}\w+):", text, re.MULTILINE) == list(OPTIONS), "each variable, in order, those without a default as a comment"


@pytest.mark.parametrize("name", ["on_too_late", "wait", "wait_timeout", "concurrency"])
def test_defaults_are_those_of_the_module(name: str) -> None:
    assert OPTIONS[PREFIX + name]["default"] == MODULE[name]["default"]


def test_connection_options_are_variables() -> None:
    own = ["instances", "all_pending", "instance_name", "max", "on_too_late", "wait", "wait_timeout", "concurrency"]
    assert list(OPTIONS) == [PREFIX + name for name in [*own, *CONNECTION]]


def test_connection_options_are_passed_on() -> None:
    play = yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    [defaults] = [task["module_defaults"] for task in play if "module_defaults" in task]
    expected = {name: f"{{{{ {PREFIX}{name} | default(omit) }}}}" for name in [*CONNECTION, "concurrency"]}
    assert defaults == {"huaweicloud.dcs.dcs_resize_info": expected, "huaweicloud.dcs.dcs_resize_cancel": expected}


def test_variables_are_checked_as_what_they_are() -> None:
    checked = {"bool": VARS["__resize_cancel_flags"], "int": VARS["__resize_cancel_numbers"], "str": VARS["__resize_cancel_texts"]}
    types = {name: option["type"].replace("path", "str") for name, option in {**MODULE, **CONNECTION}.items()}
    types.update(all_pending="bool", max="int", instance_name="str")
    assert {name: kind for kind, names in checked.items() for name in names} == {name: types[name] for name in [key[len(PREFIX):] for key in OPTIONS][1:]}


def test_what_may_come_as_text_is_raw() -> None:
    flags_and_numbers = [PREFIX + name for name in VARS["__resize_cancel_flags"] + VARS["__resize_cancel_numbers"]]
    # Of text that has a default, null is refused by role argument validation of ansible-core 2.16.
    text_with_default = [name for name, option in OPTIONS.items() if isinstance(option.get("default"), str)]
    assert sorted(name for name, option in OPTIONS.items() if option["type"] == "raw") == sorted([f"{PREFIX}instances", *flags_and_numbers, *text_with_default])
    assert not [name for name, option in OPTIONS.items() if "choices" in option or option.get("required")], "blank would not be unset"


def test_names_of_the_role_begin_with_its_prefix() -> None:
    assert not [name for name in VARS if not name.startswith("__resize_cancel_")]
    tasks = (ROLE / "tasks" / "main.yml").read_text(encoding="utf-8")
    facts = re.findall(r"(?:set_fact|data):\n((?: +\w+: .*\n)+)", tasks)
    assigned = re.findall(r"register: (\w+)", tasks) + [name for names in facts for name in re.findall(r"(\w+): ", names)]
    assert set(assigned) - {"resize_cancel_result", "resize_cancel_summary"} == {name for name in assigned if name.startswith("__resize_cancel_")}
    assert not set(assigned) & {*OPTIONS, *VARS}, "inputs and expressions are never overwritten"
