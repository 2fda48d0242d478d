# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_transport import Script, scripted_transport


@pytest.fixture
def script() -> Iterator[Script]:
    """The requests that are expected from the plugins, in order."""
    with scripted_transport() as playing:
        yield playing
