"""Agreement of people with the playbook, and how plans turned out.

A decision is comparable when it shows whether people want this plan: it was of low risk, policy
allowed it, the playbook made it, and a person judged it. An unedited approval agrees. An edit
agrees on the action. A rejection disagrees, unless its reason says nothing about the plan. What was
done by hand agrees as far as it was seen to be the plan. What ran alone is not comparable, since
nobody was asked, but its outcome counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.cases.case import BadOutcome, Case, LastDecision, PlanDecision, Practice
from bot.cases.commands import OutcomeCommand
from bot.cases.entries import (
    Authorised,
    CaseBody,
    Drifted,
    Entry,
    MistakeReported,
    OutcomeBody,
    Rejected,
    RejectReason,
    Reopened,
    Resolution,
    Resolved,
    ReviewGiven,
    Settled,
    UndoAsked,
    Withdrawn,
)
from bot.cases.errors import BadRequest, TooLate
from bot.cases.lifecycle import State
from bot.cases.plan import Idempotency, Plan, Proposer
from bot.cases.policy import RiskTier, Stage
from bot.cases.review import ReviewVerdict
from bot.cases.verdict import SHADOW_RULE, Ruling, Verdict
from bot.cases.votes import shorten_note

#: Rejections that say nothing about the plan.
SILENT_REASONS = frozenset({RejectReason.DUPLICATE, RejectReason.ALREADY_HANDLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionScore:
    """Evidence about one action of a kind: one decision on it."""

    kind: str
    action: str
    case_id: str
    revision: int
    decided_at: datetime
    stage: Stage
    is_alone: bool
    is_comparable: bool
    action_agrees: bool
    parameters_agree: bool
    bad_outcome: BadOutcome | None
    bad_reason: str
    bad_at: datetime | None

    @property
    def agrees(self) -> bool:
        """Tell whether people did exactly what the playbook proposed."""
        return self.action_agrees and self.parameters_agree


def score_of(case: Case) -> tuple[DecisionScore, ...]:
    """Return a score for each decided revision and action of a case."""
    return tuple(
        DecisionScore(
            kind=decision.kind,
            action=action,
            case_id=str(case.id),
            revision=decision.revision,
            decided_at=decision.at,
            stage=decision.stage,
            is_alone=decision.is_alone,
            is_comparable=decision.is_comparable,
            action_agrees=decision.action_agrees,
            parameters_agree=decision.parameters_agree,
            bad_outcome=decision.bad_outcome,
            bad_reason=decision.bad_reason,
            bad_at=decision.bad_at,
        )
        for decision in _decisions(case)
        for action in decision.actions
    )


def is_scored_alike(before: Case, after: Case) -> bool:
    """Tell whether nothing has changed that scores are made of."""
    old, new = before.activity, after.activity
    return old.plan_decisions == new.plan_decisions and old.practice == new.practice


def _decisions(case: Case) -> Iterator[PlanDecision]:
    """Yield the decisions of a case in the light of practice."""
    practice = case.activity.practice
    has_decided = False
    for decision in case.activity.plan_decisions:
        if practice is not None and practice.revision == decision.revision:
            has_decided = True
            yield _with_practice(decision, practice)
        else:
            yield decision
    if practice is None or has_decided or practice.revision != case.proposal.revision:
        return
    # In shadow nobody need decide anything: what they did is their decision.
    decision_by_hand = _decision_on_plan(case, LastDecision.BY_HAND, practice.at)
    if decision_by_hand is not None:
        yield _with_practice(decision_by_hand, practice)


def _with_practice(decision: PlanDecision, practice: Practice) -> PlanDecision:
    """Return the decision in the light of what people did by hand."""
    if decision.decision is LastDecision.APPROVED:
        if practice.action_agrees and practice.parameters_agree:
            return decision
        return _with_bad_outcome(
            decision, BadOutcome.CORRECTED, reason=practice.detail, at=practice.at
        )
    return replace(
        decision,
        is_comparable=decision.is_comparable or decision.is_silent,
        action_agrees=practice.action_agrees,
        parameters_agree=practice.parameters_agree,
    )


# --- complaints -------------------------------------------------------------------------------


def decide(case: Case, command: OutcomeCommand) -> tuple[CaseBody, ...]:
    """Find the entry of a person who reports a mistake.

    Raises:
        BadRequest: nothing is said.
        TooLate: nothing was carried out, or it is known to be wrong already.
    """
    text = command.text.strip()
    if not text:
        raise BadRequest("say in a few words what was wrong", field="note")
    decision = next(filter(_is_approved, reversed(case.activity.plan_decisions)), None)
    if decision is None:
        raise TooLate("nothing was carried out here that could have been a mistake")
    if decision.bad_outcome is not None:
        raise TooLate(f"it is in the record already: {decision.bad_outcome}")
    return (MistakeReported(shorten_note(text), command.by.person.name),)


def _is_approved(decision: PlanDecision) -> bool:
    return decision.decision is LastDecision.APPROVED


# --- the fold ---------------------------------------------------------------------------------


def with_plan_decisions(before: Case, case: Case, entry: Entry) -> Case:
    """Return the case with what this entry decides about a plan."""
    body = entry.body
    match body:
        case Authorised():
            return _add(case, _approval(case, entry, is_alone=body.plan is not None))
        case Rejected():
            return _add(case, _rejection(case, body, entry.at))
        case Resolved(resolution=Resolution.BY_HAND):
            return _add(case, _resolution_by_hand(case, entry.at))
        case Withdrawn() | Drifted():
            # The plan did not run, and is decided anew.
            return _drop(before, case)
        case UndoAsked(note=note):
            return _mark(case, BadOutcome.UNDONE, reason=note, at=entry.at)
        case Reopened(reason=reason) if before.state is State.RESOLVED:
            return _mark(case, BadOutcome.REOPENED, reason=reason, at=entry.at)
        case Settled(landed=False, note=note) if not before.execution.is_undo_running:
            return _mark(case, BadOutcome.UNVERIFIED, reason=note, at=entry.at)
        case ReviewGiven(verdict=ReviewVerdict.WRONG, note=note):
            return _mark(case, BadOutcome.COMPLAINT, reason=note, at=entry.at)
        case _:
            return case


def apply(case: Case, body: OutcomeBody, entry: Entry) -> Case:
    """Return the case after an entry about how a plan turned out."""
    match body:
        case MistakeReported():
            return _mark(case, BadOutcome.COMPLAINT, reason=body.text, at=entry.at)
        case _:
            assert_never(body)


def _approval(case: Case, entry: Entry, *, is_alone: bool) -> PlanDecision | None:
    decision = _decision_on_plan(case, LastDecision.APPROVED, entry.at)
    if decision is None:
        return None
    if is_alone:
        # What ran by a standing rule has not earned the stage, and cannot lose it.
        stage = decision.stage if case.standing_rule_id else Stage.AUTONOMOUS
        return replace(decision, stage=stage, is_alone=True, is_comparable=False)
    if case.grant_id:
        # Nobody looked at this plan, so it shows nothing; its outcome counts.
        return replace(decision, is_comparable=False)
    is_edited = bool(case.proposal.editors)
    return replace(decision, action_agrees=True, parameters_agree=not is_edited)


def _rejection(case: Case, body: Rejected, at: datetime) -> PlanDecision | None:
    decision = _decision_on_plan(case, LastDecision.REJECTED, at)
    if decision is None or body.reason not in SILENT_REASONS:
        return decision
    return _as_silent(decision)


def _resolution_by_hand(case: Case, at: datetime) -> PlanDecision | None:
    decision = _decision_on_plan(case, LastDecision.BY_HAND, at)
    # An approved plan that failed, and was then finished by hand, has its decision already.
    latest = case.activity.plan_decisions[-1:]
    if decision is None or any(one.revision == decision.revision for one in latest):
        return None
    # In shadow a plan cannot be approved, so doing it by hand says nothing against it.
    return _as_silent(decision) if decision.stage is Stage.SHADOW else decision


def _as_silent(decision: PlanDecision) -> PlanDecision:
    """Leave it to what people are seen to do whether they agree."""
    return replace(decision, is_silent=decision.is_comparable, is_comparable=False)


def _decision_on_plan(case: Case, kind: LastDecision, at: datetime) -> PlanDecision | None:
    """Return a decision that agrees with nothing; None without a plan."""
    plan, verdict = case.proposal.plan, case.proposal.verdict
    if plan is None or verdict is None:
        return None
    is_proposed = plan.proposer is Proposer.PLAYBOOK or bool(case.proposal.editors)
    return PlanDecision(
        revision=case.proposal.revision,
        kind=plan.playbook,
        actions=tuple(dict.fromkeys(action.name for action in plan.actions)),
        at=at,
        decision=kind,
        stage=Stage.SHADOW if verdict.rule == SHADOW_RULE else Stage.SUPERVISED,
        is_comparable=is_proposed and _is_in_reach(plan, verdict),
    )


def _is_in_reach(plan: Plan, verdict: Verdict) -> bool:
    """Tell whether such a plan could ever run alone.

    Of low risk is what can be undone. What cannot be verified never runs alone.
    """
    is_allowed = verdict.ruling is Ruling.ASK or verdict.rule == SHADOW_RULE
    is_verified = all(action.idempotency is not Idempotency.NONE for action in plan.actions)
    return is_allowed and is_verified and verdict.tier is RiskTier.LOW


def _add(case: Case, decision: PlanDecision | None) -> Case:
    if decision is None:
        return case
    others = [one for one in case.activity.plan_decisions if one.revision != decision.revision]
    return _with_decisions(case, (*others, decision))


def _drop(before: Case, case: Case) -> Case:
    revision = before.proposal.revision
    rest = tuple(one for one in case.activity.plan_decisions if one.revision != revision)
    return case if len(rest) == len(case.activity.plan_decisions) else _with_decisions(case, rest)


def _mark(case: Case, outcome: BadOutcome, *, reason: str, at: datetime) -> Case:
    """Record a bad outcome of the last plan that was approved."""
    decisions = case.activity.plan_decisions
    for index in reversed(range(len(decisions))):
        if _is_approved(decisions[index]):
            decision = _with_bad_outcome(decisions[index], outcome, reason=reason, at=at)
            return _with_decisions(case, (*decisions[:index], decision, *decisions[index + 1 :]))
    return case


def _with_bad_outcome(
    decision: PlanDecision, outcome: BadOutcome, *, reason: str, at: datetime
) -> PlanDecision:
    # The first one stays: it is what has cost the plan its good name.
    if decision.bad_outcome is not None:
        return decision
    return replace(decision, bad_outcome=outcome, bad_reason=reason, bad_at=at)


def _with_decisions(case: Case, decisions: tuple[PlanDecision, ...]) -> Case:
    return replace(case, activity=replace(case.activity, plan_decisions=decisions))
