"""Our own limits on calls, and the wait that Slack asks for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from bot.cases.errors import RateLimited
from bot.clock import boottime, time_limit
from bot.emulator import faults
from handlers.slack import channel_turns, rate_limiter
from handlers.slack.rate_limiter import RateLimiter
from tests.handlers.slack.test_card_sender import case
from tests.waiting import wait_until

POST = "chat.postMessage"


class HandClock:
    """Seconds that go by when a test says so, however busy the machine is."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The clock of the limits, ours and the emulator's."""
    clock = HandClock()
    for module in (rate_limiter, channel_turns):
        monkeypatch.setattr(module, "monotonic", clock)
    monkeypatch.setattr(faults, "time", SimpleNamespace(monotonic=clock))
    return clock


def test_when_slack_says_wait_one_call_was_refused_and_no_more(chat):
    chat.emulator.post("faults", {"per_second": 2, "retry_after": 1})
    refusals = 0
    for number in range(12):
        try:
            chat.draw_card(replace(case(), id=f"EX-{number}"), [], look_first=False)
        except RateLimited as refusal:
            refusals += 1
            assert 0 < refusal.seconds <= 1
    traffic = chat.emulator.get("traffic")
    assert (refusals, traffic["rejected"][POST], traffic["windows"]) == (10, 1, 1)


def test_we_keep_to_one_message_a_second_to_a_channel_ourselves():
    limiter = RateLimiter(1, 2)
    for _ in range(2):
        with limiter.slot(POST, "C1"):
            pass
    with pytest.raises(RateLimited), limiter.slot(POST, "C1"):
        pass
    with limiter.slot(POST, "C2"):
        pass


def test_room_can_be_asked_for_before_a_search_without_using_it_up():
    limiter = RateLimiter(1, 1)
    for _ in range(3):
        limiter.require_room(POST, "C1")
    with limiter.slot(POST, "C1"):
        pass
    with pytest.raises(RateLimited) as failure:
        limiter.require_room(POST, "C1")
    assert 0 < failure.value.seconds <= 1


def test_a_method_that_slack_refused_is_not_called_before_its_time(clock):
    limiter = RateLimiter(0, 1)
    with pytest.raises(RateLimited), limiter.slot(POST, "C1"):
        raise RateLimited(30.0)
    clock.forward(0.5)
    with pytest.raises(RateLimited) as failure, limiter.slot(POST, "C2"):
        pass
    assert failure.value.seconds == 29.5
    with limiter.slot("chat.update", "C1"):
        pass


def make_slow(limiter, clock, method=POST):
    """Let the limiter see that Slack takes its time."""
    with limiter.slot(method, "C0"):
        clock.forward(0.3)


def test_at_a_slow_slack_calls_to_different_channels_go_side_by_side(clock):
    limiter = RateLimiter(0, 1)
    make_slow(limiter, clock)
    all_call = threading.Barrier(10)

    def call(number):
        with limiter.slot(POST, f"C{number}", f"C{number}"):
            # Ten calls are under way together, or this never ends.
            all_call.wait(60)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(call, range(10)))


def test_messages_of_one_channel_go_one_by_one_in_the_order_of_their_requests():
    limiter = RateLimiter(0, 1)
    order = []

    def post(number):
        with limiter.slot(POST, "C1"):
            order.append(number)

    with ThreadPoolExecutor(8) as pool, limiter.slot(POST, "C1"):
        for number in range(8):
            pool.submit(post, number)
            wait_until(partial(has_waiting, limiter, number + 1), "its place")
        assert order == []
    assert order == list(range(8))


def has_waiting(limiter, count):
    return len(limiter._turns._queues["C1"]) == count + 1


def call_in(limiter, channel, call):
    with limiter.slot(POST, channel, channel):
        call()


def test_a_slow_channel_holds_few_threads_and_the_others_go_on(clock):
    limiter = RateLimiter(0, 1)
    with limiter.slot(POST, "C1", "C1"):
        clock.forward(0.6)
        waits = []
        for _ in range(5):
            with pytest.raises(RateLimited) as failure, limiter.slot(POST, "C1", "C1"):
                pass
            waits.append(failure.value.seconds)
        # They come back one after the other, and not all at once.
        assert waits == sorted(waits)
        assert waits[0] < 1.0 < 2.5 < waits[-1]
        in_another_thread(lambda: call_in(limiter, "C2", lambda: None))
    with limiter.slot(POST, "C3", "C3"):
        pass


def test_one_slow_call_of_a_quick_channel_puts_nobody_off_for_long(clock):
    limiter = RateLimiter(0, 1)
    for _ in range(3):
        call_in(limiter, "C1", lambda: None)
    with limiter.slot(POST, "C1", "C1"):
        clock.forward(0.6)
        for _ in range(40):
            with pytest.raises(RateLimited) as failure, limiter.slot(POST, "C1", "C1"):
                pass
        assert failure.value.seconds < 2.0


def test_a_private_answer_waits_for_its_turn_and_is_not_sent_away(clock):
    limiter = RateLimiter(0, 1)
    make_slow(limiter, clock, "chat.postEphemeral")
    with limiter.slot("chat.postEphemeral", "C1/U1"):
        clock.forward(0.6)
        in_another_thread(lambda: hold(limiter, "chat.postEphemeral", "C1/U2"))


def hold(limiter, method, bucket):
    with limiter.slot(method, bucket):
        pass


def in_another_thread(call):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def test_after_a_refusal_the_calls_of_a_method_go_one_by_one(clock):
    limiter = RateLimiter(0, 1)
    make_slow(limiter, clock)
    with pytest.raises(RateLimited), limiter.slot(POST, "C1"):
        raise RateLimited(0.0)

    def call(seconds):
        with time_limit(boottime() + seconds), limiter.slot(POST, "C2"):
            pass

    with limiter.slot(POST, "C1"), pytest.raises(RateLimited):
        in_another_thread(partial(call, 0.05))
    in_another_thread(partial(call, 60))


def test_many_threads_at_a_quick_slack_are_refused_once_for_each_window(chat, monkeypatch):
    """The emulator answers at once, so each call waits for the one ahead of it."""
    # However busy this machine is.
    monkeypatch.setattr(rate_limiter, "MAX_CALL_AHEAD_SECONDS", 60.0)
    chat.emulator.post("faults", {"per_second": 5, "retry_after": 1})
    refusals = []

    def draw(number):
        try:
            chat.draw_card(replace(case(), id=f"EX-{number}"), [], look_first=False)
        except RateLimited as refusal:
            refusals.append(refusal.seconds)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(draw, range(40)))
    traffic = chat.emulator.get("traffic")
    assert traffic["rejected"][POST] == traffic["windows"] == 1
    assert len(refusals) == 35
