# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Where keys come from: the places where users of Terraform, KooCLI and the official SDKs have them already.

Key, secret and security token always come from one and the same place; a region or a project that a file names is used only with that file's keys.

Sources: the configuration reference of the Huawei Cloud Terraform provider, KooCLI's C(~/.hcloud/config.json), the provider chain of the official
SDKs, and "Obtaining the temporary access keys of an agency" of the ECS documentation.
"""

from __future__ import annotations

import configparser
import datetime
import json
import os
import re
import typing as t

from ._errors import ConfigurationError

try:
    import requests
    from urllib3.exceptions import HTTPError
except ImportError:  # _module says what is missing before any of this is used
    requests = None  # type: ignore[assignment]

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CREDENTIALS_FILE = "~/.huaweicloud/credentials"
SHARED_CONFIG_FILE = "~/.hcloud/config.json"
METADATA_ENDPOINT = "http://169.254.169.254"

#: The environment variables of each option, in the order in which they count.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "access_key": ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
    "secret_key": ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
    "security_token": ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    "token": ("HW_AUTH_TOKEN",),
    "region": ("HW_REGION_NAME",),
    "project_id": ("HW_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID"),
    "project_name": ("HW_PROJECT_NAME",),
    "cloud": ("HW_CLOUD",),
    "endpoint": ("HW_DCS_ENDPOINT",),
    "auth_url": ("HW_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT"),
    "profile": ("HW_PROFILE",),
    "shared_config_file": ("HW_SHARED_CONFIG_FILE",),
    "credentials_file": ("HUAWEICLOUD_SDK_CREDENTIALS_FILE",),
    "metadata_endpoint": ("HW_METADATA_ENDPOINT",),
    "validate_certs": ("HW_INSECURE",),
    "ca_path": ("HW_CACERT",),
    "max_retries": ("HW_MAX_RETRIES",),
}

_KEY_NAMES = ("access_key", "secret_key", "security_token", "token")
#: Seconds; the metadata service is on the same host, or it is nowhere.
_METADATA_TIMEOUT = 3
#: Bytes.
_LARGEST_METADATA = 65536


class Credentials(t.NamedTuple):
    """Who asks, and what the place where the keys are says about region and project.

    Either C(token) is set, or C(access_key) and C(secret_key) are.

    :ivar source: where the keys come from, for a human
    :ivar region: of the file that the keys come from; None if it names none
    :ivar project_id: likewise
    :ivar auth_url: likewise
    """

    source: str
    access_key: str | None = None
    secret_key: str | None = None
    security_token: str | None = None
    token: str | None = None
    region: str | None = None
    project_id: str | None = None
    auth_url: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(source={self.source!r})"

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(value for value in (self.secret_key, self.security_token, self.token) if value)


class _Place(t.NamedTuple):
    """What one place holds.

    :ivar name: for a human
    :ivar values: by the names of the fields of L(Credentials), only what is there
    :ivar names: what the place itself calls its fields
    """

    name: str
    values: dict[str, str]
    names: dict[str, str]


def is_blank(value: object) -> bool:
    """Whether a value counts as unset: null or blank, as AWX gives for what was not answered."""
    return value is None or (isinstance(value, str) and not value.strip())


def from_environment(option: str, environment: Mapping[str, str]) -> str | None:
    """The value of the first variable of an option that is set; None if none is."""
    return next((environment[name].strip() for name in ENVIRONMENT[option] if not is_blank(environment.get(name))), None)


def find_credentials(options: Mapping[str, t.Any], environment: Mapping[str, str]) -> Credentials:
    """Ask each place in turn; the first that holds a token or a full pair wins, a token before a pair.

    :param options: the module's options, by name
    :param environment: environment variables, by name
    :raises ConfigurationError: a place holds half a pair, can't be read although it was named, or nothing was found anywhere
    """
    tried: list[str] = []
    for place in _places({name: value for name, value in options.items() if not is_blank(value)}, environment):
        if isinstance(place, str):
            tried.append(place)
            continue
        found = _complete(place)
        if found:
            return found
        tried.append(f"{place.name} (nothing set)")
    raise ConfigurationError(
        "No credentials found. Needed is an access key with its secret key, or a token. Tried, in this order: " + "; ".join(tried) + ".",
        code="Configuration",
    )


def project_setting(options: Mapping[str, t.Any], environment: Mapping[str, str], credentials: Credentials) -> tuple[str | None, str | None]:
    """The project's id and its name as set in the first place that sets either; within one place the id counts more."""
    for project_id, project_name in (
        (options.get("project_id"), options.get("project_name")),
        (environment.get("HW_PROJECT_ID"), environment.get("HW_PROJECT_NAME")),
        (environment.get("HUAWEICLOUD_SDK_PROJECT_ID"), None),
        (credentials.project_id, None),
    ):
        if not is_blank(project_id):
            return str(project_id).strip(), None
        if not is_blank(project_name):
            return None, str(project_name).strip()
    return None, None


