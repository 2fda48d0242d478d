# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Between Ansible and the rest: options in, results and failures out. The only file here that knows AnsibleModule."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible.module_utils.parsing.convert_bool import boolean

from ._connection import connect
from ._credentials import METADATA_ENDPOINT, find_credentials, from_environment, is_blank
from ._http import REQUESTS_IMPORT_ERROR

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._dcs import Dcs
    from ._errors import DcsError


def _from_environment(option: str) -> str:
    value = from_environment(option, os.environ)
    if value is None:
        raise AnsibleFallbackNotFound
    return value


def _from_insecure(option: str) -> bool | str:
    """HW_INSECURE says the opposite of validate_certs."""
    value = _from_environment(option)
    try:
        return not boolean(value)
    except TypeError:
        # Let the option's own check say what is wrong with it.
        return value


def _setting(name: str, **spec: t.Any) -> dict[str, t.Any]:
    """An option that its environment variables stand in for."""
    return {"fallback": (_from_environment, [name]), **spec}


#: The options of every module; documented in the fragment C(_connection).
CONNECTION_OPTIONS: dict[str, dict[str, t.Any]] = {
    # These have no fallback: which environment counts is decided for all of them together.
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "project_id": {"type": "str"},
    "project_name": {"type": "str"},
    "region": _setting("region", type="str"),
    "cloud": _setting("cloud", type="str", default="myhuaweicloud.com"),
    "endpoint": _setting("endpoint", type="str"),
    "auth_url": _setting("auth_url", type="str"),
    "profile": _setting("profile", type="str"),
    "shared_config_file": _setting("shared_config_file", type="path"),
    "credentials_file": _setting("credentials_file", type="path"),
    "metadata_endpoint": _setting("metadata_endpoint", type="str", default=METADATA_ENDPOINT),
    "validate_certs": {"type": "bool", "default": True, "fallback": (_from_insecure, ["validate_certs"])},
    "ca_path": _setting("ca_path", type="path"),
    "timeout": {"type": "int", "default": 30},
    "max_retries": _setting("max_retries", type="int", default=5),
}

#: The lowest and the highest value of each numeric option; None: no limit.
_RANGES: dict[str, tuple[int, int | None]] = {"timeout": (1, None), "max_retries": (0, None), "concurrency": (1, 64), "wait_timeout": (0, None)}


class DcsModule(AnsibleModule):
    """A module of this collection: blank options are unset, and the same keys are returned whatever happens.

    :param options: the argument spec without the connection options
    :param always: the keys that are returned on failure, too, with the values that they have before anything was done
    :param kwargs: as for AnsibleModule
    """

    ansible_version: str

    def __init__(self, options: Mapping[str, dict[str, t.Any]], always: Mapping[str, t.Any], **kwargs: t.Any) -> None:
        self._always = {"changed": False, **always}
        super().__init__(argument_spec={**CONNECTION_OPTIONS, **options}, supports_check_mode=True, **kwargs)
        for name, (lowest, highest) in _RANGES.items():
            value = self.params.get(name)
            if value is not None and (value < lowest or (highest is not None and value > highest)):
                self.fail_json(msg=f"{name} must be {f'at least {lowest}' if highest is None else f'between {lowest} and {highest}'}, and is {value}")

    def _load_params(self) -> None:
        super()._load_params()
        # AWX passes blanks and nulls for what was not answered; they must not meet the conversion to numbers, lists and so on.
        self.params = {name: value for name, value in self.params.items() if name.startswith("_ansible") or not is_blank(value)}

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        """Fail, with the keys that are always there."""
        super().fail_json(msg=msg, **{**self._always, **kwargs})
        raise AssertionError("unreachable")  # for type checkers: AnsibleModule is not typed

    def connect(self) -> Dcs:
        """The API of the project and region that the options and their surroundings name.

        :raises ConfigurationError: they don't, or what they name can't be used
        :raises DcsError: the project can't be looked up
        """
        if REQUESTS_IMPORT_ERROR:
            self.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
        credentials = find_credentials(self.params, os.environ)
        self.no_log_values.update(credentials.secrets())
        return connect(self.params, os.environ, credentials, f"huaweicloud.dcs ansible-core/{self.ansible_version}", self.warn).dcs()


def summarize(errors: Sequence[tuple[str, DcsError]], total: int, what: str) -> str:
    """A message that names all that failed, and why the first of them did.

    :param errors: what failed and why
    :param total: how many there were in all
    :param what: a word for what there were
    """
    if total == 1:
        return errors[0][1].message
    reasons = list(dict.fromkeys(error.message for _name, error in errors))
    shown = " ".join(reason if reason.endswith(".") else f"{reason}." for reason in reasons[:10])
    more = f" And {len(reasons) - 10} more reasons." if len(reasons) > 10 else ""
    names = ", ".join(dict.fromkeys(name for name, _error in errors))
    return f"{len(errors)} of {total} {what} failed: {names}. {shown}{more}"
