# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files for AWX: jobs of the job template with ansible-runner, the execution environments, the audit query, and the guide."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox
import jq
import kit
import pytest
import trustme
import yaml
from controller_rules import PLAYBOOK
from playbook import ansible_environment
from simulator.client import Simulator

BLOCKS = kit.guide_blocks()
# Which test runs which block of the guide.
TESTED = {
    "execution-environment.yml": "test_execution_environment",
    "execution-environment-aap.yml": "test_execution_environment",
    "Installing ansible-builder": "test_what_is_installed",
    "Building the execution environment": "test_execution_environment",
    "collections/requirements.yml": "test_execution_environment",
    "Adding the collection to the repository": "test_collection_in_the_repository",
    "cancel_resizes.yml": "project",
    "Installing the collections": "test_what_is_installed",
    "Registering": "test_register_awx.test_registration",
    "Registering with the credential": "test_register_awx.test_no_credential_is_replaced",
    "shanghai.yml": "test_register_awx.test_names_of_its_own",
    "Registering with names of your own": "test_register_awx.test_names_of_its_own",
    "The artifact": "test_job_changes_then_does_not",
    "Launching the job template from a playbook": "test_register_awx.test_launch",
    "report.yml": "test_workflow",
    "Extra variables of a job template that retries": "test_retry",
    "list_resizes.yml": "test_approval",
    "Extra variables of a job template that cancels what was approved": "test_approval",
    "Extra variables of a job template that cancels what was approved on several hosts": "test_approval_on_several_hosts",
    "Message of a notification template": "test_notification",
    "inventory/projects.yml": "test_several_projects",
    "Extra variables of a job template for several projects": "test_several_projects",
    "inventory/dcs.ini": "test_slices",
    "Extra variables of a sliced job template": "test_slices",
}


PLAYBOOKS = ("cancel_resizes.yml", "list_resizes.yml", "report.yml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A private data folder with the project of the guide."""
    (tmp_path / "project").mkdir()
    for caption in PLAYBOOKS:
        (tmp_path / "project" / caption).write_text(BLOCKS[caption], encoding="utf-8")
    return tmp_path


def credential(cloud: Simulator, project: Path, **inputs: str) -> dict[str, str]:
    """The environment that the shipped credential type injects for a credential for the simulated cloud."""
    keys = cloud.environment()
    given = {
        "access_key": keys["HW_ACCESS_KEY"], "secret_key": keys["HW_SECRET_KEY"], "region": keys["HW_REGION_NAME"], "project_name": "",
        "endpoint": keys["HW_DCS_ENDPOINT"], "auth_url": keys["HW_AUTH_URL"],
    }
    return kit.inject(kit.load("credential_type.yml"), {**given, **inputs}, project)


def counts(summary: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: value for name, value in summary.items() if isinstance(value, int) and not isinstance(value, bool) and value}


def test_every_block_of_the_guide_is_tested() -> None:
    assert set(BLOCKS) == set(TESTED)
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert [test for test in TESTED.values() if f"def {test.rpartition('.')[2]}(" not in tests] == []


def test_controller_finds_the_playbooks() -> None:
    assert [caption for caption in PLAYBOOKS if not PLAYBOOK.search(BLOCKS[caption])] == []


def test_job_changes_then_does_not(cloud: Simulator, project: Path, installed: Path) -> None:
    documented = json.loads(BLOCKS["The artifact"])["resize_cancel_summary"]
    [record] = documented["record"]
    resize = cloud.schedule(record["instance_id"])
    documented["record"] = [{**record, "task_id": resize["task_id"]}]
    # Cleared answers, and a line break as browsers send it.
    answers = kit.survey_answers(instances=f"{record['instance_id']}\r\n", instance_name="", tags="", exclude="")
    checked, first, second = (
        kit.run_job(project, "cancel_resizes.yml", collections=installed, environment=credential(cloud, project), launch_vars=answers, check=check)
        for check in (True, False, False)
    )
    assert [(job.status, job.recap) for job in (checked, first, second)] == [("successful", (1, 0)), ("successful", (1, 0)), ("successful", (0, 0))]
    # The task list of an instance does not contain its name.
    documented["record"][0]["instance_name"] = None
    assert checked.artifact == {**documented, "check_mode": True}
    assert first.artifact == documented
    assert second.artifact == {**documented, "changed": False, "cancelled": 0, "absent": 1, "cancelled_instance_ids": [], "record": []}
    assert {type(value) for value in first.artifact.values()} == {bool, int, list}
    assert len(cloud.effective_cancels()) == 1
    shown = json.dumps([job.events for job in (checked, first, second)]) + checked.stdout + first.stdout + second.stdout
    assert cloud.environment()["HW_SECRET_KEY"] not in shown and "SDK-HMAC-SHA256" not in shown


def test_job_for_the_whole_project_and_unanswered_survey(cloud: Simulator, project: Path, installed: Path) -> None:
    cloud.schedule(instance={"name": "cache-1", "tags": {"env": "prod", "team": "shop"}})
    cloud.schedule(instance={"name": "cache-2", "tags": {"env": "prod", "team": "shop"}})
    cloud.schedule(instance={"name": "cache-3", "tags": {"env": "test", "team": "shop"}})
    cloud.schedule()
    run = {"collections": installed, "environment": credential(cloud, project)}
    nothing = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(), **run)
    assert (nothing.status, nothing.recap, counts(nothing.artifact)) == ("failed", (0, 1), {}) and "resize_cancel_all_pending=true" in nothing.stdout
    limited = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true", max=1), **run)
    assert (limited.status, counts(limited.artifact)) == ("failed", {}) and cloud.requests(kind="cancel") == []
    answers = kit.survey_answers(all_pending="true", instance_name="cache", tags="env=prod, team=shop", exclude="cache-2\r\n", max=1)
    narrowed = kit.run_job(project, "cancel_resizes.yml", launch_vars=answers, **run)
    assert (narrowed.status, counts(narrowed.artifact)) == ("successful", {"cancelled": 1})
    assert [record["instance_name"] for record in narrowed.artifact["record"]] == ["cache-1"]


