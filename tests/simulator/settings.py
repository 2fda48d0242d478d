# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All settings that change the behavior of the simulated cloud.

Most of them are about something that Huawei Cloud's documentation leaves open; the default is what its wording suggests.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints


class UnknownSettingError(ValueError):
    """There is no setting with this name, or it can't have this value."""


@dataclasses.dataclass
class Settings:
    """The behavior of the cloud where the documentation leaves it open, and its speed."""

    # The task list
    task_name: Annotated[str, "Name of a resize in the task list; the documentation has `EXTEND` and `ChangeInstanceSpec`."] = "EXTEND"
    waiting_status: Annotated[str, "Status of a pending resize."] = "WAITING"
    status_after_cancel: Annotated[
        str,
        "Status of a cancelled task. `REMOVED` removes it from the list. With `SUCCESS`, the instance keeps its old specification.",
    ] = "CANCELLED"
    status_after_cancel_seconds: Annotated[float, "Seconds for which a cancelled task is still listed as pending."] = 0
    status_after_cancel_lookups: Annotated[int, "Number of task lists in which a cancelled task is still listed as pending."] = 0
    task_count_type: Annotated[Literal["integer", "string"], "Type of `task_count`: `integer` or `string`."] = "integer"
    capacity_type: Annotated[Literal["string", "number"], "Type of the capacities in the details of tasks scheduled later: `string` or `number`."] = "string"
    details_type: Annotated[Literal["object", "string"], "Type of the details of a task: `object`, or `string` that contains JSON."] = "object"
    limit_enforced: Annotated[bool, "Whether a `limit` outside 1 to 1000 is refused. Otherwise, the nearest value in that range is used."] = True
    page_cap: Annotated[int | None, "Maximum number of records on a page, regardless of `limit`; null: no maximum."] = None
    offset_unit: Annotated[Literal["records", "pages"], "What `offset` counts: `records`, or `pages` of `limit` records."] = "records"

    # The list of instances
    name_query: Annotated[Literal["contains", "ignored"], "Effect of the query `name`: `contains` selects by part of the name, `ignored` has no effect."] = (
        "contains"
    )
    fields_not_listed: Annotated[list[str], "Fields that are missing in the list of instances, such as `tags`. They are returned for a single instance."] = (
        dataclasses.field(default_factory=list)
    )

    # The instance
    instance_status_waiting: Annotated[str, "Status of an instance with a pending resize."] = "RUNNING"
    extending_after_cancel_seconds: Annotated[float, "Seconds for which an instance has the status `EXTENDING` after a cancellation."] = 0
    extending_after_cancel_reads: Annotated[int, "Number of reads in which an instance has the status `EXTENDING` after a cancellation."] = 0

    # Responses to a cancel request: null, or an object with `status` and `body`
    answer_cancelled: Annotated[dict[str, Any] | None, 'Response to a cancel request that takes effect; null: 200 `{"result": "success"}`.'] = None
    answer_cancelled_before: Annotated[dict[str, Any] | None, "Response to a second cancel request; null: 400 `DCS.4239`."] = None
    answer_unknown_task: Annotated[dict[str, Any] | None, "Response to a task ID that does not exist; null: 400 `DCS.4239`."] = None
    answer_foreign_task: Annotated[dict[str, Any] | None, "Response to the task ID of another instance; null: 400 `DCS.4239`."] = None
    answer_executing: Annotated[dict[str, Any] | None, "Response while the resize is being carried out; null: 400 `DCS.4239`."] = None
    answer_ended: Annotated[dict[str, Any] | None, "Response when the resize has been carried out or has failed; null: 400 `DCS.4239`."] = None

    # All responses
    error_shape: Annotated[Literal["v2", "v1"], "Format of DCS errors: `v2` (`error_code`, `error_msg`) or `v1` (`error`: `code`, `message`)."] = "v2"
    error_code_type: Annotated[
        Literal["string", "legacy", "integer"],
        "Type of DCS error codes: `string` (`DCS.4239`), or the legacy number as `legacy` (a string) or `integer`.",
    ] = "string"
    request_id_header: Annotated[bool, "Whether responses have the header `X-Request-Id`."] = True
    retry_after: Annotated[bool, "Whether the response to a throttled request has the header `Retry-After` (whole seconds)."] = False

    # Time
    latency_ms: Annotated[float, "Minimum number of milliseconds from the arrival of a request to its response."] = 0
    throttle: Annotated[
        dict[str, Any] | None,
        'Requests accepted per API and second, such as `{"rate": 50, "variant": "token_bucket", "burst": 50, "kinds": ["cancel"]}`. Variants: `token_bucket`, '
        "`fixed_window` and `bursts` (`rate` requests, then one that is rejected, then a pause); `per_seconds` sets a period other than one second. Without "
        "`kinds`, every API is throttled. Rejected requests do not count. null: no throttling.",
    ] = None
    window_opens_after: Annotated[float | None, "Seconds after which a pending resize starts automatically; null: only on request."] = None
    work_seconds: Annotated[float | None, "Duration of a resize in seconds; null: until it is finished on request."] = None

    # Authentication
    clock_skew_seconds: Annotated[float, "Maximum deviation of `X-Sdk-Date`, in seconds."] = 900
    lock_after_failures: Annotated[int, "Number of failed authentications in a row that do not lock the access key; one more does."] = 5
    lock_seconds: Annotated[float, "Seconds for which an access key is locked."] = 300
    metadata_token_status: Annotated[int, "HTTP status of a request for a metadata token: 200, or 404, 405, 503 if there are no tokens."] = 200
    metadata_token_required: Annotated[bool, "Whether metadata requests without a token are refused (401)."] = True
    metadata_agency: Annotated[bool, "Whether the ECS instance has an agency, that is, temporary credentials."] = True
    metadata_expired: Annotated[bool, "Whether the credentials from the metadata service have expired."] = False

    def change(self, changes: dict[str, Any]) -> None:
        """Change the given settings; raises UnknownSettingError and changes nothing if one is unknown or can't have its value."""
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
    """Name, default (as in JSON) and description of each setting, in order."""
    settings = Settings()
    return [
        (f"`{name}`", f"`{value if isinstance(value, str) else json.dumps(value)}`", hint.__metadata__[0])
        for name, hint in get_type_hints(Settings, include_extras=True).items() for value in [getattr(settings, name)]
    ]
