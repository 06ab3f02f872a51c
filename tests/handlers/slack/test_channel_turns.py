"""Turns come in order, one at a time, and are passed on by whoever gives up."""

import threading

import pytest

from bot.cases.errors import RateLimited
from bot.clock import boottime, time_limit
from handlers.slack.channel_turns import Turns
from tests.waiting import wait_until

SECONDS = 60


@pytest.fixture
def turns():
    return Turns()


def in_a_thread(call):
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_a_caller_that_gives_up_neither_takes_nor_keeps_a_turn(turns):
    order = []

    def call(number):
        with turns.turn("C1"):
            order.append(number)

    with turns.turn("C1"):
        with pytest.raises(RateLimited), time_limit(boottime() + 0.01), turns.turn("C1"):
            order.append("too early")
        first = in_a_thread(lambda: call(1))
        wait_until(lambda: len(turns._queues["C1"]) == 2, "the first to wait")
        second = in_a_thread(lambda: call(2))
        wait_until(lambda: len(turns._queues["C1"]) == 3, "the second to wait")
        assert order == []
    first.join(SECONDS)
    second.join(SECONDS)
    assert order == [1, 2]
    assert not turns._queues
