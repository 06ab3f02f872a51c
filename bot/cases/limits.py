"""Limits of policy: what a plan may move, and how often.

What has been used comes from the store; nothing here reads it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from bot.cases.plan import Action, Plan
from bot.cases.policy import ActionLimit, Policy


@dataclass(frozen=True, slots=True)
class Usage:
    """The actions carried out today, by name and by "name target"."""

    times: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    target_times: Mapping[str, int] = field(default_factory=dict)


class Violation(NamedTuple):
    """A rule that a plan breaks, with the reason."""

    rule: str
    reason: str


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
    violation = limit_violation(
        plan,
        policy=policy,
        usage=usage,
        step=step,
    )
    return violation.reason if violation else None


def scope_violation(plan: Plan, policy: Policy) -> Violation | None:
    if not plan.actions:
        return Violation("plan.empty", "the plan does nothing")
    count = len(plan.actions)
    if count > policy.largest_scope:
        return Violation("scope.too_large", f"{count} actions, at most {policy.largest_scope}")
    currencies = {action.amount.currency for action in plan.actions if action.amount}
    if currencies - {policy.currency}:
        names = ", ".join(sorted(currencies))
        return Violation("currency.other", f"policy speaks {policy.currency}, the plan {names}")
    return None


def action_violation(plan: Plan, policy: Policy) -> Violation | None:
    for action in plan.actions:
        limit = policy.actions.get(action.name)
        if limit is None:
            reason = f"{action.name} is not on the list of allowed actions"
            return Violation("action.not_listed", reason)
        has_money_limit = limit.per_plan is not None or limit.amount_per_day is not None
        if action.amount is None and has_money_limit:
            return Violation("amount.unknown", f"{action.name}: the amount is not known")
        if action.amount and action.amount.amount < 0:
            return Violation("amount.negative", "an amount below zero")
    return None


def limit_violation(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    step: int,
) -> Violation | None:
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
                return Violation(check.rule, f"{name}: {sums} {check.unit}")
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
