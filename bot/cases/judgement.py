"""The judgement of policy on a plan.

``judge`` is the only place where risk is decided: from the plan, and never from text.
"""

from datetime import timedelta
from typing import NamedTuple

from bot.cases.approval import ApprovalRequirement
from bot.cases.limits import Usage, Violation, action_violation, limit_violation, scope_violation
from bot.cases.plan import Idempotency, Plan, Proposer
from bot.cases.policy import PlaybookTerms, Policy, RiskTier, Stage, TierRule
from bot.cases.required_approvers import approvers_of
from bot.cases.verdict import Ruling, Verdict


class _Finding(NamedTuple):
    ruling: Ruling
    rule: str
    reason: str
    factors: tuple[ApprovalRequirement, ...] = ()


def risk_tier(plan: Plan, policy: Policy) -> tuple[RiskTier, str]:
    """Return the risk tier and its reason, from reversibility, amount and scope."""
    money = plan.amount
    irreversible = [action for action in plan.actions if not action.reversible]
    is_medium = money is not None and money.amount > policy.medium_above
    if irreversible and is_medium:
        return RiskTier.HIGH, f"cannot be undone and moves {money}"
    if money is not None and money.amount > policy.high_above:
        return RiskTier.HIGH, f"moves {money}, over {policy.high_above:,.0f} {policy.currency}"
    if irreversible:
        return RiskTier.MEDIUM, f"{irreversible[0].summary} cannot be undone"
    if is_medium:
        return RiskTier.MEDIUM, f"moves {money}, over {policy.medium_above:,.0f} {policy.currency}"
    if len(plan.actions) > 1:
        return RiskTier.MEDIUM, f"changes {len(plan.actions)} things"
    return RiskTier.LOW, f"one reversible change{f', moving {money}' if money else ''}"


def needs_step_up(plan: Plan, policy: Policy) -> bool:
    """Tell whether each approval of this plan needs a passkey."""
    if policy.step_up_above is None or plan.amount is None:
        return False
    return plan.amount.amount > policy.step_up_above


def judge(
    plan: Plan,
    terms: PlaybookTerms,
    policy: Policy,
    usage: Usage,
    *,
    step: int = 0,
) -> Verdict:
    """Rule on a plan. What no rule foresees is refused.

    ``step`` is the first action that is still to come. ``usage`` has what was done today, also of
    this plan, and nothing of what is to come.
    """
    tier, risk = risk_tier(plan, policy)
    violation = _find_violation(
        plan,
        terms=terms,
        policy=policy,
        usage=usage,
        step=step,
    )
    if violation:
        finding = _Finding(Ruling.REFUSE, violation.rule, violation.reason)
    else:
        finding = _choose_approvers(
            plan,
            terms=terms,
            policy=policy,
            tier=tier,
            risk=risk,
        )
    return Verdict(
        ruling=finding.ruling,
        tier=tier,
        rule=finding.rule,
        reason=finding.reason,
        factors=finding.factors,
        expires_for=_expiry(terms, policy.tiers.get(tier.name.lower())),
        policy_digest=policy.checksum,
        step_up=needs_step_up(plan, policy),
    )


def _choose_approvers(
    plan: Plan,
    *,
    terms: PlaybookTerms,
    policy: Policy,
    tier: RiskTier,
    risk: str,
) -> _Finding:
    name = tier.name.lower()
    tier_rule = policy.tiers.get(name)
    if tier_rule is None:
        reason = f"policy names no approvers for {name} risk"
        return _Finding(Ruling.REFUSE, "tier.unknown", reason)
    if _is_auto_approved(
        plan,
        terms=terms,
        policy=policy,
        tier=tier,
    ):
        reason = f"{risk}; policy lets this run alone"
        return _Finding(Ruling.AUTO_APPROVE, "alone.low_risk", reason)
    factors = approvers_of(tier, terms, tier_rule)
    if not factors or not all(factor.group for factor in factors):
        reason = "nobody is named who may approve this"
        return _Finding(Ruling.REFUSE, "approvers.empty", reason)
    return _Finding(
        ruling=Ruling.ASK,
        rule=f"tier.{name}",
        reason=risk,
        factors=factors,
    )


def _expiry(terms: PlaybookTerms, tier_rule: TierRule | None) -> timedelta:
    """Return the shorter of the playbook's and the tier's time."""
    spans = [terms.expires_for, tier_rule.expires_for if tier_rule else None]
    return min(filter(None, spans), default=timedelta(0))


def _is_auto_approved(
    plan: Plan,
    *,
    terms: PlaybookTerms,
    policy: Policy,
    tier: RiskTier,
) -> bool:
    """Tell whether this may run without an approval.

    A plan that a person or a model has touched may not: only the playbook's own proposals are
    known in advance.
    """
    if terms.stage is not Stage.AUTONOMOUS or tier is not RiskTier.LOW:
        return False
    if plan.proposer is not Proposer.PLAYBOOK:
        return False
    return all(
        action.reversible
        and action.idempotency is not Idempotency.NONE
        and policy.actions[action.name].alone
        for action in plan.actions
    )


def _find_violation(
    plan: Plan,
    *,
    terms: PlaybookTerms,
    policy: Policy,
    usage: Usage,
    step: int,
) -> Violation | None:
    """Return the first reason against this plan."""
    violation = (
        scope_violation(plan, policy)
        or action_violation(plan, policy)
        or limit_violation(
            plan,
            policy=policy,
            usage=usage,
            step=step,
        )
    )
    if violation is None and terms.stage is Stage.SHADOW:
        reason = "shadow mode: this is what would be recommended; nothing is carried out"
        return Violation("stage.shadow", reason)
    return violation
