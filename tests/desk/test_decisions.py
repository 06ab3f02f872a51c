"""Decisions that are refused: with a reason, in the ledger, and without a change of the case."""

from datetime import timedelta

import pytest

from bot.cases.actor import Surface
from bot.cases.commands import CallNovel, Claim, DecisionKind, TryAgain, WakeEarly, Withdraw
from bot.cases.entries import RejectReason
from bot.cases.errors import (
    BadRequest,
    ChatFailed,
    NotEligible,
    NotNow,
    RateLimited,
    Refusal,
    Superseded,
    TooLate,
)
from bot.cases.lifecycle import State
from bot.cases.policy import EmergencyRule
from tests.fakes.directory import principal
from tests.world import HOUR, playbook, policy, request

pytestmark = pytest.mark.both_databases

ANA, ELSIE, FINN = map(principal, ("ana", "elsie", "finn"))


def as_person(world, case, name="ana"):
    return request(case.id, principal(name), world.seen(case))


def refusals(world, case):
    """What was attempted in vain, and why, as the ledger has it."""
    bodies = [entry.body for entry in world.store.cases.entries(case.id)]
    return [(body.attempt, body.code) for body in bodies if body.name == "attempt.refused"]


# --- a form about a case ------------------------------------------------------------------------


def test_a_form_opens_on_what_the_card_shows(world):
    case = world.proposed()
    current = world.desk.decisions.current(as_person(world, case), DecisionKind.EDIT)
    assert current == world.case(case)


def test_a_form_on_a_decided_case_is_refused_and_recorded(world):
    case = world.proposed()
    before = as_person(world, case)
    world.approve(case)
    with pytest.raises(Refusal):
        world.desk.decisions.current(before, DecisionKind.REJECT)
    assert [attempt for attempt, _ in refusals(world, case)] == ["reject"]


def test_a_button_of_an_earlier_release_decides_nothing_and_has_its_card_drawn_again(world):
    case = world.proposed()
    world.work()
    count = len(world.chat.cards["EX-1/1"])
    refusal = world.desk.decisions.refuse_outdated(
        case.id, by=ANA, decision=DecisionKind.APPROVE, surface=Surface.SLACK
    )
    assert isinstance(refusal, Superseded)
    world.work()
    assert refusals(world, case) == [("approve", "superseded")]
    assert world.case(case).state is State.PROPOSED
    assert len(world.chat.cards["EX-1/1"]) == count + 1


# --- who asks -----------------------------------------------------------------------------------


def decide_each(world, case):
    """Every decision on a proposed case, as Ana would make it."""
    decisions = world.desk.decisions
    by_ana = as_person(world, case)
    until = world.clock() + HOUR
    return {
        "approve": lambda: decisions.approve(by_ana),
        "withdraw": lambda: decisions.decide(by_ana, Withdraw),
        "reject": lambda: decisions.reject(by_ana, reason=RejectReason.OTHER, note="no"),
        "edit": lambda: decisions.edit(by_ana, values={"quantity": 12}),
        "claim": lambda: decisions.decide(by_ana, Claim),
        "hand_over": lambda: decisions.hand_over(by_ana, to="", progress="none", remains="all"),
        "snooze": lambda: decisions.snooze(by_ana, until=until, reason="later"),
        "wake": lambda: decisions.decide(by_ana, WakeEarly),
        "resolve": lambda: decisions.resolve(by_ana, note="done"),
        "try_again": lambda: decisions.decide(by_ana, TryAgain),
        "settle": lambda: decisions.settle(by_ana, has_landed=True, note="there"),
        "undo": lambda: decisions.undo(by_ana, note="back"),
        "name_kind": lambda: decisions.name_kind(by_ana, "low_stock"),
        "call_novel": lambda: decisions.decide(by_ana, CallNovel),
        "break_glass": lambda: decisions.break_glass(by_ana, reason="the shop is on fire"),
    }


DECISIONS = (
    "approve",
    "withdraw",
    "reject",
    "edit",
    "claim",
    "hand_over",
    "snooze",
    "wake",
    "resolve",
    "try_again",
    "settle",
    "undo",
    "name_kind",
    "call_novel",
    "break_glass",
)


@pytest.mark.parametrize("name", DECISIONS)
@pytest.mark.parametrize("failure", [RateLimited(7), ChatFailed("internal_error")], ids=repr)
def test_while_nobody_can_say_who_asks_nothing_is_decided(small_world, name, failure):
    world = small_world
    case = world.proposed()

    def fail(*_, **__):
        raise failure

    world.people.person = world.people.groups = fail
    with pytest.raises((NotNow, ChatFailed)):
        decide_each(world, case)[name]()
    assert world.case(case).state is State.PROPOSED
    assert "case.claimed" not in world.entry_names(case)


@pytest.mark.parametrize("name", DECISIONS)
def test_a_person_who_is_gone_decides_nothing(small_world, name):
    world = small_world
    case = world.proposed()
    decide = decide_each(world, case)[name]
    del world.people.people[ANA]
    with pytest.raises(NotEligible):
        decide()
    assert [code for _, code in refusals(world, case)] == ["not_eligible"]
    assert world.case(case).state is State.PROPOSED


