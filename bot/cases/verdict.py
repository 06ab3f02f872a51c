"""Verdicts: the ruling of policy on one plan."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from bot.cases.approval import ApprovalRequirement
from bot.cases.plan import Money
from bot.cases.policy import PlaybookTerms, RiskTier, Stage

IDENTITY_UNKNOWN = "identity.unknown"
#: The rule of plans that are recommended and not carried out.
SHADOW_RULE = "stage.shadow"
#: The rule of plans that run by a standing rule, before their actions have earned it.
STANDING_RULE = "alone.standing_rule"
UNKNOWN_AUTHOR_REASON = "who raised it, or gains from it, is not known here"


class Ruling(StrEnum):
    """The decision of policy on a plan."""

    AUTO_APPROVE = "alone"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit that the plan was held against, with its total."""

    rule: str
    action: str
    total: Decimal
    maximum: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictInputs:
    """The grounds of a verdict, in the currency of policy."""

    #: What the plan moves; None where it moves no money.
    amount: Money | None = None
    #: The amount that it was over, by itself or with ``recent``.
    threshold: Money | None = None
    #: The plan with what went to one target or requester in the window of policy.
    recent: Money | None = None
    #: Why the risk is what it is.
    risk: str = ""
    limits: tuple[LimitUse, ...] = ()
    stage: Stage = Stage.SUPERVISED
    #: The rules of policy.yml that held, with their lines.
    rules: tuple[str, ...] = ()
    #: Why it may not run alone; empty where it may, or could not for its risk.
    objection: str = ""
    #: The time by the clock of the channel, such as "Thu 26 Nov 20:15".
    local_time: str = ""
    #: The id of the standing rule whose bounds it is within, such as "EX-30/7".
    standing_rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The ruling of policy on one plan, with its rule and reason."""

    ruling: Ruling
    tier: RiskTier
    rule: str
    reason: str
    factors: tuple[ApprovalRequirement, ...]
    expires_for: timedelta
    policy_digest: str
    #: Each approval needs the passkey of the approver.
    step_up: bool = False
    #: None in verdicts of earlier releases.
    inputs: VerdictInputs | None = None

    @property
    def approvals_needed(self) -> int:
        return sum(factor.count for factor in self.factors)


def stricter(verdict: Verdict, others: Iterable[Verdict]) -> Verdict:
    """Return a verdict that asks everybody whom any of these asks."""
    for other in others:
        if other.ruling is not Ruling.ASK:
            continue
        counts = {factor.group: factor.count for factor in verdict.factors}
        for factor in other.factors:
            counts[factor.group] = max(factor.count, counts.get(factor.group, 0))
        verdict = replace(
            verdict,
            ruling=Ruling.ASK,
            tier=max(verdict.tier, other.tier),
            factors=tuple(ApprovalRequirement(group, count) for group, count in counts.items()),
            step_up=verdict.step_up or other.step_up,
        )
    return verdict


def require_governance(verdict: Verdict, terms: PlaybookTerms) -> Verdict:
    """Add the governance owners to a verdict.

    They decide because an author of the plan is not known. That author may be among the other
    approvers, who must approve as well.
    """
    if verdict.ruling is Ruling.REFUSE:
        return verdict
    group = terms.owners.get("governance", "")
    if not group:
        return replace(
            verdict,
            ruling=Ruling.REFUSE,
            rule=IDENTITY_UNKNOWN,
            reason=f"{UNKNOWN_AUTHOR_REASON}, and no governance owners are named",
            factors=(),
        )
    factors = verdict.factors
    if not any(factor.group == group for factor in factors):
        factors = (*factors, ApprovalRequirement(group, 1))
    return replace(
        verdict,
        ruling=Ruling.ASK,
        rule=IDENTITY_UNKNOWN,
        reason=f"{verdict.reason}; {UNKNOWN_AUTHOR_REASON}, so the governance owners decide",
        factors=factors,
    )


def needs_governance(verdict: Verdict) -> bool:
    """Tell whether the governance owners decide because an author is not known."""
    return verdict.rule == IDENTITY_UNKNOWN


def still_satisfies(at_approval: Verdict, current: Verdict) -> bool:
    """Tell whether the verdict at the approval covers what policy asks now.

    Tightening is immediate, loosening is not retroactive. Whether the approvers are still those
    who must approve is checked on the people: see ``what_moved``.
    """
    if current.ruling is Ruling.REFUSE or current.tier > at_approval.tier:
        return False
    if at_approval.ruling is Ruling.AUTO_APPROVE and current.ruling is not Ruling.AUTO_APPROVE:
        return False
    return current.step_up <= at_approval.step_up
