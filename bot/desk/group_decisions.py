"""One decision on many cases, recorded case by case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.cases.actor import Surface, UserId
from bot.cases.canonical import canonical_hash
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, Refusal, Superseded
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.signal import UNRECOGNISED
from bot.desk.case_lists import list_filter
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from bot.desk.visibility import Visibility
from bot.ports.case_queries import CaseQueries
from bot.ports.library import Library
from bot.views.case_list import CaseGroup, GroupAct, GroupOutcome

# As many as are decided before Slack stops waiting for an answer.
MAX_GROUP = 50
MAX_CANDIDATES = 500
Decide = Callable[[Request], object]


@dataclass(frozen=True, kw_only=True)
class GroupDecisions:
    """Preview and take decisions on many cases.

    Each case is decided by the rules of its own: who may, and whether it is still as it was shown.
    """

    queries: CaseQueries
    decisions: Decisions
    library: Library
    visibility: Visibility

    def preview(self, person: str, key: str, act: GroupAct) -> CaseGroup:
        """Return the cases of a list that this act is possible for.

        Raises:
            BadRequest: there is none.
        """
        viewer = self.visibility.viewer(person)
        candidates = self.queries.find(list_filter(key, viewer), MAX_CANDIDATES)
        cases = [case for case in candidates if self._is_possible(act, case)]
        if not cases:
            raise BadRequest("none of these cases can be decided so; open them one by one")
        group = tuple(cases[:MAX_GROUP])
        return CaseGroup(
            act=act,
            cases=group,
            checksum=_checksum(group),
            more=len(cases) - len(group),
        )

    def reject(self, group: CaseGroup, *, by: str, reason: RejectReason, note: str) -> GroupOutcome:
        """Reject every plan of a group for one reason."""

        def decide(request: Request) -> object:
            return self.decisions.reject(
                request,
                reason=reason,
                note=note,
            )

        return self._decide_each(group, by, decide)

    def name_kind(self, group: CaseGroup, *, by: str, kind: str) -> GroupOutcome:
        """Name the kind of every case of a group."""

        def decide(request: Request) -> object:
            return self.decisions.name_kind(request, kind)

        return self._decide_each(group, by, decide)

    def approve(self, group: CaseGroup, *, by: str, note: str) -> GroupOutcome:
        """Approve every plan of a group, all of low risk."""

        def decide(request: Request) -> object:
            return self.decisions.approve(request, note)

        return self._decide_each(group, by, decide)

    def find(
        self, person: str, act: GroupAct, *, case_ids: Sequence[str], checksum: str
    ) -> CaseGroup:
        """Return a previewed group that has not changed.

        Raises:
            Superseded: one of its cases has changed since.
        """
        viewer = self.visibility.viewer(person)
        cases = tuple(
            self.visibility.find_case(case_id, viewer) for case_id in case_ids[:MAX_GROUP]
        )
        is_same = bool(cases) and _checksum(cases) == checksum
        if not is_same or not all(self._is_possible(act, case) for case in cases):
            raise Superseded(
                "one of these cases has changed since you opened this; close it and open it again"
            )
        return CaseGroup(
            act=act,
            cases=cases,
            checksum=checksum,
        )

    def _is_possible(self, act: GroupAct, case: Case) -> bool:
        match act:
            case GroupAct.REJECT:
                return case.state in {State.PROPOSED, State.REFERRED}
            case GroupAct.NAME_KIND:
                return case.state is State.REFERRED and self._is_unrecognised(case)
            case GroupAct.APPROVE:
                return case.state is State.PROPOSED and _is_of_low_risk(case)

    def _is_unrecognised(self, case: Case) -> bool:
        return self.library.playbook(case.kind).kind == UNRECOGNISED

    def _decide_each(self, group: CaseGroup, by: str, decide: Decide) -> GroupOutcome:
        successes = []
        refusals = []
        for case in group.cases:
            request = Request(
                case_id=case.id,
                by=UserId(by),
                snapshot=CardSnapshot.of(case),
                surface=Surface.SLACK,
            )
            try:
                decide(request)
            except Refusal as refusal:
                refusals.append((case.id, str(refusal)))
            else:
                successes.append(case.id)
        return GroupOutcome(
            act=group.act,
            successes=tuple(successes),
            refusals=tuple(refusals),
        )


def _is_of_low_risk(case: Case) -> bool:
    verdict = case.proposal.verdict
    return verdict is not None and verdict.tier is RiskTier.LOW and not verdict.step_up


def _checksum(cases: Sequence[Case]) -> str:
    """Hash the cases as their cards would show them now."""
    snapshots = []
    for case in cases:
        snapshot = CardSnapshot.of(case)
        snapshots.append(
            [case.id, snapshot.revision, snapshot.state.code, snapshot.checksum, snapshot.doubt]
        )
    return canonical_hash(snapshots)
