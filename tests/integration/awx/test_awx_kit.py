# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kit for AWX: the job template's jobs through ansible-runner, its registration, the execution environment, the audit query, and the guide."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jq
import kit
import pytest
import yaml
from controller import Controller, Refused, check_credential_type, check_survey
from playbook import ansible_environment, run_playbook
from simulator.client import Simulator

BLOCKS = kit.guide_blocks()
# Which test runs which block of the guide.
TESTED = {
    "execution-environment.yml": "test_execution_environment",
    "Building the execution environment": "test_execution_environment",
    "collections/requirements.yml": "test_execution_environment",
    "cancel_resizes.yml": "project",
    "Registering": "test_registration",
    "Registering with names of your own": "test_registration",
    "The artifact": "test_job_changes_then_does_not",
    "report.yml": "test_workflow",
    "Extra variables of a template that tries again": "test_workflow",
    "inventory/dcs.ini": "test_slices",
    "Extra variables of a sliced template": "test_slices",
}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as users have it: built, and installed from the tarball."""
    folder = tmp_path_factory.mktemp("installed")
    environment = ansible_environment(folder, {"ANSIBLE_COLLECTIONS_PATH": str(folder)})
    subprocess.run(["ansible-galaxy", "collection", "build", str(kit.ROOT), "--output-path", str(folder)], env=environment, check=True, stdout=subprocess.PIPE)
    [tarball] = folder.glob("huaweicloud-dcs-*.tar.gz")
    subprocess.run(["ansible-galaxy", "collection", "install", "--offline", str(tarball)], env=environment, check=True, stdout=subprocess.PIPE)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A private data folder with the project of the guide."""
    (tmp_path / "project").mkdir()
    for caption in ("cancel_resizes.yml", "report.yml"):
        (tmp_path / "project" / caption).write_text(BLOCKS[caption], encoding="utf-8")
    return tmp_path


def credential(cloud: Simulator) -> dict[str, str]:
    """The environment that the shipped credential type makes of a credential for the simulated cloud."""
    keys = cloud.environment()
    inputs = {
        "access_key": keys["HW_ACCESS_KEY"], "secret_key": keys["HW_SECRET_KEY"], "region": keys["HW_REGION_NAME"], "project_name": "",
        "endpoint": keys["HW_DCS_ENDPOINT"], "auth_url": keys["HW_AUTH_URL"],
    }
    return kit.inject(kit.load("credential_type.yml"), inputs)


def counts(summary: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: value for name, value in summary.items() if isinstance(value, int) and not isinstance(value, bool) and value}


def test_every_block_of_the_guide_is_tested() -> None:
    assert set(BLOCKS) == set(TESTED)
    assert [test for test in TESTED.values() if test not in globals()] == []


def test_credential_type() -> None:
    credential_type = kit.load("credential_type.yml")
    check_credential_type(credential_type)
    secret = {field["id"] for field in credential_type["inputs"]["fields"] if field.get("secret")}
    assert secret == {"secret_key", "security_token", "token"}
    assert {name for name in credential_type["injectors"]["env"] if not name.startswith("HW_")} == set()
    assert kit.inject(credential_type, {"region": "cn-north-4"}) == {
        **dict.fromkeys(credential_type["injectors"]["env"], ""), "HW_REGION_NAME": "cn-north-4", "HW_INSECURE": "False",
    }
    with pytest.raises(Refused, match="ANSIBLE_"):
        check_credential_type({**credential_type, "injectors": {"env": {"ANSIBLE_HWC_KEY": "{{ access_key }}"}}})
    with pytest.raises(Refused, match="undefined field"):
        check_credential_type({**credential_type, "injectors": {"env": {"HW_ACCESS_KEY": "{{ acess_key }}"}}})


