"""Recent usage, for the limits of policy."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, case, func, not_, select

from bot.cases.entries import StepState
from bot.cases.grant import MAX_GRANT_TIME, Grant, GrantUse
from bot.cases.plan import Plan
from bot.cases.policy import MAX_WINDOWS
from bot.cases.standing_rule import RuleUse, StandingRule
from bot.cases.usage import Usage, UsedActions, sum_grant
from bot.store import tables
from bot.store.statements import CompiledStatement, Values

#: Later than any effect, in seconds of Unix time.
MAX_SECONDS = 1e12

Fetch = Callable[[CompiledStatement, Values], Sequence[Any]]


def usage_at(
    fetch: Fetch,
    at: datetime,
    windows: Sequence[timedelta],
    *,
    plan: Plan,
    step: int,
    is_past: bool = False,
) -> Usage:
    """Sum what was done of the plan's actions in recent windows.

    Steps that surely failed do not count. Targets and requesters other than the plan's are summed
    together. The steps of ``plan`` from ``step`` on are left out: they are still to come, also
    where one was begun and lost. The cost is that of the rows within the longest window.
    ``is_past``: what was begun after ``at`` does not count.
    """
    names = sorted({action.name for action in plan.actions[step:]})
    if not names:
        return Usage()
    # The statement has a fixed number of windows; the longest stands for those that are missing.
    spans = [*windows, *[windows[-1]] * (MAX_WINDOWS - len(windows))]
    values: dict[str, Any] = {
        "actions": names,
        "targets": sorted({action.target for action in plan.actions[step:]}),
        "requester": plan.requester or "",
        "own_case": plan.case_id,
        "own_revision": plan.revision,
        "own_step": step,
        # A clock of another process may be ahead of this one: it counts.
        "until": at.timestamp() if is_past else MAX_SECONDS,
    }
    for number, window in enumerate(spans):
        values[f"since_{number}"] = (at - window).timestamp()
    return Usage(tuple(_used_actions(row, spans) for row in fetch(_USAGE, values)))


def _used_actions(row: Any, windows: Sequence[timedelta]) -> UsedActions:
    return UsedActions(
        action=row.action,
        times=row.times,
        amount=Decimal(str(row.amount)),
        currency=row.currency,
        target=row.own_target,
        requester=row.own_requester,
        window=windows[row.place],
        alone_kind=row.alone_kind,
        first_steps=row.first_steps,
        grant_id=row.grant_id,
        rule_id=row.rule_id,
    )


def grant_use(fetch: Fetch, grant: Grant) -> GrantUse:
    """Sum what was begun under a grant, but for what surely failed."""
    # It lasts less than a day: the index by action and time leaves few rows to look at.
    since = (grant.until - 2 * MAX_GRANT_TIME).timestamp()
    values = {"action": grant.action, "grant_id": grant.id, "since": since}
    (row,) = fetch(_GRANT_USE, values)
    return sum_grant([(row.times, Decimal(str(row.amount or 0)))])


def rule_use(fetch: Fetch, rule: StandingRule) -> RuleUse:
    """Count the plans that began by a standing rule."""
    values = {"action": rule.actions[0], "rule_id": rule.id, "since": rule.since.timestamp()}
    (row,) = fetch(_RULE_USE, values)
    last_at = None if row.last_at is None else datetime.fromtimestamp(row.last_at, UTC)
    return RuleUse(row.times, last_at)


_effects = tables.effects.c
_RULE_USE = CompiledStatement(
    select(func.count().label("times"), func.max(_effects.at).label("last_at")).where(
        _effects.action == bindparam("action"),
        _effects.at >= bindparam("since"),
        _effects.rule_id == bindparam("rule_id"),
        _effects.step == 0,
        _effects.outcome != StepState.FAILED.name,
    )
)
_GRANT_USE = CompiledStatement(
    select(func.count().label("times"), func.sum(_effects.amount).label("amount")).where(
        _effects.action == bindparam("action"),
        _effects.at > bindparam("since"),
        _effects.grant_id == bindparam("grant_id"),
        _effects.outcome != StepState.FAILED.name,
    )
)
_IS_STILL_TO_COME = and_(
    _effects.case_id == bindparam("own_case"),
    _effects.revision == bindparam("own_revision"),
    _effects.step >= bindparam("own_step"),
)
_PLACE = case(
    *[(_effects.at > bindparam(f"since_{number}"), number) for number in range(MAX_WINDOWS - 1)],
    else_=MAX_WINDOWS - 1,
).label("place")
_OWN_TARGET = case(
    (_effects.target.in_(bindparam("targets", expanding=True)), _effects.target), else_=""
).label("own_target")
_OWN_REQUESTER = case(
    (_effects.requester == bindparam("requester"), _effects.requester), else_=""
).label("own_requester")
_GROUPS = (
    _effects.action,
    _effects.currency,
    _PLACE,
    _OWN_TARGET,
    _OWN_REQUESTER,
    _effects.alone_kind,
    _effects.grant_id,
    _effects.rule_id,
)
_GROUP_NAMES = (
    "action",
    "currency",
    "place",
    "own_target",
    "own_requester",
    "alone_kind",
    "grant_id",
    "rule_id",
)
_USAGE = CompiledStatement(
    select(
        *_GROUPS,
        func.count().label("times"),
        func.count().filter(_effects.step == 0).label("first_steps"),
        func.sum(_effects.amount).label("amount"),
    )
    .where(
        _effects.action.in_(bindparam("actions", expanding=True)),
        _effects.at > bindparam(f"since_{MAX_WINDOWS - 1}"),
        _effects.at < bindparam("until"),
        _effects.outcome != StepState.FAILED.name,
        not_(_IS_STILL_TO_COME),
    )
    .group_by(*_GROUP_NAMES)
)
