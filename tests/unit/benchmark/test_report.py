# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "Performance" shows the results of the last run, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import benchmark
from benchmark.report import PAGE, table, update_page


def test_the_page_shows_the_results():
    results = json.loads(Path(benchmark.__file__).with_name("results.json").read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    assert table(results) in page
    assert update_page(page, results) == page
