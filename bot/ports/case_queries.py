"""Queries over cases, answered from indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bot.cases.case import Case
from bot.cases.policy import RiskTier
from bot.cases.results import EndedCases
from bot.views.query import Grouping, Order


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who sees the cases of their channels and their own."""

    person: str
    #: The channels that the person is in now.
    channels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadableCases:
    """The cases of these kinds, or from these sources."""

    kinds: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """A filter for cases.

    Open ones, unless states are named or a flag says otherwise.
    """

    #: None sees every case.
    viewer: Viewer | None = None
    #: None for every case.
    readable: ReadableCases | None = None
    states: tuple[str, ...] = ()
    kind: str = ""
    channel: str = ""
    #: The key of a list that shows the case.
    live_list: str = ""
    owner: str = ""
    #: Persons or groups, of whom one must decide.
    waits_on: tuple[str, ...] = ()
    #: Kinds with further such names, which count for cases of the kind alone.
    waits_on_by_kind: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: All of them occur in the case's text.
    words: tuple[str, ...] = ()
    #: Opened from the first time on, and before the second.
    opened_between: tuple[datetime, datetime] | None = None
    ended_between: tuple[datetime, datetime] | None = None
    #: The decision is overdue at this time.
    late_at: datetime | None = None
    is_unrecognised: bool = False
    #: With ``is_unrecognised``, a case of any other kind counts as unrecognised too.
    known_kinds: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    #: Each of its words begins a word of the case's title, account, evidence or plan.
    text: str = ""
    min_stake: Decimal | None = None
    max_stake: Decimal | None = None
    #: The decision in force.
    decided_between: tuple[datetime, datetime] | None = None
    #: It waits, and its time to decide is within.
    due_between: tuple[datetime, datetime] | None = None
    #: It waits for a decision, and the time to approve ends before.
    expires_before: datetime | None = None
    #: Accounts or groups: it is theirs, or their team's.
    owned_by: tuple[str, ...] = ()
    #: Accounts that have neither raised, edited nor voted on it.
    not_acted_on_by: tuple[str, ...] = ()
    #: A group whose approval it needs.
    approver: str = ""
    min_approvals: int = 0
    is_part_approved: bool = False
    #: The last decision, by ``LastDecision``.
    decision: str = ""
    #: Accounts, or "policy".
    decided_by: tuple[str, ...] = ()
    action: str = ""
    is_automatic: bool = False
    #: It cleared by itself, or policy let it run.
    is_unattended: bool = False
    #: It was escalated.
    is_escalated: bool = False
    #: It expired or was escalated.
    is_missed: bool = False
    #: A person named its kind.
    is_named: bool = False
    #: Somebody was asked about it.
    has_inquiries: bool = False
    risk: RiskTier | None = None
    #: Accounts.
    raised_by: tuple[str, ...] = ()
    source: str = ""
    #: Cases of this source are left out.
    except_source: str = ""
    #: The names of troubles; None for all.
    fingerprints: tuple[str, ...] | None = None
    #: Only these cases, by number; None for all.
    numbers: tuple[int, ...] | None = None
    #: Cases that are left out, by id.
    except_ids: tuple[str, ...] = ()
    #: Cases that fit this are left out; its viewer and flags for states are not looked at.
    exclusion: "CaseFilter | None" = None
    #: Ended cases, the latest first.
    is_over: bool = False
    #: Open and ended cases.
    is_any: bool = False


CaseTimes = tuple[float, float | None, float | None]
"""When a case was opened, first decided and ended, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Median times of some cases, in seconds.

    None means that no case has come that far.
    """

    cases: int
    #: To the first decision.
    to_decision: float | None
    #: To the end.
    to_end: float | None


@dataclass(frozen=True, slots=True)
class Total:
    """A number of cases, and the sum of their stakes by currency."""

    cases: int
    stakes: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCounts:
    """Cases counted by their last decision."""

    approved_count: int
    #: Of the approved, those whose plan was not edited.
    unchanged_count: int
    #: Of the approved, those that were carried out and worked.
    success_count: int
    #: Of the approved, those that have ended in another way.
    failure_count: int
    rejected_count: int
    edited_count: int
    by_hand_count: int


