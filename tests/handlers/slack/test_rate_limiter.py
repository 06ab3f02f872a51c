"""Our own limits on calls, and the wait that Slack asks for."""

from dataclasses import replace

import pytest

from bot.cases.errors import RateLimited
from handlers.slack.rate_limiter import RateLimiter
from tests.handlers.slack.test_card_sender import case

POST = "chat.postMessage"


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


def test_a_method_that_slack_refused_is_not_called_before_its_time():
    limiter = RateLimiter(0, 1)
    with pytest.raises(RateLimited), limiter.slot(POST, "C1"):
        raise RateLimited(30.0)
    with pytest.raises(RateLimited) as failure, limiter.slot(POST, "C2"):
        pass
    assert 29 < failure.value.seconds <= 30
    with limiter.slot("chat.update", "C1"):
        pass
