"""Limits, money and the mode between the yes and the deed, on both databases."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.commands import TryAgain
from bot.cases.entries import StepState
from bot.cases.errors import BadRequest, ConnectorFailed, TooLate
from bot.cases.lifecycle import State
from bot.cases.plan import DRY_RUN
from bot.cases.playbook import ActionOffer
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage, TierRule
from bot.cases.verdict import Ruling
from bot.connectors.parameters import ParameterType
from bot.connectors.specs import prepare_action
from bot.connectors.sql import SqlAction
from bot.ports.outbox import Topic
from bot.settings import Mode
from bot.store.store import Store
from handlers.cards.case_card import case_card
from handlers.cards.forms import approve_form
from tests.desk.test_executor import finish
from tests.fakes.connector import FakeConnector
from tests.fakes.directory import principal
from tests.world import World, playbook, policy, request

pytestmark = pytest.mark.both_databases

NOT_AMOUNTS = [
    None,
    "a lot",
    float("nan"),
    float("inf"),
    float("-inf"),
    1e30,
    10**30,
    -5,
    True,
    "",
    "1,000",
]


class PricedConnector(FakeConnector):
    """A house whose action declares an amount, made by the function that makes those of every real connector."""

    def __init__(self, price) -> None:
        super().__init__()
        self.price = price
        types = {"product_id": ParameterType.INTEGER, "quantity": ParameterType.INTEGER}
        self.spec = SqlAction(
            name="order_stock",
            version=1,
            parameters=types,
            target="product:{product_id}",
            summary="Order {quantity}",
            preview="{quantity} more",
            amount="price",
            currency="GBP",
            precondition="SELECT price",
            statement="INSERT …",
            undo="DELETE …",
        )

    def prepare(self, action, parameters):
        return prepare_action(
            self.spec,
            system=self.name,
            connector="fake",
            parameters=parameters,
            snapshot={**self.facts, "price": self.price},
        )


def priced(world: World, price) -> PricedConnector:
    house = PricedConnector(price)
    house.rows = world.house.rows
    world.house = house
    world.start("")
    return house


def two_orders(world: World) -> None:
    """A plan of two steps of the same action, each with a target of its own."""
    then = (
        ActionOffer(
            action="house.order_stock",
            parameters={"product_id": "`2`", "quantity": "stock.quantity"},
            reason="too",
        ),
    )
    offer = world.library.book.offers[0]
    world.library.book = playbook(offers=(replace(offer, then=then),))


def run_until(world: World, true) -> None:
    """Do one row at a time, until it is so."""
    for _ in range(100):
        if true():
            return
        (work,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
        world.lane.handle(work)
    raise AssertionError("it never became so")


def counted(world: World, case) -> int:
    """How often the action of this case was carried out in the last 24 hours."""
    other = replace(world.case(case).proposal.plan, case_id="EX-99")
    usage = world.store.cases.usage(world.clock(), (timedelta(days=1),), plan=other)
    return sum(row.times for row in usage.rows)


def limit(world: World, **limits) -> None:
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(**limits)})


# --- an amount that is not known -----------------------------------------------------------------------------------------


@pytest.mark.threat("B3")
@pytest.mark.parametrize("price", NOT_AMOUNTS, ids=str)
def test_an_amount_that_is_none_is_not_an_action_without_money_and_the_card_says_so(
    small_world, price
):
    world = small_world
    priced(world, price)
    case = world.proposed()
    assert (case.state, case.proposal.plan) == (State.REFERRED, None)
    assert "the amount is not known" in case.proposal.recommendation.blocked
    assert "the amount is not known" in json.dumps(case_card(case))
    assert "EX-1/1" in world.chat.cards
    assert world.store.outbox.parked_messages() == []


@pytest.mark.threat("B3")
@pytest.mark.parametrize("price", [0, 0.0, "12.50", 12.5], ids=repr)
def test_an_amount_that_is_one_goes_into_the_plan(small_world, price):
    priced(small_world, price)
    case = small_world.proposed()
    assert (case.state, case.proposal.plan.actions[0].amount.amount) == (
        State.PROPOSED,
        Decimal(str(price)),
    )


@pytest.mark.threat("B3")
def test_an_edit_to_an_amount_that_is_none_is_refused_and_the_case_stays(world):
    house = priced(world, 100)
    case = world.proposed()
    house.price = float("nan")
    with pytest.raises(BadRequest, match="the amount is not known"):
        world.desk.decisions.edit(
            request(case.id, principal("omar"), world.seen(case)), values={"quantity": 6}
        )
    assert world.case(case).state is State.PROPOSED
    assert world.entry_names(case)[-1] == "attempt.refused"


@pytest.mark.threat("B3")
@pytest.mark.parametrize(
    "found",
    [
        {"at_risk": float("nan")},
        {"at_risk": float("inf")},
        {"at_risk": 1e30},
        {"at_risk": -1},
        {"on_hand": 10**30},
        {"product": "Merlot\x00"},
        {"product": "Mer\ud800lot"},
    ],
    ids=ascii,
)
def test_evidence_that_no_ledger_can_hold_still_gives_a_card(small_world, found):
    world = small_world
    world.house.rows = [{**world.house.rows[0], **found}]
    case = world.proposed()
    assert case.state is State.PROPOSED
    assert (case.assessment.stake is None) is ("at_risk" in found)
    assert "EX-1/1" in world.chat.cards


@pytest.mark.threat("B3")
def test_evidence_that_no_database_can_hold_still_gives_a_card(world):
    odd = {"product": "Mer\x00lot", "on_hand": 10**30, "at_risk": float("nan"), "note": "\ud800"}
    world.house.rows = [{**world.house.rows[0], **odd}]
    case = world.proposed()
    assert (case.state, case.assessment.what) == (State.PROPOSED, f"Mer?lot: {10**30} left")


@pytest.mark.threat("B3")
def test_words_that_speak_of_more_money_than_there_is_still_give_a_card(small_world):
    world = small_world
    title = f"Wire £{',999' * 12}".replace("£,", "£") + " today"
    case = world.store.cases.case(
        world.receive(world.signal(kind="unrecognised", title=title)).case_id
    )
    world.work()
    assert (world.case(case).state, world.case(case).assessment.stake) == (State.REFERRED, None)
    assert "EX-1/1" in world.chat.cards


class Broken(FakeConnector):
    """A connector with a fault that nobody foresaw."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def prepare(self, action, parameters):
        raise self.fault


