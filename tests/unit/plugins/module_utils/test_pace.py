# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate and the admission of requests: the arithmetic with throttling servers, on a virtual clock, and threads that share a pace."""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _http, _pace
from ansible_collections.huaweicloud.dcs.plugins.module_utils._errors import (
    AuthenticationError,
    DcsError,
    LostAnswerError,
    PermanentConnectionError,
    RefusedError,
    StoppedError,
    ThrottledError,
    UnsentError,
)
from ansible_collections.huaweicloud.dcs.plugins.module_utils._pace import Call, Pace, RetryBudget
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import TokenAuth
from playbook import collections as collection_folder
from simulator.throttle import FixedWindow, TokenBucket
from waiting import wait_until

ORIGIN = "https://dcs.example.com"
OTHER_ORIGIN = "https://iam.example.com"


def simulate(wait, *, concurrency, latency, seconds, rate=None):
    """Let workers send one request after another. Return the times of accepted requests, and the number of refused ones.

    As in `Pace`, one worker waits for the next turn and the others behind it; as in `RetryBudget`, a throttled request goes back into the queue.

    :param wait: the API's decision on a request at a given time: 0 if it is accepted
    """
    rate = rate or _pace.Rate()
    accepted, refused = [], 0
    queue = collections.deque(range(concurrency))
    # The next events: time, order, worker and kind.
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
            # Decided at half of the latency, known at its end.
            schedule(now + latency, worker, "refused" if wait(now + latency / 2) else "accepted")
        else:
            if what == "accepted":
                accepted.append(now)
                rate.accepted(now)
            else:
                refused += 1
                rate.throttled(now)
            queue.append(worker)
        if queue and not waiting:
            waiting = True
            next_turn(now)
    return accepted, refused


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
def test_what_the_api_accepts_is_used(server, per_second, latency, concurrency):
    """At least 85 percent of it after the first seconds, and few requests are refused."""
    seconds, start = 24.0, 5.0
    accepted, refused = simulate(SERVERS[server](per_second).wait, concurrency=concurrency, latency=latency, seconds=seconds)
    possible = min(per_second, concurrency / latency) * (seconds - start)
    used = sum(moment >= start for moment in accepted) / possible
    assert used >= 0.85, f"{used:.3f}, refused {refused}"
    assert used <= 1.06
    assert refused <= 0.25 * len(accepted) + 2 * concurrency


@pytest.mark.parametrize("concurrency", [2, 8, 16, 32, 64])
@pytest.mark.parametrize("server", SERVERS)
def test_a_fleet_of_400_at_50_a_second(server, concurrency):
    """Within 1.25 times the minimum of 8 seconds."""
    accepted, _refused = simulate(SERVERS[server](50).wait, concurrency=concurrency, latency=0.02, seconds=30)
    assert accepted[399] <= 1.25 * 8


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_nothing_is_slowed_down_where_nothing_is_throttled(concurrency):
    accepted, refused = simulate(lambda now: 0, concurrency=concurrency, latency=0.1, seconds=10)
    assert refused == 0
    assert len(accepted) >= 0.98 * concurrency / 0.1 * 10


def test_it_speeds_up_again_after_the_throttling_has_ended():
    bucket = TokenBucket(20)
    accepted, _refused = simulate(lambda now: 0 if now > 10 else bucket.wait(now), concurrency=32, latency=0.1, seconds=25)
    throttled = sum(5 <= moment < 10 for moment in accepted) / 5
    soon = sum(14 <= moment < 17 for moment in accepted) / 3
    later = sum(20 <= moment < 25 for moment in accepted) / 5
    assert throttled <= 21
    assert soon >= 1.5 * throttled
    # 32 workers that need 0.1 s for each request can't send more.
    assert later >= 0.9 * 320


def test_it_slows_down_when_the_api_accepts_less_than_before():
    fast, slow = TokenBucket(100), TokenBucket(10)
    accepted, refused = simulate(lambda now: (fast if now < 10 else slow).wait(now), concurrency=16, latency=0.05, seconds=40)
    assert sum(5 <= moment < 10 for moment in accepted) / 5 >= 85
    assert sum(20 <= moment < 40 for moment in accepted) / 20 >= 8.5
    assert refused <= 300


