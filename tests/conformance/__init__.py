# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection assumes of the API, held against the simulator or against the cloud. ``make conformance`` runs it.

From the ground up: `connection` speaks to the API with the collection's own client and notes each answer, `run` schedules a resize, observes and always
cancels it, `points` says what is assumed and where the code rests on it, `report` tells what came of it.
"""
