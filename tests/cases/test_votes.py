"""Votes: one each, attributed to whoever delegated, and still good when a step begins."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.approval import Approval, ApprovalRequirement
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import Approve, BeginApproval, Recur, Withdraw
from bot.cases.decide import decide
from bot.cases.entries import Authorised, Withdrawn
from bot.cases.errors import BadRequest, LedgerBroken, NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.policy import PlaybookTerms, RiskTier
from bot.cases.verdict import require_governance
from bot.cases.votes import MAX_NOTE_LENGTH, attribute_vote, shorten_note
from tests.cases.making import (
    ANA,
    BEN,
    CARLA,
    GROUPS,
    HOUR,
    NOW,
    OMAR,
    approved,
    caller,
    delegation,
    do,
    opened,
    proposed,
    record,
    signal,
    standing_in,
    start_step,
    verdict,
)

TWO = (ApprovalRequirement("floor-managers", 2),)
OPS = (ApprovalRequirement("ops-leads", 1),)
PEOPLE = {person.id: person for person in (ANA, BEN, CARLA, OMAR)}


def approve(case, person=ANA, note="", **more) -> Approve:
    return Approve(caller(person), CardSnapshot.of(case), note, **more)


# --- a vote ---------------------------------------------------------------------------------------


def test_an_approval_is_of_this_plan_by_this_person_now():
    case = proposed(factors=TWO)
    (approval,) = do(case, approve(case, note=" it is urgent ")).proposal.approvals
    assert approval == Approval(
        person=ANA.id,
        name="Ana",
        digest=case.proposal.plan.plan_hash,
        at=NOW,
        note="it is urgent",
    )


def test_the_last_approval_authorises_the_plan_in_the_same_breath():
    case = proposed(factors=TWO)
    case = do(case, approve(case))
    decision = decide(case, approve(case, OMAR), NOW)
    assert [entry.body.name for entry in decision.entries] == [
        "approval.given",
        "plan.authorised",
    ]
    assert decision.entries[1].body == Authorised(
        digest=case.proposal.plan.plan_hash, by=(ANA.id, OMAR.id)
    )
    assert decision.case.timers.decided_at == NOW


@pytest.mark.parametrize("note", ["", "  ", "\n\t"])
def test_a_low_risk_plan_needs_no_words(note):
    case = proposed()
    assert do(case, approve(case, note=note)).proposal.approvals[0].note == ""


@pytest.mark.parametrize("tier", RiskTier)
def test_only_a_high_risk_plan_needs_words(tier):
    case = proposed(verdict=verdict(tier=tier))
    if tier is not RiskTier.HIGH:
        assert do(case, approve(case)).state is State.APPROVED
        return
    with pytest.raises(BadRequest, match="a high-risk plan needs your reason in words") as failure:
        decide(case, approve(case), NOW)
    assert failure.value.field == "note"


@pytest.mark.threat("C1")
def test_a_note_has_a_bound():
    assert shorten_note(f"  {'x' * 5_000}  ") == "x" * MAX_NOTE_LENGTH
    case = proposed()
    assert (
        len(do(case, approve(case, note="x" * 5_000)).proposal.approvals[0].note) == MAX_NOTE_LENGTH
    )


def test_withdrawing_takes_back_ones_own_vote_alone():
    case = proposed(factors=(ApprovalRequirement("floor-managers", 3),))
    case = do(case, approve(case))
    case = do(case, approve(case, OMAR))
    after = do(case, Withdraw(caller(ANA), CardSnapshot.of(case)))
    assert [vote.person for vote in after.proposal.approvals] == [OMAR.id]
    with pytest.raises(NotEligible, match="there is no approval of yours to withdraw"):
        decide(after, Withdraw(caller(ANA), CardSnapshot.of(after)), NOW)


# --- standing in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factors", "givers", "behalf_of"),
    [
        # Whoever may approve by their own right uses no delegation.
        (TWO, (BEN,), ""),
        (OPS, (BEN,), BEN.id),
        (OPS, (CARLA, BEN), BEN.id),
        (OPS, (replace(BEN, name="Benjamin"),), BEN.id),
    ],
)
def test_a_delegation_is_used_only_where_it_is_needed(factors, givers, behalf_of):
    case = proposed(factors=factors)
    voter = standing_in(OMAR, *givers)
    (approval,) = do(case, Approve(voter, CardSnapshot.of(case))).proposal.approvals
    assert (approval.person, approval.behalf_of) == (OMAR.id, behalf_of)


@pytest.mark.parametrize(
    ("voter", "complaint"),
    [
        (standing_in(OMAR, CARLA), "only @ops-leads may approve this"),
        (standing_in(OMAR, OMAR), "only @ops-leads may approve this"),
        (standing_in(OMAR, replace(BEN, active=False)), "only @ops-leads may approve this"),
        (standing_in(OMAR, replace(BEN, external=True)), "only @ops-leads may approve this"),
        (standing_in(replace(OMAR, guest=True), BEN), "guests cannot approve"),
        (standing_in(replace(OMAR, active=False), BEN), "your account is deactivated"),
    ],
)
def test_a_delegation_gives_no_right_that_its_giver_or_taker_lacks(voter, complaint):
    case = proposed(factors=OPS)
    with pytest.raises(NotEligible, match=complaint):
        decide(case, Approve(voter, CardSnapshot.of(case)), NOW)


@pytest.mark.parametrize("author", [OMAR.id, BEN.id])
def test_an_author_on_either_side_of_a_delegation_approves_nothing(author):
    case = proposed(factors=OPS, requester=author)
    with pytest.raises(NotEligible):
        decide(case, Approve(standing_in(OMAR, BEN), CardSnapshot.of(case)), NOW)


@pytest.mark.parametrize(
    ("voter", "complaint"),
    [
        (standing_in(replace(OMAR, guest=True), BEN), "guests cannot approve"),
        (standing_in(CARLA, BEN), "gains from it, cannot approve it"),
        (standing_in(OMAR, CARLA), "only @ops-leads may approve this"),
    ],
)
def test_a_vote_is_attributed_to_nobody_whom_the_table_of_authority_would_refuse(voter, complaint):
    """The same answer twice: here it stands even if the table should one day forget it."""
    case = proposed(factors=OPS, requester=CARLA.id)
    vote = Approval(person=voter.person.id, name="", digest="d", at=NOW)
    with pytest.raises(NotEligible, match=complaint):
        attribute_vote(case, vote, by=voter, verdict=case.proposal.verdict)


# --- emergencies ----------------------------------------------------------------------------------

UNKNOWN = require_governance(verdict(), PlaybookTerms(owners={"governance": "finance"}))


@pytest.mark.parametrize(
    ("ruling", "person", "note", "complaint"),
    [
        (verdict(tier=RiskTier.HIGH), ANA, "fire", "a high-risk plan is never let through"),
        (verdict(step_up=True), ANA, "fire", "a high-risk plan is never let through"),
        (UNKNOWN, ANA, "fire", "who raised it is not known here"),
        (verdict(), replace(ANA, guest=True), "fire", "cannot approve it"),
        (verdict(), replace(ANA, active=False), "fire", "cannot approve it"),
        (verdict(), ANA, " ", "say why it cannot wait"),
        # High risk is the first reason against all of it.
        (verdict(tier=RiskTier.HIGH), replace(ANA, guest=True), "", "a high-risk plan"),
    ],
)
def test_nobody_breaks_the_glass_against_these_rules(ruling, person, note, complaint):
    case = proposed(verdict=ruling)
    with pytest.raises((NotEligible, BadRequest), match=complaint):
        decide(case, approve(case, person, note, emergency=True), NOW)


@pytest.mark.parametrize("tier", [RiskTier.LOW, RiskTier.MEDIUM])
def test_one_approval_in_an_emergency_is_enough_whatever_the_quorum(tier):
    case = proposed(verdict=verdict(tier=tier, factors=(*TWO, *OPS)))
    # Whom policy names for it is ruled with the controls of the desk.
    after = do(case, approve(case, CARLA, "fire", emergency=True))
    assert (after.state, after.proposal.approvals[0].emergency) == (State.APPROVED, True)


def test_nobody_breaks_the_glass_for_what_they_have_approved():
    case = proposed(factors=TWO)
    case = do(case, approve(case))
    with pytest.raises(TooLate, match="you have approved this already"):
        decide(case, approve(case, ANA, "fire", emergency=True), NOW)


# --- before the step ------------------------------------------------------------------------------

LOST = ("the approvals no longer count",)


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, ()),
        ({"people": {}}, LOST),
        ({"people": {ANA.id: replace(ANA, active=False)}}, LOST),
        ({"people": {ANA.id: replace(ANA, guest=True)}}, LOST),
        ({"people": {ANA.id: replace(ANA, external=True)}}, LOST),
        ({"people": {ANA.id: replace(ANA, bot=True)}}, LOST),
        ({"people": {ANA.id: replace(ANA, away="on holiday")}}, ()),
        ({"groups": {}}, LOST),
        ({"groups": {"floor-managers": frozenset({OMAR.id})}}, LOST),
        ({"groups": {"floor-managers": frozenset({ANA.id})}}, ()),
    ],
)
def test_an_approval_counts_when_the_step_begins_only_if_its_voter_still_may(change, reasons):
    case = approved()
    assert do(case, start_step(case, **change)).activity.drift_reasons == reasons


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, ()),
        ({"delegations": ()}, LOST),
        ({"delegations": (delegation(kind="low_stock"),)}, ()),
        ({"delegations": (delegation(kind="lead_cold"),)}, LOST),
        ({"delegations": (delegation(CARLA),)}, LOST),
        ({"delegations": (delegation(taker=ANA),)}, LOST),
        ({"delegations": (delegation(begins=NOW - 9 * HOUR),)}, LOST),
        ({"delegations": (delegation(CARLA), delegation())}, ()),
        ({"people": {**PEOPLE, BEN.id: replace(BEN, active=False)}}, LOST),
        ({"people": {**PEOPLE, OMAR.id: replace(OMAR, guest=True)}}, LOST),
        ({"people": {OMAR.id: OMAR}}, LOST),
        ({"people": {BEN.id: BEN}}, LOST),
        ({"groups": {**GROUPS, "ops-leads": frozenset({OMAR.id})}}, LOST),
    ],
)
def test_a_delegated_approval_counts_only_if_voter_giver_and_delegation_still_do(change, reasons):
    case = proposed(factors=OPS)
    case = do(case, Approve(standing_in(OMAR, BEN), CardSnapshot.of(case)))
    recheck = {"delegations": (delegation(),), "people": PEOPLE, **change}
    assert do(case, start_step(case, **recheck)).activity.drift_reasons == reasons


@pytest.mark.parametrize("requester", [OMAR.id, BEN.id])
def test_raising_it_after_a_delegated_approval_takes_nothing_back(requester):
    case = proposed(factors=OPS)
    case = do(case, Approve(standing_in(OMAR, BEN), CardSnapshot.of(case)))
    later = NOW + timedelta(minutes=5)
    case = do(case, Recur(signal(key="again", requester=requester)), at=later)
    step = start_step(case, delegations=(delegation(),))
    assert do(case, step, at=later).state is State.RUNNING


@pytest.mark.parametrize(
    ("group", "people", "is_begun"),
    [
        ("finance", PEOPLE, True),
        ("floor-managers", PEOPLE, False),
        ("", PEOPLE, False),
        ("nobody", PEOPLE, False),
        ("finance", {**PEOPLE, CARLA.id: replace(CARLA, active=False)}, False),
        ("finance", {}, False),
    ],
)
def test_an_emergency_counts_when_the_step_begins_for_a_member_of_its_group(
    group, people, is_begun
):
    case = proposed(factors=TWO)
    case = do(case, approve(case, CARLA, "fire", emergency=True))
    after = do(case, start_step(case, emergency_group=group, people=people))
    assert (after.state is State.RUNNING) is is_begun


# --- broken ledgers -------------------------------------------------------------------------------


def authorised_without_a_plan():
    return record(opened(), Authorised(digest="d" * 64, by=(ANA.id,)))


def test_a_case_that_waits_for_a_decision_without_a_verdict_is_a_broken_ledger():
    case = record(authorised_without_a_plan(), Withdrawn(ANA.id))
    assert case.state is State.PROPOSED
    alone = Approve(caller(ANA), CardSnapshot.of(case), "fire", emergency=True)
    with pytest.raises(LedgerBroken, match="EX-1 waits for a decision without a verdict"):
        decide(case, alone, NOW)


def test_whom_nobody_is_named_for_is_told_so():
    case = record(authorised_without_a_plan(), Withdrawn(ANA.id))
    nobody = replace(caller(ANA), playbook_owners=())
    begin = BeginApproval(nobody, CardSnapshot.of(case), note="", ticket="t")
    with pytest.raises(NotEligible, match="nobody is named who may approve this"):
        decide(case, begin, NOW)
