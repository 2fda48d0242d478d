# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "What we know about the API" shows what the suite prints and assumes."""

from __future__ import annotations

import contextlib
import datetime
import re
import textwrap
from pathlib import Path

from conformance.connection import connect
from conformance.points import POINTS
from conformance.report import rows_of, table_of
from conformance.run import CONSENT, INSTANCE_ID, NEW_CAPACITY, NEW_SPEC_CODE, prepare, read_settings, run
from conformance.simulated import TEMPO, furnish
from simulator.client import Simulator

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "docsite" / "rst" / "guide_api_facts.rst"


def test_the_page_is_in_step(cloud: Simulator) -> None:
    environment = furnish(cloud)
    connection = connect(environment)
    with contextlib.closing(connection.http):
        plan = prepare(connection, read_settings(environment), datetime.datetime.now(datetime.timezone.utc))
        outcome = run(environment, connection, plan, lambda text: None, TEMPO)
    table = ".. code-block:: text\n\n" + textwrap.indent(table_of(rows_of(outcome)), "   ") + "\n"
    page = PAGE.read_text(encoding="utf-8")
    expected = _between(_between(page, "The table", table), "The points", "\n".join(point.facts() for point in POINTS))
    if page != expected:
        # To be copied over the page.
        made = ROOT / ".build" / "conformance" / PAGE.name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(expected, encoding="utf-8")
    assert page == expected


def _between(page: str, part: str, content: str) -> str:
    """The page with other content between the marks of a part."""
    begin, end = f".. {part}: begin\n", f".. {part}: end\n"
    assert page.count(begin) == page.count(end) == 1
    return re.sub(f"{begin}.*{end}", lambda _found: f"{begin}\n{content}\n{end}", page, flags=re.DOTALL)


def test_the_page_names_the_settings() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(name in page for name in (CONSENT, INSTANCE_ID, NEW_CAPACITY, NEW_SPEC_CODE))
