# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control API for tests: JSON calls below `/_control/` that read and change the cloud."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from .answers import Answer
from .cloud import Instance, happen
from .faults import Rule

if TYPE_CHECKING:
    from .server import Server

CONTROL_PREFIX = "/_control/"


class Control:
    """Each public method is one call: its keyword arguments are the JSON object in the request, its result is the JSON in the response."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def handle(self, name: str, body: bytes) -> Answer:
        """Carry out one call; the response to an invalid one is 400 with the reason."""
        method = getattr(self, name, None)
        if name.startswith("_") or name == "handle" or method is None:
            return Answer(404, {"error": f"no control call {name}"})
        try:
            return Answer(200, method(**json.loads(body or b"{}")))
        except (LookupError, TypeError, ValueError) as error:
            return Answer(400, {"error": str(error.args[0] if error.args else error)})

    def _instance(self, instance_id: str | None, task_id: str | None = None) -> Instance:
        cloud = self._server.world.cloud
        found = cloud.instance_of_task(task_id) if instance_id is None and task_id is not None else None
        return found or cloud.instance(str(instance_id))

    def schedule(self, instance_id: str | None = None, count: int = 1, instance: dict[str, Any] | None = None, **resize: Any) -> dict[str, Any]:
        """Schedule a resize on an instance, which is created if it does not exist, or on `count` new ones."""
        cloud = self._server.world.cloud
        resizes = []
        for _number in range(count):
            scheduled_on = cloud.add_instance(instance_id, **(instance or {}))
            resizes.append({"instance_id": scheduled_on.id, "task_id": cloud.schedule(scheduled_on, **resize).id})
        return {"resizes": resizes}

    def instance(self, instance_id: str | None = None, **attributes: Any) -> dict[str, Any]:
        """Create an instance, or change its attributes."""
        return {"instance_id": self._server.world.cloud.add_instance(instance_id, **attributes).id}

    def task(self, instance_id: str, count: int = 1, **attributes: Any) -> dict[str, Any]:
        """Add tasks with any name and status to an instance."""
        cloud = self._server.world.cloud
        return {"task_ids": [cloud.add_task(cloud.instance(instance_id), **attributes).id for _number in range(count)]}

    def event(self, event: str, instance_id: str | None = None, task_id: str | None = None) -> dict[str, Any]:
        """Carry out an event on an instance; see `cloud.EVENTS`."""
        task = happen(self._server.world.cloud, event, self._instance(instance_id, task_id), task_id)
        return {"task_id": task and task.id}

    def fault(self, sequence: list[Any], **rule: Any) -> dict[str, Any]:
        """Add a fault rule."""
        self._server.world.rules.append(Rule(sequence, **rule))
        return {}

    def clear_faults(self) -> dict[str, Any]:
        """Remove all fault rules."""
        self._server.world.rules.clear()
        return {}

    def configure(self, **settings: Any) -> dict[str, Any]:
        """Change settings."""
        self._server.world.configure(settings)
        return {}

    def account(self, access_key: str, **changes: Any) -> dict[str, Any]:
        """Change an account, for instance `expired` or `projects`."""
        for account in self._server.world.gatekeeper.accounts:
            if account.access_key == access_key:
                for name in set(changes) - {"expired", "projects"}:
                    raise ValueError(f"{name} of an account can't be changed")
                for name, value in changes.items():
                    setattr(account, name, value)
                return {}
        raise LookupError(f"no account {access_key}")

    def advance(self, seconds: float) -> dict[str, Any]:
        """Advance the cloud's clock."""
        self._server.world.cloud.advance(seconds)
        return {}

    def reset(self) -> dict[str, Any]:
        """Return to the configuration with which the program was started."""
        self._server.reset()
        return {}

    def clear_requests(self) -> dict[str, Any]:
        """Clear the log of requests."""
        self._server.world.log.clear()
        return {}

    def requests(self) -> dict[str, Any]:
        """The requests to the public API so far, oldest first."""
        world = self._server.world
        world.cloud.settle_all()
        effective = {cancel.request_id for cancel in world.cloud.cancels}
        return {"requests": [{**record, "effective": record["request_id"] in effective} for record in world.log]}

    def effective_cancels(self) -> dict[str, Any]:
        """The cancels that took effect, in order."""
        self._server.world.cloud.settle_all()
        return {"cancels": [dataclasses.asdict(cancel) for cancel in self._server.world.cloud.cancels]}

    def state(self) -> dict[str, Any]:
        """The actual state of the cloud, which may differ from what the API shows."""
        world = self._server.world
        cloud = world.cloud
        cloud.settle_all()
        return {
            "settings": dataclasses.asdict(world.settings),
            "projects": cloud.projects,
            "accounts": [dataclasses.asdict(account) for account in world.gatekeeper.accounts],
            "locks": [{"access_key": access_key, "time": locked_at} for access_key, locked_at in world.gatekeeper.locks],
            "in_flight": world.in_flight, "most_in_flight": world.most_in_flight,
            "instances": {
                instance.id: {
                    "name": instance.name, "project_id": instance.project_id, "status": cloud.instance_status(instance), "spec_code": instance.spec_code,
                    "capacity": instance.capacity, "maintain_begin": instance.maintain_begin, "maintain_end": instance.maintain_end,
                    "tags": instance.tags, "enterprise_project_id": instance.enterprise_project_id,
                    "tasks": {
                        task.id: {"name": task.name, "state": task.state.value, "listed_status": cloud.task_status(task), "details": task.details}
                        for task in instance.tasks
                    },
                }
                for instance in cloud.instances.values()
            },
        }
