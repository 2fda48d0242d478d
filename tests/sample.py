# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IDs of a project, an instance and a background task for all tests. The last two are those in the example of the API reference."""

from __future__ import annotations

PROJECT = "0123456789abcdef0123456789abcdef"
INSTANCE = "5560df16-cebf-4473-95c4-d1b573c16e79"
TASK = "8abf6e1e72c12e7c0172c15b508500aa"
