"""Plans that are trees: each path, and everything that they do not foresee."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.commands import StartStep
from bot.cases.entries import (
    Drifted,
    StepReported,
    StepStarted,
    StepState,
    Stopped,
    UndoAsked,
    UndoLapsed,
)
from bot.cases.lifecycle import State
from bot.cases.plan import Proposer
from bot.cases.policy import ActionLimit
from bot.cases.steps import find_drift
from bot.cases.undo import undo_scope
from bot.ports.card_store import CardContext
from handlers.cards.case_card import case_card
from tests.cases.trees import HOLD, RETURNS
from tests.fakes.connector import Died
from tests.fakes.directory import principal
from tests.world import World, request

pytestmark = pytest.mark.proof

HELD = {"answer": "held", "held_until": "2026-12-01"}


@pytest.fixture
def world(store):
    world = World(store)
    world.house.amount = None
    world.house.returns = RETURNS
    world.house.told = {"hold": dict(HELD)}
    world.library.book = replace(world.library.book, offers=(HOLD,))
    names = ("hold", "expect", "tell", "claim")
    world.library.rules = replace(
        world.library.rules,
        actions={f"house.{name}": ActionLimit(times_per_day=9) for name in names},
    )
    return world


def carried_out(world, *, rounds: int = 12):
    """Approve the plan, and let it run until nothing is due any more."""
    case = world.approve(world.proposed(), "ben")
    return finished(world, case, rounds=rounds)


def finished(world, case, *, rounds: int = 12):
    for _ in range(rounds):
        world.work()
        world.clock.forward(seconds=5)
    return world.case(case)


def done(world) -> list[str]:
    return [action.name.partition(".")[2] for action in world.house.done_actions]


def bodies(world, case, kind) -> list:
    return [e.body for e in world.store.cases.entries(case.id) if isinstance(e.body, kind)]


# --- the paths ------------------------------------------------------------------------------------


def test_what_a_step_tells_is_a_parameter_of_the_next(world):
    case = carried_out(world)
    assert (case.state, done(world)) == (State.RESOLVED, ["hold", "expect"])
    assert world.house.done_actions[1].parameters == {"product_id": 1, "day": "2026-12-01"}
    assert [report.facts for report in bodies(world, case, StepReported)] == [HELD, {}]
    assert bodies(world, case, StepStarted)[1].inputs == {"day": "2026-12-01"}


def test_where_the_condition_does_not_hold_the_other_branch_runs(world):
    world.house.told["hold"] = {"answer": "returned"}
    case = carried_out(world)
    assert (case.state, done(world)) == (State.RESOLVED, ["hold", "tell"])
    states = [step.state for step in case.execution.steps]
    assert states == [StepState.LANDED, StepState.SKIPPED, StepState.LANDED]


def test_where_the_system_refuses_for_good_the_plan_does_what_it_says_for_that(world):
    world.house.faults["execute"] = ["refuse for good"]
    case = carried_out(world)
    assert (case.state, done(world)) == (State.RESOLVED, ["claim"])
    assert [step.state for step in case.execution.steps][::3] == [
        StepState.REFUSED,
        StepState.LANDED,
    ]


@pytest.mark.parametrize("fault", ["busy", "refuse"])
def test_a_system_that_is_busy_or_lets_nobody_in_has_not_refused(world, fault):
    world.house.faults["execute"] = [fault] * 9
    case = carried_out(world, rounds=40)
    assert (case.state, done(world)) == (State.REFERRED, [])


# --- lost answers ---------------------------------------------------------------------------------


def test_after_a_lost_answer_the_facts_are_read(world):
    world.house.faults["execute"] = ["lost after"]
    case = carried_out(world)
    assert (case.state, case.execution.steps[0].facts) == (State.RESOLVED, HELD)
    assert done(world) == ["expect"]
    assert len(world.house.effects) == 2


def test_facts_that_cannot_be_read_for_a_moment_are_read_later(world):
    world.house.faults |= {"execute": ["lost after"], "facts": ["away", "away"]}
    assert carried_out(world).state is State.RESOLVED


def test_facts_that_nobody_can_read_are_not_guessed(world):
    world.house.faults |= {"execute": ["lost after"], "facts": ["away"] * 9}
    case = carried_out(world, rounds=60)
    assert (case.state, len(world.house.effects)) == (State.REFERRED, 1)
    assert case.activity.drift_reasons == ("answer was not told",)


# --- what is not foreseen -------------------------------------------------------------------------

UNFORESEEN = {
    "a missing fact": ({"held_until": "2026-12-01"}, "answer was not told"),
    "another type": ({"answer": 7, "held_until": "2026-12-01"}, "answer was not told"),
    "no branch": ({"answer": "lost"}, "answer is lost, and nothing is planned for that"),
    "a missing day": ({"answer": "held"}, "held until was not told"),
    "no day": ({"answer": "held", "held_until": "soon"}, "held until was not told"),
    "too late a day": (
        {"answer": "held", "held_until": "2026-12-22"},
        "held until is 2026-12-22, which must be from 2026-11-21 to 2026-12-21",
    ),
    "too early a day": (
        {"answer": "held", "held_until": "2026-11-20"},
        "held until is 2026-11-20, which must be from 2026-11-21 to 2026-12-21",
    ),
}


@pytest.mark.parametrize(("told", "reason"), UNFORESEEN.values(), ids=UNFORESEEN)
def test_what_the_tree_does_not_foresee_stops_it_and_is_asked_about(world, told, reason):
    world.house.told["hold"] = told
    case = carried_out(world)
    assert (case.state, done(world)) == (State.REFERRED, ["hold"])
    (stop,) = bodies(world, case, Drifted)
    assert (stop.reasons, stop.is_unforeseen) == ((reason,), True)
    assert case.generation == 2


def test_what_was_done_is_evidence_of_the_new_revision_and_never_proposed_again(world):
    world.house.told["hold"] = {"answer": "lost"}
    case = carried_out(world)
    facts = {fact.label: fact.value for fact in case.assessment.evidence}
    assert (facts["Done already"], facts["Answer"]) == ("Do hold", "lost")
    assert "it was done already" in case.proposal.recommendation.blocked


def test_a_playbook_may_offer_what_fits_what_was_observed(world):
    claim = replace(HOLD.if_refused[0], when="steps.hold.answer == 'lost'")
    world.library.book = replace(world.library.book, offers=(HOLD, claim))
    world.house.told["hold"] = {"answer": "lost"}
    case = carried_out(world)
    assert (case.state, case.proposal.plan.revision) == (State.PROPOSED, 2)
    assert [action.name for action in case.proposal.plan.actions] == ["house.claim"]
    case = finished(world, world.approve(case))
    assert (case.state, done(world)) == (State.RESOLVED, ["hold", "claim"])


def test_a_plan_that_would_repeat_a_step_is_stopped_before_it(world):
    world.house.told["hold"] = {"answer": "lost"}
    case = carried_out(world)
    again = replace(HOLD, then=(), if_refused=())
    world.library.book = replace(world.library.book, offers=(again,))
    # As if whoever proposes did not know what was done.
    proposals = world.desk.triage.proposals
    plan, verdict = proposals.propose(
        case,
        actions=(proposals.prepare("house.hold", {}),),
        evidence=(),
        proposer=Proposer.PERSON,
        now=world.clock(),
    )
    proposed = replace(case, proposal=replace(case.proposal, plan=plan, verdict=verdict))
    command = StartStep(
        step=0,
        groups={},
        people={},
        plan_hash=plan.plan_hash,
        verdict=verdict,
        precondition=plan.actions[0].precondition,
    )
    reasons = find_drift(proposed, command, world.clock())
    assert "it was done before, under an earlier plan of this case" in reasons


# --- crashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["die before", "die after"])
@pytest.mark.parametrize("path", ["held", "returned", "lost"])
def test_a_process_that_dies_repeats_nothing_on_any_path(world, point, path):
    world.house.told["hold"] = {"answer": path, "held_until": "2026-12-01"}
    world.house.faults["execute"] = [point]
    case = world.approve(world.proposed(), "ben")
    with pytest.raises(Died):
        world.work()
    world.clock.forward(minutes=2)
    case = finished(world, case, rounds=60)
    assert len(set(world.house.effects)) == len(world.house.effects)
    holds = {"held": 2, "returned": 2, "lost": 1}
    assert len(world.house.effects) == holds[path]
    assert case.state is (State.REFERRED if path == "lost" else State.RESOLVED)


# --- undo -----------------------------------------------------------------------------------------


def test_a_plan_is_taken_back_by_the_path_that_it_took(world):
    world.house.undo_for = timedelta(minutes=30)
    case = carried_out(world, rounds=2)
    assert case.execution.undo_until
    world.desk.decisions.undo(
        request(case.id, principal("ben"), world.seen(case)), note="wrong one"
    )
    case = finished(world, case)
    keys = [step.key for step in case.execution.steps]
    assert world.house.effects[-2:] == [f"undo:{keys[1]}", f"undo:{keys[0]}"]


def asked_again(world, **hold_terms):
    """A case whose first plan held and met something unforeseen; its second one claimed."""
    world.house.undo_for = timedelta(minutes=30)
    prepare = world.house.prepare

    def prepare_hold(name, *rest):
        changes = hold_terms if name == "hold" else {}
        return replace(prepare(name, *rest), **changes)

    world.house.prepare = prepare_hold
    claim = replace(HOLD.if_refused[0], when="steps.hold.answer == 'lost'")
    world.library.book = replace(world.library.book, offers=(HOLD, claim))
    world.house.told["hold"] = {"answer": "lost"}
    case = carried_out(world)
    assert case.state is State.PROPOSED
    case = finished(world, world.approve(case, "ana"), rounds=3)
    assert (case.state, done(world)) == (State.RESOLVED, ["hold", "claim"])
    return case


def say_take_back(world, case, *names):
    for name in names or ("ben", "ana"):
        seen = world.seen(case)
        world.desk.decisions.undo(request(case.id, principal(name), seen), note="wrong one")


def take_back(world, case):
    say_take_back(world, case)
    return finished(world, case)


def keys_of(world, case) -> list[str]:
    return [body.key for body in bodies(world, case, StepStarted)]


def test_an_undo_takes_back_what_earlier_plans_of_the_case_have_done_last_first(world):
    case = asked_again(world)
    hold, claim = keys_of(world, case)
    (earlier,) = case.execution.earlier_steps
    assert earlier.key == hold
    case = take_back(world, case)
    (asked,) = bodies(world, case, UndoAsked)
    assert asked.earlier_keys == (hold,)
    assert world.house.effects[-2:] == [f"undo:{claim}", f"undo:{hold}"]
    assert case.state is State.REFERRED
    assert case.execution.earlier_steps == ()
    (stopped,) = bodies(world, case, Stopped)
    assert "Do claim: undone (taken back); Do hold: undone (taken back)" in stopped.reason


def test_the_undo_of_a_dry_run_leaves_what_was_done_for_real(world):
    case = asked_again(world)
    assert [one.action.name for one in undo_scope(case, world.clock()).earlier] == ["house.hold"]
    rehearsed = replace(case.proposal, plan=replace(case.proposal.plan, mode="dry-run"))
    scope = undo_scope(replace(case, proposal=rehearsed), world.clock())
    assert scope.earlier == ()
    assert [action.name for action in scope.remaining] == ["house.hold"]


def test_what_was_taken_back_may_be_proposed_again(world):
    case = take_back(world, asked_again(world))
    case = world.store.cases.case(case.id)
    world.library.book = replace(world.library.book, offers=(HOLD,))
    proposals = world.desk.triage.proposals
    assert proposals.prepare_for(case)("house.hold", {}).name == "house.hold"


@pytest.mark.parametrize("terms", [{"undo_for": timedelta(minutes=1)}, {"reversible": False}])
def test_what_cannot_be_taken_back_stays_and_is_named(world, terms):
    case = asked_again(world, **terms)
    world.clock.forward(minutes=2)
    scope = undo_scope(case, world.clock())
    assert [action.name for action in scope.remaining] == ["house.hold"]
    hold, claim = keys_of(world, case)
    case = take_back(world, case)
    assert world.house.effects == [hold, claim, f"undo:{claim}"]
    assert [one.key for one in case.execution.earlier_steps] == [hold]
    (stopped,) = bodies(world, case, Stopped)
    assert "Do hold: done before this plan, and stays" in stopped.reason


@pytest.mark.parametrize("fault", ["lost after", "lost before", "away"])
@pytest.mark.parametrize("step", [0, 1])
def test_an_undo_of_two_plans_is_done_once_whatever_becomes_of_the_answers(world, fault, step):
    case = asked_again(world)
    world.house.faults["undo"] = [""] * step + [fault]
    case = take_back(world, case)
    for _ in range(30):
        case = finished(world, case)
    undone = [effect for effect in world.house.effects if effect.startswith("undo:")]
    assert undone == [f"undo:{key}" for key in reversed(keys_of(world, case))]
    assert (case.state, case.execution.earlier_steps) == (State.REFERRED, ())


@pytest.mark.parametrize("point", ["die before", "die after"])
@pytest.mark.parametrize("step", [0, 1])
def test_a_process_that_dies_while_two_plans_are_undone_repeats_nothing(world, point, step):
    case = asked_again(world)
    world.house.faults["undo"] = [""] * step + [point]
    say_take_back(world, case)
    with pytest.raises(Died):
        finished(world, case)
    world.clock.forward(minutes=2)
    case = finished(world, case, rounds=60)
    undone = [effect for effect in world.house.effects if effect.startswith("undo:")]
    assert undone == [f"undo:{key}" for key in reversed(keys_of(world, case))]
    assert (case.state, case.execution.earlier_steps) == (State.REFERRED, ())


def test_a_person_settles_the_undo_of_an_earlier_step_that_was_refused(world):
    case = asked_again(world)
    world.house.faults["undo"] = ["", "refuse"]
    case = take_back(world, case)
    assert (case.state, case.execution.step_in_doubt) == (State.OUTCOME_UNKNOWN, 1)
    assert "Did this happen: Do hold?" in json.dumps(case_card(case, CardContext()))
    settled = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.settle(settled, has_landed=True, note="it is gone there")
    case = finished(world, case)
    assert (case.state, case.execution.earlier_steps) == (State.REFERRED, ())


def test_an_undo_that_lapses_leaves_the_case_as_it_was(world):
    case = asked_again(world)
    before = case.execution
    say_take_back(world, case)
    world.people.change("ben", active=False)
    case = finished(world, case)
    assert bodies(world, case, UndoLapsed)
    assert (case.state, case.execution.steps) == (State.RESOLVED, before.steps)
    assert case.execution.earlier_steps == before.earlier_steps
    assert case.execution.earlier_undone == ()
    assert len(world.house.effects) == 2


def test_an_undo_needs_everybody_whom_any_of_its_plans_needed(world):
    """The tree of two steps moves more than the claim, and other people had to approve it."""
    case = asked_again(world)
    assert case.proposal.verdict.factors == (ApprovalRequirement("floor-managers", 1),)
    assert case.approver_groups == ("floor-managers", "ops-leads")
    assert case.undo_votes_needed == 2
    for name in ("ana", "omar"):
        say_take_back(world, case, name)
    case = finished(world, case)
    assert (case.state, len(world.house.effects)) == (State.RESOLVED, 2)
    say_take_back(world, case, "ben")
    assert len(finished(world, case).execution.earlier_steps) == 0


def test_a_later_step_that_fails_takes_back_what_landed(world):
    world.house.faults["execute"] = ["", "refuse"]
    case = carried_out(world)
    assert case.state is State.REFERRED
    assert [step.state for step in case.execution.steps] == [StepState.UNDONE, StepState.FAILED]


# --- policy ---------------------------------------------------------------------------------------


def test_the_money_of_a_tree_is_its_dearest_path(world):
    world.house.amount = Decimal(100)
    case = world.proposed()
    # Hold and then expect, or claim instead of both.
    assert case.proposal.plan.amount.amount == 200
    assert case.proposal.verdict.tier.name == "MEDIUM"


# --- edits ----------------------------------------------------------------------------------------


def test_an_edit_keeps_the_branches_and_is_another_plan(world):
    hold = replace(HOLD, parameters={"quantity": "stock.quantity"}, edit=("quantity",))
    world.library.book = replace(world.library.book, offers=(hold,))
    case = world.proposed()
    edited = world.desk.decisions.edits.save(
        request(case.id, principal("ben"), world.seen(case)), {"quantity": 12}
    )
    before, after = case.proposal.plan, edited.proposal.plan
    assert (after.branches, after.facts) == (before.branches, before.facts)
    assert after.plan_hash != before.plan_hash
    assert after.actions[0].parameters == {"quantity": 12}


# --- what is bound --------------------------------------------------------------------------------


def test_every_part_of_a_tree_is_in_its_digest(world):
    plan = world.proposed().proposal.plan
    assert plan.facts == {"signal.product_id": 1}
    expect = plan.branches[1]
    looser = replace(expect.inputs["day"], maximum="2027-12-21")
    others = [
        replace(plan, facts={"signal.product_id": 2}),
        replace(plan, branches=(plan.branches[0], replace(expect, when=""), *plan.branches[2:])),
        replace(
            plan,
            branches=(
                plan.branches[0],
                replace(expect, inputs={"day": looser}),
                *plan.branches[2:],
            ),
        ),
        replace(plan, branches=()),
    ]
    assert len({plan.plan_hash, *(other.plan_hash for other in others)}) == 5


def test_a_dry_run_ends_where_it_cannot_know_what_it_would_be_told(store):
    world = World(store, mode="dry-run")
    world.house.amount = None
    world.house.returns = RETURNS
    world.library.book = replace(world.library.book, offers=(HOLD,))
    names = ("hold", "expect", "tell", "claim")
    actions = {f"house.{name}": ActionLimit(times_per_day=9) for name in names}
    world.library.rules = replace(world.library.rules, actions=actions)
    case = carried_out(world)
    assert (case.state, world.house.effects) == (State.RESOLVED, [])
    assert not case.execution.earlier_steps
