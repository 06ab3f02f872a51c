"""Versions of playbooks in the controls of the desk. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.control_commands import (
    AdoptVersion,
    AdoptVersions,
    BeginTrial,
    BeginVersion,
    EndVersion,
    TakeVersionBack,
    VersionCommand,
)
from bot.cases.controls import DeskControls
from bot.cases.entries import (
    ControlBody,
    Entry,
    VersionAdopted,
    VersionBegun,
    VersionBody,
    VersionEnded,
)
from bot.cases.version_record import (
    MAX_ENDED_VERSIONS,
    KindVersions,
    VersionPhase,
    VersionText,
    WaitingVersion,
)

MAX_REASON_LENGTH = 500
AUTHOR = "Countersign"

# --- decide -----------------------------------------------------------------------------------


def decide(
    controls: DeskControls, command: VersionCommand, now: datetime
) -> tuple[ControlBody, ...]:
    """Find the entries of a command about versions.

    There are none where it is done already.
    """
    match command:
        case BeginVersion():
            return _begin(controls, command)
        case BeginTrial():
            return _begin_trial(controls, command)
        case AdoptVersions(adoptions=adoptions):
            return tuple(_adopt(controls, adoptions))
        case EndVersion():
            return _end(controls, command)
        case TakeVersionBack():
            return _take_back(controls, command, now)
        case _:
            assert_never(command)


def _begin(controls: DeskControls, command: BeginVersion) -> tuple[ControlBody, ...]:
    versions = controls.versions_of(command.kind)
    if versions is None or command.checksum == versions.in_force.checksum:
        return ()
    if versions.waiting is not None and versions.waiting.checksum == command.checksum:
        return ()
    body = VersionBegun(
        kind=command.kind,
        checksum=command.checksum,
        phase=VersionPhase.SHADOW,
        text=command.text,
        reason=command.reason,
    )
    return (body,)


def _begin_trial(controls: DeskControls, command: BeginTrial) -> tuple[ControlBody, ...]:
    waiting = _waiting(controls, command.kind, command.checksum)
    if waiting is None or waiting.phase is VersionPhase.TRIAL:
        return ()
    body = VersionBegun(kind=command.kind, checksum=command.checksum, phase=VersionPhase.TRIAL)
    return (body,)


def _adopt(controls: DeskControls, adoptions: tuple[AdoptVersion, ...]) -> Iterator[ControlBody]:
    for one in adoptions:
        versions = controls.versions_of(one.kind)
        if versions and versions.in_force.checksum == one.checksum:
            continue
        entry = 0 if one.text else _text_entry(versions, one.checksum)
        if not (one.text or entry):
            # Nobody could judge by a version whose text is nowhere.
            continue
        yield VersionAdopted(
            kind=one.kind,
            checksum=one.checksum,
            text=one.text,
            text_entry=entry,
            before=versions.in_force.checksum if versions else "",
            reason=one.reason[:MAX_REASON_LENGTH],
            by_name=one.by_name,
            on_case=one.on_case,
            key=one.key,
            watch_until=one.watch_until,
            former_version=one.former_version,
            is_unreadable=one.is_unreadable,
        )


def _text_entry(versions: KindVersions | None, checksum: str) -> int:
    """Find the entry with the text of a version; zero for none."""
    if versions is None:
        return 0
    for one in (versions.waiting, versions.before, versions.in_force):
        if one is not None and one.checksum == checksum:
            return one.entry
    return 0


def _end(controls: DeskControls, command: EndVersion) -> tuple[ControlBody, ...]:
    if _waiting(controls, command.kind, command.checksum) is None:
        return ()
    body = VersionEnded(
        kind=command.kind,
        checksum=command.checksum,
        reason=command.reason[:MAX_REASON_LENGTH],
        by_name=command.by_name,
        on_case=command.on_case,
        may_return=command.may_return,
    )
    return (body,)


def _take_back(
    controls: DeskControls, command: TakeVersionBack, now: datetime
) -> tuple[ControlBody, ...]:
    """End a trial, or go back while a version is watched."""
    reason = command.reason[:MAX_REASON_LENGTH]
    waiting = _waiting(controls, command.kind, command.checksum)
    if waiting is not None and waiting.phase is VersionPhase.TRIAL:
        end = VersionEnded(
            kind=command.kind,
            checksum=command.checksum,
            reason=reason,
            by_name=AUTHOR,
            on_case=command.on_case,
        )
        return (end,)
    versions = controls.versions_of(command.kind)
    if versions is None or versions.before is None or versions.watch_until is None:
        return ()
    if versions.in_force.checksum != command.checksum or now >= versions.watch_until:
        return ()
    body = VersionAdopted(
        kind=command.kind,
        checksum=versions.before.checksum,
        text_entry=versions.before.entry,
        before=command.checksum,
        reason=reason,
        by_name=AUTHOR,
        on_case=command.on_case,
        former_version=command.checksum,
    )
    return (body,)


def _waiting(controls: DeskControls, kind: str, checksum: str) -> WaitingVersion | None:
    versions = controls.versions_of(kind)
    if versions is None or versions.waiting is None or versions.waiting.checksum != checksum:
        return None
    return versions.waiting


# --- apply ------------------------------------------------------------------------------------


def apply(controls: DeskControls, body: VersionBody, entry: Entry) -> DeskControls:
    """Return the controls after an entry about versions."""
    before = controls.versions_of(body.kind)
    match body:
        case VersionAdopted():
            after: KindVersions | None = _apply_adoption(before, body, entry)
        case VersionBegun():
            after = _apply_beginning(before, body, entry)
        case VersionEnded():
            after = _apply_end(before, body)
        case _:
            assert_never(body)
    if after is None:
        return controls
    others = [one for one in controls.versions if one.kind != body.kind]
    return replace(controls, versions=(*others, after))


def _apply_adoption(
    before: KindVersions | None, body: VersionAdopted, entry: Entry
) -> KindVersions:
    after = KindVersions(
        kind=body.kind,
        in_force=VersionText(body.checksum, body.text_entry or entry.version),
        since=entry.at,
        reason=body.reason,
        by_name=body.by_name,
        on_case=body.on_case,
        key=body.key,
        watch_until=body.watch_until,
    )
    if before is None:
        return after
    is_candidate = before.waiting is not None and before.waiting.checksum == body.checksum
    after = replace(
        after,
        before=before.in_force,
        waiting=None if is_candidate else before.waiting,
        past_candidates=_with_candidate(before.past_candidates, body.former_version),
    )
    if not body.former_version:
        return after
    return replace(after, end_reason=body.reason, ended_on=body.on_case)


def _apply_beginning(
    before: KindVersions | None, body: VersionBegun, entry: Entry
) -> KindVersions | None:
    if before is None:
        return None
    waiting = before.waiting
    if body.phase is VersionPhase.TRIAL and waiting is not None:
        waiting = replace(waiting, phase=body.phase, phase_since=entry.at)
    else:
        waiting = WaitingVersion(
            checksum=body.checksum,
            entry=entry.version,
            phase=body.phase,
            begun_at=entry.at,
            phase_since=entry.at,
        )
    return replace(before, waiting=waiting)


def _apply_end(before: KindVersions | None, body: VersionEnded) -> KindVersions | None:
    if before is None or before.waiting is None:
        return None
    if body.may_return:
        return replace(before, waiting=None)
    return replace(
        before,
        waiting=None,
        past_candidates=_with_candidate(before.past_candidates, body.checksum),
        end_reason=body.reason,
        ended_on=body.on_case,
    )


def _with_candidate(candidates: tuple[str, ...], checksum: str) -> tuple[str, ...]:
    return (*candidates, checksum)[-MAX_ENDED_VERSIONS:] if checksum else candidates
