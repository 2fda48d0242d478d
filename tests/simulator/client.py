# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs and controls the simulated cloud from a test.

    with Simulator() as cloud:
        resize = cloud.schedule("5560df16-cebf-4473-95c4-d1b573c16e79")
        ...  # run something with the environment cloud.environment()
        assert len(cloud.effective_cancels()) == 1
"""

from __future__ import annotations

import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
import types
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from .authentication import DEFAULT_ACCOUNTS
from .cloud import DEFAULT_PROJECT

_PACKAGE_PARENT = pathlib.Path(__file__).resolve().parent.parent


class SimulatorError(Exception):
    """The simulator did not start, or refused a control call."""


class Simulator:
    """A simulated cloud in a separate process, which runs while the `with` block is active."""

    def __init__(
        self, config: Mapping[str, Any] | None = None, *, port: int = 0, tls_cert: pathlib.Path | None = None, tls_key: pathlib.Path | None = None
    ) -> None:
        self._config = dict(config or {})
        self._port = port
        self._tls = (tls_cert, tls_key)
        self._process: subprocess.Popen[str] | None = None
        # Control calls go directly to this process, whatever proxies are set, and even if the certificate under test is invalid.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        self.endpoint = ""

    # The process

    def __enter__(self) -> Simulator:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as errors:
            command = [sys.executable, "-m", "simulator", "--port", str(self._port), "--until-stdin-closes"]
            if self._config:
                config_file = pathlib.Path(folder, "config.json")
                config_file.write_text(json.dumps(self._config), encoding="utf-8")
                command += ["--config", str(config_file)]
            for option, file in zip(("--tls-cert", "--tls-key"), self._tls):
                if file is not None:
                    command += [option, str(file)]
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, cwd=_PACKAGE_PARENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            )
            line = self._process.stdout.readline() if self._process.stdout else ""
            if not line:
                self.stop()
                errors.seek(0)
                raise SimulatorError(f"the simulator did not start: {errors.read()}")
        self.endpoint = json.loads(line)["endpoint"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the process; afterwards, the port refuses connections."""
        if self._process is not None:
            process, self._process = self._process, None
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait()

    def environment(self) -> dict[str, str]:
        """The HW_ variables with which a module uses this cloud and the keys of its first account."""
        accounts = self._config.get("accounts") or [vars(account) for account in DEFAULT_ACCOUNTS]
        project = (self._config.get("projects") or [DEFAULT_PROJECT])[0]
        variables = {
            "HW_ACCESS_KEY": accounts[0]["access_key"], "HW_SECRET_KEY": accounts[0]["secret_key"], "HW_SECURITY_TOKEN": accounts[0].get("security_token"),
            "HW_REGION_NAME": project["name"], "HW_PROJECT_ID": project["id"],
            "HW_DCS_ENDPOINT": self.endpoint, "HW_AUTH_URL": self.endpoint, "HW_METADATA_ENDPOINT": self.endpoint,
        }
        return {name: value for name, value in variables.items() if value}

    # Control calls

    def _call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        try:
            with self._opener.open(f"{self.endpoint}/_control/{name}", json.dumps(arguments).encode(), timeout=60) as answer:
                result: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise SimulatorError(json.load(error)["error"]) from None
        return result

    def schedule(self, instance_id: str | None = None, **resize: Any) -> dict[str, str]:
        """Schedule a resize on an instance, which is created if it does not exist (None: a new one). Return its `instance_id` and `task_id`.

        `resize` takes the arguments of `Cloud.schedule` and `Cloud.add_task` (`task_id`, `name`, `status`, `new_spec_code`, `starts_after` ...), and
        `instance` with attributes of the instance. Unlike the API, this can schedule more than one pending resize on an instance.
        """
        scheduled: dict[str, str] = self._call("schedule", instance_id=instance_id, **resize)["resizes"][0]
        return scheduled

    def schedule_many(self, count: int, **resize: Any) -> list[dict[str, str]]:
        """Schedule a resize on each of `count` new instances."""
        scheduled: list[dict[str, str]] = self._call("schedule", count=count, **resize)["resizes"]
        return scheduled

    def add_instance(self, instance_id: str | None = None, **attributes: Any) -> str:
        """Create an instance or change its attributes (`name`, `status`, `spec_code`, `project_id` ...). Return its ID."""
        return str(self._call("instance", instance_id=instance_id, **attributes)["instance_id"])

    def add_tasks(self, instance_id: str, count: int = 1, **attributes: Any) -> list[str]:
        """Add tasks with any `name` and `status` to an instance. Return their IDs."""
        task_ids: list[str] = self._call("task", instance_id=instance_id, count=count, **attributes)["task_ids"]
        return task_ids

    def _event(self, event: str, instance_id: str | None, task_id: str | None) -> None:
        self._call("event", event=event, instance_id=instance_id, task_id=task_id)

    def start(self, instance_id: str | None = None, *, task_id: str | None = None) -> None:
        """Start the pending resize."""
        self._event("start", instance_id, task_id)

    def finish(self, instance_id: str | None = None, *, task_id: str | None = None) -> None:
        """Complete the resize."""
        self._event("finish", instance_id, task_id)

    def fail(self, instance_id: str | None = None, *, task_id: str | None = None) -> None:
        """Make the resize fail."""
        self._event("fail", instance_id, task_id)

    def cancel(self, instance_id: str | None = None, *, task_id: str | None = None) -> None:
        """Cancel the pending resize on behalf of another user."""
        self._event("cancel", instance_id, task_id)

    def remove(self, instance_id: str) -> None:
        """Delete the instance."""
        self._event("remove", instance_id, None)

    def fault(self, *sequence: str | Mapping[str, Any], kind: str = "any", instance_id: str | None = None, each: bool = False, always: bool = False) -> None:
        """Make requests fail: see `simulator.faults.Rule` and `simulator.faults.Step`, and README.md for the faults."""
        self._call("fault", sequence=list(sequence), kind=kind, instance_id=instance_id, each=each, always=always)

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self._call("clear_faults")

    def configure(self, **settings: Any) -> None:
        """Change settings: see `simulator.settings.Settings`."""
        self._call("configure", **settings)

    def change_account(self, access_key: str, **changes: Any) -> None:
        """Change `expired` or `projects` of an account."""
        self._call("account", access_key=access_key, **changes)

    def advance(self, seconds: float) -> None:
        """Advance the cloud's clock."""
        self._call("advance", seconds=seconds)

    def reset(self) -> None:
        """Return to the initial state."""
        self._call("reset")

    def state(self) -> dict[str, Any]:
        """The actual state of the cloud: `instances` by ID, each with its `tasks` by ID, `settings`, `locks`, `most_in_flight` ..."""
        return self._call("state")

    def requests(self, kind: str | None = None, instance_id: str | None = None) -> list[dict[str, Any]]:
        """The requests so far, oldest first: `method`, `path`, `query`, `kind`, `status`, `access_key`, `time`, `ended`, `fault`, `effective` ..."""
        return [
            record for record in self._call("requests")["requests"]
            if kind in (None, record["kind"]) and instance_id in (None, record["instance_id"])
        ]

    def clear_requests(self) -> None:
        """Clear the list of requests."""
        self._call("clear_requests")

    def effective_cancels(self, instance_id: str | None = None) -> list[dict[str, Any]]:
        """The cancels that took effect: `instance_id`, `task_id`, `by` (`api` or `somebody else`), `time`, `request_id`."""
        return [cancel for cancel in self._call("effective_cancels")["cancels"] if instance_id in (None, cancel["instance_id"])]
