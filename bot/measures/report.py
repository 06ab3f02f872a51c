"""The report of an operation over a period.

It is divided by kind, by team and over time, and compares before and after.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.cases.desk_kinds import ASSISTANT
from bot.cases.hours import Hours
from bot.cases.playbook import Playbook
from bot.cases.service_level import ServiceLevel
from bot.cases.signal import UNRECOGNISED
from bot.measures.baseline import COMPARED, Comparison, Windows, stated_values, windows_of
from bot.measures.case_measures import CaseMeasures
from bot.measures.catalogue import Sample, Values, take_all
from bot.measures.effort import Assumptions, Effort, effort_of
from bot.measures.totals import HoursOf, ReportPeriod, Totals, add_up

DAY = timedelta(days=1)
#: A shorter report has a bar a day, a longer one a bar a week or four weeks.
MAX_DAILY = 21 * DAY
MAX_WEEKLY = 400 * DAY
#: The slot of the period before.
PREVIOUS = -1
ASSISTANT_TITLE = "Decisions about the assistant"

Slot = tuple[int, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTerms:
    """The part of a playbook that a report needs."""

    kind: str
    title: str
    #: The groups by role.
    owners: Mapping[str, str]
    level: ServiceLevel
    currency: str

    @classmethod
    def of(cls, playbook: Playbook) -> "KindTerms":
        """Take them from a playbook."""
        roles = playbook.owners.by_role()
        return cls(
            kind=playbook.kind,
            title=playbook.title,
            owners={role: group for role, group in roles.items() if role != "next"},
            level=playbook.measure,
            currency=playbook.stake.currency,
        )

    @property
    def assumptions(self) -> Assumptions:
        """Return the assumptions for cost and savings."""
        return Assumptions(
            minutes_by_hand=self.level.minutes_by_hand,
            minutes_per_decision=self.level.minutes_per_decision,
            cost_per_minute=self.level.cost_per_minute,
            currency=self.currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """The measures of one group of cases in two periods."""

    #: A kind, the handle of a group, or empty for all cases.
    name: str
    title: str
    values: Values
    previous: Values
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSection(ReportSection):
    """The section of a kind, with its terms."""

    terms: KindTerms
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step of the charts over time."""

    period: ReportPeriod
    totals: Totals
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """The ledger that a report was computed from."""

    entries: int
    #: The last signed checkpoint, as "entries, root"; empty where there is none.
    checkpoint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationReport:
    """All measures of a period."""

    period: ReportPeriod
    previous: ReportPeriod
    #: What the report is narrowed to, in words; empty for everything.
    scope: str
    total: ReportSection
    #: Decisions about the assistant, which are counted nowhere else.
    assistant: ReportSection
    kinds: tuple[KindSection, ...]
    teams: tuple[ReportSection, ...]
    bars: tuple[Bar, ...]
    ledger: LedgerState
    #: What could not be measured, as sentences.
    notes: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[ReportSection, ...]:
        """List all sections of the business, the whole first."""
        return (self.total, *self.kinds, *self.teams)


#: The denominators: of a kind in a period.
Denominators = Mapping[tuple[str, ReportPeriod], int]


