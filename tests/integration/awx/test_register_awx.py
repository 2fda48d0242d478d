# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registers the files for AWX, and launches jobs, with the modules of awx.awx and a stand-in for the controller.

Only these tests need the package that contains awx.awx, which is large.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kit
import pytest
import yaml
from controller import Controller
from playbook import Run, run_playbook

BLOCKS = kit.guide_blocks()
CREDENTIAL_TYPE = kit.load("credential_type.yml")
TEMPLATE = kit.load("job_template.yml")
NAME = TEMPLATE["name"]


class Site:
    """A controller with what the guide requires, and a user who registers the files for AWX with it."""

    def __init__(self, controller: Controller, collections: str) -> None:
        self.controller = controller
        self.environment = {"CONTROLLER_HOST": controller.host, "CONTROLLER_OAUTH_TOKEN": "controller-token", "ANSIBLE_COLLECTIONS_PATH": collections}
        default, own = (controller.add("organizations", name=name) for name in ("Default", "Operations"))
        for kind, names in (
            ("inventories", ["Demo Inventory"]), ("execution_environments", ["dcs-ee"]), ("credentials", ["dcs-production", "dcs-shanghai"]),
        ):
            for name in names:
                controller.add(kind, name=name)
        for organization in (default, own):
            controller.add("projects", name="DCS", organization=organization, playbook_files=["cancel_resizes.yml", "playbooks/freeze.yml"])
        controller.add("projects", name="new", organization=default, playbook_files=[])

    def run(self, *arguments: str, **environment: str) -> Run:
        """Register with these arguments."""
        return run_playbook("huaweicloud.dcs.register_awx", *arguments, environment={**self.environment, **environment})

    def changed(self, *arguments: str) -> int:
        """Register. Return how many tasks made changes."""
        run = self.run(*arguments)
        assert run.code == 0, run.output
        return run.stats["localhost"]["changed"]

    def refusal(self, *arguments: str, **environment: str) -> str:
        """Register, which must fail. Return the final message; only the task with the explanation fails finally."""
        run = self.run(*arguments, **environment)
        assert run.code == 2 and run.stats["localhost"]["rescued"] == run.stats["localhost"]["failures"] == 1, run.output
        return str(run.result("Explain why the registration failed")["msg"])


@pytest.fixture(scope="module")
def collections(installed: Path, surroundings: dict[str, str]) -> str:
    """The paths of ours and of awx.awx."""
    downloads = kit.ROOT / ".build" / "cache" / "awx"
    downloads.mkdir(parents=True, exist_ok=True)
    return os.pathsep.join(map(str, (installed, kit.awx_collection(downloads, surroundings))))


@pytest.fixture
def site(collections: str) -> Iterator[Site]:
    """A controller in its initial state."""
    with Controller() as controller:
        yield Site(controller, collections)


def arguments(caption: str) -> list[str]:
    """The arguments of the playbook in a block of the guide."""
    [[program, playbook, *rest]] = kit.commands(caption)
    assert (program, playbook) == ("ansible-playbook", "huaweicloud.dcs.register_awx")
    return rest


def test_registration(site: Site, tmp_path: Path) -> None:
    exported = {line.removeprefix("export ").split("=", 1)[0] for line in BLOCKS["Registering"].splitlines() if line.startswith("export ")}
    assert exported == {"CONTROLLER_HOST", "CONTROLLER_OAUTH_TOKEN"}
    controller = site.controller
    assert site.changed(*arguments("Registering"), "--check") >= 1 and controller.sent == []
    # Whatever an inventory sets for localhost.
    inventory = tmp_path / "hosts"
    inventory.write_text("localhost ansible_connection=ssh ansible_become=true ansible_python_interpreter=/nowhere/python\n", encoding="utf-8")
    assert site.changed(*arguments("Registering"), "-i", str(inventory)) == 2
    [(_method, _path, sent_type), (_method, _path, sent_template), (_method, survey_path, sent_survey)] = controller.sent
    assert sent_type == {**CREDENTIAL_TYPE, "managed": False}
    template = {name: value for name, value in TEMPLATE.items() if name != "survey_spec"}
    default = controller.get("organizations", "Default")["id"]
    [project] = [record["id"] for record in controller.records["projects"].values() if (record["name"], record["organization"]) == ("DCS", default)]
    assert sent_template == {**template, "organization": default, "inventory": controller.get("inventories", "Demo Inventory")["id"], "project": project}
    assert survey_path.endswith("/survey_spec/") and sent_survey == TEMPLATE["survey_spec"]
    controller.sent.clear()
    assert site.changed(*arguments("Registering")) == 0 and controller.sent == []


