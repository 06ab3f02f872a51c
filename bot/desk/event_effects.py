"""The outbox messages of events, written with the decision that causes them.

A program that hangs must not hold up another: each gets a message of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.cases.program import EventType, Program
from bot.cases.program_events import events_after, is_told
from bot.cases.program_request import is_request
from bot.ports.case_store import Change
from bot.ports.outbox import OutboxMessage, Topic
from bot.views.approval_record import ApprovalState, approval_state


@dataclass(frozen=True, kw_only=True)
class EventEffects:
    """Find out which programs hear of a change."""

    #: Those with a callback.
    programs: Iterable[Program]

    def messages(self, change: Change) -> Iterator[OutboxMessage]:
        """Iterate over the messages of a change; most have none."""
        case = change.after
        for event in _events(change):
            for program in self.programs:
                if is_told(program, event, case):
                    yield OutboxMessage(
                        topic=Topic.EVENT,
                        key=f"event:{case.id}:{case.version}:{event}:{program.name}",
                        case_id=case.id,
                        run_at=change.entries[-1].at,
                        payload={
                            "event": event.value,
                            "program": program.name,
                            "version": case.version,
                        },
                    )


def _events(change: Change) -> Iterator[EventType]:
    yield from events_after(change.before, change.entries, change.after)
    if is_approval_decided(change):
        yield EventType.APPROVAL_DECIDED


def is_approval_decided(change: Change) -> bool:
    """Tell whether a request of a program is decided now.

    What it carries out itself is decided when it is handed back to it.
    """
    before, after = change.before, change.after
    if before is None or not is_request(after):
        return False
    was_pending = approval_state(before) is ApprovalState.PENDING
    return was_pending and approval_state(after) is not ApprovalState.PENDING


def with_callbacks(programs: Mapping[str, Program]) -> list[Program]:
    """List the programs that are told of anything."""
    return [program for program in programs.values() if program.callback]
