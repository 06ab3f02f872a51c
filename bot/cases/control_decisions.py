"""Decide what a command does to the controls of the desk. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.cases import token_decisions, version_decisions
from bot.cases.actor import DESK, Actor, Surface
from bot.cases.approval import is_colleague
from bot.cases.caller import Caller
from bot.cases.control_commands import (
    Acknowledge,
    AddPasskey,
    AdoptRules,
    BreakGlass,
    ChangeStage,
    ControlCommand,
    Delegate,
    DelegationCommand,
    EmergencyCommand,
    EndDelegation,
    EndGrants,
    FallBehind,
    GiveGrant,
    GrantCommand,
    InvitePasskey,
    LedgerCommand,
    OwnCommand,
    PasskeyCommand,
    Pause,
    PauseCommand,
    RecordKeyRotation,
    RemovePasskey,
    Resume,
    ReviewEmergency,
    StageCommand,
    StandingRuleCommand,
    StopGrant,
    Supervise,
    TakeStageBack,
    TokenCommand,
    TripCircuitBreaker,
    VersionCommand,
)
from bot.cases.control_folds import fold_controls
from bot.cases.controls import BEHIND, DESK_ID, EVERYTHING, DeskControls, scope_text
from bot.cases.delegation import MAX_DELEGATION, Delegation
from bot.cases.entries import (
    ControlBody,
    Delegated,
    DelegationEnded,
    Entry,
    GlassBroken,
    GlassReviewed,
    GrantEnded,
    GrantGiven,
    LedgerAcknowledged,
    LedgerBehind,
    LedgerKeyRotated,
    PasskeyAdded,
    PasskeyInvited,
    PasskeyRemoved,
    Paused,
    PolicyAdopted,
    Resumed,
    StageChanged,
)
from bot.cases.errors import BadRequest, NotEligible, TooLate
from bot.cases.grant import MAX_GRANT_COUNT, MAX_GRANT_TIME
from bot.cases.granting import may_stop
from bot.cases.passkey import INVITATION_IS_OVER, INVITATION_LIFETIME, find_live_link
from bot.cases.policy import Stage
from bot.cases.standing_rule_decisions import decide_standing_rule, rules_end_with

MAY_NOT_PAUSE = "only those who decide cases here may pause; ask one of them"
MAY_NOT_DELEGATE = "you decide nothing here that somebody could stand in for"
MAX_REASON_LENGTH = 500
UNFIT = "is a guest, from outside, deactivated or an app"


@dataclass(frozen=True, slots=True)
class ControlDecision:
    """The entries of a command, and the controls after them."""

    entries: tuple[Entry, ...]
    controls: DeskControls


def decide_controls(
    controls: DeskControls, command: ControlCommand, now: datetime
) -> ControlDecision:
    """Judge a command on these controls, and make its entries.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    bodies = _find_bodies(controls, command, now)
    actor, surface = _author(command)
    entries = tuple(
        Entry(
            case_id=DESK_ID,
            version=version,
            revision=0,
            at=now,
            actor=actor,
            surface=surface,
            body=body,
        )
        for version, body in enumerate(bodies, start=controls.version + 1)
    )
    return ControlDecision(entries, fold_controls(entries, controls))


def _author(command: ControlCommand) -> tuple[Actor, Surface]:
    """Find whom the ledger records as the author, and where they acted."""
    if isinstance(command, OwnCommand):
        return DESK, Surface.DESK
    return command.by.actor, command.by.surface


def _find_bodies(
    controls: DeskControls, command: ControlCommand, now: datetime
) -> tuple[ControlBody, ...]:
    if isinstance(command, PauseCommand):
        return _decide_pause(controls, command)
    if isinstance(command, DelegationCommand):
        return (_decide_delegation(controls, command, now),)
    if isinstance(command, EmergencyCommand):
        return (_decide_emergency(controls, command, now),)
    if isinstance(command, PasskeyCommand | TokenCommand):
        return (_decide_credential(controls, command, now),)
    if isinstance(command, StageCommand):
        return _decide_stage(controls, command)
    if isinstance(command, GrantCommand):
        return _decide_grant(controls, command, now)
    if isinstance(command, StandingRuleCommand):
        return decide_standing_rule(controls, command, now)
    if isinstance(command, AdoptRules):
        return _adopt_rules(controls, command)
    if isinstance(command, VersionCommand):
        return version_decisions.decide(controls, command, now)
    return _decide_on_ledger(controls, command)


