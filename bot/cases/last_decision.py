"""The decision in force of a case.

The last of these decides: an approval, once the plan is authorised; a rejection; a resolution by
hand; an edit; a hand-over; an undo. One approval of several is none yet, and taking a case on is
none. A plan that failed, expired or cleared by itself leaves the decision as it was.

A decision about a plan ends with that plan: when facts drift, somebody asks to look again, a snooze
is over or the trouble is back, the case is undecided until somebody decides anew. A hand-over is
about the case and stays.
"""

from dataclasses import replace
from datetime import datetime

from bot.cases.case import POLICY_ALONE, Case, DecisionRecord, LastDecision
from bot.cases.entries import (
    Authorised,
    Edited,
    Entry,
    HandedOver,
    Referred,
    Rejected,
    Resolution,
    Resolved,
    UndoAsked,
    UndoLapsed,
)
from bot.cases.lifecycle import DECIDED, State


def with_last_decision(case: Case, entry: Entry) -> Case:
    """Return the case after this entry, with the decision now in force."""
    before = case.activity.last_decision
    decision = _decision_after(case, entry) or _remaining_decision(case, entry, before)
    if decision == before:
        return case
    return replace(case, activity=replace(case.activity, last_decision=decision))


def _decision_after(case: Case, entry: Entry) -> DecisionRecord | None:
    """Return the decision that this entry is; None for any other entry."""
    actor = (str(entry.actor),)
    match entry.body:
        case Authorised(by=voters, plan=plan):
            by = POLICY_ALONE if plan else voters
            return DecisionRecord(LastDecision.APPROVED, entry.at, by)
        case Rejected():
            return DecisionRecord(LastDecision.REJECTED, entry.at, actor)
        case Resolved(resolution=Resolution.BY_HAND):
            return DecisionRecord(LastDecision.BY_HAND, entry.at, actor)
        case Edited():
            return DecisionRecord(LastDecision.EDITED, entry.at, actor)
        # Whoever carries an approved plan on, its approval is still in force.
        case HandedOver() if case.state not in DECIDED:
            return DecisionRecord(LastDecision.HANDED_OVER, entry.at, actor)
        case UndoAsked(by=voters):
            return DecisionRecord(LastDecision.TAKEN_BACK, entry.at, voters or actor)
        case UndoLapsed():
            return _approval_in_force(case, entry.at)
        case _:
            return None


def _approval_in_force(case: Case, at: datetime) -> DecisionRecord:
    """Return the approval of a plan whose undo came to nothing."""
    votes = case.proposal.approvals
    by = POLICY_ALONE if case.was_auto_approved else tuple(vote.person for vote in votes)
    # The last approval of a plan authorises it.
    authorised_at = max((vote.at for vote in votes), default=at)
    return DecisionRecord(LastDecision.APPROVED, authorised_at, by)


def _remaining_decision(
    case: Case, entry: Entry, before: DecisionRecord | None
) -> DecisionRecord | None:
    """Return what is left of the decision before this entry."""
    if before is None or before.type is LastDecision.HANDED_OVER:
        return before
    is_planned_anew = case.state is State.OPEN or isinstance(entry.body, Referred)
    is_withdrawn = case.state is State.PROPOSED and before.type is LastDecision.APPROVED
    return None if is_planned_anew or is_withdrawn else before