def test_an_api_that_accepts_nothing_is_asked_less_and_less():
    rate = _pace.Rate()
    accepted, refused = simulate(lambda now: 1, concurrency=16, latency=0.05, seconds=60, rate=rate)
    assert not accepted
    assert rate.per_second == rate.SLOWEST
    # All requests that are in flight at first, and then fewer and fewer.
    assert refused <= 16 + 30


def test_one_lowering_counts_for_all_that_were_in_flight():
    """A hundred refusals in one burst lower the rate only once."""
    rate = _pace.Rate()
    for moment in range(40):
        rate.accepted(0.5 + moment / 80)
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
        rate.accepted(0.05 + moment / 10)
    rate.throttled(1.0)
    assert rate.per_second == 10
    turns = [rate.reserve(100.0) - 100.0 for _number in range(20)]
    assert turns == sorted(turns)
    assert sum(turn == 0 for turn in turns) <= 1 + rate.CREDIT * rate.per_second
    assert turns[-1] == pytest.approx(20 / 10 - rate.CREDIT)


# ---- Stand-ins for threads and time


class Clock:
    """A virtual clock, on which waiting takes no real time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.waits: list[float] = []
        self.events: list[tuple[float, object]] = []

    def monotonic(self) -> float:
        return self.now

    def at(self, moment, event) -> None:
        """Schedule an action for a time at which others wait."""
        self.events.append((moment, event))

    def wait(self, timeout: float) -> None:
        self.waits.append(timeout)
        end = self.now + timeout
        for moment, event in [due for due in self.events if due[0] <= end]:
            self.events.remove((moment, event))
            self.now = max(self.now, moment)
            event()
            # Waiting threads are woken.
            return
        self.now = end


class VirtualCondition:
    """A condition for a single thread."""

    def __init__(self, clock: Clock) -> None:
        self.wait = clock.wait

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_exception: object) -> None:
        pass

    def notify_all(self) -> None:
        pass


class HeldLock:
    """A lock that another thread holds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def acquire(self, timeout: float) -> bool:
        self._clock.wait(timeout)
        return False


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_pace, "time", clock)
    return clock


@pytest.fixture
def pace(clock):
    """A pace for a single thread, on the virtual clock."""
    pace = Pace(5)
    pace._changed = VirtualCondition(clock)
    return pace


def accept(pace, origin=ORIGIN):
    """Let an origin accept a request."""
    with Call(pace) as call:
        pace.acquire(origin, call)
        pace.release(origin, 200, None, True)


def throttle_to(pace, per_second):
    """Let an origin accept a request, and set the rate to this number of requests per second."""
    accept(pace)
    rate = pace._gates[ORIGIN].rate
    rate.per_second = per_second
    rate._lowered = _pace.time.monotonic()
    rate._guessed = False


def waiting(pace):
    """How many threads wait for a change."""
    return len(pace._changed._waiters)


def start(*targets):
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


class Crowd:
    """Threads that all want to send at once, each with a call of its own. An admitted request lasts until `respond` is called."""

    def __init__(self, pace, size, origin=ORIGIN, deadline=float("inf")):
        self.sending, self.ended, self.errors = [], [], []
        self._pace, self._origin, self._deadline = pace, origin, deadline
        self._responses = threading.Semaphore(0)
        self._accepted = False
        self.threads = start(*[self._run] * size)

    def _run(self):
        try:
            with Call(self._pace, deadline=self._deadline) as call:
                self._pace.acquire(self._origin, call)
                self.sending.append(1)
                assert self._responses.acquire(timeout=60)
                self._pace.release(self._origin, 200 if self._accepted else None, None if self._accepted else UnsentError("Refused."), self._accepted)
        except DcsError as error:
            self.errors.append(error)
        finally:
            self.ended.append(1)

    def respond(self, accepted, count=1):
        self._accepted = accepted
        self._responses.release(count)

    def join(self):
        join(self.threads)


# ---- Which calls may send


NOT_ACCEPTED = [
    pytest.param(None, UnsentError("Refused."), id="no connection"),
    pytest.param(None, LostAnswerError("Lost."), id="no response"),
    *(pytest.param(status, LostAnswerError("No."), id=str(status)) for status in (200, 500, 503)),
    pytest.param(302, RefusedError("A redirect."), id="302"),
    pytest.param(429, ThrottledError("Slow down."), id="429"),
    pytest.param(400, RefusedError("A portal."), id="400 of a portal"),
]


