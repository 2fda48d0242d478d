# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""README.md and README.zh-CN.md have the same content in the same order, and their facts about the project are true."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest
import yaml
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Outcome

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
ROLES = sorted((ROOT / "roles").glob("*/README.md"))
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
REPOSITORY: str = GALAXY["repository"]
SITE: str = GALAXY["documentation"]

# The headings of certified collections, in order.
HEADINGS = [
    "Description",
    "Requirements",
    "Installation",
    "Use Cases",
    "Testing",
    "Contributing",
    "Support",
    "Release Notes and Roadmap",
    "Related Information",
    "License Information",
]

CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return CODE.sub("", text(page))


def outline(page: Path) -> list[str]:
    """The structure of a page without its text: headings by level, code blocks, table rows."""
    with_code = re.split(r"(^```.*?^```$)", text(page), flags=re.MULTILINE | re.DOTALL)
    parts: list[str] = []
    for part in with_code:
        if part.startswith("```"):
            parts.append(part)
        else:
            parts += re.findall(r"^(#+|\|)", part, re.MULTILINE)
    return parts


def names(page: Path) -> list[str]:
    """The parts that are not translated: code in the text, such as options and outcomes."""
    return sorted(set(re.findall(r"`([^`\n]+)`", prose(page))))


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub creates for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {"#" + re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(link: str) -> bool:
    """Whether the target of an absolute link exists, if the link points to this repository or its site."""
    if link.startswith(SITE):
        page = link.removeprefix(SITE)
        guide = re.fullmatch(r"(zh_CN/)?docsite/(\w+)\.html", page)
        source = "docs/locale/zh_CN/LC_MESSAGES/docsite/{}.po" if guide and guide[1] else "docs/docsite/rst/{}.rst"
        return page in {"", "zh_CN/"} or (guide is not None and (ROOT / source.format(guide[2])).exists())
    if link.startswith(f"{REPOSITORY}/"):
        place = re.fullmatch(r"blob/main/(.+)|actions/workflows/([\w.]+?)(?:/badge\.svg)?|issues", link.removeprefix(f"{REPOSITORY}/"))
        return place is not None and ROOT.joinpath(place[1] or (f".github/workflows/{place[2]}" if place[2] else ".")).exists()
    return Path(REPOSITORY).name not in link


def test_both_have_the_same_headings_tables_and_code_in_the_same_order() -> None:
    assert outline(ENGLISH) == outline(CHINESE)


def test_both_name_the_same_things() -> None:
    assert names(ENGLISH) == names(CHINESE)


def test_both_have_the_same_links() -> None:
    own = {f"{REPOSITORY}/blob/main/{name}" for name in ("README.md", "README.zh-CN.md")}
    # These pages exist in both languages.
    english = [link.replace("support.huaweicloud.com/intl/en-us/", "support.huaweicloud.com/") for link in links(ENGLISH)]
    chinese = [link.replace("semver.org/lang/zh-CN/", "semver.org/").replace(f"{SITE}zh_CN/", SITE) for link in links(CHINESE)]
    assert [link for link in english if link not in own and link[0] != "#"] == [link for link in chinese if link not in own and link[0] != "#"]
    assert f"{REPOSITORY}/blob/main/README.zh-CN.md" in links(ENGLISH)
    assert f"{REPOSITORY}/blob/main/README.md" in links(CHINESE)


def test_the_chinese_page_leads_to_the_guides_in_chinese() -> None:
    translated = {path.stem for path in (ROOT / "docs" / "locale" / "zh_CN" / "LC_MESSAGES" / "docsite").glob("*.po")}
    english = [link for link in links(CHINESE) if re.fullmatch(rf"{SITE}docsite/\w+\.html", link)]
    assert [link for link in english if Path(link).stem in translated] == []


@pytest.mark.parametrize("page", [ENGLISH, CHINESE, *ROLES], ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_relative(page: Path) -> None:
    """Galaxy shows these pages, and does not rewrite their links."""
    assert [link for link in links(page) if not link.startswith(("https://", "#"))] == []
    assert {link for link in links(page) if link.startswith("#")} <= anchors(page)
    assert [link for link in links(page) if link.startswith("https://") and not leads_somewhere(link)] == []


def test_the_headings_are_those_of_certified_collections() -> None:
    assert re.findall(r"^## (.+)$", prose(ENGLISH), re.MULTILINE) == HEADINGS


def test_it_begins_with_three_sentences_the_state_of_testing_and_the_two_commands() -> None:
    _title, _languages, _badges, purpose, state, _lead, commands = text(ENGLISH).split("\n\n")[:7]
    assert len(re.findall(r"\.(?:\s|$)", purpose)) == 3
    assert state.startswith("> **The authors had no access to a live account.**")
    assert "yearly/monthly" in state
    assert commands == "```bash\nmake demo\nmake test\n```"


def test_each_file_that_contributors_are_led_to_exists() -> None:
    files = [link.partition("#")[0] for link in links(CONTRIBUTING) if "://" not in link]
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_guide_is_listed() -> None:
    guides = {f"{SITE}docsite/{path.stem}.html" for path in (ROOT / "docs" / "docsite" / "rst").glob("guide_*.rst")}
    assert guides - set(links(ENGLISH)) == set()


@pytest.mark.parametrize("page", [ENGLISH, CHINESE, CONTRIBUTING], ids=lambda page: page.name)
def test_each_command_of_make_exists(page: Path) -> None:
    listing = text(ROOT / "Makefile")
    known = set(re.findall(r'echo "  ([a-z-]+) ', listing)) | {"help"}
    cores = re.search(r"^CORES := (.+)$", listing, re.MULTILINE)
    assert cores
    known |= {f"{target}-{core}" for target in ("test", "sanity") for core in cores[1].split()}
    named = re.findall(r"(?:^|`)make ([a-z0-9.-]+)", text(page), re.MULTILINE)
    assert named
    assert set(named) - known == set()


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=lambda page: page.name)
def test_the_table_of_outcomes_has_all_of_them(page: Path) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", text(page), re.MULTILINE)
    assert rows == list(typing.get_args(Outcome))


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=lambda page: page.name)
def test_the_requirements_are_those_of_the_project(page: Path) -> None:
    lowest = yaml.safe_load(text(ROOT / "meta" / "runtime.yml"))["requires_ansible"].removeprefix(">=")
    cores = re.search(r"^CORES := (.+)$", text(ROOT / "Makefile"), re.MULTILINE)
    python = re.search(r'python_requires: ">=([0-9.]+)"', text(ROOT / "tests" / "config.yml"))
    requests = re.search(r"requests>=([0-9.]+)", text(ROOT / "pyproject.toml"))
    assert cores
    assert python
    assert requests
    rows = dict(re.findall(r"^\| ([^|]*(?:ansible-core|Python|requests)[^|]*) \| ([^|]+) \|$", text(page), re.MULTILINE))
    versions = {re.findall(r"[A-Za-z-]+", name)[0]: re.findall(r"\d+(?:\.\d+)+", value) for name, value in rows.items()}
    assert versions == {"ansible-core": [lowest, *cores[1].split()], "Python": [python[1]], "requests": [requests[1]]}


def test_the_line_that_contributors_are_to_extend_is_there() -> None:
    (line,) = re.findall(r"^```python\n(.*)\n```$", text(CONTRIBUTING), re.MULTILINE)
    assert line in text(ROOT / "plugins" / "module_utils" / "_resize.py").splitlines()
