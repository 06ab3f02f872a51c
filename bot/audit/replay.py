"""Compare every table with what the ledger says: each column that follows from it, and each row that must be there.

Everything is read in one snapshot, a page at a time: a bot that runs meanwhile raises no alarm, and memory does not grow with the
ledger. What follows from nothing that the ledger knows is not compared: where Slack put a card, how often work was tried, ticks,
lists, questions, an imported past, and the bytes of a signal as they came.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, exists, or_, select

from bot.cases.canonical import from_json, to_plain
from bot.cases.case import Case
from bot.cases.control_folds import fold_controls
from bot.cases.controls import DESK_ID, DeskControls
from bot.cases.entries import LedgerBehind, Opened, entry_of
from bot.cases.errors import CountersignError
from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.ports.card_store import REPLACED, CardContext
from bot.ports.case_store import ReceiptOutcome
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import DerivedRows, case_pages, derive, entry_bodies
from bot.store.outbox_rows import DONE, LEASED, PARKED, READY

MAX_DIFFERENCES = 100
# Work of these topics is never put off for longer.
MAX_DELAY = timedelta(days=1)
PROMPT = {Topic.TRIAGE.value, Topic.EXECUTE.value}
# As earlier releases wrote them, and as this one does.
LOOKS = {REPLACED, "", "paused", "undoable", "paused undoable"} | {
    CardContext(paused=paused, is_undoable=is_undoable).key
    for paused in ("", "paused")
    for is_undoable in (False, True)
}
STORM = "storm:"
CHANGED = (
    "it was changed past the bot; find out who else writes to the database, the ledger is right"
)
TAMPERED = "the ledger was changed past the bot; stop it, keep the database for the auditor, and restore a backup"
FORGOTTEN = (
    "nobody will do it; find out who else writes to the database, then let the bot be asked again"
)
ROW = "a row that nothing in the ledger asks for; find out who else writes to the database"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What folding the ledger again gave: how much was read, and where a table differs from it."""

    entries: int
    cases: int
    differences: tuple[str, ...]


def replay(database: Database, *, progress: Callable[[int], None] | None = None) -> Replayed:
    """Fold every entry again and compare every table with what that gives."""
    with database.snapshot() as connection:
        return audit(connection, progress=progress)


def audit(connection: Connection, *, progress: Callable[[int], None] | None = None) -> Replayed:
    """The same over one connection, whose transaction is the snapshot."""
    ledger = _Ledger(connection, progress)
    differences = list(ledger.check())
    # Work is due by the clock that writes entries, and that clock is never behind them.
    now = max(ledger.last_at, utc_now()) if ledger.last_at else utc_now()
    cases = _Cases(connection)
    for rows in case_pages(connection, size=500):
        differences += cases.check(rows)
        if len(differences) > MAX_DIFFERENCES:
            break
    differences += _orphans(connection)
    differences += _outbox(connection, now)
    return Replayed(ledger.entries, ledger.cases, tuple(differences[:MAX_DIFFERENCES]))


