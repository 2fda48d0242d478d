# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""The options of every module of this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The access key (AK). Needs O(secret_key), too.
      - Key, secret key and security token always come from one and the same place. The places are asked in this order, and the first that holds a
        token or a full pair counts - these options; the environment variables E(HW_ACCESS_KEY), E(HW_SECRET_KEY), E(HW_SECURITY_TOKEN) and
        E(HW_AUTH_TOKEN); the environment variables E(HUAWEICLOUD_SDK_AK), E(HUAWEICLOUD_SDK_SK) and E(HUAWEICLOUD_SDK_SECURITY_TOKEN); a
        profile, when O(profile) or O(shared_config_file) is set; O(credentials_file); the metadata service of the ECS instance that the
        module runs on.
      - Half a pair in one place is an error.
      - A blank value of this or any other option, or of an environment variable, is the same as none.
    type: str
  secret_key:
    description:
      - The secret key (SK) that belongs to O(access_key).
    type: str
  security_token:
    description:
      - The security token, if O(access_key) and O(secret_key) are temporary ones.
    type: str
  token:
    description:
      - A ready IAM token for the project, instead of O(access_key) and O(secret_key). It is valid for 24 hours.
      - The environment variable is E(HW_AUTH_TOKEN).
    type: str
  region:
    description:
      - The region, such as V(cn-north-4). Any region will do; there is no list that it is checked against.
      - The environment variable is E(HW_REGION_NAME). A profile's region is used only with that profile's keys.
    type: str
  project_id:
    description:
      - The id of the project in O(region) that the instances belong to.
      - The environment variables are E(HW_PROJECT_ID) and E(HUAWEICLOUD_SDK_PROJECT_ID). A file's project is used only with that file's keys.
      - If neither this nor O(project_name) is set, the project with the region's name is looked up, which costs one request to IAM.
    type: str
  project_name:
    description:
      - The name of the project, to look up its id with. The name of a region's own project is that of the region.
      - The environment variable is E(HW_PROJECT_NAME).
    type: str
  cloud:
    description:
      - The domain of the cloud.
      - The environment variable is E(HW_CLOUD).
    type: str
    default: myhuaweicloud.com
  endpoint:
    description:
      - The endpoint of DCS. If it is not set, it is C(https://dcs.REGION.CLOUD), after O(region) and O(cloud).
      - The environment variable is E(HW_DCS_ENDPOINT).
    type: str
  auth_url:
    description:
      - The endpoint of IAM, used only to look up a project. If it is not set, it is C(https://iam.REGION.CLOUD), after O(region) and
        O(cloud). A C(/v3) at its end is ignored.
      - The environment variables are E(HW_AUTH_URL) and E(HUAWEICLOUD_SDK_IAM_ENDPOINT).
    type: str
  profile:
    description:
      - A profile of KooCLI's and Terraform's shared configuration file. If only O(shared_config_file) is set, it is the file's current profile.
      - The environment variable is E(HW_PROFILE).
    type: str
  shared_config_file:
    description:
      - The shared configuration file. It is read only if this or O(profile) is set, and then C(~/.hcloud/config.json) if this is not.
      - Keys that KooCLI has encrypted can't be used.
      - The environment variable is E(HW_SHARED_CONFIG_FILE).
    type: path
  credentials_file:
    description:
      - The official SDKs' file of credentials, an INI file with a section C([basic]). If it is not set, it is C(~/.huaweicloud/credentials).
      - The environment variable is E(HUAWEICLOUD_SDK_CREDENTIALS_FILE).
    type: path
  metadata_endpoint:
    description:
      - Where an ECS instance asks for the temporary keys of its agency. V(none) switches that off.
      - The environment variable is E(HW_METADATA_ENDPOINT).
    type: str
    default: http://169.254.169.254
  validate_certs:
    description:
      - Whether the certificates of DCS and IAM are verified. Set it to V(false) only for tests.
      - The environment variable is E(HW_INSECURE), which says the opposite.
    type: bool
    default: true
  ca_path:
    description:
      - A file of certificates, or a folder of them as C(openssl rehash) makes it, to trust instead of the system's.
      - The environment variable is E(HW_CACERT).
    type: path
  timeout:
    description:
      - How many seconds connecting, and each read, may take. A whole answer may take three times as long.
    type: int
    default: 30
  max_retries:
    description:
      - How often one call is repeated at most, when no connection could be made, the API throttles, or the answer was lost (no answer, or
        status 500 and above). The delays grow, with a random part; C(Retry-After) is obeyed for up to 60 seconds.
      - No retry begins after a call has spent 300 seconds, and none at all after a status of 401, 403 or 404 or another error of the request.
      - While the API throttles but lets other requests through, waiting for one's turn does not count.
      - The environment variable is E(HW_MAX_RETRIES).
    type: int
    default: 5
requirements:
  - requests >= 2.25.1
notes:
  - Proxies are taken from the usual environment variables E(https_proxy), E(http_proxy) and E(no_proxy). Redirects are never followed.
  - Run the module on the controller, with C(delegate_to=localhost) or in a play for C(localhost). The environment variables are those of the host
    that the module runs on.
  - After a status of 401 nothing more is sent, because an access key is locked for five minutes after more than five such failures in a row.
"""
