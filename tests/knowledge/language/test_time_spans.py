"""Spans of time follow the local calendar."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.cases.hours import Hours
from knowledge.language.time_spans import take_span

LONDON = Hours(zone="Europe/London", opens=time(9), closes=time(18))
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def london(*date):
    return datetime(*date, tzinfo=ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("today", london(2026, 11, 21), london(2026, 11, 22)),
        ("yesterday", london(2026, 11, 20), london(2026, 11, 21)),
        ("this week", london(2026, 11, 16), london(2026, 11, 23)),
        ("last week", london(2026, 11, 9), london(2026, 11, 16)),
        ("last month", london(2026, 10, 1), london(2026, 11, 1)),
        ("since monday", london(2026, 11, 16), london(2026, 11, 22)),
    ],
)
def test_a_span_begins_and_ends_at_local_midnight(name, since, until):
    span, rest = take_span(f"how many {name}", NOW, LONDON)
    assert (span.since, span.until, span.name) == (since, until, name)
    assert rest.split() == ["how", "many"]


def test_a_month_with_a_clock_change_begins_and_ends_at_local_midnight():
    march, _ = take_span("how many last month", datetime(2026, 4, 10, tzinfo=UTC), LONDON)
    assert (march.until - march.since).total_seconds() == (31 * 24 - 1) * 3600


def test_a_text_without_a_span_stays_as_it_is():
    assert take_span("what is open", NOW, LONDON) == (None, "what is open")
