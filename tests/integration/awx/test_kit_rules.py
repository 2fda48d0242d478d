# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential type and the survey comply with the rules of AWX, and these rules with what AWX 24.6.1 did with changes to both."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kit
import pytest
import yaml
from controller_rules import Refused, check_credential_type, check_survey, launch

CREDENTIAL_TYPE = kit.load("credential_type.yml")
TEMPLATE = kit.load("job_template.yml")
SURVEY = TEMPLATE["survey_spec"]

# Changes of the inputs, the injectors, and the survey, and whether AWX accepts the result.
TYPE_CHANGES: dict[str, tuple[bool, Callable[[dict[str, Any]], object]]] = {
    "unknown key of a field": (False, lambda kind: kind["inputs"]["fields"][0].update(placeholder="AK")),
    "dependencies": (False, lambda kind: kind["inputs"].update(dependencies={"secret_key": ["access_key"]})),
    "multiline boolean": (False, lambda kind: kind["inputs"]["fields"][-1].update(multiline=False)),
    "secret boolean": (False, lambda kind: kind["inputs"]["fields"][-1].update(secret=True)),
    "text as default of a boolean": (False, lambda kind: kind["inputs"]["fields"][-1].update(default="false")),
    "field called tower": (False, lambda kind: kind["inputs"]["fields"][0].update(id="tower")),
    "field that is no identifier": (False, lambda kind: kind["inputs"]["fields"][0].update(id="access-key")),
    "two fields with one ID": (False, lambda kind: kind["inputs"]["fields"].append({"id": "region", "label": "Region"})),
    "field without label": (False, lambda kind: kind["inputs"]["fields"][0].pop("label")),
    "unknown type": (False, lambda kind: kind["inputs"]["fields"][0].update(type="text")),
    "asked at run time": (False, lambda kind: kind["inputs"]["fields"][0].update(ask_at_runtime=True)),
    "kind that is not open to all": (False, lambda kind: kind.update(kind="ssh")),
    "environment variable PYTHONPATH": (False, lambda kind: kind["injectors"]["env"].update(PYTHONPATH="{{ region }}")),
    "environment variable of Ansible": (False, lambda kind: kind["injectors"]["env"].update(ANSIBLE_FORKS="{{ region }}")),
    "template that is not ASCII": (False, lambda kind: kind["injectors"]["env"].update(HW_REGION_NAME="{{ region }}é")),
    "template of an unknown field": (False, lambda kind: kind["injectors"]["env"].update(HW_REGION_NAME="{{ regoin }}")),
    "template that can't be read": (False, lambda kind: kind["injectors"]["env"].update(HW_REGION_NAME="{{ region")),
    "file that is not injected": (False, lambda kind: kind["injectors"].pop("file")),
    "one file and several": (False, lambda kind: kind["injectors"]["file"].update({"template.other": ""})),
    "unknown injector": (False, lambda kind: kind["injectors"].update(args={"--limit": "all"})),
    "lower-case environment variable": (True, lambda kind: kind["injectors"]["env"].update(hw_region="{{ region }}")),
    "field without type": (True, lambda kind: kind["inputs"]["fields"][0].pop("type")),
    "required, but no field": (True, lambda kind: kind["inputs"]["required"].append("domain")),
    "several files": (True, lambda kind: kind["injectors"].update(file={"template.ca": ""}, env={"HW_CACERT": "{{ tower.filename.ca }}"})),
}
SURVEY_CHANGES: dict[str, tuple[bool, Callable[[dict[str, Any]], object]]] = {
    "no description": (False, lambda survey: survey.pop("description")),
    "no question": (False, lambda survey: survey.update(spec=[])),
    "variable asked for twice": (False, lambda survey: survey["spec"].append(survey["spec"][0])),
    "question without name": (False, lambda survey: survey["spec"][0].pop("question_name")),
    "unknown type": (False, lambda survey: survey["spec"][0].update(type="string")),
    "required that is no boolean": (False, lambda survey: survey["spec"][0].update(required="false")),
    "number as default of a text": (False, lambda survey: question(survey, "instances").update(default=0)),
    "text as default of a number": (False, lambda survey: question(survey, "max").update(default="50")),
    "text as limit": (False, lambda survey: question(survey, "max").update(max="100")),
    "default that is no choice": (False, lambda survey: question(survey, "on_too_late").update(default="stop")),
    "choice without choices": (False, lambda survey: question(survey, "on_too_late").pop("choices")),
    "choice without default": (True, lambda survey: question(survey, "on_too_late").pop("default")),
    "choices as lines": (True, lambda survey: question(survey, "on_too_late").update(choices="ignore\nwarn\nfail")),
    "limit that is null": (True, lambda survey: question(survey, "max").update(min=None)),
    "empty default of a number": (True, lambda survey: question(survey, "max").update(default="")),
    "unknown key of a question": (True, lambda survey: survey["spec"][0].update(new_question=True)),
}