def test_survey_asks_for_variables_of_the_role() -> None:
    survey = kit.load("job_template.yml")["survey_spec"]
    check_survey(survey)
    specs = yaml.safe_load((kit.ROOT / "roles" / "resize_cancel" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    assert {question["variable"] for question in survey["spec"]} <= set(specs["argument_specs"]["main"]["options"])
    guide = kit.GUIDE.read_text(encoding="utf-8")
    assert [question["question_name"] for question in survey["spec"] if f"* - {question['question_name']}\n" not in guide] == []


def test_job_changes_then_does_not(cloud: Simulator, project: Path, installed: Path) -> None:
    waiting = [resize["instance_id"] for resize in cloud.schedule_many(2)]
    answers = kit.survey_answers(instances="\r\n".join(waiting), instance_name="", max="")
    checked, first, second = (
        kit.run_job(project, "cancel_resizes.yml", collections=installed, environment=credential(cloud), launch_vars=answers, check=check)
        for check in (True, False, False)
    )
    assert [(job.status, job.recap) for job in (checked, first, second)] == [("successful", (1, 0)), ("successful", (1, 0)), ("successful", (0, 0))]
    documented = json.loads(BLOCKS["The artifact"])["resize_cancel_summary"]
    assert checked.artifact == {**documented, "check_mode": True}
    assert first.artifact == documented
    assert second.artifact == {**documented, "changed": False, "cancelled": 0, "absent": 2}
    assert len(cloud.effective_cancels()) == 2
    assert {type(value) for name, value in first.artifact.items() if name not in ("changed", "check_mode", "failed_instance_ids")} == {int}
    shown = json.dumps([job.events for job in (checked, first, second)]) + checked.stdout + first.stdout + second.stdout
    assert cloud.environment()["HW_SECRET_KEY"] not in shown and "SDK-HMAC-SHA256" not in shown


def test_job_for_the_whole_project_and_unanswered_survey(cloud: Simulator, project: Path, installed: Path) -> None:
    cloud.schedule(instance={"name": "cache-1"})
    cloud.schedule()
    run = {"collections": installed, "environment": credential(cloud)}
    nothing = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(), **run)
    assert (nothing.status, nothing.recap, counts(nothing.artifact)) == ("failed", (0, 1), {}) and "Say what to cancel" in nothing.stdout
    limited = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true", max=1), **run)
    assert (limited.status, counts(limited.artifact)) == ("failed", {}) and cloud.requests(kind="cancel") == []
    named = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true", instance_name="cache", max=1), **run)
    assert (named.status, counts(named.artifact)) == ("successful", {"cancelled": 1})


def test_audit_query_counts_each_instance_once(cloud: Simulator, project: Path, installed: Path) -> None:
    cancelled, broken, gone = (resize["instance_id"] for resize in cloud.schedule_many(3))
    cloud.fault("forbidden", kind="cancel", instance_id=broken)
    cloud.cancel(gone)
    run = {"collections": installed, "environment": credential(cloud)}
    jobs = [
        kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(instances=f"{cancelled} {broken} {gone}"), **run),
        kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true"), **run),
    ]
    assert [job.status for job in jobs] == ["failed", "successful"]

    queries = yaml.safe_load((installed / "ansible_collections/huaweicloud/dcs/extensions/audit/event_query.yml").read_text(encoding="utf-8"))
    modules = {file.stem for file in (kit.ROOT / "plugins" / "modules").glob("dcs_*.py")}
    assert set(queries) == {f"huaweicloud.dcs.{module}" for module in modules}
    found: list[list[dict[str, Any]]] = []
    for job in jobs:
        events = [event["event_data"] for event in job.events if event["event"].startswith("runner_on_") and "res" in event["event_data"]]
        found.append([
            node for event in events if event.get("resolved_action") in queries
            for node in jq.compile(queries[event["resolved_action"]]["query"]).input_value(event["res"]).all()
        ])
    facts = {"infra_type": "PublicCloud", "infra_bucket": "Database", "device_type": "Distributed Cache Service instance"}
    assert found[0] == [{"name": instance_id, "canonical_facts": {"instance_id": instance_id}, "facts": facts} for instance_id in (cancelled, gone)]
    assert [node["name"] for node in found[1]] == [broken, broken], "from the list and from the cancel, with the same canonical facts"
    assert len({json.dumps(node["canonical_facts"]) for node in found[1]}) == 1
    assert [jq.compile(query["query"]).input_value(result).all() for query in queries.values() for result in ({}, {"msg": "MODULE FAILURE"})] == [[]] * 4


def test_workflow(cloud: Simulator, project: Path, installed: Path) -> None:
    broken, late = (resize["instance_id"] for resize in cloud.schedule_many(2))
    cloud.fault("forbidden", kind="cancel", instance_id=broken)
    cloud.start(late)
    run = {"collections": installed, "environment": credential(cloud)}
    first = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(instances=f"{broken},{late}"), **run)
    artifact = {"resize_cancel_summary": first.artifact}
    assert (first.status, first.artifact["failed_instance_ids"]) == ("failed", [broken])
    report = kit.run_job(project, "report.yml", launch_vars=artifact, **run)
    assert report.status == "failed" and "0 cancelled, 0 not waiting, 1 too late, 1 failed." in report.stdout
    assert "1 resizes are being carried out already, or have been." in report.stdout
    again = yaml.safe_load(BLOCKS["Extra variables of a template that tries again"])
    retry = kit.run_job(project, "cancel_resizes.yml", launch_vars=artifact, template_vars=again, **run)
    assert (retry.status, counts(retry.artifact)) == ("successful", {"cancelled": 1})


