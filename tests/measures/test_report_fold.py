"""The report: cells that add up, by kind, by team, over time, before and after."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from bot.cases.desk_kinds import ASSISTANT
from bot.cases.hours import ALWAYS
from bot.cases.service_level import Baseline, Denominator, Targets
from bot.cases.signal import UNRECOGNISED
from bot.desk.measure_texts import assistant_text
from bot.measures.case_measures import fold_case
from bot.measures.catalogue import number_of
from bot.measures.report import KindTerms, LedgerState, ReportFold, bar_periods
from bot.measures.targets import target_results
from bot.measures.totals import ReportPeriod, add_up
from bot.measures.values import Share
from tests.cases.making import NOW
from tests.measures import lives
from tests.world import playbook

DAY = timedelta(days=1)
PERIOD = ReportPeriod(NOW - 10 * DAY, NOW + 20 * DAY)
COUNTED = Denominator(
    "bookings", "house", "SELECT COUNT(*) FROM b WHERE d >= :since AND d < :until"
)


def terms(kind="low_stock", **changes) -> KindTerms:
    level = replace(playbook().measure, minutes_by_hand=Decimal(10), **changes)
    return replace(KindTerms.of(playbook()), kind=kind, level=level)


def fold(period=PERIOD, first=NOW - 5 * DAY, **changes) -> ReportFold:
    return ReportFold(
        period=period,
        terms={"low_stock": terms(**changes), UNRECOGNISED: terms(UNRECOGNISED)},
        first_openings={"low_stock": first},
        hours=lambda channel: ALWAYS,
    )


def filled(one: ReportFold) -> ReportFold:
    for life in lives.every_life().values():
        one.add(fold_case(life.entries))
    return one


def report(one: ReportFold, denominators=None):
    return one.report(denominators=denominators or {}, ledger=LedgerState(entries=7))


@pytest.mark.parametrize(
    ("days", "bars", "step"), [(1, 1, 1), (20, 20, 1), (90, 13, 7), (800, 29, 28)]
)
def test_bars_cover_the_period_without_a_gap(days, bars, step):
    period = ReportPeriod(NOW - days * DAY, NOW)
    steps = list(bar_periods(period))
    assert len(steps) == bars
    assert (steps[0].since, steps[-1].until) == (period.since, period.until)
    assert all(a.until == b.since for a, b in pairwise(steps))
    assert steps[-1].until - steps[-1].since == step * DAY


def test_kinds_teams_and_bars_each_add_up_to_the_whole():
    result = report(filled(fold()))
    whole = result.total.totals
    for parts in (result.kinds, result.teams, result.bars):
        assert add_up([part.totals for part in parts]) == whole
    assert whole.openings == 12
    assert [kind.title for kind in result.kinds] == ["Running low"]
    assert {team.title for team in result.teams} == {"@floor-managers"}


def test_the_period_before_has_figures_of_its_own():
    later = ReportPeriod(NOW + DAY, NOW + 3 * DAY)
    result = report(filled(fold(period=later)))
    assert result.previous == ReportPeriod(NOW - DAY, NOW + DAY)
    assert (result.total.values["openings"].number, result.total.previous["openings"].number) == (
        0,
        12,
    )


def test_a_rate_needs_the_number_that_was_counted():
    one = filled(fold(denominator=COUNTED))
    assert set(one.denominator_periods()) == {("low_stock", PERIOD), ("low_stock", one.previous)}
    result = report(one, {("low_stock", PERIOD): 300})
    assert result.kinds[0].values["exception_rate"] == Share(12, 300)
    assert result.kinds[0].previous["exception_rate"].ratio is None
    assert result.total.values["exception_rate"].ratio is None


def test_before_and_after_are_counted_apart():
    first = NOW - 13 * DAY
    one = filled(fold(first=first, baseline=Baseline(weeks=2), denominator=COUNTED))
    before, after = ReportPeriod(first, NOW + DAY), ReportPeriod(NOW + DAY, PERIOD.until)
    assert set(one.spans) == {ReportPeriod(one.previous.since, PERIOD.until), before}
    assert ("low_stock", before) in set(one.denominator_periods())
    comparison = report(one, {("low_stock", before): 100}).kinds[0].comparison
    assert comparison.before["endings"].number == 9
    assert comparison.before["exception_rate"] == Share(12, 100)
    assert comparison.after["endings"].number == 0
    assert comparison.after_period == after
    stated = Baseline(source="asked", rework=0.5)
    assert report(filled(fold(baseline=stated))).kinds[0].comparison.before["rework"].ratio == 0.5


def test_a_kind_without_a_playbook_is_reported_as_the_desk_handles_it():
    one = fold()
    one.add(fold_case(lives.proposed(kind="wine_leak").entries))
    (kind,) = report(one).kinds
    assert (kind.name, kind.title) == ("wine_leak", "Wine leak")
    assert kind.terms.owners["business"] == "floor-managers"


def test_every_kind_shows_its_four_owners():
    (kind,) = report(filled(fold())).kinds
    assert set(kind.terms.owners) == {"business", "operations", "technical", "governance"}


def test_targets_are_compared_with_what_was_reached():
    targets = Targets(exception_rate=0.02, accepted_unedited=0.3, done_alone=0.9)
    result = report(
        filled(fold(denominator=COUNTED, targets=targets)), {("low_stock", PERIOD): 300}
    )
    results = {one.measure: one for one in target_results(result.kinds[0])}
    assert {name: one.is_met for name, one in results.items()} == {
        "time_to_decision": True,
        "time_to_resolution": True,
        "exception_rate": False,
        "accepted_unedited": False,
        "done_alone": False,
    }
    assert results["exception_rate"].cases == 300
    assert not results["accepted_unedited"].says_something
    assert (
        number_of(result.kinds[0].values["accepted_unedited"]) == results["accepted_unedited"].value
    )


def test_decisions_about_the_assistant_are_one_group_and_in_no_other_figure():
    cases = [fold_case(life.entries) for life in lives.every_life().values()]
    one = filled(fold())
    before = report(one)
    assert before.assistant.totals.openings == 0
    assert assistant_text(before) == ""
    for case in cases:
        one.add(replace(case, kind=ASSISTANT))
    after = report(one)
    assert (after.total, after.kinds, after.teams) == (before.total, before.kinds, before.teams)
    assert after.assistant.totals == after.total.totals
    assert after.assistant.title == "Decisions about the assistant"
    openings = after.assistant.totals.openings
    assert assistant_text(after).startswith(f"Decisions about the assistant: {openings} opened, ")
