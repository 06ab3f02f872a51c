"""Delegations: for whom, for which kind and when they hold."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.delegation import stands_in_for
from tests.cases.making import ANA, BEN, CARLA, HOUR, NOW, OMAR, delegation

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("kind", "of_case", "at", "holds"),
    [
        ("", "low_stock", NOW, True),
        ("", "lead_cold", NOW, True),
        ("low_stock", "low_stock", NOW, True),
        ("low_stock", "lead_cold", NOW, False),
        ("", "low_stock", NOW - SECOND, False),
        ("", "low_stock", NOW + 8 * HOUR - SECOND, True),
        # Its end is no part of it.
        ("", "low_stock", NOW + 8 * HOUR, False),
        ("low_stock", "lead_cold", NOW - SECOND, False),
    ],
)
def test_a_delegation_holds_for_its_kind_from_its_beginning_until_its_end(kind, of_case, at, holds):
    assert delegation(kind=kind).holds(of_case, at) is holds


def test_somebody_stands_in_only_for_those_who_gave_it_to_them():
    of_ben, of_carla = delegation(), delegation(CARLA)
    to_ana, over = delegation(taker=ANA), delegation(begins=NOW - 9 * HOUR)
    everything = (of_ben, of_carla, to_ana, over)
    assert stands_in_for(everything, OMAR.id, kind="low_stock", now=NOW) == [of_ben, of_carla]
    assert stands_in_for(everything, ANA.id, kind="low_stock", now=NOW) == [to_ana]
    assert stands_in_for(everything, BEN.id, kind="low_stock", now=NOW) == []
    assert stands_in_for((), OMAR.id, kind="low_stock", now=NOW) == []


def test_a_later_delegation_between_the_same_two_for_the_same_kind_has_the_same_key():
    first = delegation(kind="low_stock")
    assert replace(first, ends_at=NOW + 9 * HOUR, giver_name="Benjamin").key == first.key
    others = [delegation(), delegation(CARLA, kind="low_stock"), delegation(taker=ANA)]
    assert len({first.key, *(other.key for other in others)}) == 4


@given(st.integers(-20, 20), st.integers(1, 20), st.integers(-40, 60))
def test_a_delegation_holds_at_no_moment_outside_its_time(begins, hours, at):
    one = delegation(begins=NOW + begins * HOUR, hours=hours)
    assert one.holds("low_stock", NOW + at * HOUR) is (begins <= at < begins + hours)