@pytest.mark.parametrize(("status", "error"), NOT_ACCEPTED)
def test_one_call_has_the_origin_to_itself_until_one_is_accepted(status, error, monkeypatch):
    monkeypatch.setattr(_pace.Rate, "throttled", lambda self, now: None)
    pace = Pace(5)
    with Call(pace) as probe:
        pace.acquire(ORIGIN, probe)
        crowd = Crowd(pace, 4)
        # Retries and reads belong to the probing call, too, and no other call comes in between.
        for _attempt in range(4):
            wait_until(lambda: waiting(pace) == 4)
            pace.release(ORIGIN, status, error, False)
            wait_until(lambda: waiting(pace) == 4)
            pace.acquire(ORIGIN, probe)
        assert not crowd.sending
        pace.release(ORIGIN, 200, None, True)
        wait_until(lambda: len(crowd.sending) == 4)
    crowd.respond(True, 4)
    crowd.join()
    assert not crowd.errors


def test_when_a_call_ends_without_that_the_next_one_takes_its_place():
    pace = Pace(5)
    crowd = Crowd(pace, 4)
    for count in (1, 2, 3):
        wait_until(lambda count=count: len(crowd.sending) == count and waiting(pace) == 4 - count)
        crowd.respond(False)
    wait_until(lambda: len(crowd.sending) == 4)
    crowd.respond(True)
    crowd.join()
    assert not crowd.errors


def test_a_call_that_did_not_send_after_all_makes_room():
    pace = Pace(5)
    with Call(pace) as probe:
        pace.acquire(ORIGIN, probe)
        crowd = Crowd(pace, 3)
        wait_until(lambda: waiting(pace) == 3)
    wait_until(lambda: len(crowd.sending) == 1)
    crowd.respond(True, 3)
    crowd.join()
    assert not crowd.errors


def test_each_origin_counts_for_itself():
    """Even if IAM accepts a key, DCS may not."""
    pace = Pace(5)
    accept(pace, OTHER_ORIGIN)
    crowd = Crowd(pace, 3)
    wait_until(lambda: len(crowd.sending) == 1 and waiting(pace) == 2)
    others = Crowd(pace, 3, OTHER_ORIGIN)
    wait_until(lambda: len(others.sending) == 3)
    assert len(crowd.sending) == 1
    others.respond(True, 3)
    crowd.respond(True, 3)
    for each in (crowd, others):
        each.join()
        assert not each.errors
    assert pace.accepted == 1 + 3 + 3


@pytest.mark.parametrize(
    ("error", "because"),
    [
        (
            UnsentError("No connection to dcs: Refused.", code="ConnectionFailed", hint="Look."),
            "earlier attempts to connect failed: No connection to dcs: Refused",
        ),
        (PermanentConnectionError("No trust", code="TlsError", hint="Look."), "earlier attempts to connect failed: No trust"),
        (LostAnswerError("HTTP 503: no", code="APIGW.1", http_status=503, hint="Look."), "no earlier request was accepted: HTTP 503: no"),
    ],
)
def test_all_calls_share_the_retries_of_one(error, because):
    pace = Pace(2)
    with Call(pace) as probe:
        for _attempt in range(2):
            pace.acquire(ORIGIN, probe)
            pace.release(ORIGIN, error.http_status, error, False)
        crowd = Crowd(pace, 4)
        wait_until(lambda: waiting(pace) == 4)
        pace.acquire(ORIGIN, probe)
        pace.release(ORIGIN, error.http_status, error, False)
        # Immediately, while the first call is still busy.
        crowd.join()
        assert not crowd.sending
        assert [caught.message for caught in crowd.errors] == [f"Not sent, because {because}. Look."] * 4
        # Another attempt would not help.
        assert {type(caught) for caught in crowd.errors} == {PermanentConnectionError}
        assert {(caught.code, caught.http_status) for caught in crowd.errors} == {(error.code, error.http_status)}
        # It may finish what it has begun.
        pace.acquire(ORIGIN, probe)
        pace.release(ORIGIN, 200, None, True)
    # And its result counts.
    accept(pace)


