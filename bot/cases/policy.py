"""Policy: limits and who must say yes. ``judge`` is the only place where risk is decided, from the plan and never from text."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from bot.cases.approval import OWNER, Factor
from bot.cases.canonical import digest, to_plain
from bot.cases.plan import Action, Idempotency, Plan


class RiskTier(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Stage(StrEnum):
    """How much this kind may do alone: recommend only, act when approved, act alone inside limits."""

    SHADOW = "shadow"
    SUPERVISED = "supervised"
    AUTONOMOUS = "autonomous"


class Ruling(StrEnum):
    ALONE = "alone"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class TierRule:
    """Who must say yes at one tier, and how long the question stands."""

    factors: tuple[Factor, ...]
    expires_for: timedelta


@dataclass(frozen=True, slots=True)
class ActionLimit:
    """Limits of one action. None means no limit of that sort; an action without a limit entry is not allowed at all."""

    per_plan: Decimal | None = None
    amount_per_day: Decimal | None = None
    times_per_day: int | None = None
    times_per_target_per_day: int | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who may let a plan through alone when it cannot wait, and how soon somebody else must look at it."""

    group: str
    review_for: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """``step_up_above``: over this amount every yes is given outside Slack, with the approver's passkey; None for never."""

    currency: str
    medium_above: Decimal
    high_above: Decimal
    tiers: Mapping[str, TierRule]
    actions: Mapping[str, ActionLimit]
    largest_scope: int = 5
    emergency: Emergency | None = None
    step_up_above: Decimal | None = None

    @property
    def digest(self) -> str:
        return digest(to_plain(self))


@dataclass(frozen=True, slots=True)
class Usage:
    """What has already been carried out today, by action and by (action, target); read fresh by the store."""

    times: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    target_times: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlaybookTerms:
    """What the playbook adds to policy. It can only be stricter: more people, a shorter time. ``owners``: its groups by role."""

    factors: tuple[Factor, ...] = ()
    expires_for: timedelta | None = None
    stage: Stage = Stage.SUPERVISED
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policy said about a plan, by which rule, and why. ``step_up``: each yes needs the approver's passkey."""

    ruling: Ruling
    tier: RiskTier
    rule: str
    reason: str
    factors: tuple[Factor, ...]
    expires_for: timedelta
    policy_digest: str
    step_up: bool = False

    @property
    def approvals_needed(self) -> int:
        return sum(factor.count for factor in self.factors)


def risk_tier(plan: Plan, policy: Policy) -> tuple[RiskTier, str]:
    """The tier and the reason for it, from reversibility, amount and scope."""
    money = plan.amount
    stuck = [action for action in plan.actions if not action.reversible]
    if stuck and money and money.amount > policy.medium_above:
        return RiskTier.HIGH, f"cannot be undone and moves {money}"
    if money and money.amount > policy.high_above:
        return RiskTier.HIGH, f"moves {money}, over {policy.high_above:,.0f} {policy.currency}"
    if stuck:
        return RiskTier.MEDIUM, f"{stuck[0].summary} cannot be undone"
    if money and money.amount > policy.medium_above:
        return RiskTier.MEDIUM, f"moves {money}, over {policy.medium_above:,.0f} {policy.currency}"
    if len(plan.actions) > 1:
        return RiskTier.MEDIUM, f"changes {len(plan.actions)} things"
    return RiskTier.LOW, f"one reversible change{f', moving {money}' if money else ''}"


def judge(plan: Plan, terms: PlaybookTerms, policy: Policy, usage: Usage) -> Verdict:
    """What may be done with this plan. Anything not foreseen is refused."""
    tier, reason = risk_tier(plan, policy)
    tier_rule = policy.tiers.get(tier.name.lower())
    terms_given = [span for span in (terms.expires_for, tier_rule.expires_for if tier_rule else None) if span]
    expires_for = min(terms_given, default=timedelta(0))

    def verdict(ruling: Ruling, rule: str, why: str, factors: tuple[Factor, ...] = ()) -> Verdict:
        return Verdict(ruling, tier, rule, why, factors, expires_for, policy.digest, _is_top_class(plan, policy))

    refused = _refusal(plan, policy, usage)
    if terms.stage is Stage.SHADOW:
        refused = refused or ("stage.shadow", "shadow mode: this is what would be recommended; nothing is carried out")
    if refused:
        return verdict(Ruling.REFUSE, *refused)
    if tier_rule is None:
        return verdict(Ruling.REFUSE, "tier.unknown", f"policy names no approvers for {tier.name.lower()} risk")
    if _may_act_alone(plan, terms, policy, tier):
        return verdict(Ruling.ALONE, "alone.low_risk", f"{reason}; policy lets this run alone")
    factors = stricter(tier, _named(tier_rule.factors, terms), _named(terms.factors, terms))
    if not factors or not all(factor.group for factor in factors):
        return verdict(Ruling.REFUSE, "approvers.empty", "nobody is named who may approve this")
    return verdict(Ruling.ASK, f"tier.{tier.name.lower()}", reason, factors)


