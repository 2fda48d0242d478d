# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx settings of the documentation site. ``make docs`` builds it from what antsibull-docs makes of the plugins, the role and docs/docsite."""

from __future__ import annotations

import re
import typing as t

from docutils import nodes

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "huaweicloud.dcs"
copyright = "2026, the huaweicloud.dcs contributors"  # noqa: A001  Sphinx's name for it
title = html_title = html_short_title = "huaweicloud.dcs"

extensions = ["sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
pygments_style = "ansible"
default_role = "any"

# Empty: modules do not take options from the environment by way of ansible-core.
exclude_patterns = ["environment_variables.rst"]

html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "edit", "topbar_links": {}}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_use_smartypants = False

# Pages of ansible-core's documentation that are referred to. Its inventory would have to be loaded at each build.
ANSIBLE_DOCUMENTATION = "https://docs.ansible.com/projects/ansible/latest"
ANSIBLE_PAGES = {"common_return_values": "reference_appendices/common_return_values.html"}


def link_to_ansible(app: Sphinx, env: object, reference: nodes.Element, content: nodes.TextElement) -> nodes.reference | None:
    """Resolve a reference to one of ansible-core's pages or to a plugin of another collection."""
    target = reference["reftarget"]
    plugin = re.fullmatch(r"ansible_collections\.(?!huaweicloud\.dcs)(\w+)\.(\w+)\.(\w+)", target)
    page = "collections/{}/{}/{}.html".format(*plugin.groups()) if plugin else ANSIBLE_PAGES.get(target)
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE_DOCUMENTATION}/{page}") if page else None


def link_home(_app: Sphinx, _page: str, _template: str, context: dict[str, t.Any], _doctree: object) -> None:
    """Let the head of each page lead to the first page. The theme takes one address for pages of all folders."""
    context["theme_documentation_home_url"] = context["pathto"]("index")


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", link_to_ansible)
    app.connect("html-page-context", link_home)
