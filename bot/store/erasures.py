"""Erase persons from every table, in transactions of a bounded size.

Each leaves the ledger valid: what it changes there is bound by an entry of its own. After a kill
the next run goes on under the same label.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import cast as sql_cast

from bot.cases.actor import Actor, CaseId, Surface
from bot.cases.canonical import canonical_hash, from_json
from bot.cases.case import Case
from bot.cases.content_removal import is_over
from bot.cases.control_decisions import ControlDecision
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID
from bot.cases.entries import DataErased, Entry, Redaction, entry_of
from bot.cases.erasure import ErasureSubject, erase_json
from bot.cases.errors import TooLate
from bot.ports.outbox import OutboxMessage, Topic, card_message
from bot.store import tables
from bot.store.database import Database
from bot.store.desk_controls import ACCOUNTS
from bot.store.erased_cases import RedactedLine, redact_case, write_case, write_lines
from bot.store.outbox_rows import DONE, LEASED
from bot.store.precedents import next_places
from bot.store.redactions import Redactions
from bot.store.unit_of_work import UnitOfWork

RUNNING, COMPLETE = "running", "complete"
CASES_PER_TRANSACTION = 10
ROWS_PER_PAGE = 500
#: These follow from the ledger, or hold no text; the ledger itself is redacted case by case.
DERIVED_TABLES = frozenset(
    {
        "ledger",
        "cases",
        "heads",
        "erasures",
        "removals",
        "removed_cases",
        "effects",
        "named",
        "decision_scores",
        "case_tallies",
    }
)
SIGNAL_TABLES = (tables.inbox, tables.inbox_conflicts)
#: Nothing rests on these rows: those that name a person are deleted.
DISPOSABLE_TABLES = frozenset({"questions", "boards", "listed", "ticks"})


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """An erasure that is under way."""

    subject: ErasureSubject
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ErasureReach:
    """The reach of an erasure."""

    #: Cases with the person in them that have ended, and those that have not.
    closed_cases: Sequence[str] = ()
    in_flight: Sequence[str] = ()
    #: Rows apart from the cases, by table.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: Names that the facts of cases about the person give.
    names: Sequence[str] = ()
    #: Entries about the desk.
    desk_entries: int = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing names the person."""
        return not (self.closed_cases or self.in_flight or self.counts or self.desk_entries)


