"""The report of an operation.

Cases come from the ledger, denominators from the systems of record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.cases.canonical import Scalar
from bot.cases.errors import ConnectorFailed
from bot.cases.service_level import SINCE, UNTIL, Denominator
from bot.cases.signal import UNRECOGNISED
from bot.measures.case_measures import fold_case
from bot.measures.report import (
    Denominators,
    KindTerms,
    LedgerState,
    OperationReport,
    ReportFold,
)
from bot.measures.totals import ReportPeriod
from bot.ports.case_histories import CaseHistories, CaseHistorySource
from bot.ports.connector import Connector
from bot.ports.library import Library

#: Called with the number of cases read, and of all.
OnProgress = Callable[[int, int], None]


def _no_progress(count: int, total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """The period of a report, and what it is narrowed to."""

    period: ReportPeriod
    kind: str = ""
    #: The handle of the group whose cases are meant.
    team: str = ""


@dataclass(frozen=True, kw_only=True)
class OperationReports:
    """Build reports over any period."""

    source: CaseHistorySource
    library: Library
    #: Those that can be reached; a denominator of another is named as missing.
    systems: Mapping[str, Connector]

    def build(
        self,
        request: ReportRequest,
        *,
        checkpoint: str = "",
        on_progress: OnProgress = _no_progress,
    ) -> OperationReport:
        """Read the cases of a period, and take all measures."""
        terms = self._terms()
        with self.source.snapshot() as histories:
            fold = ReportFold(
                period=request.period,
                terms=terms,
                first_openings=histories.first_openings(terms),
                hours=self.library.hours,
            )
            self._read(histories, fold, request=request, on_progress=on_progress)
            ledger = LedgerState(entries=histories.ledger_size(), checkpoint=checkpoint)
        # A query of another system may take a while: the snapshot is closed by then.
        denominators, notes = self._count(fold, request)
        return fold.report(
            denominators=denominators,
            ledger=ledger,
            scope=self._scope(request),
            notes=notes,
        )

    def _terms(self) -> dict[str, KindTerms]:
        kinds = [kind for kind, _ in self.library.titles()]
        return {kind: KindTerms.of(self.library.playbook(kind)) for kind in (*kinds, UNRECOGNISED)}

    def _read(
        self,
        histories: CaseHistories,
        fold: ReportFold,
        *,
        request: ReportRequest,
        on_progress: OnProgress,
    ) -> None:
        spans = [(span.since, span.until) for span in fold.spans]
        numbers = histories.find(spans, kind=request.kind, team=request.team)
        for count, entries in enumerate(histories.entries(numbers), start=1):
            case = fold_case(entries)
            if case is not None:
                fold.add(case)
            on_progress(count, len(numbers))

    def _count(
        self, fold: ReportFold, request: ReportRequest
    ) -> tuple[Denominators, tuple[str, ...]]:
        """Count the denominators, and say which could not be counted."""
        numbers: dict[tuple[str, ReportPeriod], int] = {}
        notes: dict[str, None] = {}
        if request.team:
            return numbers, ("Exception rates are left out: they are of all teams together.",)
        for kind, period in fold.denominator_periods():
            if request.kind not in {"", kind}:
                continue
            denominator = fold.terms[kind].level.denominator
            try:
                numbers[kind, period] = self._look_up(denominator, period)
            except ConnectorFailed as failure:
                title = fold.terms[kind].title
                notes[f"{title}: {denominator.name} could not be counted: {failure}."] = None
        return numbers, tuple(notes)

    def _look_up(self, denominator: Denominator, period: ReportPeriod) -> int:
        connector = self.systems.get(denominator.system)
        if connector is None:
            raise ConnectorFailed("the system cannot be reached from here")
        return count_denominator(denominator, period, connector)

    def _scope(self, request: ReportRequest) -> str:
        parts = []
        if request.kind:
            parts.append(dict(self.library.titles()).get(request.kind, request.kind))
        if request.team:
            parts.append(f"@{request.team}")
        return ", ".join(parts)


def count_denominator(denominator: Denominator, period: ReportPeriod, connector: Connector) -> int:
    """Count what the cases of a period are counted against.

    Raises:
        ConnectorFailed: the system did not answer, or not with one number.
    """
    parameters: dict[str, Scalar] = {
        SINCE: _time_text(period.since),
        UNTIL: _time_text(period.until),
    }
    rows = connector.look_up(denominator.query, parameters, 2)
    values = [value for row in rows for value in row.values()]
    if len(values) != 1:
        raise ConnectorFailed(f"the query returns {len(values)} values, and must return one number")
    value = values[0]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConnectorFailed(f"the query returns {value!r}, and must return one number")
    return round(value)


def _time_text(at: datetime) -> str:
    """Write a time as text that sorts, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