# --- pauses -----------------------------------------------------------------------------------


def _decide_pause(controls: DeskControls, command: PauseCommand) -> tuple[ControlBody, ...]:
    match command:
        case Pause():
            return (_pause(controls, command),)
        case Resume():
            return (_resume(controls, command),)
        case TripCircuitBreaker():
            return _trip(controls, command)
        case _:
            assert_never(command)


def _pause(controls: DeskControls, command: Pause) -> Paused:
    """Pause on the word of anybody who decides cases: stopping is easy."""
    by = command.by
    decides = by.person.id in by.deciders | by.governors
    if not decides or not is_colleague(by.person):
        raise NotEligible(MAY_NOT_PAUSE)
    reason = command.reason.strip()
    if not reason:
        raise BadRequest("say why; everyone will see it", field="reason")
    if _is_paused(controls, command.scope):
        raise TooLate(f"{scope_text(command.scope)} is paused already")
    return Paused(command.scope, reason[:MAX_REASON_LENGTH], by.person.name)


def _is_paused(controls: DeskControls, scope: str) -> bool:
    return any(pause.scope == scope for pause in controls.pauses)


def _resume(controls: DeskControls, command: Resume) -> Resumed:
    """Resume on the word of a governance owner only."""
    if not _is_paused(controls, command.scope):
        if controls.is_behind and command.scope == EVERYTHING:
            raise NotEligible(f"{BEHIND}: `countersign ledger acknowledge`")
        raise TooLate(f"{scope_text(command.scope)} is not paused")
    if not _governs(command.by) or not is_colleague(command.by.person):
        raise NotEligible("only the governance owners may let it go on")
    return Resumed(command.scope, command.by.person.name)


def _governs(by: Caller) -> bool:
    return by.person.id in by.governors


def _trip(controls: DeskControls, command: TripCircuitBreaker) -> tuple[ControlBody, ...]:
    scope = f"action:{command.action}"
    if _is_paused(controls, scope):
        return ()
    return (Paused(scope, command.reason[:MAX_REASON_LENGTH], "Countersign"),)


# --- delegations ------------------------------------------------------------------------------


def _decide_delegation(
    controls: DeskControls, command: DelegationCommand, now: datetime
) -> ControlBody:
    match command:
        case Delegate():
            return _delegate(command, now)
        case EndDelegation():
            return _end_delegation(controls, command, now)
        case _:
            assert_never(command)


def _delegate(command: Delegate, now: datetime) -> Delegated:
    giver, taker = command.by.person, command.to
    if command.by.identities.is_same_person(giver.id, taker.id):
        raise BadRequest("choose somebody else to stand in", field="to")
    if giver.id not in command.by.deciders or not is_colleague(giver):
        raise NotEligible(MAY_NOT_DELEGATE)
    if not is_colleague(taker):
        raise BadRequest(f"{taker.name} {UNFIT}, and cannot stand in", field="to")
    begins_at = max(command.begins_at, now)
    if not begins_at < command.ends_at <= begins_at + MAX_DELEGATION:
        raise BadRequest(f"choose an end within {MAX_DELEGATION.days} days", field="until")
    delegation = Delegation(
        giver=giver.id,
        giver_name=giver.name,
        taker=taker.id,
        taker_name=taker.name,
        kind=command.kind,
        begins_at=begins_at,
        ends_at=command.ends_at,
    )
    return Delegated(delegation)


