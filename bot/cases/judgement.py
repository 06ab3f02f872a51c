"""The judgement of policy on a plan.

``judge`` is the only place where risk is decided: from the plan, and never from text. What no rule
foresees is refused, and nothing that a rule, an hour or the list of what never runs alone objects
to is approved without a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from bot.cases.approval import ApprovalRequirement, can_be_met
from bot.cases.autonomy import BUDGET_SPENT, may_begin_alone
from bot.cases.circumstances import Circumstances
from bot.cases.limits import (
    Violation,
    action_violation,
    limit_checks,
    limit_violation,
    scope_violation,
)
from bot.cases.plan import Idempotency, Money, Plan, Proposer
from bot.cases.policy import PlaybookTerms, Policy, RiskTier, Stage, TierRule
from bot.cases.policy_rules import RuleEffect
from bot.cases.required_approvers import add_requirements, approvers_of, resolve_roles
from bot.cases.risk import Risk, assess_risk, needs_step_up
from bot.cases.rule_findings import RuleFinding, find_rules
from bot.cases.rule_use import RULE_SPENT
from bot.cases.standing_rule import StandingRule, rule_words
from bot.cases.usage import Usage
from bot.cases.verdict import (
    SHADOW_RULE,
    STANDING_RULE,
    LimitUse,
    Ruling,
    Verdict,
    VerdictInputs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """All that one judgement is made from."""

    plan: Plan
    terms: PlaybookTerms
    policy: Policy
    usage: Usage
    #: The first action that is still to come.
    step: int
    circumstances: Circumstances | None
    risk: Risk
    rules: tuple[RuleFinding, ...]
    #: Within whose bounds the plan is; None for none.
    standing_rule: StandingRule | None


class _Finding(NamedTuple):
    ruling: Ruling
    rule: str
    reason: str
    factors: tuple[ApprovalRequirement, ...] = ()
    objection: str = ""


def judge(
    plan: Plan,
    terms: PlaybookTerms,
    policy: Policy,
    usage: Usage,
    *,
    step: int = 0,
    circumstances: Circumstances | None = None,
    standing_rule: StandingRule | None = None,
) -> Verdict:
    """Rule on a plan. What no rule foresees is refused.

    ``step`` is the first action that is still to come. ``usage`` has what was done lately, also of
    this plan, and nothing of what is to come. Without ``circumstances`` no rule that needs them
    holds: the plan is refused. A ``standing_rule`` covers the plan, which may run as if its actions
    had earned it.
    """
    matter = _Matter(
        plan=plan,
        terms=terms,
        policy=policy,
        usage=usage,
        step=step,
        circumstances=circumstances,
        risk=assess_risk(plan, policy, usage, step=step),
        rules=find_rules(plan, policy=policy, usage=usage, circumstances=circumstances, step=step),
        standing_rule=standing_rule,
    )
    violation = _find_violation(matter)
    if violation:
        finding = _Finding(Ruling.REFUSE, violation.rule, violation.reason)
    else:
        finding = _choose_approvers(matter)
    return Verdict(
        ruling=finding.ruling,
        tier=matter.risk.tier,
        rule=finding.rule,
        reason=finding.reason,
        factors=finding.factors,
        expires_for=_expiry(terms, policy.tiers.get(matter.risk.tier.name.lower())),
        policy_digest=policy.checksum,
        step_up=needs_step_up(matter.risk, policy),
        inputs=_inputs(matter, finding),
    )


# --- what is refused ------------------------------------------------------------------------------


def _find_violation(matter: _Matter) -> Violation | None:
    """Return the first reason against this plan."""
    plan, policy = matter.plan, matter.policy
    violation = (
        scope_violation(plan, policy)
        or action_violation(plan, policy)
        or limit_violation(
            plan,
            policy=policy,
            usage=matter.usage,
            step=matter.step,
        )
        or _rule_violation(matter.rules)
    )
    if violation is None and matter.terms.stage is Stage.SHADOW:
        reason = "shadow mode: this is what would be recommended; nothing is carried out"
        return Violation(SHADOW_RULE, reason)
    return violation


def _rule_violation(findings: Sequence[RuleFinding]) -> Violation | None:
    """Return the first rule that refuses or cannot be evaluated."""
    for finding in findings:
        if finding.failure:
            reason = f"{finding.place} cannot be evaluated: {finding.failure}"
            return Violation("rule.failed", reason)
        if finding.rule.effect is RuleEffect.REFUSE:
            return Violation("rule.refuse", finding.rule.because)
    return None


# --- who decides ----------------------------------------------------------------------------------


def _choose_approvers(matter: _Matter) -> _Finding:
    risk = matter.risk
    name = risk.tier.name.lower()
    tier_rule = matter.policy.tiers.get(name)
    if tier_rule is None:
        reason = f"policy names no approvers for {name} risk"
        return _Finding(Ruling.REFUSE, "tier.unknown", reason)
    objection = ""
    if _is_autonomous(matter):
        objection = _objection(matter)
        if not objection:
            return _run_alone(matter)
    factors = approvers_of(risk.tier, matter.terms, tier_rule)
    for finding in matter.rules:
        factors = add_requirements(factors, resolve_roles(finding.rule.factors, matter.terms))
    if not factors or not all(factor.group for factor in factors):
        reason = "nobody is named who may approve this"
        return _Finding(Ruling.REFUSE, "approvers.empty", reason)
    if matter.rules and not can_be_met(factors):
        reason = "the approvers of tier, playbook and rules can never be complete"
        return _Finding(Ruling.REFUSE, "approvers.impossible", reason)
    return _ask(matter, factors, objection)


def _run_alone(matter: _Matter) -> _Finding:
    rule = matter.standing_rule
    if rule is None or matter.terms.stage is Stage.AUTONOMOUS:
        reason = f"{matter.risk.reason}; policy lets this run alone"
        return _Finding(Ruling.AUTO_APPROVE, "alone.low_risk", reason)
    reason = f"{matter.risk.reason}; it is within {rule_words(rule)}"
    return _Finding(Ruling.AUTO_APPROVE, STANDING_RULE, reason)


def _ask(matter: _Matter, factors: tuple[ApprovalRequirement, ...], objection: str) -> _Finding:
    """Ask these approvers, for the reasons of rules and risk."""
    asking = [finding.rule for finding in matter.rules if finding.rule.effect is RuleEffect.ASK]
    reasons = [rule.because for rule in asking]
    if objection and objection not in reasons:
        reasons.append(objection)
    rule = f"tier.{matter.risk.tier.name.lower()}"
    if asking:
        rule = "rule.ask"
    elif objection:
        rule = "alone.objection"
    return _Finding(
        ruling=Ruling.ASK,
        rule=rule,
        reason="; ".join([matter.risk.reason, *reasons]),
        factors=factors,
        objection=objection,
    )


def _expiry(terms: PlaybookTerms, tier_rule: TierRule | None) -> timedelta:
    """Return the shorter of the playbook's and the tier's time."""
    spans = [terms.expires_for, tier_rule.expires_for if tier_rule else None]
    return min(filter(None, spans), default=timedelta(0))


def _is_autonomous(matter: _Matter) -> bool:
    """Tell whether this might run without an approval.

    A plan that a person or a model has touched may not: only the playbook's own proposals are
    known in advance.
    """
    plan = matter.plan
    has_earned = matter.terms.stage is Stage.AUTONOMOUS
    if not has_earned and not _is_by_rule(matter):
        return False
    if matter.risk.tier is not RiskTier.LOW:
        return False
    if plan.proposer is not Proposer.PLAYBOOK:
        return False
    return all(
        action.reversible
        and action.idempotency is not Idempotency.NONE
        and matter.policy.actions[action.name].alone
        for action in plan.actions
    )


def _is_by_rule(matter: _Matter) -> bool:
    """Tell whether a standing rule stands in for the stage.

    In shadow nothing runs.
    """
    return matter.standing_rule is not None and matter.terms.stage is Stage.SUPERVISED


def _objection(matter: _Matter) -> str:
    """Say why the plan may not run alone; empty where it may."""
    plan, policy = matter.plan, matter.policy
    if policy.is_never_alone(plan.playbook, (action.name for action in plan.actions)):
        return "policy never lets this run alone"
    if matter.circumstances and policy.is_never_alone(matter.circumstances.kind, ()):
        return "policy never lets this kind run alone"
    if matter.rules:
        return matter.rules[0].rule.because
    if matter.circumstances and matter.circumstances.doubt:
        return matter.circumstances.doubt
    is_first = matter.step == 0
    if is_first and not may_begin_alone(plan.playbook, matter.usage, policy.autonomy):
        return BUDGET_SPENT
    if is_first and _is_by_rule(matter) and not _has_room(matter):
        return RULE_SPENT
    return _hours_objection(policy, matter.circumstances)


def _has_room(matter: _Matter) -> bool:
    rule = matter.standing_rule
    return rule is None or matter.usage.rule_times(rule.id) < rule.times_per_day


def _hours_objection(policy: Policy, circumstances: Circumstances | None) -> str:
    if policy.hours is None:
        return ""
    if circumstances is None:
        return "it is not known whether this is within the hours in which it may run alone"
    if policy.hours.is_open(circumstances.local_at):
        return ""
    return f"it runs alone only at these hours: {policy.hours}"


# --- what it was judged from ----------------------------------------------------------------------


def _inputs(matter: _Matter, finding: _Finding) -> VerdictInputs:
    risk, circumstances = matter.risk, matter.circumstances
    local_time = f"{circumstances.local_at:%a %-d %b %H:%M}" if circumstances else ""
    return VerdictInputs(
        amount=_money(risk.amount, matter.policy),
        threshold=_money(risk.threshold, matter.policy),
        recent=_money(risk.recent, matter.policy),
        risk=risk.reason,
        limits=tuple(_limit_uses(matter)),
        stage=matter.terms.stage,
        rules=tuple(f"{one.place}: {one.failure or one.rule.because}" for one in matter.rules),
        objection=finding.objection,
        local_time=local_time,
        standing_rule=matter.standing_rule.id if matter.standing_rule else "",
    )


def _money(amount: Decimal | None, policy: Policy) -> Money | None:
    return None if amount is None else Money(amount, policy.currency)


def _limit_uses(matter: _Matter) -> list[LimitUse]:
    """List the limits that are set, with their totals."""
    checks = limit_checks(
        matter.plan,
        policy=matter.policy,
        usage=matter.usage,
        step=matter.step,
    )
    return [
        LimitUse(
            rule=check.rule,
            action=check.action,
            total=Decimal(check.total),
            maximum=Decimal(check.maximum),
        )
        for check in checks
        if check.maximum is not None
    ]
