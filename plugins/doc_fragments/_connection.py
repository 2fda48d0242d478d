# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""The connection options of every module of this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The access key (AK). Requires O(secret_key).
      - The access key, the secret key and the security token always come from the same source. Sources are searched in the following order, and the first one
        that has a token or a complete key pair is used. (1) These options. (2) The file that O(profile), O(shared_config_file) or O(credentials_file)
        selects. (3) The environment variables E(HW_ACCESS_KEY), E(HW_SECRET_KEY), E(HW_SECURITY_TOKEN) and E(HW_AUTH_TOKEN). (4) The environment variables
        E(HUAWEICLOUD_SDK_AK), E(HUAWEICLOUD_SDK_SK) and E(HUAWEICLOUD_SDK_SECURITY_TOKEN). (5) A file that the environment selects. (6) The file
        C(~/.huaweicloud/credentials). (7) The metadata service of the ECS instance that the module runs on.
      - An incomplete key pair is an error, and so is a selected file that can't be used.
      - A blank value of this option, any other option, or an environment variable is treated as not set. Leading and trailing white space is removed.
    type: str
  secret_key:
    description:
      - The secret key (SK) of O(access_key).
    type: str
  security_token:
    description:
      - The security token, if O(access_key) and O(secret_key) are temporary.
    type: str
  token:
    description:
      - An existing IAM token for the project, instead of O(access_key) and O(secret_key). A token is valid for 24 hours.
      - The environment variable is E(HW_AUTH_TOKEN).
    type: str
  region:
    description:
      - The region, for example V(cn-north-4). It is not checked against a list of regions.
      - The environment variable is E(HW_REGION_NAME). The region of a profile is used only with the keys of that profile, and takes precedence over the
        environment if O(profile) or O(shared_config_file) is set.
    type: str
  project_id:
    description:
      - The ID of the project in O(region) that the instances belong to.
      - The environment variables are E(HW_PROJECT_ID) and E(HUAWEICLOUD_SDK_PROJECT_ID). The project of a file is used only with the keys of that file,
        and takes precedence over the environment if an option names the file.
      - If neither this nor O(project_name) is set, the project that has the region's name is looked up, which costs one request to IAM.
    type: str
  project_name:
    description:
      - The name of the project, to look up its ID. The default project of a region has the region's name.
      - The environment variable is E(HW_PROJECT_NAME).
    type: str
  cloud:
    description:
      - The domain name of the cloud.
      - The environment variable is E(HW_CLOUD).
    type: str
    default: myhuaweicloud.com
  endpoint:
    description:
      - The DCS endpoint. If omitted, it is C(https://dcs.REGION.CLOUD), with O(region) and O(cloud).
      - A trailing C(/v2) or C(/v2/PROJECT_ID) is ignored. A URL that contains a user name or a password is refused.
      - The environment variable is E(HW_DCS_ENDPOINT).
    type: str
  auth_url:
    description:
      - The IAM endpoint, used only to look up the project. If omitted, it is C(https://iam.REGION.CLOUD), with O(region) and O(cloud).
      - A trailing C(/v3) or C(/v3/auth/tokens) is ignored. A URL that contains a user name or a password is refused.
      - The environment variables are E(HW_AUTH_URL) and E(HUAWEICLOUD_SDK_IAM_ENDPOINT).
    type: str
  profile:
    description:
      - The profile to use from the shared configuration file of KooCLI and Terraform. If only O(shared_config_file) is set, it is the file's current
        profile.
      - The environment variable is E(HW_PROFILE).
    type: str
  shared_config_file:
    description:
      - The shared configuration file. It is read only if this option or O(profile) is set. The default is C(~/.hcloud/config.json).
      - Keys that KooCLI has encrypted can't be used.
      - The environment variable is E(HW_SHARED_CONFIG_FILE).
    type: path
  credentials_file:
    description:
      - The credentials file of the official SDKs, an INI file with a section C([basic]). The default is C(~/.huaweicloud/credentials).
      - The environment variable is E(HUAWEICLOUD_SDK_CREDENTIALS_FILE).
    type: path
  metadata_endpoint:
    description:
      - The endpoint of the ECS metadata service, which provides the temporary keys of the instance's agency. V(none) disables it.
      - The environment variable is E(HW_METADATA_ENDPOINT).
    type: str
    default: http://169.254.169.254
  validate_certs:
    description:
      - Whether to verify the certificates of DCS, IAM and a proxy. Set this to V(false) only for tests.
      - The environment variable is E(HW_INSECURE), which has the opposite meaning.
    type: bool
    default: true
  ca_path:
    description:
      - A file of trusted CA certificates, or a directory of them as prepared by C(openssl rehash), to use instead of those of the system.
      - The environment variable is E(HW_CACERT).
    type: path
  timeout:
    description:
      - The timeout in seconds, 1 to 3600, for connecting and for each read. A whole response may take three times as long.
    type: int
    default: 30
  max_retries:
    description:
      - The maximum number of times a request is retried, 0 to 100, if the connection could not be made, the API throttles, or the response was lost (no
        response, or HTTP 500 and above). The delays grow and are randomized. A C(Retry-After) header is respected up to 60 seconds.
      - No retry begins later than 300 seconds after the start of a call. A request is not retried after HTTP 401, 403, 404 or another client error.
      - The time that a throttled request waits while the API accepts other requests does not count.
      - The environment variable is E(HW_MAX_RETRIES).
    type: int
    default: 5
requirements:
  - requests >= 2.25.1
notes:
  - Proxies are taken from the usual environment variables E(https_proxy), E(http_proxy) and E(no_proxy). Redirects are never followed.
  - Run the module on the control node, with C(delegate_to=localhost) or in a play for C(localhost). The environment variables are those of the host that the
    module runs on.
  - After an HTTP 401 response, no further request is sent. More than five authentication failures in a row lock an access key for five minutes. Each
    iteration of a C(loop) and each host starts a new run that does not know about earlier failures, so cancel many resizes with one task.
"""
