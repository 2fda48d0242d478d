# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancels resizes on the simulated cloud in this process, and returns what the run reported and what really happened."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ansible_collections.huaweicloud.dcs.plugins.module_utils._cancel import Plan, Result, cancel_resizes
from ansible_collections.huaweicloud.dcs.plugins.module_utils._dcs import Dcs
from ansible_collections.huaweicloud.dcs.plugins.module_utils._http import Http
from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import SdkHmacSha256
from sample import INSTANCE
from simulator.client import Simulator

NEIGHBOURS = {"11111111-cebf-4473-95c4-d1b573c16e79": "1" * 32, "99999999-cebf-4473-95c4-d1b573c16e79": "9" * 32}


def connect(cloud: Simulator, **options: Any) -> Dcs:
    """The simulated cloud through the collection's own client, over real sockets.

    :param options: of `Http`
    """
    environment = cloud.environment()
    project = environment["HW_PROJECT_ID"]
    auth = SdkHmacSha256(environment["HW_ACCESS_KEY"], environment["HW_SECRET_KEY"], project_id=project)
    return Dcs(Http(**{"timeout": 20, "max_retries": 2, "secrets": (environment["HW_ACCESS_KEY"],), **options}), auth, cloud.endpoint, project)


class Seen(NamedTuple):
    """What a run reported, and what really happened.

    :ivar results: one per resize
    :ivar cancels: the IDs of the tasks that were cancelled by requests of this run
    :ivar sent: how many requests reached the API: per instance and kind
    """

    results: list[Result]
    cancels: list[str]
    sent: Counter[tuple[str, str]]

    @property
    def result(self) -> Result:
        """The result for INSTANCE."""
        (result,) = [result for result in self.results if result.instance_id == INSTANCE]
        return result

    def requests(self, instance_id: str = INSTANCE) -> tuple[int, int, int]:
        """How many cancels, task lists and reads of the instance were sent for an instance."""
        cancels, tasks, instance = (self.sent[instance_id, kind] for kind in ("cancel", "tasks", "instance"))
        return cancels, tasks, instance


def run(cloud: Simulator, *requests: Request, plan: Plan | None = None, **options: Any) -> Seen:
    """Cancel resizes.

    :param options: of `Http`
    """
    results = cancel_resizes(lambda: connect(cloud, **options), requests, plan or Plan())
    cancels = [cancel["task_id"] for cancel in cloud.effective_cancels() if cancel["by"] == "api"]
    sent = Counter((request["instance_id"], request["kind"]) for request in cloud.requests())
    return Seen(results, cancels, sent)
