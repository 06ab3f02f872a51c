"""The day's usage, for the limits of policy."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, func, not_, select

from bot.cases.entries import StepState
from bot.cases.plan import Plan
from bot.cases.policy import Usage
from bot.store import tables
from bot.store.statements import CompiledStatement, Values

Fetch = Callable[[CompiledStatement, Values], Sequence[Any]]


def usage_on(fetch: Fetch, *, day: str, plan: Plan | None, step: int) -> Usage:
    """Sum what has been carried out on this UTC day.

    Steps that surely failed do not count.

    The steps of ``plan`` from ``step`` on are left out: they are still to come, also where one
    was begun and lost.
    """
    values: dict[str, Any] = {"day": day, "own_case": "", "own_revision": 0, "own_step": step}
    if plan:
        values |= {"own_case": plan.case_id, "own_revision": plan.revision}
    return _sum(fetch(_USAGE, values))


def usage_before(fetch: Fetch, at: datetime) -> Usage:
    """Sum what had been carried out that UTC day, before this time.

    For a case that is played again: what was done later that day says nothing of it.
    """
    return _sum(fetch(_USAGE_BEFORE, {"day": f"{at:%Y-%m-%d}", "before": at.timestamp()}))


def _sum(rows: Iterable[Any]) -> Usage:
    times: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    targets: dict[str, int] = {}
    for row in rows:
        times[row.action] = times.get(row.action, 0) + row.times
        amounts[row.action] = amounts.get(row.action, Decimal(0)) + Decimal(str(row.amount))
        targets[f"{row.action} {row.target}"] = row.times
    return Usage(times, amounts, targets)


_effects = tables.effects.c
_IS_STILL_TO_COME = and_(
    _effects.case_id == bindparam("own_case"),
    _effects.revision == bindparam("own_revision"),
    _effects.step >= bindparam("own_step"),
)
_SUMS = select(
    _effects.action,
    _effects.target,
    func.count().label("times"),
    func.sum(_effects.amount).label("amount"),
).group_by(_effects.action, _effects.target)
_MAY_HAVE_HAPPENED = and_(
    _effects.day == bindparam("day"), _effects.outcome != StepState.FAILED.name
)
_USAGE = CompiledStatement(_SUMS.where(_MAY_HAVE_HAPPENED, not_(_IS_STILL_TO_COME)))
_USAGE_BEFORE = CompiledStatement(
    _SUMS.where(_MAY_HAVE_HAPPENED, _effects.at < bindparam("before"))
)
