"""The risk of a plan: from reversibility, amount and scope."""

from dataclasses import dataclass, replace
from decimal import Decimal

from bot.cases.limits import describe_window, sum_used
from bot.cases.plan import Money, Plan
from bot.cases.policy import Policy, RiskTier
from bot.cases.usage import NOTHING, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The risk tier of a plan, and what it rests on."""

    tier: RiskTier
    reason: str
    #: What the plan moves, in the currency of policy; None where it moves no money or its
    #: currency has no rate.
    amount: Decimal | None = None
    #: The amount that this or ``recent`` is over; None where another reason decides.
    threshold: Decimal | None = None
    #: The plan with what went to one target or requester before; None where that adds nothing.
    recent: Decimal | None = None

    @property
    def exposure(self) -> Decimal:
        """Return the larger of both amounts, which no splitting makes smaller."""
        return max(self.amount or NOTHING, self.recent or NOTHING)


def assess_risk(plan: Plan, policy: Policy, usage: Usage, *, step: int = 0) -> Risk:
    """Assess the risk of a plan, together with what was done lately.

    One large action that is split into many small ones is as risky as the whole.
    """
    money = plan.amount
    if money is None:
        tier, reason = _tier_without_money(plan)
        return Risk(tier=tier, reason=reason)
    amount = policy.convert(money.amount, money.currency)
    if amount is None:
        reason = f"moves {money}, and policy.yml has no rate for {money.currency}"
        return Risk(tier=RiskTier.HIGH, reason=reason)
    # Policy counts each plan alone unless it names a window.
    total = recent_amount(plan, policy, usage, step=step) if policy.window else amount
    by_itself = _judge_amount(plan, policy, amount=amount, words=f"moves {money}")
    if total <= amount:
        return by_itself
    words = f"moves {money}, and {Money(total, policy.currency)} with what went to one target "
    words += f"or requester {describe_window(policy.recent_window)}"
    together = _judge_amount(plan, policy, amount=total, words=words)
    decisive = by_itself if together.tier is by_itself.tier else together
    return replace(decisive, amount=amount, recent=total)


def _judge_amount(plan: Plan, policy: Policy, *, amount: Decimal, words: str) -> Risk:
    """Judge the plan as if it moved this amount."""
    irreversible = [action for action in plan.actions if not action.reversible]
    is_medium = amount > policy.medium_above
    threshold = policy.medium_above if is_medium else None
    if irreversible and is_medium:
        tier, reason = RiskTier.HIGH, f"cannot be undone and {words}"
    elif amount > policy.high_above:
        threshold = policy.high_above
        tier, reason = RiskTier.HIGH, f"{words}, over {Money(threshold, policy.currency)}"
    elif is_medium and not irreversible:
        limit = Money(policy.medium_above, policy.currency)
        tier, reason = RiskTier.MEDIUM, f"{words}, over {limit}"
    else:
        tier, reason = _tier_without_money(plan)
        threshold = None
    return Risk(tier=tier, reason=reason, amount=amount, threshold=threshold)


def _tier_without_money(plan: Plan) -> tuple[RiskTier, str]:
    for action in plan.actions:
        if not action.reversible:
            return RiskTier.MEDIUM, f"{action.summary} cannot be undone"
    if len(plan.actions) > 1:
        return RiskTier.MEDIUM, f"changes {len(plan.actions)} things"
    money = plan.amount
    return RiskTier.LOW, f"one reversible change{f', moving {money}' if money else ''}"


def recent_amount(plan: Plan, policy: Policy, usage: Usage, *, step: int = 0) -> Decimal:
    """Return the most that one target or the requester gets.

    That is over the window of policy, with the actions that are still to come.
    """
    return max(
        target_amount(plan, policy, usage, step=step),
        requester_amount(plan, policy, usage, step=step),
    )


def target_amount(plan: Plan, policy: Policy, usage: Usage, *, step: int = 0) -> Decimal:
    """Return the most that one target gets of one action."""
    totals: dict[tuple[str, str], Decimal] = {}
    for action in plan.actions[step:]:
        if action.amount:
            key = (action.name, action.target)
            amount = policy.convert(action.amount.amount, action.amount.currency) or NOTHING
            totals[key] = totals.get(key, NOTHING) + amount
    sums = []
    for (name, target), amount in totals.items():
        rows = [row for row in usage.of(name, policy.recent_window) if row.target == target]
        sums.append(amount + sum_used(rows, policy))
    return max(sums, default=NOTHING)


def requester_amount(plan: Plan, policy: Policy, usage: Usage, *, step: int = 0) -> Decimal:
    """Return what the requester moves with the plan's actions in the window."""
    if not plan.requester:
        return NOTHING
    rest = [action for action in plan.actions[step:] if action.amount]
    amounts = [
        policy.convert(action.amount.amount, action.amount.currency)
        for action in rest
        if action.amount
    ]
    total = sum((amount for amount in amounts if amount is not None), NOTHING)
    for name in dict.fromkeys(action.name for action in rest):
        rows = usage.of(name, policy.recent_window)
        total += sum_used((row for row in rows if row.requester == plan.requester), policy)
    return total


def needs_step_up(risk: Risk, policy: Policy) -> bool:
    """Tell whether each approval of this plan needs a passkey."""
    return policy.step_up_above is not None and risk.exposure > policy.step_up_above
