# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dcs_resize_info
short_description: List DCS resizes, by default the pending ones
version_added: 1.0.0
author:
  - The huaweicloud.dcs contributors (@huaweicloud-dcs)
description:
  - Lists resizes (specification changes) of Huawei Cloud DCS instances, for specific instances or for all instances of a project.
  - By default only pending resizes are listed, that is, specification changes scheduled for the maintenance time window. RV(resizes) can be passed unchanged
    to O(huaweicloud.dcs.dcs_resize_cancel#module:resizes).
extends_documentation_fragment:
  - huaweicloud.dcs._connection
  - huaweicloud.dcs._attributes
  - huaweicloud.dcs._attributes.actiongroup_dcs
attributes:
  check_mode:
    support: full
    details:
      - Only reads, in check mode as well.
  diff_mode:
    support: N/A
    details:
      - Only reads.
  idempotent:
    support: full
options:
  instance_ids:
    description:
      - The IDs of the instances whose resizes to list. If omitted, all instances of the project. With an empty list no request is sent.
    type: list
    elements: str
  instance_name:
    description:
      - Only instances of the project whose name contains this text (case-insensitive).
      - Mutually exclusive with O(instance_ids), like the other options that select instances of the project. The module itself applies them to the list of
        the project's instances, before it reads the background tasks of an instance. An instance must match all of them.
    type: str
  tags:
    description:
      - Only instances of the project that have all of these tags, each with exactly this value. An empty value stands for a tag without a value.
      - Values are text or whole numbers. Quote a value that YAML would interpret as another type, such as V("true") or V("1.10").
      - Mutually exclusive with O(instance_ids).
    type: dict
  enterprise_project_id:
    description:
      - Only instances of the project that belong to the enterprise project with this ID. The ID of the default enterprise project is V(0).
      - Mutually exclusive with O(instance_ids).
    type: str
  exclude:
    description:
      - Instances of the project to leave out, as instance IDs or as full names (case-insensitive). The module warns about an entry that matches none of the
        project's instances.
      - Mutually exclusive with O(instance_ids).
    type: list
    elements: str
  status:
    description:
      - Only background tasks with one of these statuses, such as V(WAITING), V(CREATED), V(EXECUTING), V(SUCCESS) or V(FAILED) (case-insensitive). An empty
        list means all. The module warns if no resize has a given status and the status is not a known one.
    type: list
    elements: str
    default: [WAITING, CREATED]
  start_time:
    description:
      - Only background tasks created at or after this time, UTC, as C(yyyyMMddHHmmss).
    type: str
  end_time:
    description:
      - Only background tasks created at or before this time, UTC, as C(yyyyMMddHHmmss).
    type: str
  concurrency:
    description:
      - The maximum number of concurrent requests, 1 to 64.
    type: int
    default: 8
seealso:
  - module: huaweicloud.dcs.dcs_resize_cancel
  - name: ListBackgroundTask
    description: The API reference.
    link: https://support.huaweicloud.com/intl/en-us/api-dcs/ListBackgroundTask.html
"""

EXAMPLES = r"""
- name: List the pending resizes of the project
  huaweicloud.dcs.dcs_resize_info:
    region: cn-north-4
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.instance_name }}: {{ item.old_capacity }} GB to {{ item.new_capacity }} GB, not before {{ item.next_window_begin }}"
  loop: "{{ found.resizes }}"
  loop_control:
    label: "{{ item.instance_id }}"

- name: List the pending resizes of the production instances, except for two of them
  huaweicloud.dcs.dcs_resize_info:
    tags:
      environment: production
    exclude:
      - sessions
      - 5560df16-cebf-4473-95c4-d1b573c16e79

- name: List all resizes of two instances, past and pending
  huaweicloud.dcs.dcs_resize_info:
    instance_ids:
      - 5560df16-cebf-4473-95c4-d1b573c16e79
      - 9b2a3c4d-0e1f-4a5b-8c7d-6e5f4a3b2c1d
    status: []
