"""Cases by whom they wait on."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
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
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    clock: Clock

    def waiting_on(
        self,
        viewer: Viewer,
        filter: CaseFilter = ANY_OPEN,
        *,
        limit: int = MAX_WAITING,
    ) -> tuple[list[Case], int]:
        """List the cases that wait on this person, and count all.

        The most urgent come first. Cases that the person raised or has voted on are left out.
        """
        person = viewer.person
        filter = replace(
            filter,
            viewer=viewer,
            waits_on=(person, *sorted(self._groups_of(person))),
        )
        candidates = self.queries.find(filter, limit)
        identities = self.library.identities()
        cases = []
        for case in candidates:
            is_author = person in identities.linked_accounts(case.authors)
            if not is_author and not _has_voted(case, person):
                cases.append(case)
        if len(candidates) < limit:
            return cases, len(cases)
        # Beyond the limit, the few that they raised or have voted on are counted too.
        return cases, len(cases) + self.queries.count(filter) - len(candidates)

    def _groups_of(self, person: str) -> set[str]:
        """List the groups in whose name this person may decide now."""
        members = self.directory.groups(self.library.deciders())
        now = self.clock()
        accounts = {person}
        for delegation in self.desk_controls.load().delegations:
            is_current = delegation.begins_at <= now < delegation.ends_at
            if delegation.taker == person and is_current:
                accounts.add(delegation.giver)
        return {handle for handle, people in members.items() if accounts & set(people)}

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
    ) -> list[Case]:
        """List the cases that ended without a person's decision."""
        filter = CaseFilter(
            viewer=viewer,
            states=(State.RESOLVED, State.CLEARED),
            ended_between=end_span,
            is_over=True,
            kind=kind,
        )
        cases = self.queries.find(filter, MAX_AUTOMATIC)
        return [case for case in cases if _is_automatic(case)]


def _is_automatic(case: Case) -> bool:
    if case.state is State.CLEARED:
        return True
    return any(approval.is_by_policy for approval in case.proposal.approvals)


def _has_voted(case: Case, person: str) -> bool:
    return any(
        person in {approval.person, approval.principal} for approval in case.proposal.approvals
    )
