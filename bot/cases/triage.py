"""Triage: name the kind, gather evidence, propose a plan."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.actor import Actor
from bot.cases.approval import Approval
from bot.cases.case import Assessment, Case, Proposal, StatusReason
from bot.cases.commands import CallNovel, NameKind, Narrate, Recommend, TriageCommand
from bot.cases.entries import (
    ApprovalGiven,
    Authorised,
    CaseBody,
    Entry,
    Gathered,
    Named,
    Narrated,
    Novel,
    Recognised,
    Recommended,
    Referred,
    TriageBody,
    VersionCompared,
)
from bot.cases.errors import BadRequest, LedgerBroken, Superseded, TooLate
from bot.cases.grant import Grant
from bot.cases.lifecycle import WAITING
from bot.cases.plan import Plan
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import Sla
from bot.cases.verdict import Ruling, Verdict

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: TriageCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of a triage command.

    Raises:
        Refusal: the command does not fit the case.
    """
    match command:
        case NameKind():
            return (_name_kind(case, command),)
        case CallNovel():
            _must_have_no_kind(case)
            return (Novel(command.by.person.name),)
        case Narrate():
            return (_narrate(case, command),)
        case Recommend():
            return _recommend(case, command, now)
        case _:
            assert_never(command)


def _name_kind(case: Case, command: NameKind) -> Named:
    _must_be_a_guess(case)
    if command.kind == case.kind:
        kind = case.kind.replace("_", " ")
        raise BadRequest(f"{case.id} is taken for {kind} already; choose another", field="kind")
    return Named(
        kind=command.kind,
        owner=command.owner,
        channel=command.channel,
        sla=command.sla,
        by_name=command.by.person.name,
    )


def _must_be_a_guess(case: Case) -> None:
    """Refuse a case whose kind its source or a person named."""
    if case.classification.recognition is None or case.classification.named_by:
        kind = case.kind.replace("_", " ")
        raise TooLate(f"{case.id} is known as {kind}; reject its plan if that is wrong")


def _must_have_no_kind(case: Case) -> None:
    _must_be_a_guess(case)
    recognition = case.classification.recognition
    if recognition and recognition.kind:
        kind = case.kind.replace("_", " ")
        raise TooLate(f"{case.id} was taken for {kind}; choose “Another kind…” if that is wrong")


def _narrate(case: Case, command: Narrate) -> Narrated:
    if command.revision != case.proposal.revision or case.state not in WAITING:
        raise Superseded(f"{case.id} has moved on since the model was asked")
    return Narrated(command.words, command.revision)


def _recommend(case: Case, command: Recommend, now: datetime) -> tuple[CaseBody, ...]:
    """Propose the plan, or refer the case to a person.

    It is referred without a plan, and when policy refuses the plan.
    """
    plan, verdict = command.plan, command.verdict
    if plan is None or verdict is None:
        reason = command.recommendation.blocked or "no action of the playbook fits"
        referral = Referred(
            reason=reason,
            recommendation=command.recommendation,
            sla=command.sla,
        )
        return (referral,)
    must_follow(case, plan)
    match verdict.ruling:
        case Ruling.REFUSE:
            return (_refer_refused(command, plan, verdict),)
        case Ruling.AUTO_APPROVE:
            return (_auto_approve(command, plan, verdict),)
        case Ruling.ASK:
            question = Recommended(
                recommendation=command.recommendation,
                plan=plan,
                verdict=verdict,
                expires_at=command.expires_at or now + verdict.expires_for,
                sla=command.sla,
            )
            return (question, *_approve_by_grant(command.grant, plan, now))
        case _:
            assert_never(verdict.ruling)


def _approve_by_grant(grant: Grant | None, plan: Plan, now: datetime) -> tuple[CaseBody, ...]:
    """Approve the plan in the name of the giver of a grant."""
    if grant is None:
        return ()
    vote = Approval(
        person=grant.giver,
        name=grant.giver_name,
        digest=plan.plan_hash,
        at=now,
        grant=grant.id,
    )
    return ApprovalGiven(vote), Authorised(digest=vote.digest, by=(vote.person,))


def _refer_refused(command: Recommend, plan: Plan, verdict: Verdict) -> Referred:
    return Referred(
        reason=f"policy: {verdict.reason}",
        recommendation=command.recommendation,
        plan=plan,
        verdict=verdict,
        sla=command.sla,
    )


