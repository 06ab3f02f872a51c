"""Before and after: what a period is compared with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.service_level import Baseline
from bot.measures.baseline import stated_values, windows_of
from bot.measures.totals import ReportPeriod
from bot.measures.values import Sum
from tests.world import playbook

LEVEL = playbook().measure
DAY = timedelta(days=1)
SINCE = datetime(2026, 9, 1, tzinfo=UTC)
PERIOD = ReportPeriod(SINCE, SINCE + 90 * DAY)
FIRST = SINCE - 200 * DAY


def windows(first=FIRST, period=PERIOD, **changes):
    return windows_of(replace(LEVEL, **changes), first_opened_at=first, period=period)


def test_a_kind_that_says_nothing_is_compared_with_nothing():
    assert windows() is None
    assert windows(first=None, baseline=Baseline(weeks=4)) is None


def test_the_first_weeks_come_before():
    found = windows(baseline=Baseline(weeks=4))
    assert found.before == ReportPeriod(FIRST, FIRST + 28 * DAY)
    assert found.after == PERIOD
    assert found.basis == "its first 4 weeks"


def test_what_is_still_baseline_is_not_counted_as_after():
    found = windows(first=SINCE, baseline=Baseline(weeks=4))
    assert found.after == ReportPeriod(SINCE + 28 * DAY, PERIOD.until)
    # All of the period is baseline.
    assert windows(first=SINCE, baseline=Baseline(weeks=20)) is None


def test_a_going_live_divides_the_time():
    found = windows(live_since=date(2026, 10, 1))
    live_at = datetime(2026, 10, 1, tzinfo=UTC)
    # Half a year before it says enough.
    assert found.before == ReportPeriod(live_at - timedelta(weeks=26), live_at)
    assert found.after == ReportPeriod(live_at, PERIOD.until)
    assert "1 October 2026" in found.basis
    # There were no cases before.
    assert windows(first=datetime(2026, 10, 2, tzinfo=UTC), live_since=date(2026, 10, 1)) is None


def test_figures_that_people_measured_come_first():
    baseline = Baseline(source="counted in March", rework=0.12, cost_per_case=Decimal("9.5"))
    found = windows(baseline=baseline, live_since=date(2026, 10, 1))
    assert (found.before, found.after) == (None, PERIOD)
    assert found.basis == "as stated: counted in March"
    values = stated_values(baseline, "GBP")
    assert values["rework"].ratio == pytest.approx(0.12)
    assert values["cost_per_case"] == Sum(9.5, "GBP")
    assert set(values) == {"rework", "cost_per_case"}


def test_stated_times_and_rates_are_measures():
    baseline = Baseline(
        source="asked",
        exception_rate=0.04,
        time_to_decision=timedelta(hours=26),
        time_to_resolution=timedelta(days=3),
    )
    values = stated_values(baseline, "GBP")
    assert values["exception_rate"].ratio == pytest.approx(0.04)
    assert values["time_to_decision"].working_p50 == 26 * 3600
    assert values["time_to_resolution"].working_p50 == 3 * 86_400
