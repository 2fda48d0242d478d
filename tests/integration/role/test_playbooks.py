# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks of the collection: a complete change freeze, several hosts, unusual inventories, and what remains when a job is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbook import Run, ansible_environment, run_playbook
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator
from waiting import wait_until

CANCEL = "huaweicloud.dcs.cancel_resizes"
LIST = "huaweicloud.dcs.list_resizes"
COUNTS = ("cancelled", "absent", "too_late", "failed", "not_attempted")
#: The expression for a retry in the role's documentation.
RETRY = yaml.safe_load(
    (Path(__file__).resolve().parents[3] / "roles" / "resize_cancel" / "README.md").read_text(encoding="utf-8").split("## Retry")[1].split("```")[1][4:]
)[0]["vars"]


def published(run: Run, name: str) -> dict[str, Any]:
    """The artifact with this name as AWX stores it: what all hosts published, one after the other."""
    artifact: dict[str, Any] = {}
    for entry in run.results:
        data = entry["result"].get("ansible_stats", {}).get("data", {})
        if name in data:
            # As with set_stats, mappings are merged and everything else is replaced.
            artifact = {**artifact, **data[name], **({"hosts": {**artifact.get("hosts", {}), **data[name]["hosts"]}} if "hosts" in data[name] else {})}
    return artifact


def counts(artifact: dict[str, Any]) -> dict[str, int]:
    return {name: artifact[name] for name in COUNTS if artifact[name]}


def ids(resizes: list[dict[str, Any]]) -> list[str]:
    return [resize["instance_id"] for resize in resizes]


def pending(cloud: Simulator) -> list[str]:
    """The instances on which a resize is really pending."""
    instances = cloud.state()["instances"]
    return sorted(instance_id for instance_id, instance in instances.items() if any(task["state"] == "waiting" for task in instance["tasks"].values()))


INVENTORIES = {
    "ssh, become and an interpreter": {
        "ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-o ConnectTimeout=1",
        "ansible_become": True, "ansible_become_method": "sudo", "ansible_become_exe": "/nowhere/sudo", "ansible_become_user": "nobody",
        "ansible_python_interpreter": "/nowhere/python3",
    },
    "winrm": {"ansible_connection": "winrm", "ansible_shell_type": "powershell"},
    "network_cli": {"ansible_connection": "network_cli", "ansible_network_os": "ios"},
    "discovery": {},
}


@pytest.mark.parametrize("kind", INVENTORIES)
def test_playbooks_run_here_whatever_the_inventory_says_of_localhost(cloud: Simulator, tmp_path: Path, kind: str) -> None:
    [waiting] = ids(cloud.schedule_many(1))
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"vars": INVENTORIES[kind], "hosts": {"localhost": INVENTORIES[kind]}}}), encoding="utf-8")
    environment = {**cloud.environment(), "ANSIBLE_PYTHON_INTERPRETER": "auto"}
    listed = run_playbook(LIST, "-i", str(inventory), environment=environment)
    assert listed.code == 0, listed.output
    assert ids(published(listed, "resize_list")["resizes"]) == [waiting]
    record = tmp_path / "record.json"
    run = run_playbook(CANCEL, "-i", str(inventory), "-e", f"resize_cancel_all_pending=true resize_cancel_record={record}", environment=environment)
    assert run.code == 0, run.output
    assert counts(published(run, "resize_cancel_summary")) == {"cancelled": 1}
    assert [(row["instance_id"], row["outcome"]) for row in json.loads(record.read_text(encoding="utf-8"))] == [(waiting, "cancelled")]
    assert record.stat().st_mode & 0o777 == 0o600


PROJECTS = [
    {"id": "0123456789abcdef0123456789abcdef", "name": "cn-north-4"},
    {"id": "123456789abcdef0123456789abcdef0", "name": "cn-north-4_caches"},
    {"id": "23456789abcdef0123456789abcdef01", "name": "cn-east-3"},
]
OTHER = {"access_key": "AKOTHER0000000000001", "secret_key": "SKother000000000000000000000000000000other"}


