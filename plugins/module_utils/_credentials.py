# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Finds credentials in the sources that users of Terraform, KooCLI and the official SDKs already have.

Access key, secret key and security token always come from one source. Region, project and IAM endpoint from a file are used only with that file's keys.
"""

from __future__ import annotations

import re
import typing as t

from ._errors import ConfigurationError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CREDENTIALS_FILE = "~/.huaweicloud/credentials"
SHARED_CONFIG_FILE = "~/.hcloud/config.json"
METADATA_ENDPOINT = "http://169.254.169.254"

#: The environment variables of each option, in order of precedence.
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
#: Minimum number of characters. A shorter value is a mistake, and masking it would garble unrelated text.
_SHORTEST_KEY = 8
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"


class Credentials(t.NamedTuple):
    """Credentials, with the region, project and IAM endpoint from their source.

    Either `token` is set, or `access_key` and `secret_key` are.

    :ivar source: the name of their source, for messages
    :ivar chosen: whether an option selected the source, so that its region and project take precedence over the environment
    :ivar region: from the file that contains the keys; None if it is not set there
    :ivar project_id: likewise
    :ivar auth_url: likewise
    """

    source: str
    access_key: str | None = None
    secret_key: str | None = None
    security_token: str | None = None
    token: str | None = None
    chosen: bool = False
    region: str | None = None
    project_id: str | None = None
    auth_url: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(source={self.source!r})"

    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return tuple(value for value in (self.secret_key, self.security_token, self.token) if value)


class _Source(t.NamedTuple):
    """The content of one source.

    :ivar name: for messages
    :ivar values: the values that are set, by field of `Credentials`
    :ivar names: the source's own names for these fields
    :ivar chosen: as in `Credentials`
    """

    name: str
    values: dict[str, str]
    names: dict[str, str]
    chosen: bool = False


def is_blank(value: object) -> bool:
    """Whether a value counts as unset: null or blank, as AWX passes for unanswered questions."""
    return value is None or (isinstance(value, str) and not value.strip())


def variable_of(option: str, environment: Mapping[str, str]) -> str | None:
    """The name of the first environment variable of an option that is set; None if none is."""
    return next((name for name in ENVIRONMENT.get(option, ()) if not is_blank(environment.get(name))), None)


def from_environment(option: str, environment: Mapping[str, str]) -> str | None:
    """The value of the first environment variable of an option that is set, without surrounding white space; None if none is."""
    variable = variable_of(option, environment)
    return environment[variable].strip() if variable else None


def find_credentials(options: Mapping[str, t.Any], environment: Mapping[str, str]) -> Credentials:
    """Search the sources in turn. The first that has a token or a complete key pair is used; within one source, the token takes precedence.

    :param options: the module's options, by name; of those used here, only `metadata_endpoint` may come from the environment
    :param environment: environment variables, by name
    :raises ConfigurationError: a source has an incomplete pair or an invalid key, a source that the user set can't be used, or nothing was found
    """
    tried: list[str] = []
    for source in _sources({name: str(value).strip() for name, value in options.items() if not is_blank(value)}, environment):
        if isinstance(source, str):
            tried.append(source)
            continue
        found = _complete(source)
        if found:
            return found
        keys = ", ".join(name for field, name in source.names.items() if field in _KEY_NAMES)
        tried.append(f"{source.name} (none of {keys} is set)")
    raise ConfigurationError(
        "No credentials found. Set an access key and its secret key, or an existing IAM token. Searched, in this order: " + "; ".join(tried) + "."
    )


def region_setting(options: Mapping[str, t.Any], environment: Mapping[str, str], credentials: Credentials) -> str | None:
    """The region; None if it is not set anywhere."""
    return _setting("region", options, environment, credentials)


def auth_url_setting(options: Mapping[str, t.Any], environment: Mapping[str, str], credentials: Credentials) -> str | None:
    """The IAM endpoint; None if it is not set anywhere."""
    return _setting("auth_url", options, environment, credentials)


def project_setting(options: Mapping[str, t.Any], environment: Mapping[str, str], credentials: Credentials) -> tuple[str | None, str | None]:
    """The project's ID or name from the first source that sets either; within one source, the ID takes precedence."""
    for project_id, project_name in (
        (options.get("project_id"), options.get("project_name")),
        (credentials.project_id if credentials.chosen else None, None),
        (environment.get("HW_PROJECT_ID"), environment.get("HW_PROJECT_NAME")),
        (environment.get("HUAWEICLOUD_SDK_PROJECT_ID"), None),
        (credentials.project_id, None),
    ):
        if not is_blank(project_id):
            return str(project_id).strip(), None
        if not is_blank(project_name):
            return None, str(project_name).strip()
    return None, None


