"""The cases that wait on a person or group now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.cases.actor import is_person
from bot.cases.approval import is_colleague
from bot.cases.case import Case
from bot.cases.delegation import Delegation
from bot.cases.errors import NotEligible
from bot.cases.missing_approvals import missing_approvals
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library

#: More cases than these with a part of their approvals are not judged one by one.
MAX_PART_APPROVED = 200


@dataclass(frozen=True, kw_only=True)
class WaitingFilters:
    """Narrow filters to what waits on somebody.

    Questions, homes and digests share this rule. A case waits on somebody by name, by a group, or
    by a stand-in now in force. Guests and apps count by name alone, and whoever raised, edited or
    voted on a case is not waited for. Neither is a group that has given all its approvals.
    """

    queries: CaseQueries
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    clock: Clock

    def narrow(self, filter: CaseFilter, name: str) -> CaseFilter:
        """Narrow a filter to what waits on this account or group."""
        filter = self.narrow_by_name(filter, name)
        return replace(filter, except_ids=self._satisfied_ids(filter))

    def narrow_by_name(self, filter: CaseFilter, name: str) -> CaseFilter:
        """Narrow a filter as ``narrow`` does, but ignore approvals given so far."""
        if not is_person(name):
            return replace(filter, waits_on=(name,))
        filter = replace(filter, waits_on=(name,), not_acted_on_by=self._accounts_of(name))
        if not self._is_colleague(name):
            return filter
        delegations = self._delegations_to(name)
        givers = [one.giver for one in delegations if not one.kind]
        names = self._names_of([name, *givers])
        kinds = sorted({one.kind for one in delegations if one.kind})
        return replace(
            filter,
            waits_on=names,
            waits_on_by_kind=tuple(
                (kind, self._names_of(_givers_for(delegations, kind))) for kind in kinds
            ),
        )

    def part_approved(self, filter: CaseFilter) -> list[tuple[Case, frozenset[str]]]:
        """List part-approved cases, each with the names that it still waits on."""
        cases = self.queries.find(replace(filter, is_part_approved=True), MAX_PART_APPROVED)
        return [(case, self._waited_for(case)) for case in cases]

    def _satisfied_ids(self, filter: CaseFilter) -> tuple[str, ...]:
        """List part-approved cases that no longer wait on a filter's names."""
        ids = []
        for case, waiters in self.part_approved(filter):
            names = {*filter.waits_on, *dict(filter.waits_on_by_kind).get(case.kind, ())}
            if not waiters & names:
                ids.append(case.id)
        return tuple(ids)

    def _waited_for(self, case: Case) -> frozenset[str]:
        factors = case.proposal.factors
        votes = self.library.identities().distinct_votes(case.proposal.approvals)
        members = self.directory.groups([factor.group for factor in factors])
        names = set(missing_approvals(factors, votes, members).groups)
        if is_person(case.owner):
            names.add(case.owner)
        return frozenset(names)

    def _delegations_to(self, person: str) -> list[Delegation]:
        """List the delegations that this person may use now."""
        now = self.clock()
        delegations = []
        for one in self.desk_controls.load().delegations:
            is_current = one.begins_at <= now < one.ends_at
            if one.taker == person and is_current and self._is_colleague(one.giver):
                delegations.append(one)
        return delegations

    def _names_of(self, accounts: Sequence[str]) -> tuple[str, ...]:
        """List these accounts, and the deciding groups that they are in."""
        return (*accounts, *sorted(self.groups_of(accounts)))

    def groups_of(self, accounts: Collection[str]) -> set[str]:
        """Return the deciding groups that any of these accounts is in."""
        groups = self.directory.groups(self.library.deciders())
        return {handle for handle, members in groups.items() if set(accounts) & set(members)}

    def _accounts_of(self, person: str) -> tuple[str, ...]:
        return tuple(sorted(self.library.identities().linked_accounts([person])))

    def _is_colleague(self, person: str) -> bool:
        try:
            return is_colleague(self.directory.person(person))
        except NotEligible:
            return False


def _givers_for(delegations: Sequence[Delegation], kind: str) -> list[str]:
    return sorted({one.giver for one in delegations if one.kind == kind})
