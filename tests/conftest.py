# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by all tests: the collection under its full name, an environment without the user's settings, and a simulated cloud."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import hypothesis
import hypothesis.configuration
import pytest
from playbook import ROOT, collections
from simulator.client import Simulator
from surroundings import is_foreign

sys.path.insert(0, str(collections()))

# Each push runs the same examples, so that a failure is caused by the change; the profile "random", which runs weekly, uses many others.
# Failing examples are then kept and tried first the next time, and printed so that they can be reproduced. A slow machine does not make a test fail.
hypothesis.configuration.set_hypothesis_home_dir(ROOT / ".build" / "cache" / "hypothesis")
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True, max_examples=400)
hypothesis.settings.register_profile("random", deadline=None, print_blob=True, max_examples=10_000)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each of two processes begin with half of the long tests. Each gets one half of the list, and takes over tests from the other at the end."""
    items.sort(key=lambda item: "integration" not in item.path.parts)
    items[:] = [*items[0::2], *items[1::2]]


@pytest.fixture(scope="session", autouse=True)
def surroundings(pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """The user's environment. Tests don't see variables that would make them use other services, unless the real cloud is tested."""
    inherited = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        if not pytestconfig.getoption("--cloud", default=False):
            for variable in filter(is_foreign, inherited):
                patch.delenv(variable)
        yield inherited


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    """One simulator for all tests of this process."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def cloud(running_simulator: Simulator) -> Simulator:
    """The simulated cloud in its initial state."""
    running_simulator.reset()
    return running_simulator
