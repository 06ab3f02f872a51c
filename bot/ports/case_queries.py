"""Queries over cases, answered from indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.cases.case import Case
from bot.views.questions import Durations


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who sees the cases of their channels and their own."""

    person: str
    #: The channels that the person is in now.
    channels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """A filter for cases.

    Open ones, unless states are named or a flag says otherwise.
    """

    #: None sees every case.
    viewer: Viewer | None = None
    states: tuple[str, ...] = ()
    kind: str = ""
    channel: str = ""
    #: The key of a list that shows the case.
    live_list: str = ""
    owner: str = ""
    #: Persons or groups, of whom one must decide.
    waits_on: tuple[str, ...] = ()
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
    #: Ended cases, the latest first.
    is_over: bool = False
    #: Open and ended cases.
    is_any: bool = False


CaseTimes = tuple[float, float | None, float | None]
"""When a case was opened, first decided and ended, in seconds since 1970."""


class CaseQueries(Protocol):
    """Find and count cases. Reads only."""

    def find(self, filter: CaseFilter, limit: int, *, offset: int = 0) -> list[Case]:
        """Return the first cases after ``offset``.

        Open cases are sorted by urgency, ended ones by the time they ended, latest first.
        """

    def count(self, filter: CaseFilter) -> int:
        """Count the cases of this filter."""

    def closest(self, words: Sequence[str], viewer: Viewer | None, limit: int) -> list[Case]:
        """Return cases with any of these words, the best matches first."""

    def durations(self, filter: CaseFilter) -> Durations:
        """Count the cases, and take the median of their times."""

    def case_times(self, filter: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """Return the times of the cases opened or ended in this span."""

    def by_id(self, case_ids: Sequence[str]) -> dict[str, Case]:
        """Return these cases by id, as far as they exist."""

    def is_party(self, person: str, case_id: str) -> bool:
        """Tell whether the person raised the case, owns it or acted."""

    def due(self, now: datetime, limit: int) -> list[Case]:
        """Return cases whose reminder, escalation, expiry or snooze is due."""

    def open_from(self, source: str, kind: str) -> list[Case]:
        """Return the cases of this source and kind that have not ended."""

    def open_ids(self) -> list[str]:
        """List every case that has not ended, the most urgent first."""

    def affected_by_pause(self, scope: str) -> list[str]:
        """List the open cases whose card shows a pause of this scope."""

    def count_clearings(self, fingerprints: Sequence[str]) -> int:
        """Count how often an exception of these fingerprints has cleared by itself."""

    def last_signal_at(self, fingerprint: str, *, except_from: str) -> datetime | None:
        """Return when this fingerprint last came from any other source."""
