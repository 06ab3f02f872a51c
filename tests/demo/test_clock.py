from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.hours import Hours
from bot.clock import utc_now
from bot.demo.clock import DemoClock, clock_stops

LONDON = Hours(zone="Europe/London")
# In summer, when London is an hour ahead of UTC.
THURSDAY = datetime(2026, 6, 25, 21, 30, tzinfo=UTC)


def stops(now, hours=LONDON):
    offered = clock_stops(now, hours, None)
    return {stop["title"]: datetime.fromtimestamp(stop["at"], UTC) for stop in offered}


def test_the_clock_is_that_of_the_machine_until_it_is_moved():
    clock = DemoClock()
    assert abs(clock() - utc_now()) < timedelta(seconds=5)
    assert clock.move_ahead(timedelta(days=1))
    assert clock() - utc_now() > timedelta(hours=23)


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(0), timedelta(days=1)])
def test_the_clock_is_never_set_back(ahead):
    clock = DemoClock()
    clock.move_ahead(timedelta(days=1))
    before = clock()
    assert not clock.move_ahead(ahead)
    assert clock() >= before


def test_the_clock_moves_to_the_next_digest_and_the_next_review():
    assert stops(THURSDAY) == {
        "Tomorrow 9:00": datetime(2026, 6, 26, 8, 0, tzinfo=UTC),
        "Monday 9:00": datetime(2026, 6, 29, 8, 0, tzinfo=UTC),
    }


def test_tomorrow_is_that_of_the_people():
    # In London it is Friday already.
    after_midnight = datetime(2026, 6, 25, 23, 30, tzinfo=UTC)
    assert stops(after_midnight)["Tomorrow 9:00"] == datetime(2026, 6, 27, 8, 0, tzinfo=UTC)


def test_on_the_day_of_the_review_the_next_one_is_a_week_ahead():
    monday = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)
    assert stops(monday)["Monday 9:00"] == datetime(2026, 7, 6, 8, 0, tzinfo=UTC)
