"""The outbox messages of events, written with the decision that causes them.

A program that hangs must not hold up another: each gets a message of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.program import Program
from bot.cases.program_events import events_after, is_told
from bot.ports.case_store import Change
from bot.ports.outbox import OutboxMessage, Topic


@dataclass(frozen=True, kw_only=True)
class EventEffects:
    """Find out which programs hear of a change."""

    #: Those with a callback.
    programs: Iterable[Program]
    is_approval: Callable[[Case], bool]

    def messages(self, change: Change) -> Iterator[OutboxMessage]:
        """Iterate over the messages of a change; most have none."""
        case = change.after
        for event in events_after(change.before, change.entries, case):
            for program in self.programs:
                if is_told(program, event, case, is_approval=self.is_approval):
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


def with_callbacks(programs: Mapping[str, Program]) -> list[Program]:
    """List the programs that are told of anything."""
    return [program for program in programs.values() if program.callback]
