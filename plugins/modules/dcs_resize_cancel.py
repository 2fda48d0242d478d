# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dcs_resize_cancel
short_description: Cancel pending resizes of DCS instances
version_added: 1.0.0
author:
  - The huaweicloud.dcs contributors (@huaweicloud-dcs)
description:
  - Ensures that no resize of a Huawei Cloud DCS instance is pending. A pending resize is a specification change that is scheduled for the maintenance time
    window of the instance.
  - It is not an error if no resize is pending. A resize that is being carried out or has been carried out can't be cancelled; O(on_too_late) determines
    what happens then.
  - Cancels one resize with O(instance_id), or many resizes with O(resizes).
extends_documentation_fragment:
  - huaweicloud.dcs._connection
  - huaweicloud.dcs._attributes
  - huaweicloud.dcs._attributes.actiongroup_dcs
attributes:
  check_mode:
    support: full
    details:
      - Reads the background tasks and predicts the outcome from them, which requires the permission C(dcs:instance:getBackgroundTask). A refusal of the cancel
        request itself can't be predicted. Does not wait.
  diff_mode:
    support: full
    details:
      - Shows which resizes are pending, before and after, with the name of the instance and the specifications where they are known.
  idempotent:
    support: full
options:
  instance_id:
    description:
      - The ID of the DCS instance. Exactly one of O(instance_id) and O(resizes) is required.
    type: str
  task_id:
    description:
      - The ID of the resize's background task, as returned by M(huaweicloud.dcs.dcs_resize_info). With this option, only this resize is cancelled, and the
        cancellation takes one request.
      - If omitted, the pending resize is found among the background tasks of the instance. If several resizes are pending, none is cancelled and the module
        fails.
    type: str
  resizes:
    description:
      - A list of resizes to cancel. Each entry has an C(instance_id) and, optionally, a C(task_id).
      - The lists RV(huaweicloud.dcs.dcs_resize_info#module:resizes) and RV(resizes) can be passed unchanged; their other keys are ignored. An entry with any
        other key is refused before a request is sent.
      - Duplicates are cancelled and reported once. With an empty list no request is sent.
      - A failure does not stop the other cancellations; the module fails at the end.
    type: list
    elements: dict
  on_too_late:
    description:
      - What to do if the resize is being carried out or has been carried out.
      - V(ignore) succeeds without a warning. With a task ID, the module does not check after C(DCS.4239) whether it was too late, which saves a request;
        the outcome is then C(absent).
      - V(warn) succeeds with a warning.
      - V(fail) fails.
    type: str
    choices: [ignore, warn, fail]
    default: warn
  wait:
    description:
      - Whether to wait, after a resize has been cancelled, until the instance has left the status C(EXTENDING).
    type: bool
    default: false
  wait_timeout:
    description:
      - How long to wait, in seconds, 0 to 604800. If the timeout expires, the module fails but C(changed) stays V(true).
      - The final status checks may add ten seconds plus one request.
    type: int
    default: 300
  concurrency:
    description:
      - The maximum number of concurrent requests for O(resizes), 1 to 64. Until one request has been accepted, requests are sent one at a time.
    type: int
    default: 8
notes:
  - If the run is interrupted with Ctrl+C, no further request is sent. If only the process of C(ansible-playbook) is killed or its terminal is closed, a
    worker process of Ansible and this module continue to cancel the remaining resizes; terminate the whole process tree to stop them.
seealso:
  - module: huaweicloud.dcs.dcs_resize_info
  - name: CancelInstanceResize
    description: The API reference.
    link: https://support.huaweicloud.com/intl/en-us/api-dcs/CancelInstanceResize.html
"""

EXAMPLES = r"""
- name: Cancel the pending resize of an instance
  huaweicloud.dcs.dcs_resize_cancel:
    instance_id: 5560df16-cebf-4473-95c4-d1b573c16e79
    region: cn-north-4
    access_key: "{{ my_access_key }}"
    secret_key: "{{ my_secret_key }}"

# ansible localhost -m huaweicloud.dcs.dcs_resize_cancel -a 'instance_id=5560df16-cebf-4473-95c4-d1b573c16e79'
- name: The same with the connection from HW_ACCESS_KEY, HW_SECRET_KEY and HW_REGION_NAME
  huaweicloud.dcs.dcs_resize_cancel:
    instance_id: 5560df16-cebf-4473-95c4-d1b573c16e79

- name: Cancel a specific resize, and wait until the instance has left EXTENDING
  huaweicloud.dcs.dcs_resize_cancel:
    instance_id: 5560df16-cebf-4473-95c4-d1b573c16e79
    task_id: 8abf6e1e72c12e7c0172c15b508500aa
    on_too_late: fail
    wait: true

- name: Cancel all pending resizes of the project
  module_defaults:
    group/huaweicloud.dcs.dcs:
      region: cn-north-4
      profile: production
  block:
    - name: List the pending resizes
      huaweicloud.dcs.dcs_resize_info:
      register: found

    - name: Cancel them
      huaweicloud.dcs.dcs_resize_cancel:
        resizes: "{{ found.resizes }}"
"""

RETURN = r"""
resizes:
  description: The result for each resize, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    instance_id:
      description: The ID of the instance.
      type: str
      returned: always
      sample: 5560df16-cebf-4473-95c4-d1b573c16e79
    task_id:
      description: The ID of the background task, as given or as found. Null if none was found.
      type: str
      returned: always
      sample: 8abf6e1e72c12e7c0172c15b508500aa
    outcome:
      description:
        - The outcome.
        - V(cancelled) - the resize was pending and has been cancelled (check mode - it would be cancelled).
        - V(absent) - no resize is pending. With a task ID, only that resize has been checked.
        - V(executing) - too late, the resize is being carried out.
        - V(applied) - too late, the resize has been carried out.
        - V(failed) - see RV(resizes[].error).
        - V(not_attempted) - not sent, because an earlier request got HTTP 401 (or HTTP 407 from a proxy), and repeated authentication failures lock the
          access key.
      type: str
      returned: always
      sample: cancelled
    changed:
      description: Whether the resize has been cancelled, or would be in check mode.
      type: bool
      returned: always
      sample: true
    task:
      description:
        - The background task as last read, which for a cancelled resize is before the cancellation. Null if it was not read or not found.
      type: dict
      returned: always
      contains:
        task_id:
          description: The ID of the background task.
          type: str
          returned: always
          sample: 8abf6e1e72c12e7c0172c15b508500aa
        task_name:
          description: The name of the background task, V(EXTEND) or V(ChangeInstanceSpec) for a resize.
          type: str
          returned: always
          sample: EXTEND
        status:
          description: The status of the background task, for example V(WAITING), V(CREATED), V(EXECUTING), V(SUCCESS) or V(FAILED).
          type: str
          returned: always
          sample: WAITING
        user_name:
          description: The user who scheduled the resize.
          type: str
          returned: always
          sample: operator
        created_at:
          description: When the resize was scheduled, in UTC.
          type: str
          returned: always
          sample: '2026-01-31T07:38:42.503Z'
        updated_at:
          description: When the background task was last updated, in UTC.
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
          description: The details of the background task, as received.
          type: raw
          returned: always
          sample:
            old_capacity: "4"
            new_capacity: "8"
            old_resource_spec_code: redis.ha.xu1.large.r2.4
            new_resource_spec_code: redis.ha.xu1.large.r2.8
    request_id:
      description: The ID of the cancel request, or of the request that failed, for Huawei Cloud's support. Null if there was none.
      type: str
      returned: always
      sample: 1f0b0f1e5c3f4b1b9c6f2d7e8a9b0c1d
    error:
      description: Why this resize failed. Null if it did not.
      type: dict
      returned: always
      contains:
        code:
          description:
            - The error code of the API, for example V(DCS.4026), or one of the module - V(Ambiguous), V(Configuration), V(ConnectionFailed), V(InternalError),
              V(InvalidId), V(NoAnswer), V(NoTime), V(NotAResize), V(ProxyAuthentication), V(Redirect), V(Stopped), V(Throttled), V(TlsError), V(TooLate),
              V(UnexpectedAnswer) or V(WaitTimeout). Null if the response had none.
          type: str
          returned: always
          sample: DCS.2003
        message:
          description: The reason, what to do about it, and the request in parentheses.
          type: str
          returned: always
          sample: >-
            HTTP 403 DCS.2003: Policy does not allow it. Check that the user or agency has the IAM permission
            dcs:instance:cancelResizeTask in this project, and that the project is the right one.
            (POST /v2/0123/instances/5560/resize/cancel/8abf)
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

import difflib
import typing as t

from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, Result, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import is_blank
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    BusyError,
    ConfigurationError,
    NotExtendingError,
    RefusedError,
    StoppedError,
    UnsentError,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import DcsModule, summarize
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError

OPTIONS: dict[str, dict[str, t.Any]] = {
    "instance_id": {"type": "str"},
    "task_id": {"type": "str"},
    "resizes": {"type": "list", "elements": "dict"},
    "on_too_late": {"type": "str", "choices": ["ignore", "warn", "fail"], "default": "warn"},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "concurrency": {"type": "int", "default": 8},
}


#: Keys of an entry of `resizes`: those of the entries that dcs_resize_info and this module return, and `record`, which the role adds.
KNOWN_KEYS = frozenset(
    (
        *("instance_id", "instance_name", "instance_status", "maintain_begin", "maintain_end", "task_id", "task_name", "status", "next_window_begin"),
        *("user_name", "created_at", "updated_at", "old_spec_code", "new_spec_code", "old_capacity", "new_capacity", "details"),
        *("outcome", "changed", "task", "request_id", "error", "record"),
    )
)


def requested(params: Mapping[str, t.Any]) -> list[Request]:
    """The resizes that the options specify.

    :raises ConfigurationError: an entry of `resizes` is invalid
    """
    if params["resizes"] is None:
        return [Request(params["instance_id"], params["task_id"])]
    return [requested_by(entry, f"Entry {number} of resizes") for number, entry in enumerate(params["resizes"], 1)]


def requested_by(entry: Mapping[str, t.Any], name: str) -> Request:
    """The resize that one entry of `resizes` specifies.

    :param name: of the entry, for messages
    :raises ConfigurationError: the entry is invalid
    """
    for key in entry:
        if key not in KNOWN_KEYS:
            # A mistyped task_id must not cancel whatever is pending instead.
            nearest = difflib.get_close_matches(key.lower(), sorted(KNOWN_KEYS), 1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else " Set instance_id and, optionally, task_id."
            raise ConfigurationError(f"{name} has an unknown key {key!r}.{hint} Nothing was cancelled.")
    ids = {key: entry.get(key) for key in ("instance_id", "task_id")}
    for key, value in ids.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise ConfigurationError(f"Invalid {key} in {name[0].lower()}{name[1:]}: it must be text, not {type(value).__name__}. Nothing was cancelled.")
    instance_id, task_id = (None if is_blank(value) else str(value) for value in ids.values())
    if instance_id is None:
        raise ConfigurationError(f"{name} has no instance_id. Nothing was cancelled.")
    return Request(instance_id, task_id)


def diff(results: list[Result], entries: list[dict[str, t.Any]]) -> dict[str, str]:
    """The pending resizes before and after, with names and specifications where they are known.

    :param entries: the option `resizes`; its entries may have further details from the modules or the role
    """
    keys = ("instance_id", "task_id", "instance_name", "old_spec_code", "new_spec_code")
    names: dict[str, str] = {}
    changes: dict[tuple[str, str], str] = {}
    seen = [{"instance_id": result.instance_id, **result.task.as_result()} for result in results if result.task]
    for entry in (*entries, *seen):
        parts = [part for part in (entry.get("record"), entry.get("task"), entry) if isinstance(part, dict)]
        # A line break in a value would break the diff.
        known = {key: " ".join(str(part[key]).split()) for part in parts for key in keys if not is_blank(part.get(key))}
        if "instance_name" in known:
            names[known["instance_id"]] = f" ({known['instance_name']})"
        if {"task_id", "old_spec_code", "new_spec_code"} <= known.keys():
            changes[known["instance_id"], known["task_id"]] = f" from {known['old_spec_code']} to {known['new_spec_code']}"
    cancelled = {(result.instance_id, result.task_id) for result in results if result.changed}
    before = [(result.instance_id, task_id) for result in results for task_id in ([result.task_id] if result.changed else result.still_waiting)]
    # A resize that failed in one entry may have been cancelled by another one.
    after = [resize for resize in before if resize not in cancelled]

    def text(pending: list[t.Any]) -> str:
        return "".join(
            f"instance {instance_id}{names.get(instance_id, '')}: pending resize {task_id}{changes.get((instance_id, task_id), '')}\n"
            for instance_id, task_id in dict.fromkeys(pending)
        )

    return {"before": text(before), "after": text(after)}


def is_harmless(error: DcsError) -> bool:
    """Whether a resize that failed with this error was certainly not cancelled, and the error's message does not say so itself."""
    if isinstance(error, (NotExtendingError, BusyError)):
        return False
    # If an earlier cancel request may have taken effect, the error has none of these classes, but still belongs to a POST request.
    return error.method == "GET" or isinstance(error, (ConfigurationError, StoppedError, UnsentError, RefusedError))


def cancel(module: DcsModule) -> None:
    """Cancel the resizes that the options specify. The results are in `module.returned` as soon as they are known."""
    requests = requested(module.params)
    plan = Plan(
        on_too_late=module.params["on_too_late"],
        check_mode=module.check_mode,
        wait_timeout=module.params["wait_timeout"] if module.params["wait"] else None,
    )
    results = cancel_resizes(module.connect, requests, plan)
    module.returned.update(changed=any(result.changed for result in results), resizes=[result.as_result() for result in results])
    for warning in dict.fromkeys(warning for result in results for warning in result.warnings):
        module.warn(warning)
    if module._diff:
        module.returned["diff"] = diff(results, module.params["resizes"] or [])
    errors = [(result.instance_id, result.error) for result in results if result.error]
    if errors:
        message = summarize(errors, len(results), "resizes")
        if all(is_harmless(error) for _instance_id, error in errors) and not module.returned["changed"]:
            message = f"{message} Nothing was cancelled."
        module.fail_json(msg=message)


def main() -> None:
    module = DcsModule(
        OPTIONS,
        always={"resizes": []},
        mutually_exclusive=[("instance_id", "resizes")],
        required_one_of=[("instance_id", "resizes")],
        required_by={"task_id": ("instance_id",)},
    )
    module.run(lambda: cancel(module))


if __name__ == "__main__":
    main()