def test_hosts_are_projects_regions_and_accounts(tmp_path: Path) -> None:
    first = vars(DEFAULT_ACCOUNTS[0])
    accounts = [
        {"access_key": first["access_key"], "secret_key": first["secret_key"], "projects": [PROJECTS[0]["id"], PROJECTS[1]["id"]]},
        {**OTHER, "projects": [PROJECTS[2]["id"]]},
    ]
    with Simulator({"projects": PROJECTS, "accounts": accounts}) as cloud:
        waiting = {project["name"]: [cloud.schedule(instance={"project_id": project["id"]})["instance_id"] for _number in range(2)] for project in PROJECTS}
        everything = sorted(instance_id for group in waiting.values() for instance_id in group)
        inventory = tmp_path / "projects.yml"
        hosts = {
            "north": {"resize_cancel_region": "cn-north-4"},
            "caches": {"resize_cancel_region": "cn-north-4", "resize_cancel_project_name": "cn-north-4_caches", "ansible_connection": "ssh"},
            "east": {"resize_cancel_region": "cn-east-3", **{f"resize_cancel_{name}": value for name, value in OTHER.items()}},
            "nowhere": {"resize_cancel_region": "cn-nowhere-9"},
        }
        inventory.write_text(json.dumps({"dcs": {"hosts": hosts, "vars": {"ansible_become": True}}}), encoding="utf-8")
        environment = {**cloud.environment(), "HW_PROJECT_ID": "", "HW_REGION_NAME": ""}
        arguments = ("-i", str(inventory), "-e", "resize_cancel_hosts=dcs")

        listed = published(run_playbook(LIST, *arguments, environment=environment), "resize_list")
        assert listed["count"] == 6 and sorted(ids(listed["resizes"])) == everything
        assert {host: sorted(ids(part["resizes"])) for host, part in listed["hosts"].items()} == {
            "north": sorted(waiting["cn-north-4"]), "caches": sorted(waiting["cn-north-4_caches"]), "east": sorted(waiting["cn-east-3"]),
        }
        # Scheduled after the list was approved, so none of these is touched.
        later = cloud.schedule(instance={"project_id": PROJECTS[1]["id"]})["instance_id"]
        approved = {"resize_list": listed, "resize_cancel_instances": "{{ resize_list.hosts[inventory_hostname].resizes | default('', true) }}"}
        run = run_playbook(CANCEL, *arguments, "-e", json.dumps(approved), environment=environment)
        assert run.code == 2, "one host has failed"
        # Ansible renders a task's name only for the first host, whose number would seem to be that of all hosts.
        assert "Cancel pending resizes]" in run.output and "selected" not in run.output
        assert {host: (stats["failures"], stats["changed"]) for host, stats in run.stats.items() if host != "localhost"} == {
            "north": (0, 1), "caches": (0, 1), "east": (0, 1), "nowhere": (1, 0),
        }
        total = published(run, "resize_cancel_summary")
        assert (counts(total), total["changed"], sorted(total["cancelled_instance_ids"])) == ({"cancelled": 6}, True, everything)
        assert {host: counts(part) for host, part in total["hosts"].items()} == {
            "north": {"cancelled": 2}, "caches": {"cancelled": 2}, "east": {"cancelled": 2}, "nowhere": {},
        }
        assert len(total["record"]) == 6 and all(row["new_spec_code"] and row["instance_name"] for row in total["record"])
        assert pending(cloud) == [later]


def test_a_host_that_the_inventory_lacks_fails_before_anything_is_sent(cloud: Simulator, tmp_path: Path) -> None:
    cloud.schedule()
    inventory = tmp_path / "hosts"
    inventory.write_text("north\n", encoding="utf-8")
    for hosts in ("north,nroth", json.dumps({"resize_cancel_hosts": ["north", "nroth"]})):
        given = hosts if hosts.startswith("{") else f"resize_cancel_hosts={hosts}"
        run = run_playbook(CANCEL, "-i", str(inventory), "-e", given, "-e", "resize_cancel_all_pending=true", environment=cloud.environment())
        assert run.code == 2 and "resize_cancel_hosts names 'nroth', but the inventory has no such host" in run.output
    assert cloud.requests() == []