def test_private_ca(project: Path, installed: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(files[0])
    certificate.private_key_pem.write_to_path(files[1])
    with Simulator(tls_cert=files[0], tls_key=files[1]) as cloud:
        cloud.schedule()
        answers = kit.survey_answers(all_pending="true")
        run = {"collections": installed, "launch_vars": answers}
        distrusted = kit.run_job(project, "cancel_resizes.yml", environment=credential(cloud, project), **run)
        assert distrusted.status == "failed" and "certificate is not trusted" in distrusted.stdout and cloud.effective_cancels() == []
        # Line breaks may be those that browsers send.
        pem = authority.cert_pem.bytes().decode().replace("\n", "\r\n")
        trusted = kit.run_job(project, "cancel_resizes.yml", environment=credential(cloud, project, ca_cert=pem), **run)
        assert (trusted.status, counts(trusted.artifact)) == ("successful", {"cancelled": 1})


def test_limit_without_localhost(cloud: Simulator, project: Path, installed: Path) -> None:
    cloud.schedule()
    job = kit.run_job(
        project, "cancel_resizes.yml", collections=installed, environment=credential(cloud, project), launch_vars=kit.survey_answers(all_pending="true"),
        inventory="elsewhere\n", options="--limit elsewhere",
    )
    assert job.status == "successful" and "skipping: no hosts matched" in job.stdout and cloud.requests() == []


def audited(job: kit.Job, queries: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """The nodes that the audit query finds in the events of a job."""
    events = [event["event_data"] for event in job.events if event["event"].startswith("runner_on_") and "res" in event["event_data"]]
    return [
        node for event in events if event.get("resolved_action") in queries
        for node in jq.compile(queries[event["resolved_action"]]["query"]).input_value(event["res"]).all()
    ]


def test_audit_query_counts_each_instance_once(cloud: Simulator, project: Path, installed: Path) -> None:
    cancelled, broken, gone = (resize["instance_id"] for resize in cloud.schedule_many(3))
    cloud.fault("forbidden", kind="cancel", instance_id=broken)
    cloud.cancel(gone)
    run = {"collections": installed, "environment": credential(cloud, project)}
    jobs = [
        kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(instances=f"{cancelled} {broken} {gone}"), **run),
        kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true"), **run),
    ]
    assert [job.status for job in jobs] == ["failed", "successful"]

    queries = yaml.safe_load((installed / "ansible_collections/huaweicloud/dcs/extensions/audit/event_query.yml").read_text(encoding="utf-8"))
    modules = {file.stem for file in (kit.ROOT / "plugins" / "modules").glob("dcs_*.py")}
    assert set(queries) == {f"huaweicloud.dcs.{module}" for module in modules}
    found = [audited(job, queries) for job in jobs]
    facts = {"infra_type": "PublicCloud", "infra_bucket": "Database", "device_type": "Distributed Cache Service instance"}
    assert found[0] == [{"name": instance_id, "canonical_facts": {"instance_id": instance_id}, "facts": facts} for instance_id in (cancelled, gone)]
    assert [node["name"] for node in found[1]] == [broken, broken], "from the list and from the cancel, with the same canonical facts"
    assert len({json.dumps(node["canonical_facts"]) for node in found[1]}) == 1
    assert [jq.compile(query["query"]).input_value(result).all() for query in queries.values() for result in ({}, {"msg": "MODULE FAILURE"})] == [[]] * 4


def test_workflow(cloud: Simulator, project: Path, installed: Path) -> None:
    broken, late = (resize["instance_id"] for resize in cloud.schedule_many(2))
    cloud.fault("forbidden", kind="cancel", instance_id=broken)
    cloud.start(late)
    run = {"collections": installed, "environment": credential(cloud, project)}
    first = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(instances=f"{broken},{late}"), **run)
    assert (first.status, first.artifact["failed_instance_ids"]) == ("failed", [broken])
    report = kit.run_job(project, "report.yml", launch_vars={"resize_cancel_summary": first.artifact}, **run)
    assert report.status == "failed" and "0 cancelled, 0 not pending, 1 too late, 1 failed, 0 not attempted." in report.stdout
    assert "1 resizes have already started or finished." in report.stdout