def test_slices(cloud: Simulator, project: Path, installed: Path) -> None:
    group, *hosts = BLOCKS["inventory/dcs.ini"].split()
    for host in hosts:
        cloud.schedule(host)
    template = yaml.safe_load(BLOCKS["Extra variables of a sliced template"])
    slices = [
        kit.run_job(
            project, "cancel_resizes.yml", collections=installed, environment=credential(cloud), launch_vars={}, template_vars=template, inventory=inventory
        )
        for inventory in (*(f"{group}\n{host}\n" for host in hosts), "")
    ]
    assert [(job.status, counts(job.artifact)) for job in slices] == [("successful", {"cancelled": 1})] * len(hosts) + [("successful", {})]
    assert [cancel["instance_id"] for cancel in cloud.effective_cancels()] == hosts
    assert len(cloud.requests(kind="cancel")) == len(hosts)


def commands(caption: str) -> list[list[str]]:
    """The commands of a block of the guide, without those that set variables."""
    lines = BLOCKS[caption].replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("export ")]


def test_registration(installed: Path, surroundings: dict[str, str]) -> None:
    downloads = kit.ROOT / ".build" / "cache" / "awx"
    downloads.mkdir(parents=True, exist_ok=True)
    exported = dict(line.removeprefix("export ").split("=", 1) for line in BLOCKS["Registering"].splitlines() if line.startswith("export "))
    assert set(exported) == {"CONTROLLER_HOST", "CONTROLLER_OAUTH_TOKEN"}
    with Controller() as controller:
        prepared = {"organizations": "Default", "inventories": "Demo Inventory", "execution_environments": "dcs-ee", "credentials": "dcs-production"}
        for kind, name in prepared.items():
            controller.add(kind, name=name)
        own = controller.add("organizations", name="Operations")
        for organization in (controller.get("organizations", "Default")["id"], own):
            controller.add("projects", name="DCS", organization=organization)
        environment = {
            "CONTROLLER_HOST": controller.host, "CONTROLLER_OAUTH_TOKEN": "controller-token",
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, (installed, kit.awx_collection(downloads, surroundings)))),
        }

        def register(caption: str, *arguments: str) -> int:
            """Register as a block of the guide says; how many tasks changed something."""
            [[program, *rest]] = commands(caption)
            assert program == "ansible-playbook"
            run = run_playbook(*rest, *arguments, environment=environment)
            assert run.code == 0, run.output
            return run.stats["localhost"]["changed"]

        assert register("Registering", "--check") >= 1 and controller.sent == []
        assert register("Registering") == 2
        credential_type, template = kit.load("credential_type.yml"), kit.load("job_template.yml")
        [(_method, _path, sent_type), (_method, _path, sent_template), (_method, survey_path, sent_survey)] = controller.sent
        assert sent_type == {**credential_type, "managed": False}
        survey = template.pop("survey_spec")
        assert sent_template == {
            **template, "organization": controller.get("organizations", "Default")["id"], "inventory": controller.get("inventories", "Demo Inventory")["id"],
            "project": next(record["id"] for record in controller.records["projects"].values() if record["organization"] != own),
        }
        assert survey_path.endswith("/survey_spec/") and sent_survey == survey

        controller.sent.clear()
        assert register("Registering") == 0 and controller.sent == []
        assert register("Registering with names of your own") == 1
        [(method, _path, created), (_method, attached_to, attached), *_survey] = controller.sent
        assert (method, created["organization"], created["execution_environment"]) == ("POST", own, controller.get("execution_environments", "dcs-ee")["id"])
        assert attached_to.endswith("/credentials/") and attached == {"id": controller.get("credentials", "dcs-production")["id"]}


def test_execution_environment(installed: Path, tmp_path: Path) -> None:
    environment = ansible_environment(tmp_path, {})
    builder = [sys.executable, "-m", "ansible_builder"]
    introspected = subprocess.run([*builder, "introspect", str(installed)], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    [requirement] = yaml.safe_load(introspected)["python"]
    assert requirement.startswith("requests>=2.25.1") and "huaweicloud.dcs" in requirement

    shipped = installed / "ansible_collections/huaweicloud/dcs/extensions/awx/execution-environment.yml"
    assert yaml.safe_load(BLOCKS["execution-environment.yml"]) == yaml.safe_load(shipped.read_text(encoding="utf-8"))
    [[program, action, _file, file, _tag, _image]] = commands("Building the execution environment")
    assert (program, action) == ("ansible-builder", "build")
    (tmp_path / file).write_text(BLOCKS["execution-environment.yml"], encoding="utf-8")
    create = ["create", "--file", file, "--context", "context", "--output-filename", "Containerfile"]
    subprocess.run([*builder, *create], cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE)
    recipe = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    assert "quay.io/centos/centos:stream9" in recipe and "python3.12" in recipe
    requirements = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert requirements == yaml.safe_load(BLOCKS["collections/requirements.yml"])
