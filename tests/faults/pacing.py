# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures how close a run over many instances comes to the rate that a throttling API allows. From the folder `tests`: `python -m faults.pacing`."""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from playbook import collections

sys.path.insert(0, str(collections()))

from ansible_collections.huaweicloud.dcs.plugins.module_utils._resize import Request
from faults.trial import Seen, run
from simulator.client import Simulator

VARIANTS = ("token_bucket", "fixed_window", "bursts")
CONCURRENCIES = (1, 8, 64)


class Pace(NamedTuple):
    """The figures of one run.

    :ivar seconds: from the first request to the last response
    :ivar rejected: how many requests were throttled
    """

    seen: Seen
    seconds: float
    rejected: int


def cancel_fleet(cloud: Simulator, size: int, *, throttle: Mapping[str, Any], retry_after: bool, concurrency: int, max_retries: int = 5) -> Pace:
    """Cancel this number of resizes with an API that throttles in this way."""
    fleet = [Request(resize["instance_id"], resize["task_id"]) for resize in cloud.schedule_many(size)]
    cloud.configure(throttle=throttle, retry_after=retry_after)
    began = time.monotonic()
    seen = run(cloud, *fleet, concurrency=concurrency, max_retries=max_retries)
    seconds = time.monotonic() - began
    return Pace(seen, seconds, sum(request["status"] == 429 for request in cloud.requests()))


def main() -> None:
    """Print the table."""
    size, rate = 400, 50
    print(f"{size} resizes, {rate} requests a second let in: the limit is {size / rate:g} s")
    print("variant       Retry-After  concurrency  seconds  of the limit  throttled  outcomes")
    with Simulator() as cloud:
        for variant, retry_after, concurrency in itertools.product(VARIANTS, (False, True), CONCURRENCIES):
            cloud.reset()
            throttle = {"rate": rate, "variant": variant}
            pace = cancel_fleet(cloud, size, throttle=throttle, retry_after=retry_after, concurrency=concurrency)
            outcomes = dict(Counter(result.outcome for result in pace.seen.results))
            ratio = pace.seconds * rate / size
            print(f"{variant:13} {retry_after!s:12} {concurrency:11}  {pace.seconds:7.2f}  {ratio:12.2f}  {pace.rejected:9}  {outcomes}", flush=True)


if __name__ == "__main__":
    main()
