"""Deadlines in working time, and the reminders before and after them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.hours import ALWAYS
from bot.cases.sla import MAX_REMINDER_GAP, MIN_REMINDER_GAP, Sla, next_reminder, promise_sla, rank

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_deadlines_and_the_first_reminder_are_counted_from_the_opening():
    sla = promise_sla(NOW, decide_for=HOUR, resolve_for=4 * HOUR)
    assert sla == Sla(NOW + HOUR, NOW + 4 * HOUR, NOW + HOUR / 2)


def reminder(now: datetime, *, reminded: int = 0, escalated: bool = False) -> datetime:
    return next_reminder(
        promise_sla(NOW, decide_for=HOUR, resolve_for=4 * HOUR),
        reminders=reminded,
        is_escalated=escalated,
        now=now,
        decide_for=HOUR,
        hours=ALWAYS,
    )


def test_before_the_escalation_a_reminder_is_halfway_to_it_unless_that_is_too_close():
    assert reminder(NOW) == NOW + HOUR / 2
    late = NOW + HOUR - MIN_REMINDER_GAP
    assert reminder(late) == NOW + HOUR


def test_after_the_escalation_the_gaps_double_up_to_a_bound():
    later = NOW + 2 * HOUR
    gaps = [reminder(later, reminded=count, escalated=True) - later for count in (0, 1, 2, 99)]
    assert gaps == [HOUR, 2 * HOUR, 4 * HOUR, MAX_REMINDER_GAP]


@pytest.mark.parametrize(
    ("stake", "hours_earlier"),
    [(None, 0), (0, 0), (-5, 0), (9, 4), (99, 8), (999, 12), (999_999, 24)],
)
def test_a_tenfold_of_money_is_worth_four_hours(stake, hours_earlier):
    sla = promise_sla(NOW, decide_for=HOUR, resolve_for=4 * HOUR)
    amount = None if stake is None else Decimal(stake)
    assert rank(sla, amount) == sla.decide_by.timestamp() - hours_earlier * 3600


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000), st.integers(1, 1000))
def test_more_money_and_an_earlier_deadline_come_first(one, other, early, late):
    soon, later = (
        promise_sla(NOW, decide_for=hours * HOUR, resolve_for=2000 * HOUR)
        for hours in sorted((early, late))
    )
    less, more = sorted((Decimal(one), Decimal(other)))
    assert rank(soon, more) <= rank(later, more)
    assert rank(soon, more) <= rank(soon, less)


@given(st.integers(0, 20), st.booleans(), st.integers(0, 60 * 80), st.integers(1, 48))
def test_a_reminder_is_always_later_and_never_past_the_escalation(
    count, is_escalated, minutes, span
):
    sla = promise_sla(NOW, decide_for=span * HOUR, resolve_for=200 * HOUR)
    now = NOW + timedelta(minutes=minutes)
    following = next_reminder(
        sla,
        reminders=count,
        is_escalated=is_escalated,
        now=now,
        decide_for=span * HOUR,
        hours=ALWAYS,
    )
    assert now < following <= now + MAX_REMINDER_GAP + span * HOUR
    if not is_escalated and now < sla.decide_by:
        assert following <= sla.decide_by
