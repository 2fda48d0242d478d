# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: not a public interface. It may change in any release.
"""Decides when a request may be sent, and whether it may be retried. Shared by all threads of one run.

- After HTTP 401 or 407, nothing more is sent: an access key is locked after more than five failures in a row. Nor is anything sent after an interruption.
- Until an origin has accepted one request, calls to it are made one at a time, and all of them together have the retries and the time of one.
- When the API throttles, all requests slow down together, and speed up again together.
"""

from __future__ import annotations

import collections
import contextlib
import math
import random
import select
import sys
import threading
import time
import typing as t

from ._errors import DcsError, PermanentConnectionError, StoppedError, ThrottledError, UnsentError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds. No request begins once its call has spent this long on requests and pauses, or once no request has been accepted for this long.
RETRY_TIME_LIMIT = 300.0
#: Minimum timeout of a request in seconds, however little time its call has left.
MIN_TIMEOUT = 5.0
#: Seconds. The pause before the n-th retry is random, between 50% and 100% of min(BACKOFF_BASE * 2 ** (n - 1), BACKOFF_MAX).
BACKOFF_BASE = 0.5
BACKOFF_MAX = 20.0


class Rate:
    """How many requests per second the API accepts, learned from its responses. Pure arithmetic: the time is always passed in, in seconds.

    Unlimited until the first throttled request. Then, similar to TCP's congestion control, the rate rises quickly until the next throttled request. After
    each of these it drops to slightly less than what was accepted, and rises again with each accepted request, faster the longer nothing is throttled.
    """

    SLOWEST = 0.1
    #: Seconds over which accepted requests are counted, and for which a lowered rate is not lowered again.
    WINDOW = 1.0
    #: Seconds of unused rate that may be used later.
    CREDIT = 0.25

    def __init__(self) -> None:
        self.per_second: float | None = None
        self._next = 0.0
        self._lowered = 0.0
        # Before the first throttled request, the API might have accepted far more than was sent.
        self._guessed = True
        self._accepted: collections.deque[float] = collections.deque(maxlen=1000)

    def reserve(self, now: float) -> float:
        """Reserve the next slot, and return the time at which its request may be sent."""
        if self.per_second is None:
            return now
        self._next = max(self._next, now - self.CREDIT) + 1 / self.per_second
        return max(now, self._next)

    def accepted(self, now: float) -> None:
        """A request got a response other than HTTP 429 or 5xx."""
        self._accepted.append(now)
        if self.per_second is not None:
            more = 1.0 if self._guessed else 0.02 + 0.005 * min(now - self._lowered, 10) ** 2
            self.per_second += min(more, self.per_second / 5)

    def throttled(self, now: float) -> None:
        """A request got HTTP 429."""
        accepted = sum(moment >= now - self.WINDOW for moment in self._accepted) / self.WINDOW
        if self.per_second is None:
            self.per_second = max(1.0, accepted)
            self._next = now
        elif now - self._lowered < self.WINDOW:
            return
        else:
            self._guessed = False
            # Do not drop too far at once: if few requests were accepted, perhaps only few were sent.
            self.per_second = max(self.SLOWEST, self.per_second / 2, min(accepted, self.per_second) * 0.95)
        self._lowered = now


class _Gate:
    """The state of one origin.

    :ivar accepted: how many requests it has accepted
    :ivar progress: when it accepted the last one; before the first one, when the first call lined up
    :ivar throttles: whether it has responded with HTTP 429 since then
    :ivar probe: the only call that may send until a request has been accepted
    :ivar failed: how many requests it did not accept before the first accepted one
    :ivar last_error: why the last of them was not accepted
    """

    def __init__(self) -> None:
        self.rate = Rate()
        # Only the first in the queue reserves a slot, because the slots of the others depend on what is learned until then.
        self.queue = threading.Lock()
        self.accepted = 0
        self.progress: float | None = None
        self.throttles = False
        self.probe: Call | None = None
        self.failed = 0
        self.last_error: DcsError | None = None

    @property
    def end_of_progress(self) -> float:
        """The time after which waiting for an accepted request is given up."""
        return math.inf if self.progress is None else self.progress + RETRY_TIME_LIMIT


