# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of the project, each in an environment of its own. ``make help`` lists them; the Makefile brings nox and uv."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.envdir = ".build/nox"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["test"]


def install(session: nox.Session, *groups: str) -> None:
    """Install dependency groups of pyproject.toml."""
    session.install(*(f"--group={group}" for group in groups))


@nox.session
def demo(session: nox.Session) -> None:
    """See it happen: schedule a resize on the simulator, cancel it with a playbook, and run the playbook again."""
    install(session, "demo")
    session.run("python", "-m", "demo", env={"PYTHONPATH": "tests"})


@nox.session
def test(session: nox.Session) -> None:
    """Unit tests and real playbooks against the simulator, on the newest ansible-core that this interpreter takes."""
    install(session, "test")
    session.run("pytest", "-n", "2", *session.posargs)
