# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for Huawei Cloud: the public API around a DCS resize, IAM projects and ECS metadata, on a loopback port.

``python -m simulator`` runs it, ``simulator.client.Simulator`` runs and controls it from a test; README.md describes both.
"""
