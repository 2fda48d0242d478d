# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the simulated cloud: projects, instances, their background tasks, and how these change.

Nothing here depends on HTTP. Changes that are due take place when the instance is accessed next, so an idle cloud uses no CPU time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import time
import uuid
from typing import Any, Callable

from .settings import Settings

DEFAULT_PROJECT = {"id": "0123456789abcdef0123456789abcdef", "name": "cn-north-4"}


class State(enum.Enum):
    """The actual state of a task, whatever its status in the list."""

    WAITING = "waiting"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OTHER = "other"


_STATE_OF_STATUS = {"WAITING": State.WAITING, "CREATED": State.WAITING, "EXECUTING": State.EXECUTING, "SUCCESS": State.SUCCEEDED, "FAILED": State.FAILED}
_STATUS_OF_STATE = {State.EXECUTING: "EXECUTING", State.SUCCEEDED: "SUCCESS", State.FAILED: "FAILED"}
_RESIZE_NAMES = {"extend", "changeinstancespec"}


class UnknownError(LookupError):
    """No such instance, task or event."""


def utc_now() -> datetime.datetime:
    """The current time, with its time zone."""
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp(moment: datetime.datetime) -> str:
    """A time in the format of the API, such as 2020-06-17T07:38:42.503Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@dataclasses.dataclass
class Task:
    """One background task of an instance."""

    id: str
    name: str
    state: State
    resize: bool
    details: dict[str, Any]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    listed_status: str | None = None
    """Status to list instead of the usual one until the state changes."""
    user_name: str = "operator"
    user_id: str = "6d0977e4c9b74ae7b5a083a8d0d8fafa"
    params: str = ""
    starts_at: float | None = None
    work_seconds: float | None = None
    ends_at: float | None = None
    shown_waiting_until: float = 0
    shown_waiting_lookups: int = 0

    @property
    def moves_at(self) -> float | None:
        """When the task changes to its next state automatically; None: never."""
        return {State.WAITING: self.starts_at, State.EXECUTING: self.ends_at}.get(self.state)

    def enter(self, state: State) -> None:
        """Change to another state."""
        self.state = state
        self.listed_status = None
        self.updated_at = utc_now()


@dataclasses.dataclass
class Pending:
    """An action to carry out later: at a time on the cloud's clock, or after a number of further task lists of the instance."""

    action: Callable[[], None]
    due_at: float | None = None
    lookups: int | None = None


@dataclasses.dataclass
class Instance:
    """One DCS instance."""

    id: str
    project_id: str
    name: str
    spec_code: str = "redis.ha.xu1.large.r2.2"
    capacity: float = 2
    status: str = "RUNNING"
    maintain_begin: str = "18:00:00"
    maintain_end: str = "22:00:00"
    charging_mode: int = 0
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    enterprise_project_id: str = "0"
    created_at: str = dataclasses.field(default_factory=lambda: timestamp(utc_now()))
    tasks: list[Task] = dataclasses.field(default_factory=list)
    pending: list[Pending] = dataclasses.field(default_factory=list)
    extending_until: float = 0
    extending_reads: int = 0


@dataclasses.dataclass
class Cancel:
    """A cancel that took effect."""

    instance_id: str
    task_id: str
    by: str
    """`api`, or `somebody else` for a cancel through the control API."""
    time: float
    request_id: str | None


