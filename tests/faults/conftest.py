# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shortens the delays in the tests of faults."""

from __future__ import annotations

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _cancel, _http, _pace


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pace, "BACKOFF_BASE", 0.002)
    monkeypatch.setattr(_http, "MAX_RETRY_AFTER", 0.01)
    # How fast throttled requests are repeated is tested separately.
    monkeypatch.setattr(_pace.Rate, "throttled", lambda self, now: None)
    monkeypatch.setattr(_cancel, "WAIT_INTERVAL", (0.002, 0.01))
