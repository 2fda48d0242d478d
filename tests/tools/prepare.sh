#!/usr/bin/env bash
# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Finds the installed Python versions, and installs nox and uv in .build/tools, unless that is already done. It is done again if the checkout has been
# moved or the Python has gone, as virtual environments survive neither, and if a file that it depends on has changed.

set -euo pipefail

# Contains the path that the checkout had.
ready=.build/tools/ready
place=$(pwd -P)

case "$place" in
    *[:$]*)
        echo "Move the checkout to a path without : and \$. Virtual environments don't work with the former, nor does Ansible with the latter." >&2
        exit 1
        ;;
esac

is_ready() {
    [ -x .build/tools/bin/python ] && [ "$(cat "$ready" 2>/dev/null)" = "$place" ]
}

mkdir -p .build/home
# If several processes prepare the same checkout at once, one does it and the others wait. Otherwise, one would clear the environment in which the pip of
# another one runs, and that pip would then install into the folders of the interpreter itself.
exec 9>.build/lock
if command -v flock >/dev/null; then flock 9; fi
if is_ready && [ -z "$(find pyproject.toml tests/tools/pythons.sh tests/tools/prepare.sh -newer "$ready")" ]; then exit; fi

echo "Preparing .build/tools: nox and uv, from PyPI. Later runs start at once."
is_ready || rm -rf .build/nox
rm -f "$ready"
bash tests/tools/pythons.sh .build/pythons
.build/pythons/python3 -m venv --clear .build/tools
.build/tools/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
.build/tools/bin/python -m pip install --quiet --group tools
printf '%s\n' "$place" >"$ready"
