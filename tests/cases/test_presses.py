"""Which plans count for a standing rule, and which against it."""

from dataclasses import replace
from decimal import Decimal

from bot.cases.entries import RejectReason
from bot.cases.policy import ActionLimit
from bot.cases.presses import decided_plans
from tests.desk.test_standing_rules import ORDER, prepare, press, raise_case
from tests.fakes.directory import principal
from tests.world import policy, request


def plans_of(world, case):
    return decided_plans(world.store.cases.entries(case.id))


def test_an_approval_as_proposed_is_a_yes_with_the_facts_of_then(small_world):
    prepare(small_world)
    case = press(small_world, 1, quantity=12)
    small_world.house.rows = [{"quantity": 99}]
    (one,) = plans_of(small_world, case)
    assert (one.is_yes, one.is_no) == (True, False)
    assert one.press.figures["0.quantity"] == 12
    assert one.press.figures["facts.stock.shop"] == "Soho"
    assert "facts.signal.title" not in one.press.figures


def test_a_rejection_is_a_no_unless_it_says_nothing_of_the_plan(small_world):
    prepare(small_world)
    (one,) = plans_of(small_world, press(small_world, 1, rejecting=True))
    assert (one.is_yes, one.is_no) == (False, True)
    case = raise_case(small_world, 2)
    by = request(case.id, principal("ana"), small_world.seen(case))
    small_world.desk.decisions.reject(by, reason=RejectReason.DUPLICATE, note="EX-1")
    (one,) = plans_of(small_world, case)
    assert (one.is_yes, one.is_no) == (False, False)


def test_an_edit_is_a_no_to_what_it_replaced(small_world):
    prepare(small_world)
    case = raise_case(small_world, 1, quantity=24)
    by = request(case.id, principal("ana"), small_world.seen(case))
    small_world.desk.decisions.edit(by, {"quantity": 6})
    small_world.work()
    small_world.approve(case, "omar")
    small_world.work()
    before, after = plans_of(small_world, case)
    assert (before.press.figures["0.quantity"], before.is_no) == (24, True)
    assert (after.press.figures["0.quantity"], after.is_yes, after.is_no) == (6, False, False)


def test_what_was_taken_back_is_a_no(small_world):
    prepare(small_world)
    case = press(small_world, 1)
    by = request(case.id, principal("ana"), small_world.seen(case))
    small_world.desk.decisions.undo(by, note="the wrong shop")
    small_world.work()
    (one,) = plans_of(small_world, case)
    assert (one.is_yes, one.is_no, one.is_bad) == (False, True, True)


def test_what_was_done_by_hand_instead_is_a_no(small_world):
    prepare(small_world)
    limits = {**policy().actions, ORDER: ActionLimit(per_plan=Decimal(50), alone=True)}
    small_world.library.rules = replace(small_world.library.rules, actions=limits)
    case = raise_case(small_world, 1)
    by = request(case.id, principal("ana"), small_world.seen(case))
    small_world.desk.decisions.resolve(by, note="another wine came")
    (one,) = plans_of(small_world, case)
    assert (one.is_yes, one.is_no) == (False, True)


def test_a_plan_without_a_decision_counts_for_nothing(small_world):
    prepare(small_world)
    assert plans_of(small_world, raise_case(small_world, 1)) == []
