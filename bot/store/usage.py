"""The day's usage, for the limits of policy."""

from collections.abc import Callable, Sequence
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
    times: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    targets: dict[str, int] = {}
    alone: dict[str, int] = {}
    for row in fetch(_USAGE, values):
        times[row.action] = times.get(row.action, 0) + row.times
        amounts[row.action] = amounts.get(row.action, Decimal(0)) + Decimal(str(row.amount))
        target = f"{row.action} {row.target}"
        targets[target] = targets.get(target, 0) + row.times
        if row.alone_kind:
            alone[row.alone_kind] = alone.get(row.alone_kind, 0) + row.first_steps
    return Usage(times, amounts, target_times=targets, alone_times=alone)


_effects = tables.effects.c
_IS_STILL_TO_COME = and_(
    _effects.case_id == bindparam("own_case"),
    _effects.revision == bindparam("own_revision"),
    _effects.step >= bindparam("own_step"),
)
_USAGE = CompiledStatement(
    select(
        _effects.action,
        _effects.target,
        _effects.alone_kind,
        func.count().label("times"),
        func.count().filter(_effects.step == 0).label("first_steps"),
        func.sum(_effects.amount).label("amount"),
    )
    .where(
        _effects.day == bindparam("day"),
        _effects.outcome != StepState.FAILED.name,
        not_(_IS_STILL_TO_COME),
    )
    .group_by(_effects.action, _effects.target, _effects.alone_kind)
)
