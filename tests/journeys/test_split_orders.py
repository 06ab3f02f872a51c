"""One large order, split into many small ones: what each could do alone, all together may not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, RiskTier, Stage, WindowLimit
from bot.cases.verdict import Ruling
from tests.fakes.directory import principal
from tests.world import playbook, policy

DAY = timedelta(days=1)
NAME = "house.order_stock"


def let_alone(world, **limits) -> None:
    limit = ActionLimit(alone=True, **limits)
    world.library.rules = policy(window=DAY, actions={NAME: limit})
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))


def order(world, number: int, *, requester: str | None = None, product: int = 1):
    """Let an order of £100 be found and, if it may, carried out."""
    changes = {"requester": principal(requester)} if requester else {}
    signal = world.signal(f"order:{number}", facts={"product_id": product}, **changes)
    case_id = world.receive(signal).case_id
    world.work()
    return world.store.cases.case(case_id)


@pytest.mark.threat("B4")
def test_small_orders_for_one_target_run_alone_only_up_to_what_one_order_may(world):
    let_alone(world)
    cases = [order(world, number) for number in range(5)]
    assert [case.state for case in cases[:2]] == [State.RESOLVED] * 2
    assert [case.state for case in cases[2:]] == [State.PROPOSED] * 3
    assert {case.proposal.verdict.tier for case in cases[2:]} == {RiskTier.MEDIUM}
    assert len(world.house.effects) == 2
    assert cases[2].proposal.verdict.inputs.recent.amount == 300


@pytest.mark.threat("B4")
def test_small_orders_for_one_target_go_on_a_day_later_and_not_at_midnight(world):
    let_alone(world)
    for number in range(2):
        order(world, number)
    world.clock.forward(hours=23)
    assert order(world, 2).state is State.PROPOSED
    world.clock.forward(hours=1, minutes=1)
    assert order(world, 3).state is State.RESOLVED


@pytest.mark.threat("B4")
def test_orders_of_one_requester_count_together_over_all_targets(world):
    let_alone(world)
    mine = [order(world, number, requester="omar", product=number) for number in (1, 2, 3)]
    assert [case.proposal.verdict.ruling for case in mine] == [
        Ruling.AUTO_APPROVE,
        Ruling.AUTO_APPROVE,
        Ruling.ASK,
    ]
    other = order(world, 4, requester="finn", product=4)
    assert other.proposal.verdict.ruling is Ruling.AUTO_APPROVE


@pytest.mark.threat("B4")
def test_a_limit_of_a_requester_over_a_week_refuses_the_rest(world):
    week = WindowLimit(window=timedelta(days=7), amount_per_requester=Decimal(200))
    let_alone(world, over=(week,))
    cases = []
    for number in (1, 2, 3):
        cases.append(order(world, number, requester="omar", product=number))
        world.clock.forward(days=2)
    assert [case.state for case in cases] == [State.RESOLVED, State.RESOLVED, State.REFERRED]
    assert cases[2].proposal.verdict.rule == "limit.amount_per_requester"
    world.clock.forward(days=2)
    assert order(world, 4, requester="omar", product=4).state is State.RESOLVED


@pytest.mark.threat("B5")
def test_orders_that_were_judged_together_are_stopped_where_they_begin(world):
    """Three are judged before any runs; the third is asked about when its turn comes."""
    let_alone(world)
    ids = [
        world.receive(world.signal(f"order:{number}", facts={"product_id": 1})).case_id
        for number in range(3)
    ]
    world.work()
    states = [world.store.cases.case(case_id).state for case_id in ids]
    assert sorted(state.name for state in states) == ["PROPOSED", "RESOLVED", "RESOLVED"]
    assert len(world.house.effects) == 2
