"""What holds for the whole desk: what is paused, who stands in for whom, where the glass was broken, which passkeys are known.

It is the fold of its own entries.

The standing is a second thing with a ledger beside the cases: its entries carry ``DESK_ID`` where theirs carry a case id.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.cases import entries as e
from bot.cases.approval import Groups, Person
from bot.cases.authority import is_colleague
from bot.cases.delegation import MAX_DELEGATION, Delegation
from bot.cases.entries import Body, Entry
from bot.cases.errors import BadRequest, DeskPaused, LedgerBroken, NotEligible, TooLate
from bot.cases.identity import UNLINKED, Identities
from bot.cases.passkey import (
    INVITATION_IS_OVER,
    INVITATION_LIFETIME,
    Invitation,
    Passkey,
    find_live_link,
)
from bot.cases.plan import Plan

DESK_ID = "DESK"
EVERYTHING = ""
LONGEST_REASON = 500
BEHIND = (
    "the ledger is older than what was signed: a backup was restored. "
    "Nothing runs until whoever runs Countersign has looked"
)


@dataclass(frozen=True, slots=True)
class ActivePause:
    """``scope`` is empty for everything, or "kind:…", "action:…", "system:…"."""

    scope: str
    reason: str
    by: str
    by_name: str
    at: datetime

    @property
    def said(self) -> str:
        """What is paused, by whom and why."""
        return f"{scope_text(self.scope)} is paused by {self.by_name}: {self.reason}"

    def stops(self, kind: str, plan: Plan | None) -> bool:
        """Whether this holds up the plan of a case of this kind."""
        what, _, name = self.scope.partition(":")
        actions = plan.actions if plan else ()
        return {
            "": True,
            "kind": name == kind,
            "action": any(action.name == name for action in actions),
            "system": any(action.system == name for action in actions),
        }.get(what, True)


@dataclass(frozen=True, slots=True)
class EmergencyApproval:
    """A plan that one person let through alone. It is looked at afterwards, by somebody else, until ``review_by``."""

    case_id: str
    revision: int
    person: str
    name: str
    reason: str
    at: datetime
    review_by: datetime


@dataclass(frozen=True, slots=True)
class Rollback:
    """A restored backup: what was signed, what was found, when, and when whoever runs the bot acknowledged it.

    ``size`` and ``root`` are of the last checkpoint, ``own_size`` of the ledger, ``common_size`` of what is proved to be in both.
    """

    size: int
    root: str
    own_size: int
    common_size: int
    at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class DeskControls:
    """``version`` is the compare-and-set token."""

    version: int = 0
    pauses: tuple[ActivePause, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    emergencies: tuple[EmergencyApproval, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()

    @property
    def holds(self) -> tuple[ActivePause, ...]:
        """Everything that is paused, by people and by a restored backup, which comes first."""
        behind = [
            ActivePause(EVERYTHING, BEHIND, "countersign", "Countersign", one.at)
            for one in self._unacknowledged
        ]
        return (*behind[:1], *self.pauses)

    @property
    def is_behind(self) -> bool:
        """Whether a backup was restored and nobody has acknowledged it."""
        return bool(self._unacknowledged)

    @property
    def _unacknowledged(self) -> tuple[Rollback, ...]:
        return tuple(one for one in self.rollbacks if one.acknowledged_at is None)

    @property
    def restored_at(self) -> datetime | None:
        """When a restored backup was noticed last: what was planned before may have been carried out after it was made."""
        return max((one.at for one in self.rollbacks), default=None)

    def acknowledgement_of(self, size: int, root: str) -> Rollback | None:
        """The acknowledged rollback from this very checkpoint."""
        found = (
            one
            for one in self.rollbacks
            if (one.size, one.root) == (size, root) and one.acknowledged_at
        )
        return next(found, None)

    def pause_on(self, kind: str, plan: Plan | None) -> ActivePause | None:
        """What holds up this plan now, the widest first."""
        found = [pause for pause in self.holds if pause.stops(kind, plan)]
        return min(found, key=lambda pause: len(pause.scope), default=None)


def must_not_be_paused(standing: DeskControls, kind: str, plan: Plan | None) -> None:
    """Asked inside the transaction that begins a step.

    Raises:
        Paused: the kill switch is on for this plan.
    """
    pause = standing.pause_on(kind, plan)
    if pause is not None:
        raise DeskPaused(pause.said)


def scope_text(scope: str) -> str:
    """The scope in words."""
    return scope.partition(":")[2].replace("_", " ") if scope else "everything"


# --- what may be asked -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, with the groups that count here: those who decide anything, and those who answer for all of it."""

    person: Person
    deciders: frozenset[str]
    governors: frozenset[str]
    surface: str = "slack"
    identities: Identities = UNLINKED


