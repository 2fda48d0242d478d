# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates the tables of the page "Performance" from the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "guide_performance.rst"
BEGIN = ".. The tables that follow are made by make bench.\n\n"
END = "\n.. The tables that were made by make bench end here.\n"


def update_page(text: str, results: dict[str, Any]) -> str:
    """The page's text with the tables of these results."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}{table(results)}{END}{after}"


def table(results: dict[str, Any]) -> str:
    """All results as reStructuredText."""
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return "\n\n".join([f"Measured with {versions}.", _cpu(results), _fleets(results), _loops(results), _listing(results)]) + "\n"


def _cpu(results: dict[str, Any]) -> str:
    rows = [("Task", "CPU relative to ``uri``", "Spread", "CPU", "Bytes transferred")]
    for kind, figures in results["cpu"].items():
        ratio, seconds = figures["to uri"], figures["seconds"]
        shipped = f"{results['payload'][kind]:,}"
        rows.append((f"``{kind}``", f"{ratio['median']:.2f}", f"{ratio['least']:.2f} to {ratio['most']:.2f}", f"{seconds['median'] * 1000:.0f} ms", shipped))
    return _list_table(f"CPU time of one cancellation, {results['rounds']} rounds of {results['tasks']} each", rows)


def _fleets(results: dict[str, Any]) -> str:
    rows = [("Latency", "Resizes", "Time relative to the minimum", "Spread", "Time per resize", "Requests", "Memory")]
    for row in results["fleets"]:
        ratio = row["to limit"]
        rows.append(
            (
                f"{row['latency']} ms", f"{row['count']:,}", f"{ratio['median']:.2f}", f"{ratio['least']:.2f} to {ratio['most']:.2f}",
                f"{row['per resize']['median'] * 1000:.1f} ms", f"{row['requests']:,}", f"{row['memory']['most']:.0f} MiB",
            )
        )
    return _list_table(f"Many resizes in one task, concurrency {results['concurrency']}", rows)


def _loops(results: dict[str, Any]) -> str:
    rows = [("Latency", "500 in one task", "A loop of ``uri``", "A loop of ``dcs_resize_cancel``")]
    for row in results["loops"]:
        (fleet,) = [found for found in results["fleets"] if found["latency"] == row["latency"] and found["count"] == 500]
        own = fleet["seconds"]["median"]
        cells = [f"{row[kind] * 500:.0f} s ({row[kind] * 500 / own:.0f} times)" for kind in ("uri", "dcs_resize_cancel")]
        rows.append((f"{row['latency']} ms", f"{own:.1f} s", *cells))
    return _list_table(f"500 resizes in one task and in a loop (measured over {results['loop']} iterations and extrapolated)", rows)


def _listing(results: dict[str, Any]) -> str:
    requests = results["listing"]
    return (
        f"Listing the pending resizes of a project with {requests['tasks']:,} instances takes {sum(requests.values()):,} requests:\n"
        f"{requests['instances']} for the list of instances and one for the background tasks of each instance."
    )


def _list_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in rows:
        lines += [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines)
