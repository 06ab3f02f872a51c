"""Cases by whom they wait on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.desk.waiting import WaitingFilters
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.library import Library

ANY_OPEN = CaseFilter()
MAX_WAITING = 40
MAX_AUTOMATIC = 60
# A span is open at its end: with this added, a case that ends at this very moment lies in it.
JUST_NOW = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Queues:
    """List visible cases by whom they wait on."""

    queries: CaseQueries
    library: Library
    waiting: WaitingFilters

    def waiting_on(
        self,
        viewer: Viewer,
        filter: CaseFilter = ANY_OPEN,
        *,
        limit: int = MAX_WAITING,
    ) -> tuple[list[Case], int]:
        """List the cases that wait on this person, and count all.

        The most urgent come first.
        """
        filter = self.waiting.narrow(replace(filter, viewer=viewer), viewer.person)
        cases = self.queries.find(filter, limit)
        if len(cases) < limit:
            return cases, len(cases)
        return cases, self.queries.count(filter)

    def unrecognised_filter(self, scope: CaseFilter) -> CaseFilter:
        """Narrow a filter to cases without a kind or without a playbook."""
        known_kinds = tuple(kind for kind, _ in self.library.titles())
        return replace(scope, is_unrecognised=True, known_kinds=known_kinds)

    def handled_automatically(
        self,
        viewer: Viewer,
        end_span: tuple[datetime, datetime],
        *,
        kind: str = "",
        limit: int = MAX_AUTOMATIC,
    ) -> list[Case]:
        """List the cases that ended without a person's decision, the latest first."""
        filter = CaseFilter(
            viewer=viewer,
            states=(State.RESOLVED, State.CLEARED),
            ended_between=end_span,
            is_over=True,
            is_unattended=True,
            kind=kind,
        )
        return self.queries.find(filter, limit)
