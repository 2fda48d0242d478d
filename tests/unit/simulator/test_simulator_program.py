# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program itself: how it starts, stops, listens and logs."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
import simulator
import trustme
from official_caller import INSTANCE, TASK, Caller
from simulator.client import Simulator, SimulatorError
from waiting import wait_until

TESTS = pathlib.Path(simulator.__file__).parent.parent


def test_port_file_and_signals(tmp_path: pathlib.Path) -> None:
    port_file = tmp_path / "port"
    with subprocess.Popen([sys.executable, "-m", "simulator", "--port-file", str(port_file)], cwd=TESTS) as process:
        wait_until(port_file.exists)
        port = int(port_file.read_text(encoding="ascii"))
        socket.create_connection(("127.0.0.1", port), 5).close()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_it_ends_with_its_parent() -> None:
    command = [sys.executable, "-m", "simulator", "--until-stdin-closes"]
    with subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert b"endpoint" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0


def test_it_begins_with_a_pending_resize() -> None:
    command = [sys.executable, "-m", "simulator", "--until-stdin-closes", "--schedule", INSTANCE, "--schedule", "11111111" + INSTANCE[8:]]
    with subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        endpoint = json.loads(process.stdout.readline())["endpoint"]
        state = requests.post(f"{endpoint}/_control/state", json={}, timeout=60).json()
        assert [[task["listed_status"] for task in instance["tasks"].values()] for instance in state["instances"].values()] == [["WAITING"], ["WAITING"]]


def test_configuration_file() -> None:
    config = {
        "projects": [{"id": "a" * 32, "name": "eu-west-101"}, {"id": "b" * 32, "name": "other"}],
        "accounts": [{"access_key": "AKMINE", "secret_key": "SKMINE", "projects": ["a" * 32]}],
        "settings": {"task_count_type": "string"},
        "instances": [{"instance_id": INSTANCE, "name": "cache"}],
        "faults": [{"sequence": ["busy"], "kind": "tasks"}],
    }
    with Simulator(config) as cloud:
        environment = cloud.environment()
        assert (environment["HW_ACCESS_KEY"], environment["HW_PROJECT_ID"], environment["HW_REGION_NAME"]) == ("AKMINE", "a" * 32, "eu-west-101")
        caller = Caller(cloud)
        for _round in range(2):
            assert [project["name"] for project in caller.call("projects").json()["projects"]] == ["eu-west-101"]
            assert caller.call("instance").json()["name"] == "cache"
            assert caller.call("tasks").code == "DCS.4113"
            assert caller.call("tasks").json()["task_count"] == "0"
            cloud.reset()


def test_a_bad_configuration_file_says_why() -> None:
    with pytest.raises(SimulatorError, match="unknown in the configuration: machines"), Simulator({"machines": []}):
        pass


def test_tls(tmp_path: pathlib.Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, root = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "root.pem"
    certificate.private_key_pem.write_to_path(key)
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(chain, append=True)
    authority.cert_pem.write_to_path(root)
    with Simulator(tls_cert=chain, tls_key=key) as cloud:
        assert cloud.endpoint.startswith("https://127.0.0.1:")
        assert requests.get(f"{cloud.endpoint}/v3/projects", verify=str(root), timeout=5).status_code == 401
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{cloud.endpoint}/v3/projects", timeout=5)
        cloud.fault("reset")
        assert cloud.state()["instances"] == {}


def test_an_answer_is_one_segment(waiting: Simulator, caller: Caller) -> None:
    """Headers and body arrive together, so that clients do not wait for the body."""
    assert waiting.endpoint
    with caller.open("tasks") as connection:
        head, _blank, body = connection.recv(2**16).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["task_count"] == 1


def test_connections_are_kept_open(cloud: Simulator) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _request in range(3):
            session.get(f"{cloud.endpoint}/v3/projects", timeout=5)
    assert len({request["peer_port"] for request in cloud.requests()}) == 1


def test_the_log(waiting: Simulator, caller: Caller) -> None:
    waiting.fault("reset", kind="cancel")
    with caller.open("cancel") as connection, pytest.raises(ConnectionResetError):
        connection.recv(100)
    assert caller.call("cancel").status == 200
    lost, done = waiting.requests(kind="cancel", instance_id=INSTANCE)
    assert (lost["status"], lost["fault"], lost["effective"]) == (None, "reset", False)
    assert (done["status"], done["fault"], done["effective"], done["method"], done["path"]) == (200, None, True, *caller.path("cancel"))
    assert done["access_key"] == caller.access_key
    assert time.time() - 60 < lost["time"] <= done["time"] <= done["ended"]
    assert [cancel["request_id"] for cancel in waiting.effective_cancels(INSTANCE)] == [done["request_id"]]
    waiting.clear_requests()
    assert waiting.requests() == []
    assert waiting.state()["instances"][INSTANCE]["tasks"][TASK]["state"] == "cancelled"


def test_requests_in_flight_are_counted(cloud: Simulator, caller: Caller) -> None:
    cloud.fault("stall", always=True)
    with contextlib.ExitStack() as stack:
        for _request in range(8):
            stack.enter_context(caller.open("projects"))
        wait_until(lambda: cloud.state()["in_flight"] == 8)
    wait_until(lambda: cloud.state()["in_flight"] == 0)
    assert cloud.state()["most_in_flight"] == 8


def test_a_fleet(cloud: Simulator, caller: Caller) -> None:
    """The simulator needs little time for two thousand resizes, each found and cancelled."""
    fleet = cloud.schedule_many(2000)
    assert len({resize["instance_id"] for resize in fleet}) == 2000
    listed = [instance for offset in (0, 1000) for instance in caller.call("instances", {"offset": offset, "limit": 1000}).json()["instances"]]
    assert [instance["instance_id"] for instance in listed] == [resize["instance_id"] for resize in fleet]
    for resize in fleet[:50]:
        assert caller.call("cancel", **resize).status == 200
    assert [cancel["task_id"] for cancel in cloud.effective_cancels()] == [resize["task_id"] for resize in fleet[:50]]


def test_control_calls_that_make_no_sense(cloud: Simulator) -> None:
    with pytest.raises(SimulatorError, match="no instance"):
        cloud.start(INSTANCE)
    cloud.add_instance(INSTANCE)
    with pytest.raises(SimulatorError, match="nothing on instance"):
        cloud.start(INSTANCE)
    with pytest.raises(SimulatorError, match="an instance has no colour"):
        cloud.add_instance(INSTANCE, colour="red")
    with pytest.raises(SimulatorError, match="no account"):
        cloud.change_account("AKNOBODY", expired=True)
    assert requests.post(f"{cloud.endpoint}/_control/explode", timeout=5).status_code == 404
    assert requests.post(f"{cloud.endpoint}/_control/_instance", timeout=5).status_code == 404


def test_nothing_is_left_after_stop() -> None:
    cloud = Simulator()
    with cloud:
        port = int(cloud.endpoint.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
