# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the role agree: argument specs, defaults, README, tasks, and the modules that the role calls."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
import yaml
from ansible_collections.huaweicloud.dcs.plugins.doc_fragments._connection import ModuleDocFragment
from ansible_collections.huaweicloud.dcs.plugins.filter import resize_cancel as filters
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import _RANGES
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "resize_cancel"
PREFIX = "resize_cancel_"
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
OPTIONS: dict[str, dict[str, Any]] = SPEC["options"]
VARS = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
MODULE = yaml.safe_load(dcs_resize_cancel.DOCUMENTATION)["options"]
INFO = yaml.safe_load(dcs_resize_info.DOCUMENTATION)["options"]
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
    own = ["instances", "all_pending", *filters.FILTERS, "max", "record", "on_too_late", "wait", "wait_timeout", "concurrency"]
    assert list(OPTIONS) == [PREFIX + name for name in [*own, *CONNECTION]] == VARS["__resize_cancel_inputs"]
    assert {name[len(PREFIX):] for name in OPTIONS} == filters.INPUTS


def test_connection_options_are_passed_on() -> None:
    passed = {**VARS["__resize_cancel_connection"]}
    assert passed.pop("concurrency") == "{{ __resize_cancel_plan.get('cancel', {}).concurrency | default(omit) }}"
    assert passed == {name: f"{{{{ {PREFIX}{name} | default(omit) }}}}" for name in CONNECTION}
    [block] = [task for task in yaml.safe_load((ROLE / "tasks" / "main.yml").read_text(encoding="utf-8")) if "module_defaults" in task]
    modules = ["huaweicloud.dcs.dcs_resize_info", "huaweicloud.dcs.dcs_resize_cancel"]
    assert block["module_defaults"] == dict.fromkeys(modules, "{{ __resize_cancel_connection }}")


def test_what_narrows_the_search_is_passed_on() -> None:
    expected = {name: f"{{{{ __resize_cancel_plan.find.{name} | default(omit) }}}}" for name in filters.FILTERS}
    assert set(expected) == set(dcs_resize_info.FILTERS)
    for file in ("main.yml", "list.yml"):
        tasks = yaml.safe_load((ROLE / "tasks" / file).read_text(encoding="utf-8"))
        found = [task for entry in tasks for task in entry.get("block", [entry]) if task["name"] == "Find the pending resizes"]
        assert [{name: task["huaweicloud.dcs.dcs_resize_info"][name] for name in expected} for task in found] == [expected]


def test_variables_are_checked_as_what_they_are() -> None:
    texts = (*filters.TEXTS, *filters.CHOICES)
    checked = {"bool": filters.FLAGS, "int": tuple(filters.NUMBERS), "str": texts, "list": ("instances", "exclude"), "dict": ("tags",)}
    types = {name: option["type"].replace("path", "str") for name, option in {**INFO, **MODULE, **CONNECTION}.items()}
    types.update(instances="list", all_pending="bool", max="int", record="str")
    assert {name: kind for kind, names in checked.items() for name in names} == {name: types[name] for name in filters.INPUTS}
    assert {**_RANGES, "max": (0, None)} == filters.NUMBERS
    assert {name: list(choices) for name, choices in filters.CHOICES.items()} == {name: MODULE[name]["choices"] for name in filters.CHOICES}


def test_keys_of_resizes_are_those_of_the_modules() -> None:
    info, cancel = (yaml.safe_load(module.RETURN)["resizes"]["contains"] for module in (dcs_resize_info, dcs_resize_cancel))
    assert set(filters.RECORD_KEYS) == set(info)
    assert {*info, *cancel, "record"} == filters.ENTRY_KEYS


def test_what_may_come_as_text_is_raw() -> None:
    raw = {PREFIX + name for name in ("instances", "tags", "exclude", *filters.FLAGS, *filters.NUMBERS)}
    # Role argument validation of ansible-core 2.16 refuses null for a string with a default.
    raw.update(name for name, option in OPTIONS.items() if isinstance(option.get("default"), str))
    assert {name for name, option in OPTIONS.items() if option["type"] == "raw"} == raw
    assert not [name for name, option in OPTIONS.items() if "choices" in option or option.get("required")], "blank would not be unset"


def test_filters_are_documented() -> None:
    folder = ROOT / "plugins" / "filter"
    assert {file.stem for file in folder.glob("*.yml")} == set(filters.FilterModule().filters())
    for file in folder.glob("*.yml"):
        assert yaml.safe_load(file.read_text(encoding="utf-8"))["DOCUMENTATION"]["name"] == file.stem


def test_names_of_the_role_begin_with_its_prefix() -> None:
    assert not [name for name in VARS if not name.startswith("__resize_cancel_")]
    tasks = "".join(file.read_text(encoding="utf-8") for file in (ROLE / "tasks").glob("*.yml"))
    facts = re.findall(r"(?:set_fact|data):\n((?: +\w+: .*\n)+)", tasks)
    assigned = re.findall(r"register: (\w+)", tasks) + [name for names in facts for name in re.findall(r"(\w+): ", names) if name not in ("register", "when")]
    published = {"resize_cancel_result", "resize_cancel_summary", "resize_list"}
    assert set(assigned) - published == {name for name in assigned if name.startswith("__resize_cancel_")}
    assert not set(assigned) & {*OPTIONS, *VARS}, "inputs and expressions are never overwritten"
