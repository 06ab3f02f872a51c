"""The period of a report, as people name it."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.cases.errors import Refusal
from bot.cli.report import parse_period
from bot.measures.totals import ReportPeriod
from tests.fakes.clock import NOON


def test_a_length_ends_now_and_a_day_begins_at_midnight():
    assert parse_period("90d", "", NOON) == ReportPeriod(NOON - timedelta(days=90), NOON)
    first, last = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    assert parse_period("2026-09-01", "2026-10-01", NOON) == ReportPeriod(first, last)
    assert parse_period("30d", "2026-10-01", NOON) == ReportPeriod(last - timedelta(days=30), last)
    assert parse_period("2026-09-01T08:00+02:00", "", NOON).since.hour == 8


@pytest.mark.parametrize(
    ("since", "until"),
    [("0d", ""), ("2026-12-01", ""), ("yesterday", ""), ("90d", "soon"), ("9999d", "")],
)
def test_what_is_no_period_is_refused(since, until):
    with pytest.raises(Refusal):
        parse_period(since, until, NOON)
