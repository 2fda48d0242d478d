# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection makes of a bad day: faults of the network, of the API and of other people."""
