"""Names of periods, on the clock of whoever asks."""

from datetime import UTC, datetime

import pytest

from bot.cases.hours import Hours
from bot.desk.answers.periods import (
    BEGINNING,
    FOREVER,
    NAMES,
    PeriodClock,
    UnknownPeriod,
    describe_limit,
    describe_period,
    is_period_name,
)
from bot.views.query import Period

LONDON = Hours(zone="Europe/London")
#: A Thursday, 10:30 in London.
NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)
CLOCK = PeriodClock(now=NOW, hours=LONDON)
AHEAD = PeriodClock(now=NOW, hours=LONDON, looks_ahead=True)


def at(day, month=11, hour=0, minute=0, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("today", at(26), at(27)),
        ("yesterday", at(25), at(26)),
        ("tomorrow", at(27), at(28)),
        ("day_before_yesterday", at(24), at(25)),
        ("this_morning", at(26), at(26, hour=12)),
        ("tonight", at(26, hour=18), at(27)),
        ("overnight", at(25, hour=18), at(26, hour=8)),
        ("last_night", at(25, hour=18), at(26, hour=8)),
        ("weekend", at(21), at(23)),
        ("this_week", at(23), at(30)),
        ("last_week", at(16), at(23)),
        ("next_week", at(30), at(7, 12)),
        ("this_month", at(1), at(1, 12)),
        ("last_month", at(30, 9, hour=23), at(1)),
        ("last_year", at(1, 1, year=2025), at(1, 1)),
        ("thursday", at(26), at(27)),
        ("friday", at(20), at(21)),
        ("december", at(1, 12, year=2025), at(1, 1)),
        ("2026-11-21", at(21), at(22)),
        ("today@12:00", at(26, hour=12), at(26, hour=12)),
        ("friday@17:30", at(20, hour=17, minute=30), at(20, hour=17, minute=30)),
        ("-P3D", at(23, hour=10, minute=30), at(23, hour=10, minute=30)),
        ("-PT2H", at(26, hour=8, minute=30), at(26, hour=8, minute=30)),
        ("+PT2H", at(26, hour=12, minute=30), at(26, hour=12, minute=30)),
        ("-P2W", at(12, hour=10, minute=30), at(12, hour=10, minute=30)),
    ],
)
def test_a_name_is_a_period_on_the_clock_of_the_asker(name, begin, end):
    assert CLOCK.span(name) == (begin, end)


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("friday", at(27), at(28)),
        ("thursday", at(26), at(27)),
        ("monday", at(30), at(1, 12)),
        ("december", at(1, 12), at(1, 1, year=2027)),
        ("weekend", at(28), at(30)),
        ("overnight", at(26, hour=18), at(27, hour=8)),
    ],
)
def test_what_is_due_is_due_at_the_next_of_a_name(name, begin, end):
    assert AHEAD.span(name) == (begin, end)


def test_days_are_whole_when_the_clock_changes():
    clock = PeriodClock(now=at(26, 10, hour=12), hours=LONDON)
    begin, end = clock.span("yesterday")
    # Sunday 25 October 2026 has 25 hours in London.
    assert (begin, end) == (at(24, 10, hour=23), at(26, 10))
    assert clock.span("weekend") == (at(23, 10, hour=23), at(26, 10))
    assert clock.span("-P3D")[0] == at(23, 10, hour=11)


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        (Period(begin="friday"), at(20), NOW),
        (Period(begin="last_week", end="last_week"), at(16), at(23)),
        (Period(begin="monday", end="wednesday"), at(23), at(26)),
        (Period(before="monday"), BEGINNING, at(23)),
        (Period(end="yesterday"), BEGINNING, at(26)),
        (Period(), BEGINNING, FOREVER),
    ],
)
def test_a_period_lasts_from_the_beginning_of_one_name_to_the_end_of_another(period, begin, end):
    first, last = CLOCK.resolve(period)
    assert first == begin
    assert 0 <= (last - end).total_seconds() <= 1


def test_both_ends_of_a_period_are_of_one_week():
    tuesday = PeriodClock(now=at(24, hour=9), hours=LONDON)
    assert tuesday.resolve(Period(begin="monday", end="wednesday")) == (at(16), at(19))
    ahead = PeriodClock(now=at(24, hour=9), hours=LONDON, looks_ahead=True)
    assert ahead.resolve(Period(begin="friday", end="monday")) == (at(27), at(1, 12))
    assert ahead.resolve(Period(begin="friday"))[1] == FOREVER


@pytest.mark.parametrize(
    "name", ["", "blah", "friday@25:00", "2026-13-01", "x" * 10_000, "-P", "9999-12-31", "+P99999Y"]
)
def test_a_name_that_is_none_is_refused(name):
    assert not is_period_name(name)
    with pytest.raises(UnknownPeriod):
        CLOCK.span(name)


def test_every_name_is_a_period():
    assert all(map(is_period_name, NAMES))
    assert CLOCK.span("-P999Y")[0] >= BEGINNING.replace(year=1)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(begin="friday"), "since Friday"),
        (Period(begin="last_week", end="last_week"), "last week"),
        (Period(begin="friday", end="friday"), "on Friday"),
        (Period(begin="june", end="june"), "in June"),
        (Period(begin="-P3D"), "in the last 3 days"),
        (Period(begin="-PT1H30M"), "in the last 1 hour 30 minutes"),
        (Period(begin="weekend", end="weekend"), "at the weekend"),
        (Period(begin="weekend"), "since the weekend"),
        (Period(begin="overnight", end="overnight"), "overnight"),
        (Period(before="monday"), "before Monday"),
        (Period(begin="monday", end="wednesday"), "from Monday to Wednesday"),
        (Period(begin="2026-11-21", end="2026-11-21"), "on Sat 21 Nov 2026"),
        (Period(begin="today@12:00"), "since 12:00 today"),
        (
            Period(begin="day_before_yesterday", end="day_before_yesterday"),
            "the day before yesterday",
        ),
    ],
)
def test_a_period_in_words(period, words):
    assert describe_period(period) == words


def test_a_limit_in_words():
    assert describe_limit("+PT2H") == "within 2 hours"
    assert describe_limit("friday") == "by Friday"
    assert describe_limit("this_week") == "by the end of this week"
    assert describe_limit("today@12:00") == "by 12:00 today"
