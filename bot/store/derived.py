"""The rows that follow from the ledger, folded again from its entries: to write them after an upgrade, and to audit them."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from bot.cases.case import Case
from bot.cases.entries import (
    Cleared,
    Conflicted,
    Entry,
    MarkedClear,
    Opened,
    Recurred,
    entry_of,
)
from bot.cases.errors import CountersignError
from bot.cases.evolve import evolve
from bot.cases.signal import Signal
from bot.ports import ReceiptOutcome
from bot.store import tables as t
from bot.store.unit_of_work import UnitOfWork, effect_rows, outcome_rows, projection

log = logging.getLogger(__name__)
PAGE = 200
OUTCOMES: dict[type, ReceiptOutcome] = {
    Opened: ReceiptOutcome.OPENED,
    Recurred: ReceiptOutcome.COUNTED,
    Cleared: ReceiptOutcome.CLEARED,
    MarkedClear: ReceiptOutcome.CLEARED,
}


@dataclass(slots=True)
class Derived:
    """What the entries of one case say must stand in the tables.

    ``effects`` is by revision and step; ``inbox`` by source and key, with columns by name; ``conflicts`` are source, key, digest.
    """

    case: Case
    effects: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    inbox: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    conflicts: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def row(self) -> Mapping[str, Any]:
        """The row of ``cases``."""
        return projection(self.case, 0).row


def derive(entries: Iterable[Entry]) -> Derived | None:
    """Fold the entries of one case into the rows that they ask for.

    Raises:
        CountersignError: the entries do not follow on each other.
    """
    found: Derived | None = None
    for entry in entries:
        case = evolve(found.case if found else None, entry)
        if found is None:
            found = Derived(case)
        found.case = case
        _take_effects(found, entry)
        _take_signal(found, entry)
    return found


def _take_effects(found: Derived, entry: Entry) -> None:
    for row in effect_rows(found.case, [entry]):
        found.effects[row["revision"], row["step"]] = {**row, "outcome": ""}
    for row in outcome_rows([entry]):
        begun = found.effects.get((row["of_revision"], row["of_step"]))
        # An outcome that is known stays: a landed step whose undoing is reported has landed.
        if begun is not None and not begun["outcome"]:
            begun["outcome"] = row["outcome"]


def _take_signal(found: Derived, entry: Entry) -> None:
    body = entry.body
    if isinstance(body, Conflicted):
        found.conflicts.add((body.source, body.key, body.digest))
    outcome = OUTCOMES.get(type(body))
    signal = getattr(body, "signal", None)
    if outcome is None or not isinstance(signal, Signal):
        return
    found.inbox[signal.source, signal.key] = {
        "case_id": entry.case_id,
        "digest": signal.body_checksum,
        "fingerprint": signal.fingerprint,
        "outcome": outcome.value,
        "received_at": entry.at.isoformat(),
    }


def pages(connection: Connection, *, size: int = PAGE) -> Iterator[Sequence[Any]]:
    """The rows of ``cases`` by number, some at a time: memory does not grow with their number."""
    after = -1
    while True:
        rows = connection.execute(_CASES, {"after": after, "size": size}).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1].number


def entries_of(connection: Connection, case_ids: Sequence[str]) -> dict[str, list[bytes]]:
    """The bodies of these cases' ledger entries, in order."""
    found: dict[str, list[bytes]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(_BODIES, {"ids": list(case_ids)}):
        found[row.case_id].append(bytes(row.body))
    return found


def write_anew(connection: Connection, *, progress: Callable[[int], None] | None = None) -> int:
    """Write once more what follows from the ledger; returns how many cases were folded.

    Migrations change the schema and nothing else. What a release derives from the ledger is derived here, after the last of
    them, by that release's own rules: an old migration need not know the rules of a later release.
    """
    # Nobody appends meanwhile.
    UnitOfWork(connection).lock_head()
    count = 0
    for rows in pages(connection):
        for case_id, bodies in entries_of(connection, [row.id for row in rows]).items():
            try:
                found = derive(entry_of(json.loads(body)) for body in bodies)
            except CountersignError as broken:
                # An earlier release may have written what this one refuses. The case goes on as it
                # stands; `countersign doctor` says what is wrong with it.
                log.warning("%s is left as it was before the upgrade: %s", case_id, broken)
                continue
            if found is not None:
                _write(connection, found)
                count += 1
        if progress:
            progress(len(rows))
    return count


def _write(connection: Connection, found: Derived) -> None:
    case_id = found.case.id
    connection.execute(update(t.cases).where(t.cases.c.id == case_id).values(dict(found.row)))
    names = set(connection.execute(_NAMES, {"id": case_id}).scalars())
    fresh = [
        {"person": person, "case_id": case_id}
        for person in found.case.people
        if person not in names
    ]
    if fresh:
        connection.execute(insert(t.case_people), fresh)
    for (revision, step), row in found.effects.items():
        key = {"of_case": case_id, "of_revision": revision, "of_step": step}
        connection.execute(_EFFECT, {**key, "at": row["at"], "outcome": row["outcome"]})
    for (source, key_text), row in found.inbox.items():
        place = {"of_source": source, "of_key": key_text}
        connection.execute(_FINGERPRINT, {**place, "fingerprint": row["fingerprint"]})


_CASES = (
    select(t.cases)
    .where(t.cases.c.number > bindparam("after"))
    .order_by(t.cases.c.number)
    .limit(bindparam("size"))
)
_BODIES = (
    select(t.ledger.c.case_id, t.ledger.c.body)
    .where(t.ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(t.ledger.c.case_id, t.ledger.c.version)
)
_NAMES = select(t.case_people.c.person).where(t.case_people.c.case_id == bindparam("id"))
_EFFECT = (
    update(t.effects)
    .where(
        t.effects.c.case_id == bindparam("of_case"),
        t.effects.c.revision == bindparam("of_revision"),
        t.effects.c.step == bindparam("of_step"),
    )
    .values(at=bindparam("at"), outcome=bindparam("outcome"))
)
# A fingerprint that was written when the signal came stays: how later releases make them is another matter.
_FINGERPRINT = (
    update(t.inbox)
    .where(
        t.inbox.c.source == bindparam("of_source"),
        t.inbox.c.key == bindparam("of_key"),
        t.inbox.c.fingerprint == "",
    )
    .values(fingerprint=bindparam("fingerprint"))
)
