# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast requests go, and who may go at all: the arithmetic against servers that throttle, in a time of its own, and the threads that share a pace."""

from __future__ import annotations

import collections
import heapq
import itertools
import threading
import time

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import LostAnswerError, StoppedError, ThrottledError, UnsentError
from simulator.throttle import FixedWindow, TokenBucket
from waiting import wait_until


def simulate(wait, *, concurrency, latency, seconds, rate=None):
    """Let workers send one request after another, and return when requests were let in, and how many were refused.

    As in `Pace`, one worker waits for the next turn and the others behind it; as in `Attempts`, a refused request goes back into the queue.

    :param wait: says what the API thinks of a request at a moment: 0 if it is let in
    """
    rate = rate or _pace.Rate()
    let_in, refused = [], 0
    queue = collections.deque(range(concurrency))
    # What happens next: when, in which order, to which worker, and what.
    events, order = [], itertools.count()

    def schedule(moment, worker, what):
        heapq.heappush(events, (moment, next(order), worker, what))

    def next_turn(now):
        schedule(rate.reserve(now), queue.popleft(), "send")

    next_turn(0.0)
    waiting = True
    while events:
        now, _order, worker, what = heapq.heappop(events)
        if now > seconds:
            break
        if what == "send":
            waiting = False
            # Decided half-way, known at the end.
            schedule(now + latency, worker, "refused" if wait(now + latency / 2) else "let in")
        else:
            if what == "let in":
                let_in.append(now)
                rate.let_in(now)
            else:
                refused += 1
                rate.throttled(now)
            queue.append(worker)
        if queue and not waiting:
            waiting = True
            next_turn(now)
    return let_in, refused