"""

RETURN = r"""
resizes:
  description: The resizes, in the order of the instances.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The ID of the instance.
      type: str
      returned: always
      sample: 5560df16-cebf-4473-95c4-d1b573c16e79
    instance_name:
      description: The name of the instance. Null if the instance itself was not read.
      type: str
      returned: always
      sample: sessions
    instance_status:
      description: The status of the instance. Null if the instance itself was not read.
      type: str
      returned: always
      sample: RUNNING
    maintain_begin:
      description: The beginning of the instance's maintenance window, UTC. Null if the instance itself was not read.
      type: str
      returned: always
      sample: '18:00:00'
    maintain_end:
      description: The end of the instance's maintenance window, UTC. Null if the instance itself was not read.
      type: str
      returned: always
      sample: '22:00:00'
    task_id:
      description: The ID of the background task.
      type: str
      returned: always
      sample: 8abf6e1e72c12e7c0172c15b508500aa
    task_name:
      description: The kind of background task, V(EXTEND) or V(ChangeInstanceSpec) for a resize.
      type: str
      returned: always
      sample: EXTEND
    status:
      description: The status of the background task, such as V(WAITING), V(CREATED), V(EXECUTING), V(SUCCESS) or V(FAILED).
      type: str
      returned: always
      sample: WAITING
    next_window_begin:
      description: >-
        When the instance's maintenance window opens next, in UTC and ISO 8601 format. This is the earliest time at which a pending resize can start. The
        current time if the window is open. Null if the window is unknown.
      type: str
      returned: always
      sample: '2026-01-31T18:00:00Z'
    user_name:
      description: The user who scheduled the resize.
      type: str
      returned: always
      sample: operator
    created_at:
      description: When the background task was created, UTC.
      type: str
      returned: always
      sample: '2026-01-31T07:38:42.503Z'
    updated_at:
      description: When the background task was last updated, UTC.
      type: str
      returned: always
      sample: '2026-01-31T07:38:42.503Z'
    old_spec_code:
      description: The specification before the resize.
      type: str
      returned: always
      sample: redis.ha.xu1.large.r2.4
    new_spec_code:
      description: The specification after the resize.
      type: str
      returned: always
      sample: redis.ha.xu1.large.r2.8
    old_capacity:
      description: The capacity before the resize, in GB.
      type: float
      returned: always
      sample: 4.0
    new_capacity:
      description: The capacity after the resize, in GB.
      type: float
      returned: always
      sample: 8.0
    details:
      description: The details of the background task, as received from the API.
      type: raw
      returned: always
      sample:
        old_capacity: "4"
        new_capacity: "8"
        old_resource_spec_code: redis.ha.xu1.large.r2.4
        new_resource_spec_code: redis.ha.xu1.large.r2.8