class Cloud:
    """All instances of all projects, and their common clock."""

    def __init__(self, settings: Settings, projects: list[dict[str, str]]) -> None:
        self.settings = settings
        self.projects = projects
        self.instances: dict[str, Instance] = {}
        self.cancels: list[Cancel] = []
        self._instance_of_task: dict[str, Instance] = {}
        self._restless: set[str] = set()
        self._skipped = 0.0

    # Time

    def now(self) -> float:
        """Seconds on the cloud's clock, which `advance` moves forward."""
        return time.monotonic() + self._skipped

    def advance(self, seconds: float) -> None:
        """Advance the cloud's clock, and carry out everything that is then due."""
        self._skipped += seconds
        self.settle_all()

    def later(self, instance: Instance, action: Callable[[], None], *, seconds: float | None = None, lookups: int | None = None) -> None:
        """Carry out an action after some seconds, or after a number of further task lists of the instance."""
        due_at = None if seconds is None else self.now() + seconds
        instance.pending.append(Pending(action, due_at, lookups))
        self._restless.add(instance.id)

    def settle(self, instance: Instance) -> None:
        """Carry out everything that is due on this instance."""
        if instance.id not in self._restless:
            return
        now = self.now()
        for pending in [pending for pending in instance.pending if pending.due_at is not None and pending.due_at <= now]:
            instance.pending.remove(pending)
            pending.action()
        for task in instance.tasks:
            while task.moves_at is not None and task.moves_at <= now:
                if task.state is State.WAITING:
                    self.start(instance, task, at=task.moves_at)
                else:
                    self.finish(instance, task)
        if not instance.pending and all(task.moves_at is None for task in instance.tasks):
            self._restless.discard(instance.id)

    def settle_all(self) -> None:
        """Carry out everything that is due on any instance."""
        for instance_id in list(self._restless):
            if instance_id in self.instances:
                self.settle(self.instances[instance_id])

    def looked_up(self, instance: Instance) -> None:
        """Count one more task list of the instance, and carry out what is then due."""
        for task in instance.tasks:
            task.shown_waiting_lookups = max(0, task.shown_waiting_lookups - 1)
        for pending in list(instance.pending):
            if pending.lookups is not None:
                pending.lookups -= 1
                if pending.lookups <= 0:
                    instance.pending.remove(pending)
                    pending.action()

    # Instances

    def add_instance(self, instance_id: str | None = None, **attributes: Any) -> Instance:
        """Create an instance, or change the attributes of the existing one with this ID."""
        instance_id = instance_id or str(uuid.uuid4())
        instance = self.instances.get(instance_id)
        if instance is None:
            instance = Instance(id=instance_id, project_id=self.projects[0]["id"], name=f"dcs-{len(self.instances) + 1:04d}")
            self.instances[instance_id] = instance
        known = {field.name for field in dataclasses.fields(Instance)} - {"id", "tasks", "pending"}
        unknown = sorted(set(attributes) - known)
        if unknown:
            raise UnknownError(f"an instance has no {', '.join(unknown)}")
        tags = attributes.get("tags", {})
        if not isinstance(tags, dict) or not all(isinstance(text, str) for pair in tags.items() for text in pair):
            raise ValueError("tags are an object with texts, such as {\"env\": \"prod\"}")
        for name, value in attributes.items():
            setattr(instance, name, value)
        return instance

    def remove_instance(self, instance_id: str) -> None:
        """Delete an instance and its tasks."""
        instance = self.instance(instance_id)
        for task in instance.tasks:
            del self._instance_of_task[task.id]
        del self.instances[instance_id]

    def instance(self, instance_id: str) -> Instance:
        """The instance with this ID; raises UnknownError."""
        try:
            return self.instances[instance_id]
        except KeyError:
            raise UnknownError(f"no instance {instance_id}") from None

    def instance_status(self, instance: Instance, *, read: bool = False) -> str:
        """The status as the API shows it now; with `read`, this counts as one of the reads after a cancel."""
        status = instance.status
        if any(task.resize and task.state is State.EXECUTING for task in instance.tasks) or instance.extending_until > self.now():
            status = "EXTENDING"
        elif instance.extending_reads > 0:
            status = "EXTENDING"
            instance.extending_reads -= 1 if read else 0
        elif any(task.resize and task.state is State.WAITING for task in instance.tasks):
            status = self.settings.instance_status_waiting
        return status

    # Tasks

    def instance_of_task(self, task_id: str) -> Instance | None:
        """The instance that a task belongs to."""
        return self._instance_of_task.get(task_id)

    def task(self, instance: Instance, task_id: str) -> Task:
        """The instance's task with this ID; raises UnknownError."""
        for task in instance.tasks:
            if task.id == task_id:
                return task
        raise UnknownError(f"no task {task_id} on instance {instance.id}")

    def task_status(self, task: Task) -> str | None:
        """The status with which a task is listed now; None if it is not listed."""
        if task.state is State.CANCELLED:
            if task.shown_waiting_until > self.now() or task.shown_waiting_lookups > 0:
                return self.settings.waiting_status
            return None if self.settings.status_after_cancel == "REMOVED" else self.settings.status_after_cancel
        if task.listed_status is not None:
            return task.listed_status
        return self.settings.waiting_status if task.state is State.WAITING else _STATUS_OF_STATE[task.state]

    def listed_tasks(self, instance: Instance) -> list[tuple[Task, str]]:
        """The instance's tasks with their statuses as the API lists them, newest first."""
        rows = ((task, self.task_status(task)) for task in sorted(instance.tasks, key=lambda task: task.created_at, reverse=True))
        return [(task, status) for task, status in rows if status is not None]

    def add_task(
        self, instance: Instance, *, task_id: str | None = None, name: str | None = None, status: str | None = None, created_at: str | None = None,
        **attributes: Any,
    ) -> Task:
        """Add a task of any kind in any status; by default, a pending resize."""
        state = State.WAITING if status is None else _STATE_OF_STATUS.get(status, State.OTHER)
        created = utc_now() if created_at is None else datetime.datetime.fromisoformat(created_at.replace("Z", "+00:00"))
        task = Task(
            id=task_id or uuid.uuid4().hex, name=name or self.settings.task_name, state=state,
            resize=name is None or name.lower() in _RESIZE_NAMES | {self.settings.task_name.lower()},
            details=attributes.pop("details", {}), created_at=created, updated_at=created, listed_status=status, **attributes,
        )
        instance.tasks.append(task)
        self._instance_of_task[task.id] = instance
        return task

    def schedule(
        self, instance: Instance, *, new_spec_code: str = "redis.ha.xu1.large.r2.4", new_capacity: float = 4,
        starts_after: float | None = None, work_seconds: float | None = None, immediately: bool = False, **attributes: Any,
    ) -> Task:
        """Add a resize that is scheduled for the maintenance window, or that starts immediately."""
        details = {
            "old_capacity": self._capacity(instance.capacity), "new_capacity": self._capacity(new_capacity),
            "old_resource_spec_code": instance.spec_code, "new_resource_spec_code": new_spec_code,
            "old_replica_num": 2, "new_replica_num": 2, "old_cache_mode": "ha", "new_cache_mode": "ha",
        }
        task = self.add_task(instance, **{"details": details, **attributes})
        starts_after = self.settings.window_opens_after if starts_after is None else starts_after
        task.work_seconds = self.settings.work_seconds if work_seconds is None else work_seconds
        if immediately:
            self.start(instance, task)
        elif starts_after is not None:
            task.starts_at = self.now() + starts_after
            self._restless.add(instance.id)
        return task

    def _capacity(self, gigabytes: float) -> str | float:
        return f"{gigabytes:g}" if self.settings.capacity_type == "string" else gigabytes

    # What happens to tasks

    def start(self, instance: Instance, task: Task, *, at: float | None = None) -> None:
        """Start the resize, as when the maintenance window opens."""
        task.enter(State.EXECUTING)
        if task.work_seconds is not None:
            task.ends_at = (self.now() if at is None else at) + task.work_seconds
            self._restless.add(instance.id)

    def finish(self, instance: Instance, task: Task) -> None:
        """Complete the resize: the instance gets its new specification."""
        task.enter(State.SUCCEEDED)
        instance.spec_code = task.details.get("new_resource_spec_code", instance.spec_code)
        instance.capacity = float(task.details.get("new_capacity", instance.capacity))

    def fail(self, _instance: Instance, task: Task) -> None:
        """Make the resize fail."""
        task.enter(State.FAILED)

    def cancel(self, instance: Instance, task: Task, *, by: str = "somebody else", request_id: str | None = None) -> bool:
        """Cancel a resize if it is still pending. Return whether that took effect."""
        if not (task.resize and task.state is State.WAITING):
            return False
        task.enter(State.CANCELLED)
        task.shown_waiting_until = self.now() + self.settings.status_after_cancel_seconds
        task.shown_waiting_lookups = self.settings.status_after_cancel_lookups
        instance.extending_until = self.now() + self.settings.extending_after_cancel_seconds
        instance.extending_reads = self.settings.extending_after_cancel_reads
        self.cancels.append(Cancel(instance.id, task.id, by, time.time(), request_id))
        return True


