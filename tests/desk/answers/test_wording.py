"""Counts, money and times in the sentences of answers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.cases.hours import Hours
from bot.desk.answers.wording import (
    case_count,
    count_word,
    day_text,
    describe_seconds,
    stakes_text,
    total_text,
)
from bot.ports.case_queries import Total

NOW = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_199, "120 minutes"),
        (7_200, "2 hours"),
        (9_000, "2.5 hours"),
        (172_800, "2 days"),
    ],
)
def test_a_time_is_said_in_the_largest_unit_that_fits_twice(seconds, words):
    assert describe_seconds(seconds) == words


def test_counts_are_words_up_to_ten():
    words = [count_word(count) for count in (0, 1, 10, 11, 1_200)]
    assert words == ["none", "one", "ten", "11", "1,200"]
    assert [case_count(1), case_count(3)] == ["one case", "three cases"]


def test_each_currency_is_summed_for_itself():
    assert stakes_text({}) == ""
    assert stakes_text({"GBP": Decimal(1200)}) == "£1,200.00"
    stakes = {"GBP": Decimal(1), "EUR": Decimal(2), "USD": Decimal(3)}
    assert stakes_text(stakes) == "€2.00, £1.00 and $3.00"
    assert total_text(Total(2, {"GBP": Decimal(5)}), "wait on you") == (
        "two wait on you, £5.00 together"
    )
    assert total_text(Total(1, {})) == "one case"


def test_a_day_is_that_of_the_askers_clock():
    tokyo = Hours(zone="Asia/Tokyo")
    late = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    assert day_text(late, Hours(), NOW) == "Wed 25 Nov"
    assert day_text(late, tokyo, NOW) == "01:00 today"
    assert day_text(datetime(2025, 3, 1, tzinfo=UTC), Hours(), NOW) == "Sat 1 Mar 2025"