@dataclass(frozen=True, slots=True)
class Pause:
    by: Asked
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    by: Asked
    scope: str


@dataclass(frozen=True, slots=True)
class Delegate:
    by: Asked
    to: Person
    kind: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class EndDelegation:
    by: Asked
    giver: str
    taker: str
    kind: str


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """``case_id`` and ``revision`` name the plan; ``group`` are those who may; ``review_for`` how soon it is looked at."""

    by: Asked
    case_id: str
    revision: int
    reason: str
    group: str
    groups: Groups
    review_for: timedelta


@dataclass(frozen=True, slots=True)
class ReviewEmergency:
    by: Asked
    case_id: str
    note: str


@dataclass(frozen=True, slots=True)
class TripCircuitBreaker:
    """The circuit breaker: one action has failed too often in a row."""

    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class InvitePasskey:
    """Whoever runs the bot lets somebody add a passkey; ``by`` is an operator, not a person of the workspace."""

    by: Asked
    to: Person
    ticket: str


@dataclass(frozen=True, slots=True)
class AddPasskey:
    """The device has answered: ``passkey`` is of the one who was invited."""

    by: Asked
    passkey: Passkey
    ticket: str


@dataclass(frozen=True, slots=True)
class RemovePasskey:
    by: Asked
    credential: str


@dataclass(frozen=True, slots=True)
class FallBehind:
    """The ledger does not grow from what was signed. The fields are those of ``LedgerBehind``."""

    size: int
    root: str
    own_size: int
    common_size: int
    numbers_from: int


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Whoever runs the bot has looked at what a restored backup lost; ``by`` is an operator."""

    by: Asked
    note: str
    numbers_from: int


Move = (
    Pause
    | Resume
    | Delegate
    | EndDelegation
    | BreakGlass
    | ReviewEmergency
    | TripCircuitBreaker
    | InvitePasskey
    | AddPasskey
    | RemovePasskey
    | FallBehind
    | Acknowledge
)


def decide_controls(standing: DeskControls, move: Move, now: datetime) -> tuple[Entry, ...]:
    """The entries that this move writes about the desk.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    bodies = DECISIONS[type(move)](standing, move, now)
    by = getattr(move, "by", None)
    actor, surface = (by.person.id, by.surface) if by else ("countersign", "desk")
    return tuple(
        Entry(DESK_ID, standing.version + ahead, 0, now, actor, surface, body)
        for ahead, body in enumerate(bodies, start=1)
    )


def _halt(standing: DeskControls, move: Pause, now: datetime) -> tuple[Body, ...]:
    """Stopping is easy: everyone who decides anything may."""
    if move.by.person.id not in move.by.deciders | move.by.governors or not is_colleague(
        move.by.person
    ):
        raise NotEligible("only those who decide cases here may pause; ask one of them")
    if not move.reason.strip():
        raise BadRequest("say why; everyone will see it", field="reason")
    if any(pause.scope == move.scope for pause in standing.pauses):
        raise TooLate(f"{scope_text(move.scope)} is paused already")
    return (e.Paused(move.scope, move.reason.strip()[:LONGEST_REASON], move.by.person.name),)


