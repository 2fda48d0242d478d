# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user of the official SDK does: schedule a resize, list its tasks, show the instance, list the instances. Prints the responses as JSON.

A separate program, because the SDK writes to the home directory when it is imported.
"""

from __future__ import annotations

import json
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkdcs.v2 import (
    DcsClient,
    ListBackgroundTaskRequest,
    ListInstancesRequest,
    ResizeInstanceBody,
    ResizeInstanceRequest,
    ShowInstanceRequest,
)


def main(endpoint: str, access_key: str, secret_key: str, project_id: str, instance_id: str) -> None:
    """Make all calls, or print the refusal."""
    client = DcsClient.new_builder().with_credentials(BasicCredentials(access_key, secret_key, project_id)).with_endpoint(endpoint).build()
    try:
        body = ResizeInstanceBody(spec_code="redis.ha.xu1.large.r2.8", new_capacity=8, execute_immediately=False)
        resized = client.resize_instance(ResizeInstanceRequest(instance_id=instance_id, body=body))
        tasks = client.list_background_task(ListBackgroundTaskRequest(instance_id=instance_id, offset=0, limit=5))
        shown = client.show_instance(ShowInstanceRequest(instance_id=instance_id))
        listed = client.list_instances(ListInstancesRequest(limit=5, name="cache", tags="env=prod"))
    except ClientRequestException as error:
        print(json.dumps({"status": error.status_code, "code": error.error_code, "message": error.error_msg, "request_id": error.request_id}))
        return
    print(json.dumps({
        "resized": resized.status_code, "tasks": tasks.to_json_object(), "shown": shown.to_json_object(), "listed": listed.to_json_object(),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
