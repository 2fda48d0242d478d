# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every point in which the simulated cloud can be told to behave differently, in one place.

Most of them stand for something that Huawei Cloud's documentation leaves open; the default is what its words suggest.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


class UnknownSettingError(ValueError):
    """A name that is no setting, or a value that it can't have."""


@dataclasses.dataclass
class Settings:
    """What the cloud does where the documentation is silent, and how fast it does it."""

    # The task list
    task_name: Annotated[str, "Name of a resize in the task list; the documentation has `EXTEND` and `ChangeInstanceSpec`."] = "EXTEND"
    waiting_status: Annotated[str, "Status of a pending resize."] = "WAITING"
    status_after_cancel: Annotated[
        str,
        "Status of a cancelled task; `REMOVED` takes it off the list, `SUCCESS` leaves the instance its old specification.",
    ] = "CANCELLED"
    status_after_cancel_seconds: Annotated[float, "Seconds for which a cancelled task is still listed as waiting."] = 0
    status_after_cancel_lookups: Annotated[int, "Number of task lists in which a cancelled task is still listed as waiting."] = 0
    task_count_type: Annotated[Literal["integer", "string"], "Type of `task_count`: `integer` or `string`."] = "integer"
    capacity_type: Annotated[Literal["string", "number"], "Type of the capacities in details of tasks scheduled from then on: `string`, `number`."] = "string"
    details_type: Annotated[Literal["object", "string"], "Type of the details of a task: `object`, or `string` with JSON in it."] = "object"
    limit_enforced: Annotated[bool, "Whether a `limit` outside 1 to 1000 is refused; otherwise it is brought into that range."] = True
    page_cap: Annotated[int | None, "Most records on a page, whatever `limit` asks for; null is no cap."] = None
    offset_unit: Annotated[Literal["records", "pages"], "What `offset` counts: `records`, or `pages` of `limit` records."] = "records"

    # The list of instances
    name_query: Annotated[Literal["contains", "ignored"], "What the query `name` does: `contains` selects by part of the name, `ignored` has no effect."] = (
        "contains"
    )
    fields_not_listed: Annotated[list[str], "Fields that the records of the list of instances lack, such as `tags`; reading one instance shows them."] = (
        dataclasses.field(default_factory=list)
    )

    # The instance
    instance_status_waiting: Annotated[str, "Status of an instance with a pending resize."] = "RUNNING"
    extending_after_cancel_seconds: Annotated[float, "Seconds for which an instance shows `EXTENDING` after a cancel."] = 0
    extending_after_cancel_reads: Annotated[int, "Number of reads in which an instance shows `EXTENDING` after a cancel."] = 0

    # Answers to a cancel: null, or an object with `status` and `body`
    answer_cancelled: Annotated[dict[str, Any] | None, 'Answer to a cancel that takes effect; null is 200 `{"result": "success"}`.'] = None
    answer_cancelled_before: Annotated[dict[str, Any] | None, "Answer to a second cancel; null is 400 `DCS.4239`."] = None
    answer_unknown_task: Annotated[dict[str, Any] | None, "Answer to a task id that nobody has; null is 400 `DCS.4239`."] = None
    answer_foreign_task: Annotated[dict[str, Any] | None, "Answer to the task id of another instance; null is 400 `DCS.4239`."] = None
    answer_executing: Annotated[dict[str, Any] | None, "Answer once the resize is being carried out; null is 400 `DCS.4239`."] = None
    answer_ended: Annotated[dict[str, Any] | None, "Answer once the resize has been carried out or has failed; null is 400 `DCS.4239`."] = None

    # Every answer
    error_shape: Annotated[Literal["v2", "v1"], "Shape of DCS errors: `v2` (`error_code`, `error_msg`) or `v1` (`error`: `code`, `message`)."] = "v2"
    error_code_type: Annotated[
        Literal["string", "legacy", "integer"],
        "DCS error codes: `string` (`DCS.4239`), or the legacy number as `legacy` (a string) or `integer`.",
    ] = "string"
    request_id_header: Annotated[bool, "Whether answers carry `X-Request-Id`."] = True
    retry_after: Annotated[bool, "Whether the answer to a throttled request carries `Retry-After` (whole seconds)."] = False

    # Time
    latency_ms: Annotated[float, "Milliseconds from the arrival of a request to its answer, at least."] = 0
    throttle: Annotated[
        dict[str, Any] | None,
        'Requests let in per API and second, such as `{"rate": 50, "variant": "token_bucket", "burst": 50, "kinds": ["cancel"]}`. Variants: `token_bucket`, '
        "`fixed_window` and `bursts` (`rate` requests, then one that is rejected, then a pause), with `per_seconds` for other times than a second. Without "
        "`kinds` every API is throttled. What is rejected does not count; null is no throttle.",
    ] = None
    window_opens_after: Annotated[float | None, "Seconds after which a pending resize starts by itself; null: only when it is told to."] = None
    work_seconds: Annotated[float | None, "Seconds that a resize takes once started; null: it goes on until told."] = None

    # Authentication
    clock_skew_seconds: Annotated[float, "How far `X-Sdk-Date` may be off."] = 900
    lock_after_failures: Annotated[int, "Failed authentications in a row after which one more locks the access key."] = 5
    lock_seconds: Annotated[float, "Seconds for which an access key stays locked."] = 300
    metadata_token_status: Annotated[int, "Status of the metadata token request: 200, or 404, 405, 503 without one."] = 200
    metadata_token_required: Annotated[bool, "Whether metadata is refused (401) without a token."] = True
    metadata_agency: Annotated[bool, "Whether the server has an agency, that is, temporary credentials."] = True
    metadata_expired: Annotated[bool, "Whether the credentials that metadata hands out have expired."] = False

    def change(self, changes: dict[str, Any]) -> None:
        """Set the given settings; raises UnknownSettingError and changes nothing when one is unknown or can't have its value."""
        known = get_type_hints(type(self))
        unknown = sorted(set(changes) - set(known))
        if unknown:
            raise UnknownSettingError(f"unknown settings: {', '.join(unknown)}; known: {', '.join(known)}")
        for name, value in changes.items():
            if get_origin(known[name]) is Literal and value not in get_args(known[name]):
                raise UnknownSettingError(f"{name} is one of {', '.join(get_args(known[name]))}, not {value}")
        for name, value in changes.items():
            setattr(self, name, value)


def describe() -> list[tuple[str, str, str]]:
    """Name, default (as JSON would have it) and description of each setting, in order."""
    settings = Settings()
    return [
        (f"`{name}`", f"`{value if isinstance(value, str) else json.dumps(value)}`", hint.__metadata__[0])
        for name, hint in get_type_hints(Settings, include_extras=True).items() for value in [getattr(settings, name)]
    ]
