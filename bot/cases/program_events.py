"""The events of a case, and the programs that it concerns.

It is pure: the messages of events are written with the decision that causes them.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.cases.case import Case
from bot.cases.entries import (
    Authorised,
    Body,
    Cleared,
    Entry,
    Expired,
    Named,
    Opened,
    Parked,
    Recognised,
    Rejected,
    Reopened,
    Resolution,
    Resolved,
    Retracted,
    Stopped,
    UndoAsked,
    UndoLapsed,
)
from bot.cases.program import EventType, Program, is_approval_kind

# A type check against a whole row of this table needs tuples.
Bodies = tuple[type[Body], ...]

#: The entries that may cause an event of a case. The decision on a request is no entry of its own:
#: ``bot.views.approval_record`` says when a program may act on it.
CAUSES: Mapping[EventType, Bodies] = {
    EventType.CASE_OPENED: (Opened, Reopened, Recognised, Named),
    EventType.CASE_DECIDED: (Authorised, Rejected, Resolved, UndoAsked),
    EventType.CASE_EXECUTED: (Resolved, Stopped, Parked),
    EventType.CASE_RESOLVED: (Resolved, Rejected, Expired, Cleared, Retracted, UndoLapsed),
}


def events_after(before: Case | None, entries: Sequence[Entry], after: Case) -> Iterator[EventType]:
    """Iterate over the events that one decision causes, each once."""
    if after.probe is not None:
        # Nobody is told of practice.
        return
    for event, causes in CAUSES.items():
        bodies = [entry.body for entry in entries if isinstance(entry.body, causes)]
        if any(_is_cause(event, body, before=before, after=after) for body in bodies):
            yield event


def _is_cause(event: EventType, body: Body, *, before: Case | None, after: Case) -> bool:
    """Tell whether an entry of the table causes the event here."""
    match body:
        case Recognised() | Named():
            return before is not None and before.kind != after.kind
        case Resolved(resolution=resolution) if event is not EventType.CASE_RESOLVED:
            # Done by hand is a decision and no execution; a plan that worked was decided before.
            is_by_hand = resolution is Resolution.BY_HAND
            return is_by_hand is (event is EventType.CASE_DECIDED)
        case _:
            return True


def is_from(program: Program, case: Case) -> bool:
    """Tell whether a case is the signal or request of a program."""
    return case.signal.source == program.source


def may_read(program: Program, case: Case) -> bool:
    """Tell whether a program may read a case.

    It reads its own, and those of its kinds. Practice is nobody's, and what another program has
    asked for is that one's alone.
    """
    is_of_kind = case.kind in readable_kinds(program)
    return case.probe is None and (is_from(program, case) or is_of_kind)


def readable_kinds(program: Program) -> tuple[str, ...]:
    """Return the kinds of which a program reads every case."""
    return tuple(kind for kind in program.kinds if not is_approval_kind(kind))


def is_told(program: Program, event: EventType, case: Case) -> bool:
    """Tell whether a program hears of an event of a case."""
    if program.callback is None or event not in program.callback.events:
        return False
    if event is EventType.APPROVAL_DECIDED:
        return is_from(program, case)
    return may_read(program, case)
