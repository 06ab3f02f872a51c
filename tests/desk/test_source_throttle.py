"""The turns of new cases: fair between sources, and bounded in memory."""

from datetime import timedelta

from bot.desk.source_throttle import SourceThrottle
from tests.fakes.clock import NOON


def test_a_quiet_source_is_ahead_of_one_that_has_sent_much():
    throttle = SourceThrottle(per_second=10, burst=20)
    loud = [throttle.next_turn("loud", NOON) for _ in range(5)][-1]
    quiet = throttle.next_turn("quiet", NOON)
    assert (quiet.run_at, loud.run_at) == (NOON, NOON)
    assert quiet < loud


def test_a_source_that_has_been_quiet_has_its_whole_burst_again():
    throttle = SourceThrottle(per_second=10, burst=20)
    first = throttle.next_turn("a", NOON)
    for _ in range(19):
        throttle.next_turn("a", NOON)
    later = NOON + timedelta(seconds=10)
    assert throttle.next_turn("a", later).priority == first.priority
