"""Figures about cases: numbers, stakes, decisions and times."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    union_all,
)

from bot.cases.case import LastDecision
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.results import AgreementType, EndedCases
from bot.ports.case_queries import CaseFilter, CaseTimes, DecisionCounts, Durations, Total
from bot.store import tables
from bot.store.case_filters import ALONE, Clause, matches
from bot.store.case_tallies import SECONDS_PER_DAY, day_of
from bot.store.database import Database
from bot.store.projection import CENTS
from bot.store.tally_filters import case_parts, figure_parts, tally_event
from bot.views.query import Grouping

#: A median is taken of so many cases at most.
MAX_SAMPLE = 20_000
# A quarter of an hour in seconds.
QUARTER = 900
EPOCH = date(1970, 1, 1)

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
        if grouping is Grouping.MONTH:
            return self._group_by_month(filter, ZoneInfo(zone))
        if grouping is Grouping.DAY:
            return self._group_by_day(filter, ZoneInfo(zone))
        name = _GROUP_NAMES[grouping]
        names = (name, "currency")
        if grouping in {Grouping.OWNER, Grouping.TEAM}:
            # Tallies have neither owners nor teams.
            sums = union_all(*_case_sums(case_parts(filter), names)).subquery()
        else:
            # Whoever edits a plan or hands it over has not decided yet.
            indecisive = _INDECISIVE if grouping is Grouping.DECIDER else ()
            sums = _figure_rows(filter, names, except_decisions=indecisive)
        rows = self._database.fetch(_sums(sums))
        parts: dict[str, list[Any]] = {}
        for row in rows:
            value = getattr(row, name)
            keys = value.split() if grouping is Grouping.DECIDER else [value]
            for key in keys:
                parts.setdefault(key, []).append(row)
        groups = [(key, _total(parts[key])) for key in sorted(parts)]
        return sorted(groups, key=lambda group: -group[1].cases)

    def _group_by_month(self, filter: CaseFilter, zone: ZoneInfo) -> list[tuple[str, Total]]:
        parts = figure_parts(filter, except_days=self._divided_days(filter, zone))
        groups: dict[str, _Sums] = {}
        if parts.tallies is None:
            for key, total in self._group_by_day(filter, zone):
                groups.setdefault(_month(key), _Sums()).add_total(total)
            return [(key, groups[key].total) for key in sorted(groups)]
        columns = (_tallies.day, _tallies.currency, _tallies.cases, _tallies.stake_cents)
        by_day = _sums(select(*columns).where(parts.tallies).subquery())
        for row in self._database.fetch(by_day):
            # The day lies in one month as a whole.
            noon = (row.day + 0.5) * SECONDS_PER_DAY
            cents = int(row.cents) if row.currency else None
            sums = groups.setdefault(_month_at(noon, zone), _Sums())
            sums.add(row.currency, cents, int(row.cases))
        column = _time_column(filter)
        rows = [
            select(column.label("at"), _cases.currency, _cases.stake_cents).where(part)
            for part in parts.cases
        ]
        for at, currency, cents in self._database.fetch(union_all(*rows)):
            if at is not None:
                groups.setdefault(_month_at(at, zone), _Sums()).add(currency, cents)
        return [(key, groups[key].total) for key in sorted(groups)]

    def _divided_days(self, filter: CaseFilter, zone: ZoneInfo) -> list[int]:
        """List the days of tallies in which a zone's month begins."""
        event = tally_event(filter)
        first, last = func.min(_tallies.day).label("first"), func.max(_tallies.day).label("last")
        (row,) = self._database.fetch(select(first, last).where(_tallies.event == event))
        if event is None or row.first is None:
            return []
        begin = date.fromordinal(EPOCH.toordinal() + row.first)
        end = date.fromordinal(EPOCH.toordinal() + row.last)
        days = []
        for month in range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month + 1):
            midnight = datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).timestamp()
            if midnight % SECONDS_PER_DAY:
                days.append(int(midnight // SECONDS_PER_DAY))
        return days

    def _group_by_day(self, filter: CaseFilter, zone: ZoneInfo) -> list[tuple[str, Total]]:
        groups: dict[str, _Sums] = {}
        for begin, end, offset in self._offsets(filter, zone):
            column = _time_column(filter)
            day = day_of(column + offset, is_sqlite=self._database.is_sqlite).label("day")
            columns = (day, _cases.currency, _cases.stake_cents)
            rows = union_all(
                *(
                    select(*columns).where(part, column >= begin, column < end)
                    for part in case_parts(filter)
                )
            ).subquery()
            keys = (rows.c.day, rows.c.currency)
            cents = func.sum(rows.c.stake_cents).label("cents")
            query = select(*keys, func.count().label("cases"), cents).group_by(*keys)
            for row in self._database.fetch(query):
                on = date.fromordinal(EPOCH.toordinal() + int(row.day))
                sums = groups.setdefault(on.isoformat(), _Sums())
                sums.add(row.currency, None if row.cents is None else int(row.cents), row.cases)
        return [(key, groups[key].total) for key in sorted(groups)]

    def _offsets(self, filter: CaseFilter, zone: ZoneInfo) -> Iterator[tuple[float, float, int]]:
        """Yield the spans between the clock changes of a zone.

        They cover the times of all cases of the filter.

        Each with its begin and end in seconds since 1970, and the seconds that clocks are ahead of
        UTC.
        """
        column = _time_column(filter)
        first, last = func.min(column).label("first"), func.max(column).label("last")
        rows = [
            self._database.fetch(select(first, last).where(part))[0] for part in case_parts(filter)
        ]
        firsts = [row.first for row in rows if row.first is not None]
        lasts = [row.last for row in rows if row.last is not None]
        if firsts:
            yield from _zone_offsets(zone, min(firsts), max(lasts))

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
        column = _time_column(filter)
        to_decision = (_cases.decided_at - _cases.opened_at).label("to_decision")
        to_end = (_cases.ended_at - _cases.opened_at).label("to_end")
        samples = [
            select(to_decision, to_end)
            .where(part)
            .order_by(column.desc())
            .limit(MAX_SAMPLE)
            .subquery()
            for part in case_parts(filter)
        ]
        sample = union_all(*(select(one) for one in samples)).subquery()
        counts = select(
            func.count(),
            func.count(sample.c.to_decision).label("to_decision"),
            func.count(sample.c.to_end).label("to_end"),
        )
        cases, decided_count, ended_count = self._database.fetch(counts)[0]
        return Durations(
            cases=cases if cases < MAX_SAMPLE else self.count(filter),
            to_decision=self._median(sample.c.to_decision, decided_count),
            to_end=self._median(sample.c.to_end, ended_count),
        )

    def _median(self, column: ColumnElement[Any], count: int) -> float | None:
        """Return the median of a column with ``count`` values.

        Of an even number it is the mean of the two in the middle. None without values.
        """
        if not count:
            return None
        query = select(column).where(column.is_not(None)).order_by(column)
        middle = query.limit(2 - count % 2).offset((count - 1) // 2)
        values = [row[0] for row in self._database.fetch(middle)]
        # Cases may have changed since they were counted.
        return statistics.median(values) if values else None

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
        """Count this filter's ended cases, as digests and reviews group them."""
        # A person who handled a case by hand after its plan had failed was needed after all.
        needs_nobody = and_(_cases.is_automatic == 1, _cases.decision != LastDecision.BY_HAND)
        is_alone = case((needs_nobody, 1), else_=0).label("is_alone")
        columns = (_cases.kind, _cases.state, is_alone, _cases.agreement)
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

    def tallied_outcomes(self, filter: CaseFilter) -> list[EndedCases]:
        """Count this filter's ended cases from tallies.

        Reopenings and undone steps are not tallied, and left at nothing.
        """
        names = ("kind", "state", "decision", "is_automatic", "is_edited", "risk")
        rows = self._database.fetch(_sums(_figure_rows(filter, names)))
        return [_tallied_cases(row) for row in rows if State.of_code(row.state) in TERMINAL]

    def moved_money(self, filter: CaseFilter) -> dict[str, Decimal]:
        """Sum by currency what plans moved that were carried out and stand."""
        currency = _cases.moved_currency
        query = select(currency, func.sum(_cases.moved_cents).label("cents")).group_by(currency)
        rows = self._database.fetch(query.where(matches(filter), _cases.moved_cents.is_not(None)))
        return {row.moved_currency: Decimal(int(row.cents)) / CENTS for row in rows}

    def decision_times(self, kind: str, limit: int) -> list[float]:
        """Return the seconds that people took to decide the latest cases.

        They are the latest ended cases, at most ``limit``. Those that nobody decided, or policy
        alone, are left out.
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


def _figure_rows(
    filter: CaseFilter,
    names: Sequence[str],
    *,
    is_decided: bool = False,
    except_decisions: Sequence[str] = (),
) -> Subquery:
    """Return tallies and sums of cases, which together are a filter's figures.

    ``is_decided``: only of what people decided.
    """

    def narrowing(table: Table) -> list[Clause]:
        clauses: list[Clause] = []
        if is_decided:
            clauses += [table.c.decision != "", table.c.deciders != ALONE]
        if except_decisions:
            clauses.append(table.c.decision.not_in(except_decisions))
        return clauses

    parts = figure_parts(filter)
    sums = _case_sums(parts.cases, names, narrowing(tables.cases))
    if parts.tallies is not None:
        columns = [_tallies[name] for name in names]
        query = select(*columns, _tallies.cases, _tallies.stake_cents)
        sums.append(query.where(parts.tallies, *narrowing(tables.case_tallies)))
    return union_all(*sums).subquery()


def _case_sums(
    parts: Sequence[Clause], names: Sequence[str], narrowing: Sequence[Clause] = ()
) -> list[Select[Any]]:
    """Return the sums of each part's cases, grouped by these columns."""
    columns = [_cases[name] for name in names]
    cents = func.sum(_cases.stake_cents).label("stake_cents")
    sums = select(*columns, func.count().label("cases"), cents).group_by(*columns)
    return [sums.where(part, *narrowing) for part in parts]


def _sums(rows: Subquery) -> Select[Any]:
    """Add up rows that share everything but their figures."""
    keys = [column for column in rows.c if column.name not in {"cases", "stake_cents"}]
    cases = func.sum(rows.c.cases).label("cases")
    cents = func.sum(rows.c.stake_cents).label("cents")
    return select(*keys, cases, cents).group_by(*keys)


def _ended_cases(row: Any) -> EndedCases:
    return EndedCases(
        kind=row.kind,
        state=State.of_code(row.state),
        is_automatic=bool(row.is_alone),
        agreement=AgreementType(row.agreement) if row.agreement else None,
        cases=row.cases,
        reopened_count=int(row.reopened_count),
        undone_count=int(row.undone_count),
    )


def _tallied_cases(row: Any) -> EndedCases:
    state = State.of_code(row.state)
    is_automatic = bool(row.is_automatic) and row.decision != LastDecision.BY_HAND
    return EndedCases(
        kind=row.kind,
        state=state,
        is_automatic=is_automatic,
        agreement=_agreement(row, state),
        cases=int(row.cases),
        reopened_count=0,
        undone_count=0,
    )


def _agreement(row: Any, state: State) -> AgreementType | None:
    """Classify a decision by the columns of a tally.

    ``agreement_of`` does the same by the case.
    """
    # A plan always has a verdict, which has a risk.
    if row.is_automatic or not row.risk or state not in {State.RESOLVED, State.REJECTED}:
        return None
    if state is State.REJECTED or row.decision == LastDecision.BY_HAND:
        return AgreementType.OTHERWISE
    return AgreementType.AFTER_EDIT if row.is_edited else AgreementType.AS_RECOMMENDED


def _month(day: str) -> str:
    """Return the month of an ISO date."""
    return day[: len("2026-11")]


def _month_at(at: float, zone: ZoneInfo) -> str:
    return _month(datetime.fromtimestamp(at, zone).date().isoformat())


def _zone_offsets(zone: ZoneInfo, first: float, last: float) -> Iterator[tuple[float, float, int]]:
    """Yield the spans between the clock changes of a zone.

    They reach from the first time to the last. Each has its begin and end in seconds since 1970,
    and the seconds that clocks are ahead of UTC.
    """
    begin = int(first // QUARTER) * QUARTER
    stop = int(last // QUARTER + 1) * QUARTER
    at = begin
    while at < stop:
        following = min(at + SECONDS_PER_DAY, stop)
        offset = _offset(zone, at)
        if _offset(zone, following) != offset:
            # Clocks change at a quarter of an hour.
            while _offset(zone, at + QUARTER) == offset:
                at += QUARTER
            following = at + QUARTER
            yield begin, following, offset
            begin = following
        at = following
    if begin < stop:
        yield begin, stop, _offset(zone, begin)


def _offset(zone: ZoneInfo, at: int) -> int:
    ahead = datetime.fromtimestamp(at, zone).utcoffset()
    return int(ahead.total_seconds()) if ahead else 0


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

    def add_total(self, total: Total) -> None:
        self.cases += total.cases
        for currency, amount in total.stakes.items():
            self.add(currency, int(amount * CENTS), cases=0)

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
