# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is ever shown, and after a module has been killed, a second run completes its work."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest
from playbook import run_playbook
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator
from waiting import wait_until

CANCEL = "huaweicloud.dcs.dcs_resize_cancel"
INFO = "huaweicloud.dcs.dcs_resize_info"
PERMANENT, TEMPORARY = DEFAULT_ACCOUNTS
#: Responses that provoke an error, a traceback, or text that should not be passed on.
PROVOCATIONS = ("unauthorized", "internal_error", "deep_json", "html", "invalid_utf8", "wrong_types", "redirect", "not_http", "reset")


def tasks_for(cloud: Simulator, resizes: list[dict[str, str]], keys: dict[str, str]) -> list[dict[str, object]]:
    """A cancel, a discovery and a listing for each provocation."""
    for resize, fault in zip(resizes, PROVOCATIONS):
        for kind in ("cancel", "tasks"):
            cloud.fault(fault, kind=kind, instance_id=resize["instance_id"], always=True)
    quick = {"max_retries": 0, "timeout": 5, **keys}
    return [
        task
        for resize in resizes
        for task in (
            {"name": "cancel", CANCEL: {**resize, **quick}, "ignore_errors": True},
            {"name": "find", CANCEL: {"instance_id": resize["instance_id"], **quick}, "ignore_errors": True},
            {"name": "list", INFO: {"instance_ids": [resize["instance_id"]], **quick}, "ignore_errors": True},
        )
    ]


@pytest.mark.parametrize("place", ["options", "environment", "token", "file", "metadata"])
def test_no_secret_is_shown(cloud: Simulator, tmp_path: Path, place: str) -> None:
    cloud.configure(lock_after_failures=1000)
    # What a response may contain does not depend on the source of the keys.
    resizes = cloud.schedule_many(len(PROVOCATIONS) if place == "environment" else 2)
    environment = cloud.environment()
    where = {name: value for name, value in environment.items() if name not in ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_METADATA_ENDPOINT")}
    home = tmp_path / "home"
    (home / ".huaweicloud").mkdir(parents=True)
    where["HOME"] = str(home)
    keys: dict[str, str] = {}
    if place == "options":
        keys = {"access_key": TEMPORARY.access_key, "secret_key": TEMPORARY.secret_key, "security_token": str(TEMPORARY.security_token)}
    elif place == "environment":
        where.update(HW_ACCESS_KEY=PERMANENT.access_key, HW_SECRET_KEY=PERMANENT.secret_key)
    elif place == "token":
        where.update(HW_AUTH_TOKEN=str(PERMANENT.token))
    elif place == "file":
        text = f"[basic]\nak = {PERMANENT.access_key}\nsk = {PERMANENT.secret_key}\n"
        (home / ".huaweicloud" / "credentials").write_text(text, encoding="utf-8")
    else:
        where.update(HW_METADATA_ENDPOINT=environment["HW_METADATA_ENDPOINT"])
    remote = tmp_path / "remote"
    run = run_playbook(tasks_for(cloud, resizes, keys), "-vvvv", "--diff", environment={**where, "ANSIBLE_REMOTE_TEMP": str(remote)})
    assert run.code == 0, run.output
    shown = run.output + json.dumps(run.results)
    sent = [str(request["authorization"]) for request in cloud.requests() if request["authorization"]]
    signatures = re.findall(r"Signature=([0-9a-f]{64})", " ".join(sent))
    assert signatures or place == "token"
    secrets = [PERMANENT.secret_key, TEMPORARY.secret_key, TEMPORARY.security_token, PERMANENT.token, "SDK-HMAC-SHA256", *signatures]
    if place != "options":
        # The access key is not secret and is shown among the options; in messages of the API, it is still masked.
        secrets += [PERMANENT.access_key, TEMPORARY.access_key]
    else:
        assert f"ak:{TEMPORARY.access_key}" not in shown
    assert [secret for secret in secrets if str(secret) in shown] == []
    assert "Traceback" not in shown
    left = [file for file in remote.rglob("*") if file.is_file()]
    assert [file for file in left if any(str(secret).encode() in file.read_bytes() for secret in secrets)] == []


def module_processes(endpoint: str) -> list[int]:
    """The processes of the module that use this cloud."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if b"AnsiballZ_dcs_resize_cancel" in (folder / "cmdline").read_bytes() and endpoint.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def test_a_killed_module_is_put_right_by_the_next_run(cloud: Simulator) -> None:
    resizes = cloud.schedule_many(30)
    task = {"name": "x", CANCEL: {"resizes": resizes, "concurrency": 2}, "ignore_errors": True}
    # However fast the machine is, the module hangs after five until it is killed.
    cloud.fault({"fault": "normal", "times": 5}, "stall", always=True)
    runs = []
    thread = threading.Thread(target=lambda: runs.append(run_playbook([task], environment=cloud.environment())))
    thread.start()
    wait_until(lambda: cloud.state()["in_flight"] == 2)
    for process in module_processes(cloud.endpoint):
        os.kill(process, signal.SIGKILL)
    thread.join()
    assert runs[0].failed("x")
    assert len(cloud.effective_cancels()) == 5
    cloud.clear_faults()
    again = run_playbook([task, {**task, "name": "y"}], environment=cloud.environment())
    outcomes = [entry["outcome"] for entry in again.result("x")["resizes"]]
    assert (outcomes.count("cancelled"), outcomes.count("absent")) == (25, 5)
    assert again.result("y")["changed"] is False
    assert len(cloud.effective_cancels()) == 30
