# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logic of the role `resize_cancel`: reads its variables, and builds its results. Pure functions, which never raise an exception because of user input."""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

import yaml
from ansible.utils.unsafe_proxy import AnsibleUnsafeText

PREFIX = "resize_cancel_"
MAX_LINES = 200
MAX_RECORDS = 1000

#: The keys of a resize as `dcs_resize_info` returns it.
RECORD_KEYS = (
    "instance_id", "instance_name", "instance_status", "maintain_begin", "maintain_end", "task_id", "task_name", "status", "next_window_begin",
    "user_name", "created_at", "updated_at", "old_spec_code", "new_spec_code", "old_capacity", "new_capacity", "details",
)
#: The keys in an artifact, whose size is limited: enough to schedule the resize again.
COMPACT_KEYS = ("instance_id", "task_id", "instance_name", "old_spec_code", "new_spec_code", "old_capacity", "new_capacity")
#: The further keys of a resize as `dcs_resize_cancel` and the role return it.
OUTCOME_KEYS = ("outcome", "changed", "request_id", "error")
ENTRY_KEYS = frozenset((*RECORD_KEYS, *OUTCOME_KEYS, "task", "record"))

COUNTS = ("cancelled", "absent", "too_late", "failed", "not_attempted")
TOO_LATE = ("executing", "applied")
UNSETTLED = ("failed", "not_attempted")

#: The variables of the role, without the prefix, by type.
FLAGS = ("all_pending", "wait", "validate_certs")
#: With the lowest and the highest value; None: no upper limit.
NUMBERS: dict[str, tuple[int, int | None]] = {
    "max": (0, None), "wait_timeout": (0, 604_800), "concurrency": (1, 64), "timeout": (1, 3600), "max_retries": (0, 100),
}
CHOICES = {"on_too_late": ("ignore", "warn", "fail")}
#: Filters for all pending resizes of the project.
FILTERS = ("instance_name", "tags", "enterprise_project_id", "exclude")
TEXTS = (
    "instance_name", "enterprise_project_id", "record", "access_key", "secret_key", "security_token", "token", "region", "project_id", "project_name",
    "cloud", "endpoint", "auth_url", "profile", "shared_config_file", "credentials_file", "metadata_endpoint", "ca_path",
)
INPUTS = frozenset(("instances", "tags", "exclude", *FLAGS, *NUMBERS, *CHOICES, *TEXTS))
#: Further variables with the prefix: what the role publishes, and what its playbooks read.
OTHERS = ("result", "summary", "hosts")

# Text pasted from chats, tables and web pages may contain any kind of space, invisible ones too, and the separators of a Chinese keyboard.
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\ufeff\u200b\u200c\u200d\u2060"
_COMMAS = ",;\uff0c\uff1b\u3001"
_SEPARATORS = re.compile(f"[{re.escape(_SPACES + _COMMAS)}]+")
_QUOTES = "'\"`\u2018\u2019\u201c\u201d"
_BULLETS = "-*•"
_TRUE = ("true", "yes", "on", "1", "y", "t")
_FALSE = ("false", "no", "off", "0", "n", "f")


class _Mistake(ValueError):
    """A variable can't be used. The message is a sentence without its subject, the variable, and without a full stop."""


def _plain(value: t.Any) -> t.Any:
    """The value with its strings trimmed, at any depth."""
    if isinstance(value, str):
        return "" if value.startswith("__omit_place_holder__") else value.strip(_SPACES)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    # Vaulted text, which ansible-core 2.16 passes as a sequence of characters.
    return _plain(str(value)) if isinstance(value, Sequence) else value


def _is_unset(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value) or type(value).__name__ == "_OmitType"