def _end_delegation(
    controls: DeskControls, command: EndDelegation, now: datetime
) -> DelegationEnded:
    if command.by.person.id not in {command.giver, command.taker, *command.by.governors}:
        raise NotEligible("only the two of them, or the governance owners, may end this")
    key = (command.giver, command.taker, command.kind)
    live_keys = [one.key for one in controls.delegations if one.ends_at > now]
    if key not in live_keys:
        raise TooLate("this has ended already")
    return DelegationEnded(
        giver=command.giver,
        taker=command.taker,
        kind=command.kind,
        by_name=command.by.person.name,
    )


# --- emergencies ------------------------------------------------------------------------------


def _decide_emergency(
    controls: DeskControls, command: EmergencyCommand, now: datetime
) -> ControlBody:
    match command:
        case BreakGlass():
            return _break_glass(controls, command, now)
        case ReviewEmergency():
            return _review(controls, command)
        case _:
            assert_never(command)


def _break_glass(controls: DeskControls, command: BreakGlass, now: datetime) -> GlassBroken:
    """Let a member of the emergency group through.

    Everybody has at most one unreviewed emergency.
    """
    person = command.by.person
    if not command.group:
        raise NotEligible("policy names nobody who may do this alone")
    members = command.groups.get(command.group, frozenset())
    if person.id not in members or not is_colleague(person):
        raise NotEligible(f"only @{command.group} may do this alone")
    reason = command.reason.strip()
    if not reason:
        raise BadRequest("say why it cannot wait; it is read afterwards", field="reason")
    for emergency in controls.emergencies:
        if command.by.identities.is_same_person(emergency.person, person.id):
            raise TooLate(
                f"what you let through for {emergency.case_id} has not been looked at yet"
            )
    return GlassBroken(
        on_case=command.case_id,
        on_revision=command.revision,
        by_name=person.name,
        reason=reason[:MAX_REASON_LENGTH],
        review_by=now + command.review_for,
    )


def _review(controls: DeskControls, command: ReviewEmergency) -> GlassReviewed:
    emergencies = [one for one in controls.emergencies if one.case_id == command.case_id]
    if not emergencies:
        raise TooLate(f"nothing of {command.case_id} waits to be looked at")
    by, voter = command.by, emergencies[0].person
    if not _governs(by) or by.identities.is_same_person(by.person.id, voter):
        raise NotEligible("another governance owner must look at it")
    note = command.note.strip()
    if not note:
        raise BadRequest("say what you found", field="note")
    return GlassReviewed(command.case_id, note[:MAX_REASON_LENGTH], by.person.name)


# --- passkeys ---------------------------------------------------------------------------------


def _decide_credential(
    controls: DeskControls, command: PasskeyCommand | TokenCommand, now: datetime
) -> ControlBody:
    if isinstance(command, TokenCommand):
        return token_decisions.decide(controls, command)
    return _decide_passkey(controls, command, now)


def _decide_passkey(controls: DeskControls, command: PasskeyCommand, now: datetime) -> ControlBody:
    match command:
        case InvitePasskey():
            return _invite(command, now)
        case AddPasskey():
            return _add_passkey(controls, command, now)
        case RemovePasskey():
            return _remove_passkey(controls, command)
        case _:
            assert_never(command)


def _invite(command: InvitePasskey, now: datetime) -> PasskeyInvited:
    person = command.to
    if not is_colleague(person):
        raise BadRequest(f"{person.name} {UNFIT}, and approves nothing")
    return PasskeyInvited(
        to=person.id,
        to_name=person.name,
        ticket=command.ticket,
        until=now + INVITATION_LIFETIME,
    )


def _add_passkey(controls: DeskControls, command: AddPasskey, now: datetime) -> PasskeyAdded:
    invitation = find_live_link(controls.invitations, command.ticket, now)
    if invitation is None or invitation.person != command.passkey.person:
        raise TooLate(INVITATION_IS_OVER)
    credential = command.passkey.credential
    if any(passkey.credential == credential for passkey in controls.passkeys):
        raise TooLate("this passkey is known already")
    return PasskeyAdded(command.passkey, command.ticket)


