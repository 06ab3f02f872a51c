"""Figures about cases: numbers, stakes, decisions and times."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, func, or_, select

from bot.cases.case import LastDecision
from bot.cases.lifecycle import TERMINAL, State
from bot.ports.case_queries import CaseFilter, CaseTimes, DecisionCounts, Durations, Total
from bot.store import tables
from bot.store.case_filters import ALONE, matches
from bot.store.database import Database
from bot.store.projection import CENTS
from bot.views.query import Grouping

# A median over more cases than this says nothing more.
MAX_SAMPLE = 20_000
# A quarter of an hour in seconds.
QUARTER = 900

_cases = tables.cases.c


class SqlCaseFigures:
    """Count cases, and add up what they have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, filter: CaseFilter) -> int:
        """Count the cases of this filter."""
        query = select(func.count().label("cases")).select_from(tables.cases)
        return int(self._database.fetch(query.where(matches(filter)))[0].cases)

    def total(self, filter: CaseFilter) -> Total:
        """Count the cases, and add up their stakes."""
        query = select(_cases.currency, *_SUMS).where(matches(filter)).group_by(_cases.currency)
        return _total(self._database.fetch(query))

    def group(
        self, filter: CaseFilter, grouping: Grouping, zone: str = "UTC"
    ) -> list[tuple[str, Total]]:
        """Count by a property, the largest first.

        Days and months stand in their order. They are those of the opening, of the end where the
        filter has a span of ends, and of the decision where it has one of decisions. A case with
        several deciders counts for each; one without counts for none, and neither does one that was
        edited or handed over last.
        """
        if grouping in {Grouping.DAY, Grouping.MONTH}:
            return self._group_by_day(filter, grouping, ZoneInfo(zone))
        column = _GROUP_COLUMNS[grouping]
        query = select(column.label("key"), _cases.currency, *_SUMS).where(matches(filter))
        if grouping is Grouping.DECIDER:
            # Whoever edits a plan or hands it over has not decided yet.
            query = query.where(_cases.decision.not_in(_INDECISIVE))
        rows = self._database.fetch(query.group_by(column, _cases.currency))
        parts: dict[str, list[Any]] = {}
        for row in rows:
            keys = row.key.split() if grouping is Grouping.DECIDER else [row.key]
            for key in keys:
                parts.setdefault(key, []).append(row)
        groups = [(key, _total(parts[key])) for key in sorted(parts)]
        return sorted(groups, key=lambda group: -group[1].cases)

    def _group_by_day(
        self, filter: CaseFilter, grouping: Grouping, zone: ZoneInfo
    ) -> list[tuple[str, Total]]:
        column = _time_column(filter)
        query = select(column.label("at"), _cases.currency, _cases.stake_cents)
        rows = self._database.fetch(query.where(matches(filter), column.is_not(None)))
        length = len("2026-11" if grouping is Grouping.MONTH else "2026-11-21")
        keys: dict[int, str] = {}
        groups: dict[str, _Sums] = {}
        for at, currency, cents in rows:
            quarter = int(at // QUARTER)
            key = keys.get(quarter)
            if key is None:
                # Every time zone changes its day at a quarter of an hour.
                day = datetime.fromtimestamp(quarter * QUARTER, zone).date()
                key = keys[quarter] = day.isoformat()[:length]
            groups.setdefault(key, _Sums()).add(currency, cents)
        return [(key, groups[key].total) for key in sorted(groups)]

    def decision_counts(self, filter: CaseFilter) -> DecisionCounts:
        """Count the cases by how they were decided.

        Those that policy alone let run are not among them.
        """
        columns = (_cases.decision, _cases.state, _cases.is_edited)
        query = (
            select(*columns, func.count().label("cases"))
            .where(matches(filter), _cases.decision != "", _cases.deciders != ALONE)
            .group_by(*columns)
        )
        rows = self._database.fetch(query)
        approvals = [row for row in rows if row.decision == LastDecision.APPROVED]
        return DecisionCounts(
            approved_count=_count(approvals),
            unchanged_count=_count(row for row in approvals if not row.is_edited),
            success_count=_count(row for row in approvals if row.state == State.RESOLVED.code),
            failure_count=_count(row for row in approvals if row.state in _FAILED),
            rejected_count=_count(row for row in rows if row.decision == LastDecision.REJECTED),
            edited_count=_count(row for row in rows if row.decision == LastDecision.EDITED),
            by_hand_count=_count(row for row in rows if row.decision == LastDecision.BY_HAND),
        )

    def durations(self, filter: CaseFilter) -> Durations:
        """Count the cases, and take the median of their times."""
        query = select(_cases.opened_at, _cases.decided_at, _cases.ended_at)
        rows = self._database.fetch(query.where(matches(filter)).limit(MAX_SAMPLE))
        to_decision = [row.decided_at - row.opened_at for row in rows if row.decided_at is not None]
        to_end = [row.ended_at - row.opened_at for row in rows if row.ended_at is not None]
        cases = len(rows) if len(rows) < MAX_SAMPLE else self.count(filter)
        return Durations(cases, _median(to_decision), _median(to_end))

    def case_times(self, filter: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """Return the times of the cases opened or ended in this span."""
        begin, end = since.timestamp(), until.timestamp()
        is_inside = or_(
            _cases.opened_at.between(begin, end),
            _cases.ended_at.between(begin, end),
        )
        query = (
            select(_cases.opened_at, _cases.decided_at, _cases.ended_at)
            .where(is_inside, matches(replace(filter, is_any=True)))
            .limit(MAX_SAMPLE)
        )
        return [
            (row.opened_at, row.decided_at, row.ended_at) for row in self._database.fetch(query)
        ]


def _time_column(filter: CaseFilter) -> Column[Any]:
    """Return the time that the days of a filter are those of."""
    if filter.decided_between:
        return _cases.decision_at
    return _cases.ended_at if filter.ended_between else _cases.opened_at


@dataclass(slots=True)
class _Sums:
    """Cases and the cents of their stakes, while they are added up."""

    cases: int = 0
    cents: dict[str, int] = field(default_factory=dict)

    def add(self, currency: str, cents: int | None, cases: int = 1) -> None:
        self.cases += cases
        if cents is not None:
            self.cents[currency] = self.cents.get(currency, 0) + cents

    @property
    def total(self) -> Total:
        stakes = {currency: Decimal(cents) / CENTS for currency, cents in self.cents.items()}
        return Total(self.cases, stakes)


def _total(rows: Iterable[Any]) -> Total:
    """Add up rows of ``_SUMS`` with their currencies."""
    sums = _Sums()
    for row in rows:
        cents = None if row.cents is None else int(row.cents)
        sums.add(row.currency, cents, row.cases)
    return sums.total


def _count(rows: Iterable[Any]) -> int:
    return sum(row.cases for row in rows)


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


_SUMS = (func.count().label("cases"), func.sum(_cases.stake_cents).label("cents"))
_GROUP_COLUMNS = {
    Grouping.KIND: _cases.kind,
    Grouping.OWNER: _cases.owner,
    Grouping.TEAM: _cases.team,
    Grouping.STATE: _cases.state,
    Grouping.DECIDER: _cases.deciders,
}
# Of approved cases: they are over in another way, or a person must find out what to do.
_FAILED = {state.code for state in TERMINAL | {State.REFERRED}} - {State.RESOLVED.code}
_INDECISIVE = (LastDecision.EDITED, LastDecision.HANDED_OVER)
