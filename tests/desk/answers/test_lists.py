"""Lists as answers: the first line is the answer, the rows are the cases that the asker may see."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.entries import RejectReason
from bot.cases.lifecycle import State
from bot.views.query import ME, Ask, Condition, Order, Query
from tests.desk.answers.answer_desk import AnswerDesk
from tests.fakes.directory import principal
from tests.world import World, request

OPEN = Condition(is_open=True)


@pytest.fixture
def world(store):
    """Build the desk on both databases."""
    return World(store)


def listing(condition=OPEN, **more):
    return Query(ask=Ask.LIST, condition=condition, **more)


def case_ids(answer):
    return [row.case.id for row in answer.rows]


def open_cases(world, stakes, title="Merlot is running low", hours=1):
    """Open a case for each stake, an hour after the other."""
    cases = []
    for number, stake in enumerate(stakes):
        world.house.rows = [{**world.house.rows[0], "at_risk": stake}]
        receipt = world.receive(world.signal(f"product:{number}", title=title))
        world.work()
        cases.append(world.store.cases.case(receipt.case_id))
        world.clock.forward(hours=hours)
    return cases


def test_the_first_line_counts_adds_up_and_names_the_oldest(world, desk):
    open_cases(world, (100, 50.5))
    world.clock.forward(days=1)
    answer = desk.lists.answer(listing(), desk.asker())
    assert answer.text == "Two cases, £150.50 together; the oldest since Sat 21 Nov."
    assert (case_ids(answer), answer.total) == (["EX-1", "EX-2"], 2)


def test_what_waits_on_somebody_says_so(world, desk):
    open_cases(world, (100,))
    mine = listing(Condition(is_open=True, waits_on=ME))
    assert desk.lists.answer(mine, desk.asker()).text == (
        "One waits on you, £100.00, since 12:00 today."
    )
    hers = listing(Condition(is_open=True, waits_on=principal("ana")))
    assert desk.lists.answer(hers, desk.asker("omar")).text.startswith("One waits on Ana, ")
    group = listing(Condition(is_open=True, waits_on="floor-managers"))
    text = desk.lists.answer(group, desk.asker("omar")).text
    assert text.startswith("One waits on @floor-managers, ")


def test_rows_are_bounded_and_the_rest_is_counted(world, desk):
    open_cases(world, range(1, 14), hours=0)
    answer = desk.lists.answer(listing(), desk.asker())
    assert (len(answer.rows), answer.total) == (10, 13)
    assert answer.text.startswith("13 cases, £91.00 together")


def test_one_of_an_order_is_named_with_what_it_was_picked_for(world, desk):
    open_cases(world, (100, 300, 200))
    largest = listing(order=Order.LARGEST, limit=1)
    answer = desk.lists.answer(largest, desk.asker())
    assert answer.text == (
        "EX-2, Merlot is running low; £300.00; opened 13:00 today; the largest of three."
    )
    assert (case_ids(answer), answer.total) == (["EX-2"], 1)
    second = listing(order=Order.LARGEST, nth=2)
    assert case_ids(desk.lists.answer(second, desk.asker())) == ["EX-3"]
    two = desk.lists.answer(listing(order=Order.LARGEST, limit=2), desk.asker())
    assert two.text == "Two cases, £500.00 together: the largest of three."
    assert case_ids(two) == ["EX-2", "EX-3"]
    ninth = desk.lists.answer(listing(order=Order.OLDEST, nth=9), desk.asker())
    assert ninth.text == "There are only three cases, £600.00 together."


def test_the_rows_offer_what_the_asker_may_decide(world, desk):
    open_cases(world, (100,))
    assert [row.is_decidable for row in desk.lists.answer(listing(), desk.asker()).rows] == [True]
    others = desk.lists.answer(listing(), desk.asker("carla")).rows
    assert [row.is_decidable for row in others] == [False]


@pytest.mark.threat("E2")
def test_a_list_holds_nothing_that_the_asker_may_not_see(world, desk):
    open_cases(world, (100,))
    world.people.channels["C0STOCK"] = {"ana"}
    answer = desk.lists.answer(listing(), desk.asker("finn"))
    assert (answer.text, answer.rows, answer.total) == ("No open case.", (), 0)


def test_conditions_narrow_the_list(world, desk):
    _, second, _ = open_cases(world, (100, 20, 300))
    world.desk.decisions.reject(
        request(second.id, principal("ana"), world.seen(second)),
        reason=RejectReason.WRONG_PLAN,
        note="closed",
    )
    conditions = {
        Condition(is_open=True, min_stake=Decimal(200)): ["EX-3"],
        Condition(is_open=True, max_stake=Decimal(200)): ["EX-1"],
        Condition(is_open=False): ["EX-2"],
        Condition(): ["EX-1", "EX-2", "EX-3"],
        Condition(states=(State.REJECTED,)): ["EX-2"],
        Condition(is_open=True, min_age=timedelta(hours=2)): ["EX-1"],
        Condition(is_open=True, max_age=timedelta(hours=2)): ["EX-3"],
        Condition(is_open=True, exclusion=Condition(min_stake=Decimal(200))): ["EX-1"],
        Condition(text="merlot"): ["EX-1", "EX-2", "EX-3"],
        Condition(is_open=True, kinds=("low_stock",)): ["EX-1", "EX-3"],
        Condition(is_open=True, kinds=("other",)): [],
        Condition(is_open=True, is_overdue=True): [],
        Condition(is_snoozed=True): [],
        Condition(is_unrecognised=True): [],
        Condition(is_paused=True): [],
        Condition(decided_by=ME): ["EX-2"],
        Condition(is_open=True, owner="floor-managers"): ["EX-1", "EX-3"],
        Condition(is_open=True, owner=principal("omar")): ["EX-1", "EX-3"],
        Condition(is_open=True, owner=principal("carla")): [],
        Condition(channel="C0STOCK", is_open=True): ["EX-1", "EX-3"],
        Condition(channel="nowhere", is_open=True): [],
    }
    for condition, expected in conditions.items():
        answer = desk.lists.answer(listing(condition), desk.asker())
        assert sorted(case_ids(answer)) == expected, condition


def test_what_ended_by_itself_is_told_apart_from_what_policy_let_run(world, desk):
    case = open_cases(world, (100,))[0]
    world.clear(case.signal)
    world.work()
    query = listing(Condition(is_automatic=True))
    # Nothing ran by policy, and what cleared does not count as done.
    assert desk.lists.answer(query, desk.asker()).total == 0
    assert desk.lists.answer(listing(Condition(states=(State.CLEARED,))), desk.asker()).total == 1


def test_a_pause_holds_up_what_it_is_about(world, desk):
    open_cases(world, (100,))
    query = listing(Condition(is_paused=True))
    assert desk.lists.answer(query, desk.asker()).total == 0
    for scope in ("kind:low_stock", "action:house.order_stock", "system:house", ""):
        world.desk.controls.pause(scope, by=principal("elsie"), reason="stocktake", surface="slack")
        assert desk.lists.answer(query, desk.asker()).total == 1, scope
        world.desk.controls.resume(scope, by=principal("elsie"), surface="slack")
    world.desk.controls.pause(
        "kind:other", by=principal("elsie"), reason="stocktake", surface="slack"
    )
    assert desk.lists.answer(query, desk.asker()).total == 0


def test_the_oldest_is_not_named_for_what_is_over(world, desk):
    case = open_cases(world, (100,))[0]
    world.approve(case)
    world.work()
    answer = desk.lists.answer(listing(replace(OPEN, is_open=False)), desk.asker())
    assert answer.text == "One has ended, approved."


def one_of_each(world):
    """Open, snoozed, resolved, rejected and cleared, in this order."""
    cases = open_cases(world, (100, 100, 100, 100, 100), hours=0)
    ana = principal("ana")
    world.desk.decisions.snooze(
        request(cases[1].id, ana, world.seen(cases[1])),
        until=world.clock() + timedelta(hours=2),
        reason="tomorrow",
    )
    world.approve(cases[2])
    world.work()
    world.desk.decisions.reject(
        request(cases[3].id, ana, world.seen(cases[3])), reason=RejectReason.NOT_WORTH_IT
    )
    world.clear(cases[4].signal)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        (OPEN, {"EX-1", "EX-2"}),
        (Condition(is_snoozed=True), {"EX-2"}),
        (Condition(states=(State.RESOLVED,)), {"EX-3"}),
        (Condition(states=(State.REJECTED,)), {"EX-4"}),
        (Condition(states=(State.CLEARED,)), {"EX-5"}),
        (Condition(states=(State.EXPIRED,)), set()),
        (Condition(is_open=False), {"EX-3", "EX-4", "EX-5"}),
        (Condition(is_open=True, states=(State.REJECTED,)), set()),
        (Condition(is_open=False, states=(State.REJECTED, State.SNOOZED)), {"EX-4"}),
        (Condition(), {"EX-1", "EX-2", "EX-3", "EX-4", "EX-5"}),
    ],
)
def test_a_list_has_the_cases_of_its_states(small_world, condition, ids):
    one_of_each(small_world)
    desk = AnswerDesk(small_world)
    assert set(case_ids(desk.lists.answer(listing(condition), desk.asker()))) == ids


def test_how_ended_cases_were_decided_is_said_first(small_world):
    one_of_each(small_world)
    desk = AnswerDesk(small_world)
    answer = desk.lists.answer(listing(Condition(is_open=False)), desk.asker())
    assert answer.text == "Three have ended: one approved, one rejected and one in another way."


def test_late_cases_are_those_whose_decision_is_overdue(small_world):
    case = small_world.proposed()
    small_world.clock.forward(hours=5)
    desk = AnswerDesk(small_world)
    overdue = listing(Condition(is_open=True, is_overdue=True))
    assert case_ids(desk.lists.answer(overdue, desk.asker())) == [case.id]
