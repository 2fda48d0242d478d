# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: no interface for others, it may change in any release.
"""Who may send when, and how often again: shared by all threads of one run.

- A request that was refused with 401 is the last one: an access key is locked after more than five failures in a row.
- Until one request has been let in, requests go one at a time.
- When the API throttles, all requests slow down together, and speed up again together.
"""

from __future__ import annotations

import collections
import math
import random
import threading
import time
import typing as t

from ._errors import StoppedError, ThrottledError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._errors import DcsError

#: Seconds; no retry begins after a call has spent so long on requests and on waiting between them.
RETRY_WINDOW = 300.0
#: Seconds; a request is given so long however little time its call has left.
SHORTEST_TIMEOUT = 5.0
#: Seconds; the delay before the n-th retry is random between zero and FIRST_DELAY * 2 ** (n - 1), at most LONGEST_DELAY.
FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0


class Rate:
    """How many requests a second the API lets in, learnt from its answers. Pure arithmetic: the time is always given, in seconds.

    Unlimited until the first throttled request. Then, in the manner of TCP's congestion control: quickly up until the next throttled request, a little
    less than what was let in after each, and up again with each request that is let in, faster the longer nothing is throttled.
    """

    SLOWEST = 0.1
    #: Seconds for which requests let in are counted, and which one lowering of the rate is given to show an effect.
    WINDOW = 1.0
    #: Seconds of unused rate that may be caught up with.
    CREDIT = 0.25

    def __init__(self) -> None:
        self.per_second: float | None = None
        self._next = 0.0
        self._lowered = 0.0
        # What was let in before the first throttled request may be far less than what would have been.
        self._guessed = True
        self._let_in: collections.deque[float] = collections.deque(maxlen=1000)

    def reserve(self, now: float) -> float:
        """The time at which the next request may go; each call takes a place."""
        if self.per_second is None:
            return now
        self._next = max(self._next, now - self.CREDIT) + 1 / self.per_second
        return max(now, self._next)

    def let_in(self, now: float) -> None:
        """A request was answered with anything but "too many requests"."""
        self._let_in.append(now)
        if self.per_second is not None:
            more = 1.0 if self._guessed else 0.02 + 0.005 * min(now - self._lowered, 10) ** 2
            self.per_second += min(more, self.per_second / 5)

    def throttled(self, now: float) -> None:
        """A request was answered with 429."""
        let_in = sum(moment >= now - self.WINDOW for moment in self._let_in) / self.WINDOW
        if self.per_second is None:
            self.per_second = max(1.0, let_in)
            self._next = now
        elif now - self._lowered < self.WINDOW:
            return
        else:
            self._guessed = False
            # Not far down at once: that little was let in may be for want of requests.
            self.per_second = max(self.SLOWEST, self.per_second / 2, min(let_in, self.per_second) * 0.95)
        self._lowered = now


class Pace:
    """Who may send when: shared by all threads of one run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # Only the first in the queue takes a turn: the turns of the others depend on what is learnt until then.
        self._queue = threading.Lock()
        self._rate = Rate()
        self._in_flight = 0
        self._stopped = False
        #: How many requests have been let in: answered with anything but 401, 429 or 5xx.
        self.let_in = 0

    def enter(self) -> None:
        """Wait for one's turn to send.

        :raises StoppedError: a request was refused with 401, now or while waiting
        """
        with self._queue, self._changed:
            self._changed.wait_for(lambda: self._stopped or self.let_in or not self._in_flight)
            if not self._stopped:
                turn = self._rate.reserve(time.monotonic())
                self._in_flight += 1
                self._wait_until(turn)
                if self._stopped:
                    self._leave()
        self._raise_if_stopped()

    def leave(self, http_status: int | None) -> None:
        """Say what the request was answered with; None if it was not answered."""
        with self._changed:
            if http_status == 401:
                self._stopped = True
            elif http_status == 429:
                self._rate.throttled(time.monotonic())
            elif http_status is not None and http_status < 500:
                self.let_in += 1
                self._rate.let_in(time.monotonic())
            self._leave()

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until a request is refused with 401.

        :raises StoppedError: that happened
        """
        with self._changed:
            self._wait_until(time.monotonic() + seconds)
        self._raise_if_stopped()

    def _leave(self) -> None:
        self._in_flight -= 1
        if self._stopped or self.let_in <= 1:
            self._changed.notify_all()

    def _wait_until(self, moment: float) -> None:
        while not self._stopped:
            left = moment - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            raise StoppedError(
                "Not sent, because a request was refused with 401, and an access key is locked after more than five such failures in a row.", code="Stopped"
            )


class Attempts:
    """The retries that one call has, however many requests it needs.

    :param most: how many retries
    :param pace: of the run that it belongs to
    :param within: seconds that the call has, if it has less than others
    """

    def __init__(self, most: int, pace: Pace, within: float = math.inf) -> None:
        self._most = most
        self._pace = pace
        self._within = within
        self._window = min(within, RETRY_WINDOW)
        self._used = 0
        self._seconds = 0.0
        self._let_in = -1

    @property
    def left(self) -> bool:
        """Whether there is one more."""
        return self._used < self._most and self._seconds < self._window

    def timeout(self, usual: float) -> float:
        """The timeout of the next request, in seconds: no longer than what the call has left, if that is long enough for a request at all."""
        return min(usual, max(self._within - self._seconds, SHORTEST_TIMEOUT))

    def took(self, seconds: float) -> None:
        """Count the time that a request took."""
        self._seconds += seconds

    def wait(self, error: DcsError | None = None) -> bool:
        """Use one retry and wait as long as is due before it; the answer is False, at once, when none is left or it would begin too late.

        :param error: what the last request came to, if it was an error
        :raises StoppedError: a request was refused with 401
        """
        pause = (error.retry_after if error else None) or 0.0
        if isinstance(error, ThrottledError):
            # While others get through, a throttled request waits for its turn like all the rest, and no retry is lost on it.
            others_let_in, self._let_in = self._pace.let_in > self._let_in >= 0, self._pace.let_in
            if others_let_in and self._pause(pause):
                return True
        pause = max(pause, random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**self._used)))  # noqa: S311
        if self.left and self._pause(pause):
            self._used += 1
            return True
        self._used = self._most
        return False

    def _pause(self, seconds: float) -> bool:
        """Wait, if there is time for that."""
        if self._seconds + seconds >= self._window:
            return False
        self._seconds += seconds
        self._pace.sleep(seconds)
        return True


def in_parallel(function: Callable[[t.Any], t.Any], items: Sequence[t.Any], concurrency: int) -> list[t.Any]:
    """The function's result for each item, in order."""
    if concurrency == 1 or len(items) <= 1:
        return [function(item) for item in items]
    # Not needed, and so not imported, for a single resize.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(concurrency, len(items))) as executor:
        return list(executor.map(function, items))