class SqlErasureStore:
    """Find and erase persons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- what is under way -----------------------------------------------------------------------

    def resume(self, subject: ErasureSubject) -> ErasureSubject:
        """Return the subject of a running erasure of this person."""
        query = select(tables.erasures).where(tables.erasures.c.state == RUNNING)
        for row in self._database.fetch(query):
            terms = json.loads(row.terms)
            if {term.lower() for term in terms} & {term.lower() for term in subject.terms}:
                older = ErasureSubject(row.label, tuple(terms), subject.subject_type)
                return older.with_terms(subject.terms)
        return subject

    def running_labels(self) -> list[str]:
        """Return the labels of erasures that are not complete."""
        query = select(tables.erasures.c.label).where(tables.erasures.c.state == RUNNING)
        return [row.label for row in self._database.fetch(query)]

    def begin(self, subject: ErasureSubject, at: datetime) -> None:
        """Record an erasure, so that another run goes on with it."""
        values = {
            "state": RUNNING,
            "terms": json.dumps(subject.terms),
            "begun_at": at.timestamp(),
        }

        def job(unit: UnitOfWork) -> None:
            is_this = tables.erasures.c.label == subject.label
            statement = update(tables.erasures).where(is_this).values(values)
            if not unit.connection.execute(statement).rowcount:
                new = {**values, "label": subject.label}
                unit.connection.execute(insert(tables.erasures), new)

        self._database.write(job, appends=False)

    # --- what there is ---------------------------------------------------------------------------

    def find(self, subject: ErasureSubject, now: datetime) -> ErasureReach:
        """Look in every table, until no further name turns up."""
        names: list[str] = []
        while True:
            reach = self._look(subject.with_terms(names), now)
            new_names = [name for name in reach.names if name not in names]
            if not new_names:
                return ErasureReach(
                    closed_cases=reach.closed_cases,
                    in_flight=reach.in_flight,
                    counts=reach.counts,
                    names=names,
                    desk_entries=reach.desk_entries,
                )
            names += new_names

    def _look(self, subject: ErasureSubject, now: datetime) -> ErasureReach:
        closed_cases: list[str] = []
        in_flight: list[str] = []
        names: list[str] = []
        desk_entries = 0
        for case_id in self._case_ids(subject):
            rows = self._entries(case_id)
            new_entries = redact_case(rows, subject, {})
            if case_id == DESK_ID:
                desk_entries = len(new_entries.lines)
                continue
            if not new_entries.lines:
                continue
            names += new_entries.names
            if self._has_ended(case_id, now):
                closed_cases.append(case_id)
            else:
                in_flight.append(case_id)
        counts = {table.name: self._count(table, subject) for table in _swept_tables()}
        return ErasureReach(
            closed_cases=closed_cases,
            in_flight=in_flight,
            counts={name: count for name, count in counts.items() if count},
            names=list(dict.fromkeys(names)),
            desk_entries=desk_entries,
        )

    def _case_ids(self, subject: ErasureSubject) -> list[str]:
        ledger = tables.ledger.c
        query = (
            select(ledger.case_id, func.min(ledger.seq).label("first"))
            .where(_names(ledger.body, subject, is_sqlite=self._database.is_sqlite))
            .group_by(ledger.case_id)
            .order_by(func.min(ledger.seq))
        )
        return [row.case_id for row in self._database.fetch(query)]

    def _entries(self, case_id: str) -> Sequence[Any]:
        return self._database.fetch(_ENTRIES, {"of_case": case_id})

    def _has_ended(self, case_id: str, now: datetime) -> bool:
        row = self._database.fetch(_CASE, {"of_case": case_id})[0]
        return is_over(from_json(Case, row.body), now)

    def _count(self, table: Table, subject: ErasureSubject) -> int:
        return sum(len(page) for page in self._pages(table, subject))

    def _pages(self, table: Table, subject: ErasureSubject) -> Iterator[list[Any]]:
        """Yield rows of a table that name the person."""
        columns = _text_columns(table)
        is_sqlite = self._database.is_sqlite
        conditions = [_names(column, subject, is_sqlite=is_sqlite) for column in columns]
        query = select(table).where(or_(*conditions))
        rows = self._database.fetch(query)
        matches = [row for row in rows if _is_named(row, columns, subject)]
        for start in range(0, len(matches), ROWS_PER_PAGE):
            yield matches[start : start + ROWS_PER_PAGE]

    # --- the cases -------------------------------------------------------------------------------

    def erase_cases(self, erasure: Erasure, case_ids: Sequence[str], now: datetime) -> int:
        """Erase the person from some cases. Return how many entries changed.

        Raises:
            TooLate: work on one of them is under way.
        """

        def job(unit: UnitOfWork) -> int:
            redactions = self._redactions(unit)
            lines: list[RedactedLine] = []
            for case_id in case_ids:
                lines += _erase_case(
                    unit, case_id, subject=erasure.subject, redactions=redactions, now=now
                )
            if lines:
                body = _record(erasure, lines, {"cases": len(case_ids)})
                _append(unit, body, erasure=erasure, now=now)
            return len(lines)

        return self._database.write(job)

    def erase_desk(self, erasure: Erasure, now: datetime) -> int:
        """Erase the person from entries about the desk. Return how many changed."""

        def job(unit: UnitOfWork) -> int:
            unit.lock_head()
            rows = unit.connection.execute(_ENTRIES, {"of_case": DESK_ID}).all()
            new_entries = redact_case(rows, erasure.subject, self._redactions(unit))
            lines = list(new_entries.lines)
            write_lines(unit, lines)
            if lines:
                _append(unit, _record(erasure, lines, {}), erasure=erasure, now=now)
            return len(lines)

        return self._database.write(job)

    def _redactions(self, unit: UnitOfWork) -> Mapping[int, Redaction]:
        return Redactions(lambda query: unit.connection.execute(query).all()).all()

    # --- the rest --------------------------------------------------------------------------------

    def sweep(self, subject: ErasureSubject, in_flight: Sequence[str] = ()) -> dict[str, int]:
        """Erase the person from all other tables, page by page.

        Signals of the cases ``in_flight`` stay with them: without one its case would be found to
        be changed.
        """
        counts: dict[str, int] = {}
        signals = self._signals_of(in_flight)
        for table in _swept_tables():
            for page in self._pages(table, subject):
                rows = page
                if table in SIGNAL_TABLES:
                    rows = [row for row in page if (row.source, row.key) not in signals]
                job = partial(_sweep_rows, table=table, rows=rows, subject=subject)
                self._database.write(job, appends=False)
                counts[table.name] = counts.get(table.name, 0) + len(rows)
        # Tallies of nothing still say who decided.
        self._database.write(
            lambda unit: unit.connection.execute(_DROP_EMPTY_TALLIES), appends=False
        )
        return counts

    def _signals_of(self, case_ids: Sequence[str]) -> set[tuple[str, str]]:
        """Return source and key of the signals of these cases."""
        inbox = tables.inbox.c
        query = select(inbox.source, inbox.key).where(inbox.case_id.in_(case_ids))
        return {(row.source, row.key) for row in self._database.fetch(query)}

    def complete(self, erasure: Erasure, counts: Mapping[str, int], now: datetime) -> None:
        """Record that nothing is left, and forget the names."""

        def job(unit: UnitOfWork) -> None:
            body = _record(erasure, [], counts, is_complete=True)
            _append(unit, body, erasure=erasure, now=now)
            is_this = tables.erasures.c.label == erasure.subject.label
            values = {"state": COMPLETE, "terms": "[]"}
            unit.connection.execute(update(tables.erasures).where(is_this).values(values))

        self._database.write(job)

    def shrink(self) -> None:
        """Overwrite deleted rows, which free pages and the log still hold."""
        statements = ["VACUUM"]
        if self._database.is_sqlite:
            statements.append("PRAGMA wal_checkpoint(TRUNCATE)")
        connection_record = self._database.engine.raw_connection()
        try:
            # Outside of any transaction, which SQLAlchemy would begin.
            connection: Any = connection_record.driver_connection
            if self._database.is_sqlite:
                connection.isolation_level = None
            else:
                connection.autocommit = True
            for statement in statements:
                connection.execute(statement).close()
        finally:
            connection_record.invalidate()


def _erase_case(
    unit: UnitOfWork,
    case_id: str,
    *,
    subject: ErasureSubject,
    redactions: Mapping[int, Redaction],
    now: datetime,
) -> Sequence[RedactedLine]:
    unit.lock_head()
    row = unit.connection.execute(_CASE, {"of_case": case_id}).one()
    if not is_over(from_json(Case, row.body), now):
        raise TooLate(f"{case_id} is open again; run this again once it has ended")
    if unit.connection.execute(_LEASED_WORK, {"of_case": case_id}).first():
        raise TooLate(f"work on {case_id} is under way; try again in a minute")
    rows = unit.connection.execute(_ENTRIES, {"of_case": case_id}).all()
    new_entries = redact_case(rows, subject, redactions)
    if new_entries.lines:
        write_lines(unit, new_entries.lines)
        case = write_case(unit, row, new_entries.plains)
        # Its own messages hold the old text; the card is drawn again after it.
        unit.connection.execute(_DELETE_WORK, {"of_case": case_id})
        unit.enqueue(_slack_messages(case, subject.label, now))
    return new_entries.lines


def _slack_messages(case: Case, label: str, now: datetime) -> list[OutboxMessage]:
    if case.probe is not None or case.signal.is_removed:
        return []
    clearing = OutboxMessage(
        topic=Topic.SWEEP,
        key=f"sweep:{case.id}:{label}",
        case_id=case.id,
        run_at=now,
        payload={"name": case.id, "thread": label},
    )
    return [clearing, card_message(case.id, now)]


def _record(
    erasure: Erasure,
    lines: Sequence[RedactedLine],
    counts: Mapping[str, int],
    *,
    is_complete: bool = False,
) -> DataErased:
    return DataErased(
        label=erasure.subject.label,
        reason=erasure.reason,
        by_name=erasure.by,
        redactions=tuple(line.redaction for line in lines),
        counts=counts,
        is_complete=is_complete,
    )


def _append(unit: UnitOfWork, body: DataErased, *, erasure: Erasure, now: datetime) -> None:
    """Append an entry about the desk to what its entries make now."""
    rows = unit.connection.execute(_ENTRIES, {"of_case": DESK_ID}).all()
    controls = fold_controls(entry_of(json.loads(bytes(row.body))) for row in rows)
    entry = Entry(
        case_id=CaseId(DESK_ID),
        version=controls.version + 1,
        revision=0,
        at=now,
        actor=Actor.from_operator(erasure.by),
        surface=Surface.COMMAND_LINE,
        body=body,
    )
    unit.append_controls(ControlDecision((entry,), fold_controls([entry], controls)))


# --- rows of the other tables -------------------------------------------------------------------


def _swept_tables() -> list[Table]:
    return [table for table in tables.metadata.sorted_tables if table.name not in DERIVED_TABLES]


def _text_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, Text | LargeBinary)]


def _names(column: Column[Any], subject: ErasureSubject, *, is_sqlite: bool) -> Any:
    """Match rows that may name the person; ``ErasureSubject`` says which do."""
    # Databases know no case of letters beyond ASCII.
    spellings = {
        spelling
        for term in subject.terms
        for form in (term, term.lower(), term.title(), term.upper())
        # As plain text, and as JSON of letters of ASCII alone.
        for spelling in (form, json.dumps(form)[1:-1])
    }
    if isinstance(column.type, LargeBinary) and not is_sqlite:
        # The bytes of a signal need not be text.
        return or_(*(func.pg_catalog.position(column, item.encode()) > 0 for item in spellings))
    text = sql_cast(column, Text) if isinstance(column.type, LargeBinary) else column
    lower_text = func.lower(text)
    return or_(
        *(lower_text.contains(spelling.lower(), autoescape=True) for spelling in spellings),
        *(text.contains(spelling, autoescape=True) for spelling in spellings),
    )


def _is_named(row: Any, columns: Sequence[Column[Any]], subject: ErasureSubject) -> bool:
    for column in columns:
        value = getattr(row, column.name)
        text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes) else value
        if text and (subject.is_in(text) or subject.is_in(_json_in(text))):
            return True
    return False


def _json_in(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sweep_rows(
    unit: UnitOfWork, table: Table, rows: Sequence[Any], subject: ErasureSubject
) -> None:
    for row in rows:
        is_this = [column == getattr(row, column.name) for column in table.primary_key]
        if _is_disposable(table, row, subject):
            unit.connection.execute(delete(table).where(*is_this))
        else:
            values = _erased_values(unit, table, row=row, subject=subject)
            unit.connection.execute(update(table).where(*is_this).values(values))


def _is_disposable(table: Table, row: Any, subject: ErasureSubject) -> bool:
    if table is tables.outbox:
        if row.state == LEASED:
            raise TooLate(f"{row.topic} is under way; try again in a minute")
        return row.state == DONE or subject.is_in(row.key)
    if table in SIGNAL_TABLES:
        # Those of a case were rewritten with it: this one has none.
        return True
    return table.name in DISPOSABLE_TABLES


def _erased_values(
    unit: UnitOfWork, table: Table, *, row: Any, subject: ErasureSubject
) -> dict[str, Any]:
    values: dict[str, Any] = {
        column.name: erase_json(getattr(row, column.name), subject)
        for column in _text_columns(table)
        if isinstance(getattr(row, column.name), str) and not column.primary_key
    }
    if table is tables.controls and row.name == ACCOUNTS:
        values["body"] = _without_files_naming(row.body, subject)
    if table is tables.precedents:
        # A change: whatever has learned it reads it again.
        values["digest"] = canonical_hash(json.loads(values["body"]))
        values["seq"] = next_places(unit, 1)[0]
    return values


def _without_files_naming(body: str, subject: ErasureSubject) -> str:
    files = json.loads(body)
    return json.dumps({name: file for name, file in files.items() if not subject.is_in(file)})


_ENTRIES = (
    select(tables.ledger.c.seq, tables.ledger.c.leaf, tables.ledger.c.body)
    .where(tables.ledger.c.case_id == bindparam("of_case"))
    .order_by(tables.ledger.c.version)
)
_CASE = select(tables.cases).where(tables.cases.c.id == bindparam("of_case"))
_LEASED_WORK = select(tables.outbox.c.key).where(
    tables.outbox.c.case_id == bindparam("of_case"), tables.outbox.c.state == LEASED
)
_DROP_EMPTY_TALLIES = delete(tables.case_tallies).where(
    tables.case_tallies.c.cases == 0, tables.case_tallies.c.stake_cents == 0
)
_DELETE_WORK = delete(tables.outbox).where(tables.outbox.c.case_id == bindparam("of_case"))
