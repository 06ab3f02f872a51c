"""Deadlines in working time, and the reminders before and after them."""

from datetime import UTC, datetime, timedelta

from bot.cases.hours import ALWAYS
from bot.cases.sla import MAX_REMINDER_GAP, MIN_REMINDER_GAP, Sla, next_reminder, promise_sla

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
