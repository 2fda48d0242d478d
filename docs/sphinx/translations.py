# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails if the Chinese catalogue of a guide differs from the guide's English text. With `--update`, it first takes over what has changed in the text."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.pofile import read_po, write_po

CATALOGUES = Path(__file__).resolve().parents[1] / "locale" / "zh_CN" / "LC_MESSAGES"

#: The guides that are translated as a whole. The catalogues of other pages have only what menus show; a text that its page no longer has is a mistake.
TRANSLATED = ("start", "troubleshooting", "after_the_freeze", "many_instances", "authentication", "outcomes", "awx", "playbooks")

# The licence of this file. No date, name or path: a catalogue changes only if its texts do.
LICENCE = "".join(Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:3])
HEADER = """\
msgid ""
msgstr ""
"Language: zh_CN\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

# What a translation must keep: names in code, roles with their targets except for labels of the console, addresses, and links within the page by their number.
CODE = re.compile(r"``.+?``")
ROLE = re.compile(r":(?!guilabel)[a-z]+:`(?:[^`<]*<)?([^`>]+)>?`")
ADDRESS = re.compile(r"https://[^\s>`]+")
LINK = re.compile(r"`[^`]+`_")


def mark_up(text: str) -> list[str]:
    """What is not prose in a text. Huawei Cloud has the same pages in several languages."""
    address = [found.replace("/intl/en-us/", "/") for found in ADDRESS.findall(text)]
    return sorted(CODE.findall(text) + ROLE.findall(CODE.sub("", text)) + address + ["link" for _link in LINK.findall(CODE.sub("", text))])


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_CN")


def update(path: Path, template: Catalog) -> None:
    """Write the catalogue with the messages of the template. A changed message keeps its translation, marked as fuzzy."""
    catalog = read(path) if path.exists() else Catalog(locale="zh_CN")
    catalog.update(template)
    text = io.BytesIO()
    write_po(text, catalog, width=0, no_location=True, omit_header=True, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LICENCE + HEADER + text.getvalue().decode().strip() + "\n", encoding="utf-8")


def mistakes(catalog: Catalog, template: Catalog, whole: bool) -> Iterator[str]:
    """What is wrong with a catalogue, one line for each message.

    :param whole: the page is translated as a whole
    """
    messages: dict[str, Message] = {str(message.id): message for message in catalog if message.id}
    sources = [str(message.id) for message in template if message.id]
    for source in sources:
        message = messages.pop(source, None)
        if message is None and not whole:
            continue
        if message is None or not message.string:
            yield f"not translated: {source}"
        elif message.fuzzy:
            yield f"fuzzy, translate the changed text: {source}"
        elif mark_up(source) != mark_up(str(message.string)):
            yield f"other code, references, or addresses than the text: {source}"
    for source in messages:
        yield f"not in the text: {source}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("templates", type=Path, help="folder of the templates that sphinx-build -b gettext has written")
    parser.add_argument("--update", action="store_true", help="first update the catalogues")
    options = parser.parse_args(arguments)
    wrong = []
    whole = {Path("docsite", f"guide_{guide}.po") for guide in TRANSLATED}
    for page in sorted(whole | {path.relative_to(CATALOGUES) for path in CATALOGUES.rglob("*.po")}):
        path = CATALOGUES / page
        template = read((options.templates / page).with_suffix(".pot"))
        if options.update and page in whole:
            update(path, template)
        wrong += [f"{page}: {mistake}" for mistake in mistakes(read(path) if path.exists() else Catalog(), template, page in whole)]
    if wrong:
        hint = "translate what is left:" if options.update else "make docs ARGS=--update adds what is missing to its catalogues:"
        sys.exit("\n".join([f"The Chinese translation; {hint}", *wrong]))


if __name__ == "__main__":
    main(sys.argv[1:])
