# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schedules one resize for the maintenance window, observes what the API says around it, and always cancels it, also when interrupted."""

from __future__ import annotations

import contextlib
import datetime
import json
import signal
import time
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import NOT_EXTENDING_CODES, BackgroundTask, Instance, check_id
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError, RefusedError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import (
    APPLIED_STATUSES,
    CANCELLED_STATUSES,
    EXECUTING_STATUSES,
    EXTENDING,
    WAITING_STATUSES,
    is_resize,
)

from .connection import Connection, Exchange, connect

CONSENT = "DCS_CONFORMANCE"
INSTANCE_ID = "DCS_INSTANCE_ID"
NEW_SPEC_CODE = "DCS_NEW_SPEC_CODE"
NEW_CAPACITY = "DCS_NEW_CAPACITY"

#: No run begins when the maintenance window is nearer than this: the resize would be carried out if the run got stuck.
MARGIN = datetime.timedelta(minutes=60)
#: No task leaves these any more.
ENDED_STATUSES = (*CANCELLED_STATUSES, *APPLIED_STATUSES, "FAILED")


class RefusedToRun(Exception):
    """Why the run does not begin. Nothing was changed."""


class Settings(NamedTuple):
    """What the user asks for.

    :ivar spec_code: of the resize to schedule, such as `redis.ha.xu1.large.r2.4`
    :ivar capacity: of the resize to schedule, GB
    :ivar consent: an explicit yes
    """

    instance_id: str
    spec_code: str
    capacity: float
    consent: bool


class Tempo(NamedTuple):
    """How patient the run is, in seconds: between two looks, in total for something to show, and in total for cleaning up."""

    interval: float = 1.0
    patience: float = 60.0
    clean_up: float = 300.0


class Plan(NamedTuple):
    """What the run will do.

    :ivar task_ids: the background tasks that there are already
    """

    settings: Settings
    instance: Instance
    task_ids: frozenset[str]

    def __str__(self) -> str:
        settings, instance = self.settings, self.instance
        return f"""What this command does on the instance {instance.name} ({instance.id}), within a few minutes:
  1. Schedule a resize from {instance.spec_code} to {settings.spec_code}, {settings.capacity:g} GB, for the maintenance window
     ({instance.maintain_begin} to {instance.maintain_end} UTC), not immediately.
  2. Read its background tasks and its status. Send cancel requests with a wrong task ID, and with the ID of a finished task of another instance.
  3. Cancel the resize, send the cancel request again, and send one for a resize that was carried out earlier, if there is one.
What it may cost: nothing, if the resize is cancelled before the window opens. The cancel request is sent even if the command is interrupted.
If that is impossible (no network, the machine stops), the resize is carried out in the window: connections are interrupted, and from then on the instance is
billed as {settings.spec_code} until you resize it to its old specification. Use an instance for testing only, without data that you need."""


class NotObserved(NamedTuple):
    """What could not be seen here, and why."""

    reason: str

    def __str__(self) -> str:
        return f"({self.reason})"


class Reply(NamedTuple):
    """What a cancel was answered with.

    :ivar status: None if no answer came
    :ivar code: the error code
    :ivar body: the JSON of the body
    :ivar still_waiting: whether the resize was listed as before afterwards; None if nobody looked
    """

    status: int | None
    code: str | None
    body: Any
    still_waiting: bool | None = None

    def __str__(self) -> str:
        words = "no response" if self.status is None else f"{self.status} {self.code or json.dumps(self.body)}"
        return words if self.still_waiting is None else f"{words}, and the resize {'is still pending' if self.still_waiting else 'is no longer pending'}"


class Settled(NamedTuple):
    """What something came to after the cancel.

    :ivar value: as last seen
    :ivar seconds: after the cancel's answer; None if it had not come to it when patience ended
    :ivar looks: how many it took
    """

    value: str
    seconds: float | None
    looks: int

    @property
    def delay(self) -> str:
        """How soon it came to it."""
        if self.seconds is None:
            return "not within the time limit of the run"
        return "at the first query" if self.looks == 1 else f"after {self.seconds:.1f} s"


