"""Orders in words are judged for whoever gave them, and nothing is carried out."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.cases.approval import Person
from bot.cases.commands import DecisionKind
from bot.desk.confirmations import MAX_PEOPLE, TO_ONESELF, Confirmations, describe_snapshot
from bot.views.thread_orders import OrderKind, ThreadOrder
from tests.desk.answers.asking import ANA, BEN, CARLA, FINN, OMAR, as_person
from tests.fakes.directory import principal
from tests.world import HOUR, policy


@pytest.fixture
def world(small_world):
    return small_world


@pytest.fixture
def confirmations(world):
    return Confirmations(
        callers=world.desk.decisions.callers, library=world.library, clock=world.clock
    )


def order(kind, **said):
    return ThreadOrder(kind=kind, **said)


APPROVE = order(OrderKind.APPROVE)


def test_an_order_of_a_program_or_of_nobody_gets_no_button(world, confirmations):
    case = world.proposed()
    world.people.change("omar", bot=True)
    assert confirmations.confirm(case, APPROVE, OMAR) is None
    stranger = confirmations.confirm(case, APPROVE, "T9/UNOBODY")
    assert stranger.refusal == "Nothing was done: nobody is known by that id."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"guest": True}, "guests cannot approve"),
        ({"external": True}, "people from other organisations cannot approve"),
        ({"active": False}, "your account is deactivated"),
    ],
)
def test_whoever_is_no_colleague_is_told_why(world, confirmations, change, reason):
    case = world.proposed()
    world.people.change("ana", **change)
    assert confirmations.confirm(case, APPROVE, ANA).refusal == f"Nothing was done: {reason}."
    assert confirmations.refusal(case, DecisionKind.APPROVE, ANA) == f"Nothing was done: {reason}."
    assert confirmations.ineligibility(case, DecisionKind.APPROVE, ANA) == reason


def test_what_bars_a_person_is_said_in_any_state_and_a_state_bars_nobody(world, confirmations):
    case = world.proposed()
    world.approve(case)
    world.work()
    over = world.case(case)
    assert confirmations.refusal(over, DecisionKind.APPROVE, OMAR).startswith("Nothing was done: ")
    assert confirmations.ineligibility(over, DecisionKind.APPROVE, OMAR) == ""
    reason = "only @floor-managers may approve this"
    assert confirmations.ineligibility(over, DecisionKind.APPROVE, FINN) == reason
    nobody = confirmations.ineligibility(over, DecisionKind.APPROVE, "T9/UNOBODY")
    assert nobody == "nobody is known by that id"


def test_a_second_approval_and_an_expired_plan_are_refused_as_the_button_would(
    world, confirmations
):
    world.house.amount = Decimal(5000)
    case = world.proposed()
    world.approve(case, "ben", note="fine")
    half = world.case(case)
    assert "you have approved this already" in confirmations.confirm(half, APPROVE, BEN).refusal
    assert confirmations.confirm(half, APPROVE, CARLA).refusal == ""
    world.clock.forward(hours=9)
    assert confirmations.confirm(half, APPROVE, CARLA).refusal.startswith("Nothing was done: ")
    assert world.entry_names(case).count("approval.given") == 1


def test_a_passkey_is_left_to_the_form(world, confirmations):
    world.library.rules = policy(step_up_above=Decimal(2500))
    world.house.amount = Decimal(5000)
    case = world.proposed()
    assert confirmations.confirm(case, APPROVE, CARLA).refusal == ""


def test_a_case_that_changed_after_the_words_is_looked_at_again(world, confirmations):
    case = world.proposed()
    said_about = describe_snapshot(case)
    assert confirmations.confirm(case, APPROVE, ANA, snapshot=said_about).refusal == ""
    edited = world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})
    refusal = confirmations.confirm(edited, APPROVE, ANA, snapshot=said_about).refusal
    assert refusal == "EX-1 has changed since you said that. Look at its card, and say it again."


# --- to whom ------------------------------------------------------------------------------------


def handed_to(world, confirmations, by=ANA, **said):
    case = world.proposed()
    confirmation = confirmations.confirm(case, order(OrderKind.HAND_OVER, **said), by)
    return confirmation.refusal or [person.name for person in confirmation.people]


@pytest.mark.parametrize(
    ("said", "people"),
    [
        ({"to_user": "UBEN"}, ["Ben"]),
        ({"to_name": "omar"}, ["Omar"]),
        ({"to_name": "Nobody Here"}, []),
        ({"to_user": "UNOBODY"}, []),
        ({}, []),
        ({"to_name": "me"}, TO_ONESELF),
        ({"to_name": "Myself"}, TO_ONESELF),
        ({"to_user": "UANA"}, TO_ONESELF),
        ({"to_name": "Ana"}, TO_ONESELF),
    ],
)
def test_a_hand_over_goes_to_whoever_was_meant(world, confirmations, said, people):
    assert handed_to(world, confirmations, **said) == people


def test_a_case_is_handed_to_no_guest_and_to_nobody_who_left(world, confirmations):
    world.people.change("ben", guest=True)
    assert handed_to(world, confirmations, to_user="UBEN") == []
    world.people.change("ben", guest=False, active=False)
    assert handed_to(world, confirmations, to_user="UBEN") == []


def test_several_people_of_one_name_are_offered_one_by_one_and_not_without_end(
    world, confirmations
):
    for number in range(MAX_PEOPLE + 3):
        account = principal(f"sam{number}")
        world.people.people[account] = Person(account, "Sam")
    assert handed_to(world, confirmations, to_name="sam") == ["Sam"] * (MAX_PEOPLE + 1)


# --- until when ---------------------------------------------------------------------------------


def test_a_time_is_that_of_the_clock_of_whoever_says_it(world, confirmations):
    case = world.proposed()
    snooze = order(OrderKind.SNOOZE, until="tomorrow 9:00", note="later")
    tomorrow = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert confirmations.confirm(case, snooze, ANA).until == tomorrow
    world.people.people[ANA] = replace(world.people.people[ANA], zone="Europe/Athens")
    assert confirmations.confirm(case, snooze, ANA).until == tomorrow - 2 * HOUR
    nonsense = replace(snooze, until="when pigs fly")
    confirmation = confirmations.confirm(case, nonsense, ANA)
    assert (confirmation.until, confirmation.refusal) == (None, "")


def test_what_is_unclear_says_what_can_be_said(world, confirmations):
    refusal = confirmations.confirm(world.proposed(), order(OrderKind.UNCLEAR), ANA).refusal
    assert refusal.startswith("That is not clear, so nothing was done. ")
    assert "snooze until Monday" in refusal
