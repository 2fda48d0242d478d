# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Reads credentials from files and from the ECS metadata service. Imported only when one of these sources is needed.

Sources: the configuration reference of the Huawei Cloud Terraform provider, KooCLI's `~/.hcloud/config.json`, the profile file of the official SDKs,
and "Obtaining the temporary access keys of an agency" of the ECS documentation.
"""

from __future__ import annotations

import configparser
import datetime
import json
import os
import threading
import typing as t

from ._errors import ConfigurationError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

#: The name of a source, its content, and its own names for the fields of `Credentials`.
Found = tuple[str, "Mapping[str, t.Any]", "dict[str, str]"]

#: Seconds for connecting and for each read. Short, because the metadata service is local to an ECS instance or does not exist.
METADATA_TIMEOUT = 3.0
#: Seconds for all metadata requests together, however slowly the responses arrive.
METADATA_LIMIT = 6.0
#: Maximum size of a metadata response in bytes.
MAX_METADATA_BYTES = 65536


def read_profile(file: str, profile: str | None) -> Found:
    """Read a profile of the shared configuration file of KooCLI and Terraform.

    :param profile: None: the file's current profile
    :raises ConfigurationError: the file or the profile can't be used
    """
    try:
        with open(_expand(file), encoding="utf-8-sig") as stream:
            content = json.load(stream)
    except OSError as error:
        raise ConfigurationError(f"The shared configuration file {file} can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"The shared configuration file {file} is not valid JSON.") from error
    profiles = content.get("profiles") if isinstance(content, dict) else None
    if not isinstance(profiles, list):
        raise ConfigurationError(f"The shared configuration file {file} has no list of profiles.")
    by_name = {str(entry.get("name")).strip(): entry for entry in profiles if isinstance(entry, dict)}
    name = str(profile or content.get("current") or "default").strip()
    if name not in by_name:
        known = ", ".join(sorted(by_name)) or "none"
        raise ConfigurationError(f"The shared configuration file {file} has no profile {name!r}. Its profiles: {known}.")
    values = by_name[name]
    # KooCLI writes the flag as text.
    if any(str(holder.get("authEncrypt", "")).strip().lower() == "true" for holder in (content, values)):
        raise ConfigurationError(
            f"The keys in {file} are encrypted by KooCLI, and only KooCLI can read them. "
            "Set access_key and secret_key another way, or disable the encryption with 'hcloud configure set --cli-auth-encrypt=false'."
        )
    names = {
        "access_key": "accessKeyId",
        "secret_key": "secretAccessKey",
        "security_token": "securityToken",
        "region": "region",
        "project_id": "projectId",
    }
    if not any(str(values.get(names[key]) or "").strip() for key in ("access_key", "secret_key")):
        mode = values.get("mode")
        raise ConfigurationError(f"The profile {name!r} in {file} has neither accessKeyId nor secretAccessKey (its mode is {mode!r}).")
    return f"the profile {name!r} in {file}", values, names


def read_credentials_file(file: str, named: bool) -> Found | str:
    """Read the credentials file of the official SDKs.

    :param named: whether the user set the file, so that it must be usable
    :returns: the credentials, or why the default file has none
    :raises ConfigurationError: the user set the file and it has none, or it is not a valid INI file
    """
    parser = configparser.ConfigParser(interpolation=None)
    reason = ""
    try:
        with open(_expand(file), encoding="utf-8-sig") as stream:
            parser.read_file(stream)
    except FileNotFoundError:
        reason = "does not exist"
    except OSError as error:
        reason = f"can't be read: {error.strerror}"
    except (configparser.Error, UnicodeDecodeError):
        # The parser's own message contains the line, which may be a secret.
        raise ConfigurationError(f"The credentials file {file} is not a valid INI file.") from None
    except ValueError:
        reason = "can't be read: its name is not a valid path"
    if not reason and not parser.has_section("basic"):
        reason = "has no section [basic]"
    names = {"access_key": "ak", "secret_key": "sk", "security_token": "security_token", "project_id": "project_id", "auth_url": "iam_endpoint"}
    if not reason and not any((parser["basic"].get(names[key]) or "").strip() for key in ("access_key", "secret_key", "security_token")):
        reason = "has neither ak nor sk in [basic]"
    if not reason:
        return f"the credentials file {file}", parser["basic"], names
    if named:
        raise ConfigurationError(f"The credentials file {file} {reason}.")
    return f"the credentials file {file} ({reason})"


def read_metadata(endpoint: str) -> Found | str:
    """Get the temporary keys of the agency of the ECS instance that this runs on.

    :param endpoint: of the metadata service; `none` disables it
    :returns: the credentials, or why there are none
    :raises ConfigurationError: the keys have expired
    """
    if endpoint.lower() == "none":
        return "the metadata service (disabled)"
    endpoint = (endpoint if "://" in endpoint else f"http://{endpoint}").rstrip("/")
    name = f"the metadata service {endpoint}"
    # A timeout for each read does not limit a response that trickles in, and name resolution has no timeout at all.
    credential = _within(METADATA_LIMIT, lambda: _get_security_key(endpoint))
    if credential is None:
        return f"{name} (no complete response within {METADATA_LIMIT:g} s)"
    if isinstance(credential, str):
        return f"{name} ({credential})"
    expires_at = str(credential.get("expires_at") or "")
    if _is_past(expires_at):
        raise ConfigurationError(f"The keys from {name} expired at {expires_at}.")
    return name, credential, {"access_key": "access", "secret_key": "secret", "security_token": "securitytoken"}


def _expand(file: str) -> str:
    return os.path.expanduser(os.path.expandvars(file))


def _within(seconds: float, function: Callable[[], dict[str, t.Any] | str]) -> dict[str, t.Any] | str | None:
    """The function's result, or None if it takes longer. Its thread is then left running and ends with the process at the latest."""
    results: list[dict[str, t.Any] | str] = []
    thread = threading.Thread(target=lambda: results.append(function()), daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else None


def _get_security_key(endpoint: str) -> dict[str, t.Any] | str:
    """The keys as returned by the service, or why there are none."""
    import requests

    headers = {}
    try:
        with requests.Session() as session:
            # Never through a proxy, whose host would respond with its own keys.
            session.trust_env = False
            status, body = _fetch(session, "PUT", f"{endpoint}/meta-data/latest/api/token", {"X-Metadata-Token-Ttl-Seconds": "21600"})
            if status == 200:
                headers["X-Metadata-Token"] = body.strip()
            elif status not in (404, 405, 503):
                return f"HTTP {status} for the metadata token"
            status, body = _fetch(session, "GET", f"{endpoint}/openstack/latest/securitykey", headers)
    except Exception:
        # Outside ECS, anything may respond at this address, and requests does not wrap all exceptions of urllib3 and http.client.
        return "no response; not an ECS instance?"
    if status == 404:
        return "this ECS instance has no agency"
    if status != 200:
        return f"HTTP {status}"
    try:
        credential = json.loads(body)["credential"]
    except (ValueError, RecursionError, KeyError, TypeError):
        credential = None
    return credential if isinstance(credential, dict) else "a response without credentials"


def _fetch(session: requests.Session, method: str, url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    with session.request(method, url, headers=headers, timeout=METADATA_TIMEOUT, allow_redirects=False, stream=True) as response:
        return response.status_code, response.raw.read(MAX_METADATA_BYTES).decode("utf-8", "replace")


def _is_past(moment: str) -> bool:
    """Whether a time such as `2026-01-31T08:00:00.000000Z` is in the past; False if it can't be parsed."""
    try:
        return datetime.datetime.strptime(f"{moment[:19]}+0000", "%Y-%m-%dT%H:%M:%S%z") < datetime.datetime.now(datetime.timezone.utc)
    except ValueError:
        return False
