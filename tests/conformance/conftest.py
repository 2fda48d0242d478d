# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run for all tests, against the simulator or, with `--cloud`, the cloud; its table is printed at the end."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import DcsError
from simulator.client import Simulator

from .connection import connect
from .report import Mask, mask_of, report_of, rows_of, table_of
from .run import CONSENT, Outcome, RefusedToRun, Tempo, prepare, read_settings, run
from .simulated import TEMPO, furnish

_TABLE = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--cloud", action="store_true", help="run against the cloud, on the instance of DCS_INSTANCE_ID, instead of the simulator")
    group.addoption("--conformance-report", metavar="FILE", type=Path, help="write the observations to this file, as JSON with secrets and IDs masked")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--cloud", default=False) and config.getoption("numprocesses", default=None):
        raise pytest.UsageError("Only one process may use the instance at a time: omit -n.")


@pytest.fixture(scope="session")
def on_cloud(pytestconfig: pytest.Config) -> bool:
    """Whether this is the real thing."""
    return bool(pytestconfig.getoption("--cloud", default=False))


@pytest.fixture(scope="session")
def outcome(pytestconfig: pytest.Config, on_cloud: bool, request: pytest.FixtureRequest) -> Outcome:
    """What one run came to."""
    terminal, capture = (pytestconfig.pluginmanager.getplugin(name) for name in ("terminalreporter", "capturemanager"))

    def say(text: str) -> None:
        if terminal and on_cloud:
            # Now, and not with the output of a failed test.
            with capture.global_and_fixture_disabled():
                terminal.ensure_newline()
                terminal.write_line(text)
                terminal.flush()

    try:
        environment = os.environ if on_cloud else furnish(request.getfixturevalue("simulator"))
        outcome, mask = _run(environment, say, Tempo() if on_cloud else TEMPO)
    except (RefusedToRun, DcsError) as error:
        if not on_cloud:
            raise
        pytest.exit(f"Nothing was done: {error}", returncode=3)
    pytestconfig.stash[_TABLE] = mask.text(table_of(rows_of(outcome)))
    file = pytestconfig.getoption("--conformance-report", default=None)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(report_of("cloud" if on_cloud else "simulator", outcome, mask), indent=2) + "\n", encoding="utf-8")
    return outcome


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """A simulated cloud for one run."""
    with Simulator() as simulator:
        yield simulator


def _run(environment: Mapping[str, str], say: Any, tempo: Tempo) -> tuple[Outcome, Mask]:
    settings = read_settings(environment)
    connection = connect(environment)
    with contextlib.closing(connection.http):
        plan = prepare(connection, settings, datetime.datetime.now(datetime.timezone.utc))
        say(str(plan))
        if not settings.consent:
            raise RefusedToRun(f"to perform it, set {CONSENT}=yes")
        return run(environment, connection, plan, say, tempo), mask_of(connection, plan)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash.get(_TABLE, None)
    if table:
        terminalreporter.section("assumptions about the API, and observations")
        terminalreporter.write_line(table)
        file = config.getoption("--conformance-report", default=None)
        if file:
            terminalreporter.write_line(f"\nAs JSON, with secrets and IDs masked: {file}")