class _Ledger:
    """The rows of the ledger in order, their heads, and the standing of the desk."""

    def __init__(self, connection: Connection, progress: Callable[[int], None] | None) -> None:
        self._connection = connection
        self._progress = progress
        self._standing = DeskControls()
        self._tree, self._chain = Tree(), GENESIS
        self._number = 0
        self.entries = self.cases = 0
        self.last_at: datetime | None = None

    def check(self) -> Iterator[str]:
        for row in self._rows():
            self.entries += 1
            yield from self._line(row)
            if self._progress:
                self._progress(1)
        yield from self._heads()
        yield from self._desk()

    def _rows(self) -> Iterator[Any]:
        after = 0
        while True:
            rows = self._connection.execute(_LEDGER_PAGE, {"after": after}).all()
            yield from rows
            if not rows:
                return
            after = rows[-1].seq

    def _line(self, row: Any) -> Iterator[str]:
        body = bytes(row.body)
        leaf = leaf_hash(body)
        self._tree, self._chain = self._tree.append(leaf), chain_hash(self._chain, leaf)
        if row.seq != self.entries:
            yield f"entry {self.entries}: its place is {row.seq}: {TAMPERED}"
        if (row.leaf, row.chain) != (leaf.hex(), self._chain):
            yield f"entry {row.seq}: its leaf or link is not what its content makes: {TAMPERED}"
        try:
            entry = entry_of(json.loads(body))
            self.last_at = max(entry.at, self.last_at or entry.at)
            if (row.case_id, row.version) != (entry.case_id, entry.version):
                yield (
                    f"entry {row.seq}: it stands under {row.case_id} {row.version}, "
                    f"and is of {entry.case_id} {entry.version}: {TAMPERED}"
                )
            yield from self._numbered(row.seq, entry.case_id, entry.body)
            if entry.case_id == DESK_ID:
                self._standing = fold_controls([entry], self._standing)
        except (CountersignError, ValueError, KeyError, TypeError) as failure:
            yield f"entry {row.seq}: {type(failure).__name__}: {failure}"

    def _numbered(self, seq: int, case_id: str, body: object) -> Iterator[str]:
        """Numbers go up by one; after a restored backup, from where it was said."""
        if isinstance(body, LedgerBehind):
            self._number = max(self._number, body.numbers_from)
        if isinstance(body, Opened):
            self.cases += 1
            self._number += 1
            if case_id != f"EX-{self._number}":
                yield f"entry {seq}: {case_id} was opened where EX-{self._number} was next: {TAMPERED}"
                self._number = int(case_id.rpartition("-")[2])

    def _heads(self) -> Iterator[str]:
        heads = {row.name: row for row in self._connection.execute(select(tables.heads))}
        peaks = [peak.hex() for peak in self._tree.peaks]
        ledger, cases, memory = (heads.get(name) for name in ("ledger", "cases", "memory"))
        if ledger is None or (ledger.number, ledger.chain) != (self._tree.size, self._chain):
            yield f"the head of the ledger does not say {self.entries} entries and their last link: {TAMPERED}"
        elif json.loads(ledger.peaks) != peaks:
            yield f"the head of the ledger does not hold the tree of its entries: {TAMPERED}"
        if cases is None or (cases.number, cases.chain, cases.peaks) != (self._number, "", "[]"):
            yield f"the next case must be EX-{self._number + 1}, and the head of cases says another: {CHANGED}"
        last = self._connection.execute(_LAST_CHANGE).scalar() or 0
        if memory is None or memory.number < last:
            yield f"memory has {last} changes, and its head says less: {CHANGED}"

    def _desk(self) -> Iterator[str]:
        rows = self._connection.execute(select(tables.controls)).all()
        if [row.name for row in rows] != ["desk"]:
            yield f"{DESK_ID}: there must be one standing, and there are {len(rows)}: {CHANGED}"
            return
        body = rows[0].body
        holds = _is_written_as(body, self._standing) if body else self._standing == DeskControls()
        if not holds or rows[0].version != self._standing.version:
            yield f"{DESK_ID}: what is paused or delegated is not what the ledger says: {CHANGED}"


