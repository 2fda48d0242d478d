# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module within this process, and returns the result that it prints."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import types
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest
from ansible import module_utils
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _connection, _http

# Only newer versions of ansible-core have it.
_internal = getattr(module_utils, "_internal", module_utils)


def _no_controller() -> contextlib.AbstractContextManager[Any]:
    """Make ansible-core 2.19 and newer treat this process as that of a module, although tests of filters have loaded controller code."""
    try:
        internal = importlib.import_module("ansible.module_utils._internal")
    except ImportError:
        return contextlib.nullcontext()
    return patch.multiple(internal, is_controller=False, import_controller_module=lambda _name: None, get_controller_serialize_map=dict)


def run_module(
    module: types.ModuleType,
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = False,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run a module and return its result, with `warnings` as a list of strings on any version of ansible-core.

    :param arguments: the module's options, by name
    :param environment: further environment variables; there is no home and no metadata service
    """
    internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_version": "2.16.0"}
    args = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, **internal}}).encode()
    opened: list[_http.Http] = []

    def open_http(*args: Any, **kwargs: Any) -> _http.Http:
        opened.append(_http.Http(*args, **kwargs))
        return opened[-1]

    warnings._global_warnings.clear()
    output = io.StringIO()
    try:
        with (
            patch.object(basic, "_ANSIBLE_ARGS", args),
            _no_controller(),
            # Only newer versions of ansible-core have profiles.
            patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True),
            # The role's filter imports code that makes newer ansible-core treat this process as a controller, which shows warnings instead of returning them.
            patch.object(_internal, "is_controller", False, create=True),
            patch.dict(os.environ, {"HOME": "/nonexistent", "HW_METADATA_ENDPOINT": "none", **(environment or {})}),
            patch.object(_connection, "Http", open_http),
            contextlib.redirect_stdout(output),
            pytest.raises(SystemExit) as end,
        ):
            module.main()
    finally:
        for http in opened:
            http.close()
    result: dict[str, Any] = json.loads(output.getvalue())
    assert end.value.code == (1 if result.get("failed") else 0)
    result["warnings"] = [warning if isinstance(warning, str) else warning["event"]["msg"] for warning in result.get("warnings", [])]
    return result
