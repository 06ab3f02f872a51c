"""A case: what follows from its fields."""

from dataclasses import replace

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, Clear, Edit, HandOver, Recommend, Recur, Wake
from bot.cases.entries import FieldChange, Parked, StepReported, StepState
from bot.cases.errors import LedgerBroken
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.recommendation import Recommendation
from bot.cases.verdict import Ruling
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    CASES,
    HOUR,
    NOW,
    OMAR,
    SEEN,
    action,
    approved,
    caller,
    do,
    landed,
    opened,
    parked,
    plan,
    proposed,
    referred,
    resolved,
    running,
    signal,
    snoozed,
    start_step,
    unrecognised,
    verdict,
)


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_a_case_has_ended_in_a_terminal_state_and_then_has_a_time_and_a_reason(state):
    case = CASES[state]()
    assert case.is_terminal is (state in TERMINAL)
    if state in TERMINAL:
        assert case.ended_at == case.activity.status_reason.at == case.timers.changed_at
        assert case.activity.status_reason.reason
        return
    assert case.ended_at is None


def test_a_note_on_an_ended_case_does_not_move_its_end():
    case = do(resolved(), Recur(signal(key="again")), at=NOW + 5 * HOUR)
    assert (case.ended_at, case.timers.changed_at) == (NOW, NOW + 5 * HOUR)


def test_an_approval_by_policy_is_told_from_one_by_people():
    alone = verdict(ruling=Ruling.AUTO_APPROVE, factors=())
    case = do(opened(), Recommend(Recommendation("a", "b", "c"), plan(), alone))
    assert case.was_auto_approved
    assert not approved().was_auto_approved
    assert not opened().was_auto_approved


# --- whom it waits on -----------------------------------------------------------------------------


def given_to(case, to):
    by = caller(BEN)
    return do(
        case, HandOver(by, CardSnapshot.of(case), to=to, progress="counted", remains="the order")
    )


FINN = "T1/UFINN"
OTHERS = (ApprovalRequirement("ops-leads", 1), ApprovalRequirement("finance", 1))


@pytest.mark.parametrize(
    ("case", "names"),
    [
        (opened, ()),
        (snoozed, ()),
        (approved, ()),
        (running, ()),
        (resolved, ()),
        (proposed, ("floor-managers",)),
        (lambda: proposed(factors=OTHERS), ("ops-leads", "finance")),
        (lambda: proposed(factors=(*OTHERS, *OTHERS)), ("ops-leads", "finance")),
        (lambda: given_to(proposed(), FINN), ("floor-managers", FINN)),
        # A group that has it cannot approve for the approvers.
        (lambda: given_to(proposed(), "finance"), ("floor-managers",)),
        (referred, ("floor-managers",)),
        (parked, ("floor-managers",)),
        (unrecognised, ("floor-managers",)),
        (lambda: given_to(referred(), FINN), (FINN, "floor-managers")),
        (lambda: given_to(parked(), FINN), (FINN, "floor-managers")),
        (lambda: given_to(referred(), "finance"), ("finance",)),
    ],
)
def test_a_case_waits_on_those_who_must_do_something_now(case, names):
    assert case().waits_on == names


# --- steps ----------------------------------------------------------------------------------------


def test_the_first_step_whose_outcome_is_not_known_is_in_doubt():
    assert opened().execution.step_in_doubt is None
    assert running().execution.step_in_doubt == 0
    assert landed().execution.step_in_doubt is None
    two = landed(actions=(action(), action()))
    two = do(two, replace(start_step(two), step=1))
    assert two.execution.step_in_doubt == 1
    assert do(two, Parked(1, "nobody knows")).execution.step_in_doubt == 1


def test_a_step_has_an_action_only_where_there_is_a_plan():
    case = approved(actions=(action(summary="One"), action(summary="Two")))
    assert [case.action(step).summary for step in (0, 1)] == ["One", "Two"]
    with pytest.raises(LedgerBroken, match="EX-1 has no plan"):
        opened().action(0)


@pytest.mark.parametrize("state", StepState)
def test_an_undo_has_begun_with_its_first_step(state):
    case = running(StepReported(0, state, ""))
    is_so = state in {
        StepState.UNDOING,
        StepState.UNDO_UNKNOWN,
        StepState.UNDO_MISSING,
        StepState.UNDONE,
    }
    assert case.execution.is_undo_begun is is_so


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (opened, 0),
        (proposed, 1),
        (lambda: proposed(factors=(ApprovalRequirement("floor-managers", 3),)), 3),
        (lambda: proposed(factors=OTHERS), 2),
        # What policy lets run alone one person may take back.
        (lambda: proposed(verdict=verdict(factors=())), 1),
    ],
)
def test_an_undo_takes_as_many_people_as_the_plan(make, count):
    assert make().undo_votes_needed == count


# --- authors --------------------------------------------------------------------------------------


def test_authors_raised_edited_or_gain_from_the_plan_and_are_named_once():
    assert opened().authors == ()
    assert opened(requester=ANA.id).authors == (ANA.id,)
    case = proposed(requester=ANA.id, beneficiary=CARLA.id)
    assert case.authors == (ANA.id, CARLA.id)
    edit = Edit(
        caller(OMAR),
        CardSnapshot.of(case),
        plan=plan(revision=2, quantity=12, requester=ANA.id, beneficiary=ANA.id),
        verdict=verdict(),
        changes=(FieldChange("quantity", 24, 12),),
    )
    case = do(case, edit)
    assert case.authors == (ANA.id, OMAR.id)


def test_an_approval_is_invalidated_only_by_authors_of_its_time():
    case = do(proposed(requester=ANA.id), Recur(signal(key="b", requester=BEN.id)), at=NOW + HOUR)
    assert case.authors_before(NOW) == (ANA.id,)
    assert case.authors_before(NOW + HOUR) == (ANA.id, BEN.id)
    assert case.authors == (ANA.id, BEN.id)


def test_a_case_that_woke_up_has_what_it_had():
    case = do(snoozed(), Wake(), at=NOW + HOUR)
    assert (case.state, case.proposal.plan, case.proposal.revision) == (State.OPEN, plan(), 1)
    assert do(case, Clear(signal(key="gone"))).is_terminal
    assert Approve(caller(ANA), SEEN).snapshot.revision == case.proposal.revision
