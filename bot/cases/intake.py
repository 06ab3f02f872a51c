"""Signals on a case: open, count, clear and reopen."""

from dataclasses import replace
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.case import (
    Activity,
    Case,
    Classification,
    Execution,
    Requester,
    StatusReason,
    Timers,
)
from bot.cases.commands import Clear, Recur, SignalCommand
from bot.cases.entries import (
    CaseBody,
    Cleared,
    Conflicted,
    Entry,
    MarkedClear,
    Opened,
    Recurred,
    Reopened,
    SignalBody,
)
from bot.cases.errors import LedgerBroken
from bot.cases.lifecycle import WAITING, State, next_state
from bot.cases.program import program_of_source
from bot.cases.steps import drift
from bot.cases.verdict import needs_governance

# So many people who raised it again are kept by name. Everybody after them is one unknown
# account, so that the case counts as raised by a stranger.
MAX_REQUESTERS = 100
OTHERS = "*"


def decide(case: Case, command: SignalCommand) -> tuple[CaseBody, ...]:
    """Find the entries of a signal on a case that is there."""
    match command:
        case Recur():
            return _recur(case, command)
        case Clear(signal):
            return (Cleared(signal),) if case.state in WAITING else (MarkedClear(signal),)
        case _:
            assert_never(command)


def _recur(case: Case, command: Recur) -> tuple[CaseBody, ...]:
    recurrence = Recurred(command.signal)
    if command.reopen:
        return recurrence, Reopened(f"it came back: {command.signal.title}")
    if _needs_governance(case, command):
        return recurrence, drift("somebody who is not known here has raised it too")
    return (recurrence,)


def _needs_governance(case: Case, command: Recur) -> bool:
    """Tell whether the governance owners must approve now.

    They must when a stranger raises it too.
    """
    requester = command.signal.requester
    if requester == command.signal.source and program_of_source(requester):
        # A declared program that has signed in is no stranger.
        return False
    if not requester or not command.identities.unknown_accounts([requester]):
        return False
    if case.state is not State.PROPOSED or case.proposal.verdict is None:
        return False
    return not needs_governance(case.proposal.verdict)


def open_case(entry: Entry) -> Case:
    """Begin a case with its opening.

    Raises:
        LedgerBroken: the first entry of the case is another one.
    """
    body = entry.body
    if not isinstance(body, Opened) or entry.version != 1:
        raise LedgerBroken(f"{entry.case_id} does not begin with its opening")
    accounts = (body.signal.requester or "", *body.signal.principals)
    return Case(
        id=entry.case_id,
        state=next_state(State.NEW, body.transition),
        version=1,
        generation=1,
        kind=body.signal.kind,
        signal=body.signal,
        owner=body.owner,
        team=body.owner,
        channel=body.channel,
        timers=Timers(
            opened_at=entry.at,
            changed_at=entry.at,
            sla=body.sla,
            remind_at=body.sla.remind_at,
        ),
        activity=Activity(people=tuple(filter(is_person, accounts))),
        classification=Classification(probe=body.probe),
    )


def apply(case: Case, body: SignalBody, entry: Entry) -> Case:
    """Return the case after an entry about a signal."""
    match body:
        case Recurred():
            return _apply_recurrence(case, body, entry)
        case Cleared():
            reason = StatusReason(entry.at, str(entry.actor), "it went away by itself")
            timers = replace(case.timers, cleared_at=entry.at, snoozed_until=None)
            return replace(case.with_reason(reason), timers=timers)
        case MarkedClear():
            return replace(case, timers=replace(case.timers, cleared_at=entry.at))
        case Conflicted():
            conflict_count = case.activity.conflict_count + 1
            return replace(case, activity=replace(case.activity, conflict_count=conflict_count))
        case Reopened():
            return _apply_reopening(case, body)
        case _:
            assert_never(body)


def _apply_recurrence(case: Case, body: Recurred, entry: Entry) -> Case:
    activity = replace(case.activity, signal_count=case.activity.signal_count + 1)
    account = body.signal.requester
    if account and len(activity.later_requesters) >= MAX_REQUESTERS:
        account = OTHERS
    accounts = [requester.account for requester in case.requesters]
    if account and account not in accounts:
        requesters = (*activity.later_requesters, Requester(account, entry.at))
        activity = replace(activity, later_requesters=requesters)
    return replace(case, timers=replace(case.timers, cleared_at=None), activity=activity)


def _apply_reopening(case: Case, body: Reopened) -> Case:
    activity = replace(
        case.activity,
        reopening_reason=body.reason,
        status_reason=None,
        drift_reasons=(),
    )
    return replace(
        case,
        generation=case.generation + 1,
        timers=replace(case.timers, cleared_at=None),
        proposal=replace(case.proposal, approvals=()),
        execution=Execution(),
        activity=activity,
    )