@pytest.mark.threat("B3")
@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        (KeyError("price"), 1),
        (OverflowError("too large"), 1),
        (ValueError("odd"), 1),
        (ConnectorFailed("the house is closed"), 1),
        (RuntimeError("nobody thought of this"), 8),
    ],
    ids=["key", "overflow", "value", "connector", "anything"],
)
def test_a_case_that_cannot_be_looked_at_gets_a_card_that_says_so(small_world, fault, attempts):
    world = small_world
    world.house = Broken(fault)
    world.start("")
    receipt = world.receive()
    for _ in range(attempts):
        world.work()
        world.clock.forward(minutes=10)
    world.work()
    case = world.store.cases.case(receipt.case_id)
    assert case.state is State.REFERRED
    assert world.store.outbox.parked_messages() == []
    assert f"{case.id}/1" in world.chat.cards
    assert "Traceback" not in case.activity.status_reason.reason
    assert type(fault).__name__ not in case.activity.status_reason.reason
    world.house.prepare = FakeConnector().prepare
    world.house.rows = [{"product": "Merlot", "on_hand": 4, "quantity": 24, "at_risk": 3.5}]
    world.desk.decisions.decide(request(case.id, principal("ana"), world.seen(case)), TryAgain)
    world.work()
    assert world.case(case).state is State.PROPOSED


# --- a plan does not count against itself --------------------------------------------------------------------------------


@pytest.mark.threat("B5")
def test_a_step_that_was_lost_is_done_again_within_its_own_limit(world):
    limit(world, times_per_target_per_day=1, times_per_day=1, amount_per_day=Decimal(100))
    case = world.proposed()
    world.house.faults["execute"] = ["lost before"]
    world.approve(case)
    done = finish(world, case, seconds=10)
    assert (done.state, len(world.house.effects), done.activity.drift_reasons) == (
        State.RESOLVED,
        1,
        (),
    )


@pytest.mark.threat("B5")
def test_a_plan_of_two_steps_does_not_undo_itself(world):
    two_orders(world)
    limit(world, times_per_target_per_day=1, times_per_day=2, amount_per_day=Decimal(200))
    case = world.proposed()
    world.approve(case, "ben")
    done = finish(world, case)
    assert [step.state for step in done.execution.steps] == [StepState.LANDED, StepState.LANDED]
    assert (done.state, len(world.house.effects)) == (State.RESOLVED, 2)