@pytest.mark.parametrize("hosts", ["dcs", ["localhost", "north"]])
def test_hosts_that_the_inventory_sets_are_refused(cloud: Simulator, tmp_path: Path, hosts: str | list[str]) -> None:
    # The hosts of a play can't come from there, so it would only run on localhost.
    cloud.schedule()
    inventory = tmp_path / "hosts.yml"
    given = {"resize_cancel_hosts": hosts, "resize_cancel_all_pending": True}
    inventory.write_text(json.dumps({"all": {"vars": given, "hosts": {"localhost": {}}, "children": {"dcs": {"hosts": {"north": {}}}}}}), encoding="utf-8")
    for playbook in (LIST, CANCEL):
        run = run_playbook(playbook, "-i", str(inventory), environment=cloud.environment())
        assert run.code == 2 and "set resize_cancel_hosts as an extra variable" in run.output, run.output
    assert cloud.requests() == []
    run = run_playbook(LIST, "-i", str(inventory), "-e", json.dumps({"resize_cancel_hosts": ["localhost", "north"]}), environment=cloud.environment())
    assert run.code == 0 and {*run.stats} == {"localhost", "north"}, run.output


def test_freeze_from_the_list_to_scheduling_again(cloud: Simulator, tmp_path: Path) -> None:
    planned = ids([cloud.schedule(instance={"name": f"cache-{number}"}, new_capacity=8, new_spec_code="redis.ha.xu1.large.r2.8") for number in range(3)])
    listed = published(run_playbook(LIST, environment=cloud.environment()), "resize_list")
    assert ids(listed["resizes"]) == planned and listed["count"] == 3
    # After the approval, somebody schedules one more, and replaces one that was approved.
    later = cloud.schedule()["instance_id"]
    cloud.cancel(planned[2])
    replaced = cloud.schedule(planned[2])
    record = tmp_path / "record.json"
    approved = {"resize_list": listed, "resize_cancel_instances": "{{ resize_list.resizes }}", "resize_cancel_record": str(record)}
    run = run_playbook(CANCEL, "-e", json.dumps(approved), environment=cloud.environment())
    assert run.code == 0, run.output
    total = published(run, "resize_cancel_summary")
    assert counts(total) == {"cancelled": 2, "absent": 1}
    assert pending(cloud) == sorted([later, planned[2]])
    assert f"cache-0 ({planned[0]}): redis.ha.xu1.large.r2.2 (2 GB) -> redis.ha.xu1.large.r2.8 (8 GB), window 18:00:00-22:00:00 UTC" in run.output
    assert "scheduled by operator" in run.output
    assert [(row["instance_id"], row["outcome"], row["user_name"]) for row in json.loads(record.read_text(encoding="utf-8"))] == [
        (planned[0], "cancelled", "operator"), (planned[1], "cancelled", "operator"), (planned[2], "absent", "operator"),
    ]

    # After the freeze, from the record file.
    again = [
        {
            "name": "Schedule again what was cancelled",
            "ansible.builtin.uri": {
                "url": "{{ lookup('env', 'HW_DCS_ENDPOINT') }}/v2/{{ lookup('env', 'HW_PROJECT_ID') }}/instances/{{ item.instance_id }}/resize",
                "method": "POST", "body_format": "json", "status_code": 204, "headers": {"X-Auth-Token": DEFAULT_ACCOUNTS[0].token},
                # In one expression, because older ansible-core converts a number from a separate template to text.
                "body": "{{ {'spec_code': item.new_spec_code, 'new_capacity': item.new_capacity | int, 'execute_immediately': false} }}",
            },
            "loop": "{{ lookup('ansible.builtin.file', record) | from_json | selectattr('outcome', 'eq', 'cancelled') }}",
        },
    ]
    run = run_playbook(again, environment=cloud.environment(), extra_vars={"record": str(record)})
    assert run.code == 0, run.output
    assert pending(cloud) == sorted([*planned, later])
    instances = cloud.state()["instances"]
    for instance_id in planned[:2]:
        [task] = [task for task in instances[instance_id]["tasks"].values() if task["state"] == "waiting"]
        assert task["details"]["new_resource_spec_code"] == "redis.ha.xu1.large.r2.8" and float(task["details"]["new_capacity"]) == 8
    assert instances[planned[2]]["tasks"][replaced["task_id"]]["state"] == "waiting"


