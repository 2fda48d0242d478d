# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What came of a run: a table for a human, and JSON for a bug report, with secrets and ids masked."""

from __future__ import annotations

import platform
import re
import textwrap
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml

from .connection import Connection, Exchange
from .points import POINTS
from .run import Outcome, Plan

_ROOT = Path(__file__).resolve().parents[2]
_NOT_REACHED = "not reached"
_HEADINGS = ("Point", "Assumed", "Observed", "As assumed")
_WIDTHS = (38, 36, 36, 12)

#: Fields whose values are the API's own words, or figures; of all others only the type is told. The name of a task is one, that of an instance is none.
_TELLING = frozenset(
    {
        "result", "error_code", "error_msg", "error_ext_msg", "code", "message", "task_count", "instance_num", "status", "sub_status", "engine",
        "engine_version", "spec_code", "capacity", "capacity_minor", "charging_mode", "maintain_begin", "maintain_end", "created_at", "updated_at",
        "enable_show", "old_capacity", "new_capacity", "old_resource_spec_code", "new_resource_spec_code", "old_replica_num", "new_replica_num",
        "old_cache_mode", "new_cache_mode",
    }
)
#: Of a list, so many rows are told.
_ROWS = 3


class Mask:
    """Replaces what must not be told: secrets and ids that are known, and whatever looks like one. The same id is the same number everywhere.

    :param known: values, and what to say instead
    """

    _ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
    _ID = re.compile(r"\b(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[0-9a-fA-F]{64})\b")

    def __init__(self, known: Iterable[tuple[str | None, str]]) -> None:
        # The longest first: one may be part of another.
        self._known = sorted(((value, word) for value, word in known if value), key=lambda pair: -len(pair[0]))
        self._ids: dict[str, int] = {}

    def text(self, text: str) -> str:
        """A text without them."""
        for value, word in self._known:
            text = text.replace(value, word)
        text = self._ID.sub(lambda found: f"<id {self._ids.setdefault(found[0], len(self._ids) + 1)}>", text)
        return self._ADDRESS.sub("<address>", text)

    def body(self, value: Any, field: str | None = None, tasks: bool = False) -> Any:
        """A body with the values of telling fields, and of the others no more than the type.

        :param tasks: whether it is (part of) a list of tasks
        """
        if isinstance(value, dict):
            return {self.text(str(name)): self.body(item, str(name), tasks) for name, item in value.items()}
        if isinstance(value, list):
            rows = [self.body(item, field, tasks or field == "tasks") for item in value[:_ROWS]]
            return rows + ([f"<{len(value) - _ROWS} more>"] if len(value) > _ROWS else [])
        if value is None or isinstance(value, bool) or field in _TELLING or (tasks and field == "name"):
            return self.text(value) if isinstance(value, str) else value
        return f"<{type(value).__name__}>"


def mask_of(connection: Connection, plan: Plan) -> Mask:
    """The mask for a run."""
    credentials = connection.credentials
    return Mask(
        [
            *((secret, "***") for secret in (*credentials.secrets(), credentials.access_key)),
            (connection.project_id, "<project>"), (plan.settings.instance_id, "<instance>"),
        ]
    )


def rows_of(outcome: Outcome) -> list[dict[str, str]]:
    """One row per point: name, question, assumed, observed, verdict, and for a difference what it touches."""
    rows = []
    for point in POINTS:
        row = {"name": point.name, "question": point.question, "assumed": point.assumed}
        if point.name in outcome.observed:
            observed = outcome.observed[point.name]
            row.update(observed=str(observed), verdict=point.verdict(observed))
        else:
            row.update(observed=_NOT_REACHED, verdict="NO")
        if row["verdict"] == "NO":
            row["sentence"] = point.sentence(row["observed"])
        rows.append(row)
    return rows


def table_of(rows: Sequence[dict[str, str]]) -> str:
    """The rows as a table, with a sentence for each difference below."""
    cells = [_HEADINGS, *((row["question"], row["assumed"], row["observed"], row["verdict"]) for row in rows)]
    lines = []
    for number, row in enumerate(cells):
        wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, _WIDTHS)]
        for height in range(max(map(len, wrapped))):
            line = (part[height] if height < len(part) else "" for part in wrapped)
            lines.append("  ".join(f"{text:{width}}" for text, width in zip(line, _WIDTHS)).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in _WIDTHS))
    differing = [row["sentence"] for row in rows if "sentence" in row]
    return "\n".join([*lines, *(["", "Differences:"] if differing else []), *(f"- {sentence}" for sentence in differing)])


def report_of(target: str, outcome: Outcome, mask: Mask) -> dict[str, Any]:
    """Everything, ready to be attached to a bug report.

    :param target: `cloud` or `simulator`
    """
    return {
        "collection": f"huaweicloud.dcs {yaml.safe_load((_ROOT / 'galaxy.yml').read_text(encoding='utf-8'))['version']}",
        "python": platform.python_version(),
        "requests": metadata.version("requests"),
        "target": target,
        "failure": mask.text(outcome.failure) if outcome.failure else None,
        "leftover": mask.text(outcome.leftover) if outcome.leftover else None,
        "points": [{name: mask.text(value) for name, value in row.items()} for row in rows_of(outcome)],
        "requests_sent": [_exchange(exchange, mask) for exchange in outcome.exchanges],
    }


def _exchange(exchange: Exchange, mask: Mask) -> dict[str, Any]:
    told = {name: exchange.headers.get(name) for name in ("Content-Type", "Retry-After", "X-Request-Id")}
    return {
        "method": exchange.method,
        "path": mask.text(exchange.path),
        "query": {name: mask.text(value) for name, value in parse_qsl(exchange.query)},
        "status": exchange.status,
        "headers": {name: mask.text(value) for name, value in told.items() if value is not None},
        "body": mask.body(exchange.body),
    }
