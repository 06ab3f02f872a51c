"""Token buckets: the rate holds over any span of time."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rate_limit import RateLimit, TokenBuckets

TWO_A_SECOND = RateLimit(per_second=2.0, burst=4.0)
# Time is a float: a wait that was rounded down by one unit in the last place is not over.
ROUNDING = 1e-6


def test_a_full_bucket_lets_a_burst_through_and_then_asks_to_wait():
    buckets = TokenBuckets()
    waits = [buckets.take("a", TWO_A_SECOND, now=10.0) for _ in range(6)]
    assert waits == [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]
    assert buckets.take("a", TWO_A_SECOND, now=10.5) == 0.0
    assert buckets.take("b", TWO_A_SECOND, now=10.5) == 0.0


def test_asking_how_long_takes_nothing():
    buckets = TokenBuckets()
    waits = [buckets.seconds_until("a", TWO_A_SECOND, now=0.0) for _ in range(9)]
    assert waits == [0.0] * 9
    assert buckets.seconds_until("a", TWO_A_SECOND, now=0.0, tokens=5.0) == 0.5
    assert buckets.take("a", TWO_A_SECOND, now=0.0, tokens=4.0) == 0.0


def test_a_batch_larger_than_the_bucket_passes_when_it_is_full_and_is_made_up_for():
    buckets = TokenBuckets()

    def take_ten(now):
        return buckets.take("a", TWO_A_SECOND, now, tokens=10.0, required=4.0)

    assert take_ten(now=0.0) == 0.0
    assert buckets.take("a", TWO_A_SECOND, now=0.0, tokens=0.0, required=1.0) == 3.5
    assert take_ten(now=4.9) > 0.0
    assert take_ten(now=5.0) == 0.0


def test_what_is_borrowed_is_owed():
    buckets = TokenBuckets()
    levels = [buckets.borrow("a", TWO_A_SECOND, now=0.0) for _ in range(6)]
    assert levels == [3.0, 2.0, 1.0, 0.0, -1.0, -2.0]
    assert buckets.take("a", TWO_A_SECOND, now=0.0) == 1.5


def test_a_clock_that_is_set_back_adds_no_tokens():
    buckets = TokenBuckets()
    buckets.take("a", TWO_A_SECOND, now=100.0, tokens=4.0)
    assert buckets.take("a", TWO_A_SECOND, now=1.0) == 0.5
    assert buckets.take("a", TWO_A_SECOND, now=100.4) == pytest.approx(0.1)


def test_a_limit_that_changes_holds_from_then_on():
    buckets = TokenBuckets()
    slower = RateLimit(per_second=1.0, burst=1.0)
    buckets.take("a", TWO_A_SECOND, now=0.0)
    assert buckets.take("a", slower, now=0.0) == 0.0
    assert buckets.take("a", slower, now=0.0) == 1.0


def test_the_key_that_was_used_least_recently_is_forgotten():
    buckets = TokenBuckets(max_keys=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, TWO_A_SECOND, now=0.0, tokens=2.0)
    assert len(buckets) == 2
    assert buckets.take("a", TWO_A_SECOND, now=0.0) == 0.5
    assert buckets.take("b", TWO_A_SECOND, now=0.0) == 0.0


@pytest.mark.parametrize(("per_second", "burst"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0)])
def test_a_limit_that_lets_nothing_through_is_refused(per_second, burst):
    with pytest.raises(ValueError, match="positive"):
        RateLimit(per_second, burst)


def test_threads_together_take_no_more_than_there_is():
    buckets = TokenBuckets()
    limit = RateLimit(per_second=1.0, burst=100.0)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: buckets.take("a", limit, now=0.0), range(400)))
    assert waits.count(0.0) == 100


limits = st.builds(
    RateLimit,
    per_second=st.floats(0.01, 1000.0),
    burst=st.integers(1, 50).map(float),
)
gaps = st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60)


@given(limit=limits, gaps=gaps)
def test_over_any_span_no_more_passes_than_the_burst_and_the_rate(limit, gaps):
    buckets = TokenBuckets()
    times = list(itertools.accumulate(gaps))
    times_taken = [now for now in times if buckets.take("a", limit, now) == 0.0]
    for first, start in enumerate(times_taken):
        for last in range(first, len(times_taken)):
            bound = limit.burst + limit.per_second * (times_taken[last] - start)
            assert last - first + 1 <= bound + ROUNDING


@given(limit=limits, gaps=gaps)
def test_the_wait_that_is_named_is_enough_and_not_too_long(limit, gaps):
    buckets = TokenBuckets()
    for now in itertools.accumulate(gaps):
        wait = buckets.take("a", limit, now)
        if wait:
            assert wait <= 1.0 / limit.per_second + ROUNDING
            assert buckets.seconds_until("a", limit, now + wait / 2) > 0.0
            assert buckets.seconds_until("a", limit, now + wait) <= ROUNDING
            return


@given(limit=limits, gaps=gaps)
def test_after_a_rest_a_used_key_is_like_a_new_one(limit, gaps):
    buckets = TokenBuckets()
    times = list(itertools.accumulate(gaps))
    for now in times:
        buckets.borrow("used", limit, now)
    later = times[-1] + (limit.burst + len(times)) / limit.per_second + 1.0
    full = buckets.borrow("new", limit, later)
    assert buckets.borrow("used", limit, later) == pytest.approx(full)
