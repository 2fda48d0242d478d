# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every point in which the simulated cloud can be told to behave differently, in one place.

Most of them stand for something that Huawei Cloud's documentation leaves open; the default is what its words suggest.
"""

from __future__ import annotations

import dataclasses
from typing import Any


def _setting(default: Any, description: str) -> Any:
    metadata = {"description": description}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class UnknownSettingError(ValueError):
    """A name that is no setting."""


@dataclasses.dataclass
class Settings:
    """What the cloud does where the documentation is silent, and how fast it does it."""

    # The task list
    task_name: str = _setting("EXTEND", "Name of a resize in the task list; the documentation has `EXTEND` and `ChangeInstanceSpec`.")
    waiting_status: str = _setting("WAITING", "Status of a task that waits for its maintenance window.")
    status_after_cancel: str = _setting("CANCELLED", "Status of a cancelled task; `REMOVED` takes it off the list, `SUCCESS` leaves the instance its old specification.")
    status_after_cancel_seconds: float = _setting(0, "Seconds for which a cancelled task is still listed as waiting.")
    status_after_cancel_lookups: int = _setting(0, "Number of task lists in which a cancelled task is still listed as waiting.")
    task_count_type: str = _setting("integer", "Type of `task_count`: `integer` or `string`.")
    capacity_type: str = _setting("string", "Type of the capacities in a task's details: `string` or `number`.")
    limit_enforced: bool = _setting(True, "Whether a `limit` outside 1 to 1000 is refused; otherwise it is brought into that range.")
    page_cap: int | None = _setting(None, "Most records on a page, whatever `limit` asks for; null is no cap.")

    # The instance
    instance_status_waiting: str = _setting("RUNNING", "Status of an instance while its resize waits.")
    extending_after_cancel_seconds: float = _setting(0, "Seconds for which an instance shows `EXTENDING` after a cancel.")
    extending_after_cancel_reads: int = _setting(0, "Number of reads in which an instance shows `EXTENDING` after a cancel.")

    # Answers to a cancel: null, or an object with `status` and `body`
    answer_cancelled: dict[str, Any] | None = _setting(None, "Answer to a cancel that takes effect; null is 200 `{\"result\": \"success\"}`.")
    answer_cancelled_before: dict[str, Any] | None = _setting(None, "Answer to a second cancel; null is 400 `DCS.4239`.")
    answer_unknown_task: dict[str, Any] | None = _setting(None, "Answer to a task id that nobody has; null is 400 `DCS.4239`.")
    answer_foreign_task: dict[str, Any] | None = _setting(None, "Answer to the task id of another instance; null is 400 `DCS.4239`.")
    answer_executing: dict[str, Any] | None = _setting(None, "Answer once the resize is being carried out; null is 400 `DCS.4239`.")
    answer_ended: dict[str, Any] | None = _setting(None, "Answer once the resize has been carried out or has failed; null is 400 `DCS.4239`.")

    # Every answer
    error_shape: str = _setting("v2", "Shape of DCS errors: `v2` (`error_code`, `error_msg`) or `v1` (`error`: `code`, `message`).")
    error_code_type: str = _setting("string", "DCS error codes: `string` (`DCS.4239`), or the legacy number as `legacy` (a string) or `integer`.")
    request_id_header: bool = _setting(True, "Whether answers carry `X-Request-Id`.")
    retry_after: bool = _setting(False, "Whether the answer to a throttled request carries `Retry-After` (whole seconds).")

    # Time
    latency_ms: float = _setting(0, "Milliseconds from the arrival of a request to its answer, at least.")
    throttle: dict[str, Any] | None = _setting(
        None, "Requests let in per API and second: `{\"rate\": 50, \"variant\": \"token_bucket\", \"burst\": 50, \"kinds\": [\"cancel\"]}`; variants `token_bucket` and "
        "`fixed_window`, with `per_seconds` for other windows; without `kinds` every API is throttled. What is rejected does not count; null is no throttle.")
    window_opens_after: float | None = _setting(None, "Seconds after which a waiting resize starts by itself; null: it waits to be told.")
    work_seconds: float | None = _setting(None, "Seconds that a resize takes once started; null: it goes on until told.")

    # Authentication
    clock_skew_seconds: float = _setting(900, "How far `X-Sdk-Date` may be off.")
    lock_after_failures: int = _setting(5, "Failed authentications in a row after which one more locks the access key.")
    lock_seconds: float = _setting(300, "Seconds for which an access key stays locked.")
    metadata_token_status: int = _setting(200, "Status of the metadata token request: 200, 404, 405 or 503.")
    metadata_token_required: bool = _setting(True, "Whether metadata is refused (401) without a token.")
    metadata_agency: bool = _setting(True, "Whether the server has an agency, that is, temporary credentials.")
    metadata_expired: bool = _setting(False, "Whether the credentials that metadata hands out have expired.")

    def change(self, changes: dict[str, Any]) -> None:
        """Set the given settings; raises UnknownSettingError and changes nothing when a name is unknown."""
        known = {field.name for field in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise UnknownSettingError(f"unknown settings: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        for name, value in changes.items():
            setattr(self, name, value)


def describe() -> list[tuple[str, str, str]]:
    """Name, default (as JSON would have it) and description of each setting, in order."""
    words = {None: "null", True: "true", False: "false"}
    return [
        (field.name, words[field.default] if field.default is None or isinstance(field.default, bool) else str(field.default), field.metadata["description"])
        for field in dataclasses.fields(Settings)
    ]
