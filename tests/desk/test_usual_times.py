"""Usual times: the latest decisions of people, and no number for too few."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.desk import usual_times as module
from bot.desk.usual_times import MIN_CASES, usual_times
from bot.ports.case_queries import CaseFilter
from bot.views.progress import UsualTimes
from tests.fakes.directory import principal
from tests.world import playbook, policy, request

ANA = principal("ana")


@pytest.fixture
def world(small_world):
    small_world.house.amount = Decimal(100)
    return small_world


def decide_after(world, minutes):
    """Open a case, and reject it so many minutes later."""
    case_id = world.receive(world.signal(f"product:{minutes}")).case_id
    world.work()
    world.clock.forward(minutes=minutes)
    case = world.store.cases.case(case_id)
    world.desk.decisions.reject(request(case_id, ANA, world.seen(case)), RejectReason.DUPLICATE)
    world.work()


def times(world):
    return usual_times(world.store.queries, "low_stock")


def test_half_and_four_in_five_of_the_latest_decisions(world):
    for minutes in range(10, 10 * MIN_CASES, 10):
        decide_after(world, minutes)
    assert times(world) is None
    decide_after(world, 100)
    assert times(world) == UsualTimes(median=1800.0, four_in_five=52 * 60.0)
    assert usual_times(world.store.queries, "lead_cold") is None


def test_what_nobody_decided_says_nothing(world):
    for number in range(MIN_CASES):
        signal = world.signal(f"product:{number}")
        world.receive(signal)
        world.work()
        world.clear(signal)
    assert times(world) is None


def test_only_the_latest_count(world, monkeypatch):
    monkeypatch.setattr(module, "MAX_CASES", MIN_CASES)
    for minutes in [200, 201, *range(1, MIN_CASES + 1)]:
        decide_after(world, minutes)
    assert timedelta(seconds=times(world).median) == timedelta(minutes=3)


def test_what_policy_lets_run_by_itself_takes_nobody_any_time(world):
    for minutes in range(1, MIN_CASES + 1):
        decide_after(world, minutes)
    before = times(world)
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    for number in range(20, 30):
        world.receive(world.signal(f"product:{number}"))
        world.work()
    assert world.store.queries.count(CaseFilter(is_over=True)) == MIN_CASES + 10
    assert times(world) == before