class Outcome(NamedTuple):
    """What a run came to.

    :ivar observed: by the names of the points; what is missing was not reached
    :ivar failure: why the run ended early; None if it did not
    :ivar leftover: what may be left behind on the instance; None if nothing is
    :ivar exchanges: the answers, with their requests
    """

    observed: dict[str, Any]
    failure: str | None
    leftover: str | None
    exchanges: list[Exchange]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in the environment; raises RefusedToRun."""
    missing = [name for name in (INSTANCE_ID, NEW_SPEC_CODE, NEW_CAPACITY) if not environment.get(name, "").strip()]
    if missing:
        raise RefusedToRun(f"Set {', '.join(missing)}: the instance, and the specification code and capacity (GB) of the resize to schedule.")
    try:
        capacity = float(environment[NEW_CAPACITY])
    except ValueError:
        raise RefusedToRun(f"{NEW_CAPACITY} must be a number of GB, not {environment[NEW_CAPACITY]!r}.") from None
    return Settings(environment[INSTANCE_ID].strip(), environment[NEW_SPEC_CODE].strip(), capacity, environment.get(CONSENT, "").strip().lower() == "yes")


def prepare(connection: Connection, settings: Settings, now: datetime.datetime) -> Plan:
    """Look whether the run may begin, and what it will do. Only reads.

    :param now: aware of its time zone
    :raises RefusedToRun: it may not
    :raises DcsError: the instance can't be read
    """
    instance = connection.dcs.instance(check_id("instance", settings.instance_id))
    if connection.http.exchanges[-1].body.get("charging_mode") != 0:
        raise RefusedToRun("The instance is not pay-per-use (charging_mode is not 0): scheduling a resize of a yearly/monthly instance may create an order.")
    if instance.status != "RUNNING":
        raise RefusedToRun(f"The instance is {instance.status}, not RUNNING.")
    if instance.spec_code == settings.spec_code:
        raise RefusedToRun(f"The instance already has the specification {settings.spec_code}. Set {NEW_SPEC_CODE} to another one.")
    if _opens_soon(instance, now):
        raise RefusedToRun(
            f"The maintenance window ({instance.maintain_begin} to {instance.maintain_end} UTC) is open, opens within {MARGIN.seconds // 60} minutes, or is "
            "unknown: a resize that is scheduled now might be carried out before it is cancelled. Change the window, or wait until it has closed."
        )
    tasks = connection.dcs.tasks(settings.instance_id)
    busy = [task for task in tasks if task.status.upper() in (*WAITING_STATUSES, *EXECUTING_STATUSES)]
    if busy:
        raise RefusedToRun(
            f"The instance has a background task that has not finished: {busy[0].name}, {busy[0].status}. "
            "If an earlier run has left a resize pending, cancel it: "
            f"ansible localhost -m huaweicloud.dcs.dcs_resize_cancel -a instance_id={settings.instance_id}"
        )
    return Plan(settings, instance, frozenset(task.id for task in tasks))


def _opens_soon(instance: Instance, now: datetime.datetime) -> bool:
    """Whether the maintenance window is open or opens within the margin; true if that can't be told."""
    try:
        begin, end = (datetime.timedelta(hours=int(text[:2]), minutes=int(text[3:5])) for text in (str(instance.maintain_begin), str(instance.maintain_end)))
    except ValueError:
        return True
    now = now.astimezone(datetime.timezone.utc)
    since_midnight = datetime.timedelta(hours=now.hour, minutes=now.minute)
    day = datetime.timedelta(days=1)
    # Shifted so that the margin before the window begins at zero.
    return (since_midnight - begin + MARGIN) % day <= (end - begin) % day + MARGIN


