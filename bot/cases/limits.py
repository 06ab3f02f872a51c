"""Limits of policy: how much, how often, and with which parameters.

What has been used comes from the store; nothing here reads it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import ActionLimit, Policy, WindowLimit
from bot.cases.usage import DAY, NOTHING, Usage, UsedActions

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
#: The rules that count over a day, by the field of the limit. They have names of their own.
_DAY_RULES = {
    "amount": "limit.amount_per_day",
    "times": "limit.times_per_day",
    "times_per_target": "limit.per_target",
}


class Violation(NamedTuple):
    """A rule that a plan breaks, with the reason."""

    rule: str
    reason: str


class LimitCheck(NamedTuple):
    """One limit of an action, with the total that a plan makes."""

    action: str
    rule: str
    maximum: Decimal | int | None
    #: The total with the plan.
    total: Decimal | int
    unit: str

    @property
    def is_exceeded(self) -> bool:
        return self.maximum is not None and self.total > self.maximum

    def sums(self, currency: str) -> str:
        """Say what total would pass which limit."""
        if isinstance(self.maximum, Decimal):
            total, maximum = Money(Decimal(self.total), currency), Money(self.maximum, currency)
            return f"{total} would pass the limit of {maximum}"
        return f"{self.total:,} would pass the limit of {self.maximum:,}"


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
    """Refuse an empty or too large plan, or one without a rate."""
    if not plan.actions:
        return Violation("plan.empty", "the plan does nothing")
    count = len(plan.actions)
    if count > policy.largest_scope:
        return Violation("scope.too_large", f"{count} actions, at most {policy.largest_scope}")
    currencies = {action.amount.currency for action in plan.actions if action.amount}
    missing_rates = currencies - {policy.currency, *policy.currencies}
    if missing_rates:
        names = ", ".join(sorted(missing_rates))
        reason = f"policy speaks {policy.currency}, the plan {names}, and policy.yml has no rate"
        return Violation("currency.other", reason)
    if len(currencies) > 1:
        # The sum of such a plan has no currency that a card could show.
        return Violation("currency.mixed", f"one plan moves {', '.join(sorted(currencies))}")
    return None


def action_violation(plan: Plan, policy: Policy) -> Violation | None:
    """Refuse an action by the list, its amount or its parameters."""
    for action in plan.actions:
        limit = policy.actions.get(action.name)
        if limit is None:
            reason = f"{action.name} is not on the list of allowed actions"
            return Violation("action.not_listed", reason)
        if action.amount is None and limit.has_money_limit:
            return Violation("amount.unknown", f"{action.name}: the amount is not known")
        if action.amount and action.amount.amount < 0:
            return Violation("amount.negative", "an amount below zero")
        violation = _parameter_violation(action, limit)
        if violation:
            return violation
    return None


def _parameter_violation(action: Action, limit: ActionLimit) -> Violation | None:
    for name, bounds in limit.parameters.items():
        if name not in action.parameters:
            reason = f"{action.name}: {name} is not among its parameters"
            return Violation("parameter.unknown", reason)
        objection = bounds.objection(action.parameters[name])
        if objection:
            return Violation("parameter.out_of_bounds", f"{action.name}: {name} {objection}")
    return None


def limit_violation(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    step: int,
) -> Violation | None:
    """Find an exceeded limit.

    A limit for each plan counts all its actions; one of a window counts those still to come.
    """
    currency = _unknown_currency(usage, policy)
    if currency:
        reason = f"policy.yml has no rate for {currency}, which was moved lately"
        return Violation("currency.other", reason)
    for check in limit_checks(plan, policy=policy, usage=usage, step=step):
        if check.is_exceeded:
            sums = check.sums(policy.currency)
            return Violation(check.rule, f"{check.action}: {sums} {check.unit}")
    return None


def _unknown_currency(usage: Usage, policy: Policy) -> str:
    """Return a currency of the usage without a rate; empty for none."""
    for row in usage.rows:
        if row.amount and policy.convert(row.amount, row.currency) is None:
            return row.currency
    return ""


def limit_checks(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    step: int,
) -> Iterator[LimitCheck]:
    """Yield every limit of the actions to come, set or not."""
    for name in dict.fromkeys(action.name for action in plan.actions[step:]):
        limit = policy.actions.get(name, ActionLimit())
        every = [action for action in plan.actions if action.name == name]
        yield LimitCheck(
            action=name,
            rule="limit.per_plan",
            maximum=limit.per_plan,
            total=_sum_amounts(every, policy),
            unit="at once",
        )
        rest = [action for action in plan.actions[step:] if action.name == name]
        for window_limit in _windows(limit):
            rows = tuple(usage.of(name, window_limit.window))
            parts = _Parts(policy, rest=rest, rows=rows, requester=plan.requester)
            yield from _window_checks(name, window_limit, parts)


def _windows(limit: ActionLimit) -> Iterator[WindowLimit]:
    """Yield the limits of a day, and those over other windows."""
    day = (limit.amount_per_day, limit.times_per_day, limit.times_per_target_per_day)
    if any(maximum is not None for maximum in day):
        yield WindowLimit(
            window=DAY,
            amount=limit.amount_per_day,
            times=limit.times_per_day,
            times_per_target=limit.times_per_target_per_day,
        )
    yield from limit.over


class _Parts:
    """The totals of an action in a window, with a plan's."""

    def __init__(
        self,
        policy: Policy,
        *,
        rest: Sequence[Action],
        rows: Sequence[UsedActions],
        requester: str | None,
    ) -> None:
        self._policy = policy
        self._rest = rest
        self._rows = rows
        self.requester = requester
        self.targets = tuple(dict.fromkeys(action.target for action in rest))

    def amount(self) -> Decimal:
        return sum_used(self._rows, self._policy) + _sum_amounts(self._rest, self._policy)

    def times(self) -> int:
        return _count(self._rows) + len(self._rest)

    def target_amount(self, target: str) -> Decimal:
        rows = [row for row in self._rows if row.target == target]
        rest = [action for action in self._rest if action.target == target]
        return sum_used(rows, self._policy) + _sum_amounts(rest, self._policy)

    def target_times(self, target: str) -> int:
        rest = sum(action.target == target for action in self._rest)
        return _count(row for row in self._rows if row.target == target) + rest

    def requester_amount(self) -> Decimal:
        rows = [row for row in self._rows if row.requester == self.requester]
        return sum_used(rows, self._policy) + _sum_amounts(self._rest, self._policy)

    def requester_times(self) -> int:
        own = (row for row in self._rows if row.requester == self.requester)
        return _count(own) + len(self._rest)