errors:
  description: Instances whose resizes could not be read. The module fails if there are any.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The ID of the instance. Null if the instances themselves could not be listed.
      type: str
      returned: always
      sample: 5560df16-cebf-4473-95c4-d1b573c16e79
    code:
      description: The API's error code, or one of the module's own, as in RV(huaweicloud.dcs.dcs_resize_cancel#module:resizes[].error.code).
      type: str
      returned: always
      sample: DCS.2003
    message:
      description: The reason, what to do about it, and the request in parentheses.
      type: str
      returned: always
      sample: >-
        HTTP 403 DCS.2003: Policy does not allow it. Check that the user or agency has the IAM permission
        dcs:instance:getBackgroundTask in this project, and that the project is the right one.
        (GET /v2/0123/instances/5560/tasks)
    http_status:
      description: The HTTP status of the response. Null if there was none.
      type: int
      returned: always
      sample: 403
    request_id:
      description: The ID of the request, for Huawei Cloud's support. Null if the response had none.
      type: str
      returned: always
      sample: 1f0b0f1e5c3f4b1b9c6f2d7e8a9b0c1d
"""

import datetime
import re
import typing as t

from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import InstanceFilter, Listing, list_resizes, next_window_begin
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import DcsModule, summarize
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import WAITING_STATUSES, Request, malformed

#: Options that select instances of the project.
FILTERS: dict[str, dict[str, t.Any]] = {
    "instance_name": {"type": "str"},
    "tags": {"type": "dict"},
    "enterprise_project_id": {"type": "str"},
    "exclude": {"type": "list", "elements": "str"},
}
OPTIONS: dict[str, dict[str, t.Any]] = {
    "instance_ids": {"type": "list", "elements": "str"},
    **FILTERS,
    "status": {"type": "list", "elements": "str", "default": list(WAITING_STATUSES)},
    "start_time": {"type": "str"},
    "end_time": {"type": "str"},
    "concurrency": {"type": "int", "default": 8},
}


def utc_now() -> datetime.datetime:
    """The current time."""
    return datetime.datetime.now(datetime.timezone.utc)


def rows(listing: Listing, now: datetime.datetime) -> list[dict[str, t.Any]]:
    """The resizes in the form in which the module returns them.

    :param now: in UTC
    """
    return [
        {
            "instance_id": instance_id,
            "instance_name": instance.name if instance else None,
            "instance_status": instance.status if instance else None,
            "maintain_begin": instance.maintain_begin if instance else None,
            "maintain_end": instance.maintain_end if instance else None,
            "next_window_begin": next_window_begin(instance, now) if instance else None,
            **task.as_result(),
        }
        for instance_id, instance, task in listing.resizes
    ]


def nothing_to_ask(instance_ids: list[str] | None) -> Listing | None:
    """The listing if there are no IDs or only invalid ones, so that no request is needed; otherwise None."""
    if instance_ids is None:
        return None
    refused = [(instance_id, malformed(Request(instance_id))) for instance_id in dict.fromkeys(instance_ids)]
    errors = [(instance_id, error) for instance_id, error in refused if error]
    return Listing([], errors, [], len(errors)) if len(errors) == len(refused) else None


def wanted_tags(module: DcsModule) -> dict[str, str]:
    """The option `tags`. A missing value counts as an empty one: ignoring its key would select more instances than intended."""
    tags: dict[str, str] = {}
    for key, value in (module.params["tags"] or {}).items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            module.fail_json(msg=f"tags: the value of {key!r} must be text or a whole number, not {value!r}. Quote it.")
        tags[str(key)] = "" if value is None else str(value)
    if "" in tags:
        module.fail_json(msg="tags: a key is empty.")
    return tags


def find(module: DcsModule) -> None:
    """List the resizes that the options specify."""
    params = module.params
    for name in ("start_time", "end_time"):
        if params[name] is not None and not re.fullmatch("[0-9]{14}", params[name]):
            module.fail_json(msg=f"{name} must be UTC as yyyyMMddHHmmss, such as 20260131073842, but is {params[name]!r}.")
    for status in params["status"]:
        # No task has such a status, and an empty result would look like no resize. In an ad hoc command, `status=[]` is a string.
        if not re.fullmatch("[A-Za-z_-]+", status.strip()):
            module.fail_json(
                msg=f"Invalid status {status!r}: set a name such as WAITING, or an empty list for all statuses (in an ad hoc command: -a '{{\"status\": []}}')."
            )
    instances = InstanceFilter(
        name=params["instance_name"], tags=wanted_tags(module), enterprise_project_id=params["enterprise_project_id"], exclude=params["exclude"] or ()
    )
    # If no request is needed for the list, the project is not looked up either.
    listing = nothing_to_ask(params["instance_ids"]) or list_resizes(
        module.connect(),
        instance_ids=params["instance_ids"],
        instances=instances,
        statuses=params["status"],
        start_time=params["start_time"],
        end_time=params["end_time"],
    )
    module.returned["resizes"] = rows(listing, utc_now())
    module.returned["errors"] = [{"instance_id": instance_id, **error.as_result()} for instance_id, error in listing.errors]
    for warning in listing.warnings:
        module.warn(warning)
    if listing.errors:
        module.fail_json(msg=summarize(listing.errors, listing.asked, "instances"))


def main() -> None:
    module = DcsModule(OPTIONS, always={"resizes": [], "errors": []}, mutually_exclusive=[("instance_ids", name) for name in FILTERS])
    module.run(lambda: find(module))


if __name__ == "__main__":
    main()