def run(environment: Mapping[str, str], connection: Connection, plan: Plan, say: Callable[[str], None], tempo: Tempo) -> Outcome:
    """Do what was planned.

    :param environment: to connect anew for cleaning up, whatever has become of the connection
    :param say: tells the user
    :raises KeyboardInterrupt: a signal asked to end; what was scheduled is cancelled first
    """
    walk = _Walk(connection, plan, tempo)
    failure: str | None = None
    leftover: str | None = None

    def tell(text: str) -> None:
        # The terminal may be gone, which must not keep anything from being cancelled.
        with contextlib.suppress(OSError, ValueError):
            say(text)

    with _Signals() as signals:
        try:
            signals.armed = True
            walk.go()
            signals.armed = False
        except DcsError as error:
            failure = error.message
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            failure = f"The format of a response was unexpected: {type(error).__name__}: {error}"
        finally:
            signals.armed = False
            if walk.scheduling:
                if signals.caught:
                    tell("Interrupted. Cancelling the scheduled resize first.")
                leftover = _clean_up(environment, plan, walk, tempo)
                tell(leftover or "The resize has been cancelled: no resize that this run has scheduled is still pending.")
    if signals.caught:
        raise KeyboardInterrupt
    return Outcome(walk.observed, failure, leftover, connection.http.exchanges)


