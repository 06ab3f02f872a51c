"""The rows that follow from the ledger, folded again from its entries.

An upgrade writes them again, and an audit compares them.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, select, update

from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.entries import (
    Body,
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
from bot.ports.case_store import ReceiptOutcome
from bot.store import tables
from bot.store.case_tallies import rebuild_tallies
from bot.store.decision_scores import DROP_SCORES_OF, PUT_ROWS, score_rows
from bot.store.dialects import insert_or_update
from bot.store.heads import HEADS_FOR_UPDATE, Heads
from bot.store.projection import (
    case_row,
    effect_rows,
    outcome_rows,
    people_rows,
)

log = logging.getLogger(__name__)
PAGE_SIZE = 200
MIN_NUMBER = -(2**62)


@dataclass(slots=True)
class DerivedRows:
    """The rows that the entries of one case ask for."""

    case: Case
    #: Rows of ``effects`` by revision and step.
    effects: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    #: Columns of ``inbox`` by source and key.
    inbox: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    #: Source, key and checksum of each conflicting signal.
    conflicts: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def case_row(self) -> Mapping[str, Any]:
        """Return the row of ``cases``."""
        return case_row(self.case)


def derive(entries: Iterable[Entry]) -> DerivedRows | None:
    """Fold the entries of one case into their rows.

    Raises:
        CountersignError: the entries do not follow on each other.
    """
    rows: DerivedRows | None = None
    for entry in entries:
        case = evolve(rows.case if rows else None, entry)
        if rows is None:
            rows = DerivedRows(case)
        rows.case = case
        _add_effects(rows, entry)
        _add_signal(rows, entry)
    return rows


def _add_effects(rows: DerivedRows, entry: Entry) -> None:
    for row in effect_rows(rows.case, [entry]):
        rows.effects[row["revision"], row["step"]] = {**row, "outcome": ""}
    for row in outcome_rows([entry]):
        effect = rows.effects.get((row["of_revision"], row["of_step"]))
        # The first outcome stays: a landed step whose undoing is reported has landed.
        if effect is not None and not effect["outcome"]:
            effect["outcome"] = row["outcome"]


def _add_signal(rows: DerivedRows, entry: Entry) -> None:
    body = entry.body
    if isinstance(body, Conflicted):
        rows.conflicts.add((body.source, body.key, body.digest))
    outcome = _receipt_outcome(body)
    signal = getattr(body, "signal", None)
    if outcome is None or not isinstance(signal, Signal):
        return
    rows.inbox[signal.source, signal.key] = {
        "case_id": entry.case_id,
        "digest": signal.body_checksum,
        "fingerprint": signal.fingerprint,
        "outcome": outcome.value,
        "received_at": entry.at.isoformat(),
    }


def _receipt_outcome(body: Body) -> ReceiptOutcome | None:
    """Return what the inbox says of a signal that made this entry."""
    match body:
        case Opened():
            return ReceiptOutcome.OPENED
        case Recurred():
            return ReceiptOutcome.COUNTED
        case Cleared() | MarkedClear():
            return ReceiptOutcome.CLEARED
        case _:
            return None


def case_pages(connection: Connection, *, size: int = PAGE_SIZE) -> Iterator[Sequence[Any]]:
    """Yield the rows of ``cases`` by number, a page at a time."""
    # Probes have numbers below zero.
    after = MIN_NUMBER
    while True:
        rows = connection.execute(_CASES, {"after": after, "size": size}).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1].number


def entry_bodies(connection: Connection, case_ids: Sequence[str]) -> dict[str, list[bytes]]:
    """Return the bodies of these cases' ledger entries, in order."""
    bodies: dict[str, list[bytes]] = {case_id: [] for case_id in case_ids}
    for row in connection.execute(_BODIES, {"ids": list(case_ids)}):
        bodies[row.case_id].append(bytes(row.body))
    return bodies


def rewrite_derived_rows(
    connection: Connection, *, progress: Callable[[int], None] | None = None
) -> int:
    """Write again what follows from the ledger.

    Return how many cases were folded.

    Migrations change the schema and nothing else. What a release derives from the ledger is
    written here, after the last of them, by that release's own rules: an old migration need not
    know the rules of a later release.
    """
    # Nobody appends meanwhile.
    _lock_heads(connection)
    count = 0
    for page in case_pages(connection):
        for case_id, bodies in entry_bodies(connection, [row.id for row in page]).items():
            count += _rewrite_case(connection, case_id, bodies)
        if progress:
            progress(len(page))
    rebuild_tallies(connection)
    return count