def test_retry(cloud: Simulator, project: Path, installed: Path) -> None:
    """A retry cancels what failed and what was not attempted, even after a failure before the first cancel; with nothing to retry, it fails."""
    pending = [resize["instance_id"] for resize in cloud.schedule_many(4)]
    run = {"collections": installed, "environment": credential(cloud, project)}
    retried = {"template_vars": yaml.safe_load(BLOCKS["Extra variables of a job template that retries"]), **run}
    answers = kit.survey_answers(instances="\n".join(pending))
    # The first is cancelled, then the key is revoked.
    cloud.fault("unauthorized", kind="cancel", instance_id=pending[1])
    first = kit.run_job(project, "cancel_resizes.yml", launch_vars=answers, template_vars={"resize_cancel_concurrency": 1}, **run)
    assert first.status == "failed" and counts(first.artifact) == {"cancelled": 1, "failed": 1, "not_attempted": 2}
    retry = kit.run_job(project, "cancel_resizes.yml", launch_vars={"resize_cancel_summary": first.artifact}, **retried)
    assert (retry.status, counts(retry.artifact)) == ("successful", {"cancelled": 3})
    assert sorted(cancel["instance_id"] for cancel in cloud.effective_cancels()) == sorted(pending)

    empty = kit.run_job(project, "cancel_resizes.yml", launch_vars={"resize_cancel_summary": retry.artifact}, **retried)
    assert empty.status == "failed" and "Nothing was cancelled." in empty.stdout
    refused = kit.run_job(project, "cancel_resizes.yml", launch_vars={**answers, "resize_cancel_max": 1}, **run)
    assert (refused.status, refused.artifact["unsettled_instance_ids"]) == ("failed", pending)


def test_approval(cloud: Simulator, project: Path, installed: Path) -> None:
    listed = [resize["instance_id"] for resize in cloud.schedule_many(2)]
    run = {"collections": installed, "environment": credential(cloud, project)}
    listing = kit.run_job(project, "list_resizes.yml", launch_vars={}, **run)
    assert listing.status == "successful" and all(instance_id in listing.stdout for instance_id in listed)
    later = cloud.schedule()["instance_id"]
    template = yaml.safe_load(BLOCKS["Extra variables of a job template that cancels what was approved"])
    job = kit.run_job(project, "cancel_resizes.yml", launch_vars=listing.artifacts, template_vars=template, **run)
    assert (job.status, counts(job.artifact)) == ("successful", {"cancelled": 2})
    assert {cancel["instance_id"] for cancel in cloud.effective_cancels()} == set(listed) and later not in job.artifact["cancelled_instance_ids"]


