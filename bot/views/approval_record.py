"""The request of a program as JSON, with decision and outcome.

Its names are a part of the interface.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.cases.canonical import ScalarMapping, canonical_hash, format_utc, to_plain
from bot.cases.case import Case
from bot.cases.entries import Resolution, StepState
from bot.cases.execution import step_summary
from bot.cases.lifecycle import State
from bot.cases.program import is_own_action, program_of_source
from bot.cases.program_reports import is_handed_back
from bot.cases.program_request import ProgramRequest, request_of

DRY_RUN = "Countersign carries nothing out now: it runs as a dry run"
BY_HAND = "handled by hand"


class ApprovalState(StrEnum):
    """The state of a request as its program sees it."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


#: Those of an action that was approved, and what became of it.
CARRIED_OUT = {
    ApprovalState.APPROVED: "waiting",
    ApprovalState.DONE: "done",
    ApprovalState.FAILED: "failed",
    ApprovalState.UNKNOWN: "unknown",
}
_ENDS = {
    State.REJECTED: ApprovalState.REJECTED,
    State.EXPIRED: ApprovalState.EXPIRED,
    State.WITHDRAWN: ApprovalState.CANCELLED,
    State.CLEARED: ApprovalState.CANCELLED,
    State.OUTCOME_UNKNOWN: ApprovalState.UNKNOWN,
}
_NOT_DONE = frozenset({StepState.FAILED, StepState.ABSENT, StepState.REFUSED, StepState.UNDONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramDecision:
    """The decision on a request."""

    outcome: str
    #: Account and name of everybody who decided.
    by: tuple[tuple[str, str], ...]
    at: datetime
    reason: str
    #: As they were approved.
    arguments: ScalarMapping
    plan_hash: str


def approval_state(case: Case) -> ApprovalState:
    """Return the state of a request.

    An action that the program carries out itself is approved once it was handed back: after that
    nothing takes the decision back.
    """
    if case.state in _ENDS:
        return _ENDS[case.state]
    plan = case.proposal.plan
    is_begun = case.state in {State.APPROVED, State.RUNNING, State.RESOLVED}
    if plan is None or not is_begun:
        has_failed = case.state is State.REFERRED and bool(case.execution.steps)
        return ApprovalState.FAILED if has_failed else ApprovalState.PENDING
    if plan.is_dry_run or _is_by_hand(case):
        return _state_without_effect(case)
    if case.state is State.RESOLVED:
        return ApprovalState.DONE
    if any(step.state in _NOT_DONE for step in case.execution.steps):
        return ApprovalState.FAILED
    if is_own_action(plan.actions[0].name) and not is_handed_back(case):
        return ApprovalState.PENDING
    return ApprovalState.APPROVED


def _state_without_effect(case: Case) -> ApprovalState:
    """Return the state of a plan that had no effect."""
    if _is_by_hand(case) and case.execution.steps:
        return ApprovalState.FAILED
    return ApprovalState.REJECTED


def _is_by_hand(case: Case) -> bool:
    reason = case.activity.status_reason
    return (
        case.state is State.RESOLVED and reason is not None and reason.reason == Resolution.BY_HAND
    )


def program_decision(case: Case) -> ProgramDecision | None:
    """Return the decision on a request; None while it waits."""
    state = approval_state(case)
    request = request_of(case.signal)
    if state is ApprovalState.PENDING or request is None:
        return None
    plan = case.proposal.plan
    arguments = plan.actions[0].parameters if plan else request.arguments
    return ProgramDecision(
        outcome=_outcome(case, state),
        by=_deciders(case, state),
        at=_decided_at(case, state),
        reason=_reason(case, state),
        arguments=arguments,
        plan_hash=plan.plan_hash if plan else "",
    )


def _outcome(case: Case, state: ApprovalState) -> str:
    if state in CARRIED_OUT:
        return "edited" if case.proposal.editors else "approved"
    return state.value


def _deciders(case: Case, state: ApprovalState) -> tuple[tuple[str, str], ...]:
    if state in CARRIED_OUT:
        return tuple((vote.person, vote.name) for vote in case.proposal.approvals)
    reason, last = case.activity.status_reason, case.activity.last_decision
    if state is not ApprovalState.REJECTED or reason is None:
        return ()
    person = last.by[0] if last and last.by else reason.by
    return ((person, reason.by),)


def _decided_at(case: Case, state: ApprovalState) -> datetime:
    if state in CARRIED_OUT:
        return max((vote.at for vote in case.proposal.approvals), default=case.timers.changed_at)
    reason = case.activity.status_reason
    return reason.at if reason else case.timers.changed_at


def _reason(case: Case, state: ApprovalState) -> str:
    if state in CARRIED_OUT:
        notes = [vote.note for vote in case.proposal.approvals if vote.note]
        return "; ".join(notes)
    plan, reason = case.proposal.plan, case.activity.status_reason
    if plan is not None and plan.is_dry_run and case.state is not State.REJECTED:
        return DRY_RUN
    if reason is None:
        return ""
    return ": ".join(filter(None, [reason.reason, reason.note]))


# --- as JSON ----------------------------------------------------------------------------------


def approval_record(case: Case, receipt: str | None = None) -> dict[str, Any]:
    """Return a request with its decision as a JSON object."""
    plan = case.proposal.plan
    expires_at = case.proposal.expires_at
    deadline = format_utc(expires_at) if expires_at else None
    return {
        "id": str(case.id),
        "case": str(case.id),
        "state": approval_state(case).value,
        "action": _request(case).action,
        "plan_hash": plan.plan_hash if plan else None,
        "expires_at": deadline,
        "decision": _decision_record(case),
        "receipt": receipt,
        "execution": _execution_record(case),
        "links": {"self": f"/v1/approvals/{case.id}"},
    }


def _request(case: Case) -> ProgramRequest:
    request = request_of(case.signal)
    if request is None:
        raise ValueError(f"{case.id} is no request of a program")
    return request


def _decision_record(case: Case) -> dict[str, Any] | None:
    decision = program_decision(case)
    if decision is None:
        return None
    return {
        "outcome": decision.outcome,
        "by": _people(decision.by),
        "at": format_utc(decision.at),
        "reason": decision.reason,
        "arguments": to_plain(dict(decision.arguments)),
        "plan_hash": decision.plan_hash,
    }


def _people(by: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"id": person, "name": name} for person, name in by]


def _execution_record(case: Case) -> dict[str, Any] | None:
    """Return what became of the action; None where it was not approved."""
    word = CARRIED_OUT.get(approval_state(case))
    plan = case.proposal.plan
    if word is None or plan is None:
        return None
    steps = case.execution.steps
    detail = steps[0].detail if steps else ""
    if word == "failed":
        detail = step_summary(case) or detail
    facts = steps[0].facts if steps else {}
    return {
        "state": word,
        "by": "program" if is_own_action(plan.actions[0].name) else "countersign",
        "detail": detail,
        "result": to_plain(dict(facts)),
    }


def receipt_payload(case: Case, issuer: str) -> dict[str, Any] | None:
    """Return the payload of a receipt; None without a decision."""
    decision, plan = program_decision(case), case.proposal.plan
    if decision is None:
        return None
    arguments = to_plain(dict(decision.arguments))
    return {
        "iss": issuer,
        # Whenever it is asked for, the same decision has the same receipt.
        "iat": int(decision.at.timestamp()),
        "approval": str(case.id),
        "case": str(case.id),
        "program": program_of_source(case.signal.source),
        "action": _request(case).action,
        "arguments": arguments,
        "arguments_hash": canonical_hash(arguments),
        "plan_hash": decision.plan_hash,
        "outcome": decision.outcome,
        "by": _people(decision.by),
        "decided_at": format_utc(decision.at),
        # Nobody may begin after this what was approved.
        "expires_at": format_utc(plan.not_after) if plan else None,
    }
