"""The hours in which plans may run alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.alone_hours import WEEKDAYS, AloneHours
from bot.cases.hours import Hours

MONDAY = datetime(2026, 11, 23)


@pytest.mark.parametrize(
    ("open", "days", "at", "is_open"),
    [
        ("08:00-18:00", ("mon",), "08:00", True),
        ("08:00-18:00", ("mon",), "07:59", False),
        ("08:00-18:00", ("mon",), "18:00", False),
        ("08:00-18:00", ("tue",), "12:00", False),
        ("22:00-02:00", ("mon",), "23:00", True),
        ("22:00-02:00", ("sun",), "01:59", True),
        ("22:00-02:00", ("mon",), "01:59", False),
        ("00:00-00:00", ("mon",), "00:00", True),
        ("00:00-00:00", ("sun",), "12:00", False),
    ],
)
def test_hours_are_open_by_the_local_clock(open, days, at, is_open):
    hour, _, minute = at.partition(":")
    local_at = MONDAY.replace(hour=int(hour), minute=int(minute))
    assert AloneHours(open, days).is_open(local_at) is is_open


@given(
    opens=st.integers(0, 95),
    closes=st.integers(0, 95),
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    minutes=st.integers(0, 7 * 24 * 60 - 1),
)
def test_they_are_open_exactly_when_working_hours_written_alike_are(opens, closes, days, minutes):
    def clock(quarter):
        return f"{quarter // 4:02}:{quarter % 4 * 15:02}"

    local_at = MONDAY + timedelta(minutes=minutes)
    hours = AloneHours(f"{clock(opens)}-{clock(closes)}", tuple(days))
    others = Hours(
        opens=datetime.strptime(clock(opens), "%H:%M").time(),
        closes=datetime.strptime(clock(closes), "%H:%M").time(),
        days=frozenset(WEEKDAYS.index(day) for day in days),
    )
    assert hours.is_open(local_at) is others.is_open(local_at.replace(tzinfo=UTC))
