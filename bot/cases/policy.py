"""Policy: limits, risk tiers, and who must approve.

``judge`` is the only place where risk is decided: from the plan, and never from text.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import InitErrorDetails

from bot.cases.approval import OWNER, ApprovalRequirement
from bot.cases.approvers import Approvers
from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.constraints import (
    NOT_IN_FILE,
    Amount,
    Currency,
    Handle,
    Span,
    Times,
    not_below,
)
from bot.cases.plan import Action, Idempotency, Plan, Proposer

IDENTITY_UNKNOWN = "identity.unknown"
#: The actions of the desk on itself begin so; no system of a file may have its name.
OWN_ACTIONS = "desk."
#: The rule of plans that are recommended and not carried out.
SHADOW_RULE = "stage.shadow"
UNKNOWN_AUTHOR_REASON = "who raised it, or gains from it, is not known here"


class RiskTier(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3


TIER_NAMES = tuple(tier.name.lower() for tier in RiskTier)


class Stage(StrEnum):
    """The autonomy of a kind."""

    #: Recommends, and carries nothing out.
    SHADOW = "shadow"
    #: Acts when people have approved.
    SUPERVISED = "supervised"
    #: Acts alone inside the limits.
    AUTONOMOUS = "autonomous"


class Ruling(StrEnum):
    """The decision of policy on a plan."""

    AUTO_APPROVE = "alone"
    ASK = "ask"
    REFUSE = "refuse"


# --- the file -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TierRule:
    """The approvers of one risk tier, and how long they have."""

    factors: Annotated[Approvers, Field(validation_alias="approvers", min_length=1)]
    expires_for: Annotated[Span, Field(validation_alias="expires")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLimit:
    """The limits of one action; None is no limit.

    An action without an entry may not run at all.
    """

    per_plan: Amount | None = None
    amount_per_day: Annotated[Amount | None, not_below("per_plan")] = None
    times_per_day: Times | None = None
    times_per_target_per_day: Times | None = None
    #: May run without an approval in a kind that is autonomous.
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _UnlimitedMark:
    is_unlimited: Annotated[bool, Field(validation_alias="unlimited")] = False


_UNLIMITED_MARK = TypeAdapter(_UnlimitedMark)
_LIMIT_NAMES = ("per_plan", "amount_per_day", "times_per_day", "times_per_target_per_day")


def _check_limits(entry: Any) -> Any:
    """Require a limit or ``unlimited: true``, so that none is forgotten."""
    if not isinstance(entry, dict):
        return entry
    is_unlimited = _UNLIMITED_MARK.validate_python(entry).is_unlimited
    has_limit = any(entry.get(name) is not None for name in _LIMIT_NAMES)
    if not has_limit and not is_unlimited:
        names = f"{', '.join(_LIMIT_NAMES[:-1])} or {_LIMIT_NAMES[-1]}"
        raise ValueError(f"needs at least one limit ({names}), or unlimited: true")
    if has_limit and is_unlimited:
        raise ValueError("unlimited goes without limits")
    # No field of the limit itself: the checksum of every policy would be another one.
    return {name: value for name, value in entry.items() if name != "unlimited"}


def _check_tier_names(tiers: Mapping[str, TierRule]) -> Mapping[str, TierRule]:
    """Require exactly one entry for each tier."""
    errors = [
        InitErrorDetails(type="missing", loc=(name,), input=tiers)
        for name in TIER_NAMES
        if name not in tiers
    ]
    errors += [
        InitErrorDetails(type="extra_forbidden", loc=(name,), input=tiers)
        for name in tiers
        if name not in TIER_NAMES
    ]
    if errors:
        raise ValidationError.from_exception_data("tiers", errors)
    return tiers


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """The group that may approve a plan alone when it cannot wait."""

    group: Handle
    #: How soon somebody else must look at it.
    review_for: Span


# Without slots, because the cached checksum needs a place.
@dataclass(frozen=True, kw_only=True)
class Policy:
    """The file ``policy.yml``."""

    currency: Currency
    #: A plan that moves more is of medium risk.
    medium_above: Amount
    #: A plan that moves more is of high risk.
    high_above: Annotated[Amount, not_below("medium_above")]
    tiers: Annotated[Mapping[str, TierRule], AfterValidator(_check_tier_names)]
    actions: Mapping[str, Annotated[ActionLimit, BeforeValidator(_check_limits)]]
    #: How many actions a plan may have.
    largest_scope: Annotated[int, Field(ge=1, le=20)] = 5
    emergency: EmergencyRule | None = None
    #: A plan that moves more is approved outside Slack, with a passkey; None for none.
    step_up_above: Annotated[
        Amount | None, not_below("high_above", "; only high risk asks for a passkey")
    ] = None
    #: What an action must show before it may run alone.
    autonomy: AutonomyRule = field(default_factory=AutonomyRule)

    @cached_property
    def checksum(self) -> str:
        """Return the SHA-256 of the RFC 8785 form.

        Plans and verdicts name it.
        """
        plain = to_plain(self)
        # Of a file that says nothing of it, the checksum is that of earlier releases.
        if self.autonomy == AutonomyRule():
            del plain["autonomy"]
        # What the desk does to itself is in no file, and no part of what people wrote.
        for name in [name for name in self.actions if name.startswith(OWN_ACTIONS)]:
            del plain["actions"][name]
        return canonical_hash(plain)


def _check_initial_stage(stage: Stage) -> Stage:
    """Refuse a file that gives what is earned."""
    if stage is Stage.AUTONOMOUS:
        raise ValueError(
            "is where a kind starts, shadow or supervised: an action earns to run alone by what"
            " people decide about it, and the governance owner lets it"
        )
    return stage


@dataclass(frozen=True, slots=True)
class PlaybookTerms:
    """The additions of a playbook to policy: approvers, or a shorter time."""

    factors: Annotated[Approvers, Field(validation_alias="approvers")] = ()
    expires_for: Annotated[Span | None, Field(validation_alias="expires")] = None
    #: Where the kind starts. ``DeskControls`` has what its actions have earned since.
    stage: Annotated[Stage, AfterValidator(_check_initial_stage)] = Stage.SUPERVISED
    #: The groups of the playbook by role, which approvers may name.
    owners: Annotated[Mapping[str, str], NOT_IN_FILE] = field(default_factory=dict)


# --- verdicts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """The actions carried out today, by name and by "name target"."""

    times: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    target_times: Mapping[str, int] = field(default_factory=dict)
    #: How many plans began alone today, by kind.
    alone_times: Mapping[str, int] = field(default_factory=dict)


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

    @property
    def approvals_needed(self) -> int:
        return sum(factor.count for factor in self.factors)


class _Finding(NamedTuple):
    ruling: Ruling
    rule: str
    reason: str
    factors: tuple[ApprovalRequirement, ...] = ()


class _Violation(NamedTuple):
    rule: str
    reason: str


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


# --- unknown authors ------------------------------------------------------------------------------


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


# --- approvers ------------------------------------------------------------------------------------


def approvers_of(
    tier: RiskTier,
    terms: PlaybookTerms,
    tier_rule: TierRule,
) -> tuple[ApprovalRequirement, ...]:
    """Return the approvers of this tier, by policy and playbook together.

    A role that the playbook does not fill has an empty name.
    """
    of_policy = _resolve_roles(tier_rule.factors, terms)
    of_playbook = _resolve_roles(terms.factors, terms)
    return combine_requirements(tier, of_policy, of_playbook)


def _resolve_roles(
    factors: Iterable[ApprovalRequirement], terms: PlaybookTerms
) -> tuple[ApprovalRequirement, ...]:
    """Replace the roles of owners by the groups of the playbook."""
    result = []
    for factor in factors:
        if factor.group.startswith(OWNER):
            group = terms.owners.get(factor.group.removeprefix(OWNER), "")
            factor = ApprovalRequirement(group, factor.count)
        result.append(factor)
    return tuple(result)


def combine_requirements(
    tier: RiskTier,
    of_policy: tuple[ApprovalRequirement, ...],
    of_playbook: tuple[ApprovalRequirement, ...],
) -> tuple[ApprovalRequirement, ...]:
    """Combine the approvers of policy and playbook.

    There are never fewer people than either asks for. At low risk the playbook's approvers decide,
    where it names any. Above that both must be satisfied: a group that both name gives the larger
    count.
    """
    policy_counts = _count_by_group(of_policy)
    playbook_counts = _count_by_group(of_playbook)
    if tier is RiskTier.LOW and playbook_counts:
        shortfall = sum(policy_counts.values()) - sum(playbook_counts.values())
        first = next(iter(playbook_counts))
        counts = {**playbook_counts, first: playbook_counts[first] + max(shortfall, 0)}
    elif not policy_counts:
        return ()
    else:
        counts = dict(policy_counts)
        for group, count in playbook_counts.items():
            counts[group] = max(count, counts.get(group, 0))
    return tuple(ApprovalRequirement(group, count) for group, count in counts.items())


def _count_by_group(factors: Iterable[ApprovalRequirement]) -> dict[str, int]:
    """Add up the counts of each group."""
    counts: dict[str, int] = {}
    for factor in factors:
        counts[factor.group] = counts.get(factor.group, 0) + factor.count
    return counts


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


# --- limits ---------------------------------------------------------------------------------------


class _LimitCheck(NamedTuple):
    rule: str
    maximum: Decimal | int | None
    #: What today's total would be with the plan.
    total: Decimal | int
    unit: str


def find_exceeded_limit(
    plan: Plan,
    step: int,
    policy: Policy,
    usage: Usage,
) -> str | None:
    """Return the limit that the plan would now exceed, as a sentence.

    Asked where the step begins, with what others have just used.
    """
    violation = _limit_violation(
        plan,
        policy=policy,
        usage=usage,
        step=step,
    )
    return violation.reason if violation else None


def _find_violation(
    plan: Plan,
    *,
    terms: PlaybookTerms,
    policy: Policy,
    usage: Usage,
    step: int,
) -> _Violation | None:
    """Return the first reason against this plan."""
    violation = (
        _scope_violation(plan, policy)
        or _action_violation(plan, policy)
        or _limit_violation(
            plan,
            policy=policy,
            usage=usage,
            step=step,
        )
    )
    if violation is None and terms.stage is Stage.SHADOW:
        reason = "shadow mode: this is what would be recommended; nothing is carried out"
        return _Violation(SHADOW_RULE, reason)
    return violation


def _scope_violation(plan: Plan, policy: Policy) -> _Violation | None:
    if not plan.actions:
        return _Violation("plan.empty", "the plan does nothing")
    count = len(plan.actions)
    if count > policy.largest_scope:
        return _Violation("scope.too_large", f"{count} actions, at most {policy.largest_scope}")
    currencies = {action.amount.currency for action in plan.actions if action.amount}
    if currencies - {policy.currency}:
        names = ", ".join(sorted(currencies))
        return _Violation("currency.other", f"policy speaks {policy.currency}, the plan {names}")
    return None


def _action_violation(plan: Plan, policy: Policy) -> _Violation | None:
    for action in plan.actions:
        limit = policy.actions.get(action.name)
        if limit is None:
            reason = f"{action.name} is not on the list of allowed actions"
            return _Violation("action.not_listed", reason)
        has_money_limit = limit.per_plan is not None or limit.amount_per_day is not None
        if action.amount is None and has_money_limit:
            return _Violation("amount.unknown", f"{action.name}: the amount is not known")
        if action.amount and action.amount.amount < 0:
            return _Violation("amount.negative", "an amount below zero")
    return None


def _limit_violation(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    step: int,
) -> _Violation | None:
    """Find an exceeded limit.

    A limit for each plan counts all its actions; one of a day counts those still to come.
    """
    names = dict.fromkeys(action.name for action in plan.actions[step:])
    for name in names:
        limit = policy.actions.get(name, ActionLimit())
        for check in _limit_checks(
            name,
            plan=plan,
            limit=limit,
            usage=usage,
            step=step,
        ):
            if check.maximum is not None and check.total > check.maximum:
                sums = f"{check.total:,} would pass the limit of {check.maximum:,}"
                return _Violation(check.rule, f"{name}: {sums} {check.unit}")
    return None


def _limit_checks(
    name: str,
    *,
    plan: Plan,
    limit: ActionLimit,
    usage: Usage,
    step: int,
) -> Iterator[_LimitCheck]:
    every = [action for action in plan.actions if action.name == name]
    rest = [action for action in plan.actions[step:] if action.name == name]
    yield _LimitCheck(
        rule="limit.per_plan",
        maximum=limit.per_plan,
        total=_sum_amounts(every),
        unit="at once",
    )
    yield _LimitCheck(
        rule="limit.amount_per_day",
        maximum=limit.amount_per_day,
        total=usage.amounts.get(name, 0) + _sum_amounts(rest),
        unit="a day",
    )
    yield _LimitCheck(
        rule="limit.times_per_day",
        maximum=limit.times_per_day,
        total=usage.times.get(name, 0) + len(rest),
        unit="times a day",
    )
    for target, count in Counter(action.target for action in rest).items():
        yield _LimitCheck(
            rule="limit.per_target",
            maximum=limit.times_per_target_per_day,
            total=usage.target_times.get(f"{name} {target}", 0) + count,
            unit=f"times a day for {target}",
        )


def _sum_amounts(actions: Iterable[Action]) -> Decimal:
    amounts = (action.amount.amount for action in actions if action.amount)
    return sum(amounts, Decimal(0))
