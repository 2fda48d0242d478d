# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module as users would write it with the core of the official SDK, for comparison."""

from __future__ import annotations

import os
from typing import ClassVar

from ansible.module_utils.basic import AnsibleModule
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.sdk_response import SdkResponse


class CancelResponse(SdkResponse):
    """The answer, in the form that the SDK's own clients give to answers."""

    openapi_types: ClassVar = {"result": "str"}
    attribute_map: ClassVar = {"result": "result"}
    sensitive_list: ClassVar = []

    def __init__(self, result=None):
        super().__init__()
        self.result = result


def main():
    module = AnsibleModule({"instance_id": {"type": "str", "required": True}, "task_id": {"type": "str", "required": True}})
    credentials = BasicCredentials(os.environ["HW_ACCESS_KEY"], os.environ["HW_SECRET_KEY"], os.environ["HW_PROJECT_ID"])
    client = ClientBuilder(Client).with_credentials(credentials).with_endpoint(os.environ["HW_DCS_ENDPOINT"]).build()
    path = f"/v2/{os.environ['HW_PROJECT_ID']}/instances/{module.params['instance_id']}/resize/cancel/{module.params['task_id']}"
    try:
        client.do_http_request(method="POST", resource_path=path, header_params={}, query_params=[], response_type=CancelResponse)
        changed = True
    except ClientRequestException as error:
        if error.error_code != "DCS.4239":
            module.fail_json(msg=str(error))
        changed = False
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