def descendants(pid: int) -> list[int]:
    """A process and all its descendants; ansible-core's workers have sessions of their own."""
    children = [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text(encoding="ascii").split()]
    return [pid, *(found for child in children for found in descendants(child))]


def test_a_job_that_is_killed_leaves_the_whole_record(cloud: Simulator, tmp_path: Path) -> None:
    waiting = ids(cloud.schedule_many(60))
    # However fast the machine is: the job hangs after five until it is killed.
    cloud.fault({"fault": "normal", "times": 5}, "stall", kind="cancel", always=True)
    record = tmp_path / "record.json"
    given = {"resize_cancel_all_pending": True, "resize_cancel_record": str(record), "resize_cancel_concurrency": 2}
    environment = ansible_environment(tmp_path, cloud.environment())
    command = [str(Path(sys.executable).parent / "ansible-playbook"), CANCEL, "-e", json.dumps(given)]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: cloud.state()["in_flight"] == 2)
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
    assert len(cloud.effective_cancels()) == 5
    rows = json.loads(record.read_text(encoding="utf-8"))
    assert sorted(ids(rows)) == sorted(waiting)
    assert all(row["task_id"] and row["new_spec_code"] and row["instance_name"] and row["user_name"] for row in rows)
    assert record.stat().st_mode & 0o777 == 0o600

    cloud.clear_faults()
    retry = {"resize_cancel_instances": f"{{{{ lookup('ansible.builtin.file', '{record}') }}}}", "resize_cancel_record": str(record)}
    run = run_playbook(CANCEL, "-e", json.dumps(retry), environment=cloud.environment())
    assert run.code == 0, run.output
    total = published(run, "resize_cancel_summary")
    assert (total["cancelled"], total["absent"]) == (55, 5)
    assert pending(cloud) == []
    after = json.loads(record.read_text(encoding="utf-8"))
    kept = ("instance_id", "task_id", "instance_name", "user_name", "old_spec_code", "new_spec_code", "new_capacity", "details")
    assert [[row[key] for key in kept] for row in after] == [[row[key] for key in kept] for row in rows], "nothing of the first record is lost"
    assert {row["outcome"] for row in after} == {"absent", "cancelled"}


def retry(run: Run, cloud: Simulator) -> Run:
    """A second job for what the first one left unsettled, as in the role's documentation."""
    artifact = {"resize_cancel_summary": published(run, "resize_cancel_summary")}
    return run_playbook(CANCEL, "-e", json.dumps({**artifact, **RETRY}), environment=cloud.environment())


def test_retry_after_a_401_half_way(cloud: Simulator) -> None:
    waiting = ids(cloud.schedule_many(12))
    cloud.fault({"fault": "normal", "times": 5}, "unauthorized", kind="cancel")
    given = {"resize_cancel_instances": waiting, "resize_cancel_concurrency": 1}
    run = run_playbook(CANCEL, "-e", json.dumps(given), environment=cloud.environment())
    total = published(run, "resize_cancel_summary")
    assert (run.code, counts(total)) == (2, {"cancelled": 5, "failed": 1, "not_attempted": 6})
    assert total["unsettled_instance_ids"] == waiting[5:] and pending(cloud) == sorted(waiting[5:])
    again = retry(run, cloud)
    assert (again.code, counts(published(again, "resize_cancel_summary")), pending(cloud)) == (0, {"cancelled": 7}, [])


