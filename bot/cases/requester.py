"""Requesters: they ask again for a decision, or take their case back."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.cases.case import Case, StatusReason
from bot.cases.commands import Nudge, RequesterCommand, Retract
from bot.cases.entries import CaseBody, Entry, Nudged, RequesterBody, Retracted
from bot.cases.errors import NotEligible, NotNow

NUDGE_INTERVAL = timedelta(hours=4)

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: RequesterCommand, now: datetime) -> tuple[CaseBody, ...]:
    """Find the entry of a command of whoever raised the case.

    Raises:
        Refusal: an expected no, safe to show the person who asked.
    """
    match command:
        case Nudge():
            return (_nudge(case, command, now),)
        case Retract():
            return (_retract(case, command),)
        case _:
            assert_never(command)


def _nudge(case: Case, command: Nudge, now: datetime) -> Nudged:
    again_at = next_nudge_at(case)
    if again_at is not None and now < again_at:
        raise NotNow(f"they were asked again already; the next time is {again_at:%d %b %H:%M} UTC")
    return Nudged(command.by.person.name)


def next_nudge_at(case: Case) -> datetime | None:
    """Return the time of the next nudge; None before the first."""
    if case.timers.nudged_at is None:
        return None
    return case.timers.nudged_at + NUDGE_INTERVAL


def _retract(case: Case, command: Retract) -> Retracted:
    """Refuse to take back what somebody else has raised too."""
    person = command.by.person.id
    principals = {person, *(giver.id for giver in command.by.behalf_of)}
    accounts = command.by.identities.linked_accounts(principals)
    if any(requester.account not in accounts for requester in case.requesters):
        raise NotEligible("somebody else has raised this too, so it stays open")
    return Retracted(command.by.person.name)


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: RequesterBody, entry: Entry) -> Case:
    """Return the case after an entry of whoever raised it."""
    match body:
        case Nudged():
            activity = replace(case.activity, nudge_count=case.activity.nudge_count + 1)
            timers = replace(case.timers, nudged_at=entry.at)
            return replace(case, activity=activity, timers=timers)
        case Retracted():
            # No decision: nobody has judged the plan.
            case = case.with_reason(StatusReason(entry.at, body.by_name, "no longer needed"))
            return replace(case, timers=replace(case.timers, snoozed_until=None))
        case _:
            assert_never(body)