def question(survey: dict[str, Any], name: str) -> dict[str, Any]:
    """The question for a variable of the role."""
    [found] = [entry for entry in survey["spec"] if entry["variable"] == f"resize_cancel_{name}"]
    assert isinstance(found, dict)
    return found


def accepted(check: Callable[[Any], None], record: Any) -> bool:
    """Whether AWX accepts it."""
    try:
        check(record)
    except Refused:
        return False
    return True


def test_kit_is_accepted() -> None:
    check_credential_type(CREDENTIAL_TYPE)
    check_survey(SURVEY)


@pytest.mark.parametrize("change", TYPE_CHANGES)
def test_credential_type_changed(change: str) -> None:
    expected, make = TYPE_CHANGES[change]
    changed = copy.deepcopy(CREDENTIAL_TYPE)
    make(changed)
    assert changed != CREDENTIAL_TYPE
    assert accepted(check_credential_type, changed) is expected


@pytest.mark.parametrize("change", SURVEY_CHANGES)
def test_survey_changed(change: str) -> None:
    expected, make = SURVEY_CHANGES[change]
    changed = copy.deepcopy(SURVEY)
    make(changed)
    assert changed != SURVEY
    assert accepted(check_survey, changed) is expected


def test_inputs_are_frozen() -> None:
    """AWX refuses any change of the inputs (HTTP 403) while a credential of the type exists, so a new release must not change them."""
    fields = CREDENTIAL_TYPE["inputs"]["fields"]
    assert [field["id"] for field in fields] == [
        "access_key", "secret_key", "security_token", "token", "region", "project_id", "project_name", "cloud", "endpoint", "auth_url", "ca_cert", "insecure",
    ]
    assert {field["id"] for field in fields if field.get("secret")} == {"secret_key", "security_token", "token"}
    assert {field["id"] for field in fields if field.get("multiline")} == {"ca_cert"}
    digest = hashlib.sha256(json.dumps(CREDENTIAL_TYPE["inputs"], sort_keys=True).encode()).hexdigest()
    assert digest == "31a40f2f08191d375202d822699ff5f2e6aa54756cb0e95c014cd486db455f4f", "labels and help texts count as well"


def test_injected_environment(tmp_path: Path) -> None:
    assert {name for name in CREDENTIAL_TYPE["injectors"]["env"] if not name.startswith("HW_")} == set()
    empty = {**dict.fromkeys(CREDENTIAL_TYPE["injectors"]["env"], ""), "HW_INSECURE": "False"}
    assert kit.inject(CREDENTIAL_TYPE, {"region": "cn-north-4", "ca_cert": ""}, tmp_path) == {**empty, "HW_REGION_NAME": "cn-north-4"}
    injected = kit.inject(CREDENTIAL_TYPE, {"region": "cn-north-4", "ca_cert": "-----BEGIN\nEND-----\n", "insecure": True}, tmp_path)
    assert Path(injected["HW_CACERT"]).read_text(encoding="utf-8") == "-----BEGIN\nEND-----\n"
    assert injected == {**empty, "HW_REGION_NAME": "cn-north-4", "HW_INSECURE": "True", "HW_CACERT": injected["HW_CACERT"]}


def test_survey_asks_for_variables_of_the_role() -> None:
    specs = yaml.safe_load((kit.ROOT / "roles" / "resize_cancel" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    assert {entry["variable"] for entry in SURVEY["spec"]} <= set(specs["argument_specs"]["main"]["options"])
    guide = kit.GUIDE.read_text(encoding="utf-8")
    assert [entry["question_name"] for entry in SURVEY["spec"] if f"* - {entry['question_name']}\n" not in guide] == []


def test_launches() -> None:
    """The variables that launches of the shipped template pass to the role."""
    defaults = kit.survey_answers()
    assert defaults == {entry["variable"]: entry["default"] for entry in SURVEY["spec"]}
    assert kit.survey_answers(max=0)["resize_cancel_max"] == 0
    assert len(kit.survey_answers(instances="\n".join(["5560df16-cebf-4473-95c4-d1b573c16e79"] * 20_000))["resize_cancel_instances"]) > 700_000
    for wrong in ({"max": ""}, {"max": "50"}, {"max": -1}, {"all_pending": True}, {"all_pending": ""}, {"on_too_late": "stop"}, {"instances": ["a"]}):
        with pytest.raises(Refused, match="resize_cancel_"):
            kit.survey_answers(**wrong)
    # A required question must be answered, whatever its default.
    required = copy.deepcopy(SURVEY)
    question(required, "all_pending")["required"] = True
    with pytest.raises(Refused, match="'resize_cancel_all_pending' value missing"):
        launch(TEMPLATE, required, {})
    # The survey's defaults take precedence over the variables of the template, and variables without a question are dropped.
    template = {**TEMPLATE, "extra_vars": json.dumps({"resize_cancel_max": 7, "resize_cancel_wait": True})}
    assert launch(template, SURVEY, {"resize_cancel_concurrency": 64}) == {**defaults, "resize_cancel_wait": True}