def _remove_passkey(controls: DeskControls, command: RemovePasskey) -> PasskeyRemoved:
    prefix = command.credential
    passkeys = [one for one in controls.passkeys if prefix and one.credential.startswith(prefix)]
    if len(passkeys) != 1:
        raise BadRequest(
            f"{len(passkeys)} passkeys begin with {prefix[:50]!r}; see `countersign passkey list`"
        )
    return PasskeyRemoved(passkeys[0].credential, passkeys[0].person)


# --- the ledger -------------------------------------------------------------------------------


def _decide_on_ledger(controls: DeskControls, command: LedgerCommand) -> tuple[ControlBody, ...]:
    match command:
        case FallBehind():
            return _fall_behind(controls, command)
        case Acknowledge():
            return _acknowledge(controls, command)
        case RecordKeyRotation():
            body = LedgerKeyRotated(
                old_key=command.old_key, new_key=command.new_key, by_name=command.by.person.name
            )
            return (body,)
        case _:
            assert_never(command)


def _fall_behind(controls: DeskControls, command: FallBehind) -> tuple[ControlBody, ...]:
    """Write each rollback once, however many processes notice it."""
    checkpoints = [(rollback.size, rollback.root) for rollback in controls.rollbacks]
    if (command.size, command.root) in checkpoints:
        return ()
    body = LedgerBehind(
        signed_size=command.size,
        signed_root=command.root,
        own_size=command.own_size,
        common_size=command.common_size,
        numbers_from=command.numbers_from,
    )
    return (body,)


def _acknowledge(controls: DeskControls, command: Acknowledge) -> tuple[ControlBody, ...]:
    rollbacks = controls.unacknowledged_rollbacks
    if not rollbacks:
        raise TooLate("the ledger grows from what was signed; there is nothing to acknowledge")
    note = command.note.strip()[:MAX_REASON_LENGTH]
    if not note:
        raise BadRequest("say what you compared, and with what; it is in the record", field="note")
    return tuple(
        LedgerAcknowledged(
            signed_size=rollback.size,
            signed_root=rollback.root,
            note=note,
            by_name=command.by.person.name,
            numbers_from=command.numbers_from,
        )
        for rollback in rollbacks
    )


# --- stages -----------------------------------------------------------------------------------


def _decide_stage(controls: DeskControls, command: StageCommand) -> tuple[ControlBody, ...]:
    match command:
        case ChangeStage():
            return _change_stage(controls, command)
        case TakeStageBack():
            return _take_stage_back(controls, command)
        case Supervise():
            return _supervise(controls, command)
        case _:
            assert_never(command)


def _change_stage(controls: DeskControls, command: ChangeStage) -> tuple[ControlBody, ...]:
    """Record an approved stage, once for each step that does it."""
    record = controls.recorded_stage(command.kind, command.action)
    if record is not None and record.key == command.key:
        return ()
    before = record.stage if record else command.initial
    body = StageChanged(
        kind=command.kind,
        action=command.action,
        stage=command.stage,
        before=before,
        reason=command.reason[:MAX_REASON_LENGTH],
        by_name=command.by_name,
        on_case=command.on_case,
        key=command.key,
        evidence=command.evidence,
    )
    return (body,)


def _take_stage_back(controls: DeskControls, command: TakeStageBack) -> tuple[ControlBody, ...]:
    """Let it ask from now on; what asks already stays so."""
    record = controls.recorded_stage(command.kind, command.action)
    if record is None and not command.is_alone:
        return ()
    if record is not None and record.stage is not Stage.AUTONOMOUS:
        return ()
    body = StageChanged(
        kind=command.kind,
        action=command.action,
        stage=Stage.SUPERVISED,
        before=Stage.AUTONOMOUS,
        reason=command.reason[:MAX_REASON_LENGTH],
        by_name="Countersign",
        on_case=command.on_case,
    )
    rules = [
        rule
        for rule in controls.standing_rules
        if rule.kind == command.kind and command.action in rule.actions
    ]
    return (body, *rules_end_with(rules, reason=command.reason, on_case=command.on_case))