def test_names_of_its_own(site: Site, tmp_path: Path) -> None:
    controller = site.controller
    (tmp_path / "shanghai.yml").write_text(BLOCKS["shanghai.yml"], encoding="utf-8")
    options = [argument.replace("@", f"@{tmp_path}/") for argument in arguments("Registering with names of your own")]
    assert site.changed(*options) == 2
    template = controller.get("job_templates", "Cancel resizes in Shanghai")
    assert (template["playbook"], template["description"]) == ("playbooks/freeze.yml", "Only during a change freeze")
    assert template["organization"] == controller.get("organizations", "Operations")["id"]
    assert template["execution_environment"] == controller.get("execution_environments", "dcs-ee")["id"]
    assert controller.attached[template["id"]] == [controller.get("credentials", "dcs-shanghai")["id"]]
    assert site.changed(*options) == 0
    assert [record["name"] for record in controller.records["credential_types"].values()] == [CREDENTIAL_TYPE["name"]]


def test_no_credential_is_replaced(site: Site) -> None:
    controller = site.controller
    assert site.changed() == 2 and site.changed(*arguments("Registering with the credential")) == 1
    template = controller.get("job_templates", NAME)
    production = controller.get("credentials", "dcs-production")["id"]
    assert controller.attached[template["id"]] == [production]
    assert site.changed(*arguments("Registering with the credential")) == 0
    controller.sent.clear()
    refusal = site.refusal("-e", "dcs_credential=dcs-shanghai")
    assert refusal == (
        f"The job template '{NAME}' already has another credential: dcs-production. To register a second job template for 'dcs-shanghai', set "
        "dcs_job_template to another name. To use this credential instead, first remove the other one from the job template in the controller."
    )
    assert controller.sent == [] and controller.attached[template["id"]] == [production]
    assert site.changed() == 0, "without a credential, those that the template has stay"


def test_project_without_the_playbook(site: Site) -> None:
    for options, playbook in (("dcs_project=new", "cancel_resizes.yml"), ("dcs_playbook=playbooks/other.yml", "playbooks/other.yml")):
        refusal = site.refusal("-e", options)
        assert "Playbook not found for project" in refusal and f"has no playbook '{playbook}', or has not been synchronized" in refusal
        assert "set dcs_playbook" in refusal and "scope" not in refusal
    assert site.changed() == 1
    # The same for an existing template, which the module reports differently.
    assert "has no playbook 'playbooks/other.yml'" in site.refusal("-e", "dcs_playbook=playbooks/other.yml")


def test_credential_type_in_use(site: Site) -> None:
    controller = site.controller
    old = copy.deepcopy(CREDENTIAL_TYPE)
    old["inputs"]["fields"].pop()
    old["injectors"]["env"].pop("HW_INSECURE")
    number = controller.add("credential_types", **old, managed=False)
    controller.add("credentials", name="in use", credential_type=number)
    refusal = site.refusal()
    assert f"The credential type '{CREDENTIAL_TYPE['name']}' exists and differs from the one in this collection." in refusal
    assert "set dcs_credential_type to another name" in refusal
    assert site.changed("-e", "dcs_credential_type='Huawei Cloud DCS 2'") == 2
    # The injectors of a type in use may be changed.
    controller.records["credential_types"][number].update(copy.deepcopy(CREDENTIAL_TYPE), injectors=old["injectors"])
    assert site.changed() == 1
    assert controller.records["credential_types"][number]["injectors"] == CREDENTIAL_TYPE["injectors"]