def test_calls_that_fail_at_once_share_the_retries_of_one(pace):
    for _call in range(6):
        with Call(pace) as call:
            pace.acquire(ORIGIN, call)
            pace.release(ORIGIN, None, UnsentError("No trust."), False)
    with Call(pace) as call, pytest.raises(UnsentError, match="Not sent"):
        pace.acquire(ORIGIN, call)
    # Nothing is known about another origin.
    accept(pace, OTHER_ORIGIN)


def test_all_calls_share_the_time_of_one(pace, clock):
    with Call(pace) as probe:
        pace.acquire(ORIGIN, probe)
        pace.release(ORIGIN, None, LostAnswerError("Timed out."), False)
        clock.now += _pace.RETRY_TIME_LIMIT
        with Call(pace) as call, pytest.raises(UnsentError, match="Not sent, because no earlier request was accepted: Timed out"):
            pace.acquire(ORIGIN, call)
        pace.acquire(ORIGIN, probe)
        pace.release(ORIGIN, 200, None, True)
    accept(pace)


def test_an_origin_that_has_accepted_one_is_never_given_up_by_all(pace, clock):
    accept(pace)
    for _call in range(20):
        with Call(pace) as call:
            pace.acquire(ORIGIN, call)
            clock.now += 100
            pace.release(ORIGIN, None, LostAnswerError("Timed out."), False)


# ---- The same through `Http`


def get(http, path="/"):
    return http.get(f"{ORIGIN}{path}", auth=TokenAuth("token"), read=lambda response: response.data)


def test_what_is_not_tried_is_not_tried_again_either(script, monkeypatch):
    pauses = []
    monkeypatch.setattr(Pace, "sleep", lambda self, seconds: pauses.append(seconds))
    http = _http.Http(max_retries=2, concurrency=4)
    for _attempt in range(3):
        script.expect("GET", "/", error=OSError("refused"), sent=False)

    def message(_number):
        with pytest.raises(UnsentError) as caught:
            get(http)
        return caught.value.message

    messages = sorted(http.in_parallel(message, range(40)))
    assert messages == [
        "No connection to the host: refused. (GET /)",
        *["Not sent, because earlier attempts to connect failed: No connection to the host: refused."] * 39,
    ]
    assert len(pauses) == 2


ACCEPTED = [
    (200, {}),
    (204, {"x": 1}),
    (400, {"error_code": "DCS.4239", "error_msg": "No."}),
    (403, {"error_code": "APIGW.0301"}),
    (404, {"error": {"code": "111400061", "message": "No."}}),
    (409, {"errorCode": 111400061}),
]
NO_PROOF = [
    (200, b"<html>Log in</html>"),
    (200, []),
    (302, {"error_code": "DCS.4239"}),
    (400, b"<html>Bad request</html>"),
    (400, {"error_msg": "No."}),
    (403, {"code": "blocked"}),
    (404, {"code": 404, "message": "Not found"}),
    (429, {"error_code": "APIGW.0308"}),
    (500, {"error_code": "DCS.5000"}),
    (503, {"error_code": "APIGW.0613"}),
]


@pytest.mark.parametrize(("status", "body", "accepted"), [*((*each, 1) for each in ACCEPTED), *((*each, 0) for each in NO_PROOF)])
def test_only_the_api_itself_proves_that_it_accepts_the_caller(script, status, body, accepted):
    http = _http.Http(max_retries=0)
    script.expect("GET", "/", status=status, body=body)
    with contextlib.suppress(DcsError):
        get(http)
    assert http._pace.accepted == accepted


@pytest.mark.parametrize("status", [401, 407])
def test_a_refusal_of_the_caller_stops_everything(script, status):
    http = _http.Http(max_retries=5, concurrency=4)
    script.expect("GET", "/first", body={})
    script.expect("GET", "/second", status=status, body={"error_code": "APIGW.0301"})
    get(http, "/first")
    with pytest.raises(AuthenticationError):
        get(http, "/second")

    def stopped(_number):
        with pytest.raises(StoppedError, match=f"HTTP {status}"):
            get(http)
        return True

    assert all(http.in_parallel(stopped, range(10)))
    with pytest.raises(StoppedError):
        http.sleep(0)
    assert http._pace.accepted == 1


# ---- A stop


def stopped_by(pace, how):
    if how == "stop":
        pace.stop("an earlier request got HTTP 401")
        return "Not sent: an earlier request got HTTP 401."
    with pytest.raises(SystemExit):
        pace.in_parallel(sys.exit, [1], 1)
    return "Not sent: the run was interrupted."