class _Signals:
    """Turns the first signal that asks the program to end into KeyboardInterrupt while armed, and lets nothing end it otherwise."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self.armed = False
        self.caught = False

    def __enter__(self) -> _Signals:
        self._previous = {number: signal.signal(number, self._handle) for number in self.NUMBERS}
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, _number: int, _frame: types.FrameType | None) -> None:
        self.caught = True
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt


class _Walk:
    """One run, step by step.

    :ivar scheduling: the request to schedule may have been sent
    :ivar task_id: of the resize; None as long as it is not known
    :ivar cancelled: the cancel was answered with success
    """

    def __init__(self, connection: Connection, plan: Plan, tempo: Tempo) -> None:
        self._connection = connection
        self._instance_id = plan.settings.instance_id
        self._plan = plan
        self._tempo = tempo
        self.observed: dict[str, Any] = {}
        self.scheduling = False
        self.task_id: str | None = None
        self.cancelled = False

    def go(self) -> None:
        """All of it; raises DcsError where an answer is missing without which it can't go on."""
        foreign_task = self._find_foreign_task()
        ended_task = self._find_ended_task()
        settings = self._plan.settings
        self.scheduling = True
        self._connection.schedule(settings.instance_id, settings.spec_code, settings.capacity)
        waiting = self._find_scheduled()
        self.task_id = waiting.id
        self._see_what_waits(waiting)
        self._see_pages()
        self.observed["unknown_task"] = self._cancel_another(uuid.uuid4().hex, waiting)
        self.observed["foreign_task"] = foreign_task if isinstance(foreign_task, NotObserved) else self._cancel_another(foreign_task, waiting)
        self.observed["cancel"] = cancel = self._cancel(waiting.id)
        self.cancelled = cancel.status == 200 and cancel.code is None and isinstance(cancel.body, dict) and cancel.body.get("result") == "success"
        self._see_what_became(waiting)
        self.observed["second_cancel"] = self._cancel(waiting.id)
        self.observed["ended_task"] = ended_task if isinstance(ended_task, NotObserved) else self._cancel(ended_task)
        self._see_errors()
        self._see_headers()

    def _find_foreign_task(self) -> str | NotObserved:
        """An ended task of another instance: were its instance not looked at, nothing could become of the cancel."""
        dcs = self._connection.dcs
        try:
            others = [instance.id for instance in dcs.instances() if instance.id != self._instance_id]
            # A few are enough: almost every instance has such a task.
            tasks = (task for instance_id in others[:10] for task in dcs.tasks(instance_id))
            found = next((task.id for task in tasks if task.status.upper() in ENDED_STATUSES), None)
        except RefusedError as error:
            return NotObserved(f"other instances can't be read: {error.code}")
        return found or NotObserved("no other instance has a finished background task")

    def _find_ended_task(self) -> str | NotObserved:
        tasks = self._connection.dcs.tasks(self._instance_id)
        found = [task.id for task in tasks if is_resize(task) and task.status.upper() in APPLIED_STATUSES]
        return found[0] if found else NotObserved("no resize of the instance was carried out earlier")

    def _find_scheduled(self) -> BackgroundTask:
        for _look in self._looks():
            new = [task for task in self._tasks() if task.id not in self._plan.task_ids]
            if new:
                return new[0]
        raise DcsError(f"No new background task was listed within {self._tempo.patience:g} s after a resize was scheduled")

    def _see_what_waits(self, waiting: BackgroundTask) -> None:
        pages = (exchange.body for exchange in reversed(self._connection.http.exchanges) if exchange.path.endswith("/tasks"))
        page, row = next((page, row) for page in pages for row in page["tasks"] if row["id"] == waiting.id)
        details = row.get("details")
        self.observed["task_name"] = waiting.name
        self.observed["waiting_status"] = waiting.status
        self.observed["task_count_type"] = _type_name(page.get("task_count"))
        self.observed["details_type"] = _type_name(details)
        facts = json.loads(details) if isinstance(details, str) else details or {}
        self.observed["capacity_type"] = " and ".join(sorted({_type_name(facts.get(name)) for name in ("old_capacity", "new_capacity")}))
        self.observed["instance_status"] = str(self._connection.dcs.instance(self._instance_id).status)

    def _see_pages(self) -> None:
        page = self._connection.task_page
        largest = page(self._instance_id, offset=0, limit=1000)
        rows = [row["id"] for row in largest.body["tasks"]]
        count = int(largest.body["task_count"])
        self.observed["page_size"] = "all" if len(rows) == min(count, 1000) else f"{len(rows)} of {count}"
        try:
            beyond = page(self._instance_id, offset=0, limit=1001).status
        except DcsError as error:
            beyond = error.http_status or 0
        self.observed["largest_limit"] = beyond
        shifted = [row["id"] for row in page(self._instance_id, offset=1, limit=2).body["tasks"]]
        if len(rows) < 2:
            self.observed["offset"] = NotObserved("the instance has only one background task")
        else:
            self.observed["offset"] = "records" if shifted == rows[1:3] else "something else"

    def _cancel_another(self, task_id: str, waiting: BackgroundTask) -> Reply:
        """Cancel with an id that is not the waiting task's."""
        reply = self._cancel(task_id)
        return reply._replace(still_waiting=any(task.id == waiting.id and task.status == waiting.status for task in self._tasks()))

    def _cancel(self, task_id: str) -> Reply:
        http = self._connection.http
        before = len(http.exchanges)
        code = None
        try:
            self._connection.cancel(self._instance_id, task_id)
        except DcsError as error:
            code = error.code if error.http_status is not None and error.http_status >= 300 else None
        answered = http.exchanges[before:]
        return Reply(answered[-1].status, code, answered[-1].body) if answered else Reply(None, None, None)

    def _see_what_became(self, waiting: BackgroundTask) -> None:
        """Look at the task and at the instance until both have settled."""
        began = time.monotonic()
        task = instance = None
        for look in self._looks():
            if task is None or task.seconds is None:
                status = next((task.status for task in self._tasks() if task.id == waiting.id), "not listed any more")
                task = Settled(status, None if status == waiting.status else time.monotonic() - began, look)
            if instance is None or instance.seconds is None:
                status = str(self._connection.dcs.instance(self._instance_id).status)
                instance = Settled(status, None if status == EXTENDING else time.monotonic() - began, look)
            if task.seconds is not None and instance.seconds is not None:
                break
        self.observed["status_after_cancel"] = task.value if task else None
        self.observed["list_delay"] = task.delay if task else None
        self.observed["instance_after_cancel"] = f"{instance.value} {instance.delay}" if instance else None

    def _see_errors(self) -> None:
        errors = [exchange.body for exchange in self._connection.http.exchanges if "/resize/cancel/" in exchange.path and exchange.status == 400]
        bodies = [body for body in errors if isinstance(body, dict)]
        if not bodies:
            self.observed["error_shape"] = self.observed["error_code"] = NotObserved("no cancel request got an error")
            return
        body = bodies[0]
        self.observed["error_shape"] = " and ".join(sorted(name for name in body if body[name] is not None))
        inner = body["error"] if isinstance(body.get("error"), dict) else body
        code = inner.get("error_code", inner.get("code"))
        self.observed["error_code"] = f"{_type_name(code)} {code}"

    def _see_headers(self) -> None:
        exchanges = self._connection.http.exchanges
        with_id = sum("X-Request-Id" in exchange.headers for exchange in exchanges)
        self.observed["request_id"] = "in every response" if with_id == len(exchanges) else f"in {with_id} of {len(exchanges)} responses"
        throttled = [exchange.headers.get("Retry-After") for exchange in exchanges if exchange.status == 429]
        self.observed["retry_after"] = (throttled[0] or "no such header") if throttled else NotObserved("no request was throttled")

    def _tasks(self) -> list[BackgroundTask]:
        return list(self._connection.dcs.tasks(self._instance_id))

    def _looks(self) -> Iterator[int]:
        """Numbers from 1 on, one per look, until patience ends."""
        end = time.monotonic() + self._tempo.patience
        look = 1
        yield look
        while time.monotonic() < end:
            time.sleep(self._tempo.interval)
            look += 1
            yield look


