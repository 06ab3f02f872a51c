"""People decide. One path for every surface: read the case, read who asks afresh, decide, write once.

A refused attempt is written too. When somebody else wrote first, the case is read again and decided again, so that of two
presses at the same instant one wins and the other gets a specific answer.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.cases import commands as m
from bot.cases.approval import Person
from bot.cases.authority import is_colleague
from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.controls import Asked, BreakGlass, decide_controls
from bot.cases.decide import decide, must_be_current, record_refusal
from bot.cases.delegation import stands_in_for
from bot.cases.entries import FieldChange as FieldChange
from bot.cases.entries import RejectReason
from bot.cases.errors import (
    BadRequest,
    ChatFailed,
    Conflict,
    ConnectorFailed,
    NoSuchCase,
    NotEligible,
    NotNow,
    Refusal,
    Superseded,
    TooLate,
)
from bot.cases.passkey import LINK_IS_OVER, Assertion, Purpose, StepUp, find_live_link, link_hash
from bot.cases.plan import Action, Proposer
from bot.cases.policy import RiskTier
from bot.cases.seen import DecisionKind, Seen
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import promise_sla
from bot.desk.decision_priority import DecisionPriority
from bot.desk.effects import card_message, change
from bot.desk.proposal import Proposals
from bot.ports import Change, Clock, Directory, Library, Store

MAX_ATTEMPTS = 20
WHO_IS_NOT_KNOWN = (
    "Slack cannot say just now who may do this; nothing was decided, press again in a minute"
)
DRAWN_EARLIER = "this card was drawn by an earlier release; it has been drawn again, press there"
DECIDED_BY = {Purpose.APPROVE: DecisionKind.APPROVE, Purpose.UNDO: DecisionKind.UNDO}
T = TypeVar("T")
Prove = Callable[[Case, StepUp], Assertion]
"""Verifies what the device answered to this question. Raises ``NotEligible`` when it is not genuine."""


@dataclass(frozen=True)
class Decisions:
    store: Store
    library: Library
    directory: Directory
    proposals: Proposals
    clock: Clock
    rush: DecisionPriority = field(default_factory=DecisionPriority)

    def approve(
        self, case_id: str, *, by: str, seen: Seen, note: str = "", surface: str = "slack"
    ) -> Case:
        return self._decide(
            DecisionKind.APPROVE,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Approve(asker, seen, note),
        )

    def begin_approval(
        self, case_id: str, *, by: str, seen: Seen, note: str, surface: str = "slack"
    ) -> str:
        """The first half of a yes of the top class. What comes back is the secret part of the link to the other half."""
        token = secrets.token_urlsafe(32)
        passkeys = self.store.controls().passkeys
        self._decide(
            DecisionKind.APPROVE,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.BeginApproval(asker, seen, note, link_hash(token), passkeys),
        )
        return token

    def current(
        self, case_id: str, decision: DecisionKind, seen: Seen, *, by: str, surface: str = "slack"
    ) -> Case:
        """Read the case for a form about this decision, while the case still offers it.

        Raises:
            Refusal: the case is not what was seen, or does not offer it any more; that is recorded.
        """
        case = self.store.case(case_id)
        try:
            must_be_current(case, decision, seen)
        except Refusal as refusal:
            self._record_refusal(
                case_id, m.Asker(Person(by, by), surface=surface), decision, seen.revision, refusal
            )
            raise
        return case

    def outdated(
        self, case_id: str, *, by: str, decision: DecisionKind, surface: str = "slack"
    ) -> Superseded:
        """Record a press on a card of an earlier release, and draw the card again.

        Such a button does not say which plan and state were seen, so nothing is decided by it.
        """
        refusal = Superseded(DRAWN_EARLIER)
        asker = m.Asker(Person(by, by), surface=surface)
        self._record_refusal(case_id, asker, decision, self.store.case(case_id).revision, refusal)
        return refusal

    def begun(self, case_id: str, token: str) -> tuple[Case, StepUp]:
        """The yes that waits behind this link.

        Raises:
            TooLate: there is none, or not any more; a case that does not exist reads the same.
        """
        try:
            case = self.store.case(case_id)
        except NoSuchCase:
            raise TooLate(LINK_IS_OVER) from None
        found = find_live_link(case.step_ups, link_hash(token), self.clock())
        if found is None or found.revision != case.revision:
            raise TooLate(LINK_IS_OVER)
        return case, found

    def finish_approval(self, case_id: str, token: str, prove: Prove, *, surface: str) -> Case:
        """The second half: the person's device has signed this plan. An answer that is not genuine is written too."""
        case, asked = self.begun(case_id, token)
        decision = DECIDED_BY[asked.purpose]
        try:
            assertion = prove(case, asked)
        except Refusal as refusal:
            by = m.Asker(Person(asked.person, asked.name), surface=surface)
            self._record_refusal(case_id, by, decision, asked.revision, refusal)
            raise

        # The plan that the link was begun for: a new one would have ended the link.
        seen = Seen.of(case)

        def move(case: Case, asker: m.Asker) -> m.Command:
            passkeys = self.store.controls().passkeys
            if asked.purpose is Purpose.UNDO:
                return m.Undo(asker, seen, asked.note, self.proposals.mode, assertion, passkeys)
            return m.Approve(asker, seen, asked.note, assertion=assertion, passkeys=passkeys)

        return self._decide(decision, case_id, asked.person, surface, seen, move)

    def reject(
        self,
        case_id: str,
        *,
        by: str,
        seen: Seen,
        reason: RejectReason,
        note: str = "",
        surface: str = "slack",
    ) -> Case:
        return self._decide(
            DecisionKind.REJECT,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Reject(asker, seen, reason, note),
        )

    def withdraw(self, case_id: str, *, by: str, seen: Seen, surface: str = "slack") -> Case:
        return self._decide(
            DecisionKind.WITHDRAW,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Withdraw(asker, seen),
        )

    def hand_over(
        self,
        case_id: str,
        *,
        by: str,
        seen: Seen,
        to: str,
        done: str,
        remains: str,
        surface: str = "slack",
    ) -> Case:
        """To a person, or to the group that the playbook names as the next owner; ``to`` is empty for that."""

        def move(case: Case, asker: m.Asker) -> m.Command:
            owner = to or self.library.playbook(case.kind).owners.next_owner
            if to and not is_colleague(self.directory.person(to)):
                raise BadRequest("choose a member of this workspace", field="to")
            return m.HandOver(asker, seen, owner, done, remains)

        return self._decide(DecisionKind.HAND_OVER, case_id, by, surface, seen, move)

    def claim(self, case_id: str, *, by: str, seen: Seen, surface: str = "slack") -> Case:
        return self._decide(
            DecisionKind.CLAIM, case_id, by, surface, seen, lambda case, asker: m.Claim(asker, seen)
        )

    def undo(self, case_id: str, *, by: str, seen: Seen, note: str, surface: str = "slack") -> Case:
        """One yes to taking it back; with the last that it needs, that begins."""

        def move(case: Case, asker: m.Asker) -> m.Command:
            return m.Undo(asker, seen, note, self.proposals.mode)

        return self._decide(DecisionKind.UNDO, case_id, by, surface, seen, move)

    def begin_undo(
        self, case_id: str, *, by: str, seen: Seen, note: str, surface: str = "slack"
    ) -> str:
        """Begin a yes to taking back what is of the top class, as ``begin_approval``."""
        token = secrets.token_urlsafe(32)
        passkeys = self.store.controls().passkeys

        def move(case: Case, asker: m.Asker) -> m.Command:
            return m.BeginUndo(asker, seen, note, link_hash(token), self.proposals.mode, passkeys)

        self._decide(DecisionKind.UNDO, case_id, by, surface, seen, move)
        return token

    def break_glass(
        self, case_id: str, *, by: str, seen: Seen, reason: str, surface: str = "slack"
    ) -> Case:
        """One person lets a plan through alone, because it cannot wait: loudly, and looked at afterwards by somebody else."""
        emergency = self.library.policy().emergency

        def attempt() -> Case:
            case, standing, now = self.store.case(case_id), self.store.controls(), self.clock()
            asker = self._identify(case, by, surface, DecisionKind.EMERGENCY, seen, fresh=True)
            group = emergency.group if emergency else ""
            groups = self.directory.groups([group] if group else [], fresh=True)
            asked = Asked(asker.person, frozenset(), frozenset(), surface, asker.identities)
            wait = emergency.review_for if emergency else timedelta(0)
            try:
                entries = decide(case, m.Approve(asker, seen, reason, emergency=True), now)
                rulings = decide_controls(
                    standing,
                    BreakGlass(asked, case.id, seen.revision, reason, group, groups, wait),
                    now,
                )
            except Refusal as refusal:
                self._record_refusal(case_id, asker, DecisionKind.EMERGENCY, seen.revision, refusal)
                raise
            written = change(case, entries, self.library.playbook(case.kind))
            return self.store.commit(replace(written, controls=standing, control_entries=rulings))

        return retry_on_conflict(attempt)

    def snooze(
        self,
        case_id: str,
        *,
        by: str,
        seen: Seen,
        until: datetime,
        reason: str,
        surface: str = "slack",
    ) -> Case:
        return self._decide(
            DecisionKind.SNOOZE,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Snooze(asker, seen, until, reason),
        )

    def resolve(
        self, case_id: str, *, by: str, seen: Seen, note: str, surface: str = "slack"
    ) -> Case:
        return self._decide(
            DecisionKind.RESOLVE,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Resolve(asker, seen, note),
        )

    def try_again(self, case_id: str, *, by: str, seen: Seen, surface: str = "slack") -> Case:
        return self._decide(
            DecisionKind.TRY_AGAIN,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.TryAgain(asker, seen),
        )

    def settle(
        self, case_id: str, *, by: str, seen: Seen, landed: bool, note: str, surface: str = "slack"
    ) -> Case:
        return self._decide(
            DecisionKind.SETTLE,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.Settle(asker, seen, landed, note),
        )

    def name_kind(
        self, case_id: str, *, by: str, seen: Seen, kind: str, surface: str = "slack"
    ) -> Case:
        """A person says which kind an unrecognised case is: it goes to that kind's owner and playbook, and is learned from."""

        def move(case: Case, asker: m.Asker) -> m.Command:
            playbook = self.library.playbook(kind)
            if playbook.kind != kind or kind == UNRECOGNISED:
                raise BadRequest(f"there is no playbook for {kind[:50]!r}", field="kind")
            times = playbook.measure
            hours = self.library.hours(playbook.channel)
            sla = promise_sla(
                case.opened_at,
                decide_for=times.decide_for,
                resolve_for=times.resolve_for,
                hours=hours,
            )
            return m.NameKind(asker, seen, kind, playbook.owners.business, playbook.channel, sla)

        return self._decide(DecisionKind.NAME_KIND, case_id, by, surface, seen, move)

    def call_novel(self, case_id: str, *, by: str, seen: Seen, surface: str = "slack") -> Case:
        return self._decide(
            DecisionKind.CALL_NOVEL,
            case_id,
            by,
            surface,
            seen,
            lambda case, asker: m.CallNovel(asker, seen),
        )

    def edit(
        self,
        case_id: str,
        *,
        by: str,
        seen: Seen,
        values: Mapping[str, Scalar],
        surface: str = "slack",
    ) -> Case:
        """A new revision with other parameters, of those only that the playbook lets people edit."""

        def move(case: Case, asker: m.Asker) -> m.Command:
            actions, changes = self._edited(case, values)
            now = self.clock()
            plan, verdict = self.proposals.propose(
                case, actions, case.evidence, Proposer.PERSON, now
            )
            expires_at = self.library.hours(case.channel).opening(now + verdict.expires_for)
            return m.Edit(asker, seen, plan, verdict, changes, expires_at)

        return self._decide(DecisionKind.EDIT, case_id, by, surface, seen, move)

    def asker(self, case: Case, by: str, surface: str, *, fresh: bool = False) -> m.Asker:
        """Who asks, with the groups that matter here, and whom they stand in for. For high risk nothing is taken from memory."""
        fresh = fresh or (case.verdict is not None and case.verdict.tier is RiskTier.HIGH)
        factors = case.verdict.factors if case.verdict else ()
        owners = self.library.playbook(case.kind).owners.handles
        handles = sorted({*(factor.group for factor in factors), *owners, case.owner})
        given = stands_in_for(self.store.controls().delegations, by, case.kind, self.clock())
        behalf_of = [self._delegator(delegation.giver, fresh) for delegation in given]
        person = self.directory.person(by, fresh=fresh)
        groups = self.directory.groups(handles, fresh=fresh)
        return m.Asker(
            person=person,
            groups=groups,
            surface=surface,
            behalf_of=tuple(filter(None, behalf_of)),
            playbook_owners=owners,
            identities=self.library.identities(),
        )

    def _identify(
        self,
        case: Case,
        by: str,
        surface: str,
        decision: DecisionKind,
        seen: Seen,
        *,
        fresh: bool = False,
    ) -> m.Asker:
        """Who asks. An attempt of somebody of whom nothing can be read is refused, and written too."""
        try:
            return self.asker(case, by, surface, fresh=fresh)
        except (ChatFailed, NotEligible) as failure:
            refusal = (
                failure
                if isinstance(failure, NotEligible)
                else NotNow(f"{WHO_IS_NOT_KNOWN} ({failure.error})")
            )
            self._record_refusal(
                case.id, m.Asker(Person(by, by), surface=surface), decision, seen.revision, refusal
            )
            raise refusal from None

    def _delegator(self, principal: str, fresh: bool) -> Person | None:
        """Whoever is not known any more has nobody standing in for them."""
        try:
            return self.directory.person(principal, fresh=fresh)
        except NotEligible:
            return None

    def _edited(
        self, case: Case, values: Mapping[str, Scalar]
    ) -> tuple[tuple[Action, ...], tuple[FieldChange, ...]]:
        offer = (
            self.library.playbook(case.kind).offer(case.plan.actions[0].name) if case.plan else None
        )
        if case.plan is None or offer is None:
            raise BadRequest(f"{case.id} has no plan that can be edited")
        first, *rest = case.plan.actions
        for name in values:
            if name not in offer.edit:
                raise BadRequest(f"{name} cannot be edited here", field=name)
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
        self,
        decision: DecisionKind,
        case_id: str,
        by: str,
        surface: str,
        seen: Seen,
        move: Callable[[Case, m.Asker], m.Command],
    ) -> Case:
        def attempt() -> Case:
            case = self.store.case(case_id)
            asker = self._identify(case, by, surface, decision, seen)
            try:
                # Before a form's words are read: what they are about may be gone.
                must_be_current(case, decision, seen)
                entries = decide(case, move(case, asker), self.clock())
            except Refusal as refusal:
                self._record_refusal(case_id, asker, decision, seen.revision, refusal)
                raise
            return self.store.commit(change(case, entries, self.library.playbook(case.kind)))

        with self.rush:
            return retry_on_conflict(attempt)

    def _record_refusal(
        self, case_id: str, asker: m.Asker, decision: DecisionKind, revision: int, refusal: Refusal
    ) -> None:
        """Write an attempt that was turned away; a card that showed something else is drawn again."""

        def write() -> None:
            case, now = self.store.case(case_id), self.clock()
            entries = record_refusal(case, asker, decision, revision, refusal, now)
            again = (card_message(case_id, now),) if isinstance(refusal, Superseded) else ()
            self.store.commit(Change(case, entries, again))

        retry_on_conflict(write)


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Read, decide and write again when somebody else wrote first."""
    for _ in range(MAX_ATTEMPTS):
        try:
            return attempt()
        except Conflict:
            continue
    raise Conflict("the case keeps changing; try again")