@pytest.mark.parametrize("how", ["stop", "interruption"])
def test_a_stop_wakes_those_that_wait_for_the_first_one(how):
    pace = Pace(5)
    with Call(pace) as probe:
        pace.acquire(ORIGIN, probe)
        crowd = Crowd(pace, 5)
        wait_until(lambda: waiting(pace) == 5)
        message = stopped_by(pace, how)
        crowd.join()
    assert [error.message for error in crowd.errors] == [message] * 5
    assert {(type(error), error.code) for error in crowd.errors} == {(StoppedError, "Stopped")}
    assert not crowd.sending


@pytest.mark.parametrize("how", ["stop", "interruption"])
def test_a_stop_wakes_those_that_wait_for_their_turn_and_those_behind(how):
    pace = Pace(5)
    throttle_to(pace, 0.001)
    crowd = Crowd(pace, 5)
    wait_until(lambda: waiting(pace) == 1)
    stopped_by(pace, how)
    crowd.join()
    assert not crowd.sending
    assert {type(error) for error in crowd.errors} == {StoppedError}
    assert not pace._gates[ORIGIN].queue.locked()


@pytest.mark.parametrize("how", ["stop", "interruption"])
def test_a_stop_wakes_those_that_pause(how):
    pace = Pace(5)
    errors = []

    def sleep(pause):
        try:
            pause()
        except StoppedError as error:
            errors.append(error)

    threads = start(lambda: sleep(lambda: pace.sleep(3000)), lambda: sleep(lambda: Call(pace).retries.wait(LostAnswerError("Lost.", retry_after=250.0))))
    wait_until(lambda: waiting(pace) == 2)
    stopped_by(pace, how)
    join(threads)
    assert len(errors) == 2


def test_the_first_reason_for_a_stop_counts(pace):
    pace.stop("first")
    pace.stop("second")
    with Call(pace) as call, pytest.raises(StoppedError, match="first"):
        pace.acquire(ORIGIN, call)


@pytest.mark.parametrize("what", ["acquire", "sleep"])
def test_nothing_is_sent_once_nobody_waits_for_the_result(clock, what):
    gone = []
    pace = Pace(5, lambda: bool(gone))
    pace._changed = VirtualCondition(clock)
    accept(pace)
    gone.append(1)
    with Call(pace) as call, pytest.raises(StoppedError, match="can no longer be delivered"):
        pace.acquire(ORIGIN, call) if what == "acquire" else pace.sleep(1)
    # Whatever happens later.
    gone.clear()
    with Call(pace) as call, pytest.raises(StoppedError, match="can no longer be delivered"):
        pace.acquire(ORIGIN, call)


# ---- Turns


def test_waiting_for_a_turn_sleeps(pace, clock):
    """Even before any request has been accepted."""
    with Call(pace) as probe:
        for _attempt in range(4):
            pace.acquire(ORIGIN, probe)
            pace.release(ORIGIN, 429, ThrottledError("Slow down."), False)
    assert clock.waits == [1.0, 2.0, 4.0]


def throttled_until_given_up(pace, clock):
    """Send repeatedly, throttled each time. Return the error and its time."""
    with Call(pace) as call:
        for _attempt in range(100_000):
            try:
                pace.acquire(ORIGIN, call)
            except UnsentError as error:
                return error, clock.now
            pace.release(ORIGIN, 429, ThrottledError("Slow down."), False)
    raise AssertionError("it went on")


@pytest.mark.parametrize("accepted", [True, False])
def test_waiting_for_a_turn_ends_some_time_after_the_last_one_was_accepted(pace, clock, accepted):
    if accepted:
        accept(pace)
    began = clock.now
    error, ended = throttled_until_given_up(pace, clock)
    assert (error.code, error.http_status, type(error)) == ("Throttled", 429, PermanentConnectionError)
    assert "has accepted none for 300 seconds" in error.message
    assert _pace.RETRY_TIME_LIMIT <= ended - began <= _pace.RETRY_TIME_LIMIT + 1 / _pace.Rate.SLOWEST


