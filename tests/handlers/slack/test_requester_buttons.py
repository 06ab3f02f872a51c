"""The buttons of a requester, through Slack's own requests."""

from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from handlers.cards import ids
from tests.fakes.directory import principal
from tests.handlers.slack.requests import post_signed, press_body

DEV = principal("dev")


@pytest.fixture
def world(receiver):
    receiver.world.house.amount = Decimal(300)
    return receiver.world


def raised(world):
    case_id = world.receive(world.signal(requester=DEV)).case_id
    world.work()
    return world.store.cases.case(case_id)


def press(receiver, case, action, user="UDEV"):
    assert post_signed(receiver, press_body(case, user, action)).status_code == 200
    receiver.world.work()


def test_a_press_on_nudge_calls_again_and_a_second_one_is_refused_in_words(receiver, world):
    case = raised(world)
    press(receiver, case, ids.NUDGE)
    assert world.chat.mentions == [("ops-leads",)] * 2
    press(receiver, case, ids.NUDGE)
    assert world.chat.mentions == [("ops-leads",)] * 2
    refusal = world.store.cases.entries(case.id)[-1].body
    assert (refusal.code, refusal.attempt) == ("not_now", "ask again about")


def test_a_press_on_withdraw_ends_the_case(receiver, world):
    case = raised(world)
    press(receiver, case, ids.RETRACT)
    assert world.case(case).state is State.WITHDRAWN
    # Pressed again on a phone that was slow.
    press(receiver, case, ids.RETRACT)
    assert world.entry_names(case).count("case.retracted") == 1


@pytest.mark.threat("A4")
@pytest.mark.parametrize("action", [ids.NUDGE, ids.RETRACT])
def test_a_press_by_anybody_else_decides_nothing_and_is_recorded(receiver, world, action):
    case = raised(world)
    press(receiver, case, action, user="UBEN")
    assert world.case(case).state is State.PROPOSED
    assert world.chat.mentions == [("ops-leads",)]
    refusal = world.store.cases.entries(case.id)[-1].body
    assert (refusal.name, refusal.code) == ("attempt.refused", "not_eligible")


@pytest.mark.threat("A1")
def test_a_withdrawal_on_what_has_moved_on_meanwhile_ends_nothing(receiver, world):
    case = raised(world)
    world.approve(case, "ben")
    press(receiver, case, ids.RETRACT)
    assert world.case(case).state is State.RESOLVED
    assert "case.retracted" not in world.entry_names(case)
