# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DOCUMENTATION with its fragments, EXAMPLES, RETURN, the argument spec, meta/runtime.yml and what the modules really return agree."""

from __future__ import annotations

import datetime
import importlib
import json
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.huaweicloud.dcs.plugins.doc_fragments import _attributes, _connection
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import ENVIRONMENT
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from module_runner import run_module
from scripted_transport import INSTANCE, PROJECT, TASK, Script, task

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py"))
FRAGMENTS: dict[str, Any] = {
    "huaweicloud.dcs._connection": _connection.ModuleDocFragment.DOCUMENTATION,
    "huaweicloud.dcs._attributes": _attributes.ModuleDocFragment.DOCUMENTATION,
    "huaweicloud.dcs._attributes.actiongroup_dcs": _attributes.ModuleDocFragment.ACTIONGROUP_DCS,
}
CONNECTION = {"access_key": "AK-of-a-test", "secret_key": "SK-is-secret", "region": "cn-north-4", "project_id": PROJECT, "max_retries": 0}

each_module = pytest.mark.parametrize("name", NAMES)


def module(name: str) -> types.ModuleType:
    return importlib.import_module(f"ansible_collections.huaweicloud.dcs.plugins.modules.{name}")


def documentation(name: str) -> dict[str, Any]:
    """A module's documentation, with the fragments that it names."""
    own: dict[str, Any] = yaml.safe_load(module(name).DOCUMENTATION)
    whole: dict[str, Any] = {**own, "options": dict(own["options"]), "attributes": {}}
    for fragment in (yaml.safe_load(FRAGMENTS[name]) for name in own["extends_documentation_fragment"]):
        assert not set(fragment.get("options", {})) & set(own["options"]), "no option is documented twice"
        whole["options"].update(fragment.get("options", {}))
        for attribute, facts in fragment.get("attributes", {}).items():
            whole["attributes"].setdefault(attribute, {}).update(facts)
    for attribute, facts in own["attributes"].items():
        whole["attributes"][attribute].update(facts)
    return whole


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments that the module really passes to AnsibleModule."""
    given: dict[str, Any] = {}

    class Given(Exception):
        """Ends the module once its arguments are known."""

    def init(_self: AnsibleModule, **kwargs: Any) -> None:
        given.update(kwargs)
        raise Given

    monkeypatch.setattr(AnsibleModule, "__init__", init)
    with pytest.raises(Given):
        module(name).main()
    return given


def test_the_modules_are_those_that_these_tests_know() -> None:
    assert NAMES == ["dcs_resize_cancel", "dcs_resize_info"]


@each_module
def test_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = argument_spec(name, monkeypatch)["argument_spec"]
    documented = documentation(name)["options"]
    assert set(documented) == set(spec)
    for option, facts in documented.items():
        told = {key: facts.get(key) for key in ("type", "elements", "default", "choices", "required")}
        assert told == {key: spec[option].get(key) for key in told}, option
        assert all(text.endswith(".") for text in facts["description"]), option


@each_module
def test_check_mode(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert argument_spec(name, monkeypatch)["supports_check_mode"] is True
    assert documentation(name)["attributes"]["check_mode"]["support"] == "full"


@each_module
def test_attributes(name: str) -> None:
    attributes = documentation(name)["attributes"]
    assert set(attributes) == {"check_mode", "diff_mode", "idempotent", "platform", "action_group"}
    assert all(facts["support"] in ("full", "N/A") and facts["description"] for facts in attributes.values())
    assert attributes["action_group"]["membership"] == ["huaweicloud.dcs.dcs"]


@each_module
def test_action_group(name: str) -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert name in runtime["action_groups"]["dcs"]
    assert sorted(runtime["action_groups"]["dcs"]) == NAMES


@each_module
def test_head(name: str) -> None:
    head = yaml.safe_load(module(name).DOCUMENTATION)
    assert head["module"] == name
    assert not head["short_description"].endswith(".")
    assert {entry["module"] for entry in head["seealso"] if "module" in entry} == {f"huaweicloud.dcs.{other}" for other in NAMES if other != name}


def test_every_environment_variable_is_documented_with_its_option() -> None:
    documented = yaml.safe_load(_connection.ModuleDocFragment.DOCUMENTATION)["options"]
    # Those of the keys are described together, with the order of the sources.
    told = {option: " ".join(facts["description"]) for option, facts in documented.items()}
    for option, names in ENVIRONMENT.items():
        holder = told["access_key"] if option in ("secret_key", "security_token") else told[option]
        assert [name for name in names if f"E({name})" not in holder] == [], option
    for option, text in told.items():
        assert set(re.findall(r"E\((H\w+)\)", text)) <= {name for names in ENVIRONMENT.values() for name in names}, option


def test_secrets_are_not_logged_and_nothing_else_is_hidden() -> None:
    assert {option for option, spec in CONNECTION_OPTIONS.items() if spec.get("no_log")} == {"secret_key", "security_token", "token"}
    assert CONNECTION_OPTIONS["access_key"]["no_log"] is False


@each_module
def test_references(name: str) -> None:
    """O() refers to an option and RV() to a return value, of this module or of the given one."""
    text = module(name).DOCUMENTATION + module(name).RETURN + "".join(FRAGMENTS.values())
    for kind, own, foreign, path in re.findall(r"\b(O|RV)\((?:(([\w.]+)#module:))?([^)=]+)\)", text):
        del own
        where = foreign.removeprefix("huaweicloud.dcs.") if foreign else name
        known = documentation(where)["options"] if kind == "O" else return_paths(where)
        assert path in known, f"{kind}({path}) of {where}"


def return_paths(name: str) -> set[str]:
    """Every return value as RV() refers to it."""

    def walk(entries: dict[str, Any], prefix: str) -> Iterator[str]:
        for key, entry in entries.items():
            yield prefix + key
            yield from walk(entry.get("contains", {}), f"{prefix}{key}{'[]' if entry['type'] == 'list' else ''}.")

    return {*walk(yaml.safe_load(module(name).RETURN), ""), "changed", "msg", "diff"}


@each_module
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task has a name, only existing options, and valid values."""
    spec = argument_spec(name, monkeypatch)["argument_spec"]
    found = 0
    tasks = yaml.safe_load(module(name).EXAMPLES)
    while tasks:
        entry = tasks.pop(0)
        assert entry["name"]
        tasks.extend(entry.get("block", []))
        for defaults in entry.get("module_defaults", {}).values():
            assert set(defaults) <= set(CONNECTION_OPTIONS)
        arguments = entry.get(f"huaweicloud.dcs.{name}")
        if f"huaweicloud.dcs.{name}" in entry:
            found += 1
            assert set(arguments or {}) <= set(spec)
            for option, value in (arguments or {}).items():
                assert value in (spec[option].get("choices") or [value])
    assert found >= 2


