"""An empty answer: what was looked for, and the nearest that there is."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.views.query import ME, Ask, Condition, Period, Query
from tests.desk.answers.test_lists import OPEN, open_cases
from tests.fakes.directory import principal
from tests.world import World


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


def none(desk, condition, by="ana"):
    answer = desk.lists.answer(Query(ask=Ask.LIST, condition=condition), desk.asker(by))
    assert (answer.rows, answer.total) == ((), 0)
    return answer.text


@pytest.mark.threat("E1")
def test_none_on_me_names_those_on_others(world, desk):
    open_cases(world, (100, 300))
    assert none(desk, Condition(is_open=True, waits_on=ME), by="carla") == (
        "No open case waits on you. Two wait on others, £400.00 together."
    )


@pytest.mark.threat("E1")
def test_none_over_an_amount_names_the_largest(world, desk):
    open_cases(world, (100, 300))
    mine = Condition(is_open=True, waits_on=ME, min_stake=Decimal(5_000))
    assert none(desk, mine) == (
        "No open case of £5,000.00 or more waits on you."
        " Two whatever the amount, £400.00 together; the largest is £300.00 (EX-2)."
    )


@pytest.mark.threat("E1")
def test_none_open_names_those_that_have_ended(world, desk):
    world.approve(open_cases(world, (100,))[0])
    world.work()
    assert none(desk, replace(OPEN, text="Merlot")) == (
        "No open case about “Merlot”. One has ended, £100.00."
    )


@pytest.mark.threat("E1")
def test_none_in_a_period_names_the_latest(world, desk):
    open_cases(world, (100,))
    condition = Condition(is_open=True, opened=Period(begin="yesterday", end="yesterday"))
    assert none(desk, condition) == (
        "No open case opened yesterday. One at other times, £100.00; EX-1 was opened 12:00 today."
    )


@pytest.mark.threat("E1")
def test_where_two_parts_hide_all_both_are_named(world, desk):
    open_cases(world, (100, 300))
    condition = replace(OPEN, text="Merlot", is_overdue=True, min_stake=Decimal(5_000))
    assert none(desk, condition) == (
        "No open overdue case about “Merlot” of £5,000.00 or more."
        " Two when I leave out “overdue” and “of £5,000.00 or more”, £400.00 together."
    )


@pytest.mark.threat("E1")
def test_a_name_of_nothing_is_named_and_not_dropped(world, desk):
    open_cases(world, (100,))
    assert none(desk, replace(OPEN, text="Zanzibar Hotels")) == (
        "No open case about “Zanzibar Hotels”. In all there is one open case, £100.00."
    )


def test_nothing_at_all_says_just_that(desk):
    assert none(desk, OPEN) == "No open case."
    assert none(desk, replace(OPEN, kinds=("low_stock",))) == "No open case of “Running low”."


@pytest.mark.threat("E2")
@pytest.mark.threat("C8")
def test_a_channel_that_one_is_not_in_reads_like_one_that_does_not_exist(world, desk):
    open_cases(world, (100,))
    world.people.channels["C0STOCK"] = {"ana"}
    query = Query(ask=Ask.LIST, condition=Condition(channel="C0STOCK"))
    hidden = desk.lists.answer(query, desk.asker("finn"))
    unknown = desk.lists.answer(
        replace(query, condition=Condition(channel="C0OWNERS")), desk.asker("finn")
    )
    assert (
        hidden.text
        == unknown.text.replace("C0OWNERS", "C0STOCK")
        == (
            "No case in #C0STOCK. I cannot show cases of channels you are not in; ask about #C0OPS."
        )
    )


@pytest.mark.threat("E2")
@pytest.mark.threat("C8")
def test_the_nearest_is_nothing_that_the_asker_may_not_see(world, desk):
    open_cases(world, (100, 300))
    world.people.channels["C0STOCK"] = {"ana"}
    condition = Condition(is_open=True, waits_on=principal("ana"), min_stake=Decimal(5))
    assert none(desk, condition, by="finn") == "No open case of £5.00 or more waits on Ana."
    assert none(desk, Condition(is_overdue=True, is_open=True), by="finn") == (
        "No open overdue case."
    )
