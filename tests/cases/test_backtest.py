"""Past plans under another policy: what would run alone, and what of it was wrong."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.backtest import Backtest, Surroundings, summary_plain
from bot.cases.entries import RejectReason, entry_of
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.policy_rules import PolicyRule, RuleEffect
from bot.cases.verdict import Ruling
from bot.views.policy_backtest import backtest_sentence, comparison_sentence, kind_rows
from tests.desk.answers.asking import as_person
from tests.world import policy

NAME = "house.order_stock"
TODAY = policy()
ALONE = policy(actions={NAME: ActionLimit(alone=True)})


def surroundings(world, stage=Stage.AUTONOMOUS) -> Surroundings:
    return Surroundings(
        terms=lambda kind: PlaybookTerms(stage=stage),
        local=lambda channel, at: world.library.hours(channel).local(at),
        has_stranger=lambda accounts: False,
    )


def backtest(world, proposal, *, today=TODAY, since=None, stage=Stage.AUTONOMOUS):
    test = Backtest(
        today=today, proposal=proposal, surroundings=surroundings(world, stage), since=since
    )
    return run(test, world)


def run(test, world):
    for row in world.store.ledger.rows():
        plain = json.loads(row.body)
        if test.needs(plain["case"], plain["type"]):
            test.add(entry_of(plain), plain["type"])
    return test.result()


def case_of(world, subject: str):
    case_id = world.receive(world.signal(subject)).case_id
    world.work()
    return world.store.cases.case(case_id)


@pytest.fixture
def past(small_world):
    """EX-1 was approved and done, EX-2 rejected, EX-3 edited, EX-4 taken back, EX-5 waits."""
    world = small_world
    world.house.undo_for = timedelta(hours=2)
    world.approve(case_of(world, "product:1"))
    world.work()
    wrong = case_of(world, "product:2")
    world.desk.decisions.reject(
        as_person(world, wrong, "omar"), reason=RejectReason.WRONG_PLAN, note="no"
    )
    edited = case_of(world, "product:3")
    world.desk.decisions.edit(as_person(world, edited, "omar"), values={"quantity": 6})
    undone = case_of(world, "product:4")
    world.approve(undone)
    world.work()
    world.desk.decisions.undo(as_person(world, world.case(undone), "omar"), note="mistake")
    world.work()
    case_of(world, "product:5")
    return world


def test_what_would_run_alone_is_told_with_what_of_it_was_wrong(past):
    result = backtest(past, ALONE)
    assert backtest_sentence(result) == (
        "With this, 5 would run alone, 0 would go to managers,"
        " 3 of the 5 would have been wrong: EX-2, EX-3, EX-4."
    )
    assert [case.misses for case in result.cases] == [
        (),
        ("rejected",),
        ("edited",),
        ("undone", "stopped"),
        (),
    ]
    assert result.is_worse
    assert comparison_sentence(result) == (
        "5 of 5 cases would be ruled otherwise than today; 3 wrong ones would run alone, and"
        " today 0."
    )
    assert kind_rows(result) == [("low_stock", "0 → 5", "5 → 0", "0", "5")]


def test_the_same_policy_changes_nothing_and_is_not_worse(past):
    result = backtest(past, TODAY)
    assert (list(result.differences()), result.is_worse) == ([], False)
    assert comparison_sentence(result) == (
        "No past case would be ruled otherwise than by today's policy."
    )
    tighter = backtest(past, TODAY, today=ALONE)
    assert (len(list(tighter.differences())), tighter.is_worse) == (5, False)


def test_the_stage_of_the_kind_counts(past):
    result = backtest(past, ALONE, stage=Stage.SUPERVISED)
    assert (result.count(Ruling.AUTO_APPROVE), result.count(Ruling.ASK)) == (0, 5)


def test_what_ran_alone_fills_up_the_limits_of_the_policy_that_let_it(past):
    """EX-1 to EX-3 would have run; the budget of the day is used up after them."""
    limited = policy(actions={NAME: ActionLimit(alone=True, amount_per_day=Decimal(300))})
    result = backtest(past, limited)
    assert [case.after.ruling for case in result.cases] == [
        Ruling.AUTO_APPROVE,
        Ruling.AUTO_APPROVE,
        Ruling.AUTO_APPROVE,
        Ruling.REFUSE,
        Ruling.REFUSE,
    ]
    assert result.cases[3].after.rule == "limit.amount_per_day"


def test_what_people_let_run_fills_up_limits_when_it_ran(past):
    """Of five that are asked about, two were carried out in fact: EX-1 and EX-4."""
    asking = policy(actions={NAME: ActionLimit(times_per_day=2)})
    result = backtest(past, asking)
    assert [case.after.ruling for case in result.cases] == [Ruling.ASK] * 4 + [Ruling.REFUSE]


def test_only_plans_of_the_time_asked_for_count_and_earlier_ones_fill_up_limits(past):
    since = past.clock() + timedelta(minutes=1)
    past.clock.forward(hours=1)
    case_of(past, "product:6")
    limited = policy(actions={NAME: ActionLimit(times_per_day=2)})
    result = backtest(past, limited, since=since)
    assert [(case.case_id, case.after.rule) for case in result.cases] == [
        ("EX-6", "limit.times_per_day")
    ]


def test_rules_see_the_facts_of_the_time(past):
    rule = PolicyRule(
        when="facts.stock.on_hand < 1000 && case.kind == 'low_stock'",
        effect=RuleEffect.REFUSE,
        because="stock is counted by hand",
    )
    result = backtest(past, replace(ALONE, rules=(rule,)))
    assert {case.after.rule for case in result.cases} == {"rule.refuse"}


def test_a_stranger_is_governed_in_a_back_test_too(past):
    test = Backtest(
        today=TODAY,
        proposal=ALONE,
        surroundings=replace(surroundings(past), has_stranger=lambda accounts: True),
    )
    assert {case.after.rule for case in run(test, past).cases} == {"identity.unknown"}


def test_the_figures_for_machines_are_those_of_the_sentence(past):
    figures = summary_plain(backtest(past, ALONE))
    assert figures == {
        "cases": 5,
        "today": {"alone": 0, "ask": 5, "refuse": 0, "wrong_alone": []},
        "proposal": {
            "alone": 5,
            "ask": 0,
            "refuse": 0,
            "wrong_alone": ["EX-2", "EX-3", "EX-4"],
        },
        "is_worse": True,
    }


def test_an_empty_ledger_says_that_nothing_can_be_compared(small_world):
    assert "no past case" in backtest_sentence(backtest(small_world, ALONE))