@pytest.mark.threat("B5")
def test_what_others_used_up_meanwhile_still_stops_the_second_step(world):
    two_orders(world)
    limit(world, times_per_day=2)
    case, other = (
        world.proposed(),
        world.store.cases.case(world.receive(world.signal("product:9")).case_id),
    )
    world.library.book = playbook()
    world.work()
    world.approve(case, "ben")
    run_until(world, lambda: len(world.house.effects) == 1)
    world.approve(world.case(other))
    finish(world, other)
    done = finish(world, case, seconds=2)
    landed = [key for key in world.house.effects if not key.startswith("undo:")]
    assert len(landed) == 2
    assert {done.state, world.case(other).state} == {State.RESOLVED, State.REFERRED}


@pytest.mark.threat("B5")
def test_midnight_between_two_steps_frees_no_budget(world):
    two_orders(world)
    limit(world, times_per_day=2)
    world.clock.at = datetime(2026, 11, 21, 23, 59, 0, tzinfo=UTC)
    case = world.proposed()
    world.approve(case, "ben")
    run_until(world, lambda: len(world.house.effects) == 1)
    world.clock.at = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)
    world.library.book = playbook()
    other = world.store.cases.case(world.receive(world.signal("product:9")).case_id)
    work = world.store.outbox.claim([Topic.TRIAGE, Topic.CARD, Topic.NOTE], 10, world.clock(), 30)
    for row in work:
        world.lane.handle(row)
    world.approve(world.case(other))
    done, second = finish(world, case), world.case(other)
    assert (done.state, second.state, len(world.house.effects)) == (
        State.RESOLVED,
        State.REFERRED,
        2,
    )
    assert counted(world, case) == 2
    # 24 hours after the first step there is room for one again.
    world.clock.forward(hours=23, minutes=59)
    assert counted(world, case) == 1


