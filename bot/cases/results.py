"""The result of a case, as digests and reports count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.cases.case import Case, Practice, Step
from bot.cases.entries import Resolution, StepState
from bot.cases.lifecycle import State
from bot.cases.plan import Money, Plan


class AgreementType(StrEnum):
    """A comparison of people's decision with the recommendation."""

    AS_RECOMMENDED = "as_recommended"
    AFTER_EDIT = "after_edit"
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCases:
    """A number of ended cases that digests and reviews count alike."""

    kind: str
    state: State
    #: Policy let them run.
    is_automatic: bool
    #: None where nobody decided on a recommendation.
    agreement: AgreementType | None
    cases: int
    #: Of them, those that were opened again at some time.
    reopened_count: int
    #: Of them, those of which a step was taken back.
    undone_count: int


def agreement_of(case: Case) -> AgreementType | None:
    """Classify the decision; None where nobody decided on a recommendation."""
    if case.proposal.plan is None or case.was_auto_approved:
        return None
    if case.activity.practice is not None:
        # Doing by hand what was recommended is no disagreement.
        return _agreement_in_practice(case.activity.practice)
    if case.state is State.REJECTED:
        return AgreementType.OTHERWISE
    if case.state is not State.RESOLVED or case.activity.status_reason is None:
        return None
    if case.activity.status_reason.reason == Resolution.BY_HAND:
        return AgreementType.OTHERWISE
    return AgreementType.AFTER_EDIT if case.proposal.editors else AgreementType.AS_RECOMMENDED


def _agreement_in_practice(practice: Practice) -> AgreementType:
    if practice.agrees:
        return AgreementType.AS_RECOMMENDED
    return AgreementType.AFTER_EDIT if practice.action_agrees else AgreementType.OTHERWISE


def moved_amount(case: Case) -> Money | None:
    """Return the money of a plan that was carried out and stands."""
    plan = case.proposal.plan
    steps = case.execution.steps
    if plan is None or plan.is_dry_run or case.state is not State.RESOLVED:
        return None
    if plan.branches:
        return _landed_amount(plan, steps)
    has_landed = bool(steps) and all(step.state is StepState.LANDED for step in steps)
    return plan.amount if has_landed else None


def _landed_amount(plan: Plan, steps: Sequence[Step]) -> Money | None:
    """Sum the money of the steps of a tree that have landed."""
    total: Money | None = None
    for action, step in zip(plan.actions, steps, strict=False):
        if step.state is StepState.LANDED and action.amount:
            before = total.amount if total else 0
            total = Money(before + action.amount.amount, action.amount.currency)
    return total


def is_undone(case: Case) -> bool:
    """Tell whether a step of the case was taken back."""
    return any(step.state is StepState.UNDONE for step in case.execution.steps)
