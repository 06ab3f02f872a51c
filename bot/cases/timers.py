"""Time: wake, remind, escalate and expire."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.case import Case, StatusReason
from bot.cases.commands import Expire, Remind, TimerCommand, Wake
from bot.cases.entries import CaseBody, Entry, Escalated, Expired, Reminded, TimerBody, Woken
from bot.cases.errors import MoveNotAllowed
from bot.cases.lifecycle import State
from bot.cases.sla import MIN_REMINDER_GAP


def decide(case: Case, command: TimerCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entries of what has become due.

    Raises:
        MoveNotAllowed: it is not due yet.
    """
    match command:
        case Wake():
            if case.snoozed_until is None or now < case.snoozed_until:
                raise MoveNotAllowed(f"{case.id} sleeps until {case.snoozed_until}")
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
    if case.escalated:
        return Expired()
    wait = command.decide_for
    if case.verdict and case.state is State.PROPOSED:
        wait = case.verdict.expires_for
    return Escalated(command.next_owner, command.expires_at or now + wait, command.remind_at)


def _decision_deadline(case: Case) -> datetime | None:
    """Find when the present owner's time is over.

    A case without a plan is escalated too, but never ends by itself.
    """
    deadlines = []
    if case.expires_at and case.state is State.PROPOSED:
        deadlines.append(case.expires_at)
    if not case.escalated:
        deadlines.append(case.sla.decide_by)
    return min(deadlines, default=None)


def _remind(case: Case, command: Remind, now: datetime) -> Reminded:
    if case.remind_at is None or now < case.remind_at:
        raise MoveNotAllowed(f"{case.id} is reminded of at {case.remind_at}")
    if case.state not in {State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN}:
        raise MoveNotAllowed(f"cannot remind of a case that is {case.state}")
    return Reminded(case.owner, max(command.next_at, now + MIN_REMINDER_GAP))


def apply(case: Case, body: TimerBody, entry: Entry) -> Case:
    """Return the case after an entry that time has caused."""
    match body:
        case Woken():
            return replace(
                case,
                snoozed_until=None,
                ending=None,
                generation=case.generation + 1,
            )
        case Escalated():
            return _apply_escalation(case, body)
        case Reminded():
            return replace(case, remind_at=body.next_at, reminded=case.reminded + 1)
        case Expired():
            reason = "nobody decided in time; nothing was done"
            return replace(case, ending=StatusReason(entry.at, str(entry.actor), reason))
        case _:
            assert_never(body)


def _apply_escalation(case: Case, body: Escalated) -> Case:
    expires_at = max(case.expires_at, body.expires_at) if case.expires_at else None
    return replace(
        case,
        owner=body.to,
        team=body.to,
        expires_at=expires_at,
        escalated=True,
        remind_at=body.remind_at,
        reminded=0,
    )