@dataclass(frozen=True, slots=True)
class CaseNames:
    """The names in one case: customers, suppliers, products and so on."""

    number: int
    channel: str
    names: tuple[str, ...]


class CaseStatistics(Protocol):
    """Count cases, and add up what they have."""

    def count(self, filter: CaseFilter) -> int:
        """Count the cases of this filter."""

    def total(self, filter: CaseFilter) -> Total:
        """Count the cases, and add up their stakes."""

    def group(
        self, filter: CaseFilter, grouping: Grouping, zone: str = "UTC"
    ) -> list[tuple[str, Total]]:
        """Count by a property, the largest first.

        Days and months stand in their order. The keys are stored names: a kind, an account or
        group, the code of a state, an ISO date or month in this time zone.
        """

    def decision_counts(self, filter: CaseFilter) -> DecisionCounts:
        """Count the cases by how they were decided."""

    def durations(self, filter: CaseFilter) -> Durations:
        """Count the cases, and take the median of their times."""

    def case_times(self, filter: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """Return the times of the cases opened or ended in this span."""

    def ended_cases(self, filter: CaseFilter) -> list[EndedCases]:
        """Count this filter's ended cases, as digests and reviews group them."""

    def tallied_outcomes(self, filter: CaseFilter) -> list[EndedCases]:
        """Count this filter's ended cases from tallies, at little cost.

        Reopenings and undone steps are not tallied, and left at nothing.
        """

    def moved_money(self, filter: CaseFilter) -> Mapping[str, Decimal]:
        """Sum by currency what plans moved that were carried out and stand."""

    def decision_times(self, kind: str, limit: int) -> list[float]:
        """Return the seconds that people took to decide the latest cases.

        They are the latest ended cases, at most ``limit``. Those that nobody decided, or policy
        alone, are left out.
        """


class CaseQueries(CaseStatistics, Protocol):
    """Find and count cases. Reads only."""

    def find(
        self, filter: CaseFilter, limit: int, *, offset: int = 0, order: Order | None = None
    ) -> list[Case]:
        """Return the first cases after ``offset``.

        Without an order, open cases are sorted by urgency, ended ones by the time they ended,
        latest first.
        """

    def page(self, filter: CaseFilter, limit: int, *, below: int | None) -> list[Case]:
        """Return the newest cases below this number; None for no bound."""

    def resolve_text(self, filter: CaseFilter) -> CaseFilter:
        """Look up the text of a filter once for several queries.

        Returns the same cases by their numbers, unless they are too many.
        """

    def slowest(self, filter: CaseFilter, limit: int) -> list[Case]:
        """Return the cases with the longest wait for decision or end.

        It is that for the first decision; without one, for the end.
        """

    def names_since(self, number: int, limit: int) -> list[CaseNames]:
        """Return the names in the cases after this number, the oldest first."""

    def names_of_party(self, person: str, limit: int) -> list[CaseNames]:
        """Return the names in the cases of a party, the newest first."""

    def closest(self, words: Sequence[str], viewer: Viewer | None, limit: int) -> list[Case]:
        """Return cases with any of these words, the best matches first."""

    def by_id(self, case_ids: Sequence[str]) -> dict[str, Case]:
        """Return these cases by id, as far as they exist."""

    def is_party(self, person: str, case_id: str) -> bool:
        """Tell whether the person raised the case, owns it or acted."""

    def due(self, now: datetime, limit: int) -> list[Case]:
        """Return cases whose reminder, escalation, expiry or snooze is due."""

    def open_from(self, source: str, kind: str) -> list[Case]:
        """Return the cases of this source and kind that have not ended."""

    def kinds(self) -> set[str]:
        """Return every kind that a case has."""

    def versions(self, case_ids: Sequence[str]) -> dict[str, int]:
        """Return how many entries each of these cases has, by its id."""

    def open_ids(self) -> list[str]:
        """List every case that has not ended, the most urgent first."""

    def affected_by_pause(self, scope: str) -> list[str]:
        """List the open cases whose card shows a pause of this scope."""

    def count_clearings(self, fingerprints: Sequence[str]) -> int:
        """Count how often an exception of these fingerprints has cleared by itself."""

    def last_signal_at(self, fingerprint: str, *, except_from: str) -> datetime | None:
        """Return when this fingerprint last came from any other source."""
