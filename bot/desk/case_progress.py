"""Progress of a case, for the person or program that raised it."""

from dataclasses import dataclass

from bot.cases.actor import is_person
from bot.cases.approval import Approval, Groups, count_seats, names_of
from bot.cases.calls import open_groups
from bot.cases.case import Case
from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.lifecycle import State
from bot.cases.verdict import Verdict
from bot.desk.rows import SOMEBODY
from bot.desk.usual_times import usual_times
from bot.ports.case_queries import CaseQueries
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.progress import Progress


@dataclass(frozen=True, kw_only=True)
class CaseProgress:
    """Tell whom a case waits for, and how long that takes."""

    queries: CaseQueries
    library: Library
    directory: Directory

    def of(self, case: Case) -> Progress:
        """Describe what the case waits for now.

        Raises:
            ChatFailed: nobody can say who is in a group.
        """
        verdict = case.proposal.verdict
        if case.state is not State.PROPOSED or verdict is None:
            return Progress(
                waits_for=self._names(case, case.waits_on),
                usual_times=usual_times(self.queries, case.kind),
            )
        approvals = self.library.identities().distinct_votes(case.proposal.approvals)
        groups = self.directory.groups([factor.group for factor in verdict.factors])
        seats = count_seats(approvals, verdict.factors, groups)
        return Progress(
            waits_for=self._names(case, _open_groups(verdict, approvals, groups)),
            approvals_needed=verdict.approvals_needed,
            approvals_missing=max(0, verdict.approvals_needed - seats),
            usual_times=usual_times(self.queries, case.kind),
        )

    def _names(self, case: Case, callees: tuple[str, ...]) -> tuple[str, ...]:
        """Name the person who has the case, and the groups."""
        groups = [name for name in callees if not is_person(name)]
        people = []
        if callees and is_person(case.owner):
            people.append(self._name(case.owner))
        return (*people, *names_of(groups))

    def _name(self, account: str) -> str:
        try:
            return self.directory.person(account).name
        except (NotEligible, ChatFailed):
            return SOMEBODY


def _open_groups(
    verdict: Verdict, approvals: tuple[Approval, ...], groups: Groups
) -> tuple[str, ...]:
    """List the groups of which an approval is still missing."""
    if not approvals:
        return tuple(factor.group for factor in verdict.factors)
    return open_groups(verdict.factors, approvals, groups)