def test_tokens(site: Site) -> None:
    for token in ("read-token", "operator-token"):
        refusal = site.refusal(CONTROLLER_OAUTH_TOKEN=token)
        assert 'The token needs the scope "write", and only a system administrator may add or change credential types.' in refusal
    assert "CONTROLLER_OAUTH_TOKEN: the token is missing, wrong, or expired" in site.refusal(CONTROLLER_OAUTH_TOKEN="of another controller")
    assert site.controller.records["credential_types"] == {}
    # Once an administrator has registered the type, others can register the template.
    number = site.controller.add("credential_types", **CREDENTIAL_TYPE, managed=False)
    run = site.run(CONTROLLER_OAUTH_TOKEN="operator-token")
    assert run.code == 0 and run.stats["localhost"]["changed"] == 1, run.output
    assert list(site.controller.records["credential_types"]) == [number]


def test_names_that_the_controller_does_not_know(site: Site) -> None:
    for variable in ("organization", "project", "inventory", "credential", "execution_environment"):
        refusal = site.refusal("-e", f"dcs_{variable}=nowhere")
        assert "nowhere" in refusal and "Create it in the controller first, or set dcs_organization" in refusal


def test_an_empty_name_replaces_nothing(site: Site) -> None:
    """A query without a name finds the only existing object, which belongs to someone else."""
    site.controller.add("job_templates", name="Not ours", organization=site.controller.get("organizations", "Default")["id"])
    given = {"dcs_job_template": "", "dcs_credential_type": " ", "dcs_project": None}
    assert site.refusal("-e", json.dumps(given)).startswith("dcs_project, dcs_job_template, dcs_credential_type must not be empty")
    assert site.controller.sent == []


def test_launch(site: Site) -> None:
    controller = site.controller
    assert site.changed() == 2

    def launch(**changes: Any) -> Run:
        [play] = yaml.safe_load(BLOCKS["Launching the job template from a playbook"])
        play["tasks"][0]["awx.awx.job_launch"].update(changes)
        return run_playbook([play], environment=site.environment)

    run = launch()
    assert run.code == 0, run.output
    [(variables, prompts)] = controller.launched
    assert prompts == {"job_type": "check"}
    assert variables == {**kit.survey_answers(), "resize_cancel_all_pending": "true", "resize_cancel_max": 20}
    # The wording is that of the guide's troubleshooting section.
    assert "``Value ... for 'resize_cancel_...' expected to be ...``" in kit.GUIDE.read_text(encoding="utf-8")
    for answer, reason in (
        ({"resize_cancel_max": "20"}, "Value 20 for 'resize_cancel_max' expected to be an integer."),
        ({"resize_cancel_all_pending": True}, "Value True for 'resize_cancel_all_pending' expected to be one of ['false', 'true']."),
        ({"resize_cancel_tags": {"env": "prod"}}, "for 'resize_cancel_tags' expected to be a string."),
    ):
        refused = launch(extra_vars=answer)
        assert refused.code == 2 and reason in refused.output and len(controller.launched) == 1


def test_variables_are_documented() -> None:
    [play] = yaml.safe_load((kit.ROOT / "playbooks" / "register_awx.yml").read_text(encoding="utf-8"))
    documented = dict(re.findall(r"   \* - ``(dcs_\w+)``\n     - (.*)\n", kit.GUIDE.read_text(encoding="utf-8")))
    assert {name for name in play["vars"] if name.startswith("dcs_")} | {"dcs_credential", "dcs_execution_environment"} == set(documented)
    defaults = {
        **play["vars"], "dcs_playbook": TEMPLATE["playbook"], "dcs_job_template": NAME, "dcs_description": TEMPLATE["description"],
        "dcs_credential_type": CREDENTIAL_TYPE["name"],
    }
    assert {name: value.strip("`") for name, value in documented.items() if value.startswith("`")} == {
        name: value for name, value in defaults.items() if name.startswith("dcs_")
    }
