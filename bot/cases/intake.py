"""Signals on a case: open, count, clear and reopen."""

from dataclasses import replace
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.case import Case, Requester, StatusReason
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
from bot.cases.policy import needs_governance
from bot.cases.steps import drift

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
    if not requester or not command.identities.unknown_accounts([requester]):
        return False
    if case.state is not State.PROPOSED or case.verdict is None:
        return False
    return not needs_governance(case.verdict)


def open_case(entry: Entry) -> Case:
    """Begin a case with its opening.

    Raises:
        LedgerBroken: the first entry of the case is another one.
    """
    body = entry.body
    if not isinstance(body, Opened) or entry.version != 1:
        raise LedgerBroken(f"{entry.case_id} does not begin with its opening")
    requester = body.signal.requester or ""
    return Case(
        id=entry.case_id,
        state=next_state(State.NEW, body.transition),
        version=1,
        revision=0,
        generation=1,
        kind=body.signal.kind,
        fingerprint=body.signal.fingerprint,
        signal=body.signal,
        owner=body.owner,
        channel=body.channel,
        opened_at=entry.at,
        changed_at=entry.at,
        sla=body.sla,
        team=body.owner,
        remind_at=body.sla.remind_at,
        people=(requester,) if is_person(requester) else (),
    )


def apply(case: Case, body: SignalBody, entry: Entry) -> Case:
    """Return the case after an entry about a signal."""
    match body:
        case Recurred():
            return _apply_recurrence(case, body, entry)
        case Cleared():
            ending = StatusReason(entry.at, str(entry.actor), "it went away by itself")
            return replace(case, cleared_at=entry.at, ending=ending, snoozed_until=None)
        case MarkedClear():
            return replace(case, cleared_at=entry.at)
        case Conflicted():
            return replace(case, conflicts=case.conflicts + 1)
        case Reopened():
            return _apply_reopening(case, body)
        case _:
            assert_never(body)


def _apply_recurrence(case: Case, body: Recurred, entry: Entry) -> Case:
    case = replace(case, count=case.count + 1, cleared_at=None)
    account = body.signal.requester
    if not account:
        return case
    if len(case.raised_again) >= MAX_REQUESTERS:
        account = OTHERS
    if any(account == requester.account for requester in case.requesters):
        return case
    return replace(case, raised_again=(*case.raised_again, Requester(account, entry.at)))


def _apply_reopening(case: Case, body: Reopened) -> Case:
    return replace(
        case,
        reopened=body.reason,
        cleared_at=None,
        ending=None,
        approvals=(),
        steps=(),
        drifted=(),
        undo_until=None,
        undoing=False,
        undo_approvals=(),
        generation=case.generation + 1,
    )