def test_approval_on_several_hosts(cloud: Simulator, project: Path, installed: Path) -> None:
    inventory = yaml.safe_load(BLOCKS["inventory/projects.yml"])
    ids = {host: connection["resize_cancel_project_id"].replace("x", "0") for host, connection in inventory["all"]["hosts"].items()}
    several = {"resize_cancel_hosts": "all"}
    template = yaml.safe_load(BLOCKS["Extra variables of a job template that cancels what was approved on several hosts"])
    assert template.items() >= several.items()
    with Simulator({"projects": [{"id": project_id, "name": host} for host, project_id in ids.items()]}) as both:
        for host, connection in inventory["all"]["hosts"].items():
            connection["resize_cancel_project_id"] = ids[host]
        waiting = {host: both.schedule(instance={"project_id": project_id})["instance_id"] for host, project_id in ids.items()}
        run = {"collections": installed, "environment": credential(both, project), "inventory": json.dumps(inventory)}
        listing = kit.run_job(project, "list_resizes.yml", launch_vars={}, template_vars=several, **run)
        later = both.schedule(instance={"project_id": ids["beijing"]})["instance_id"]
        job = kit.run_job(project, "cancel_resizes.yml", launch_vars=listing.artifacts, template_vars=template, **run)
        assert (listing.status, job.status) == ("successful", "successful")
        assert {host: part["cancelled_instance_ids"] for host, part in job.artifact["hosts"].items()} == {host: [own] for host, own in waiting.items()}
        assert later not in {cancel["instance_id"] for cancel in both.effective_cancels()}

        both.fault("forbidden", kind="instances")
        assert kit.run_job(project, "list_resizes.yml", launch_vars={}, template_vars=several, **run).status == "failed", "the workflow ends"


def test_what_is_installed() -> None:
    assert kit.commands("Installing ansible-builder") == [["python3", "-m", "pip", "install", "ansible-builder"]]
    [[*install, ours, theirs]] = kit.commands("Installing the collections")
    assert install == ["ansible-galaxy", "collection", "install"]
    play = yaml.safe_load((kit.ROOT / "playbooks" / "register_awx.yml").read_text(encoding="utf-8"))
    assert ours == "huaweicloud.dcs" and f"{theirs}." in json.dumps(play)


def test_notification() -> None:
    template = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.ChainableUndefined).from_string(BLOCKS["Message of a notification template"])
    job = {"id": 7, "status": "successful", "artifacts": json.loads(BLOCKS["The artifact"])}
    said = template.render(job_friendly_name="Job", job=job, url="https://controller.example.com/#/jobs/playbook/7")
    assert " ".join(said.split()) == "Job 7 successful: 1 cancelled, 0 too late, 0 to retry. https://controller.example.com/#/jobs/playbook/7"
    assert "0 to retry" in template.render(job={**job, "status": "canceled", "artifacts": {}})


def test_several_projects(cloud: Simulator, project: Path, installed: Path) -> None:
    cloud.schedule()
    inventory = yaml.safe_load(BLOCKS["inventory/projects.yml"])
    beijing, shanghai = inventory["all"]["hosts"].values()
    assert set(beijing) == set(shanghai) == {"resize_cancel_region", "resize_cancel_project_id"}
    beijing["resize_cancel_project_id"] = cloud.environment()["HW_PROJECT_ID"]
    template = yaml.safe_load(BLOCKS["Extra variables of a job template for several projects"])
    job = kit.run_job(
        project, "cancel_resizes.yml", collections=installed, environment=credential(cloud, project), inventory=json.dumps(inventory),
        launch_vars=kit.survey_answers(all_pending="true"), template_vars=template,
    )
    # The key of the simulated cloud has no access to the second project.
    assert (job.status, job.artifact["cancelled"]) == ("failed", 1)
    assert {host: part["cancelled"] for host, part in job.artifact["hosts"].items()} == {"beijing": 1, "shanghai": 0}