SERVERS = {
    "token bucket": TokenBucket,
    "small token bucket": lambda per_second: TokenBucket(per_second, burst=max(2, per_second // 10)),
    "window of a second": FixedWindow,
    "window of a fifth of a second": lambda per_second: FixedWindow(per_second / 5, per_seconds=0.2),
}


@pytest.mark.parametrize("concurrency", [2, 8, 64])
@pytest.mark.parametrize("latency", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("per_second", [10, 50, 200])
@pytest.mark.parametrize("server", SERVERS)
def test_what_the_api_lets_in_is_used(server, per_second, latency, concurrency):
    """At least 85 percent of it, once the first seconds are over, and few requests are sent in vain."""
    seconds, start = 24.0, 5.0
    let_in, refused = simulate(SERVERS[server](per_second).wait, concurrency=concurrency, latency=latency, seconds=seconds)
    possible = min(per_second, concurrency / latency) * (seconds - start)
    used = sum(moment >= start for moment in let_in) / possible
    assert used >= 0.85, f"{used:.3f}, refused {refused}"
    assert used <= 1.06
    assert refused <= 0.25 * len(let_in) + 2 * concurrency


@pytest.mark.parametrize("concurrency", [2, 8, 16, 32, 64])
@pytest.mark.parametrize("server", SERVERS)
def test_a_fleet_of_400_at_50_a_second(server, concurrency):
    """Within 1.25 times the 8 seconds that are the limit."""
    let_in, _refused = simulate(SERVERS[server](50).wait, concurrency=concurrency, latency=0.02, seconds=30)
    assert let_in[399] <= 1.25 * 8


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_nothing_is_slowed_down_where_nothing_is_throttled(concurrency):
    let_in, refused = simulate(lambda now: 0, concurrency=concurrency, latency=0.1, seconds=10)
    assert refused == 0
    assert len(let_in) >= 0.98 * concurrency / 0.1 * 10


def test_it_speeds_up_again_after_the_throttling_has_ended():
    bucket = TokenBucket(20)
    let_in, _refused = simulate(lambda now: 0 if now > 10 else bucket.wait(now), concurrency=32, latency=0.1, seconds=25)
    throttled = sum(5 <= moment < 10 for moment in let_in) / 5
    soon = sum(14 <= moment < 17 for moment in let_in) / 3
    later = sum(20 <= moment < 25 for moment in let_in) / 5
    assert throttled <= 21
    assert soon >= 1.5 * throttled
    # No more than 32 workers at 0.1 s each can do.
    assert later >= 0.9 * 320


def test_it_slows_down_when_the_api_lets_in_less_than_before():
    fast, slow = TokenBucket(100), TokenBucket(10)
    let_in, refused = simulate(lambda now: (fast if now < 10 else slow).wait(now), concurrency=16, latency=0.05, seconds=40)
    assert sum(5 <= moment < 10 for moment in let_in) / 5 >= 85
    assert sum(20 <= moment < 40 for moment in let_in) / 20 >= 8.5
    assert refused <= 300


def test_an_api_that_lets_in_nothing_is_asked_less_and_less():
    rate = _pace.Rate()
    let_in, refused = simulate(lambda now: 1, concurrency=16, latency=0.05, seconds=60, rate=rate)
    assert not let_in
    assert rate.per_second == rate.SLOWEST
    # All that were in flight at first, and then ever fewer.
    assert refused <= 16 + 30


def test_one_lowering_counts_for_all_that_were_in_flight():
    """A hundred refusals of one burst are one piece of news."""
    rate = _pace.Rate()
    for moment in range(40):
        rate.let_in(0.5 + moment / 80)
    for _number in range(100):
        rate.throttled(1.0)
    assert rate.per_second == 40
    rate.throttled(1.0 + rate.WINDOW / 2)
    assert rate.per_second == 40
    rate.throttled(1.1 + rate.WINDOW)
    assert rate.per_second == 20


def test_unused_turns_are_not_saved_up():
    rate = _pace.Rate()
    for moment in range(10):
        rate.let_in(0.05 + moment / 10)
    rate.throttled(1.0)
    assert rate.per_second == 10
    turns = [rate.reserve(100.0) - 100.0 for _number in range(20)]
    assert turns == sorted(turns)
    assert sum(turn == 0 for turn in turns) <= 1 + rate.CREDIT * rate.per_second
    assert turns[-1] == pytest.approx(20 / 10 - rate.CREDIT)


# ---- Threads


def start(*targets):
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


class Crowd:
    """Threads that all want to send at once."""

    def __init__(self, pace, size):
        self.entered, self.stopped = [], []
        self._pace = pace
        self.threads = start(*[self._run] * size)

    def _run(self):
        try:
            self._pace.enter()
            self.entered.append(1)
        except StoppedError:
            self.stopped.append(1)

    def join(self):
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_one_at_a_time_until_one_is_let_in(status, monkeypatch):
    monkeypatch.setattr(_pace.Rate, "throttled", lambda self, now: None)
    pace = _pace.Pace()
    crowd = Crowd(pace, 5)
    for number in range(1, 4):
        wait_until(lambda expected=number: len(crowd.entered) == expected)
        time.sleep(0.02)
        assert len(crowd.entered) == number
        pace.leave(status)
    wait_until(lambda: len(crowd.entered) == 4)
    pace.leave(200)
    crowd.join()
    assert len(crowd.entered) == 5
    everybody = Crowd(pace, 10)
    everybody.join()
    assert len(everybody.entered) == 10


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 409])
def test_whatever_is_no_question_of_who_asks_counts_as_let_in(status):
    pace = _pace.Pace()
    pace.enter()
    pace.leave(status)
    assert pace.let_in == 1


def test_a_401_stops_all_that_wait_and_all_that_come():
    pace = _pace.Pace()
    pace.enter()
    crowd = Crowd(pace, 5)
    sleeping, ends = [], []

    def sleep():
        sleeping.append(1)
        with pytest.raises(StoppedError):
            pace.sleep(60)
        ends.append(1)

    start(sleep, sleep)
    wait_until(lambda: len(sleeping) == 2)
    pace.leave(401)
    crowd.join()
    assert (len(crowd.entered), len(crowd.stopped)) == (0, 5)
    wait_until(lambda: len(ends) == 2)
    with pytest.raises(StoppedError) as caught:
        pace.enter()
    assert caught.value.code == "Stopped"


def test_a_401_stops_those_that_wait_for_their_turn():
    """Keys may expire half-way, while the API throttles."""
    pace = _pace.Pace()
    pace.enter()
    pace.leave(200)
    for _number in range(2):
        pace.enter()
    pace.leave(429)
    crowd = Crowd(pace, 5)
    time.sleep(0.05)
    pace.leave(401)
    crowd.join()
    assert len(crowd.stopped) == 5


# ---- Retries


@pytest.fixture
def paused(monkeypatch):
    """The seconds of each pause, none of which takes place."""
    seconds = []
    monkeypatch.setattr(_pace.Pace, "sleep", lambda self, pause: seconds.append(pause))
    return seconds


def test_delays_grow_with_a_random_part(paused, monkeypatch):
    limits = []
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: limits.append((low, high)) or high / 2)
    attempts = _pace.Attempts(8, _pace.Pace())
    while attempts.wait(UnsentError("no connection")):
        pass
    assert [high for _low, high in limits[:8]] == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert {low for low, _high in limits} == {0}
    assert paused == [high / 2 for _low, high in limits[:8]]
    assert not attempts.left


