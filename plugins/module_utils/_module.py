# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Connects the collection to Ansible: reads options, returns results and failures. The only file here that depends on AnsibleModule."""

from __future__ import annotations

import contextlib
import math
import os
import typing as t
from urllib.parse import unquote

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible.module_utils.parsing.convert_bool import boolean

from ._connection import connect
from ._credentials import METADATA_ENDPOINT, find_credentials, from_environment, is_blank, variable_of
from ._errors import ConfigurationError, sentence, unexpected
from ._transport import REQUESTS_IMPORT_ERROR

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ._dcs import Dcs
    from ._errors import DcsError


def _from_environment(option: str) -> str:
    value = from_environment(option, os.environ)
    if value is None:
        raise AnsibleFallbackNotFound
    return value


def _setting(name: str, **spec: t.Any) -> dict[str, t.Any]:
    """An option with its environment variables as a fallback."""
    return {"fallback": (_from_environment, [name]), **spec}


#: The connection options of every module; documented in the fragment `_connection`.
CONNECTION_OPTIONS: dict[str, dict[str, t.Any]] = {
    # Options without a fallback may have environment variables, too. These are read elsewhere, because sources are combined or values converted there.
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "project_id": {"type": "str"},
    "project_name": {"type": "str"},
    "region": {"type": "str"},
    "cloud": _setting("cloud", type="str", default="myhuaweicloud.com"),
    "endpoint": _setting("endpoint", type="str"),
    "auth_url": {"type": "str"},
    "profile": {"type": "str"},
    "shared_config_file": {"type": "path"},
    "credentials_file": {"type": "path"},
    "metadata_endpoint": _setting("metadata_endpoint", type="str", default=METADATA_ENDPOINT),
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": _setting("ca_path", type="path"),
    "timeout": {"type": "int", "default": 30},
    "max_retries": {"type": "int", "default": 5},
}

#: The lowest and the highest value of each numeric option.
_RANGES = {"timeout": (1, 3600), "max_retries": (0, 100), "concurrency": (1, 64), "wait_timeout": (0, 604_800)}
#: Options that may contain a password, which must not be shown.
_URLS = ("endpoint", "auth_url", "metadata_endpoint")