class Pace:
    """Decides when requests may be sent. Shared by all threads of one run.

    :param max_retries: of one call
    :param abandoned: returns whether the result can no longer be delivered
    """

    def __init__(self, max_retries: int = 5, abandoned: Callable[[], bool] = lambda: False) -> None:
        self.max_retries = max_retries
        self._abandoned = abandoned
        self._changed = threading.Condition()
        self._gates: dict[str, _Gate] = {}
        self._stopped: str | None = None
        #: The number of requests that all origins have accepted.
        self.accepted = 0

    def acquire(self, origin: str, call: Call) -> None:
        """Wait until a request may be sent.

        :param origin: scheme, host and port
        :raises StoppedError: no more requests may be sent
        :raises UnsentError: the time limit expired first
        :raises PermanentConnectionError: another attempt would be futile
        """
        with self._changed:
            gate = self._gates.setdefault(origin, _Gate())
        self._line_up(gate, call)
        try:
            with self._changed:
                turn = gate.rate.reserve(time.monotonic())
                while time.monotonic() < turn:
                    self._raise_if_hopeless(gate, call, waiting=True)
                    self._changed.wait(_seconds_until(min(turn, call.deadline)))
                self._raise_if_hopeless(gate, call)
        finally:
            gate.queue.release()

    def release(self, origin: str, http_status: int | None, error: DcsError | None, accepted: bool) -> None:
        """Record how a request ended.

        :param http_status: of the response; None if there was none
        :param error: why it failed, if it did
        :param accepted: whether the response shows that the origin is the API and accepts the credentials
        """
        now = time.monotonic()
        with self._changed:
            gate = self._gates[origin]
            if http_status == 429:
                gate.rate.throttled(now)
                gate.throttles = True
            elif http_status is not None and http_status < 500:
                gate.rate.accepted(now)
            if accepted:
                gate.accepted += 1
                self.accepted += 1
                gate.progress = now
                gate.throttles = False
                gate.probe = None
            elif not gate.accepted:
                gate.failed += 1
                gate.last_error = error
            if gate.accepted <= 1:
                self._changed.notify_all()

    def finish(self, call: Call) -> None:
        """Record that a call sends no more requests."""
        with self._changed:
            for gate in self._gates.values():
                if gate.probe is call:
                    gate.probe = None
                    self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """Stop all further requests.

        :param reason: why, as the end of a sentence
        """
        with self._changed:
            self._stopped = self._stopped or reason
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Pause, but end early if no more requests may be sent.

        :raises StoppedError: no more requests may be sent
        """
        with self._changed:
            end = time.monotonic() + seconds
            while not self._stopped and time.monotonic() < end:
                self._changed.wait(_seconds_until(end))
            self._raise_if_stopped()

    def in_parallel(self, function: Callable[[t.Any], t.Any], items: Sequence[t.Any], concurrency: int) -> list[t.Any]:
        """The function's result for each item, in order. An interruption stops all further requests."""
        results: list[t.Any] = [None] * len(items)
        left = iter(range(len(items)))
        interruptions: list[BaseException] = []

        def work() -> None:
            try:
                # No index is taken twice: advancing an iterator over a range is atomic.
                for index in left:
                    results[index] = function(items[index])
            except BaseException as error:
                interruptions.append(error)
                self.stop("the run was interrupted")

        try:
            threads: list[threading.Thread] = []
            # If the system allows no more threads, those that run do all the work.
            with contextlib.suppress(RuntimeError):
                while len(threads) < min(concurrency, len(items)) > 1:
                    # A daemon thread, unlike those of an executor, does not keep an interrupted run from exiting.
                    thread = threading.Thread(target=work, daemon=True)
                    thread.start()
                    threads.append(thread)
            for thread in threads:
                # A signal that arrives just before join() blocks is not handled until it returns, hence the timeout.
                while thread.is_alive():
                    thread.join(1.0)
            if not threads:
                work()
        except BaseException:
            self.stop("the run was interrupted")
            raise
        if interruptions:
            raise interruptions[0]
        return results

    def _line_up(self, gate: _Gate, call: Call) -> None:
        """Become the first in the queue."""
        while True:
            with self._changed:
                self._raise_if_hopeless(gate, call)
                if not gate.accepted:
                    # Until a request is accepted, only one call may send, and it keeps its place during its pauses.
                    if gate.probe not in (None, call):
                        self._changed.wait(_seconds_until(call.deadline))
                        continue
                    gate.probe = call
                    gate.progress = time.monotonic() if gate.progress is None else gate.progress
            # Check regularly: other threads may meanwhile have made waiting pointless.
            if gate.queue.acquire(timeout=min(1.0, _seconds_until(call.deadline))):
                return
            with self._changed:
                self._raise_if_hopeless(gate, call, waiting=True)

    def _raise_if_hopeless(self, gate: _Gate, call: Call, waiting: bool = False) -> None:
        """Raise if a request may not be sent, or would be futile.

        :param waiting: whether the call is still waiting for its turn
        """
        self._raise_if_stopped()
        now = time.monotonic()
        if not call.has_time:
            raise UnsentError("Not sent: the time limit has expired", code="NoTime")
        if waiting and gate.throttles and now >= gate.end_of_progress:
            raise PermanentConnectionError(
                f"Not sent: the API throttles the requests (HTTP 429) and has accepted none for {RETRY_TIME_LIMIT:g} seconds",
                code="Throttled", http_status=429, hint="Run it again later, or with a lower concurrency.",
            )
        if not gate.accepted and gate.probe is not call and (gate.failed > self.max_retries or (gate.failed and now >= gate.end_of_progress)):
            # The probing call may finish what it has begun: it may have to find out the effect of a lost response.
            error = gate.last_error or DcsError("unknown")
            what = "earlier attempts to connect failed" if isinstance(error, UnsentError) else "no earlier request was accepted"
            reason = f"Not sent, because {what}: {error.reason.rstrip('.')}"
            raise PermanentConnectionError(reason, code=error.code, http_status=error.http_status, hint=error.hint)

    def _raise_if_stopped(self) -> None:
        if not self._stopped and self._abandoned():
            self.stop("the result can no longer be delivered")
        if self._stopped:
            raise StoppedError(f"Not sent: {self._stopped}", code="Stopped")