def _setting(name: str, options: Mapping[str, t.Any], environment: Mapping[str, str], credentials: Credentials) -> str | None:
    of_the_keys: str | None = getattr(credentials, name)
    candidates = (options.get(name), of_the_keys if credentials.chosen else None, from_environment(name, environment), of_the_keys)
    return next((str(value).strip() for value in candidates if not is_blank(value)), None)


def _complete(source: _Source) -> Credentials | None:
    values = source.values
    for name in _KEY_NAMES:
        if name in values:
            _check(f"{source.names[name]} in {source.name}", values[name])
    context = {name: values.get(name) for name in ("region", "project_id", "auth_url")}
    if "token" in values:
        return Credentials(source=source.name, chosen=source.chosen, token=values["token"], **context)
    if "access_key" in values and "secret_key" in values:
        keys = {name: values.get(name) for name in ("access_key", "secret_key", "security_token")}
        return Credentials(source=source.name, chosen=source.chosen, **keys, **context)
    present = [source.names[name] for name in ("access_key", "secret_key", "security_token") if name in values]
    missing = [source.names[name] for name in ("access_key", "secret_key") if name not in values]
    if present:
        raise ConfigurationError(
            f"Incomplete credentials: {' and '.join(present)} {_is(present)} set, but {' and '.join(missing)} {_is(missing)} not ({source.name}). "
            "Access key, secret key and security token must come from the same source."
        )
    return None


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _check(name: str, value: str) -> None:
    """Refuse a value that can't be a key before a request is spent on it: repeated failures lock an access key.

    :param name: what is checked; the value is never shown
    :raises ConfigurationError: the value can't be a key
    """
    problem = None
    if value[0] in _QUOTES or value[-1] in _QUOTES:
        problem = "it begins or ends with a quotation mark. Remove the quotation marks"
    elif re.search(r"[^!-~]", value):
        # Not allowed in a header, and the resulting error would show the value.
        problem = "it has a character that no key has, such as a space or a line break"
    elif len(value) < _SHORTEST_KEY:
        problem = f"it has fewer than {_SHORTEST_KEY} characters"
    if problem:
        raise ConfigurationError(f"Invalid {name}: {problem}.")


def _sources(options: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[_Source | str]:
    """Each source in turn, or a string that says why a source has nothing. Later sources are read only if they are needed."""
    profile, shared_config_file, credentials_file = (
        options.get(name) or from_environment(name, environment) for name in ("profile", "shared_config_file", "credentials_file")
    )
    # A source that is selected by an option takes precedence over the environment.
    chosen_profile, chosen_file = "profile" in options or "shared_config_file" in options, "credentials_file" in options

    yield _source("the module's options", options, {name: name for name in _KEY_NAMES})
    if chosen_profile:
        yield _from_profile(profile, shared_config_file, chosen=True)
    if chosen_file:
        yield _from_credentials_file(credentials_file, chosen=True)
    for prefix in ("HW_", "HUAWEICLOUD_SDK_"):
        names = {option: name for option in _KEY_NAMES for name in ENVIRONMENT[option] if name.startswith(prefix)}
        yield _source(f"the {prefix} environment variables", environment, names)
    if not chosen_profile:
        if profile or shared_config_file:
            yield _from_profile(profile, shared_config_file)
        else:
            yield f"a profile in {SHARED_CONFIG_FILE} (neither profile nor shared_config_file is set)"
    if not chosen_file:
        yield _from_credentials_file(credentials_file)
    yield _from_metadata(options.get("metadata_endpoint", METADATA_ENDPOINT))


# Most runs need none of the following sources, so their imports are deferred.


def _from_profile(profile: str | None, file: str | None, chosen: bool = False) -> _Source:
    from ._credential_files import read_profile

    return _source(*read_profile(file or SHARED_CONFIG_FILE, profile), chosen)


def _from_credentials_file(file: str | None, chosen: bool = False) -> _Source | str:
    from ._credential_files import read_credentials_file

    found = read_credentials_file(file or CREDENTIALS_FILE, named=bool(file))
    return found if isinstance(found, str) else _source(*found, chosen)


def _from_metadata(endpoint: str) -> _Source | str:
    from ._credential_files import read_metadata

    found = read_metadata(endpoint)
    return found if isinstance(found, str) else _source(*found)


def _source(name: str, holder: Mapping[str, t.Any], names: dict[str, str], chosen: bool = False) -> _Source:
    values = {field: str(holder[key]).strip() for field, key in names.items() if not is_blank(holder.get(key))}
    return _Source(name, values, names, chosen)
