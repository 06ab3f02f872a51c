"""The pace of receivers: two events at once, and a rest after a failure."""

from contextlib import ExitStack
from datetime import timedelta

import pytest

from bot.cases.errors import ConnectorFailed
from bot.desk.receiver_pace import MAX_AT_ONCE, MAX_REST_SECONDS, ReceiverBusy, ReceiverPace
from tests.fakes.clock import NOON


def fail(pace, now, name="till"):
    with pytest.raises(ConnectorFailed, match="500"), pace.turn(name, now):
        raise ConnectorFailed("answered 500")


def is_resting(pace, now, name="till"):
    try:
        with pace.turn(name, now):
            return False
    except ConnectorFailed:
        return True


def test_so_many_events_are_on_their_way_to_one_receiver_and_others_come_in_turn():
    pace = ReceiverPace()
    with ExitStack() as stack:
        for _ in range(MAX_AT_ONCE):
            stack.enter_context(pace.turn("till", NOON))
        turns = []
        for _ in range(3):
            with pytest.raises(ReceiverBusy) as busy, pace.turn("till", NOON):
                pass
            turns.append(busy.value.until)
        assert NOON < turns[0] < turns[1] < turns[2]
        # Another has its own.
        assert not is_resting(pace, NOON, "shop")
    assert not is_resting(pace, NOON)


def test_a_receiver_that_failed_rests_longer_each_time_until_it_is_back():
    pace = ReceiverPace()
    now = NOON
    rests = []
    for _ in range(8):
        fail(pace, now)
        seconds = next(
            seconds
            for seconds in range(1, 1000)
            if not _rests_at(pace, now + timedelta(seconds=seconds))
        )
        rests.append(seconds)
        now += timedelta(seconds=seconds)
    assert rests == sorted(rests)
    assert rests[0] < 5
    assert rests[-1] == MAX_REST_SECONDS
    assert not is_resting(pace, now)
    fail(pace, now)
    assert is_resting(pace, now + timedelta(seconds=1))
    assert not is_resting(pace, now + timedelta(seconds=rests[0]))


def _rests_at(pace, at):
    until = pace._receivers["till"].rests_until
    return until is not None and at < until


def test_after_its_rest_a_receiver_gets_one_event_alone():
    pace = ReceiverPace()
    fail(pace, NOON)
    later = NOON + timedelta(minutes=5)
    with pace.turn("till", later):
        assert is_resting(pace, later)
    assert not is_resting(pace, later)


def test_a_mistake_of_ours_is_no_failure_of_the_receiver():
    pace = ReceiverPace()
    with pytest.raises(ZeroDivisionError), pace.turn("till", NOON):
        raise ZeroDivisionError
    assert not is_resting(pace, NOON)
