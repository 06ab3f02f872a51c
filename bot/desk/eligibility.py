"""The rights of one reader, for lists that offer nothing else.

A decision itself reads the directory afresh and judges again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.cases.actor import Surface
from bot.cases.approval import Person, is_colleague
from bot.cases.authority import ineligibility
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.commands import DecisionKind
from bot.cases.delegation import Delegation, stands_in_for
from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.lifecycle import State
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.rows import CaseRow

#: The decision that the first button of a row in this state stands for.
ROW_DECISIONS: Mapping[State, DecisionKind] = {
    State.PROPOSED: DecisionKind.APPROVE,
    State.REFERRED: DecisionKind.RESOLVE,
    State.OUTCOME_UNKNOWN: DecisionKind.SETTLE,
    State.RESOLVED: DecisionKind.UNDO,
}


@dataclass(frozen=True, kw_only=True)
class Eligibility:
    """Tell what a person may decide, from the directory's cache."""

    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    clock: Clock

    def mark(self, rows: Sequence[CaseRow], person: str) -> tuple[CaseRow, ...]:
        """Mark the rows whose case this person may decide."""
        # Read once for all rows.
        delegations = self.desk_controls.load().delegations
        marked_rows = []
        for row in rows:
            is_decidable = self._may_decide(row.case, person, delegations)
            marked_rows.append(replace(row, is_decidable=is_decidable))
        return tuple(marked_rows)

    def _may_decide(self, case: Case, person: str, delegations: Sequence[Delegation]) -> bool:
        """Tell whether this person may take the next decision on the case."""
        decision = ROW_DECISIONS.get(case.state)
        caller = self._caller(case, person, delegations)
        if decision is None or caller is None:
            return False
        if decision is DecisionKind.APPROVE and person in self.voters(case):
            return False
        return ineligibility(case, decision, caller) is None

    def voters(self, case: Case) -> frozenset[str]:
        """Return the accounts, linked ones too, that have approved the plan."""
        parties = [party for approval in case.proposal.approvals for party in approval.parties]
        return self.library.identities().linked_accounts(parties)

    def may_pause(self, person: str) -> bool:
        """Tell whether this person may pause: anybody who decides or governs."""
        handles = [*self.library.deciders(), *self.library.governors()]
        return self._is_member(person, handles)

    def may_resume(self, person: str) -> bool:
        """Tell whether this person may resume: governance owners only."""
        return self._is_member(person, self.library.governors())

    def may_delegate(self, person: str) -> bool:
        """Tell whether this person decides anything that another could."""
        return self._is_member(person, self.library.deciders())

    def may_raise(self, person: str) -> bool:
        """Tell whether this person may raise a case.

        Only members of the workspace may.
        """
        try:
            return is_colleague(self.directory.person(person))
        except (NotEligible, ChatFailed):
            return False

    def _is_member(self, person: str, handles: Sequence[str]) -> bool:
        groups = self.directory.groups(handles)
        return any(person in members for members in groups.values())

    def _caller(self, case: Case, person: str, delegations: Sequence[Delegation]) -> Caller | None:
        """Read the person and the groups of the case; None for nobody."""
        owners = self.library.playbook(case.kind).owners.handles
        handles = sorted({*case.approver_groups, *owners, case.owner})
        try:
            return Caller(
                person=self.directory.person(person),
                surface=Surface.SLACK,
                groups=self.directory.groups(handles),
                behalf_of=self._givers(case, person, delegations),
                playbook_owners=owners,
                identities=self.library.identities(),
            )
        except (NotEligible, ChatFailed):
            return None

    def _givers(
        self, case: Case, person: str, delegations: Sequence[Delegation]
    ) -> tuple[Person, ...]:
        givers = []
        for delegation in stands_in_for(
            delegations,
            person,
            kind=case.kind,
            now=self.clock(),
        ):
            try:
                givers.append(self.directory.person(delegation.giver))
            except NotEligible:
                # Nobody stands in for a person who is gone.
                continue
        return tuple(givers)