def test_nobody_stands_in_for_a_person_who_is_gone(world):
    case = world.proposed()
    now = world.clock()
    world.desk.controls.delegate(
        by=ANA, to=FINN, kind="", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
    )
    del world.people.people[ANA]
    with pytest.raises(NotEligible):
        world.approve(case, "finn")
    assert world.case(case).state is State.PROPOSED


# --- what is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"product_id": 9}, "product_id", "product_id cannot be edited here"),
        ({"quantity": None}, "", "that cannot be done: a parameter is missing"),
    ],
    ids=["not editable", "refused by the system"],
)
def test_an_edit_that_cannot_be_made_says_why(world, values, field, message):
    case = world.proposed()
    with pytest.raises(BadRequest, match=message) as refusal:
        world.desk.decisions.edit(as_person(world, case, "omar"), values=values)
    assert refusal.value.field == field
    assert refusals(world, case) == [("edit", "bad_request")]


def test_an_edit_that_changes_nothing_is_refused(world):
    case = world.proposed()
    with pytest.raises(BadRequest, match="nothing was changed"):
        world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 24})
    assert world.case(case).state is State.PROPOSED


def test_a_plan_whose_action_the_playbook_no_longer_offers_cannot_be_edited(world):
    case = world.proposed()
    world.library.book = playbook(offers=())
    with pytest.raises(BadRequest, match="no plan that can be edited"):
        world.desk.decisions.edit(as_person(world, case, "omar"), values={"quantity": 12})


def test_a_case_goes_to_no_guest(world):
    case = world.proposed()
    world.people.change("finn", guest=True)
    with pytest.raises(BadRequest, match="choose a member"):
        world.desk.decisions.hand_over(
            as_person(world, case), to=FINN, progress="none", remains="all"
        )
    assert refusals(world, case) == [("hand over", "bad_request")]


@pytest.mark.parametrize("kind", ["unrecognised", "nothing_like_it"])
def test_a_kind_without_a_playbook_cannot_be_named(world, kind):
    case_id = world.receive(world.signal(kind="unrecognised")).case_id
    world.work()
    case = world.store.cases.case(case_id)
    plain = world.library.playbook
    world.library.playbook = lambda kind: plain("unrecognised")
    with pytest.raises(BadRequest, match="there is no playbook for"):
        world.desk.decisions.name_kind(as_person(world, case), kind)
    assert refusals(world, case) == [("name", "bad_request")]


# --- emergencies --------------------------------------------------------------------------------


def with_emergency(world):
    world.library.rules = policy(emergency=EmergencyRule("owners", timedelta(hours=4)))


def test_without_an_emergency_rule_the_glass_is_not_broken(world):
    case = world.proposed()
    with pytest.raises(Refusal):
        world.desk.decisions.break_glass(as_person(world, case, "elsie"), reason="flood")
    assert world.case(case).state is State.PROPOSED
    assert [attempt for attempt, _ in refusals(world, case)] == [str(DecisionKind.EMERGENCY)]


def test_whoever_is_not_of_the_group_does_not_break_it(world):
    with_emergency(world)
    case = world.proposed()
    with pytest.raises(NotEligible):
        world.desk.decisions.break_glass(as_person(world, case, "ana"), reason="flood")
    assert world.store.desk_controls.load().emergencies == ()


def test_a_case_that_is_decided_is_no_emergency(world):
    with_emergency(world)
    case = world.proposed()
    before = as_person(world, case, "elsie")
    world.approve(case)
    with pytest.raises(TooLate):
        world.desk.decisions.break_glass(before, reason="flood")
    assert world.store.desk_controls.load().emergencies == ()


# --- the desk as a whole ------------------------------------------------------------------------


def test_a_delegation_for_a_kind_that_does_not_exist_is_refused(world):
    plain = world.library.playbook
    world.library.playbook = lambda kind: plain("unrecognised")
    now = world.clock()
    with pytest.raises(BadRequest, match="there is no playbook for 'odd'") as refusal:
        world.desk.controls.delegate(
            by=ANA, to=FINN, kind="odd", begins_at=now, ends_at=now + HOUR, surface=Surface.SLACK
        )
    assert refusal.value.field == "kind"
    assert world.store.desk_controls.load().delegations == ()


def test_a_breaker_that_is_tripped_already_is_not_tripped_again(world):
    for _ in range(2):
        world.store.cases.step_outcomes = lambda action, limit: ["FAILED"] * limit
        world.desk.controls.trip_circuit_breaker("house.order_stock")
    controls = world.store.desk_controls.load()
    assert [pause.scope for pause in controls.pauses] == ["action:house.order_stock"]
    assert controls.version == 1


def test_a_report_of_a_kind_that_does_not_exist_is_refused(world):
    plain = world.library.playbook
    world.library.playbook = lambda kind: plain("unrecognised")
    with pytest.raises(BadRequest, match="there is no playbook for"):
        world.desk.raising.raise_case(by=ANA, title="The till is stuck", key="k", kind="odd")
    assert world.store.queries.counts() == {}
