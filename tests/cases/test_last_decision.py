"""The decision in force: which entries are one, and what ends it."""

from datetime import timedelta

import pytest

from bot.cases.actor import Actor
from bot.cases.case import POLICY_ALONE, Case, LastDecision
from bot.cases.entries import (
    Authorised,
    Claimed,
    Cleared,
    Drifted,
    Edited,
    Expired,
    HandedOver,
    Referred,
    Rejected,
    RejectReason,
    Reopened,
    Resolution,
    Resolved,
    RetriageAsked,
    Stopped,
    UndoAsked,
    UndoLapsed,
    Withdrawn,
)
from tests.cases.making import (
    ANA,
    BEN,
    CASES,
    NOW,
    action,
    approved,
    landed,
    opened,
    plan,
    proposed,
    record,
    referred,
    resolved,
    running,
    signal,
    verdict,
)

LATER = NOW + timedelta(hours=1)
ACTOR = Actor.parse(ANA.id)
REJECTED = Rejected(RejectReason.OTHER, "no", "Ana")
BY_HAND = Resolved(resolution=Resolution.BY_HAND, note="did it", by_name="Ana")
HAND_OVER = HandedOver(BEN.id, "yours", "Ana")
EDIT = Edited(plan=plan(), verdict=verdict(), changes=(), by_name="Ana", expires_at=LATER)


def decided(case: Case, *bodies) -> tuple[LastDecision, tuple[str, ...]] | None:
    """How the case is decided after these entries of Ana's, and by whom."""
    record_of = record(case, *bodies, actor=ACTOR, at=LATER).activity.last_decision
    return record_of and (record_of.type, record_of.by)


def by_ana(type: LastDecision):
    return type, (ANA.id,)


def test_a_new_case_and_one_that_waits_are_undecided():
    for case in (opened(), proposed()):
        assert case.activity.last_decision is None


@pytest.mark.parametrize(
    ("case", "body", "type"),
    [
        (proposed, REJECTED, LastDecision.REJECTED),
        (referred, BY_HAND, LastDecision.BY_HAND),
        (proposed, EDIT, LastDecision.EDITED),
        (proposed, HAND_OVER, LastDecision.HANDED_OVER),
        (resolved, UndoAsked(note="wrong", by_name="Ana"), LastDecision.TAKEN_BACK),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_what_a_person_does_is_a_decision_of_that_time(case, body, type):
    assert decided(case(), body) == by_ana(type)
    after = record(case(), body, actor=ACTOR, at=LATER)
    assert after.activity.last_decision.at == LATER


def test_an_approval_is_of_everybody_who_gave_it_once_the_plan_is_authorised():
    case = record(proposed(), Authorised(digest="d", by=(ANA.id, BEN.id)))
    decision = case.activity.last_decision
    assert (decision.type, decision.by) == (LastDecision.APPROVED, (ANA.id, BEN.id))
    assert not decision.is_by_policy
    assert approved().activity.last_decision.by == (ANA.id,)


def test_what_policy_lets_run_is_approved_by_policy_alone():
    authorised = Authorised(
        digest="d",
        by=("policy:abc",),
        recommendation=proposed().proposal.recommendation,
        plan=plan(actions=(action(),)),
        verdict=verdict(),
    )
    decision = record(opened(), authorised).activity.last_decision
    assert (decision.type, decision.by) == (LastDecision.APPROVED, POLICY_ALONE)
    assert decision.is_by_policy


@pytest.mark.parametrize("case", [approved, running, landed, resolved], ids=lambda f: f.__name__)
def test_an_approval_stays_while_the_plan_runs_and_when_it_is_done(case):
    assert decided(case()) == by_ana(LastDecision.APPROVED)


def test_a_plan_that_failed_was_approved_all_the_same():
    assert decided(landed(), Stopped("broken")) == by_ana(LastDecision.APPROVED)


def test_who_carries_an_approved_plan_on_decides_nothing():
    assert decided(approved(), HAND_OVER) == by_ana(LastDecision.APPROVED)
    assert decided(proposed(), Claimed("Ana")) is None


@pytest.mark.parametrize(
    ("case", "bodies"),
    [
        (approved, [Drifted(("it moved",), is_settled=True)]),
        (approved, [Withdrawn(ANA.id)]),
        (resolved, [Reopened("it is back")]),
        (proposed, [EDIT, Drifted(("it moved",), is_settled=True)]),
    ],
    ids=["drifted", "withdrawn", "reopened", "edited and drifted"],
)
def test_a_decision_about_a_plan_ends_with_it(case, bodies):
    assert decided(case(), *bodies) is None


def test_an_edit_ends_when_the_case_is_referred():
    refer = Referred(reason="policy", recommendation=proposed().proposal.recommendation)
    assert decided(proposed(), EDIT, refer) is None


def test_a_hand_over_stays_when_somebody_looks_again():
    after = decided(referred(), HAND_OVER, RetriageAsked("Ana"))
    assert after == by_ana(LastDecision.HANDED_OVER)


def test_what_was_edited_and_expired_or_cleared_was_edited_last():
    for ending in (Expired(), Cleared(signal(key="gone"))):
        assert decided(proposed(), EDIT, ending) == by_ana(LastDecision.EDITED)


def test_an_undo_is_of_everybody_who_agreed_and_one_that_lapses_leaves_the_approval():
    undo = UndoAsked(note="wrong", by_name="Ana", by=(ANA.id, BEN.id))
    assert decided(resolved(), undo) == (LastDecision.TAKEN_BACK, (ANA.id, BEN.id))
    case = resolved()
    after = record(case, undo, UndoLapsed("nobody may"), actor=ACTOR, at=LATER)
    assert after.activity.last_decision == case.activity.last_decision


@pytest.mark.parametrize("state", CASES, ids=lambda state: state.name)
def test_every_case_with_a_decision_says_by_whom(state):
    decision = CASES[state]().activity.last_decision
    assert decision is None or (decision.by and decision.at)