class _Cases:
    """Each case with all that follows from its entries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self, rows: Sequence[Any]) -> Iterator[str]:
        """The differences of a page of cases."""
        ids = [row.id for row in rows]
        entries = entry_bodies(self._connection, ids)
        tables = _Rows(self._connection, ids)
        for row in rows:
            try:
                found = derive(entry_of(json.loads(body)) for body in entries[row.id])
            except (CountersignError, ValueError, KeyError, TypeError) as failure:
                yield f"{row.id}: its entries do not follow on each other ({failure}): {TAMPERED}"
                continue
            if found is None:
                yield f"{row.id}: in the projection, but not in the ledger: {CHANGED}"
                continue
            yield from self._case(row, found, tables)

    def _case(self, row: Any, found: DerivedRows, tables: "_Rows") -> Iterator[str]:
        yield from _projection(row, found)
        yield from _named(row.id, found, tables.named[row.id])
        yield from _effects(row.id, found, tables.effects[row.id])
        yield from _inbox(row.id, found, tables.inbox[row.id], tables.conflicts[row.id])
        outbox = {one.key: one for one in tables.outbox_of(found.case)}
        yield from _due_work(found.case, outbox)
        yield from _cards(
            found.case, tables.cards[row.id], outbox, in_storm=row.id in tables.in_storm
        )


class _Rows:
    """The rows of these cases in the other tables, by case."""

    def __init__(self, connection: Connection, ids: Sequence[str]) -> None:
        self._connection = connection
        self.named = self._by_case(tables.case_people, ids)
        self.effects = self._by_case(tables.effects, ids)
        self.inbox = self._by_case(tables.inbox, ids)
        self.cards = self._by_case(tables.cards, ids)
        self.conflicts: defaultdict[str, list[Any]] = defaultdict(list)
        for row in connection.execute(_CONFLICTS, {"ids": ids}):
            self.conflicts[row.case_id].append(row)
        self.in_storm = set(connection.execute(_IN_STORM, {"ids": ids}).scalars())

    def _by_case(self, table: Table, ids: Sequence[str]) -> defaultdict[str, list[Any]]:
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for row in self._connection.execute(_BY_CASE[table.name], {"ids": ids}):
            found[row.case_id].append(row)
        return found

    def outbox_of(self, case: Case) -> Sequence[Any]:
        """The work that this case may wait for. Cases that have ended wait for none."""
        if case.is_terminal:
            return ()
        keys = [f"triage:{case.id}", f"card:{case.id}", f"execute:{case.id}:{case.revision}"]
        return self._connection.execute(_BY_KEY, {"keys": keys}).all()


def _projection(row: Any, found: DerivedRows) -> Iterator[str]:
    for name, expected in found.case_row.items():
        stored = getattr(row, name)
        if name == "body":
            if not _is_written_as(stored, found.case):
                yield (
                    f"{row.id}: the projection says {_state(stored)}, the ledger says {found.case.state}, "
                    f"or they differ in detail: {CHANGED}"
                )
        elif stored != expected:
            yield f"{row.id}: the column {name} says {_short(stored)}, the ledger says {_short(expected)}: {CHANGED}"


def _named(case_id: str, found: DerivedRows, rows: Iterable[Any]) -> Iterator[str]:
    stored, expected = {row.person for row in rows}, set(found.case.people)
    for person in sorted(stored - expected):
        yield f"{case_id}: {person} may see it, and the ledger gives no reason: {CHANGED}"
    for person in sorted(expected - stored):
        yield f"{case_id}: {person} may not see it, and is a party to it by the ledger: {CHANGED}"


def _effects(case_id: str, found: DerivedRows, rows: Iterable[Any]) -> Iterator[str]:
    stored = {(row.revision, row.step): row for row in rows}
    for key in sorted(found.effects.keys() - stored.keys()):
        yield f"{case_id}: step {key[1] + 1} of revision {key[0]} was begun, and is not counted: {CHANGED}"
    for key in sorted(stored.keys() - found.effects.keys()):
        yield f"{case_id}: step {key[1] + 1} of revision {key[0]} is counted, and was never begun: {CHANGED}"
    for key in sorted(stored.keys() & found.effects.keys()):
        for name, expected in found.effects[key].items():
            value = getattr(stored[key], name)
            # SQLite keeps a number, PostgreSQL a decimal.
            is_same = (
                abs(Decimal(str(value)) - Decimal(expected)) < Decimal("0.0001")
                if name == "amount"
                else value == expected
            )
            if not is_same:
                yield (
                    f"{case_id}: of step {key[1] + 1} of revision {key[0]} the {name} says {_short(value)}, "
                    f"the ledger says {_short(expected)}: {CHANGED}"
                )


def _inbox(
    case_id: str, found: DerivedRows, rows: Iterable[Any], conflicts: Iterable[Any]
) -> Iterator[str]:
    stored = {(row.source, row.key): row for row in rows}
    for source, key in sorted(found.inbox.keys() - stored.keys()):
        yield f"{case_id}: signal {key!r} of {source} is in the ledger, and is not in the inbox: {CHANGED}"
    for source, key in sorted(stored.keys() - found.inbox.keys()):
        yield f"{case_id}: signal {key!r} of {source} is in the inbox, and is not in the ledger: {CHANGED}"
    for place in sorted(stored.keys() & found.inbox.keys()):
        for name, expected in found.inbox[place].items():
            value = getattr(stored[place], name)
            if value != expected:
                yield (
                    f"{case_id}: of signal {place[1]!r} of {place[0]} the {name} says {_short(value)}, "
                    f"the ledger says {_short(expected)}: {CHANGED}"
                )
    kept = {(row.source, row.key, row.digest) for row in conflicts}
    if kept != found.conflicts:
        yield f"{case_id}: the conflicting signals that were kept are not those that the ledger names: {CHANGED}"


def _due_work(case: Case, outbox: Mapping[str, Any]) -> Iterator[str]:
    """A case that waits for the bot has a row by which the bot will come to it."""
    if case.state is State.OPEN and not _waits(outbox, f"triage:{case.id}"):
        yield f"{case.id}: it is to be looked at, and no work waits for it: {FORGOTTEN}"
    if case.state in {State.APPROVED, State.RUNNING}:
        key = f"execute:{case.id}:{case.revision}"
        if not _waits(outbox, key):
            yield f"{case.id}: it is {case.state}, and no work waits to carry it out: {FORGOTTEN}"


def _cards(
    case: Case, rows: Sequence[Any], outbox: Mapping[str, Any], *, in_storm: bool
) -> Iterator[str]:
    for row in rows:
        is_known = (
            1 <= row.generation <= case.generation
            and row.drawn.isdecimal()
            and int(row.drawn) <= case.version
        )
        if not is_known or row.look not in LOOKS or not row.ts:
            yield f"{case.id}: its card {row.generation} shows what the case never was: {CHANGED}"
    live = [row for row in rows if row.generation == case.generation]
    if any(row.channel != case.channel for row in live):
        yield f"{case.id}: its card is said to be in another channel than the case: {CHANGED}"
    waits = _waits(outbox, f"card:{case.id}") or case.state is State.OPEN
    if not (case.is_terminal or live or waits or in_storm):
        yield f"{case.id}: it is {case.state}, and has no card, nor any work that will draw one: {FORGOTTEN}"


def _waits(outbox: Mapping[str, Any], key: str) -> bool:
    return key in outbox and outbox[key].state in {READY, LEASED, PARKED}


def _orphans(connection: Connection) -> Iterator[str]:
    """Rows that are of no case, and cases of which only the ledger knows."""
    for case_id in connection.execute(_LOST_CASES).scalars():
        yield f"{case_id}: in the ledger, but not in the projection: {CHANGED}"
    for name, query in _WITHOUT_CASE.items():
        for case_id in connection.execute(query).scalars():
            yield f"{name}: of {_short(case_id)}, which there is not: {ROW}"
    for row in connection.execute(_BAD_OUTCOME):
        yield f"inbox: signal {row.key!r} of {row.source} was {row.outcome}, for case {row.case_id}: {ROW}"
    for conflict in connection.execute(_BAD_CONFLICT):
        yield f"inbox_conflicts: signal {conflict.key!r} of {conflict.source} conflicts with nothing in the inbox: {ROW}"


def _outbox(connection: Connection, now: datetime) -> Iterator[str]:
    """What is not done says what it is, and is not put off for ever."""
    latest = (now + MAX_DELAY).timestamp()
    for row in connection.execution_options(yield_per=500).execute(_NOT_DONE):
        if row.state not in {READY, LEASED, PARKED} or row.topic not in {
            topic.value for topic in Topic
        }:
            yield f"{row.key}: {row.topic} {row.state} is no work that anybody would take: {FORGOTTEN}"
        elif not _says_what_it_is(row):
            yield f"{row.key}: what it asks for is not what its key says: {CHANGED}"
        elif row.run_at > latest and (row.state == LEASED or row.topic in PROMPT):
            yield f"{row.key}: it is put off for more than a day: {FORGOTTEN}"


def _says_what_it_is(row: Any) -> bool:
    topic, _, rest = row.key.partition(":")
    # A copy that was pressed is struck by the row of its place.
    if row.topic != {"strike": Topic.SWEEP.value}.get(topic, topic):
        return False
    try:
        payload = json.loads(row.payload)
    except ValueError:
        return False
    if row.case_id and topic != Topic.ANSWER.value and rest.partition(":")[0] != row.case_id:
        return False
    return topic != Topic.EXECUTE.value or bool(
        payload == {"revision": int(rest.rpartition(":")[2])}
    )


def _parsed(shape: Any, body: str) -> Any:
    """The value, or None for what cannot be read as one."""
    try:
        return from_json(shape, body)
    except ValueError:
        return None


def _is_written_as(body: str, value: Any) -> bool:
    """Tell whether the text says this value, and nothing that the value does not have."""
    if to_plain(_parsed(type(value), body)) != to_plain(value):
        return False
    return _is_part_of(json.loads(body), to_plain(value))


def _is_part_of(stored: Any, expected: Any) -> bool:
    """Tell whether every name that is stored is known. An earlier release wrote fewer."""
    if isinstance(stored, dict) and isinstance(expected, dict):
        return all(
            name in expected and _is_part_of(stored[name], expected[name]) for name in stored
        )
    if isinstance(stored, list) and isinstance(expected, list):
        return len(stored) == len(expected) and all(map(_is_part_of, stored, expected))
    return True


def _state(body: str) -> str:
    case = _parsed(Case, body)
    return str(case.state) if case else "what cannot be read"


def _short(value: object) -> str:
    return repr(value)[:80]


_LEDGER_PAGE = (
    select(tables.ledger)
    .where(tables.ledger.c.seq > bindparam("after"))
    .order_by(tables.ledger.c.seq)
    .limit(2_000)
)
_LAST_CHANGE = select(tables.precedents.c.seq).order_by(tables.precedents.c.seq.desc()).limit(1)
_BY_CASE = {
    table.name: select(table).where(table.c.case_id.in_(bindparam("ids", expanding=True)))
    for table in (tables.case_people, tables.effects, tables.inbox, tables.cards)
}
_CONFLICTS = (
    select(
        tables.inbox.c.case_id,
        tables.inbox_conflicts.c.source,
        tables.inbox_conflicts.c.key,
        tables.inbox_conflicts.c.digest,
    )
    .select_from(
        tables.inbox_conflicts.join(
            tables.inbox,
            and_(
                tables.inbox.c.source == tables.inbox_conflicts.c.source,
                tables.inbox.c.key == tables.inbox_conflicts.c.key,
            ),
        )
    )
    .where(tables.inbox.c.case_id.in_(bindparam("ids", expanding=True)))
)
_IN_STORM = select(tables.live_list_items.c.case_id).where(
    tables.live_list_items.c.case_id.in_(bindparam("ids", expanding=True)),
    tables.live_list_items.c.board.startswith(STORM, autoescape=True),
)
_BY_KEY = select(tables.outbox).where(tables.outbox.c.key.in_(bindparam("keys", expanding=True)))
_LOST_CASES = (
    select(tables.ledger.c.case_id)
    .where(
        tables.ledger.c.case_id != DESK_ID,
        ~exists().where(tables.cases.c.id == tables.ledger.c.case_id),
    )
    .distinct()
    .order_by(tables.ledger.c.case_id)
)
_WITHOUT_CASE = {
    table.name: select(table.c.case_id)
    .where(table.c.case_id != "", ~exists().where(tables.cases.c.id == table.c.case_id))
    .order_by(table.c.case_id)
    .limit(MAX_DIFFERENCES)
    for table in (tables.case_people, tables.effects, tables.inbox, tables.cards, tables.outbox)
}
_BAD_OUTCOME = (
    select(
        tables.inbox.c.source, tables.inbox.c.key, tables.inbox.c.outcome, tables.inbox.c.case_id
    )
    .where(
        or_(tables.inbox.c.case_id.is_(None), tables.inbox.c.case_id == ""),
        tables.inbox.c.outcome != ReceiptOutcome.IGNORED.value,
    )
    .limit(MAX_DIFFERENCES)
)
_BAD_CONFLICT = (
    select(tables.inbox_conflicts.c.source, tables.inbox_conflicts.c.key)
    .where(
        ~exists().where(
            tables.inbox.c.source == tables.inbox_conflicts.c.source,
            tables.inbox.c.key == tables.inbox_conflicts.c.key,
            tables.inbox.c.digest != tables.inbox_conflicts.c.digest,
        )
    )
    .limit(MAX_DIFFERENCES)
)
_NOT_DONE = select(tables.outbox).where(tables.outbox.c.state != DONE).order_by(tables.outbox.c.key)