def test_retry_after_a_refused_limit(cloud: Simulator) -> None:
    waiting = ids(cloud.schedule_many(3))
    run = run_playbook(CANCEL, "-e", "resize_cancel_all_pending=true resize_cancel_max=2", environment=cloud.environment())
    assert run.code == 2 and pending(cloud) == sorted(waiting)
    again = retry(run, cloud)
    assert (again.code, counts(published(again, "resize_cancel_summary")), pending(cloud)) == (0, {"cancelled": 3}, [])


def test_retry_after_a_failure_before_the_first_cancel(cloud: Simulator) -> None:
    waiting = ids(cloud.schedule_many(3))
    cloud.fault("forbidden", kind="tasks", instance_id=waiting[1])
    run = run_playbook(CANCEL, "-e", "resize_cancel_all_pending=true", environment=cloud.environment())
    assert run.code == 2 and pending(cloud) == sorted(waiting)
    again = retry(run, cloud)
    assert (again.code, counts(published(again, "resize_cancel_summary")), pending(cloud)) == (0, {"cancelled": 3}, [])


def test_an_empty_retry_fails(cloud: Simulator) -> None:
    waiting = ids(cloud.schedule_many(2))
    cloud.fault("forbidden", kind="instances")
    run = run_playbook(CANCEL, "-e", "resize_cancel_all_pending=true", environment=cloud.environment())
    assert run.code == 2 and published(run, "resize_cancel_summary")["unsettled_instance_ids"] == []
    again = retry(run, cloud)
    assert again.code == 2 and "Set resize_cancel_instances" in again.output and pending(cloud) == sorted(waiting)


@pytest.mark.parametrize("resizes", [1, 2700])
def test_artifact_of_any_size(cloud: Simulator, resizes: int) -> None:
    waiting = ids(cloud.schedule_many(resizes))
    run = run_playbook(CANCEL, "-e", "resize_cancel_all_pending=true resize_cancel_concurrency=32", environment=cloud.environment())
    assert run.code == 0, run.output[-3000:]
    total = published(run, "resize_cancel_summary")
    assert counts(total) == {"cancelled": resizes} and sorted(total["cancelled_instance_ids"]) == sorted(waiting)
    assert total["record_omitted"] is (resizes > 1000)
    assert (total["record"] is None) if resizes > 1000 else sorted(ids(total["record"])) == sorted(waiting)
    assert run.output.count("scheduled by operator") == min(resizes, 199 if resizes > 200 else 200)
    # AWX keeps a result of up to 700,000 characters.
    assert len(json.dumps(total)) < 700_000
    large = {"Find the pending resizes", f"Cancel pending resizes, selected: {resizes}", "Set the result"}
    sizes = {entry["task"].split(" : ")[-1]: len(json.dumps(entry["result"])) for entry in run.results}
    assert {name: size for name, size in sizes.items() if name not in large and size > 400_000} == {}


def test_the_list_takes_the_same_variables(cloud: Simulator) -> None:
    first, second = ids([cloud.schedule(instance={"name": name, "tags": {"env": name}}) for name in ("prod", "test")])
    for given, expected in (
        ("resize_cancel_tags=env=prod", [first]), (f"resize_cancel_exclude={first}", [second]), (f"resize_cancel_instances={second}", [second]),
        ("resize_cancel_instance_name=none-of-them", []),
    ):
        run = run_playbook(LIST, "-e", given, environment=cloud.environment())
        assert run.code == 0, run.output
        assert published(run, "resize_list") == {**published(run, "resize_list"), "count": len(expected)}
        assert ids(published(run, "resize_list")["resizes"]) == expected
    sent = len(cloud.requests())
    run = run_playbook(LIST, "-e", "resize_cancel_tag=env=prod", environment=cloud.environment())
    assert run.code == 2 and "Unknown variable resize_cancel_tag: did you mean resize_cancel_tags?" in run.output
    assert published(run, "resize_list") == {} and len(cloud.requests()) == sent