@pytest.mark.parametrize("most", [0, 1, 5])
def test_no_more_retries_than_allowed(paused, most):
    attempts = _pace.Attempts(most, _pace.Pace())
    assert [attempts.wait() for _number in range(most + 2)] == [True] * most + [False] * 2
    assert len(paused) == most


def test_no_retry_begins_after_the_window(paused):
    attempts = _pace.Attempts(1000, _pace.Pace())
    attempts.took(_pace.RETRY_WINDOW - 1)
    assert attempts.left
    attempts.took(1)
    assert not attempts.left
    assert not attempts.wait(LostAnswerError("lost"))
    assert not paused


def test_pauses_count_for_the_window(paused, monkeypatch):
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: high)
    attempts = _pace.Attempts(1000, _pace.Pace())
    while attempts.wait(ThrottledError("throttled", retry_after=60.0)):
        pass
    assert paused == [60.0] * 4
    assert not attempts.left


def test_a_retry_that_would_begin_after_the_window_is_none(paused):
    attempts = _pace.Attempts(1000, _pace.Pace())
    attempts.took(_pace.RETRY_WINDOW - 30)
    assert not attempts.wait(LostAnswerError("lost", retry_after=30.0))
    assert not attempts.left
    assert not paused


def test_a_call_may_have_less_time_than_others(paused):
    attempts = _pace.Attempts(1000, _pace.Pace(), 20.0)
    assert attempts.timeout(15) == 15
    assert attempts.wait(LostAnswerError("lost", retry_after=8.0))
    assert attempts.timeout(15) == 12
    assert not attempts.wait(LostAnswerError("lost", retry_after=12.0))
    attempts.took(11)
    assert attempts.timeout(15) == _pace.SHORTEST_TIMEOUT
    assert attempts.timeout(2) == 2
    assert paused == [8.0]


def test_the_usual_timeout_counts_where_a_call_has_all_the_time(paused):
    attempts = _pace.Attempts(1000, _pace.Pace())
    attempts.took(_pace.RETRY_WINDOW)
    assert attempts.timeout(400) == 400


def test_the_longer_of_retry_after_and_the_random_delay_counts(paused, monkeypatch):
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: 0.25)
    attempts = _pace.Attempts(3, _pace.Pace())
    attempts.wait(LostAnswerError("lost", retry_after=7.0))
    attempts.wait(ThrottledError("throttled", retry_after=3.0))
    attempts.wait(ThrottledError("throttled", retry_after=0.1))
    assert paused == [7.0, 3.0, 0.25]


def test_a_throttled_request_uses_no_retries_while_others_get_through(paused):
    pace = _pace.Pace()
    attempts = _pace.Attempts(2, pace)
    for _number in range(20):
        assert attempts.wait(ThrottledError("throttled"))
        pace.let_in += 1
    assert attempts.left
    assert [attempts.wait(ThrottledError("throttled")) for _number in range(3)] == [True, True, False]


def test_waiting_for_others_ends_with_the_window(paused):
    pace = _pace.Pace()
    attempts = _pace.Attempts(2, pace)
    for _number in range(100):
        pace.let_in += 1
        if not attempts.wait(ThrottledError("throttled", retry_after=50.0)):
            break
    assert paused == [50.0] * 5


@pytest.mark.parametrize(("concurrency", "count"), [(1, 5), (3, 1), (3, 50), (64, 2)])
def test_parallel_results_keep_the_order(concurrency: int, count: int) -> None:
    assert _pace.in_parallel(lambda number: number * 2, list(range(count)), concurrency) == [number * 2 for number in range(count)]