def _auto_approve(command: Recommend, plan: Plan, verdict: Verdict) -> Authorised:
    return Authorised(
        digest=plan.plan_hash,
        by=(str(Actor.from_policy(verdict.policy_digest)),),
        recommendation=command.recommendation,
        plan=plan,
        verdict=verdict,
    )


def must_follow(case: Case, plan: Plan) -> None:
    """Refuse a plan that is not of the next revision.

    Raises:
        LedgerBroken: it is of another one.
    """
    if plan.revision != case.proposal.revision + 1:
        raise LedgerBroken(
            f"revision {plan.revision} does not follow revision {case.proposal.revision}"
            f" of {case.id}"
        )


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: TriageBody, entry: Entry) -> Case:
    """Return the case after a triage entry."""
    match body:
        case Recognised():
            return _apply_recognition(case, body)
        case Named():
            return _apply_name(case, body)
        case Novel():
            classification = replace(case.classification, is_novel=True, named_by=body.by_name)
            return replace(case, classification=classification)
        case Narrated():
            return _apply_words(case, body)
        case Gathered():
            return _apply_evidence(case, body)
        case VersionCompared(comparison=comparison):
            assessment = replace(case.assessment, comparison=comparison)
            return replace(case, assessment=assessment)
        case Recommended():
            return _propose(case, body, entry, expires_at=body.expires_at)
        case Referred():
            reason = StatusReason(entry.at, str(entry.actor), body.reason)
            return _propose(case, body, entry).with_reason(reason)
        case Authorised():
            return _apply_authorisation(case, body, entry)
        case _:
            assert_never(body)


def _apply_recognition(case: Case, body: Recognised) -> Case:
    classification = replace(
        case.classification,
        recognition=body.recognition,
        is_urgent=body.is_urgent,
    )
    case = replace(
        case,
        kind=body.recognition.kind or case.kind,
        channel=body.channel,
        classification=classification,
    )
    return _assign(case, owner=body.owner, sla=body.sla)


def _apply_name(case: Case, body: Named) -> Case:
    # In another channel it is another card; the old one says where it went.
    is_moved = body.channel != case.channel
    case = replace(
        case.with_reason(None),
        kind=body.kind,
        channel=body.channel,
        generation=case.generation + is_moved,
        classification=replace(
            case.classification,
            named_by=body.by_name,
            is_novel=body.kind == UNRECOGNISED,
            is_urgent=False,
        ),
    )
    return _assign(case, owner=body.owner, sla=body.sla)


def _assign(case: Case, *, owner: str, sla: Sla) -> Case:
    timers = replace(case.timers, sla=sla, remind_at=sla.remind_at)
    return replace(
        case,
        owner=owner,
        team=owner,
        timers=timers,
    )


def _apply_evidence(case: Case, body: Gathered) -> Case:
    assessment = Assessment(
        evidence=body.evidence,
        what=body.what,
        why=body.why,
        stake=body.stake,
        playbook_version=body.playbook_version,
        is_on_trial=body.is_on_trial,
    )
    return replace(case, assessment=assessment)


def _apply_words(case: Case, body: Narrated) -> Case:
    # The model wrote about an older revision.
    if body.on_revision != case.proposal.revision:
        return case
    return replace(case, proposal=replace(case.proposal, words=body.words))


def _propose(
    case: Case,
    body: Recommended | Referred | Authorised,
    entry: Entry,
    *,
    expires_at: datetime | None = None,
) -> Case:
    """Begin a new revision, of which nothing has been decided or done."""
    sla = case.timers.sla
    if not isinstance(body, Authorised) and body.sla:
        sla = body.sla
    timers = replace(
        case.timers,
        sla=sla,
        remind_at=sla.remind_at,
        reminder_count=0,
        is_escalated=False,
    )
    proposal = Proposal(
        revision=entry.revision,
        recommendation=body.recommendation,
        plan=body.plan,
        verdict=body.verdict,
        expires_at=expires_at,
    )
    if case.activity.practice is not None:
        # It was about the plan before this one.
        case = replace(case, activity=replace(case.activity, practice=None))
    return replace(
        case.with_reason(None),
        timers=timers,
        proposal=proposal,
        execution=replace(case.execution, steps=(), undo_approvals=(), earlier_undone=()),
    )


def _apply_authorisation(case: Case, body: Authorised, entry: Entry) -> Case:
    case = case.with_decision(entry.at)
    if body.plan is None:
        return case
    approval = Approval(
        person=body.by[0],
        name="policy",
        digest=body.digest,
        at=entry.at,
    )
    case = _propose(case, body, entry)
    return replace(case, proposal=replace(case.proposal, approvals=(approval,)))