# ---- RETURN, and the real results

TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float,), "bool": (bool,), "list": (list,), "dict": (dict,)}


def check(values: dict[str, Any], documented: dict[str, Any], where: str) -> None:
    """Check that the keys are the same, each with a value of the documented type, or null if the description says so."""
    assert list(values) == list(documented) or set(values) == set(documented), where
    for key, entry in documented.items():
        value, place = values[key], f"{where}.{key}"
        assert entry["returned"] == "always", place
        if entry["type"] == "raw" or value is None:
            continue
        assert type(value) in TYPES[entry["type"]], place
        if entry["type"] == "dict" and "contains" in entry:
            check(value, entry["contains"], place)
        if entry["type"] == "list":
            for element in value:
                assert type(element) in TYPES[entry["elements"]], place
                check(element, entry["contains"], place)


def check_result(result: dict[str, Any], name: str) -> None:
    """Check that a result has everything that is documented, and otherwise only what any module may return."""
    documented = yaml.safe_load(module(name).RETURN)
    common = {"changed", "failed", "msg", "diff", "warnings", "invocation", "exception"}
    assert set(result) <= set(documented) | common
    assert isinstance(result["changed"], bool)
    assert ("msg" in result) == result.get("failed", False)
    check({key: value for key, value in result.items() if key in documented}, documented, name)