def _supervise(controls: DeskControls, command: Supervise) -> tuple[ControlBody, ...]:
    """Take stages back on the word of anybody who decides cases."""
    by = command.by
    decides = by.person.id in by.deciders | by.governors
    if not decides or not is_colleague(by.person):
        raise NotEligible("only those who decide cases here may do this; ask one of them")
    reason = command.reason.strip()
    if not reason:
        raise BadRequest("say why; everyone will see it", field="reason")
    records = [
        record
        for record in controls.stages
        if record.kind == command.kind and record.stage is Stage.AUTONOMOUS
    ]
    rules = [rule for rule in controls.standing_rules if rule.kind == command.kind]
    if not records and not rules:
        raise TooLate("nothing of it runs without a person")
    stages = tuple(
        StageChanged(
            kind=record.kind,
            action=record.action,
            stage=Stage.SUPERVISED,
            before=record.stage,
            reason=reason[:MAX_REASON_LENGTH],
            by_name=by.person.name,
        )
        for record in records
    )
    return (*stages, *rules_end_with(rules, reason=reason, by_name=by.person.name))


# --- grants -----------------------------------------------------------------------------------


def _decide_grant(
    controls: DeskControls, command: GrantCommand, now: datetime
) -> tuple[ControlBody, ...]:
    match command:
        case GiveGrant():
            return (_give_grant(controls, command, now),)
        case StopGrant():
            return (_stop_grant(controls, command, now),)
        case EndGrants():
            return _end_grants(controls, command, now)
        case _:
            assert_never(command)


def _give_grant(controls: DeskControls, command: GiveGrant, now: datetime) -> GrantGiven:
    """Give it an id, after its case and entry."""
    grant = command.grant
    if not 1 <= grant.max_count <= MAX_GRANT_COUNT:
        raise BadRequest(f"choose a number from 1 to {MAX_GRANT_COUNT}", field="count")
    if not now < grant.until <= now + MAX_GRANT_TIME:
        hours = MAX_GRANT_TIME.total_seconds() / 3600
        raise BadRequest(f"choose an end within {hours:.0f} hours", field="until")
    same = (grant.giver, grant.kind, grant.action)
    for other in controls.grants:
        if (other.giver, other.kind, other.action) == same and now < other.until:
            raise TooLate("you have approved the next ones already; stop that first, on Home")
    return GrantGiven(replace(grant, id=f"{grant.on_case}/{controls.version + 1}"))


def _stop_grant(controls: DeskControls, command: StopGrant, now: datetime) -> GrantEnded:
    """Stop it on the word of anybody who decides cases."""
    by = command.by
    grant = controls.grant(command.grant_id)
    if grant is None or now >= grant.until:
        raise TooLate("this has ended already")
    if not may_stop(by, grant):
        raise NotEligible("only those who decide cases here may stop this; ask one of them")
    return GrantEnded(grant=grant.id, reason="stopped", by_name=by.person.name)


def _end_grants(
    controls: DeskControls, command: EndGrants, now: datetime
) -> tuple[ControlBody, ...]:
    return tuple(
        GrantEnded(
            grant=grant.id,
            reason=command.reason[:MAX_REASON_LENGTH],
            by_name="Countersign",
            on_case=command.on_case,
        )
        for grant in controls.grants
        if (grant.kind, grant.action) == (command.kind, command.action) and now < grant.until
    )


# --- rules ------------------------------------------------------------------------------------


def _adopt_rules(controls: DeskControls, command: AdoptRules) -> tuple[ControlBody, ...]:
    """Put rules in force, once for each step."""
    last = controls.adopted_rules
    if last is None:
        if command.key:
            return ()
    elif command.key in {"", last.key}:
        return ()
    body = PolicyAdopted(
        checksum=command.record.checksum,
        record=command.record,
        before="",
        before_version=0,
        by_name=command.by_name,
        on_case=command.on_case,
        key=command.key,
    )
    if last is not None:
        body = replace(body, before=last.checksum, before_version=last.version)
    return (body,)
