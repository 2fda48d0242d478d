# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails if the search of the built site does not find the right page first. It ranks pages as Sphinx's searchtools.js does."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import snowballstemmer

#: What people search for, and the guide that must be the first result.
EXPECTED = {
    "DCS.4239": "troubleshooting",
    "DCS.3022": "troubleshooting",
    "DCS.2003": "troubleshooting",
    "APIGW.0101": "troubleshooting",
    "APIGW.0301": "troubleshooting",
    "HTTP 401": "troubleshooting",
    "HTTP 403": "troubleshooting",
    "HTTP 429": "troubleshooting",
    "permission denied": "troubleshooting",
    "roll back": "troubleshooting",
    "proxy": "troubleshooting",
    "requests": "troubleshooting",
    "certificate verify failed": "troubleshooting",
    "reschedule": "after_the_freeze",
    "billing": "after_the_freeze",
    "yearly/monthly": "after_the_freeze",
    "multiple regions": "many_instances",
    "approval": "many_instances",
    "notification": "many_instances",
    "Ctrl+C": "many_instances",
    "access key": "authentication",
    "vault": "authentication",
    "instance ID": "start",
    "check mode": "outcomes",
    "list_resizes": "playbooks",
    "AWX": "awx",
}
#: The same in Chinese.
EXPECTED_IN_CHINESE = {
    "错误码": "troubleshooting",
    "代理": "troubleshooting",
    "故障排除": "troubleshooting",
    "重新安排": "after_the_freeze",
    "计费": "after_the_freeze",
    "检查模式": "outcomes",
}


class Result(t.NamedTuple):
    """What the search shows for one match. The highest score comes first, and for equal scores the title decides."""

    score: int
    title: str
    page: str


def search(index: dict[str, t.Any], query: str) -> list[Result]:
    """The results in their order: titles, main index entries, and the text of pages. Other index entries are shown after all of these."""
    lower = query.lower().strip()
    pages, titles = index["docnames"], index["titles"]
    results = []
    for title, places in index["alltitles"].items():
        if lower in title.lower() and len(lower) >= len(title) / 2:
            for page, _anchor in places:
                is_document = titles[page] == title
                shown = title if is_document else f"{titles[page]} > {title}"
                results.append(Result(round(15 * len(lower) / len(title)) + is_document, shown, pages[page]))
    for entry, places in index["indexentries"].items():
        if lower in entry and len(lower) >= len(entry) / 2:
            results += [Result(round(100 * len(lower) / len(entry)), titles[page], pages[page]) for page, _anchor, is_main in places if is_main]
    results += [Result(score, titles[page], pages[page]) for page, score in matching_texts(index, lower).items()]
    return sorted(results, key=lambda result: (-result.score, result.title.lower()))


def matching_texts(index: dict[str, t.Any], query: str) -> dict[int, int]:
    """The pages with all words of the query, and the score of the best word."""
    stem = snowballstemmer.stemmer("english").stemWord
    words = {stem(word) for word in re.findall(r"\w+", query) if not word.isdigit()}
    scores: dict[str, dict[int, int]] = {}
    for word in words:
        for kind, whole, part in (("terms", 5, 2), ("titleterms", 15, 7)):
            terms = {word: whole} if word in index[kind] else {term: part for term in index[kind] if len(word) > 2 and word in term}
            for term, score in terms.items():
                places = index[kind][term]
                for page in places if isinstance(places, list) else [places]:
                    scores.setdefault(word, {})[page] = score
    found = [set(pages) for pages in scores.values()]
    common = set.intersection(*found) if len(found) == len(words) and found else set()
    return {page: max(pages[page] for pages in scores.values()) for page in common}


def main(site: str) -> None:
    text = Path(site, "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    mistakes = []
    expected = {**EXPECTED, **EXPECTED_IN_CHINESE} if Path(site).name == "zh_CN" else EXPECTED
    for query, guide in expected.items():
        first = next((result.page for result in search(index, query)), None)
        if first != f"docsite/guide_{guide}":
            mistakes.append(f"{query!r}: found {first} first, not docsite/guide_{guide}")
    if mistakes:
        sys.exit("\n".join(["The search of the site:", *mistakes]))


if __name__ == "__main__":
    main(sys.argv[1])