def waits(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_cancel(headers={"X-Request-Id": "r1"})


def too_late(script: Script) -> None:
    script.expect_tasks(task("EXECUTING"))


def forbidden(script: Script) -> None:
    script.expect_tasks(status=403, body={"error_code": "DCS.2003", "error_msg": "no"}, headers={"X-Request-Id": "r1"})


def nothing(_script: Script) -> None:
    """No request is expected."""


@pytest.mark.parametrize(
    ("expect", "arguments"),
    [
        (waits, {"instance_id": INSTANCE}),
        (too_late, {"instance_id": INSTANCE}),
        (too_late, {"instance_id": INSTANCE, "on_too_late": "fail"}),
        (forbidden, {"instance_id": INSTANCE}),
        (nothing, {"instance_id": "a/b"}),
        (nothing, {"resizes": []}),
        (nothing, {}),
        (nothing, {"resizes": [{"task_id": TASK}]}),
        (nothing, {"instance_id": INSTANCE, "concurrency": 1000}),
        (nothing, {"instance_id": INSTANCE, "access_key": ""}),
    ],
)
def test_returned_by_dcs_resize_cancel(script: Script, expect: Callable[[Script], None], arguments: dict[str, Any]) -> None:
    expect(script)
    check_result(run_module(dcs_resize_cancel, {**CONNECTION, **arguments}, diff=True), "dcs_resize_cancel")


def one_resize(script: Script) -> None:
    script.expect_tasks(task())
    script.expect_instance(name="cache", status="RUNNING", maintain_begin="18:00:00", maintain_end="22:00:00")


def not_the_instance(script: Script) -> None:
    script.expect_tasks(task(details=None))
    script.expect_instance(403, body={"error_code": "DCS.2003", "error_msg": "no"})


@pytest.mark.parametrize(
    ("expect", "arguments"),
    [
        (one_resize, {"instance_ids": [INSTANCE]}),
        (not_the_instance, {"instance_ids": [INSTANCE]}),
        (forbidden, {"instance_ids": [INSTANCE]}),
        (nothing, {"instance_ids": ["a/b"]}),
        (nothing, {"instance_ids": []}),
        (nothing, {"start_time": "now"}),
        (nothing, {"instance_ids": [INSTANCE], "instance_name": "x"}),
        (nothing, {"access_key": ""}),
    ],
)
def test_returned_by_dcs_resize_info(script: Script, expect: Callable[[Script], None], arguments: dict[str, Any]) -> None:
    expect(script)
    check_result(run_module(dcs_resize_info, {**CONNECTION, **arguments}), "dcs_resize_info")


def samples(entries: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, entry in entries.items():
        yield key, entry
        yield from samples(entry.get("contains", {}))


@each_module
def test_samples_have_the_documented_types(name: str) -> None:
    for key, entry in samples(yaml.safe_load(module(name).RETURN)):
        assert ("sample" in entry) != ("contains" in entry), f"{key} has a sample, or what it contains has"
        if "sample" in entry and entry["type"] != "raw":
            assert type(entry["sample"]) in TYPES[entry["type"]], key


def test_the_sample_of_a_task_is_what_becomes_of_a_real_one(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples of one entry belong together: they are the module's result for the example of the API reference."""
    contains = yaml.safe_load(dcs_resize_info.RETURN)["resizes"]["contains"]
    sample = {key: entry["sample"] for key, entry in contains.items()}
    row = {"id": sample["task_id"], "name": sample["task_name"], **{key: sample[key] for key in ("status", "details", "user_name", "created_at", "updated_at")}}
    script.expect_tasks(row, instance_id=sample["instance_id"])
    instance = {key: sample[key] for key in ("maintain_begin", "maintain_end")}
    script.expect_instance(instance_id=sample["instance_id"], name=sample["instance_name"], status=sample["instance_status"], **instance)
    monkeypatch.setattr(dcs_resize_info, "utc_now", lambda: datetime.datetime.fromisoformat(sample["created_at"].replace("Z", "+00:00")))
    result = run_module(dcs_resize_info, {**CONNECTION, "instance_ids": [sample["instance_id"]]})
    assert result["resizes"] == [sample]
    task_sample = {key: entry["sample"] for key, entry in yaml.safe_load(dcs_resize_cancel.RETURN)["resizes"]["contains"]["task"]["contains"].items()}
    assert task_sample == {key: sample[key] for key in task_sample}
    json.dumps(sample)


def test_every_outcome_and_every_code_of_our_own_is_documented() -> None:
    documented = yaml.safe_load(dcs_resize_cancel.RETURN)["resizes"]["contains"]
    outcomes = set(re.findall(r"V\((\w+)\) -", " ".join(documented["outcome"]["description"])))
    assert outcomes == {"cancelled", "absent", "executing", "applied", "failed", "not_attempted"}
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py"))
    codes = set(re.findall(r"code=\"(\w+)\"", sources))
    told = " ".join(documented["error"]["contains"]["code"]["description"])
    assert codes == set(re.findall(r"V\(([A-Z]\w+)\)", told))


# ---- Troubleshooting

#: The codes that the API reference documents for what the modules call.
API_CODES = [
    *(f"DCS.{number}" for number in (1001, 1002, 1003, 1004, 2003, 2007, 3002, 3003, 3022, 4001, 4002, 4017, 4026, 4049, 4061, 4070, 4096, 4097)),
    *(f"DCS.{number}" for number in (4111, 4113, 4114, 4115, 4116, 4117, 4118, 4120, 4239, 5000, 5006, 5024, 5077)),
    *(f"APIGW.{number}" for number in ("0101", "0201", "0301", "0302", "0303", "0304", "0305", "0306", "0307", "0308", "0310", "0401", "0402", "0404")),
    *(f"APIGW.{number}" for number in ("0610", "0613", "0801", "0802")),
]
HTTP_STATUSES = [f"HTTP {status}" for status in (400, 401, 403, 404, 407, 429, 500, 502, 503, 504)]


def own_codes() -> list[str]:
    """The modules' own error codes, as the documentation of the return value lists them."""
    [resizes] = yaml.safe_load(dcs_resize_cancel.RETURN).values()
    description = " ".join(resizes["contains"]["error"]["contains"]["code"]["description"])
    return [code for code in re.findall(r"V\((\w+)\)", description) if code.isalpha()]


def test_troubleshooting_has_each_code_as_an_index_entry_and_in_its_text() -> None:
    page = (ROOT / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst").read_text(encoding="utf-8")
    entries = {entry.strip() for line in re.findall(r"^\.\. index:: (.+)$", page, re.MULTILINE) for entry in line.replace("!", "").split(",")}
    prose = re.sub(r"^\.\. index:: .+$", "", page, flags=re.MULTILINE)
    assert len(own_codes()) >= 10
    codes = [*API_CODES, *own_codes()]
    assert [code for code in [*codes, *HTTP_STATUSES] if code not in entries] == []
    assert [code for code in codes if not re.search(rf"``{code}``|^{code}\b", prose, re.MULTILINE)] == []


def test_troubleshooting_has_each_code_that_the_plugins_know() -> None:
    known = {code for path in (ROOT / "plugins").rglob("*.py") for code in re.findall(r"\b(?:DCS|APIGW)\.\d{4}\b", path.read_text(encoding="utf-8"))}
    assert known - set(API_CODES) == set()
