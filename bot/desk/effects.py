"""The outbox messages that follow from entries.

It is pure: a commit and its effects are one decision.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from bot.cases.case import Case
from bot.cases.decide import Decision
from bot.cases.entries import (
    ApprovalGiven,
    AttemptRefused,
    Authorised,
    Body,
    Claimed,
    Cleared,
    Conflicted,
    Drifted,
    Edited,
    Entry,
    Escalated,
    Expired,
    HandedOver,
    MarkedClear,
    Named,
    Novel,
    Opened,
    Parked,
    Rejected,
    Reminded,
    Reopened,
    Resolution,
    Resolved,
    RetriageAsked,
    Settled,
    Snoozed,
    StepReported,
    StepUpAsked,
    Stopped,
    UndoApproved,
    UndoAsked,
    UndoLapsed,
    Withdrawn,
    Woken,
)
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.ports.case_store import Change
from bot.ports.outbox import OutboxMessage, Topic

# A type check against a whole row of this table needs tuples.
Bodies = tuple[type[Body], ...]

#: The entries that cause a message. A card is refreshed by every entry but the invisible ones.
EFFECTS: Mapping[Topic, Bodies] = {
    Topic.TRIAGE: (Opened, Drifted, RetriageAsked, Reopened, Woken, Named),
    Topic.EXECUTE: (Authorised, Settled, UndoAsked),
    # A line in the card's thread.
    Topic.NOTE: (
        ApprovalGiven,
        Withdrawn,
        Authorised,
        Rejected,
        Edited,
        HandedOver,
        Claimed,
        Snoozed,
        Escalated,
        Reminded,
        Expired,
        StepReported,
        Drifted,
        RetriageAsked,
        Stopped,
        Parked,
        Settled,
        Resolved,
        Reopened,
        UndoApproved,
        UndoAsked,
        UndoLapsed,
        Cleared,
        MarkedClear,
        Named,
        Novel,
    ),
    Topic.REMEMBER: (Resolved, UndoAsked, Rejected, Stopped, Reopened, Named, Novel),
}
INVISIBLE: Bodies = (AttemptRefused, Conflicted, StepUpAsked)


def change(before: Case | None, decision: Decision, playbook: Playbook) -> Change:
    """Join the entries of a decision and their messages."""
    messages: tuple[OutboxMessage, ...] = ()
    if decision.entries:
        messages = messages_for(
            decision.case,
            decision.entries,
            follow_up_for=playbook.measure.follow_up_for,
        )
    return Change(
        before=before,
        entries=decision.entries,
        messages=messages,
        after=decision.case,
    )


def messages_for(
    case: Case, entries: Iterable[Entry], *, follow_up_for: timedelta
) -> tuple[OutboxMessage, ...]:
    """List the outbox messages of one commit.

    ``case`` is the case after it.
    """
    return tuple(_messages(case, list(entries), follow_up_for))


def _messages(
    case: Case, entries: list[Entry], follow_up_for: timedelta
) -> Iterator[OutboxMessage]:
    now = entries[-1].at
    if case.state is State.OPEN and _contains(entries, EFFECTS[Topic.TRIAGE]):
        # Triage refreshes the card itself.
        yield OutboxMessage(
            topic=Topic.TRIAGE, key=f"triage:{case.id}", case_id=case.id, run_at=now
        )
    elif not all(isinstance(entry.body, INVISIBLE) for entry in entries):
        yield card_message(case.id, now)
    if _contains(entries, EFFECTS[Topic.EXECUTE]):
        yield OutboxMessage(
            topic=Topic.EXECUTE,
            key=f"execute:{case.id}:{case.proposal.revision}",
            case_id=case.id,
            run_at=now,
            payload={"revision": case.proposal.revision},
        )
    yield from _notes(case, entries)
    yield from _after_resolution(case, entries, follow_up_for)
    if _contains(entries, EFFECTS[Topic.REMEMBER]):
        yield OutboxMessage(
            topic=Topic.REMEMBER, key=f"remember:{case.id}", case_id=case.id, run_at=now
        )


def _contains(entries: Iterable[Entry], bodies: Bodies) -> bool:
    return any(isinstance(entry.body, bodies) for entry in entries)


def card_message(case_id: str, now: datetime) -> OutboxMessage:
    """Ask for a refresh of the card.

    It shows the state and not the event.

    There is one row per case, however often it is asked for.
    """
    return OutboxMessage(topic=Topic.CARD, key=f"card:{case_id}", case_id=case_id, run_at=now)


def _notes(case: Case, entries: list[Entry]) -> Iterator[OutboxMessage]:
    """Make one message in the thread for all entries of the commit."""
    bodies = EFFECTS[Topic.NOTE]
    versions = [entry.version for entry in entries if isinstance(entry.body, bodies)]
    if versions:
        yield OutboxMessage(
            topic=Topic.NOTE,
            key=f"note:{case.id}:{versions[0]}",
            case_id=case.id,
            run_at=entries[-1].at,
            payload={"versions": versions},
        )


def _after_resolution(
    case: Case, entries: list[Entry], follow_up_for: timedelta
) -> Iterator[OutboxMessage]:
    """Schedule the follow-up, and the end of the undo window."""
    for entry in entries:
        if not isinstance(entry.body, Resolved):
            continue
        if entry.body.resolution is Resolution.WORKED:
            yield OutboxMessage(
                topic=Topic.FOLLOW_UP,
                key=f"follow_up:{case.id}:{case.version}",
                case_id=case.id,
                run_at=entries[-1].at + follow_up_for,
            )
        if case.execution.undo_until:
            # When the window closes the button goes: there is never a dead one.
            yield OutboxMessage(
                topic=Topic.CARD,
                key=f"card:{case.id}:undo",
                case_id=case.id,
                run_at=case.execution.undo_until,
            )