def _structure(text: str) -> t.Any:
    """The value of JSON, a Python literal or YAML; all scalars of YAML are strings."""
    readers: tuple[Callable[[str], t.Any], ...] = (json.loads, ast.literal_eval, lambda source: yaml.load(source, Loader=yaml.BaseLoader))
    for read in readers:
        try:
            return _plain(read(text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, yaml.YAMLError):
            continue
    raise _Mistake("can't be read: it is neither JSON nor YAML nor a list of instance IDs")


def _words(text: str) -> list[str]:
    """The parts of the text between separators, without quotes and bullets."""
    words = (word.strip(_QUOTES).lstrip(_BULLETS).strip(_QUOTES) for word in _SEPARATORS.split(text))
    return [word for word in words if word]


def _entries(value: t.Any) -> list[t.Any]:
    """The entries of a list, which may be given as text."""
    if isinstance(value, str):
        structured = value.startswith(("[", "{")) or re.search(r"(^|[\s\-])['\"]?instance_id['\"]?\s*:", value)
        value = _structure(value) if structured else _words(value)
    if not isinstance(value, list):
        raise _Mistake("must be a list, or text with instance IDs")
    return value


def _nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most similar to a mistyped one."""
    return difflib.get_close_matches(name.lower(), sorted(known), n=1, cutoff=0)[0]


def _resize(entry: t.Any) -> dict[str, t.Any]:
    """One entry of the instances, as a mapping whose IDs are strings or missing."""
    if isinstance(entry, str):
        entry = {"instance_id": entry}
    if not isinstance(entry, dict):
        raise _Mistake(f"has the entry {entry!r}, which is neither an instance ID nor a mapping with instance_id")
    for key in entry:
        if key not in ENTRY_KEYS:
            near = difflib.get_close_matches(str(key).lower(), sorted(ENTRY_KEYS), n=1)
            advice = f"did you mean {near[0]}?" if near else "set instance_id and, optionally, task_id"
            raise _Mistake(f"has an entry with the unknown key {key} ({advice})")
    ids = {}
    for key in ("instance_id", "task_id"):
        value = entry.get(key)
        if isinstance(value, (bool, float, dict, list)) or (key == "instance_id" and isinstance(value, int)):
            raise _Mistake(f"has an entry whose {key} is {value!r} instead of text")
        # In YAML given as text, null is a string.
        if not _is_unset(value) and str(value).lower() not in ("null", "none", "~"):
            ids[key] = str(value)
    if "instance_id" not in ids:
        raise _Mistake("has an entry without an ID. Each must be an instance ID, or a mapping with instance_id and, optionally, task_id")
    return {**{key: value for key, value in entry.items() if key not in ("instance_id", "task_id")}, **ids}


def _resizes(value: t.Any) -> list[dict[str, t.Any]]:
    return [_resize(entry) for entry in _entries(value)]


def _pair(resize: Mapping[str, t.Any]) -> tuple[str, str]:
    """What identifies a resize. IDs are compared case-insensitively."""
    return str(resize["instance_id"]).lower(), str(resize.get("task_id") or "").lower()


def _pairs(resizes: Iterable[Mapping[str, t.Any]]) -> list[dict[str, str]]:
    """The IDs of the resizes, each pair once, in the order of first occurrence."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for resize in resizes:
        found.setdefault(_pair(resize), {key: str(resize[key]) for key in ("instance_id", "task_id") if resize.get(key)})
    return list(found.values())


def _unique(texts: Iterable[t.Any]) -> list[str]:
    """Each text once, ignoring case, in the order of first occurrence."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(str(text).lower(), str(text))
    return list(found.values())


def _exclude(value: t.Any) -> list[str]:
    """A list of instance IDs or names; an entry that is a resize stands for its instance."""
    entries = _entries(value)
    names = [entry.get("instance_id") if isinstance(entry, dict) else entry for entry in entries]
    if any(isinstance(name, (dict, list, bool)) or _is_unset(name) for name in names):
        raise _Mistake("must be a list of instance IDs or names, or text that contains them")
    return _unique(names)


def _tags(value: t.Any) -> dict[str, str]:
    if isinstance(value, str):
        if value.startswith("{"):
            value = _structure(value)
        else:
            pairs = [re.split(r"[=:]", word, maxsplit=1) for word in re.split(f"[{_COMMAS}\n]+", value) if _plain(word)]
            if any(len(pair) != 2 for pair in pairs):
                raise _Mistake("must be a mapping, or text such as env=prod,team=cache")
            value = {_plain(key): _plain(_plain(text).strip(_QUOTES)) for key, text in pairs}
    if not isinstance(value, dict) or any(_is_unset(key) for key in value):
        raise _Mistake("must be a mapping, or text such as env=prod,team=cache")
    for key, text in value.items():
        if isinstance(text, bool) or not isinstance(text, (str, int, type(None))):
            raise _Mistake(f"has the value {text!r} for {key}, which is neither text nor a whole number: quote it")
    return {str(key): "" if text is None else str(text) for key, text in value.items()}


def _flag(value: t.Any) -> bool:
    word = str(value).lower()
    if isinstance(value, (str, bool, int)) and word in _TRUE + _FALSE:
        return word in _TRUE
    raise _Mistake("must be true or false")


def _number(name: str) -> Callable[[t.Any], int]:
    lowest, highest = NUMBERS[name]
    wanted = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"

    def convert(value: t.Any) -> int:
        text = str(value)
        # Nobody needs a longer number, and int() refuses very long ones.
        if not isinstance(value, bool) and re.fullmatch("[0-9]{1,18}", text) and lowest <= int(text) and (highest is None or int(text) <= highest):
            return int(text)
        raise _Mistake(f"must be a whole number, {wanted}")

    return convert


def _choice(name: str) -> Callable[[t.Any], str]:
    def convert(value: t.Any) -> str:
        if value in CHOICES[name]:
            return str(value)
        raise _Mistake(f"must be {', '.join(CHOICES[name][:-1])} or {CHOICES[name][-1]}")

    return convert


def _text(value: t.Any) -> str:
    if isinstance(value, (dict, list)):
        raise _Mistake("must be text")
    return str(value)


def _file(value: t.Any) -> str:
    """The absolute path of a file. A relative one would depend on the folder of the playbook, which may be inside this collection."""
    return os.path.abspath(os.path.expanduser(_text(value)))


_CONVERTERS: dict[str, Callable[[t.Any], t.Any]] = {
    "instances": _resizes, "tags": _tags, "exclude": _exclude,
    **dict.fromkeys(FLAGS, _flag), **dict.fromkeys(TEXTS, _text),
    **{name: _number(name) for name in NUMBERS}, **{name: _choice(name) for name in CHOICES},
    "record": _file,
}


def _read(inputs: Mapping[str, t.Any]) -> tuple[dict[str, t.Any], list[str], list[str]]:
    """The converted values of the inputs that are set, the names of all inputs that are set, and what is wrong with those that can't be converted."""
    values: dict[str, t.Any] = {}
    given, mistakes = [], []
    for name, convert in _CONVERTERS.items():
        value = _plain(inputs.get(PREFIX + name))
        # Separators alone, such as those left over from a cleared list, count as unset.
        if _is_unset(value) or (name in ("instances", "exclude") and isinstance(value, str) and not _words(value)):
            continue
        given.append(name)
        try:
            values[name] = convert(value)
        except _Mistake as mistake:
            mistakes.append(f"{PREFIX}{name} {mistake}.")
    return values, given, mistakes


def _unknown(names: Iterable[str]) -> list[str]:
    known = {PREFIX + name for name in (*INPUTS, *OTHERS)}
    # Compared without the prefix, which would make any two names similar.
    suffixes = [name[len(PREFIX):] for name in known]
    return [
        f"Unknown variable {name}: did you mean {PREFIX}{_nearest(name[len(PREFIX):], suffixes)}?" for name in sorted(names) if name not in known
    ]


def _never_templated(value: t.Any) -> t.Any:
    """A copy whose text ansible-core never treats as a template, whether it comes from a user or from the API."""
    if isinstance(value, Mapping):
        return {_never_templated(key): _never_templated(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_never_templated(entry) for entry in value]
    return AnsibleUnsafeText(value) if isinstance(value, str) else value


def plan(inputs: Mapping[str, t.Any], names: Iterable[str], listing: bool = False) -> t.Any:
    """Check and convert the variables of the role.

    :param inputs: the values of the variables that the role knows, by their full names
    :param names: the names of all variables that begin with the role's prefix
    :param listing: whether resizes are only listed; the default is then all pending resizes of the project
    """
    values, given, mistakes = _read(inputs)
    mistakes = [*_unknown(names), *mistakes]
    named = "instances" in given
    all_pending = not named if listing else values.get("all_pending", False)
    if named and all_pending:
        mistakes.append("resize_cancel_instances and resize_cancel_all_pending=true are mutually exclusive: set only one of them.")
    if not named and not all_pending and "all_pending" not in set(given) - set(values):
        mistakes.append("Set resize_cancel_instances, or resize_cancel_all_pending=true to cancel every pending resize of the project.")
    if not all_pending:
        needed = "can't be combined with resize_cancel_instances" if listing else "requires resize_cancel_all_pending=true"
        mistakes.extend(f"{PREFIX}{name} {needed}." for name in FILTERS if values.get(name))
    made = {
        "ok": not mistakes,
        "mistakes": mistakes,
        "all_pending": all_pending and not named,
        "resizes": _pairs(values.get("instances", [])),
        "max": values.get("max"),
        "record": values.get("record"),
        "find": {name: values[name] for name in FILTERS if values.get(name)},
        "cancel": {name: values[name] for name in ("on_too_late", "wait", "wait_timeout", "concurrency") if name in values},
    }
    return _never_templated(made)


def pairs(resizes: Iterable[Mapping[str, t.Any]]) -> t.Any:
    """The IDs of the resizes that `dcs_resize_info` returned, for `dcs_resize_cancel`."""
    return _never_templated(_pairs(resizes))


class _Knowledge:
    """What is known about resizes before they are cancelled.

    :param known: sources of details: results of the modules, and instances in any form that the role accepts
    """

    def __init__(self, known: Iterable[t.Any]) -> None:
        self._rows: dict[str, list[dict[str, t.Any]]] = {}
        for source in known:
            try:
                rows = _resizes(_plain(source.get("resizes", []) if isinstance(source, Mapping) else source))
            except _Mistake:
                continue
            for row in rows:
                # An entry with nothing but IDs adds no details.
                if set(row) - {"instance_id", "task_id"}:
                    self._rows.setdefault(row["instance_id"].lower(), []).append(row)

    def _find(self, resize: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The known details of a resize. Without a task ID on either side, it must be the only one of its instance."""
        instance_id, task_id = _pair(resize)
        rows = self._rows.get(instance_id, [])
        same = [row for row in rows if _pair(row)[1] == task_id]
        either = [row for row in rows if not (task_id and _pair(row)[1])]
        return same[-1] if same else either[0] if len(either) == 1 else {}

    def record(self, resize: Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The resize with all keys of `dcs_resize_info`; unknown values are null."""
        row = self._find(resize)
        found: dict[str, t.Any] = {}
        # An entry of an earlier result has the details known then in `record`, and the task as it was last seen in `task`.
        for source in (row.get("record"), row.get("task"), row, resize.get("task")):
            if isinstance(source, Mapping):
                found.update({key: source[key] for key in RECORD_KEYS if source.get(key) is not None})
        ids = {"instance_id": resize["instance_id"], "task_id": resize.get("task_id") or found.get("task_id")}
        return {**dict.fromkeys(RECORD_KEYS), **found, **ids}


def record(resizes: Iterable[Mapping[str, t.Any]], known: Iterable[t.Any]) -> t.Any:
    """The record of resizes, with the keys of `dcs_resize_info` and, if there is one, the outcome of each.

    :param resizes: pairs of IDs, or what `dcs_resize_cancel` returned
    :param known: sources of further details: results of the modules, and instances in any form that the role accepts
    """
    knowledge = _Knowledge(known)
    rows = [{**knowledge.record(resize), **{key: resize[key] for key in OUTCOME_KEYS if key in resize}} for resize in resizes]
    return _never_templated(rows)


def _shown(value: t.Any) -> str:
    """A value as text on one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())


def _specification(row: Mapping[str, t.Any], age: str) -> str:
    code, capacity = row.get(f"{age}_spec_code"), row.get(f"{age}_capacity")
    size = f"{capacity:g} GB" if isinstance(capacity, (int, float)) else None
    if code and size:
        return f"{_shown(code)} ({size})"
    return _shown(code) if code else size or "unknown"


def lines(resizes: Iterable[Mapping[str, t.Any]], known: Iterable[t.Any] = ()) -> t.Any:
    """One line for each resize with details besides its IDs, 200 at most.

    :param resizes: with the keys of `dcs_resize_info`, or pairs of IDs
    :param known: sources of further details: results of the modules, and instances in any form that the role accepts
    """
    shown = []
    knowledge = _Knowledge([resizes, *known])
    for row in map(knowledge.record, resizes):
        if not any(row.get(key) for key in ("instance_name", "new_spec_code", "new_capacity")):
            continue
        begin, end = row.get("maintain_begin"), row.get("maintain_end")
        window = f"window {_shown(begin)}-{_shown(end)} UTC" if begin and end else "window unknown"
        if row.get("next_window_begin"):
            window = f"{window}, not before {_shown(row['next_window_begin'])}"
        user = f"scheduled by {_shown(row['user_name'])}" if row.get("user_name") else "scheduled by an unknown user"
        name = _shown(row.get("instance_name") or "(no name)")
        change = f"{_specification(row, 'old')} -> {_specification(row, 'new')}"
        shown.append(f"{name} ({_shown(row['instance_id'])}): {change}, {window}, {user}")
    if len(shown) > MAX_LINES:
        more = len(shown) - MAX_LINES + 1
        shown = [*shown[: MAX_LINES - 1], f"... and {more} more"]
    return _never_templated(shown)


def result(answer: t.Any, asked: Sequence[Mapping[str, t.Any]], known: Iterable[t.Any], check_mode: bool) -> t.Any:
    """The fact `resize_cancel_result`.

    :param answer: what `dcs_resize_cancel` returned; anything without `resizes` if it did not run
    :param asked: the resizes that were requested
    :param known: sources of further details: results of the modules, and instances in any form that the role accepts
    :param check_mode: whether the outcomes are only predicted
    """
    answer = answer if isinstance(answer, Mapping) else {}
    resizes = list(answer.get("resizes") or [])
    knowledge = _Knowledge(known)
    ids: dict[str, list[str]] = {name: [] for name in COUNTS}
    for resize in resizes:
        outcome = str(resize["outcome"])
        ids["too_late" if outcome in TOO_LATE else outcome].append(resize["instance_id"])
    # A resize without a result, because nothing was sent or the module crashed, is as unsettled as one that failed.
    reported = {_pair(resize)[0] for resize in resizes}
    unreported = [resize["instance_id"] for resize in asked if _pair(resize)[0] not in reported]
    report = {
        "changed": bool(answer.get("changed")),
        **{name: len(ids[name]) for name in COUNTS},
        **{f"{name}_instance_ids": _unique(ids[name]) for name in COUNTS if name != "absent"},
        "unsettled_instance_ids": _unique([*(resize["instance_id"] for resize in resizes if resize["outcome"] in UNSETTLED), *unreported]),
        "check_mode": bool(check_mode),
        "resizes": [{**resize, "record": knowledge.record(resize)} for resize in resizes],
    }
    return _never_templated(report)


def summary(results: Mapping[str, Mapping[str, t.Any]]) -> t.Any:
    """The artifact `resize_cancel_summary`: the result without its list or, for several hosts, the totals and the result of each.

    :param results: `resize_cancel_result` by host; an empty mapping for a host without a result
    """
    reports = {host: report for host, report in results.items() if report}
    parts = {host: {key: value for key, value in report.items() if key != "resizes"} for host, report in reports.items()}
    total: dict[str, t.Any] = {}
    for part in parts.values():
        for key, value in part.items():
            # Numbers and lists are added up; a boolean is true if it is true for any host.
            total[key] = value if key not in total else total[key] or value if isinstance(value, bool) else total[key] + value
    records = [
        {key: resize["record"][key] for key in COMPACT_KEYS}
        for report in reports.values() for resize in report["resizes"] if resize["outcome"] == "cancelled"
    ]
    omitted = len(records) > MAX_RECORDS
    several = {"hosts": parts} if len(results) > 1 else {}
    return _never_templated({**total, "record": None if omitted else records, "record_omitted": omitted, **several})


def lists(results: Mapping[str, Mapping[str, t.Any]]) -> t.Any:
    """The artifact `resize_list` of the playbook `list_resizes`: all resizes and, for several hosts, those of each.

    :param results: what `dcs_resize_info` returned, by host; an empty mapping or a failure for a host without a complete list
    """
    found = {host: result["resizes"] for host, result in results.items() if "resizes" in result and not result.get("failed")}
    several = {"hosts": {host: {"count": len(rows), "resizes": rows} for host, rows in found.items()}} if len(results) > 1 else {}
    every = [row for rows in found.values() for row in rows]
    return _never_templated({"count": len(every), "resizes": every, **several})


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        return {f"{PREFIX}{function.__name__}": function for function in (plan, pairs, record, lines, result, summary, lists)}