def _resume(standing: DeskControls, move: Resume, now: datetime) -> tuple[Body, ...]:
    """Starting again is for those who answer for it."""
    pause = next((pause for pause in standing.pauses if pause.scope == move.scope), None)
    if pause is None and standing.is_behind and move.scope == EVERYTHING:
        raise NotEligible(f"{BEHIND}: `countersign ledger acknowledge`")
    if pause is None:
        raise TooLate(f"{scope_text(move.scope)} is not paused")
    if move.by.person.id not in move.by.governors or not is_colleague(move.by.person):
        raise NotEligible("only the governance owners may let it go on")
    return (e.Resumed(move.scope, move.by.person.name),)


def _delegate(standing: DeskControls, move: Delegate, now: datetime) -> tuple[Body, ...]:
    giver, taker = move.by.person, move.to
    if move.by.identities.are_one(giver.id, taker.id):
        raise BadRequest("choose somebody else to stand in", field="to")
    if giver.id not in move.by.deciders or not is_colleague(giver):
        raise NotEligible("you decide nothing here that somebody could stand in for")
    if not is_colleague(taker):
        raise BadRequest(
            f"{taker.name} is a guest, from outside, deactivated or an app, and cannot stand in",
            field="to",
        )
    begins = max(move.begins_at, now)
    if not begins < move.ends_at <= begins + MAX_DELEGATION:
        raise BadRequest(f"choose an end within {MAX_DELEGATION.days} days", field="until")
    return (
        e.Delegated(
            Delegation(giver.id, giver.name, taker.id, taker.name, move.kind, begins, move.ends_at)
        ),
    )


def _end_delegation(standing: DeskControls, move: EndDelegation, now: datetime) -> tuple[Body, ...]:
    if move.by.person.id not in {move.giver, move.taker, *move.by.governors}:
        raise NotEligible("only the two of them, or the governance owners, may end this")
    known = [
        (given.giver, given.taker, given.kind)
        for given in standing.delegations
        if given.ends_at > now
    ]
    if (move.giver, move.taker, move.kind) not in known:
        raise TooLate("this has ended already")
    return (e.DelegationEnded(move.giver, move.taker, move.kind, move.by.person.name),)


def _break_glass(standing: DeskControls, move: BreakGlass, now: datetime) -> tuple[Body, ...]:
    person = move.by.person
    if (
        not move.group
        or person.id not in move.groups.get(move.group, frozenset())
        or not is_colleague(person)
    ):
        raise NotEligible(
            f"only @{move.group} may do this alone"
            if move.group
            else "policy names nobody who may do this alone"
        )
    if not move.reason.strip():
        raise BadRequest("say why it cannot wait; it is read afterwards", field="reason")
    identities = move.by.identities
    open_ones = [one for one in standing.emergencies if identities.are_one(one.person, person.id)]
    if open_ones:
        raise TooLate(f"what you let through for {open_ones[0].case_id} has not been looked at yet")
    reason, review_by = move.reason.strip()[:LONGEST_REASON], now + move.review_for
    return (e.GlassBroken(move.case_id, move.revision, person.name, reason, review_by),)


def _review(standing: DeskControls, move: ReviewEmergency, now: datetime) -> tuple[Body, ...]:
    found = next((one for one in standing.emergencies if one.case_id == move.case_id), None)
    if found is None:
        raise TooLate(f"nothing of {move.case_id} waits to be looked at")
    reviewer = move.by.person.id
    if reviewer not in move.by.governors or move.by.identities.are_one(reviewer, found.person):
        raise NotEligible("another governance owner must look at it")
    if not move.note.strip():
        raise BadRequest("say what you found", field="note")
    return (e.GlassReviewed(move.case_id, move.note.strip()[:LONGEST_REASON], move.by.person.name),)


def _trip(standing: DeskControls, move: TripCircuitBreaker, now: datetime) -> tuple[Body, ...]:
    scope = f"action:{move.action}"
    if any(pause.scope == scope for pause in standing.pauses):
        return ()
    return (e.Paused(scope, move.reason[:LONGEST_REASON], "Countersign"),)