def _window_checks(name: str, limit: WindowLimit, parts: _Parts) -> Iterator[LimitCheck]:
    period = describe_window(limit.window)
    is_day = limit.window == DAY

    def check(field: str, total: Decimal | int, unit: str) -> LimitCheck:
        rule = _DAY_RULES.get(field) if is_day else None
        return LimitCheck(
            action=name,
            rule=rule or f"limit.{field}",
            maximum=getattr(limit, field),
            total=total,
            unit=unit,
        )

    yield check("amount", parts.amount(), period)
    yield check("times", parts.times(), f"times {period}")
    for target in parts.targets:
        place = f"{period} for {target}"
        yield check("amount_per_target", parts.target_amount(target), place)
        yield check("times_per_target", parts.target_times(target), f"times {place}")
    if parts.requester:
        unit = f"{period} for one requester"
        yield check("amount_per_requester", parts.requester_amount(), unit)
        yield check("times_per_requester", parts.requester_times(), f"times {unit}")


def describe_window(window: timedelta) -> str:
    """Write a window as in "twice a day", "twice in 7 days"."""
    if window == DAY:
        return "a day"
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if window % unit == timedelta(0):
            return f"in {window // unit} {name}"
    return f"in {window.total_seconds():,.0f} seconds"


def sum_used(rows: Iterable[UsedActions], policy: Policy) -> Decimal:
    """Sum what was moved, in the currency of policy.

    A currency without a rate was refused before.
    """
    amounts = (policy.convert(row.amount, row.currency) for row in rows)
    return sum((amount for amount in amounts if amount is not None), NOTHING)


def _count(rows: Iterable[UsedActions]) -> int:
    return sum(row.times for row in rows)


def _sum_amounts(actions: Iterable[Action], policy: Policy) -> Decimal:
    amounts = (
        policy.convert(action.amount.amount, action.amount.currency)
        for action in actions
        if action.amount
    )
    return sum((amount for amount in amounts if amount is not None), NOTHING)
