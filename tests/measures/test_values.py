"""Values: quantiles as statistics has them, and spreads that hide people."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.measures.values import Share, Spread, TimeSamples, quantile, spread

NUMBERS = st.lists(st.floats(0, 1e9), min_size=1, max_size=40)


@given(NUMBERS)
def test_the_half_is_the_usual_median(values):
    assert quantile(sorted(values), 0.5) == pytest.approx(statistics.median(values))


@given(st.lists(st.floats(0, 1e9), min_size=2, max_size=40))
def test_the_ninth_decile_is_that_of_statistics(values):
    expected = statistics.quantiles(values, n=10, method="inclusive")[8]
    assert quantile(sorted(values), 0.9) == pytest.approx(expected)


def test_there_is_no_quantile_and_no_share_of_nothing():
    assert quantile([], 0.5) is None
    assert Share(0, 0).ratio is None
    assert TimeSamples().times().working_p50 is None


def test_two_people_are_not_shown():
    assert spread([]) == Spread(people=0)
    assert spread([4, 900]) == Spread(people=2)
    assert spread([7, 1, 4]) == Spread(people=3, median=4, minimum=1, maximum=7)


def test_samples_are_the_same_in_any_order():
    first, second = TimeSamples(), TimeSamples()
    for one in (1, 2):
        first.add(working=one, clock=one)
    for one in (2, 1):
        second.add(working=one, clock=one)
    assert first == second
    assert first != TimeSamples()
    assert first != "samples"