def _lock_heads(connection: Connection) -> None:
    Heads.from_rows(connection.execute(HEADS_FOR_UPDATE).all())


def _stored_case(body: str) -> Case | None:
    """Read a stored case; None for an unreadable one."""
    try:
        return from_json(Case, body)
    except ValidationError:
        return None


def _rewrite_case(connection: Connection, case_id: str, bodies: Iterable[bytes]) -> bool:
    """Write the rows of one case again.

    Tell whether it could be folded.
    """
    try:
        rows = derive(entry_of(json.loads(body)) for body in bodies)
    except CountersignError as failure:
        # An earlier release may have written what this one refuses. The case goes on as it
        # stands; `countersign doctor` says what is wrong with it.
        log.warning("%s is left as it was before the upgrade: %s", case_id, failure)
        _fill_columns(connection, case_id)
        return False
    if rows is None:
        return False
    values = dict(rows.case_row)
    connection.execute(update(tables.cases).where(tables.cases.c.id == case_id).values(values))
    _add_people(connection, rows.case)
    _write_scores(connection, rows.case)
    for (revision, step), row in rows.effects.items():
        key = {"of_case": case_id, "of_revision": revision, "of_step": step}
        values = {name: row[name] for name in _EFFECT_COLUMNS}
        connection.execute(_SET_EFFECT, {**key, **values})
    for (source, signal_key), row in rows.inbox.items():
        key = {"of_source": source, "of_key": signal_key}
        connection.execute(_SET_FINGERPRINT, {**key, "fingerprint": row["fingerprint"]})
    return True


def _fill_columns(connection: Connection, case_id: str) -> None:
    """Fill the columns of a case from its stored body."""
    case = _stored_case(connection.execute(_CASE_BODY, {"id": case_id}).scalar_one())
    # The columns of an unreadable case stay as they are.
    if case is not None:
        is_this = tables.cases.c.id == case_id
        connection.execute(update(tables.cases).where(is_this).values(case_row(case)))


def _add_people(connection: Connection, case: Case) -> None:
    rows = people_rows(case)
    if rows:
        connection.execute(_ADD_PEOPLE.on(connection), rows)


def _write_scores(connection: Connection, case: Case) -> None:
    connection.execute(DROP_SCORES_OF, {"of_case": case.id})
    rows = list(score_rows(case).values())
    if rows:
        connection.execute(PUT_ROWS.on(connection), rows)


_CASES = (
    select(tables.cases)
    .where(tables.cases.c.number > bindparam("after"))
    .order_by(tables.cases.c.number)
    .limit(bindparam("size"))
)
_CASE_BODY = select(tables.cases.c.body).where(tables.cases.c.id == bindparam("id"))
_BODIES = (
    select(tables.ledger.c.case_id, tables.ledger.c.body)
    .where(tables.ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.ledger.c.case_id, tables.ledger.c.version)
)
_ADD_PEOPLE = insert_or_update(
    tables.case_people, key=[tables.case_people.c.person, tables.case_people.c.case_id]
)
#: The columns of a step that follow from the ledger, beside its key.
_EFFECT_COLUMNS = ("at", "outcome", "requester", "currency", "alone_kind", "grant_id", "rule_id")
_SET_EFFECT = (
    update(tables.effects)
    .where(
        tables.effects.c.case_id == bindparam("of_case"),
        tables.effects.c.revision == bindparam("of_revision"),
        tables.effects.c.step == bindparam("of_step"),
    )
    .values({name: bindparam(name) for name in _EFFECT_COLUMNS})
)
# A fingerprint that was written when the signal came stays, however later releases make them.
_SET_FINGERPRINT = (
    update(tables.inbox)
    .where(
        tables.inbox.c.source == bindparam("of_source"),
        tables.inbox.c.key == bindparam("of_key"),
        tables.inbox.c.fingerprint == "",
    )
    .values(fingerprint=bindparam("fingerprint"))
)
