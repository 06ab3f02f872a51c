"""The rows that follow from a case and its entries.

They are serialised before the writer's turn comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cases.canonical import canonical_bytes, to_json
from bot.cases.case import Case
from bot.cases.entries import Entry, Settled, StepReported, StepStarted, StepState, entry_plain
from bot.cases.lifecycle import State
from bot.cases.sla import rank

MAX_SEARCH_TEXT = 1_000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A ledger entry before it has its place."""

    case_id: str
    version: int
    #: Canonical JSON.
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWrite:
    """All rows that one change of a case writes."""

    #: The version at which ``cases`` must hold the case. 0: it must not hold it yet.
    expected_version: int
    #: The row of ``cases``.
    case: Row
    lines: Sequence[Line]
    #: Rows of ``effects``: steps begun.
    effects: Sequence[Row]
    #: Steps ended.
    outcomes: Sequence[Row]
    #: Rows of ``case_people``: new parties to the case.
    people: Sequence[Row]


def case_write(before: Case | None, after: Case, entries: Sequence[Entry]) -> CaseWrite:
    """Serialise a change of a case."""
    people_before = before.activity.people if before else ()
    return CaseWrite(
        expected_version=before.version if before else 0,
        case=case_row(after),
        lines=ledger_lines(entries),
        effects=effect_rows(after, entries),
        outcomes=outcome_rows(entries),
        people=[
            {"person": person, "case_id": after.id}
            for person in after.activity.people
            if person not in people_before
        ],
    )


def ledger_lines(entries: Iterable[Entry]) -> list[Line]:
    """Serialise entries for the ledger."""
    return [
        Line(entry.case_id, entry.version, canonical_bytes(entry_plain(entry))) for entry in entries
    ]


def case_row(case: Case) -> dict[str, Any]:
    """Return the row of ``cases``, with the columns for lists."""
    undo_until = case.execution.undo_until if case.state is State.RESOLVED else None
    times = {
        "due_at": case.timers.due_at,
        "decided_at": case.timers.decided_at,
        "ended_at": case.ended_at,
        "undo_until": undo_until,
    }
    stake = case.assessment.stake
    amount = stake.amount if stake else None
    return {
        "id": case.id,
        "number": int(case.id.rpartition("-")[2]),
        "kind": case.kind,
        "source": case.signal.source,
        "state": case.state.code,
        "fingerprint": case.signal.fingerprint,
        "owner": case.owner,
        "version": case.version,
        "body": to_json(case),
        "channel": case.channel,
        "waits_on": f" {' '.join(case.waits_on)} ",
        "rank": rank(case.timers.sla, amount),
        "decide_by": case.timers.sla.decide_by.timestamp(),
        "stake": None if amount is None else float(amount),
        "opened_at": case.timers.opened_at.timestamp(),
        "words": search_text(case),
        **{column: at and at.timestamp() for column, at in times.items()},
    }


def search_text(case: Case) -> str:
    """Return the words under which a case is found."""
    kind = case.kind.replace("_", " ")
    text = f"{case.id} {case.signal.title} {case.signal.subject} {kind} {case.assessment.what}"
    return " ".join(text.casefold().split())[:MAX_SEARCH_TEXT]


def effect_rows(after: Case, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """List the steps that these entries begin. Each consumes its approval."""
    rows = []
    for entry in entries:
        if not isinstance(entry.body, StepStarted):
            continue
        action = after.action(entry.body.step)
        rows.append(
            {
                "case_id": after.id,
                "revision": entry.revision,
                "step": entry.body.step,
                "day": f"{entry.at:%Y-%m-%d}",
                "at": entry.at.timestamp(),
                "action": action.name,
                "target": action.target,
                "amount": action.amount.amount if action.amount else 0,
            }
        )
    return rows


def outcome_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """List how steps ended, for the limits and the circuit breaker."""
    rows = []
    for entry in entries:
        match entry.body:
            case StepReported(step=step, state=StepState.LANDED | StepState.FAILED as state):
                outcome = state
            case Settled(step=step, landed=has_landed):
                outcome = StepState.LANDED if has_landed else StepState.FAILED
            case _:
                continue
        rows.append(
            {
                "of_case": entry.case_id,
                "of_revision": entry.revision,
                "of_step": step,
                "outcome": outcome.name,
            }
        )
    return rows
