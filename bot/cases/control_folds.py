"""Apply ledger entries to the controls of the desk. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases import version_decisions
from bot.cases.controls import (
    DESK_ID,
    STAGE_ORDER,
    ActivePause,
    AdoptedRules,
    DeskControls,
    EmergencyApproval,
    RecordedStage,
    Rollback,
)
from bot.cases.entries import (
    ControlBody,
    DataErased,
    DataExpired,
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
    RuleAdopted,
    RuleDoubted,
    RuleEnded,
    RuleProlonged,
    StageChanged,
    StandingRuleBody,
    TokenBody,
    TokenMade,
    TokenRevoked,
    VersionBody,
)
from bot.cases.errors import LedgerBroken
from bot.cases.passkey import Invitation
from bot.cases.standing_rule import StandingRule

PauseBody = Paused | Resumed
DelegationBody = Delegated | DelegationEnded
EmergencyBody = GlassBroken | GlassReviewed
PasskeyBody = PasskeyInvited | PasskeyAdded | PasskeyRemoved
GrantBody = GrantGiven | GrantEnded
LedgerBody = LedgerBehind | LedgerAcknowledged | LedgerKeyRotated | DataErased | DataExpired


def fold_controls(entries: Iterable[Entry], controls: DeskControls | None = None) -> DeskControls:
    """Apply these entries to the controls, or to new ones.

    Raises:
        LedgerBroken: an entry does not follow the one before, or is not about the desk.
    """
    controls = controls or DeskControls()
    for entry in entries:
        body = entry.body
        is_next = entry.case_id == DESK_ID and entry.version == controls.version + 1
        if not is_next or not isinstance(body, ControlBody):
            raise LedgerBroken(
                f"{entry.case_id} entry {entry.version} "
                f"does not follow {DESK_ID} {controls.version}"
            )
        controls = replace(_apply(controls, body, entry), version=entry.version)
    return controls


def _apply(controls: DeskControls, body: ControlBody, entry: Entry) -> DeskControls:
    if isinstance(body, PauseBody):
        return _apply_pause(controls, body, entry)
    if isinstance(body, DelegationBody):
        return _apply_delegation(controls, body, entry)
    if isinstance(body, EmergencyBody):
        return _apply_emergency(controls, body, entry)
    if isinstance(body, PasskeyBody | TokenBody):
        return _apply_credential(controls, body, entry)
    if isinstance(body, StageChanged):
        return _apply_stage(controls, body, entry)
    if isinstance(body, GrantBody):
        return _apply_grant(controls, body, entry)
    if isinstance(body, StandingRuleBody):
        rules = rules_after(controls.standing_rules, body, entry.at)
        return replace(controls, standing_rules=rules)
    if isinstance(body, PolicyAdopted):
        return _apply_adoption(controls, body, entry)
    if isinstance(body, VersionBody):
        return version_decisions.apply(controls, body, entry)
    return _apply_to_ledger(controls, body, entry)


def _apply_credential(
    controls: DeskControls, body: PasskeyBody | TokenBody, entry: Entry
) -> DeskControls:
    if isinstance(body, TokenBody):
        return _apply_token(controls, body)
    return _apply_passkey(controls, body, entry)


def _apply_token(controls: DeskControls, body: TokenBody) -> DeskControls:
    match body:
        case TokenMade():
            return replace(controls, tokens=(*controls.tokens, body.token))
        case TokenRevoked():
            rest = tuple(token for token in controls.tokens if token.id != body.token)
            return replace(controls, tokens=rest)
        case _:
            assert_never(body)


def _apply_pause(controls: DeskControls, body: PauseBody, entry: Entry) -> DeskControls:
    match body:
        case Paused():
            pause = ActivePause(
                scope=body.scope,
                reason=body.reason,
                by=str(entry.actor),
                by_name=body.by_name,
                at=entry.at,
            )
            return replace(controls, pauses=(*controls.pauses, pause))
        case Resumed():
            rest = tuple(pause for pause in controls.pauses if pause.scope != body.scope)
            return replace(controls, pauses=rest)
        case _:
            assert_never(body)


def _apply_delegation(controls: DeskControls, body: DelegationBody, entry: Entry) -> DeskControls:
    match body:
        case Delegated():
            new = body.delegation
            # What has ended is forgotten here, and stays in the ledger.
            rest = [
                delegation
                for delegation in controls.delegations
                if delegation.ends_at > entry.at and delegation.key != new.key
            ]
            return replace(controls, delegations=(*rest, new))
        case DelegationEnded():
            key = (body.giver, body.taker, body.kind)
            others = tuple(one for one in controls.delegations if one.key != key)
            return replace(controls, delegations=others)
        case _:
            assert_never(body)


def _apply_emergency(controls: DeskControls, body: EmergencyBody, entry: Entry) -> DeskControls:
    match body:
        case GlassBroken():
            emergency = EmergencyApproval(
                case_id=body.on_case,
                revision=body.on_revision,
                person=str(entry.actor),
                name=body.by_name,
                reason=body.reason,
                at=entry.at,
                review_by=body.review_by,
            )
            return replace(controls, emergencies=(*controls.emergencies, emergency))
        case GlassReviewed():
            rest = tuple(one for one in controls.emergencies if one.case_id != body.on_case)
            return replace(controls, emergencies=rest)
        case _:
            assert_never(body)


def _apply_passkey(controls: DeskControls, body: PasskeyBody, entry: Entry) -> DeskControls:
    match body:
        case PasskeyInvited():
            return _apply_invitation(controls, body, entry)
        case PasskeyAdded():
            others = tuple(one for one in controls.invitations if one.ticket != body.ticket)
            passkeys = (*controls.passkeys, body.passkey)
            return replace(controls, invitations=others, passkeys=passkeys)
        case PasskeyRemoved():
            rest = tuple(one for one in controls.passkeys if one.credential != body.credential)
            return replace(controls, passkeys=rest)
        case _:
            assert_never(body)


def _apply_invitation(controls: DeskControls, body: PasskeyInvited, entry: Entry) -> DeskControls:
    """Replace the person's last invitation, and forget expired ones."""
    rest = [
        invitation
        for invitation in controls.invitations
        if invitation.until > entry.at and invitation.person != body.to
    ]
    new = Invitation(
        person=body.to,
        name=body.to_name,
        ticket=body.ticket,
        until=body.until,
    )
    return replace(controls, invitations=(*rest, new))