def _invite_passkey(standing: DeskControls, move: InvitePasskey, now: datetime) -> tuple[Body, ...]:
    if not is_colleague(move.to):
        raise BadRequest(
            f"{move.to.name} is a guest, from outside, deactivated or an app, and approves nothing"
        )
    return (e.PasskeyInvited(move.to.id, move.to.name, move.ticket, now + INVITATION_LIFETIME),)


def _add_passkey(standing: DeskControls, move: AddPasskey, now: datetime) -> tuple[Body, ...]:
    invited = find_live_link(standing.invitations, move.ticket, now)
    if invited is None or invited.person != move.passkey.person:
        raise TooLate(INVITATION_IS_OVER)
    if any(key.credential == move.passkey.credential for key in standing.passkeys):
        raise TooLate("this passkey is known already")
    return (e.PasskeyAdded(move.passkey, move.ticket),)


def _remove_passkey(standing: DeskControls, move: RemovePasskey, now: datetime) -> tuple[Body, ...]:
    found = (
        [key for key in standing.passkeys if key.credential.startswith(move.credential)]
        if move.credential
        else []
    )
    if len(found) != 1:
        raise BadRequest(
            f"{len(found)} passkeys begin with {move.credential[:50]!r}; see `countersign passkey list`"
        )
    return (e.PasskeyRemoved(found[0].credential, found[0].person),)


def _fall_behind(standing: DeskControls, move: FallBehind, now: datetime) -> tuple[Body, ...]:
    """Each disagreement is written once, however many processes find it."""
    if any((one.size, one.root) == (move.size, move.root) for one in standing.rollbacks):
        return ()
    return (
        e.LedgerBehind(
            signed_size=move.size,
            signed_root=move.root,
            own_size=move.own_size,
            common_size=move.common_size,
            numbers_from=move.numbers_from,
        ),
    )


def _acknowledge(standing: DeskControls, move: Acknowledge, now: datetime) -> tuple[Body, ...]:
    waiting_ones = [one for one in standing.rollbacks if one.acknowledged_at is None]
    if not waiting_ones:
        raise TooLate("the ledger grows from what was signed; there is nothing to acknowledge")
    note = move.note.strip()[:LONGEST_REASON]
    if not note:
        raise BadRequest("say what you compared, and with what; it is in the record", field="note")
    return tuple(
        e.LedgerAcknowledged(
            signed_size=one.size,
            signed_root=one.root,
            note=note,
            by_name=move.by.person.name,
            numbers_from=move.numbers_from,
        )
        for one in waiting_ones
    )


DECISIONS: dict[type, Callable[[DeskControls, Any, datetime], tuple[Body, ...]]] = {
    Pause: _halt,
    Resume: _resume,
    Delegate: _delegate,
    EndDelegation: _end_delegation,
    BreakGlass: _break_glass,
    ReviewEmergency: _review,
    TripCircuitBreaker: _trip,
    InvitePasskey: _invite_passkey,
    AddPasskey: _add_passkey,
    RemovePasskey: _remove_passkey,
    FallBehind: _fall_behind,
    Acknowledge: _acknowledge,
}


# --- the fold ----------------------------------------------------------------------------------------------------------


def fold_controls(entries: Iterable[Entry], standing: DeskControls | None = None) -> DeskControls:
    """The standing that these entries tell of.

    Raises:
        LedgerBroken: an entry does not follow on what came before, or is not about the desk.
    """
    standing = standing or DeskControls()
    for entry in entries:
        if (
            entry.case_id != DESK_ID
            or entry.version != standing.version + 1
            or type(entry.body) not in FOLDS
        ):
            raise LedgerBroken(
                f"{entry.case_id} entry {entry.version} does not follow {DESK_ID} {standing.version}"
            )
        standing = replace(
            FOLDS[type(entry.body)](standing, entry.body, entry), version=entry.version
        )
    return standing


def _halted(standing: DeskControls, body: e.Paused, entry: Entry) -> DeskControls:
    pause = ActivePause(body.scope, body.reason, entry.actor, body.by_name, entry.at)
    return replace(standing, pauses=(*standing.pauses, pause))