def test_waiting_for_a_turn_goes_on_while_others_are_accepted(pace, clock):
    throttle_to(pace, 1.0)
    last = clock.now + 2000
    for moment in range(0, 2001, 50):
        clock.at(clock.now + moment, lambda: pace.release(ORIGIN, 200, None, True))
    error, ended = throttled_until_given_up(pace, clock)
    assert error.code == "Throttled"
    assert _pace.RETRY_TIME_LIMIT <= ended - last <= _pace.RETRY_TIME_LIMIT + 1 / _pace.Rate.SLOWEST


def test_waiting_in_the_queue_ends_likewise(pace, clock):
    throttle_to(pace, 1.0)
    began = clock.now
    pace.release(ORIGIN, 429, ThrottledError("Slow down."), False)
    pace._gates[ORIGIN].queue = HeldLock(clock)
    with Call(pace) as call, pytest.raises(PermanentConnectionError, match="has accepted none for 300 seconds"):
        pace.acquire(ORIGIN, call)
    assert clock.now - began == pytest.approx(_pace.RETRY_TIME_LIMIT, abs=1)


def test_an_outage_is_not_taken_for_throttling(pace, clock):
    """After throttling, requests still wait for their turns, but they fail for their own reasons."""
    throttle_to(pace, 1.0)
    pace.release(ORIGIN, 429, ThrottledError("Slow down."), False)
    accept(pace)
    for _call in range(30):
        with Call(pace) as call:
            pace.acquire(ORIGIN, call)
            clock.now += 30
            pace.release(ORIGIN, None, LostAnswerError("Timed out."), False)
    accept(pace)


def test_turns_are_taken_one_after_the_other():
    """While one call waits for its turn, the others wait behind it, and each gets a turn."""
    pace = Pace(5)
    throttle_to(pace, 200.0)
    crowd = Crowd(pace, 20)
    crowd.respond(True, 20)
    crowd.join()
    assert not crowd.errors
    assert len(crowd.sending) == 20


# ---- Deadlines


def no_time(pace, call):
    with pytest.raises(UnsentError, match="the time limit has expired") as caught:
        pace.acquire(ORIGIN, call)
    assert (caught.value.code, type(caught.value)) == ("NoTime", UnsentError)
    # Nor is there time for a retry.
    assert not call.retries.wait(caught.value)


def test_a_deadline_is_kept_while_waiting_for_the_first_one(pace, clock):
    with Call(pace) as probe, Call(pace, deadline=clock.now + 3) as call:
        pace.acquire(ORIGIN, probe)
        began = clock.now
        no_time(pace, call)
        assert clock.now - began == 3


def test_a_deadline_is_kept_while_waiting_for_a_turn(pace, clock):
    throttle_to(pace, 0.1)
    began = clock.now
    with Call(pace, deadline=clock.now + 3) as call:
        no_time(pace, call)
    assert clock.now - began == 3
    assert not pace._gates[ORIGIN].queue.locked()


def test_a_deadline_is_kept_in_the_queue(pace, clock):
    accept(pace)
    pace._gates[ORIGIN].queue = HeldLock(clock)
    began = clock.now
    with Call(pace, deadline=clock.now + 2.5) as call:
        no_time(pace, call)
    assert clock.now - began == 2.5


def test_a_deadline_that_has_passed(pace, clock):
    with Call(pace, deadline=clock.now) as call:
        assert not call.has_time
        no_time(pace, call)
    # It has not become the probing call.
    accept(pace)


def test_no_request_begins_once_a_call_has_spent_its_time(pace):
    accept(pace)
    with Call(pace) as call:
        call.took(_pace.RETRY_TIME_LIMIT - 1)
        pace.acquire(ORIGIN, call)
        pace.release(ORIGIN, 200, None, True)
        call.took(1)
        no_time(pace, call)


def test_no_pause_goes_beyond_a_deadline(pace, clock):
    began = clock.now
    with Call(pace, deadline=clock.now + 3) as call:
        assert not call.pause(3)
        assert call.pause(2.5)
        assert not call.retries.wait(LostAnswerError("Lost.", retry_after=1.0))
    assert clock.now - began == 2.5


def test_a_deadline_shortens_the_timeout_but_not_to_nothing(pace, clock):
    with Call(pace, deadline=clock.now + 12) as call:
        assert call.timeout(30) == 12
        assert call.timeout(2) == 2
        clock.now += 11
        assert call.timeout(30) == _pace.MIN_TIMEOUT
    assert Call(pace).timeout(400) == 400


# ---- In parallel


