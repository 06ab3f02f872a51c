"""Figures about cases: numbers, stakes, decisions and times."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Select, Subquery, and_, func, literal, or_, select, union_all

from bot.cases.case import LastDecision
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.results import AgreementType, EndedCases
from bot.ports.case_queries import CaseFilter, CaseTimes, DecisionCounts, Durations, Total
from bot.store import tables
from bot.store.case_filters import matches
from bot.store.case_tallies import ALONE
from bot.store.database import Database
from bot.store.projection import CENTS
from bot.store.tally_filters import figure_parts
from bot.views.query import Grouping

#: A median is taken of so many cases at most.
MAX_SAMPLE = 20_000
# A quarter of an hour in seconds.
QUARTER = 900

_cases = tables.cases.c
_tallies = tables.case_tallies.c


class SqlCaseFigures:
    """Count cases, and add up what they have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, filter: CaseFilter) -> int:
        """Count the cases of this filter."""
        rows = _figure_rows(filter, ())
        query = select(func.coalesce(func.sum(rows.c.cases), 0).label("cases"))
        return int(self._database.fetch(query)[0].cases)

    def total(self, filter: CaseFilter) -> Total:
        """Count the cases, and add up their stakes."""
        return _total(self._database.fetch(_sums(_figure_rows(filter, ("currency",)))))

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
        name = _GROUP_NAMES[grouping]
        if grouping in {Grouping.KIND, Grouping.STATE}:
            query = _sums(_figure_rows(filter, (name, "currency")))
        else:
            column = _cases[name]
            query = select(column, _cases.currency, *_SUMS).where(matches(filter))
            query = query.group_by(column, _cases.currency)
        if grouping is Grouping.DECIDER:
            # Whoever edits a plan or hands it over has not decided yet.
            query = query.where(_cases.decision.not_in(_INDECISIVE))
        rows = self._database.fetch(query)
        parts: dict[str, list[Any]] = {}
        for row in rows:
            value = getattr(row, name)
            keys = value.split() if grouping is Grouping.DECIDER else [value]
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
        names = ("decision", "state", "is_edited")
        rows = self._database.fetch(_sums(_figure_rows(filter, names, is_decided=True)))
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
        """Count the cases, and take the median of their times.

        Of more than ``MAX_SAMPLE`` cases the medians are those of the latest ``MAX_SAMPLE``: they
        are as wrong as the older cases were faster or slower.
        """
        query = select(_cases.opened_at, _cases.decided_at, _cases.ended_at)
        latest = query.where(matches(filter)).order_by(_time_column(filter).desc())
        rows = self._database.fetch(latest.limit(MAX_SAMPLE))
        to_decision = [row.decided_at - row.opened_at for row in rows if row.decided_at is not None]
        to_end = [row.ended_at - row.opened_at for row in rows if row.ended_at is not None]
        cases = len(rows) if len(rows) < MAX_SAMPLE else self.count(filter)
        return Durations(cases, _median(to_decision), _median(to_end))

    def case_times(self, filter: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """Return the times of the cases opened or ended in this span."""
        begin, end = since.timestamp(), until.timestamp()
        is_match = matches(replace(filter, is_any=True))
        is_opened_inside = _cases.opened_at.between(begin, end)
        # What has ended before the span was opened before it too.
        is_inside = (
            and_(_cases.ended_at.is_(None), is_opened_inside),
            and_(_cases.ended_at >= begin, or_(_cases.ended_at <= end, is_opened_inside)),
        )
        columns = (_cases.opened_at, _cases.decided_at, _cases.ended_at)
        parts = [select(*columns).where(clause, is_match) for clause in is_inside]
        rows = self._database.fetch(union_all(*parts).limit(MAX_SAMPLE))
        return [(row.opened_at, row.decided_at, row.ended_at) for row in rows]

    def ended_cases(self, filter: CaseFilter) -> list[EndedCases]:
        """Count the ended cases of this filter by what digests and reviews tell apart."""
        columns = (_cases.kind, _cases.state, _cases.is_automatic, _cases.agreement)
        query = (
            select(
                *columns,
                func.count().label("cases"),
                func.sum(_cases.is_reopened).label("reopened_count"),
                func.sum(_cases.is_undone).label("undone_count"),
            )
            .where(matches(filter), _cases.ended_at.is_not(None))
            .group_by(*columns)
        )
        return [_ended_cases(row) for row in self._database.fetch(query)]

    def moved_money(self, filter: CaseFilter) -> dict[str, Decimal]:
        """Sum by currency what plans moved that were carried out and stand."""
        currency = _cases.moved_currency
        query = select(currency, func.sum(_cases.moved_cents).label("cents")).group_by(currency)
        rows = self._database.fetch(query.where(matches(filter), _cases.moved_cents.is_not(None)))
        return {row.moved_currency: Decimal(int(row.cents)) / CENTS for row in rows}

    def decision_times(self, kind: str, limit: int) -> list[float]:
        """Return how long people took to decide, in seconds, among the latest ended cases.

        ``limit`` bounds the cases. Those that nobody decided, or policy alone, are left out.
        """
        query = (
            select(_cases.opened_at, _cases.decided_at, _cases.is_automatic)
            .where(_cases.kind == kind, _cases.ended_at.is_not(None))
            .order_by(_cases.ended_at.desc(), _cases.number.desc())
            .limit(limit)
        )
        return [
            row.decided_at - row.opened_at
            for row in self._database.fetch(query)
            if row.decided_at is not None and not row.is_automatic
        ]


def _figure_rows(filter: CaseFilter, names: Sequence[str], *, is_decided: bool = False) -> Subquery:
    """Return rows that add up to the figures of a filter: tallies, and single cases.

    ``is_decided``: only of what people decided.
    """
    parts = figure_parts(filter)
    selects = []
    if parts.tallies is not None:
        columns = [_tallies[name] for name in names]
        query = select(*columns, _tallies.cases, _tallies.stake_cents).where(parts.tallies)
        if is_decided:
            query = query.where(_tallies.decision != "", _tallies.is_alone == 0)
        selects.append(query)
    for clause in parts.cases:
        columns = [_cases[name] for name in names]
        query = select(*columns, literal(1).label("cases"), _cases.stake_cents).where(clause)
        if is_decided:
            query = query.where(_cases.decision != "", _cases.deciders != ALONE)
        selects.append(query)
    return union_all(*selects).subquery()


def _sums(rows: Subquery) -> Select[Any]:
    """Add up rows that share everything but their figures."""
    shared = [column for column in rows.c if column.name not in {"cases", "stake_cents"}]
    cases = func.sum(rows.c.cases).label("cases")
    cents = func.sum(rows.c.stake_cents).label("cents")
    return select(*shared, cases, cents).group_by(*shared)


def _ended_cases(row: Any) -> EndedCases:
    return EndedCases(
        kind=row.kind,
        state=State.of_code(row.state),
        is_automatic=bool(row.is_automatic),
        agreement=AgreementType(row.agreement) if row.agreement else None,
        cases=row.cases,
        reopened_count=int(row.reopened_count),
        undone_count=int(row.undone_count),
    )


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
        # A tally without a currency has no stake, and not one of nothing.
        cents = int(row.cents) if row.currency and row.cents is not None else None
        sums.add(row.currency, cents, int(row.cases))
    return sums.total


def _count(rows: Iterable[Any]) -> int:
    return int(sum(row.cases for row in rows))


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


_SUMS = (func.count().label("cases"), func.sum(_cases.stake_cents).label("cents"))
_GROUP_NAMES = {
    Grouping.KIND: "kind",
    Grouping.OWNER: "owner",
    Grouping.TEAM: "team",
    Grouping.STATE: "state",
    Grouping.DECIDER: "deciders",
}
# Of approved cases: they are over in another way, or a person must find out what to do.
_FAILED = {state.code for state in TERMINAL | {State.REFERRED}} - {State.RESOLVED.code}
_INDECISIVE = (LastDecision.EDITED, LastDecision.HANDED_OVER)