class Call:
    """The retries and the time that one call may use, however many requests it needs.

    :param pace: the pace of its run
    :param max_retries: None: the default of the pace
    :param deadline: the latest time at which a request may begin, on the clock of `time.monotonic()`
    """

    def __init__(self, pace: Pace, max_retries: int | None = None, deadline: float = math.inf) -> None:
        self.deadline = deadline
        self._pace = pace
        self._seconds = 0.0
        self.retries = RetryBudget(self, pace.max_retries if max_retries is None else max_retries, pace)

    def __enter__(self) -> Call:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pace.finish(self)

    @property
    def has_time(self) -> bool:
        """Whether another request may begin."""
        return self._seconds < RETRY_TIME_LIMIT and time.monotonic() < self.deadline

    def timeout(self, usual: float) -> float:
        """The timeout of the next request in seconds: the usual one, or less if the deadline is near."""
        return min(usual, max(self.deadline - time.monotonic(), MIN_TIMEOUT))

    def took(self, seconds: float) -> None:
        """Count the time that a request took."""
        self._seconds += seconds

    def pause(self, seconds: float) -> bool:
        """Pause and return True; return False at once if the next request would begin too late."""
        if self._seconds + seconds >= RETRY_TIME_LIMIT or time.monotonic() + seconds >= self.deadline:
            return False
        self._seconds += seconds
        self._pace.sleep(seconds)
        return True

    def reads(self) -> RetryBudget:
        """A separate retry budget for a read that is part of this call. Its time counts towards the call."""
        return RetryBudget(self, self.retries.max_retries, self._pace)


class RetryBudget:
    """The retries of one request.

    :param call: the call whose time they use
    :param max_retries: the number of retries
    """

    def __init__(self, call: Call, max_retries: int, pace: Pace) -> None:
        self.call = call
        self.max_retries = max_retries
        self._pace = pace
        self._used = 0
        self._accepted = -1

    @property
    def left(self) -> bool:
        """Whether a retry is left."""
        return self._used < self.max_retries and self.call.has_time

    def wait(self, error: DcsError | None = None) -> bool:
        """Pause before a retry, use it up and return True; return False at once if none is left or it would begin too late.

        :param error: why the last request failed, if it did
        :raises StoppedError: no more requests may be sent
        """
        pause = (error.retry_after if error else None) or 0.0
        if isinstance(error, ThrottledError):
            # While other requests are accepted, a throttled one waits for its turn like all the rest, without using up a retry.
            others_accepted, self._accepted = self._pace.accepted > self._accepted >= 0, self._pace.accepted
            if others_accepted and self.call.pause(pause):
                return True
        backoff = min(BACKOFF_MAX, BACKOFF_BASE * 2**self._used)
        # Never near zero, because a list of tasks may lag behind by some seconds.
        pause = max(pause, random.uniform(backoff / 2, backoff))  # noqa: S311
        if self.left and self.call.pause(pause):
            self._used += 1
            return True
        self._used = self.max_retries
        return False


def nobody_waits() -> bool:
    """Whether standard output is a pipe that is no longer read, so that the result can't be delivered: the controller has given up the task, or is gone."""
    try:
        poll = select.poll()
        poll.register(sys.__stdout__.fileno() if sys.__stdout__ else 1, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _descriptor, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False


def _seconds_until(moment: float) -> float:
    """The seconds until then, as a timeout that `threading` accepts."""
    return min(max(moment - time.monotonic(), 0.0), 3600.0)
