"""The limits of calls to a chat model, and its failures."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from knowledge.language.chat_model import ChatLimits, LimitedCalls, NoAnswer


class Clock:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self):
        return self.now


def answer():
    return "answer"


def run(calls, call):
    """Run a call and return its result, or why there is none."""
    try:
        return calls.run(call)
    except NoAnswer as reason:
        return reason.outcome


def test_the_calls_of_a_day_are_limited():
    clock = Clock()
    calls = LimitedCalls(clock, ChatLimits(calls_per_day=2), "test")
    results = [run(calls, answer) for _ in range(3)]
    assert results == ["answer", "answer", "over the daily limit"]
    clock.now += timedelta(days=1)
    assert run(calls, answer) == "answer"


def test_a_call_has_a_time_limit():
    release = threading.Event()
    calls = LimitedCalls(Clock(), ChatLimits(timeout_seconds=0.05), "test")
    assert run(calls, lambda: release.wait(300)) == "not in time"
    release.set()


def test_a_model_that_fails_again_and_again_rests_for_a_minute():
    """Nobody waits for it meanwhile; after one more failure it rests at once."""
    clock = Clock()
    calls = LimitedCalls(clock, ChatLimits(timeout_seconds=30), "test")
    attempts = []

    def fail():
        attempts.append(clock())
        raise ConnectionError

    assert [run(calls, fail) for _ in range(5)] == [*["failed"] * 3, *["resting"] * 2]
    clock.now += timedelta(seconds=61)
    assert [run(calls, fail) for _ in range(2)] == ["failed", "resting"]
    assert len(attempts) == 4
    clock.now += timedelta(seconds=61)
    assert [run(calls, answer), run(calls, fail), run(calls, answer)] == [
        "answer",
        "failed",
        "answer",
    ]


def test_a_useless_answer_is_no_failure():
    def answer_uselessly():
        raise NoAnswer("malformed")

    calls = LimitedCalls(Clock(), ChatLimits(), "test")
    assert [run(calls, answer_uselessly) for _ in range(5)] == ["malformed"] * 5


def test_whatever_a_provider_raises_is_no_answer():
    def fail():
        raise RuntimeError("no credits")

    with pytest.raises(NoAnswer, match="failed"):
        LimitedCalls(Clock(), ChatLimits(), "test").run(fail)
