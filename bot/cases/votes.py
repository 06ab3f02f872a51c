"""Votes: who may approve, once per person, and which approvals still count."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.approval import (
    AUTHOR_REASON,
    Approval,
    ApprovalRequirement,
    Person,
    ineligibility_reason,
    is_colleague,
    quorum_met,
)
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Approve,
    BeginApproval,
    Recheck,
    StartStep,
    VoteCommand,
    Withdraw,
)
from bot.cases.delegation import stands_in_for
from bot.cases.entries import (
    ApprovalGiven,
    Authorised,
    CaseBody,
    Entry,
    StepUpAsked,
    VoteBody,
    Withdrawn,
)
from bot.cases.errors import BadRequest, LedgerBroken, NotEligible, TooLate
from bot.cases.identity import Identities
from bot.cases.passkey import STEP_UP_LIFETIME, Passkey, Purpose, StepUp, is_in_force
from bot.cases.plan import Plan
from bot.cases.policy import RiskTier
from bot.cases.step_up import must_have_passkey, verify_step_up
from bot.cases.verdict import Verdict, needs_governance

MAX_NOTE_LENGTH = 1_000
#: In place of the reason, where somebody is about to write one.
NOT_WRITTEN_YET = "…"

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: VoteCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of a vote.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    match command:
        case Approve():
            return _approve(case, command, now)
        case BeginApproval():
            return (_begin_approval(case, command, now),)
        case Withdraw():
            return (Withdrawn(command.by.person.id),)
        case _:
            assert_never(command)


def _approve(case: Case, command: Approve, now: datetime) -> tuple[CaseBody, ...]:
    """Count the approval.

    With the last one that policy asks for, the plan may run.
    """
    plan, verdict = must_be_open(case, now)
    vote = _judge_approval(
        case,
        command,
        plan=plan,
        verdict=verdict,
        now=now,
    )
    if verdict.step_up:
        assertion = verify_step_up(
            case,
            command,
            plan_hash=vote.digest,
            purpose=Purpose.APPROVE,
            now=now,
        )
        vote = replace(vote, assertion=assertion)
    votes = (*case.proposal.approvals, vote)
    distinct = command.by.identities.distinct_votes(votes)
    if vote.emergency or quorum_met(distinct, verdict.factors, command.by.groups):
        voters = tuple(one.person for one in votes)
        return ApprovalGiven(vote), Authorised(digest=vote.digest, by=voters)
    return (ApprovalGiven(vote),)


def _begin_approval(case: Case, command: BeginApproval, now: datetime) -> StepUpAsked:
    """Judge the approval before it is signed.

    Nobody should use their passkey in vain.
    """
    plan, verdict = must_be_open(case, now)
    approval = Approve(command.by, command.snapshot, command.note)
    vote = _judge_approval(
        case,
        approval,
        plan=plan,
        verdict=verdict,
        now=now,
    )
    if not verdict.step_up:
        raise BadRequest("this plan is approved on its card")
    must_have_passkey(vote, command.passkeys)
    return StepUpAsked(
        ticket=command.ticket,
        note=vote.note,
        until=now + STEP_UP_LIFETIME,
        by_name=vote.name,
    )


def must_be_able_to_approve(
    case: Case,
    by: Caller,
    *,
    snapshot: CardSnapshot,
    passkeys: Sequence[Passkey],
    now: datetime,
) -> None:
    """Refuse whom the form that approves would refuse."""
    plan, verdict = must_be_open(case, now)
    approval = Approve(by, snapshot, NOT_WRITTEN_YET)
    vote = _judge_approval(case, approval, plan=plan, verdict=verdict, now=now)
    if verdict.step_up:
        must_have_passkey(vote, passkeys)


def must_be_open(case: Case, now: datetime) -> tuple[Plan, Verdict]:
    """Return plan and verdict of a case that can be decided now.

    Raises:
        TooLate: the time to decide has passed.
        LedgerBroken: the case waits for a decision without a verdict.
    """
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if plan is None or verdict is None or case.proposal.expires_at is None:
        raise LedgerBroken(f"{case.id} waits for a decision without a verdict")
    if now >= case.proposal.expires_at:
        raise TooLate("the time to decide has passed; it goes to the next person")
    return plan, verdict


def _judge_approval(
    case: Case, command: Approve, *, plan: Plan, verdict: Verdict, now: datetime
) -> Approval:
    """Make the approval of a person who may give it."""
    vote = Approval(
        person=command.by.person.id,
        name=command.by.person.name,
        digest=plan.plan_hash,
        at=now,
        note=shorten_note(command.note),
    )
    if command.emergency:
        _must_be_an_emergency(case, command, verdict)
        vote = replace(vote, emergency=True)
    else:
        vote = attribute_vote(case, vote, by=command.by, verdict=verdict)
    must_be_new(
        vote,
        case.proposal.approvals,
        identities=command.by.identities,
        refusal="you have approved this already",
    )
    if verdict.tier is RiskTier.HIGH and not command.note.strip():
        raise BadRequest("a high-risk plan needs your reason in words", field="note")
    return vote


def _must_be_an_emergency(case: Case, command: Approve, verdict: Verdict) -> None:
    """Refuse break-glass for high risk, for authors and for plans of strangers.

    Membership of the emergency group is checked in ``decide_controls``.
    """
    if verdict.tier is RiskTier.HIGH or verdict.step_up:
        raise NotEligible("a high-risk plan is never let through by one person alone")
    if needs_governance(verdict):
        raise NotEligible("who raised it is not known here, so nobody lets it through alone")
    authors = command.by.identities.linked_accounts(case.authors)
    if command.by.person.id in authors or not is_colleague(command.by.person):
        raise NotEligible(AUTHOR_REASON)
    if not command.note.strip():
        raise BadRequest("say why it cannot wait; it is read afterwards", field="note")


# --- rules that undo and steps share ------------------------------------------------------------


def shorten_note(text: str) -> str:
    """Strip a note and bound its length."""
    return text.strip()[:MAX_NOTE_LENGTH]


def attribute_vote(case: Case, vote: Approval, *, by: Caller, verdict: Verdict) -> Approval:
    """Attribute the vote to the caller or to their delegator.

    Raises:
        NotEligible: neither may approve.
    """
    person = by.person
    authors = by.identities.linked_accounts(case.authors)

    def reason_against(voter: Person) -> str | None:
        return ineligibility_reason(
            voter,
            authors=authors,
            factors=verdict.factors,
            groups=by.groups,
        )

    reason = reason_against(person)
    if reason is None:
        return vote
    if person.id not in authors and is_colleague(person):
        for giver in by.behalf_of:
            if by.identities.is_same_person(giver.id, person.id):
                continue
            if reason_against(giver) is None:
                return replace(vote, behalf_of=giver.id, behalf_name=giver.name)
    raise NotEligible(reason)


def must_be_new(
    vote: Approval,
    votes: Iterable[Approval],
    *,
    identities: Identities,
    refusal: str,
) -> None:
    """Refuse a second vote of one person.

    All their accounts count as one, and so does a vote for somebody they stand in for.

    Raises:
        TooLate: one of the two has voted already.
    """
    votes = tuple(votes)
    if any(identities.is_same_person(earlier.person, vote.person) for earlier in votes):
        raise TooLate(f"{refusal}; it waits for somebody else")
    voters = {party for earlier in votes for party in earlier.parties}
    names = {vote.person: vote.name, vote.principal: vote.behalf_name or vote.name}
    for account in (vote.principal, vote.person):
        if any(identities.is_same_person(account, voter) for voter in voters):
            raise TooLate(f"{names[account]} has been heard already; it waits for somebody else")


def carries(
    case: Case,
    *,
    factors: tuple[ApprovalRequirement, ...],
    recheck: StartStep,
    now: datetime,
) -> bool:
    """Tell whether the approvals that still count are enough for these requirements."""
    votes = [
        vote
        for vote in case.proposal.approvals
        if still_counts(
            case,
            vote,
            factors=factors,
            recheck=recheck,
            now=now,
        )
    ]
    if any(vote.emergency for vote in votes):
        return True
    return quorum_met(recheck.identities.distinct_votes(votes), factors, recheck.groups)


def still_counts(
    case: Case,
    vote: Approval,
    *,
    factors: tuple[ApprovalRequirement, ...],
    recheck: Recheck,
    now: datetime,
) -> bool:
    """Tell whether voter and giver of the delegation may still approve."""
    person = recheck.people.get(vote.person)
    if person is None or not _is_still_signed(case, vote, recheck):
        return False
    authors = recheck.identities.linked_accounts(case.authors_before(vote.at))
    if vote.emergency:
        factors = _emergency_factors(recheck)

    def is_eligible(voter: Person) -> bool:
        reason = ineligibility_reason(
            voter,
            authors=authors,
            factors=factors,
            groups=recheck.groups,
        )
        return reason is None

    if not vote.behalf_of:
        return is_eligible(person)
    giver = recheck.people.get(vote.behalf_of)
    return (
        giver is not None
        and is_colleague(person)
        and person.id not in authors
        and not recheck.identities.is_same_person(person.id, giver.id)
        and _is_delegated(case, vote, recheck=recheck, now=now)
        and is_eligible(giver)
    )


def _emergency_factors(recheck: Recheck) -> tuple[ApprovalRequirement, ...]:
    group = recheck.emergency_group if isinstance(recheck, StartStep) else ""
    return (ApprovalRequirement(group, 1),) if group else ()


def _is_delegated(case: Case, vote: Approval, *, recheck: Recheck, now: datetime) -> bool:
    delegations = stands_in_for(recheck.delegations, vote.person, kind=case.kind, now=now)
    return any(delegation.giver == vote.behalf_of for delegation in delegations)


def _is_still_signed(case: Case, vote: Approval, recheck: Recheck) -> bool:
    """Tell whether the passkey that signed is still in force."""
    if case.proposal.verdict is None or not case.proposal.verdict.step_up:
        return True
    return vote.assertion is not None and is_in_force(vote.assertion, vote.person, recheck.passkeys)


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: VoteBody, entry: Entry) -> Case:
    """Return the case after a vote."""
    match body:
        case StepUpAsked():
            return _apply_step_up(case, body, entry)
        case ApprovalGiven():
            return _apply_approval(case, body, entry)
        case Withdrawn():
            return _apply_withdrawal(case, body)
        case _:
            assert_never(body)


def _apply_approval(case: Case, body: ApprovalGiven, entry: Entry) -> Case:
    proposal = replace(
        case.proposal,
        approvals=(*case.proposal.approvals, body.approval),
        step_ups=other_step_ups(case, str(entry.actor)),
    )
    return replace(case, proposal=proposal)


def _apply_withdrawal(case: Case, body: Withdrawn) -> Case:
    approvals = tuple(vote for vote in case.proposal.approvals if vote.person != body.person)
    return replace(case, proposal=replace(case.proposal, approvals=approvals))


def _apply_step_up(case: Case, body: StepUpAsked, entry: Entry) -> Case:
    """Put a new link in the place of the person's last one."""
    person = str(entry.actor)
    step_up = StepUp(
        person=person,
        name=body.by_name,
        revision=entry.revision,
        ticket=body.ticket,
        note=body.note,
        until=body.until,
        purpose=body.purpose,
    )
    step_ups = (*other_step_ups(case, person), step_up)
    return replace(case, proposal=replace(case.proposal, step_ups=step_ups))


def other_step_ups(case: Case, person: str) -> tuple[StepUp, ...]:
    """List the step-ups of everybody else; this person's link has been used."""
    return tuple(step_up for step_up in case.proposal.step_ups if step_up.person != person)
