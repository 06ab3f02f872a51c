"""People decide. One path for every surface: read the case, read who asks afresh, decide, write once.

A refused attempt is written too. When somebody else wrote first, the case is read again and decided again, so that of two
presses at the same instant one wins and the other gets a specific answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.cases import moves as m
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.decide import decide, refused
from bot.cases.entry import Change as FieldChange
from bot.cases.entry import RejectReason
from bot.cases.errors import BadRequest, Conflict, ConnectorFailed, Refusal
from bot.cases.plan import Action, Proposer
from bot.cases.policy import RiskTier
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import promised
from bot.desk.outgoing import change
from bot.desk.proposal import Proposals
from bot.ports import Change, Clock, Directory, Library, Store

MOST_REREADS = 20
T = TypeVar("T")


@dataclass(frozen=True)
class Decisions:
    store: Store
    library: Library
    directory: Directory
    proposals: Proposals
    clock: Clock

    def approve(self, case_id: str, *, by: str, revision: int, note: str = "", surface: str = "slack") -> Case:
        return self._decide(
            "approve", case_id, by, surface, revision, lambda case, asker: m.Approve(asker, revision, note)
        )

    def reject(
        self, case_id: str, *, by: str, revision: int, reason: RejectReason, note: str = "", surface: str = "slack"
    ) -> Case:
        return self._decide(
            "reject", case_id, by, surface, revision, lambda case, asker: m.Reject(asker, revision, reason, note)
        )

    def withdraw(self, case_id: str, *, by: str, revision: int, surface: str = "slack") -> Case:
        return self._decide("withdraw", case_id, by, surface, revision, lambda case, asker: m.Withdraw(asker, revision))

    def hand_over(self, case_id: str, *, by: str, to: str, note: str, surface: str = "slack") -> Case:
        return self._decide("hand over", case_id, by, surface, 0, lambda case, asker: m.HandOver(asker, to, note))

    def snooze(self, case_id: str, *, by: str, until: datetime, reason: str, surface: str = "slack") -> Case:
        return self._decide("snooze", case_id, by, surface, 0, lambda case, asker: m.Snooze(asker, until, reason))

    def resolve(self, case_id: str, *, by: str, note: str, surface: str = "slack") -> Case:
        return self._decide("resolve", case_id, by, surface, 0, lambda case, asker: m.Resolve(asker, note))

    def try_again(self, case_id: str, *, by: str, surface: str = "slack") -> Case:
        return self._decide("try again", case_id, by, surface, 0, lambda case, asker: m.TryAgain(asker))

    def settle(self, case_id: str, *, by: str, landed: bool, note: str, surface: str = "slack") -> Case:
        return self._decide("settle", case_id, by, surface, 0, lambda case, asker: m.Settle(asker, landed, note))

    def name_kind(self, case_id: str, *, by: str, kind: str, surface: str = "slack") -> Case:
        """A person says which kind an unrecognised case is: it goes to that kind's owner and playbook, and is learned from."""

        def move(case: Case, asker: m.Asker) -> m.Move:
            playbook = self.library.playbook(kind)
            if playbook.kind != kind or kind == UNRECOGNISED:
                raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
            times = playbook.measure
            sla = promised(case.opened_at, decide_for=times.decide_for, resolve_for=times.resolve_for)
            return m.NameKind(asker, kind, playbook.owners.business, playbook.channel, sla)

        return self._decide("name", case_id, by, surface, 0, move)

    def call_novel(self, case_id: str, *, by: str, surface: str = "slack") -> Case:
        return self._decide("call new", case_id, by, surface, 0, lambda case, asker: m.CallNovel(asker))

    def edit(
        self, case_id: str, *, by: str, revision: int, values: Mapping[str, Scalar], surface: str = "slack"
    ) -> Case:
        """A new revision with other parameters, of those only that the playbook lets people edit."""

        def move(case: Case, asker: m.Asker) -> m.Move:
            actions, changes = self._edited(case, values)
            plan, verdict = self.proposals.propose(case, actions, case.evidence, Proposer.PERSON, self.clock())
            return m.Edit(asker, revision, plan, verdict, changes)

        return self._decide("edit", case_id, by, surface, revision, move)

    def asker(self, case: Case, by: str, surface: str) -> m.Asker:
        """Who asks, with the groups that matter here. For high risk nothing is taken from memory."""
        fresh = case.verdict is not None and case.verdict.tier is RiskTier.HIGH
        factors = case.verdict.factors if case.verdict else ()
        handles = sorted({*(factor.group for factor in factors), case.owner})
        return m.Asker(self.directory.person(by, fresh=fresh), self.directory.groups(handles, fresh=fresh), surface)

    def _edited(self, case: Case, values: Mapping[str, Scalar]) -> tuple[tuple[Action, ...], tuple[FieldChange, ...]]:
        offer = self.library.playbook(case.kind).offer(case.plan.actions[0].name) if case.plan else None
        if case.plan is None or offer is None:
            raise BadRequest(f"{case.id} has no plan that can be edited")
        first, *rest = case.plan.actions
        for field in values:
            if field not in offer.edit:
                raise BadRequest(f"{field} cannot be edited here", field=field)
        try:
            edited = self.proposals.prepare(first.name, {**first.parameters, **values})
        except ConnectorFailed as failure:
            raise BadRequest(f"that cannot be done: {failure}") from None
        changes = tuple(
            FieldChange(field, first.parameters.get(field), edited.parameters.get(field))
            for field in values
            if first.parameters.get(field) != edited.parameters.get(field)
        )
        return (edited, *rest), changes

    def _decide(
        self, name: str, case_id: str, by: str, surface: str, revision: int, move: Callable[[Case, m.Asker], m.Move]
    ) -> Case:
        def attempt() -> Case:
            case = self.store.case(case_id)
            asker = self.asker(case, by, surface)
            try:
                entries = decide(case, move(case, asker), self.clock())
            except Refusal as refusal:
                self._record(case_id, asker, name, revision, refusal)
                raise
            return self.store.commit(change(case, entries, self.library.playbook(case.kind)))

        return again_on_conflict(attempt)

    def _record(self, case_id: str, asker: m.Asker, attempt: str, revision: int, refusal: Refusal) -> None:
        def write() -> None:
            case = self.store.case(case_id)
            entries = refused(case, asker, attempt, revision or case.revision, refusal, self.clock())
            self.store.commit(Change(case, entries))

        again_on_conflict(write)


def again_on_conflict(attempt: Callable[[], T]) -> T:
    """Read, decide and write again when somebody else wrote first."""
    for _ in range(MOST_REREADS):
        try:
            return attempt()
        except Conflict:
            continue
    raise Conflict("the case keeps changing; try again")
