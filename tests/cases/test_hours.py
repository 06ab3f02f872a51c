"""Working time over weekends, holidays, evenings and changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.hours import ALWAYS, Hours, no_holidays
from bot.cases.sla import next_reminder, promise_sla

HOUR = timedelta(hours=1)
LONDON = ZoneInfo("Europe/London")
OFFICE = Hours(
    zone="Europe/London",
    opens=time(9),
    closes=time(18),
    days=frozenset(range(5)),
    is_holiday=lambda day: (day.month, day.day) == (12, 25),
)
EVENING = Hours(zone="Europe/London", opens=time(17), closes=time(2))


def london(*at, fold=0):
    return datetime(*at, tzinfo=LONDON, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "span", "then"),
    [
        (
            london(2026, 11, 20, 16),
            4 * HOUR,
            london(2026, 11, 23, 11),
        ),  # Friday afternoon to Monday
        (london(2026, 11, 21, 12), HOUR, london(2026, 11, 23, 10)),  # Saturday
        (
            london(2026, 12, 24, 17),
            2 * HOUR,
            london(2026, 12, 28, 10),
        ),  # over Christmas and a weekend
        (
            london(2026, 3, 27, 17),
            2 * HOUR,
            london(2026, 3, 30, 10),
        ),  # the clock goes forward on the Sunday
        (london(2026, 10, 23, 17), 2 * HOUR, london(2026, 10, 26, 10)),  # and back
        (london(2026, 11, 20, 18), timedelta(0), london(2026, 11, 23, 9)),  # closing time is closed
    ],
)
def test_working_time_goes_by_only_while_people_are_there(at, span, then):
    assert OFFICE.add_working_time(at, span) == then


@given(
    st.sampled_from([ALWAYS, OFFICE, EVENING]),
    st.integers(0, 400 * 24 * 60),
    st.integers(1, 40 * 24 * 60),
)
def test_working_time_between_two_moments_is_the_reverse_of_adding_it(hours, start, minutes):
    at = hours.next_opening(london(2026, 1, 5, 9) + timedelta(minutes=start))
    span = timedelta(minutes=minutes)
    assert hours.working_time(at, hours.add_working_time(at, span)) == span


def test_working_time_leaves_out_nights_weekends_and_the_past():
    friday, monday = london(2026, 11, 20, 16), london(2026, 11, 23, 11)
    assert OFFICE.working_time(friday, monday) == 4 * HOUR
    assert ALWAYS.working_time(friday, monday) == monday - friday
    assert OFFICE.working_time(london(2026, 11, 21, 9), london(2026, 11, 22, 9)) == timedelta(0)
    assert OFFICE.working_time(monday, friday) == timedelta(0)


def test_an_evening_ends_on_the_next_day():
    assert EVENING.is_open(london(2026, 11, 21, 1))
    assert not EVENING.is_open(london(2026, 11, 21, 3))
    assert EVENING.add_working_time(london(2026, 11, 21, 1), 2 * HOUR) == london(2026, 11, 21, 18)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_on_the_day_of_a_clock_change_opening_is_at_the_hour_on_the_wall(day):
    always = Hours(zone="Europe/London", opens=time(9), closes=time(18))
    at = always.next_opening(datetime.combine(day, time(0), LONDON).astimezone(UTC))
    assert always.local(at).time() == time(9)
    assert always.digest_time(day).astimezone(LONDON).time() == time(9)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),
    st.integers(0, 60 * 24 * 9),
    st.integers(0, 60 * 24),
)
def test_working_time_adds_up_and_always_ends_inside_the_hours(naive, minutes, more):
    at = naive.replace(tzinfo=UTC)
    for hours in (OFFICE, EVENING, ALWAYS):
        once = hours.add_working_time(at, timedelta(minutes=minutes))
        assert hours.is_open(once)
        assert once >= at
        assert hours.add_working_time(once, timedelta(minutes=more)) == hours.add_working_time(
            at, timedelta(minutes=minutes + more)
        )


def test_a_promise_and_its_first_reminder_are_in_working_time():
    sla = promise_sla(
        london(2026, 11, 20, 16), decide_for=4 * HOUR, resolve_for=20 * HOUR, hours=OFFICE
    )
    assert sla.decide_by == london(2026, 11, 23, 11)
    assert sla.remind_at == london(2026, 11, 23, 9)
    assert (
        sla.resolve_by == london(2026, 11, 24, 18) + 15 * HOUR
    )  # nine hours a day: into Wednesday morning


def test_reminders_come_closer_before_the_hand_on_and_further_apart_after_it():
    sla = promise_sla(
        london(2026, 11, 23, 9), decide_for=4 * HOUR, resolve_for=20 * HOUR, hours=ALWAYS
    )

    def following(at, *, count, is_escalated):
        return next_reminder(
            sla,
            reminders=count,
            is_escalated=is_escalated,
            now=at,
            decide_for=4 * HOUR,
            hours=ALWAYS,
        )

    first = sla.remind_at
    second = following(first, count=0, is_escalated=False)
    assert (second - first, sla.decide_by - second) == (HOUR, HOUR)
    assert (
        following(sla.decide_by - timedelta(minutes=12), count=3, is_escalated=False)
        == sla.decide_by
    )
    gaps = [
        following(sla.decide_by, count=count, is_escalated=True) - sla.decide_by
        for count in range(6)
    ]
    assert gaps == [4 * HOUR, 8 * HOUR, 16 * HOUR, 32 * HOUR, 40 * HOUR, 40 * HOUR]


NEVER = Hours(opens=time(9), closes=time(17), days=frozenset())


def test_where_nobody_ever_works_closed_time_counts():
    at = london(2026, 11, 20, 16)
    assert NEVER.add_working_time(at, 4 * HOUR) == at + 4 * HOUR
    assert not NEVER.is_working_day(date(2026, 11, 20))
    assert not no_holidays(date(2026, 12, 25))


@pytest.mark.parametrize(
    ("at", "span", "end"),
    [
        # London: one in the morning does not exist on 29 March, and is there twice on 25 October.
        (london(2026, 3, 28, 23), 2 * HOUR, london(2026, 3, 29, 17)),
        (london(2026, 3, 28, 17), 9 * HOUR, london(2026, 3, 29, 18)),
        (london(2026, 10, 24, 23), 2 * HOUR, london(2026, 10, 25, 1)),
        (london(2026, 10, 24, 17), 9 * HOUR, london(2026, 10, 25, 1, fold=1)),
    ],
)
def test_an_evening_over_a_change_of_the_clock_is_as_long_as_it_is(at, span, end):
    assert EVENING.add_working_time(at, span) == end


ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
    st.times(),
    st.times(),
    st.sets(st.integers(0, 6), min_size=1),
)
def test_an_opening_is_at_the_hour_on_the_wall_of_a_working_day_in_every_zone(
    zone, naive, opens, closes, days
):
    hours = Hours(
        zone=zone,
        opens=opens.replace(microsecond=0, fold=0),
        closes=closes.replace(microsecond=0, fold=0),
        days=frozenset(days),
    )
    at = naive.replace(tzinfo=UTC)
    opening = hours.next_opening(at)
    assert opening >= at
    assert hours.is_open(opening)
    if opening > at:
        # One that does not exist on the day of a change of the clock is read an hour later.
        local = hours.local(opening)
        assert hours.is_working_day(local.date())
        expected = datetime.combine(local.date(), hours.opens, ZoneInfo(zone)).astimezone(UTC)
        assert opening == expected


@given(st.sampled_from(ZONES), st.dates(date(2025, 1, 1), date(2027, 1, 1)))
def test_a_day_begins_before_its_digest_and_after_the_day_before(zone, day):
    hours = Hours(zone=zone, digest_at=time(9, 30))
    assert hours.local(hours.digest_time(day)).time() == time(9, 30)
    assert hours.midnight(day) < hours.digest_time(day) < hours.midnight(day + timedelta(days=1))
    length = hours.midnight(day + timedelta(days=1)) - hours.midnight(day)
    assert abs(length - timedelta(days=1)) <= HOUR


def test_the_working_time_that_goes_on_or_comes_next_ends_at_its_closing():
    hours = Hours(opens=time(9), closes=time(17), days=frozenset(range(5)))
    friday, monday = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    assert hours.next_closing(friday.replace(hour=10)) == friday.replace(hour=17)
    assert hours.next_closing(friday.replace(hour=17)) == monday.replace(hour=17)
    evening = Hours(opens=time(17), closes=time(2))
    assert evening.next_closing(friday.replace(hour=1)) == friday.replace(hour=2)
