"""Which effects follow from what was written. Pure: the commit and its consequences are one decision."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.cases import entries as e
from bot.cases.case import Case, evolve
from bot.cases.entries import Entry
from bot.cases.lifecycle import State
from bot.cases.playbook import Playbook
from bot.ports.case_store import Change
from bot.ports.outbox import OutboxMessage, Topic

# What is told in the card's thread; everything else only redraws the card.
NOTED = (
    e.ApprovalGiven,
    e.Withdrawn,
    e.Authorised,
    e.Rejected,
    e.Edited,
    e.HandedOver,
    e.Claimed,
    e.Snoozed,
    e.Escalated,
    e.Reminded,
    e.Expired,
    e.StepReported,
    e.Drifted,
    e.RetriageAsked,
    e.Stopped,
    e.Parked,
    e.Settled,
    e.Resolved,
    e.Reopened,
    e.UndoApproved,
    e.UndoAsked,
    e.UndoLapsed,
    e.Cleared,
    e.MarkedClear,
    e.Named,
    e.Novel,
)
NOT_SHOWN = (e.AttemptRefused, e.Conflicted, e.StepUpAsked)
TRIAGED = (e.Opened, e.Drifted, e.RetriageAsked, e.Reopened, e.Woken, e.Named)
REMEMBERED = (e.Resolved, e.UndoAsked, e.Rejected, e.Stopped, e.Reopened, e.Named, e.Novel)
EXECUTED = (e.Authorised, e.Settled, e.UndoAsked)


def change(before: Case | None, entries: tuple[Entry, ...], playbook: Playbook) -> Change:
    """What a decision writes: its entries, and the effects that follow from them."""
    after = before
    for entry in entries:
        after = evolve(after, entry)
    if after is None or not entries:
        return Change(before=before, entries=())
    asked = messages_for(after, entries, follow_up_for=playbook.measure.follow_up_for)
    return Change(before=before, entries=entries, messages=asked, after=after)


def messages_for(
    after: Case, entries: Iterable[Entry], *, follow_up_for: timedelta
) -> tuple[OutboxMessage, ...]:
    """The outbox rows that belong to this commit."""
    written = list(entries)
    now = written[-1].at
    asked: list[OutboxMessage] = []
    if after.state is State.OPEN and any(isinstance(entry.body, TRIAGED) for entry in written):
        asked.append(
            OutboxMessage(
                topic=Topic.TRIAGE, key=f"triage:{after.id}", case_id=after.id, run_at=now
            )
        )
    elif any(not isinstance(entry.body, NOT_SHOWN) for entry in written):
        asked.append(card_message(after.id, now))
    if any(isinstance(entry.body, EXECUTED) for entry in written):
        key = f"execute:{after.id}:{after.revision}"
        asked.append(
            OutboxMessage(
                topic=Topic.EXECUTE,
                key=key,
                case_id=after.id,
                run_at=now,
                payload={"revision": after.revision},
            )
        )
    asked.extend(_notes(after, written))
    if any(
        isinstance(entry.body, e.Resolved) and entry.body.resolution is e.Resolution.WORKED
        for entry in written
    ):
        key = f"follow_up:{after.id}:{after.version}"
        asked.append(
            OutboxMessage(
                topic=Topic.FOLLOW_UP, key=key, case_id=after.id, run_at=now + follow_up_for
            )
        )
    if after.undo_until and any(isinstance(entry.body, e.Resolved) for entry in written):
        # When the window closes the button goes: there is never a dead one.
        asked.append(
            OutboxMessage(
                topic=Topic.CARD,
                key=f"card:{after.id}:undo",
                case_id=after.id,
                run_at=after.undo_until,
            )
        )
    if any(isinstance(entry.body, REMEMBERED) for entry in written):
        asked.append(
            OutboxMessage(
                topic=Topic.REMEMBER, key=f"remember:{after.id}", case_id=after.id, run_at=now
            )
        )
    return tuple(asked)


def card_message(case_id: str, now: datetime) -> OutboxMessage:
    """Redraw the card. One row per case however often it is asked: it shows the state, not the event."""
    return OutboxMessage(topic=Topic.CARD, key=f"card:{case_id}", case_id=case_id, run_at=now)


def _notes(after: Case, written: list[Entry]) -> list[OutboxMessage]:
    """One message in the thread per commit that has something to tell."""
    versions = [entry.version for entry in written if isinstance(entry.body, NOTED)]
    if not versions:
        return []
    key = f"note:{after.id}:{versions[0]}"
    return [
        OutboxMessage(
            topic=Topic.NOTE,
            key=key,
            case_id=after.id,
            run_at=written[-1].at,
            payload={"versions": versions},
        )
    ]