STRANGER = "identity.unknown"
NOT_KNOWN = "who raised it, or gains from it, is not known here"


def governed(verdict: Verdict, terms: PlaybookTerms) -> Verdict:
    """Let the governance owners decide, because who raised it or gains from it is not known.

    They come on top of whoever must say yes anyway: the unknown one may be among those.
    """
    if verdict.ruling is Ruling.REFUSE:
        return verdict
    group = terms.owners.get("governance", "")
    if not group:
        reason = f"{NOT_KNOWN}, and no governance owners are named"
        return replace(verdict, ruling=Ruling.REFUSE, rule=STRANGER, reason=reason, factors=())
    is_asked = any(factor.group == group for factor in verdict.factors)
    factors = verdict.factors if is_asked else (*verdict.factors, Factor(group, 1))
    reason = f"{verdict.reason}; {NOT_KNOWN}, so the governance owners decide"
    return replace(verdict, ruling=Ruling.ASK, rule=STRANGER, reason=reason, factors=factors)


def is_governed(verdict: Verdict) -> bool:
    """Tell whether the governance owners decide because somebody is not known here."""
    return verdict.rule == STRANGER


def _named(factors: tuple[Factor, ...], terms: PlaybookTerms) -> tuple[Factor, ...]:
    """With the playbook's owners in the place of their roles; a role that it does not fill is nobody."""
    return tuple(
        Factor(terms.owners.get(factor.group.removeprefix(OWNER), ""), factor.count)
        if factor.group.startswith(OWNER)
        else factor
        for factor in factors
    )


def _is_top_class(plan: Plan, policy: Policy) -> bool:
    return policy.step_up_above is not None and plan.amount is not None and plan.amount.amount > policy.step_up_above


def stricter(tier: RiskTier, ours: tuple[Factor, ...], theirs: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Low risk is the playbook's people to decide, where it names any; above that policy's, and never fewer than either asks."""
    chosen, other = (theirs, ours) if tier is RiskTier.LOW and theirs else (ours, theirs)
    short = sum(factor.count for factor in other) - sum(factor.count for factor in chosen)
    if short <= 0 or not chosen:
        return chosen
    first, *rest = chosen
    return (Factor(first.group, first.count + short), *rest)


def over_budget(plan: Plan, step: int, policy: Policy, usage: Usage) -> str | None:
    """Why this step may not begin now, asked once more where it is begun: the limits of the day, with what others have just used."""
    refused = _action_refusal(plan.actions[step], policy, usage)
    return refused[1] if refused else None


def no_looser(approved: Verdict, now: Verdict) -> bool:
    """Whether what was approved still satisfies policy as it is now: tightening is immediate, loosening is not retroactive."""
    return (
        now.ruling is not Ruling.REFUSE
        and now.tier <= approved.tier
        and (approved.ruling is not Ruling.ALONE or now.ruling is Ruling.ALONE)
        and now.approvals_needed <= approved.approvals_needed
        and now.step_up <= approved.step_up
    )


def _refusal(plan: Plan, policy: Policy, usage: Usage) -> tuple[str, str] | None:
    if not plan.actions:
        return "plan.empty", "the plan does nothing"
    if len(plan.actions) > policy.largest_scope:
        return "scope.too_large", f"{len(plan.actions)} actions, at most {policy.largest_scope}"
    currencies = {action.amount.currency for action in plan.actions if action.amount}
    if currencies - {policy.currency}:
        return "currency.other", f"policy speaks {policy.currency}, the plan {', '.join(sorted(currencies))}"
    for action in plan.actions:
        refused = _action_refusal(action, policy, usage)
        if refused:
            return refused
    return None


def _action_refusal(action: Action, policy: Policy, usage: Usage) -> tuple[str, str] | None:
    limit = policy.actions.get(action.name)
    if limit is None:
        return "action.not_listed", f"{action.name} is not on the list of allowed actions"
    if action.amount and action.amount.amount < 0:
        return "amount.negative", "an amount below zero"
    amount = action.amount.amount if action.amount else Decimal(0)
    spent = usage.amounts.get(action.name, Decimal(0))
    target_times = usage.target_times.get(f"{action.name} {action.target}", 0)
    checks = (
        ("limit.per_plan", limit.per_plan, amount, "at once"),
        ("limit.amount_per_day", limit.amount_per_day, spent + amount, "a day"),
        ("limit.times_per_day", limit.times_per_day, usage.times.get(action.name, 0) + 1, "times a day"),
        ("limit.per_target", limit.times_per_target_per_day, target_times + 1, f"times a day for {action.target}"),
    )
    for rule, most, wanted, unit in checks:
        if most is not None and wanted > most:
            return rule, f"{action.name}: {wanted:,} would pass the limit of {most:,} {unit}"
    return None


def _may_act_alone(plan: Plan, terms: PlaybookTerms, policy: Policy, tier: RiskTier) -> bool:
    return (
        terms.stage is Stage.AUTONOMOUS
        and tier is RiskTier.LOW
        and all(
            action.reversible and action.idempotency is not Idempotency.NONE and policy.actions[action.name].alone
            for action in plan.actions
        )
    )