EVENTS: dict[str, tuple[tuple[State, ...], str]] = {
    "start": ((State.WAITING,), "the pending resize starts"),
    "finish": ((State.WAITING, State.EXECUTING), "the pending or executing resize is completed"),
    "fail": ((State.WAITING, State.EXECUTING), "the pending or executing resize fails"),
    "cancel": ((State.WAITING,), "another user cancels the pending resize"),
    "schedule": ((), "another resize is scheduled"),
    "remove": ((), "the instance is deleted"),
}
"""The events that can happen on an instance: the states that its task must have, and a description."""


def happen(cloud: Cloud, event: str, instance: Instance, task_id: str | None = None) -> Task | None:
    """Carry out an event on an instance: on the given task, or else on the latest resize whose state fits the event.

    Returns that task, if any. Raises UnknownError if there is no such event, or no task that fits it.
    """
    if event not in EVENTS:
        raise UnknownError(f"no event {event}; known: {', '.join(EVENTS)}")
    cloud.settle(instance)
    if event == "schedule":
        return cloud.schedule(instance)
    if event == "remove":
        cloud.remove_instance(instance.id)
        return None
    fitting = [task for task in instance.tasks if task.state in EVENTS[event][0] and (task.resize if task_id is None else task.id == task_id)]
    if not fitting:
        raise UnknownError(f"nothing on instance {instance.id} that could {event}")
    actions: dict[str, Callable[[Instance, Task], Any]] = {"start": cloud.start, "finish": cloud.finish, "fail": cloud.fail, "cancel": cloud.cancel}
    actions[event](instance, fitting[-1])
    return fitting[-1]