def _type_name(value: Any) -> str:
    """What JSON calls the type of a value."""
    return {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array", type(None): "null"}[type(value)]


def _clean_up(environment: Mapping[str, str], plan: Plan, walk: _Walk, tempo: Tempo) -> str | None:
    """Cancel whatever this run may have scheduled, under whatever name and status it is listed.

    :returns: what may be left behind; None if nothing is
    """
    instance_id = plan.settings.instance_id
    problem = "nothing could be sent"
    began = time.monotonic()
    while True:
        try:
            connection = connect(environment)
            with contextlib.closing(connection.http):
                state, problem = _cancel_new(connection, plan, walk)
            if state == "clean" or (state == "nothing" and time.monotonic() - began > tempo.patience):
                return None
            if state == "late":
                return problem
        except DcsError as error:
            problem = error.message
        if time.monotonic() - began > tempo.clean_up:
            return (
                f"A RESIZE MAY STILL BE PENDING on instance {instance_id} ({problem}). Cancel it before {plan.instance.maintain_begin} UTC: "
                f"ansible localhost -m huaweicloud.dcs.dcs_resize_cancel -a instance_id={instance_id}"
            )
        time.sleep(tempo.interval)


def _cancel_new(connection: Connection, plan: Plan, walk: _Walk) -> tuple[str, str]:
    """Cancel the tasks that were not there before.

    :returns: `clean`: none waits; `nothing`: there are none, or not yet; `late`: one was not cancelled in time; `again`: look again; and why
    """
    instance_id = plan.settings.instance_id
    try:
        new = [task for task in connection.dcs.tasks(instance_id) if task.id not in plan.task_ids]
    except DcsError:
        # Without the list, what is known already is all that can be cancelled.
        if walk.task_id and not walk.cancelled:
            connection.cancel(instance_id, walk.task_id)
            walk.cancelled = True
        if walk.cancelled:
            return "clean", ""
        raise
    state, problem = ("clean" if new or walk.cancelled else "nothing"), "no new background task is listed"
    for task in new:
        status = task.status.upper()
        applied = status in APPLIED_STATUSES and connection.dcs.instance(instance_id).spec_code != plan.instance.spec_code
        if applied or status in EXECUTING_STATUSES:
            return "late", (
                f"THE RESIZE OF INSTANCE {instance_id} WAS NOT CANCELLED IN TIME: its background task is {task.status}. "
                f"To undo it, resize the instance to {plan.instance.spec_code} when it has finished."
            )
        if status in ENDED_STATUSES or (task.id == walk.task_id and walk.cancelled):
            continue
        try:
            connection.cancel(instance_id, task.id)
        except DcsError as error:
            if error.code not in NOT_EXTENDING_CODES or status in WAITING_STATUSES:
                state, problem = "again", error.message
    return state, problem
