"""Time: wake, remind, escalate and expire."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.case import Case, StatusReason
from bot.cases.commands import Expire, Remind, TimerCommand, Wake
from bot.cases.entries import CaseBody, Entry, Escalated, Expired, Reminded, TimerBody, Woken
from bot.cases.errors import MoveNotAllowed
from bot.cases.lifecycle import WAITING_ON_PEOPLE, State
from bot.cases.program_request import is_request
from bot.cases.sla import MIN_REMINDER_GAP


def decide(case: Case, command: TimerCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of what has become due.

    Raises:
        MoveNotAllowed: it is not due yet.
    """
    match command:
        case Wake():
            if case.timers.snoozed_until is None or now < case.timers.snoozed_until:
                raise MoveNotAllowed(f"{case.id} sleeps until {case.timers.snoozed_until}")
            return (Woken(),)
        case Expire():
            return (_expire(case, command, now),)
        case Remind():
            return (_remind(case, command, now),)
        case _:
            assert_never(command)


def _expire(case: Case, command: Expire, now: datetime) -> Escalated | Expired:
    """Escalate once, then end the case. Expiry never approves anything."""
    until = _decision_deadline(case)
    if until is None or now < until:
        raise MoveNotAllowed(f"{case.id} has until {until}")
    is_over = case.proposal.expires_at is not None and now >= case.proposal.expires_at
    if case.timers.is_escalated or (is_over and is_request(case)):
        return Expired()
    if is_request(case) and case.proposal.expires_at:
        # A program was told until when it is decided: that is kept.
        return Escalated(command.next_owner, case.proposal.expires_at, command.remind_at)
    wait = command.decide_for
    if case.proposal.verdict and case.state is State.PROPOSED:
        wait = case.proposal.verdict.expires_for
    return Escalated(command.next_owner, command.expires_at or now + wait, command.remind_at)


def _decision_deadline(case: Case) -> datetime | None:
    """Find when the present owner's time is over.

    A case without a plan is escalated too, but never ends by itself.
    """
    deadlines = []
    if case.proposal.expires_at and case.state is State.PROPOSED:
        deadlines.append(case.proposal.expires_at)
    if not case.timers.is_escalated:
        deadlines.append(case.timers.sla.decide_by)
    return min(deadlines, default=None)


def _remind(case: Case, command: Remind, now: datetime) -> Reminded:
    if case.timers.remind_at is None or now < case.timers.remind_at:
        raise MoveNotAllowed(f"{case.id} is reminded of at {case.timers.remind_at}")
    if case.state not in WAITING_ON_PEOPLE:
        raise MoveNotAllowed(f"cannot remind of a case that {case.state.predicate}")
    return Reminded(case.owner, max(command.next_at, now + MIN_REMINDER_GAP))


def apply(case: Case, body: TimerBody, entry: Entry) -> Case:
    """Return the case after an entry that time has caused."""
    match body:
        case Woken():
            return end_snooze(case)
        case Escalated():
            return _apply_escalation(case, body)
        case Reminded():
            return _apply_reminder(case, body)
        case Expired():
            reason = "nobody decided in time; nothing was done"
            return case.with_reason(StatusReason(entry.at, str(entry.actor), reason))
        case _:
            assert_never(body)


def end_snooze(case: Case) -> Case:
    """Begin again on a fresh card."""
    return replace(
        case.with_reason(None),
        generation=case.generation + 1,
        timers=replace(case.timers, snoozed_until=None),
    )


def _apply_escalation(case: Case, body: Escalated) -> Case:
    proposal = case.proposal
    if proposal.expires_at:
        proposal = replace(proposal, expires_at=max(proposal.expires_at, body.expires_at))
    timers = replace(
        case.timers,
        is_escalated=True,
        remind_at=body.remind_at,
        reminder_count=0,
    )
    return replace(
        case,
        owner=body.to,
        team=body.to,
        timers=timers,
        proposal=proposal,
    )


def _apply_reminder(case: Case, body: Reminded) -> Case:
    reminder_count = case.timers.reminder_count + 1
    timers = replace(case.timers, remind_at=body.next_at, reminder_count=reminder_count)
    return replace(case, timers=timers)
