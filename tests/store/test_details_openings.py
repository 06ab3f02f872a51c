"""Openings of details: the first of each plan, without a name."""

from datetime import UTC, datetime, timedelta

from bot.store.details_openings import counting_since, opening_times
from tests.fakes.clock import NOON

MINUTE = timedelta(minutes=1)


def test_the_first_opening_of_each_plan_is_read_by_its_case(store):
    openings = store.details_openings
    openings.record("EX-1", 1, NOON)
    openings.record("EX-1", 1, NOON + MINUTE)
    openings.record("EX-1", 2, NOON + 2 * MINUTE)
    openings.record("EX-2", 1, NOON + 3 * MINUTE)
    with store.database.snapshot() as connection:
        assert opening_times(connection, ["EX-1", "EX-9"]) == {
            ("EX-1", 1): NOON,
            ("EX-1", 2): NOON + 2 * MINUTE,
        }
        assert counting_since(connection) == NOON


def test_nothing_is_counted_before_the_first(store):
    with store.database.snapshot() as connection:
        assert counting_since(connection) is None
        assert opening_times(connection, ["EX-1"]) == {}
    store.details_openings.record("EX-1", 1, datetime(2026, 1, 1, tzinfo=UTC))
    with store.database.snapshot() as connection:
        assert counting_since(connection) == datetime(2026, 1, 1, tzinfo=UTC)
