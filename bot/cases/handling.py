"""Handling by people: from rejecting a plan to resolving by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.cases.case import Case, StatusReason
from bot.cases.commands import (
    Claim,
    Edit,
    HandlingCommand,
    HandOver,
    Reject,
    Resolve,
    Snooze,
    TryAgain,
    WakeEarly,
)
from bot.cases.entries import (
    AttemptRefused,
    CaseBody,
    Claimed,
    Edited,
    Entry,
    HandedOver,
    HandlingBody,
    Rejected,
    RejectReason,
    Resolution,
    Resolved,
    RetriageAsked,
    Snoozed,
    WokenEarly,
)
from bot.cases.errors import BadRequest, TooLate
from bot.cases.review import RunReview
from bot.cases.steps import return_to_triage
from bot.cases.timers import end_snooze
from bot.cases.triage import must_follow
from bot.cases.verdict import Ruling
from bot.cases.votes import must_be_open, shorten_note

MAX_SNOOZE = timedelta(days=30)

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: HandlingCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of a person's handling.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    name = command.by.person.name
    match command:
        case Reject():
            return (_reject(command, name),)
        case Edit():
            return (_edit(case, command, now),)
        case HandOver():
            return (_hand_over(case, command),)
        case Claim():
            return (_claim(case, command),)
        case Snooze():
            return (_snooze(command, now),)
        case WakeEarly():
            return (WokenEarly(name),)
        case Resolve():
            return (_resolve(command, name),)
        case TryAgain():
            return (RetriageAsked(name),)
        case _:
            assert_never(command)


def _reject(command: Reject, name: str) -> Rejected:
    if command.reason is RejectReason.OTHER and not command.note.strip():
        raise BadRequest("say in a few words why", field="note")
    return Rejected(command.reason, shorten_note(command.note), name)


def _edit(case: Case, command: Edit, now: datetime) -> Edited:
    must_be_open(case, now)
    if not command.changes:
        raise BadRequest("nothing was changed")
    must_follow(case, command.plan)
    if command.verdict.ruling is Ruling.REFUSE:
        raise BadRequest(f"policy does not allow it: {command.verdict.reason}")
    return Edited(
        plan=command.plan,
        verdict=command.verdict,
        changes=command.changes,
        by_name=command.by.person.name,
        expires_at=command.expires_at or now + command.verdict.expires_for,
    )


def _hand_over(case: Case, command: HandOver) -> HandedOver:
    if not command.to:
        raise BadRequest("name who takes over", field="to")
    if command.to == command.by.person.id:
        raise BadRequest(
            "choose somebody else; to take it on yourself, say so on its card", field="to"
        )
    if command.to == case.owner:
        raise BadRequest("it is theirs already", field="to")
    progress, remains = command.progress.strip(), command.remains.strip()
    if not progress:
        raise BadRequest("say what is done", field="done")
    if not remains:
        raise BadRequest("say what is open", field="remains")
    note = shorten_note(f"Done: {progress} Open: {remains}")
    return HandedOver(command.to, note, command.by.person.name)


def _claim(case: Case, command: Claim) -> Claimed:
    if case.owner == command.by.person.id:
        raise TooLate("it is yours already")
    return Claimed(command.by.person.name)


def _snooze(command: Snooze, now: datetime) -> Snoozed:
    if not now < command.until <= now + MAX_SNOOZE:
        raise BadRequest(f"snooze until a time within {MAX_SNOOZE.days} days", field="until")
    return Snoozed(command.until, shorten_note(command.reason), command.by.person.name)


def _resolve(command: Resolve, name: str) -> Resolved:
    if not command.note.strip():
        raise BadRequest("say what was done", field="note")
    return Resolved(
        resolution=Resolution.BY_HAND,
        note=shorten_note(command.note),
        by_name=name,
    )


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: HandlingBody, entry: Entry) -> Case:
    """Return the case after an entry of a person's handling."""
    match body:
        case Rejected():
            return _apply_rejection(case, body, entry)
        case Edited():
            return _apply_edit(case, body, entry)
        case HandedOver():
            return _apply_hand_over(case, body)
        case Claimed():
            return replace(case, owner=str(entry.actor))
        case Snoozed() | WokenEarly():
            return _apply_snooze(case, body, entry)
        case Resolved():
            return _apply_resolution(case, body, entry)
        case RetriageAsked():
            return return_to_triage(case, (f"{body.by_name} asked to look again",))
        case AttemptRefused():
            refusal_count = case.activity.refusal_count + 1
            return replace(case, activity=replace(case.activity, refusal_count=refusal_count))
        case _:
            assert_never(body)


def _apply_hand_over(case: Case, body: HandedOver) -> Case:
    # A person takes it on for the group that has it.
    team = case.team if "/" in body.to else body.to
    return replace(case, owner=body.to, team=team)


def _apply_rejection(case: Case, body: Rejected, entry: Entry) -> Case:
    reason = StatusReason(
        at=entry.at,
        by=body.by_name,
        reason=body.reason.description,
        note=body.note,
    )
    case = case.with_reason(reason).with_decision(entry.at)
    return replace(case, timers=replace(case.timers, snoozed_until=None))


def _apply_snooze(case: Case, body: Snoozed | WokenEarly, entry: Entry) -> Case:
    if isinstance(body, WokenEarly):
        return end_snooze(case)
    return replace(
        case.with_reason(StatusReason(entry.at, body.by_name, body.reason)),
        timers=replace(case.timers, snoozed_until=body.until),
        proposal=replace(case.proposal, approvals=()),
    )


def _apply_edit(case: Case, body: Edited, entry: Entry) -> Case:
    proposal = replace(
        case.proposal,
        revision=entry.revision,
        plan=body.plan,
        verdict=body.verdict,
        editors=(*case.proposal.editors, str(entry.actor)),
        changes=body.changes,
        approvals=(),
        step_ups=(),
        expires_at=body.expires_at,
    )
    return replace(case, proposal=proposal)


def _apply_resolution(case: Case, body: Resolved, entry: Entry) -> Case:
    reason = StatusReason(
        at=entry.at,
        by=body.by_name,
        reason=body.resolution,
        note=body.note,
    )
    review = RunReview(one_in=body.review_one_in) if body.review_one_in else None
    if review != case.activity.review:
        case = replace(case, activity=replace(case.activity, review=review))
    return replace(
        case.with_reason(reason).with_decision(entry.at),
        execution=replace(case.execution, undo_until=body.undo_until, undo_approvals=()),
    )