@dataclass(kw_only=True)
class ReportFold:
    """Adds up cases to a report, in any order."""

    period: ReportPeriod
    #: By kind, with those for unrecognised cases.
    terms: Mapping[str, KindTerms]
    #: When the first case of each kind was opened, where one has ended.
    first_openings: Mapping[str, datetime]
    hours: HoursOf
    _cells: dict[Slot, Totals] = field(default_factory=lambda: defaultdict(Totals))
    #: Decisions about the assistant, in the period and in the one before.
    _assistant: tuple[Totals, Totals] = field(default_factory=lambda: (Totals(), Totals()))
    _before: dict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))
    _after: dict[str, Totals] = field(default_factory=lambda: defaultdict(Totals))

    def __post_init__(self) -> None:
        self.bars = tuple(bar_periods(self.period))
        length = self.period.until - self.period.since
        self.previous = ReportPeriod(self.period.since - length, self.period.since)
        self.windows: dict[str, Windows] = {}
        for kind, terms in self.terms.items():
            first = self.first_openings.get(kind)
            windows = windows_of(terms.level, first_opened_at=first, period=self.period)
            if windows:
                self.windows[kind] = windows

    @property
    def spans(self) -> tuple[ReportPeriod, ...]:
        """List the spans whose cases the report needs."""
        earlier_periods = [one.before for one in self.windows.values() if one.before]
        return (
            ReportPeriod(self.previous.since, self.period.until),
            *dict.fromkeys(earlier_periods),
        )

    def denominator_periods(self) -> Iterator[tuple[str, ReportPeriod]]:
        """Yield the kinds and periods whose denominators are needed."""
        for kind, terms in self.terms.items():
            if not terms.level.denominator.query:
                continue
            windows = self.windows.get(kind)
            periods = [self.period, self.previous]
            if windows:
                periods += [one for one in (windows.before, windows.after) if one]
            for period in dict.fromkeys(periods):
                yield kind, period

    def add(self, case: CaseMeasures) -> None:
        """Count one case wherever it belongs."""
        hours = self.hours(case.channel)
        if case.is_about_assistant:
            self._add_decision(case, hours)
            return
        if self._touches(case, self.previous):
            self._cells[PREVIOUS, case.kind, case.team].add(case, self.previous, hours)
        if self._touches(case, self.period):
            for number, bar in enumerate(self.bars):
                if self._touches(case, bar):
                    self._cells[number, case.kind, case.team].add(case, bar, hours)
        windows = self.windows.get(case.kind)
        if windows is None:
            return
        if windows.before and self._touches(case, windows.before):
            self._before[case.kind].add(case, windows.before, hours)
        if self._touches(case, windows.after):
            self._after[case.kind].add(case, windows.after, hours)

    def _add_decision(self, case: CaseMeasures, hours: Hours) -> None:
        """Count a decision about the assistant."""
        for totals, period in zip(self._assistant, (self.period, self.previous), strict=True):
            if self._touches(case, period):
                totals.add(case, period, hours)

    def _touches(self, case: CaseMeasures, period: ReportPeriod) -> bool:
        """Tell whether anything of the case can lie in the period."""
        moments = [case.ended_at, *(act.at for act in case.acts), *case.leaks]
        last_at = max((at for at in moments if at), default=case.opened_at)
        return case.opened_at < period.until and last_at >= period.since

    # --- the report --------------------------------------------------------------------------

    def report(
        self,
        *,
        denominators: Denominators,
        ledger: LedgerState,
        scope: str = "",
        notes: Iterable[str] = (),
    ) -> OperationReport:
        """Take all measures."""
        kinds = sorted({kind for _, kind, _ in self._cells})
        teams = sorted({team for _, _, team in self._cells})
        sections = [self._kind_section(kind, denominators) for kind in kinds]
        return OperationReport(
            period=self.period,
            previous=self.previous,
            scope=scope,
            total=self._section(name="", title="All cases"),
            assistant=self._assistant_section(),
            kinds=tuple(sorted(sections, key=_by_size)),
            teams=tuple(
                sorted(
                    (self._section(name=team, title=f"@{team}", team=team) for team in teams),
                    key=_by_size,
                )
            ),
            bars=tuple(self._bar(number, bar) for number, bar in enumerate(self.bars)),
            ledger=ledger,
            notes=tuple(notes),
        )

    def _assistant_section(self) -> ReportSection:
        totals, previous = self._assistant
        return ReportSection(
            name=ASSISTANT,
            title=ASSISTANT_TITLE,
            values=take_all(Sample(totals=totals)),
            previous=take_all(Sample(totals=previous)),
            totals=totals,
        )

    def _section(self, *, name: str, title: str, team: str | None = None) -> ReportSection:
        sample = self._sample(range(len(self.bars)), team=team)
        previous = self._sample([PREVIOUS], team=team)
        return ReportSection(
            name=name,
            title=title,
            values=take_all(sample),
            previous=take_all(previous),
            totals=sample.totals,
        )

    def _kind_section(self, kind: str, denominators: Denominators) -> KindSection:
        terms = self._terms(kind)
        sample = self._sample(
            range(len(self.bars)), kind=kind, denominator=denominators.get((kind, self.period))
        )
        previous = self._sample(
            [PREVIOUS], kind=kind, denominator=denominators.get((kind, self.previous))
        )
        return KindSection(
            name=kind,
            title=terms.title,
            values=take_all(sample),
            previous=take_all(previous),
            totals=sample.totals,
            terms=terms,
            comparison=self._comparison(kind, terms, denominators),
        )

    def _comparison(
        self, kind: str, terms: KindTerms, denominators: Denominators
    ) -> Comparison | None:
        windows = self.windows.get(kind)
        if windows is None:
            return None
        number = denominators.get((kind, windows.after))
        after = self._comparable_values(kind, self._after[kind], number)
        if windows.before is None:
            before = stated_values(terms.level.baseline, terms.currency)
        else:
            number = denominators.get((kind, windows.before))
            before = self._comparable_values(kind, self._before[kind], number)
        return Comparison(
            basis=windows.basis,
            before=before,
            after=after,
            before_period=windows.before,
            after_period=windows.after,
        )

    def _comparable_values(self, kind: str, totals: Totals, denominator: int | None) -> Values:
        effort = effort_of(totals, self._terms(kind).assumptions)
        values = take_all(Sample(totals=totals, effort=effort, denominator=denominator))
        return {name: values[name] for name in COMPARED}

    def _bar(self, number: int, period: ReportPeriod) -> Bar:
        sample = self._sample([number])
        return Bar(period=period, totals=sample.totals, values=take_all(sample))

    def _sample(
        self,
        slots: Iterable[int],
        *,
        kind: str | None = None,
        team: str | None = None,
        denominator: int | None = None,
    ) -> Sample:
        """Add up the cells of these slots, narrowed as named."""
        slot_numbers = set(slots)
        by_kind: dict[str, list[Totals]] = defaultdict(list)
        for (slot, cell_kind, cell_team), totals in self._cells.items():
            is_kind = kind is None or cell_kind == kind
            if slot in slot_numbers and is_kind and (team is None or cell_team == team):
                by_kind[cell_kind].append(totals)
        effort = Effort()
        sums = []
        for cell_kind, parts in by_kind.items():
            total = add_up(parts)
            sums.append(total)
            effort += effort_of(total, self._terms(cell_kind).assumptions)
        return Sample(totals=add_up(sums), effort=effort, denominator=denominator)

    def _terms(self, kind: str) -> KindTerms:
        """Return the terms of a kind, or those of unrecognised cases."""
        terms = self.terms.get(kind)
        if terms is not None:
            return terms
        # As the desk does, which handles such a case by that playbook.
        title = kind.replace("_", " ").capitalize()
        return replace(self.terms[UNRECOGNISED], kind=kind, title=title)


def bar_periods(period: ReportPeriod) -> Iterator[ReportPeriod]:
    """Divide a period into steps that end with it.

    The first may be shorter.
    """
    length = period.until - period.since
    step = DAY if length <= MAX_DAILY else 7 * DAY
    if length > MAX_WEEKLY:
        step = 28 * DAY
    count = -(-length // step)
    for back in range(count, 0, -1):
        begin = max(period.since, period.until - back * step)
        yield ReportPeriod(begin, period.until - (back - 1) * step)


def _by_size(section: ReportSection) -> tuple[int, str]:
    outcomes = section.totals.outcomes
    return (-(section.totals.openings + outcomes.endings), section.name)