@pytest.mark.threat("B5")
@pytest.mark.parametrize("how", ["refused", "settled"])
def test_what_certainly_did_not_happen_uses_up_no_budget(world, how):
    limit(world, times_per_day=1)
    case, other = (
        world.proposed(),
        world.store.cases.case(world.receive(world.signal("product:9")).case_id),
    )
    world.work()
    world.house.faults["execute"] = ["refuse" if how == "refused" else "lost before"]
    world.house.faults["verify"] = ["unknown"] * 20
    world.approve(case)
    finish(world, case, seconds=60)
    if how == "settled":
        world.desk.decisions.settle(
            request(case.id, principal("ana"), world.seen(case)), has_landed=False, note="not there"
        )
        finish(world, case)
    world.house.faults.clear()
    assert world.case(case).state is State.REFERRED
    world.approve(world.case(other))
    assert (finish(world, other).state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("B5")
def test_what_a_person_saw_happen_uses_up_budget_like_what_was_reported(world):
    case = world.proposed()
    world.house.faults["execute"] = ["lost after"]
    world.house.faults["verify"] = ["unknown"] * 20
    world.approve(case)
    finish(world, case, seconds=60)
    world.desk.decisions.settle(
        request(case.id, principal("ana"), world.seen(case)), has_landed=True, note="seen"
    )
    finish(world, case)
    assert world.store.cases.step_outcomes("house.order_stock", 5) == ["LANDED"]
    assert counted(world, case) == 1


# --- who must say yes changes between the yes and the deed ---------------------------------------------------------------


@pytest.mark.threat("B2")
@pytest.mark.parametrize("where", ["policy", "playbook"])
def test_other_approvers_between_the_yes_and_the_deed_are_asked_and_nothing_runs(world, where):
    case = world.proposed()
    world.approve(case)
    if where == "policy":
        tiers = {
            **world.library.rules.tiers,
            "low": TierRule((ApprovalRequirement("ops-leads", 1),), timedelta(hours=24)),
        }
        world.library.rules = policy(tiers=tiers)
    else:
        world.library.book = playbook(terms=PlaybookTerms((ApprovalRequirement("ops-leads", 1),)))
    again = finish(world, case)
    assert (again.state, world.house.effects) == (State.PROPOSED, [])
    assert again.activity.drift_reasons == ("policy asks other people now: @ops-leads",)
    world.approve(again, "ben")
    assert finish(world, again).state is State.RESOLVED


@pytest.mark.threat("B9")
def test_an_autonomous_kind_that_a_person_edited_to_low_risk_can_be_approved(world):
    world.library.book = playbook(terms=PlaybookTerms(stage=Stage.AUTONOMOUS))
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.house.amount = Decimal(300)
    case = world.proposed()
    world.house.amount = Decimal(100)
    edited = world.desk.decisions.edit(
        request(case.id, principal("ben"), world.seen(case)), values={"quantity": 8}
    )
    assert (edited.proposal.verdict.ruling, edited.proposal.verdict.factors) == (
        Ruling.ASK,
        (ApprovalRequirement("floor-managers", 1),),
    )
    world.work()
    assert world.house.effects == []
    world.approve(edited)
    assert finish(world, edited).state is State.RESOLVED


# --- the mode in which it was approved -----------------------------------------------------------------------------------


@pytest.fixture
def dry_world(store) -> World:
    return World(store, mode="dry-run")


@pytest.mark.threat("B8")
def test_the_setting_and_the_plan_mean_the_same_by_a_dry_run():
    assert Mode.DRY_RUN.value == DRY_RUN


@pytest.mark.threat("B8")
def test_a_yes_to_a_dry_run_is_not_a_yes_to_the_deed(dry_world):
    world = dry_world
    case = world.proposed()
    assert case.proposal.plan.mode == "dry-run"
    assert "Dry run: nothing will be changed" in json.dumps(case_card(case))
    assert "Dry run: nothing will be changed" in json.dumps(approve_form(case))
    world.approve(case)
    world.start("live")
    again = finish(world, case)
    assert (again.state, again.proposal.revision, world.house.effects) == (State.PROPOSED, 2, [])
    assert again.activity.drift_reasons == (
        "it was approved as a dry run; now it would be carried out",
    )
    assert "Dry run: nothing will be changed" not in json.dumps(case_card(again))
    world.approve(again)
    assert (finish(world, again).state, len(world.house.effects)) == (State.RESOLVED, 1)


@pytest.mark.threat("B8")
def test_a_dry_run_that_had_begun_is_asked_again_and_nothing_is_taken_back(dry_world):
    world = dry_world
    two_orders(world)
    case = world.proposed()
    world.approve(case, "ben")
    run_until(
        world,
        lambda: any(step.state is StepState.LANDED for step in world.case(case).execution.steps),
    )
    world.start("live")
    again = finish(world, case)
    assert (again.state, again.proposal.revision, world.house.effects) == (State.PROPOSED, 2, [])


@pytest.mark.threat("B8")
def test_what_was_done_as_a_dry_run_is_not_taken_back_live(dry_world):
    world = dry_world
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    done = finish(world, case)
    assert "Dry run: nothing was changed" in json.dumps(case_card(done))
    world.start("live")
    with pytest.raises(
        TooLate, match="it was a dry run: nothing was changed, so there is nothing to take back"
    ):
        world.desk.decisions.undo(
            request(case.id, principal("ana"), world.seen(case)), note="wrong product"
        )
    assert (world.case(case).state, world.house.effects) == (State.RESOLVED, [])


@pytest.mark.threat("B8")
def test_a_dry_run_that_was_being_taken_back_ends_without_touching_anything(dry_world):
    world = dry_world
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    world.approve(case)
    finish(world, case)
    world.desk.decisions.undo(
        request(case.id, principal("ana"), world.seen(case)), note="wrong product"
    )
    world.start("live")
    assert (finish(world, case).state, world.house.effects) == (State.REFERRED, [])


@pytest.mark.threat("B8")
def test_what_was_done_for_real_is_neither_found_nor_taken_back_by_a_dry_run(store):
    world = World(store, mode="live")
    world.house.undo_for = timedelta(minutes=30)
    done, unsure = (
        world.proposed(),
        world.store.cases.case(world.receive(world.signal("product:9")).case_id),
    )
    world.work()
    world.approve(done)
    finish(world, done)
    world.house.faults["execute"] = ["lost before"]
    world.approve(world.case(unsure))
    finish(world, unsure)
    world.start("dry-run")
    with pytest.raises(TooLate, match="it was carried out for real"):
        world.desk.decisions.undo(
            request(done.id, principal("ana"), world.seen(done)), note="wrong product"
        )
    waiting = finish(world, unsure, seconds=3)
    assert (waiting.state, waiting.execution.steps[0].state, len(world.house.effects)) == (
        State.RUNNING,
        StepState.UNKNOWN,
        1,
    )
    world.start("live")
    world.clock.forward(minutes=2)
    assert (finish(world, unsure, seconds=3).state, len(world.house.effects)) == (State.RESOLVED, 2)


@pytest.mark.threat("B8")
def test_a_plan_of_an_earlier_release_names_no_mode_and_runs_in_any(world):
    case = world.proposed()
    assert case.proposal.plan.mode == ""
    world.approve(case)
    world.start("live")
    assert finish(world, case).state is State.RESOLVED
    assert isinstance(world.store, Store)
