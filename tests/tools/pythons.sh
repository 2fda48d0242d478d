#!/usr/bin/env bash
# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: pythons.sh FOLDER
# Writes a launcher FOLDER/pythonX.Y for each supported Python version that is installed and works, and FOLDER/python3 for the one that the tools prefer.
# pyenv's own launchers refuse versions that are not activated, so its versions are searched where they are installed.

set -euo pipefail

folder=$1
preferred=(3.13 3.12 3.14 3.11 3.10)
# For a virtual environment, the Python with which it was created, which may not be in PATH itself.
probe='import ensurepip, os, ssl, sys, venv; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))'
without_venv=()
pyenv_versions=$(pyenv root 2>/dev/null || true)/versions

mkdir -p "$folder"
rm -f "$folder"/python3*

launcher() {
    printf '#!/bin/sh\nexec %q "$@"\n' "$2" >"$folder/$1"
    chmod +x "$folder/$1"
}

for version in 3.9 "${preferred[@]}"; do
    while read -r candidate; do
        if ! real=$("$candidate" -c "$probe" 2>/dev/null); then
            [ "$version" = 3.9 ] || ! "$candidate" -c '' 2>/dev/null || without_venv+=("$version")
            continue
        fi
        launcher "python$version" "$real"
        break
    done < <(type -ap "python$version"; ls -d "$pyenv_versions/$version".*/bin/"python$version" 2>/dev/null || true)
done

for version in "${preferred[@]}"; do
    if [ -x "$folder/python$version" ]; then
        cp "$folder/python$version" "$folder/python3"
        exit
    fi
done
if [ "${#without_venv[@]}" -gt 0 ]; then
    echo "Python ${without_venv[0]} is installed without venv. On Debian and Ubuntu, install the package python${without_venv[0]}-venv." >&2
else
    echo "Python 3.10 or newer, up to 3.14, is needed. On Debian and Ubuntu, install the packages python3 and python3-venv." >&2
fi
exit 1
