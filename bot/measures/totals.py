"""Totals: the measures of many cases over a period, added up.

Totals of two periods or groups add up to those of both, in any order. Each event counts in the
period in which it happened.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.cases.hours import Hours
from bot.measures.case_measures import CaseMeasures, Work
from bot.measures.outcomes import Outcomes, outcome_of
from bot.measures.values import TimeSamples

#: Returns the working hours of a channel.
HoursOf = Callable[[str], Hours]


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """A span: its first moment, and the one after its last."""

    since: datetime
    until: datetime

    def has(self, at: datetime | None) -> bool:
        """Tell whether a moment lies in the period."""
        return at is not None and self.since <= at < self.until


@dataclass(slots=True, kw_only=True)
class Waits:
    """Times that cases took."""

    to_notice: TimeSamples = field(default_factory=TimeSamples)
    to_decision: TimeSamples = field(default_factory=TimeSamples)
    to_resolution: TimeSamples = field(default_factory=TimeSamples)
    hand_overs: TimeSamples = field(default_factory=TimeSamples)

    def extend(self, other: "Waits") -> None:
        """Add the times of other cases."""
        self.to_notice.extend(other.to_notice)
        self.to_decision.extend(other.to_decision)
        self.to_resolution.extend(other.to_resolution)
        self.hand_overs.extend(other.hand_overs)


@dataclass(slots=True, kw_only=True)
class Totals:
    """Events of some cases within a period, counted."""

    openings: int = 0
    #: Opened without a kind that any playbook knows, as the case stands now.
    unrecognised_count: int = 0
    #: Of the cases that ended in the period.
    outcomes: Outcomes = field(default_factory=Outcomes)
    escalations: int = 0
    reroutings: int = 0
    by_hand: int = 0
    rework: int = 0
    #: Resolved, and nothing had to be done twice.
    clean: int = 0
    #: Clean, and the plan did the work.
    clean_plans: int = 0
    #: Reopenings of cases that had been resolved, by the time of the reopening.
    leaks: int = 0
    waits: Waits = field(default_factory=Waits)
    #: Everything that people did about cases.
    acts: int = 0
    #: Decisions by account. No measure shows an account.
    decisions: Counter[str] = field(default_factory=Counter)

    def add(self, case: CaseMeasures, period: ReportPeriod, hours: Hours) -> None:
        """Count what happened to a case within the period."""
        if period.has(case.opened_at):
            self.openings += 1
            self.unrecognised_count += not case.is_recognised
            if case.occurred_at is not None:
                self.waits.to_notice.add_span(case.occurred_at, case.opened_at, hours)
        if period.has(case.ended_at):
            self._add_ending(case, hours)
        self.leaks += sum(map(period.has, case.leaks))
        for wait in case.hand_overs:
            if period.has(wait.until):
                self.waits.hand_overs.add_span(wait.since, wait.until, hours)
        for act in case.acts:
            if period.has(act.at):
                self.acts += 1
                if act.is_decision:
                    self.decisions[act.person] += 1

    def _add_ending(self, case: CaseMeasures, hours: Hours) -> None:
        if case.ending is None or case.ended_at is None:
            return
        ending = outcome_of(case.ending)
        self.outcomes += ending
        self.escalations += case.is_escalated
        self.reroutings += case.is_rerouted
        self.by_hand += case.work is Work.BY_HAND
        self.rework += case.has_rework
        if ending.resolutions and not case.has_rework:
            self.clean += 1
            self.clean_plans += case.work is Work.BY_PLAN
        if case.decided_at is not None:
            self.waits.to_decision.add_span(case.opened_at, case.decided_at, hours)
        if ending.resolutions:
            self.waits.to_resolution.add_span(case.opened_at, case.ended_at, hours)

    def merge(self, other: "Totals") -> None:
        """Add the totals of other cases, or of another period."""
        self.openings += other.openings
        self.unrecognised_count += other.unrecognised_count
        self.outcomes += other.outcomes
        self.escalations += other.escalations
        self.reroutings += other.reroutings
        self.by_hand += other.by_hand
        self.rework += other.rework
        self.clean += other.clean
        self.clean_plans += other.clean_plans
        self.leaks += other.leaks
        self.waits.extend(other.waits)
        self.acts += other.acts
        self.decisions.update(other.decisions)


def add_up(parts: "list[Totals]") -> Totals:
    """Return the sum of some totals, which stay as they are."""
    total = Totals()
    for part in parts:
        total.merge(part)
    return total
