"""Counts, sums, medians and shares: exact, and by group in the words of people."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.desk.answers.figures import CaseFigures
from bot.ports.case_queries import DecisionCounts, Total
from bot.views.query import Ask, Condition, Grouping, Measure, Period, Query
from tests.desk.answers.test_lists import OPEN, open_cases
from tests.fakes.directory import principal
from tests.world import World, request


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


def table(answer):
    return [(figure.label, figure.value) for figure in answer.table]


def reject(world, case, by="ana"):
    world.desk.decisions.reject(
        request(case.id, principal(by), world.seen(case)),
        reason=RejectReason.WRONG_PLAN,
        note="closed",
    )


def test_a_count_names_what_was_counted(world, desk):
    open_cases(world, (100, 300))
    query = Query(ask=Ask.COUNT, condition=replace(OPEN, kinds=("low_stock",)))
    answer = desk.figures.answer(query, desk.asker())
    assert answer.text == "Two open cases of “Running low”, £400.00 together."
    assert (answer.total, len(answer.rows)) == (2, 2)


def test_a_sum_is_the_money_of_the_cases(world, desk):
    open_cases(world, (100, 300.5))
    query = Query(ask=Ask.SUM, condition=OPEN, measure=Measure.STAKE_SUM)
    assert desk.figures.answer(query, desk.asker()).text == "£400.50 in two cases."


def test_a_number_of_nothing_names_what_was_looked_for(world, desk):
    open_cases(world, (100,))
    query = Query(ask=Ask.COUNT, condition=replace(OPEN, min_stake=Decimal(5_000)))
    answer = desk.figures.answer(query, desk.asker())
    assert answer.text == (
        "No open case of £5,000.00 or more. One whatever the amount, £100.00;"
        " the largest is £100.00 (EX-1)."
    )


def test_groups_are_named_in_words(world, desk):
    first, *_ = open_cases(world, (100, 300, 5))
    reject(world, first)
    by_state = Query(ask=Ask.GROUP, condition=Condition(), grouping=Grouping.STATE)
    answer = desk.figures.answer(by_state, desk.asker())
    assert table(answer) == [("Waiting for a decision", "2"), ("Rejected", "1")]
    assert answer.text == (
        "Three cases, £405.00 together, by state; the most: Waiting for a decision, 2."
    )
    by_team = Query(
        ask=Ask.GROUP, condition=OPEN, grouping=Grouping.TEAM, measure=Measure.STAKE_SUM
    )
    assert table(desk.figures.answer(by_team, desk.asker())) == [("@floor-managers", "£305.00")]
    by_kind = Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.KIND)
    assert table(desk.figures.answer(by_kind, desk.asker())) == [("Running low", "2")]
    by_decider = Query(ask=Ask.GROUP, condition=Condition(), grouping=Grouping.DECIDER)
    assert table(desk.figures.answer(by_decider, desk.asker())) == [("Ana", "1")]


def test_days_are_in_order_and_those_between_are_empty(world, desk):
    open_cases(world, (100, 300), hours=48)
    query = Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.DAY)
    answer = desk.figures.answer(query, desk.asker())
    assert answer.is_trend
    assert table(answer) == [("Sat 21 Nov", "1"), ("Sun 22 Nov", "0"), ("Mon 23 Nov", "1")]
    months = desk.figures.answer(replace(query, grouping=Grouping.MONTH), desk.asker())
    assert table(months) == [("November 2026", "2")]


def test_the_days_are_those_of_the_askers_clock(world, desk):
    world.clock.forward(hours=11, minutes=30)
    open_cases(world, (100,))
    query = Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.DAY)
    assert table(desk.figures.answer(query, desk.asker())) == [("Sat 21 Nov", "1")]
    paris = desk.asker(zone="Europe/Paris")
    assert table(desk.figures.answer(query, paris)) == [("Sun 22 Nov", "1")]


def test_how_long_is_the_median(world, desk):
    open_cases(world, (100,), hours=3)
    query = Query(ask=Ask.HOW_LONG, condition=Condition(), measure=Measure.MEDIAN_TIME_TO_DECIDE)
    answer = desk.figures.answer(query, desk.asker())
    assert answer.text == "None of one case has been decided yet."
    reject(world, world.store.cases.case("EX-1"))
    answer = desk.figures.answer(query, desk.asker())
    assert answer.text == "Half were decided within 3 hours."
    ended = replace(query, measure=Measure.MEDIAN_TIME_TO_RESOLVE)
    answer = desk.figures.answer(ended, desk.asker())
    assert answer.text == "Half had ended within 3 hours."
    assert answer.facts == ("Half were decided within 3 hours.", "Counted over one case.")


def test_a_share_says_both_numbers(world, desk):
    first, second, third, fourth = open_cases(world, (100, 101, 102, 103))
    query = Query(ask=Ask.COUNT, condition=Condition(), measure=Measure.REJECTION_RATE)
    assert desk.figures.answer(query, desk.asker()).text == (
        "None of these cases has been decided yet, so there is no share to name."
    )
    reject(world, first)
    for case in (second, third, fourth):
        world.approve(case)
        world.work()
    expected = {
        Measure.REJECTION_RATE: "1 of 4 (25 %) of the decided were rejected.",
        Measure.APPROVAL_RATE: "3 of 4 (75 %) of the decided were approved.",
        Measure.ACCEPTED_UNCHANGED_RATE: (
            "3 of 4 (75 %) of the decided were approved as recommended, without a change."
        ),
        Measure.EDIT_RATE: "0 of 4 (0 %) of the decided were edited.",
    }
    for measure, text in expected.items():
        answer = desk.figures.answer(replace(query, measure=measure), desk.asker())
        assert answer.text == text
        # They are not all rejected, approved or edited.
        assert answer.rows_title == "The newest of the cases that were counted:"
    by_kind = replace(query, ask=Ask.GROUP, grouping=Grouping.KIND)
    assert table(desk.figures.answer(by_kind, desk.asker())) == [("Running low", "1 of 4 (25 %)")]


class SmallNumbers:
    """Queries that find money of two currencies."""

    def resolve_text(self, filter):
        return filter

    def total(self, filter):
        return Total(3, {"GBP": Decimal(1200), "EUR": Decimal(300)})

    def find(self, filter, limit, *, offset=0, order=None):
        return []

    def group(self, filter, grouping, zone="UTC"):
        return [("low_stock", self.total(filter))]

    def decision_counts(self, filter):
        return DecisionCounts(
            approved_count=4,
            unchanged_count=2,
            success_count=3,
            failure_count=1,
            rejected_count=0,
            edited_count=0,
            by_hand_count=1,
        )


@pytest.fixture
def figures(desk):
    lists = replace(desk.lists, queries=SmallNumbers())
    return CaseFigures(
        queries=SmallNumbers(),
        filters=desk.filters,
        lists=lists,
        nearest=desk.nearest,
        words=desk.words,
    )


def test_money_of_two_currencies_is_never_added(figures, desk):
    query = Query(ask=Ask.SUM, condition=OPEN)
    text = figures.answer(query, desk.asker()).text
    assert text == "€300.00 and £1,200.00 in three cases."
    by_kind = Query(
        ask=Ask.GROUP, condition=OPEN, grouping=Grouping.KIND, measure=Measure.STAKE_SUM
    )
    assert table(figures.answer(by_kind, desk.asker())) == [
        ("Running low", "€300.00 and £1,200.00")
    ]


def test_what_worked_is_a_share_of_the_approved(figures, desk):
    query = Query(ask=Ask.COUNT, condition=Condition(), measure=Measure.SUCCESS_RATE)
    text = figures.answer(query, desk.asker()).text
    assert text == "3 of 4 (75 %) of the approved were done and worked."


@pytest.mark.threat("E2")
def test_a_number_counts_nothing_that_the_asker_may_not_see(world, desk):
    open_cases(world, (100, 300))
    world.people.channels["C0STOCK"] = {"ana"}
    for query in (
        Query(ask=Ask.COUNT, condition=OPEN),
        Query(ask=Ask.SUM, condition=OPEN),
        Query(ask=Ask.GROUP, condition=OPEN, grouping=Grouping.TEAM),
        Query(ask=Ask.HOW_LONG, condition=OPEN),
        Query(ask=Ask.COUNT, condition=OPEN, measure=Measure.APPROVAL_RATE),
    ):
        answer = desk.figures.answer(query, desk.asker("finn"))
        assert (answer.text, answer.table, answer.total) == ("No open case.", (), 0)


def test_a_period_is_that_of_the_askers_clock(world, desk):
    open_cases(world, (100,))
    today = Condition(opened=Period(begin="today", end="today"))
    assert desk.figures.answer(Query(ask=Ask.COUNT, condition=today), desk.asker()).total == 1
    world.clock.forward(days=1)
    assert desk.figures.answer(Query(ask=Ask.COUNT, condition=today), desk.asker()).total == 0
    recently = Condition(opened=Period(begin="-P3D"), min_age=timedelta(hours=2))
    assert desk.figures.answer(Query(ask=Ask.COUNT, condition=recently), desk.asker()).total == 1