def test_size(cloud: Simulator, project: Path, installed: Path) -> None:
    """The controller drops large results, never the artifact."""
    pending = [resize["instance_id"] for resize in cloud.schedule_many(900)]
    run = {"collections": installed, "environment": credential(cloud, project)}
    queries = yaml.safe_load((installed / "ansible_collections/huaweicloud/dcs/extensions/audit/event_query.yml").read_text(encoding="utf-8"))
    checked = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(instances="\n".join(pending), max=900), check=True, **run)
    assert checked.artifact["cancelled_instance_ids"] == pending and audited(checked, queries) == []
    job = kit.run_job(project, "cancel_resizes.yml", launch_vars=kit.survey_answers(all_pending="true", max=900), **run)
    assert sorted(job.artifact["cancelled_instance_ids"]) == sorted(pending) and len(job.artifact["record"]) == 900
    assert sorted(node["name"] for node in audited(job, queries)) == sorted(pending), "from the outcomes; the list was dropped"


def test_slices(cloud: Simulator, project: Path, installed: Path) -> None:
    group, *hosts = BLOCKS["inventory/dcs.ini"].split()
    for host in hosts:
        cloud.schedule(host)
    template = yaml.safe_load(BLOCKS["Extra variables of a sliced job template"])
    slices = [
        kit.run_job(
            project, "cancel_resizes.yml", collections=installed, environment=credential(cloud, project), launch_vars={}, template_vars=template,
            inventory=inventory,
        )
        for inventory in (*(f"{group}\n{host}\n" for host in hosts), "")
    ]
    assert [(job.status, counts(job.artifact)) for job in slices] == [("successful", {"cancelled": 1})] * len(hosts) + [("successful", {})]
    assert [cancel["instance_id"] for cancel in cloud.effective_cancels()] == hosts
    assert len(cloud.requests(kind="cancel")) == len(hosts)


def test_collection_in_the_repository(installed: Path, project: Path) -> None:
    """Ansible finds it there, and no other one exists."""
    [[*install, tarball, place, folder, force]] = kit.commands("Adding the collection to the repository")
    environment = ansible_environment(project, {"ANSIBLE_COLLECTIONS_PATH": str(project / "none")})
    for command in ([*install, "--offline", str(installed / tarball), place, folder, force], ["ansible-playbook", "--syntax-check", "cancel_resizes.yml"]):
        subprocess.run(command, cwd=project / "project", env=environment, check=True, stdout=subprocess.PIPE)


def test_execution_environment(installed: Path, tmp_path: Path) -> None:
    environment = ansible_environment(tmp_path, {})
    builder = [sys.executable, "-m", "ansible_builder"]
    introspected = subprocess.run([*builder, "introspect", str(installed)], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    [requirement] = yaml.safe_load(introspected)["python"]
    assert requirement.startswith("requests>=2.25.1") and "huaweicloud.dcs" in requirement

    [[program, action, *options], [*push, image]] = kit.commands("Building the execution environment")
    assert (program, action, push, image) == ("ansible-builder", "build", ["podman", "push"], options[-1])
    for file, base in (
        ("execution-environment.yml", "quay.io/centos/centos:stream9"),
        ("execution-environment-aap.yml", "registry.redhat.io/ansible-automation-platform-25/ee-minimal-rhel9:latest"),
    ):
        shipped = installed / "ansible_collections/huaweicloud/dcs/extensions/awx" / file
        assert yaml.safe_load(BLOCKS[file]) == yaml.safe_load(shipped.read_text(encoding="utf-8"))
        (tmp_path / file).write_text(BLOCKS[file], encoding="utf-8")
        create = ["create", "--file", file, "--context", "context", "--output-filename", "Containerfile"]
        subprocess.run([*builder, *create], cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE)
        recipe = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
        managed_by_microdnf = 'ARG PKGMGR="/usr/bin/microdnf"' in recipe
        assert base in recipe and managed_by_microdnf is ("aap" in file) and ("python3.12" in recipe) is not managed_by_microdnf
        requirements = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
        assert requirements == yaml.safe_load(BLOCKS["collections/requirements.yml"])