def _resumed(standing: DeskControls, body: e.Resumed, entry: Entry) -> DeskControls:
    return replace(
        standing, pauses=tuple(pause for pause in standing.pauses if pause.scope != body.scope)
    )


def _delegated(standing: DeskControls, body: e.Delegated, entry: Entry) -> DeskControls:
    """A new one for the same two and kind replaces the old; what has ended is forgotten here, not in the ledger."""
    new = body.delegation
    kept = [
        given
        for given in standing.delegations
        if given.ends_at > entry.at
        and (given.giver, given.taker, given.kind) != (new.giver, new.taker, new.kind)
    ]
    return replace(standing, delegations=(*kept, new))


def _delegation_ended(
    standing: DeskControls, body: e.DelegationEnded, entry: Entry
) -> DeskControls:
    ended = (body.giver, body.taker, body.kind)
    kept = tuple(
        given for given in standing.delegations if (given.giver, given.taker, given.kind) != ended
    )
    return replace(standing, delegations=kept)


def _glass_broken(standing: DeskControls, body: e.GlassBroken, entry: Entry) -> DeskControls:
    new = EmergencyApproval(
        body.on_case,
        body.on_revision,
        entry.actor,
        body.by_name,
        body.reason,
        entry.at,
        body.review_by,
    )
    return replace(standing, emergencies=(*standing.emergencies, new))


def _glass_reviewed(standing: DeskControls, body: e.GlassReviewed, entry: Entry) -> DeskControls:
    return replace(
        standing,
        emergencies=tuple(one for one in standing.emergencies if one.case_id != body.on_case),
    )


def _passkey_invited(standing: DeskControls, body: e.PasskeyInvited, entry: Entry) -> DeskControls:
    """A new invitation takes the place of that person's last one; what has run out is forgotten here."""
    kept = [one for one in standing.invitations if one.until > entry.at and one.person != body.to]
    new = Invitation(body.to, body.to_name, body.ticket, body.until)
    return replace(standing, invitations=(*kept, new))


def _passkey_added(standing: DeskControls, body: e.PasskeyAdded, entry: Entry) -> DeskControls:
    kept = tuple(one for one in standing.invitations if one.ticket != body.ticket)
    return replace(standing, invitations=kept, passkeys=(*standing.passkeys, body.passkey))


def _passkey_removed(standing: DeskControls, body: e.PasskeyRemoved, entry: Entry) -> DeskControls:
    return replace(
        standing,
        passkeys=tuple(key for key in standing.passkeys if key.credential != body.credential),
    )


def _ledger_behind(standing: DeskControls, body: e.LedgerBehind, entry: Entry) -> DeskControls:
    found = Rollback(
        size=body.signed_size,
        root=body.signed_root,
        own_size=body.own_size,
        common_size=body.common_size,
        at=entry.at,
    )
    return replace(standing, rollbacks=(*standing.rollbacks, found))


def _ledger_acknowledged(
    standing: DeskControls, body: e.LedgerAcknowledged, entry: Entry
) -> DeskControls:
    named_one = (body.signed_size, body.signed_root)
    return replace(
        standing,
        rollbacks=tuple(
            replace(one, acknowledged_at=entry.at, acknowledged_by=body.by_name)
            if (one.size, one.root) == named_one
            else one
            for one in standing.rollbacks
        ),
    )


FOLDS: dict[type[Body], Callable[[DeskControls, Any, Entry], DeskControls]] = {
    e.Paused: _halted,
    e.Resumed: _resumed,
    e.Delegated: _delegated,
    e.DelegationEnded: _delegation_ended,
    e.GlassBroken: _glass_broken,
    e.GlassReviewed: _glass_reviewed,
    e.PasskeyInvited: _passkey_invited,
    e.PasskeyAdded: _passkey_added,
    e.PasskeyRemoved: _passkey_removed,
    e.LedgerBehind: _ledger_behind,
    e.LedgerAcknowledged: _ledger_acknowledged,
}
