# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throttling: how many requests per second the API accepts."""

from __future__ import annotations

import functools
import math


class TokenBucket:
    """Accepts bursts of `burst` requests and, in the long run, `rate` requests in `per_seconds`."""

    def __init__(self, rate: float, per_seconds: float = 1, burst: float | None = None) -> None:
        self._rate = rate / per_seconds
        self._burst = rate if burst is None else burst
        self._tokens = self._burst
        self._filled_at = -math.inf

    def wait(self, now: float) -> float:
        """0 if a request at this time is accepted, otherwise the seconds until one may be."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return (1 - self._tokens) / self._rate


class FixedWindow:
    """Accepts `rate` requests in each window of `per_seconds`."""

    def __init__(self, rate: float, per_seconds: float = 1) -> None:
        self._rate = rate
        self._seconds = per_seconds
        self._window = -1
        self._used = 0

    def wait(self, now: float) -> float:
        """0 if a request at this time is accepted, otherwise the seconds until the next window."""
        window = math.floor(now / self._seconds)
        if window != self._window:
            self._window, self._used = window, 0
        if self._used < self._rate:
            self._used += 1
            return 0
        return (window + 1) * self._seconds - now


class Bursts:
    """Accepts `rate` requests, rejects the next one whenever it comes, and accepts again `per_seconds` later: even a slow client is throttled."""

    def __init__(self, rate: float, per_seconds: float = 1) -> None:
        self._rate = rate
        self._seconds = per_seconds
        self._used = 0
        self._opens_at: float | None = None

    def wait(self, now: float) -> float:
        """0 if a request at this time is accepted, otherwise the seconds until one may be."""
        if self._opens_at is not None and now >= self._opens_at:
            self._used, self._opens_at = 0, None
        if self._used < self._rate:
            self._used += 1
            return 0
        if self._opens_at is None:
            self._opens_at = now + self._seconds
        return self._opens_at - now


VARIANTS = {"token_bucket": TokenBucket, "fixed_window": FixedWindow, "bursts": Bursts}


class Throttle:
    """One limiter for each API (request kind)."""

    def __init__(self, *, rate: float, variant: str = "token_bucket", kinds: list[str] | None = None, **limits: float) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"no throttle {variant}; known: {', '.join(VARIANTS)}")
        self._make = functools.partial(VARIANTS[variant], rate, **limits)
        self._make()  # refuses invalid limits immediately
        self._kinds = kinds
        self._limiters: dict[str, TokenBucket | FixedWindow | Bursts] = {}

    def wait(self, kind: str, now: float) -> float:
        """0 if a request of this kind is accepted, otherwise the seconds until one may be."""
        if self._kinds is not None and kind not in self._kinds:
            return 0
        if kind not in self._limiters:
            self._limiters[kind] = self._make()
        return self._limiters[kind].wait(now)
