# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx settings of the documentation site. `make docs` builds it from what antsibull-docs generates for the plugins, the role, and docs/docsite."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import jieba
import yaml
from docutils import nodes

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

project = "huaweicloud.dcs"
copyright = "2026, the huaweicloud.dcs contributors"  # noqa: A001  Sphinx's name for it
title = html_title = html_short_title = "huaweicloud.dcs"

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))

extensions = ["sphinx_antsibull_ext", "sphinx_copybutton"]
# Quotes and dashes stay as they are written, because texts are copied into playbooks.
smartquotes = False
highlight_language = "YAML+Jinja"
pygments_style = "ansible"
default_role = "any"

# Empty: modules do not take options from the environment by way of ansible-core.
exclude_patterns = ["environment_variables.rst"]

html_baseurl = GALAXY["documentation"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "edit", "topbar_links": {}}
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
# The search finds index entries first.
html_use_index = True

# One catalogue for each page. `make docs` sets locale_dirs to a copy, because Sphinx compiles the catalogues where they are.
gettext_compact = False
# A link to a heading of the same page has the heading's translation. translations.py compares the rest.
suppress_warnings = ["i18n.inconsistent_references"]
# The site is English, with Chinese in a folder of it: tag, name of the language, path from the one to the other.
LANGUAGES = {"en": ("zh-CN", "简体中文", "zh_CN/"), "zh_CN": ("en", "English", "../")}

# Words that people search for, and that jieba does not know.
CHINESE_TERMS = (
    *("规格变更", "等待执行", "来不及取消", "重新安排", "可维护时间窗", "北京时间", "封网", "变更冻结期", "后台任务", "检查模式", "按需计费", "包年", "包月"),
    *("访问密钥", "项目ID", "实例ID", "任务ID", "授权项", "终端节点", "错误码", "流控"),
)

# Pages of ansible-core's documentation that are referenced. Its inventory would have to be downloaded for each build.
ANSIBLE_DOCUMENTATION = "https://docs.ansible.com/projects/ansible/latest"
ANSIBLE_PAGES = {"common_return_values": "reference_appendices/common_return_values.html"}


def link_to_ansible(app: Sphinx, env: object, reference: nodes.Element, content: nodes.TextElement) -> nodes.reference | None:
    """Resolve a reference to one of ansible-core's pages or to a plugin of another collection."""
    target = reference["reftarget"]
    plugin = re.fullmatch(r"ansible_collections\.(?!huaweicloud\.dcs)(\w+)\.(\w+)\.(\w+)", target)
    page = "collections/{}/{}/{}.html".format(*plugin.groups()) if plugin else ANSIBLE_PAGES.get(target)
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE_DOCUMENTATION}/{page}") if page else None


def complete_links(app: Sphinx, page: str, _template: str, context: dict[str, t.Any], _doctree: object) -> None:
    """Link each page to the first page, for which the theme has only one address, and to itself in the other language, and each guide to its source."""
    context["theme_documentation_home_url"] = context["pathto"]("index")
    tag, name, path = LANGUAGES[app.config.language]
    context["other_language"] = {"tag": tag, "name": name, "address": "../" * page.count("/") + path + page + ".html"}
    source = Path("docs/docsite/rst", f"{Path(page).name}.rst")
    if (ROOT / source).exists():
        context["meta"] = {**(context.get("meta") or {}), "github_url": f"{GALAXY['repository']}/edit/main/{source}"}


def prepare_language(_app: Sphinx, config: Config) -> None:
    """Give the Chinese pages their own canonical address, and teach the search their terms."""
    if config.language != "en":
        config.html_baseurl += f"{config.language}/"
        for term in CHINESE_TERMS:
            jieba.add_word(term)


def setup(app: Sphinx) -> None:
    app.connect("config-inited", prepare_language)
    app.connect("missing-reference", link_to_ansible)
    app.connect("html-page-context", complete_links)