@pytest.mark.parametrize(("concurrency", "count"), [(1, 5), (3, 0), (3, 1), (3, 50), (64, 2)])
def test_parallel_results_keep_the_order(concurrency, count):
    assert Pace().in_parallel(lambda number: number * 2, list(range(count)), concurrency) == [number * 2 for number in range(count)]


@pytest.mark.parametrize("possible", [0, 2])
def test_fewer_threads_do_the_work_where_the_system_allows_no_more(monkeypatch, possible):
    left = iter(range(possible))
    begin = threading.Thread.start

    def start_if_possible(thread):
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start_if_possible)
    assert Pace().in_parallel(lambda number: number * 2, list(range(20)), 8) == [number * 2 for number in range(20)]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RecursionError])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_interruption_of_one_stops_all(kind, concurrency):
    pace = Pace(5)
    accept(pace)
    sent, stopped = [], []

    def work(number):
        if number == 0:
            # The others are still running.
            wait_until(lambda: waiting(pace) == concurrency - 1)
            raise kind
        try:
            pace.sleep(3000)
            sent.append(number)
        except StoppedError:
            stopped.append(number)

    with pytest.raises(kind):
        pace.in_parallel(work, list(range(10)), concurrency)
    assert not sent
    assert len(stopped) == (0 if concurrency == 1 else 9)
    with Call(pace) as call, pytest.raises(StoppedError, match="interrupted"):
        pace.acquire(ORIGIN, call)


@contextlib.contextmanager
def run_python(script, **options):
    environment = {**os.environ, "PYTHONPATH": str(collection_folder())}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, text=True, stderr=subprocess.PIPE, **options) as process:
        try:
            yield process
        finally:
            process.kill()


INTERRUPTED = """
import signal, sys, threading, time
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _pace

pace = _pace.Pace()
begun = threading.Semaphore(0)

def work(number):
    if number == 0:
        for _other in range(3):
            begun.acquire()
        signal.pthread_kill(threading.main_thread().ident, signal.NAME)
    begun.release()
    # A request whose response never comes.
    threading.Event().wait()

def terminate(_signal, _frame):
    raise SystemExit(143)

# In case it is ignored where the tests run.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, terminate)
try:
    pace.in_parallel(work, range(8), 4)
finally:
    with _pace.Call(pace) as call:
        try:
            pace.acquire("https://dcs.example.com", call)
        except _pace.StoppedError as error:
            print(error.message, file=sys.stderr)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_ends_whatever_is_in_flight(name):
    with run_python(INTERRUPTED.replace("NAME", name)) as process:
        _output, errors = process.communicate(timeout=60)
    assert "Not sent: the run was interrupted." in errors
    assert process.returncode == {"SIGINT": -signal.SIGINT, "SIGTERM": 143}[name]


# ---- Whether the result can still be delivered


LISTENED = """
import sys
from ansible_collections.huaweicloud.dcs.plugins.module_utils import _pace