def _complete(place: _Place) -> Credentials | None:
    values = place.values
    # A header can't have them, and what would say so shows the value.
    broken = [place.names[name] for name in _KEY_NAMES if re.search(r"[^!-~]", values.get(name, ""))]
    if broken:
        raise ConfigurationError(
            f"A character that no key has, such as a blank or a line break, is in {' and '.join(broken)} of {place.name}", code="Configuration"
        )
    context = {name: values.get(name) for name in ("region", "project_id", "auth_url")}
    if "token" in values:
        return Credentials(source=place.name, token=values["token"], **context)
    if "access_key" in values and "secret_key" in values:
        keys = {name: values.get(name) for name in ("access_key", "secret_key", "security_token")}
        return Credentials(source=place.name, **keys, **context)
    present = [place.names[name] for name in ("access_key", "secret_key", "security_token") if name in values]
    missing = [place.names[name] for name in ("access_key", "secret_key") if name not in values]
    if present:
        raise ConfigurationError(
            f"Half a pair of keys: {place.name} has {' and '.join(present)}, but not {' and '.join(missing)}. "
            "Key, secret key and security token must come from the same place.",
            code="Configuration",
        )
    return None


def _places(options: Mapping[str, t.Any], environment: Mapping[str, str]) -> Iterator[_Place | str]:
    """Each place in turn; a text says why a place has nothing. Later ones are read only if they are needed."""
    yield _place("the module's options", options, {name: name for name in _KEY_NAMES})
    for prefix in ("HW_", "HUAWEICLOUD_SDK_"):
        names = {option: name for option in _KEY_NAMES for name in ENVIRONMENT[option] if name.startswith(prefix)}
        yield _place(f"the environment ({', '.join(names.values())})", environment, names)
    profile, shared_config_file = options.get("profile"), options.get("shared_config_file")
    if not profile and not shared_config_file:
        yield f"a profile in {SHARED_CONFIG_FILE} (neither profile nor shared_config_file is set)"
    else:
        yield _from_shared_config(profile, shared_config_file or SHARED_CONFIG_FILE)
    yield _from_credentials_file(options.get("credentials_file"))
    yield _from_metadata(str(options.get("metadata_endpoint") or METADATA_ENDPOINT))


def _place(name: str, holder: Mapping[str, t.Any], names: dict[str, str]) -> _Place:
    values = {field: str(holder[key]).strip() for field, key in names.items() if not is_blank(holder.get(key))}
    return _Place(name, values, names)


def _from_shared_config(profile: str | None, file: str) -> _Place:
    """KooCLI's and Terraform's file. It was asked for, so everything that is wrong with it is an error."""
    try:
        with open(os.path.expanduser(file), encoding="utf-8-sig") as stream:
            content = json.load(stream)
    except OSError as error:
        raise ConfigurationError(f"The shared configuration file {file} can't be read: {error.strerror}", code="Configuration") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"The shared configuration file {file} is no JSON", code="Configuration") from error
    profiles = content.get("profiles") if isinstance(content, dict) else None
    if not isinstance(profiles, list):
        raise ConfigurationError(f"The shared configuration file {file} has no list of profiles", code="Configuration")
    by_name = {str(entry.get("name")): entry for entry in profiles if isinstance(entry, dict)}
    name = str(profile or content.get("current") or "default").strip()
    if name not in by_name:
        known = ", ".join(sorted(by_name)) or "none"
        raise ConfigurationError(f"The shared configuration file {file} has no profile {name!r}; it has: {known}", code="Configuration")
    # KooCLI writes the flag as text.
    if any(str(holder.get("authEncrypt", "")).lower() == "true" for holder in (content, by_name[name])):
        raise ConfigurationError(
            f"The keys in {file} are encrypted by KooCLI, and only KooCLI can read them. "
            "Set access_key and secret_key another way, or switch the encryption off with 'hcloud configure set --cli-auth-encrypt=false'.",
            code="Configuration",
        )
    place = _place(
        f"the profile {name!r} in {file}",
        by_name[name],
        {
            "access_key": "accessKeyId",
            "secret_key": "secretAccessKey",
            "security_token": "securityToken",
            "region": "region",
            "project_id": "projectId",
        },
    )
    if "access_key" not in place.values and "secret_key" not in place.values:
        raise ConfigurationError(
            f"The profile {name!r} in {file} has neither accessKeyId nor secretAccessKey (its mode is {by_name[name].get('mode')!r})", code="Configuration"
        )
    return place


