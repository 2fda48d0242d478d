# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dcs_resize_info
short_description: List DCS resizes, by default those that wait for the maintenance window
version_added: 1.0.0
author:
  - The huaweicloud.dcs contributors (@huaweicloud-dcs)
description:
  - Lists the resizes (specification changes) of Huawei Cloud DCS instances, of some or of all instances of a project.
  - By default it lists those that wait for the maintenance window. RV(resizes) can be passed unchanged to
    O(huaweicloud.dcs.dcs_resize_cancel#module:resizes).
extends_documentation_fragment:
  - huaweicloud.dcs._connection
  - huaweicloud.dcs._attributes
  - huaweicloud.dcs._attributes.actiongroup_dcs
attributes:
  check_mode:
    support: full
    details:
      - Changes nothing, in check mode or not.
  diff_mode:
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    support: full
options:
  instance_ids:
    description:
      - The ids of the instances whose resizes to list. If it is not set, those of every instance of the project. An empty list is fine, and nothing is
        asked.
    type: list
    elements: str
  instance_name:
    description:
      - Only the instances of the project whose name contains this. Not together with O(instance_ids).
    type: str
  status:
    description:
      - Only background tasks with one of these statuses, such as V(WAITING), V(CREATED), V(EXECUTING), V(SUCCESS) or V(FAILED). An empty list means all.
    type: list
    elements: str
    default: [WAITING, CREATED]
  start_time:
    description:
      - Only background tasks from this time on, UTC, as C(yyyyMMddHHmmss).
    type: str
  end_time:
    description:
      - Only background tasks up to this time, UTC, as C(yyyyMMddHHmmss).
    type: str
  concurrency:
    description:
      - How many requests are in flight at once, 1 to 64.
    type: int
    default: 8
seealso:
  - module: huaweicloud.dcs.dcs_resize_cancel
  - name: ListBackgroundTask
    description: The API call.
    link: https://support.huaweicloud.com/intl/en-us/api-dcs/ListBackgroundTask.html
"""

EXAMPLES = r"""
- name: Which resizes wait in the project?
  huaweicloud.dcs.dcs_resize_info:
    region: cn-north-4
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.instance_name }}: {{ item.old_capacity }} GB to {{ item.new_capacity }} GB, from {{ item.maintain_begin }} UTC on"
  loop: "{{ found.resizes }}"
  loop_control:
    label: "{{ item.instance_id }}"

- name: All resizes that two instances ever had
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
      description: The instance.
      type: str
      returned: always
      sample: 5560df16-cebf-4473-95c4-d1b573c16e79
    instance_name:
      description: Its name. Null, like the three that follow, if the instance itself was not read.
      type: str
      returned: always
      sample: sessions
    instance_status:
      description: Its status.
      type: str
      returned: always
      sample: RUNNING
    maintain_begin:
      description: The beginning of its maintenance window, UTC.
      type: str
      returned: always
      sample: '18:00:00'
    maintain_end:
      description: The end of its maintenance window, UTC.
      type: str
      returned: always
      sample: '22:00:00'
    task_id:
      description: The background task.
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
    user_name:
      description: Who scheduled it.
      type: str
      returned: always
      sample: operator
    created_at:
      description: When it was scheduled, UTC.
      type: str
      returned: always
      sample: '2026-01-31T07:38:42.503Z'
    updated_at:
      description: When it was last updated, UTC.
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
      description: All that the API says about it, as received.
      type: raw
      returned: always
      sample:
        old_capacity: "4"
        new_capacity: "8"
        old_resource_spec_code: redis.ha.xu1.large.r2.4
        new_resource_spec_code: redis.ha.xu1.large.r2.8
errors:
  description: What could not be read. The module fails if there is anything.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The instance. Null if the instances themselves could not be listed.
      type: str
      returned: always
      sample: 5560df16-cebf-4473-95c4-d1b573c16e79
    code:
      description: The API's error code, or one of the module's own, as in RV(huaweicloud.dcs.dcs_resize_cancel#module:resizes[].error.code).
      type: str
      returned: always
      sample: DCS.2003
    message:
      description: What was attempted, and why it failed.
      type: str
      returned: always
      sample: 'GET /v2/0123/instances/5560/tasks: answered with status 403 and DCS.2003: Policy does not allow it.'
    http_status:
      description: The status of the answer. Null if there was none.
      type: int
      returned: always
      sample: 403
    request_id:
      description: The id of the request, for Huawei Cloud's support. Null if the answer had none.
      type: str
      returned: always
      sample: 1f0b0f1e5c3f4b1b9c6f2d7e8a9b0c1d
"""

import re
import typing as t

from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError
from ansible_collections.huaweicloud.dcs.plugins.module_utils._listing import Listing, list_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import DcsModule, summarize
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import WAITING_STATUSES, Request, malformed

OPTIONS: dict[str, dict[str, t.Any]] = {
    "instance_ids": {"type": "list", "elements": "str"},
    "instance_name": {"type": "str"},
    "status": {"type": "list", "elements": "str", "default": list(WAITING_STATUSES)},
    "start_time": {"type": "str"},
    "end_time": {"type": "str"},
    "concurrency": {"type": "int", "default": 8},
}


def rows(listing: Listing) -> list[dict[str, t.Any]]:
    """The resizes as users see them."""
    return [
        {
            "instance_id": instance_id,
            "instance_name": instance.name if instance else None,
            "instance_status": instance.status if instance else None,
            "maintain_begin": instance.maintain_begin if instance else None,
            "maintain_end": instance.maintain_end if instance else None,
            **task.as_result(),
        }
        for instance_id, instance, task in listing.resizes
    ]


def nothing_to_ask(instance_ids: list[str] | None) -> Listing | None:
    """The listing, if there is no id at all or none that can be asked for."""
    if instance_ids is None:
        return None
    refused = [(instance_id, malformed(Request(instance_id))) for instance_id in dict.fromkeys(instance_ids)]
    errors = [(instance_id, error) for instance_id, error in refused if error]
    return Listing([], errors, [], len(errors)) if len(errors) == len(refused) else None


def main() -> None:
    module = DcsModule(OPTIONS, always={"resizes": [], "errors": []}, mutually_exclusive=[("instance_ids", "instance_name")])
    params = module.params
    for name in ("start_time", "end_time"):
        if params[name] is not None and not re.fullmatch("[0-9]{14}", params[name]):
            module.fail_json(msg=f"{name} must be UTC as yyyyMMddHHmmss, such as 20260131073842, and is {params[name]!r}")
    statuses = [status.strip() for status in params["status"]]
    if not all(statuses):
        module.fail_json(msg="status must have no blank entries; an empty list means all")
    try:
        # Where nothing can be asked, no project is looked up either.
        listing = nothing_to_ask(params["instance_ids"]) or list_resizes(
            module.connect(),
            instance_ids=params["instance_ids"],
            instance_name=params["instance_name"],
            statuses=statuses,
            start_time=params["start_time"],
            end_time=params["end_time"],
            concurrency=params["concurrency"],
        )
    except DcsError as error:
        module.fail_json(msg=error.message, errors=[{"instance_id": None, **error.as_result()}])
    for warning in listing.warnings:
        module.warn(warning)
    returned = {
        "resizes": rows(listing),
        "errors": [{"instance_id": instance_id, **error.as_result()} for instance_id, error in listing.errors],
    }
    if listing.errors:
        module.fail_json(msg=summarize(listing.errors, listing.asked, "instances"), **returned)
    module.exit_json(changed=False, **returned)


if __name__ == "__main__":
    main()