sys.stdin.readline()
print(_pace.nobody_waits(), file=sys.stderr)
"""


def nobody_waits(stdout, meanwhile=lambda process: None):
    with run_python(LISTENED, stdin=subprocess.PIPE, stdout=stdout) as process:
        meanwhile(process)
        process.stdin.write("\n")
        process.stdin.flush()
        answer = process.stderr.read().strip()
    assert answer in ("True", "False"), answer
    return answer == "True"


def test_a_pipe_without_a_reader_is_noticed():
    assert nobody_waits(subprocess.PIPE, lambda process: process.stdout.close())


def test_a_pipe_with_a_reader_is_none():
    assert not nobody_waits(subprocess.PIPE)


def test_a_full_pipe_with_a_reader_is_none():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    assert not nobody_waits(writer)
    os.close(reader)
    os.close(writer)


def test_a_file_is_none(tmp_path):
    with open(tmp_path / "output", "wb") as output:
        assert not nobody_waits(output)


def test_dev_null_is_none():
    assert not nobody_waits(subprocess.DEVNULL)


def test_a_terminal_is_none():
    leader, terminal = os.openpty()
    assert not nobody_waits(terminal)
    os.close(leader)
    os.close(terminal)


def test_no_output_at_all_is_none(monkeypatch):
    with open(os.devnull, encoding="utf-8") as closed:
        pass
    # Only in this module, because the test runner may write to standard output meanwhile.
    monkeypatch.setattr(_pace, "sys", SimpleNamespace(__stdout__=closed))
    assert not _pace.nobody_waits()
    monkeypatch.setattr(_pace, "select", SimpleNamespace())
    assert not _pace.nobody_waits()


# ---- Retries


@pytest.fixture
def paused(monkeypatch):
    """The seconds of each pause. No pause really takes place."""
    seconds = []
    monkeypatch.setattr(Pace, "sleep", lambda self, pause: seconds.append(pause))
    return seconds


def test_pauses_grow_with_a_random_part_and_are_never_near_zero(paused, monkeypatch):
    limits = []
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: limits.append((low, high)) or low)
    retries = Call(Pace(8)).retries
    while retries.wait(UnsentError("no connection")):
        pass
    assert limits[:8] == [(high / 2, high) for high in (0.5, 1, 2, 4, 8, 16, 20, 20)]
    assert paused == [low for low, _high in limits[:8]]
    assert not retries.left


@pytest.mark.parametrize("error", [None, LostAnswerError("lost"), ThrottledError("throttled", retry_after=0.0), UnsentError("no connection")])
def test_a_pause_is_between_half_and_all(paused, error):
    for _time in range(100):
        assert Call(Pace(1)).retries.wait(error)
    assert all(_pace.BACKOFF_BASE / 2 <= pause <= _pace.BACKOFF_BASE for pause in paused)


@pytest.mark.parametrize("most", [0, 1, 5])
def test_no_more_retries_than_allowed(paused, most):
    for retries in (Call(Pace(most)).retries, Call(Pace(7), most).retries, Call(Pace(7), most).reads()):
        paused.clear()
        assert retries.left == (most > 0)
        assert [retries.wait() for _number in range(most + 2)] == [True] * most + [False] * 2
        assert len(paused) == most


def test_reads_have_retries_of_their_own_but_share_the_time(paused):
    call = Call(Pace(1))
    assert call.retries.wait()
    assert not call.retries.left
    reads = call.reads()
    assert isinstance(reads, RetryBudget)
    assert reads.wait()
    assert not reads.left
    call.took(_pace.RETRY_TIME_LIMIT)
    assert not call.reads().left
    assert not call.has_time


def test_no_retry_begins_after_the_time_limit(paused):
    call = Call(Pace(1000))
    call.took(_pace.RETRY_TIME_LIMIT - 1)
    assert call.retries.left
    call.took(1)
    assert not call.retries.left
    assert not call.retries.wait(LostAnswerError("lost"))
    assert not paused


def test_pauses_count_for_the_time_limit(paused, monkeypatch):
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: high)
    retries = Call(Pace(1000)).retries
    while retries.wait(ThrottledError("throttled", retry_after=60.0)):
        pass
    assert paused == [60.0] * 4
    assert not retries.left


def test_a_retry_that_would_begin_after_the_time_limit_is_none(paused):
    call = Call(Pace(1000))
    call.took(_pace.RETRY_TIME_LIMIT - 30)
    assert not call.retries.wait(LostAnswerError("lost", retry_after=30.0))
    assert not call.retries.left
    assert not paused


def test_the_longer_of_retry_after_and_the_random_pause_counts(paused, monkeypatch):
    monkeypatch.setattr(_pace.random, "uniform", lambda low, high: 0.25)
    retries = Call(Pace(3)).retries
    retries.wait(LostAnswerError("lost", retry_after=7.0))
    retries.wait(ThrottledError("throttled", retry_after=3.0))
    retries.wait(ThrottledError("throttled", retry_after=0.1))
    assert paused == [7.0, 3.0, 0.25]


def test_a_throttled_request_uses_no_retries_while_others_are_accepted(paused):
    pace = Pace(2)
    retries = Call(pace).retries
    for _number in range(20):
        assert retries.wait(ThrottledError("throttled"))
        pace.accepted += 1
    assert retries.left
    assert [retries.wait(ThrottledError("throttled")) for _number in range(3)] == [True, True, False]


def test_waiting_for_others_ends_with_the_time_limit(paused):
    pace = Pace(2)
    retries = Call(pace).retries
    for _number in range(100):
        pace.accepted += 1
        if not retries.wait(ThrottledError("throttled", retry_after=50.0)):
            break
    assert paused == [50.0] * 5