def _from_credentials_file(file: str | None) -> _Place | str:
    """The SDKs' file. A missing one is an error only where it was named."""
    path = file or CREDENTIALS_FILE
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig") as stream:
            parser.read_file(stream)
    except FileNotFoundError as error:
        if file:
            raise ConfigurationError(f"The credentials file {path} does not exist", code="Configuration") from error
        return f"the credentials file {path} (does not exist)"
    except OSError as error:
        raise ConfigurationError(f"The credentials file {path} can't be read: {error.strerror}", code="Configuration") from error
    except (configparser.Error, UnicodeDecodeError):
        # What the parser says contains the line, which may be a secret.
        raise ConfigurationError(f"The credentials file {path} is no valid INI file", code="Configuration") from None
    if not parser.has_section("basic"):
        raise ConfigurationError(f"The credentials file {path} has no section [basic]", code="Configuration")
    return _place(
        f"the credentials file {path}",
        parser["basic"],
        {"access_key": "ak", "secret_key": "sk", "security_token": "security_token", "project_id": "project_id", "auth_url": "iam_endpoint"},
    )


def _from_metadata(endpoint: str) -> _Place | str:
    """The temporary keys of the agency of the ECS instance that this runs on."""
    endpoint = endpoint.strip()
    if endpoint.lower() == "none":
        return "the metadata service (switched off)"
    endpoint = (endpoint if "://" in endpoint else f"http://{endpoint}").rstrip("/")
    name = f"the metadata service {endpoint}"
    headers = {}
    try:
        with requests.Session() as session:
            # Never through a proxy: another host would answer with its own keys.
            session.trust_env = False
            status, body = _fetch(session, "PUT", f"{endpoint}/meta-data/latest/api/token", {"X-Metadata-Token-Ttl-Seconds": "21600"})
            if status == 200:
                headers["X-Metadata-Token"] = body.strip()
            elif status not in (404, 405, 503):
                return f"{name} (status {status} for its token)"
            status, body = _fetch(session, "GET", f"{endpoint}/openstack/latest/securitykey", headers)
    except (requests.RequestException, HTTPError):
        return f"{name} (no answer; not an ECS instance?)"
    if status == 404:
        return f"{name} (this ECS instance has no agency)"
    if status != 200:
        return f"{name} (status {status})"
    try:
        credential = json.loads(body)["credential"]
        place = _place(name, credential, {"access_key": "access", "secret_key": "secret", "security_token": "securitytoken"})
        expires_at = str(credential.get("expires_at") or "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return f"{name} (an answer without credentials)"
    if _is_past(expires_at):
        raise ConfigurationError(f"The keys that {name} gave have expired at {expires_at}", code="Configuration")
    return place


def _fetch(session: requests.Session, method: str, url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    with session.request(method, url, headers=headers, timeout=_METADATA_TIMEOUT, allow_redirects=False, stream=True) as response:
        return response.status_code, response.raw.read(_LARGEST_METADATA).decode("utf-8", "replace")


def _is_past(moment: str) -> bool:
    """Whether a time such as C(2026-01-31T08:00:00.000000Z) is over; what can't be read is not."""
    try:
        return datetime.datetime.strptime(f"{moment[:19]}+0000", "%Y-%m-%dT%H:%M:%S%z") < datetime.datetime.now(datetime.timezone.utc)
    except ValueError:
        return False