class DcsModule(AnsibleModule):
    """A module of this collection: blank options count as unset, strings are trimmed, and the same keys are always returned.

    :ivar returned: the result so far, which is returned however the module ends
    :param options: the argument spec without the connection options
    :param always: the keys that are always returned, with their initial values
    :param kwargs: as for AnsibleModule
    """

    ansible_version: str

    def __init__(self, options: Mapping[str, dict[str, t.Any]], always: Mapping[str, t.Any], **kwargs: t.Any) -> None:
        self.returned: dict[str, t.Any] = {"changed": False, **always}
        self._problem: str | None = None
        super().__init__(argument_spec={**CONNECTION_OPTIONS, **options}, supports_check_mode=True, **kwargs)
        # Again, because AnsibleModule has just split lists that were given as strings.
        self.params = self._cleaned(self.params)
        # Not before all secrets are known, which the result must not show.
        if self._problem:
            self.fail_json(msg=self._problem)

    def run(self, work: Callable[[], None]) -> t.NoReturn:
        """Do the work and exit with `returned`, or fail with `returned` if the work raises an exception of any kind."""
        try:
            work()
        except Exception as error:
            # A bug must not hide a change, or any of the keys that are always returned.
            failure = unexpected(error)
            if isinstance(self.returned.get("errors"), list):
                self.returned["errors"].append({"instance_id": None, **failure.as_result()})
            self.fail_json(msg=failure.message)
        self.exit_json(**self.returned)

    def _load_params(self) -> None:
        super()._load_params()
        # AWX passes blanks and nulls for unanswered questions. They must be removed before values are converted to numbers, lists and so on.
        self.params = {name: value for name, value in self._cleaned(self.params).items() if not is_blank(value)}
        for name in _URLS:
            for url in (self.params.get(name), from_environment(name, os.environ)):
                self.no_log_values.update(_passwords(str(url or "")))
        # ansible-core's own conversion of these fails on infinity, takes hours for 1e999999999, and can't name the environment variable.
        self._convert("validate_certs", _boolean)
        for name, limits in _RANGES.items():
            if name in self.argument_spec:
                self._convert(name, _whole_number, *limits)

    def _cleaned(self, params: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The options with all strings trimmed. An option that can't be used becomes None, and is refused later."""
        cleaned = {}
        for name, value in params.items():
            try:
                cleaned[name] = value if name.startswith("_ansible") else _trimmed(value)
                if isinstance(value, list) and not name.startswith("_ansible"):
                    _refuse_blanks(value)
            except ValueError as error:
                self._problem = self._problem or f"{name} {error}."
                cleaned[name] = None
        return cleaned

    def _convert(self, name: str, conversion: Callable[..., t.Any], *limits: int) -> None:
        """Convert an option that may come from the environment. An option that can't be converted is removed, and refused later."""
        variable = None if name in self.params else variable_of(name, os.environ)
        value = os.environ[variable].strip() if variable else self.params.get(name)
        if value is None:
            return
        try:
            self.params[name] = conversion(value, *limits)
            if variable == "HW_INSECURE":
                self.params[name] = not self.params[name]
        except ValueError as error:
            self.params.pop(name, None)
            self._problem = self._problem or f"{variable or name} must be {error}, but is {_shown(value)}."

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """Fail, with the result so far."""
        # If an option could not be read, any option that ansible-core then reports as missing is only a consequence.
        self._end(super().fail_json, {"msg": self._problem or msg, **self.returned, **kwargs})

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        """Succeed."""
        self._end(super().exit_json, kwargs)

    @staticmethod
    def _end(end: Callable[..., None], result: dict[str, t.Any]) -> t.NoReturn:
        try:
            end(**result)
        except Exception:
            # Data from the API can't be serialized, such as a structure of a thousand levels. That must not hide what has been done.
            end(**_flat(result, 5))
        raise AssertionError("unreachable")  # for type checkers: AnsibleModule is not typed

    def connect(self) -> Dcs:
        """The API of the project and region that are set by the options, the environment or the credentials.

        :raises ConfigurationError: no project or region is set, or a setting can't be used
        :raises DcsError: the project can't be looked up
        """
        if REQUESTS_IMPORT_ERROR:
            # It may be installed and still fail, for example because of a broken dependency: the last line of the traceback shows the cause.
            cause = REQUESTS_IMPORT_ERROR.strip().splitlines()[-1]
            raise ConfigurationError(f"{sentence(missing_required_lib('requests'))} The import failed with {cause}")
        credentials = find_credentials(self.params, os.environ)
        self.no_log_values.update(credentials.secrets())
        return connect(self.params, os.environ, credentials, f"huaweicloud.dcs ansible-core/{self.ansible_version}", self.warn).dcs()


def _trimmed(value: t.Any, depth: int = 3) -> t.Any:
    """The value with its strings trimmed, including those in lists and mappings.

    :param depth: of nesting; below the items of a list of mappings, data from the API is left unchanged
    :raises ValueError: two keys of a mapping differ only in white space
    """
    if isinstance(value, str):
        return value.strip()
    if depth and isinstance(value, list):
        return [_trimmed(item, depth - 1) for item in value]
    if depth and isinstance(value, dict):
        trimmed = {_trimmed(key, 0): _trimmed(item, 0) for key, item in value.items()}
        if len(trimmed) < len(value):
            raise ValueError(f"has keys that differ only in spaces: {', '.join(repr(key) for key in value)}")
        return trimmed
    return value


def _refuse_blanks(values: list[t.Any]) -> None:
    """Refuse a list with a blank item, such as from an empty variable: dropping the item might select less than intended, or everything.

    :raises ValueError: an item is blank
    """
    for number, value in enumerate(values, 1):
        if is_blank(value):
            raise ValueError(f"must not have blank entries, but entry {number} is blank")


def _flat(value: t.Any, depth: int) -> t.Any:
    """A value without anything that is nested deeper than `depth`."""
    if isinstance(value, dict):
        return {key: _flat(item, depth - 1) for key, item in value.items()} if depth else None
    if isinstance(value, list):
        return [_flat(item, depth - 1) for item in value] if depth else None
    return value


def _passwords(url: str) -> set[str]:
    """The parts of a URL that may be a user name and password, in every form in which they may appear."""
    before, at, _host = url.rpartition("@")
    if not at:
        return set()
    user_info = before.rpartition("://")[2] if "://" in before else before
    password = user_info.partition(":")[2]
    return {text for text in (user_info, password, unquote(password)) if text}


def _boolean(value: t.Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise ValueError("true or false") from None


def _whole_number(value: t.Any, lowest: int, highest: int) -> int:
    number = math.nan
    # A number that is computed in a template may be a float, such as 300.0.
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    if not (lowest <= number <= highest and number.is_integer()):
        raise ValueError(f"a whole number from {lowest} to {highest}")
    return int(number)


def _shown(value: t.Any) -> str:
    """A value for a message, cut to a reasonable length."""
    text = repr(value) if isinstance(value, str) else str(value)[:1000]
    return text if len(text) <= 40 else f"{text[:37]}..."


def summarize(errors: Sequence[tuple[str, DcsError]], total: int, what: str) -> str:
    """A message that names every failed item, grouped by status and code, with the explanation of the first error in each group.

    :param errors: the name and the error of each failed item
    :param total: the number of all items
    :param what: the kind of items, in the plural
    """
    if total == 1:
        return errors[0][1].message
    groups: dict[tuple[int | None, str | None], dict[str, DcsError]] = {}
    for name, error in errors:
        groups.setdefault((error.http_status, error.code), {}).setdefault(name, error)
    parts = [f"{len(errors)} of {total} {what} failed."]
    for group in groups.values():
        first = next(iter(group.values()))
        parts.append(f"{', '.join(group)}: {first.message if len(group) == 1 else first.explanation}")
    return " ".join(parts)
