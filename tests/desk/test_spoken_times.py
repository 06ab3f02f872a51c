"""Times as people say them, on their own clock and in the channel's hours."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.hours import ALWAYS, Hours
from bot.desk.spoken_times import MAX_SPAN, read_time

# A Thursday, 15:30 in London and 10:30 in New York.
NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
LONDON = Hours(zone="Europe/London", opens=time(9), closes=time(18), days=frozenset(range(5)))


def told(text, zone=""):
    at = read_time(text, NOW, LONDON, zone)
    return f"{at:%d %b %H:%M}" if at else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Monday", "30 Nov 09:00"),
        ("next monday", "30 Nov 09:00"),
        ("on Fri", "27 Nov 09:00"),
        ("Thursday", "03 Dec 09:00"),
        ("Saturday", "30 Nov 09:00"),
        ("tomorrow", "27 Nov 09:00"),
        ("the day after tomorrow", "30 Nov 09:00"),
        ("tomorrow 9", "27 Nov 09:00"),
        ("tomorrow at 9:30", "27 Nov 09:30"),
        ("9 tomorrow", "27 Nov 09:00"),
        ("tomorrow morning", "27 Nov 09:00"),
        ("Friday at 2", "27 Nov 14:00"),
        ("friday 2 am", "27 Nov 02:00"),
        ("Monday, noon", "30 Nov 12:00"),
        ("in two hours", "26 Nov 17:30"),
        ("2h", "26 Nov 17:30"),
        ("an hour", "26 Nov 16:30"),
        ("half an hour", "26 Nov 16:00"),
        ("for 45 minutes", "26 Nov 16:15"),
        ("ten days", "07 Dec 09:00"),
        ("a week", "03 Dec 09:00"),
        ("next week", "30 Nov 09:00"),
        ("tonight", "26 Nov 20:00"),
        ("16:00", "26 Nov 16:00"),
        ("9:00", "27 Nov 09:00"),
        ("1 December", "01 Dec 09:00"),
        ("Dec 1st", "01 Dec 09:00"),
        ("the 3rd of March 14:00", "03 Mar 14:00"),
        ("2026-12-01", "01 Dec 09:00"),
    ],
)
def test_what_people_say(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the supplier answers",
        "he is back",
        "may",
        "yesterday",
        "today",
        "1.12.",
        "5/6",
        "31 February",
        "monday 25",
        "99:99",
        "999 weeks",
        "2020-01-01",
        "2026-13-45",
        "monday tuesday",
    ],
)
def test_what_is_no_time_to_come(text):
    assert told(text) is None


def test_a_time_is_on_the_clock_of_whoever_says_it():
    assert told("tomorrow 9", "America/New_York") == "27 Nov 14:00"
    assert told("in two hours", "America/New_York") == "26 Nov 17:30"
    # Their Monday, when the channel opens.
    assert told("Monday", "America/New_York") == "30 Nov 09:00"
    assert told("tomorrow 9", "Middle/Earth") == "27 Nov 09:00"
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    assert read_time("tomorrow 9", late, LONDON, "Pacific/Auckland") == datetime(
        2026, 11, 27, 20, 0, tzinfo=UTC
    )


def test_where_nothing_ever_closes_a_day_begins_with_its_summary():
    assert read_time("Monday", NOW, ALWAYS, "America/New_York") == datetime(
        2026, 11, 30, 14, 0, tzinfo=UTC
    )


def test_the_clock_on_the_wall_may_be_changed_meanwhile():
    saturday = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    opening = read_time("Monday", saturday, LONDON, "Europe/London")
    assert opening == datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
    night = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read_time("in two hours", night, LONDON) == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["in", "two", "2", "hours", "monday", "at", "9:30", "pm", "tomorrow", "1", "dec"]
            ),
            max_size=6,
        ).map(" ".join),
    )
)
def test_any_text_gives_a_time_to_come_or_none(text):
    at = read_time(text, NOW, LONDON, "Asia/Tokyo")
    assert at is None or NOW < at <= NOW + MAX_SPAN
