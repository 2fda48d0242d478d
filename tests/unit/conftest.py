# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _transport
from scripted_transport import Script, scripted_transport


@pytest.fixture
def script() -> Iterator[Script]:
    """The requests that are expected from the plugins, in order."""
    with scripted_transport() as playing:
        yield playing


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the status line of a response has been read, a fifth of a second is left for the rest. The line may take its time, as it does on a busy machine."""
    read_status = _transport._Response._read_status

    def read_and_hurry(response: _transport._Response) -> tuple[str, int, str]:
        line = read_status(response)
        response.fp.raw._end = time.monotonic() + 0.2
        return line

    monkeypatch.setattr(_transport._Response, "_read_status", read_and_hurry)