def _apply_stage(controls: DeskControls, body: StageChanged, entry: Entry) -> DeskControls:
    record = RecordedStage(
        kind=body.kind,
        action=body.action,
        stage=body.stage,
        at=entry.at,
        by=str(entry.actor),
        by_name=body.by_name,
        reason=body.reason,
        is_demotion=STAGE_ORDER.index(body.stage) < STAGE_ORDER.index(body.before),
        on_case=body.on_case,
        key=body.key,
        evidence=body.evidence,
    )
    others = [one for one in controls.stages if (one.kind, one.action) != (body.kind, body.action)]
    return replace(controls, stages=(*others, record))


def _apply_grant(controls: DeskControls, body: GrantBody, entry: Entry) -> DeskControls:
    match body:
        case GrantGiven():
            # What is over is forgotten here, and stays in the ledger.
            rest = [grant for grant in controls.grants if grant.until > entry.at]
            return replace(controls, grants=(*rest, body.grant))
        case GrantEnded():
            others = tuple(grant for grant in controls.grants if grant.id != body.grant)
            return replace(controls, grants=others)
        case _:
            assert_never(body)


def rules_after(
    rules: tuple[StandingRule, ...], body: StandingRuleBody, at: datetime
) -> tuple[StandingRule, ...]:
    """Return the standing rules after an entry about one."""
    match body:
        case RuleAdopted():
            return (*rules, body.rule)
        case RuleDoubted():
            return tuple(
                replace(rule, until=body.until, doubt=body.reason) if rule.id == body.rule else rule
                for rule in rules
            )
        case RuleProlonged():
            return tuple(
                replace(rule, until=body.until, renewed_at=at, doubt="")
                if rule.id == body.rule
                else rule
                for rule in rules
            )
        case RuleEnded():
            return tuple(rule for rule in rules if rule.id != body.rule)
        case _:
            assert_never(body)


def _apply_adoption(controls: DeskControls, body: PolicyAdopted, entry: Entry) -> DeskControls:
    rules = AdoptedRules(
        checksum=body.checksum,
        version=entry.version,
        at=entry.at,
        by_name=body.by_name,
        on_case=body.on_case,
        key=body.key,
    )
    return replace(controls, adopted_rules=rules)


def _apply_to_ledger(controls: DeskControls, body: LedgerBody, entry: Entry) -> DeskControls:
    match body:
        case LedgerBehind():
            rollback = Rollback(
                size=body.signed_size,
                root=body.signed_root,
                own_size=body.own_size,
                common_size=body.common_size,
                at=entry.at,
            )
            return replace(controls, rollbacks=(*controls.rollbacks, rollback))
        case LedgerAcknowledged():
            return _apply_acknowledgement(controls, body, entry)
        case LedgerKeyRotated():
            # The checkpoints have the keys; nothing on the desk depends on them.
            return controls
        case DataErased() | DataExpired():
            # It changes what can be read, and nothing that may be done.
            return controls
        case _:
            assert_never(body)


def _apply_acknowledgement(
    controls: DeskControls, body: LedgerAcknowledged, entry: Entry
) -> DeskControls:
    rollbacks = []
    for rollback in controls.rollbacks:
        if (rollback.size, rollback.root) == (body.signed_size, body.signed_root):
            rollback = replace(rollback, acknowledged_at=entry.at, acknowledged_by=body.by_name)
        rollbacks.append(rollback)
    return replace(controls, rollbacks=tuple(rollbacks))
