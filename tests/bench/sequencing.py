"""The ledger's order made after the commit: a prototype, beside the single head row.

Today every writing transaction locks the row that holds the ledger's size, last link and tree. Here
a decision commits its entries with the case, its version and a chain of the case's own, and touches
no row that others share. One integrator gives the entries their places right after, in batches. See
``docs/decisions/0053-past-the-head-of-the-ledger.md``; ``make bench ARGS=sequencing`` measures it.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg

from bot.cases.errors import Conflict
from bot.cases.ledger import GENESIS, Tree, chain_hash, leaf_hash

#: What one decision of a case writes, as the product does on average.
LINES_PER_DECISION = 2
ENTRY_BYTES = 900
CASE_BYTES = 4_000
CASES_PER_WRITER = 200
#: The leader of the integrators holds this advisory lock.
LEADER_LOCK = 54
MAX_BATCH = 2_000

SCHEMA = """
    CREATE TABLE cases (
        id text PRIMARY KEY, version int NOT NULL, link text NOT NULL, body text NOT NULL);
    CREATE TABLE outbox (key text PRIMARY KEY, case_id text NOT NULL, wanted int NOT NULL);
    CREATE TABLE heads (
        name text PRIMARY KEY, number bigint NOT NULL, chain text NOT NULL, peaks text NOT NULL);
    CREATE TABLE ledger (
        seq bigint PRIMARY KEY, case_id text NOT NULL, version int NOT NULL, leaf text NOT NULL,
        chain text NOT NULL, body bytea NOT NULL, UNIQUE (case_id, version));
    -- An entry and its place are two rows, so that neither is ever changed.
    CREATE TABLE entries (
        case_id text NOT NULL, version int NOT NULL, leaf text NOT NULL, link text NOT NULL,
        body bytea NOT NULL, PRIMARY KEY (case_id, version));
    CREATE TABLE places (
        seq bigint PRIMARY KEY, case_id text NOT NULL, version int NOT NULL, leaf text NOT NULL,
        chain text NOT NULL, UNIQUE (case_id, version));
    -- Not part of the ledger: what it lists follows from the two tables above.
    CREATE TABLE unplaced (
        ticket bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id text NOT NULL,
        version int NOT NULL, leaf text NOT NULL);
"""
LOCK_HEAD = "SELECT number, chain, peaks FROM heads WHERE name = 'ledger' FOR UPDATE"
MOVE_HEAD = (
    "UPDATE heads SET number = %s, chain = %s, peaks = %s WHERE name = 'ledger' AND number = %s"
)
READ_CASE = "SELECT version, link, body FROM cases WHERE id = %s"
WRITE_CASE = """
    UPDATE cases SET version = %s, link = %s, body = %s WHERE id = %s AND version = %s
    RETURNING version"""
INSERT_LEDGER = """
    INSERT INTO ledger (seq, case_id, version, leaf, chain, body) SELECT * FROM unnest(
        %s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[], %s::bytea[])"""
INSERT_ENTRIES = """
    INSERT INTO entries (case_id, version, leaf, link, body) SELECT * FROM unnest(
        %s::text[], %s::int[], %s::text[], %s::text[], %s::bytea[])"""
INSERT_UNPLACED = """
    INSERT INTO unplaced (case_id, version, leaf) SELECT * FROM unnest(
        %s::text[], %s::int[], %s::text[])"""
INSERT_PLACES = """
    INSERT INTO places (seq, case_id, version, leaf, chain) SELECT * FROM unnest(
        %s::bigint[], %s::text[], %s::int[], %s::text[], %s::text[])"""
REQUEST_EFFECT = """
    INSERT INTO outbox (key, case_id, wanted) VALUES (%s, %s, 1)
    ON CONFLICT (key) DO UPDATE SET wanted = outbox.wanted + 1"""
# In the order of their tickets: whoever has seen an entry commits with a later ticket.
READ_UNPLACED = "SELECT ticket, case_id, version, leaf FROM unplaced ORDER BY ticket LIMIT %s"
FORGET_UNPLACED = "DELETE FROM unplaced WHERE ticket = ANY(%s)"

Key = tuple[str, int]
Connection = psycopg.Connection[tuple[Any, ...]]


def create_tables(url: str) -> None:
    """Create the tables of both ways in an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        head = ("ledger", 0, GENESIS, "[]")
        connection.execute("INSERT INTO heads VALUES (%s, %s, %s, %s)", head)


def connect(url: str, *, commit_delay: int = 0) -> Connection:
    """Connect. ``commit_delay``: microseconds that every flush to the disk takes longer."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    # With no siblings required every flush is delayed, and those who wait share it.
    connection.execute("SET commit_siblings = 0")
    connection.execute("SELECT set_config('commit_delay', %s, false)", (str(commit_delay),))
    return connection


# --- writers --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An entry before it has a place."""

    case_id: str
    version: int
    body: bytes
    leaf: bytes
    #: The link of the case's own chain.
    link: str


class Writer:
    """A process that commits decisions; each reads its case and writes it under its version."""

    def __init__(self, connection: Connection, name: str, *, has_head: bool) -> None:
        """With ``has_head`` the entries get their places in the transaction, as today."""
        self._connection = connection
        self._has_head = has_head
        self._case_ids = [f"{name}-{number}" for number in range(CASES_PER_WRITER)]
        self._next = 0
        #: When each entry was durable.
        self.committed_at: dict[Key, float] = {}
        #: How long each transaction has held the head.
        self.head_seconds: list[float] = []

    def open_cases(self) -> None:
        """Insert the cases that are decided about."""
        body = "x" * CASE_BYTES
        with self._connection.cursor() as cursor:
            rows = [(case_id, GENESIS, body) for case_id in self._case_ids]
            cursor.executemany("INSERT INTO cases VALUES (%s, 0, %s, %s)", rows)

    def write(self, decisions: int) -> None:
        """Commit so many decisions about different cases in one transaction."""
        entries: list[NewEntry] = []
        locked_at = time.time()
        with self._connection.pipeline(), self._connection.transaction():
            head = None
            if self._has_head:
                head = self._connection.execute(LOCK_HEAD).fetchone()
                locked_at = time.time()
            for _ in range(decisions):
                entries += self._decide()
            if head is not None:
                self._place(head, entries)
            else:
                self._leave_unplaced(entries)
        now = time.time()
        if self._has_head:
            self.head_seconds.append(now - locked_at)
        for entry in entries:
            self.committed_at[entry.case_id, entry.version] = now

    def _decide(self) -> list[NewEntry]:
        case_id = self._case_ids[self._next % CASES_PER_WRITER]
        self._next += 1
        row = self._connection.execute(READ_CASE, (case_id,)).fetchone()
        assert row is not None
        version, link, body = row
        entries = []
        for number in range(1, LINES_PER_DECISION + 1):
            content = _entry_body(case_id, version + number)
            leaf = leaf_hash(content)
            link = chain_hash(link, leaf)
            entry = NewEntry(
                case_id=case_id,
                version=version + number,
                body=content,
                leaf=leaf,
                link=link,
            )
            entries.append(entry)
        new_version = version + LINES_PER_DECISION
        values = (new_version, link, body, case_id, version)
        if self._connection.execute(WRITE_CASE, values).fetchone() is None:
            raise Conflict(case_id)
        self._connection.execute(REQUEST_EFFECT, (f"card:{case_id}", case_id))
        return entries

    def _place(self, head: Sequence[Any], entries: Sequence[NewEntry]) -> None:
        """Insert entries with their places, and move the head."""
        state = Head.from_row(head)
        rows = []
        for entry in entries:
            state.append(entry.leaf)
            row = (state.tree.size, entry.case_id, entry.version, entry.leaf.hex(), state.chain)
            rows.append((*row, entry.body))
        self._connection.execute(MOVE_HEAD, state.values())
        insert_rows(self._connection, INSERT_LEDGER, rows)

    def _leave_unplaced(self, entries: Sequence[NewEntry]) -> None:
        """Insert entries for the integrator."""
        keys = [(entry.case_id, entry.version, entry.leaf.hex()) for entry in entries]
        rows = [(*key, entry.link, entry.body) for key, entry in zip(keys, entries, strict=True)]
        insert_rows(self._connection, INSERT_ENTRIES, rows)
        insert_rows(self._connection, INSERT_UNPLACED, keys)


def insert_rows(
    connection: Connection, statement: LiteralString, rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows in one statement that takes a list for each column."""
    connection.execute(statement, [list(column) for column in zip(*rows, strict=True)])


def _entry_body(case_id: str, version: int) -> bytes:
    text = f'{{"case":"{case_id}","version":{version},"filler":"'
    # Something that compresses as badly as real entries do.
    filler = hashlib.sha512(text.encode()).hexdigest() * (ENTRY_BYTES // 128 + 1)
    return (text + filler[: ENTRY_BYTES - len(text)] + '"}').encode()


# --- the integrator -------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Head:
    """The size, the last link and the tree of the ledger."""

    tree: Tree
    chain: str
    stored_size: int

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Head":
        """Read the row of the table."""
        number, chain, peaks = row
        hashes = tuple(bytes.fromhex(peak) for peak in json.loads(peaks))
        return cls(tree=Tree(number, hashes), chain=chain, stored_size=number)

    def append(self, leaf: bytes) -> None:
        """Add an entry."""
        self.tree = self.tree.append(leaf)
        self.chain = chain_hash(self.chain, leaf)

    def values(self) -> tuple[int, str, str, int]:
        """Return the parameters of ``MOVE_HEAD``."""
        peaks = json.dumps([peak.hex() for peak in self.tree.peaks])
        return self.tree.size, self.chain, peaks, self.stored_size


class LeadershipLost(Exception):
    """Another integrator has moved the head."""


@dataclass(kw_only=True)
class Integrator:
    """Gives committed entries their places."""

    connection: Connection
    #: When each entry had a place.
    placed_at: dict[Key, float] = field(default_factory=dict)

    def lead(self) -> bool:
        """Become the leader. The lock ends with the connection, however that ends."""
        row = self.connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
        assert row is not None
        return bool(row[0])

    def integrate(self, limit: int = MAX_BATCH) -> int:
        """Give places to what is committed. Return to how many.

        Raises:
            LeadershipLost: nothing is written.
        """
        rows = self.connection.execute(READ_UNPLACED, (limit,)).fetchall()
        if not rows:
            return 0
        with self.connection.transaction():
            head = self.connection.execute(LOCK_HEAD).fetchone()
            assert head is not None
            tickets = [row[0] for row in rows]
            # What another leader has placed since it was read is not listed any more.
            if self.connection.execute(FORGET_UNPLACED, (tickets,)).rowcount != len(rows):
                raise LeadershipLost
            state = Head.from_row(head)
            insert_rows(self.connection, INSERT_PLACES, _places(state, rows))
            self.connection.execute(MOVE_HEAD, state.values())
        now = time.time()
        for _, case_id, version, _ in rows:
            self.placed_at[case_id, version] = now
        return len(rows)


def _places(state: Head, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return a row of ``places`` for each row of ``READ_UNPLACED``, and move ``state`` on."""
    places = []
    for _, case_id, version, leaf in rows:
        state.append(bytes.fromhex(leaf))
        places.append((state.tree.size, case_id, version, leaf, state.chain))
    return places


# --- the check ------------------------------------------------------------------------------------

ORDERED = "SELECT seq, case_id, version, leaf, chain, body FROM ledger ORDER BY seq"
ORDERED_PLACES = """
    SELECT p.seq, p.case_id, p.version, p.leaf, p.chain, e.body
    FROM places p LEFT JOIN entries e USING (case_id, version) ORDER BY p.seq"""
LATEST = "SELECT id, version, link FROM cases"
CASE_CHAIN = "SELECT case_id, version, leaf, link, body FROM entries ORDER BY case_id, version"
WITHOUT_PLACE = """
    SELECT count(*) FROM entries e
    WHERE NOT EXISTS (SELECT 1 FROM places p
                      WHERE p.case_id = e.case_id AND p.version = e.version)"""
LIST_UNPLACED = """
    INSERT INTO unplaced (case_id, version, leaf)
    SELECT e.case_id, e.version, e.leaf FROM entries e
    WHERE NOT EXISTS (SELECT 1 FROM places p
                      WHERE p.case_id = e.case_id AND p.version = e.version)
      AND NOT EXISTS (SELECT 1 FROM unplaced u
                      WHERE u.case_id = e.case_id AND u.version = e.version)
    ORDER BY e.version"""


def differences(connection: Connection, *, has_head: bool) -> Iterator[str]:
    """Yield what does not hold: numbers, chain, tree, and the order of each case's versions."""
    state = Head.from_row((0, GENESIS, "[]"))
    versions: dict[str, int] = {}
    for row in connection.execute(ORDERED if has_head else ORDERED_PLACES):
        seq, case_id, version, leaf, chain, body = row
        if body is None:
            yield f"place {seq}: its entry is gone"
            continue
        state.append(leaf_hash(bytes(body)))
        if (seq, leaf, chain) != (state.tree.size, leaf_hash(bytes(body)).hex(), state.chain):
            yield f"place {seq}: not what its entry makes"
        if version != versions.get(case_id, 0) + 1:
            yield f"place {seq}: {case_id} {version} comes after {versions.get(case_id, 0)}"
        versions[case_id] = version
    head = connection.execute(LOCK_HEAD).fetchone()
    if head is None or Head.from_row(head).values()[:3] != state.values()[:3]:
        yield "the head is not that of the entries"
    if not has_head:
        yield from _chain_differences(connection)


def _chain_differences(connection: Connection) -> Iterator[str]:
    """Yield what does not hold in the chains of the cases, with a place or without one."""
    latest: dict[str, tuple[int, str]] = {}
    for case_id, version, leaf, link, body in connection.execute(CASE_CHAIN):
        before, last_link = latest.get(case_id, (0, GENESIS))
        made = leaf_hash(bytes(body))
        if version != before + 1 or leaf != made.hex() or link != chain_hash(last_link, made):
            yield f"{case_id} {version}: not what follows {before}"
        latest[case_id] = (version, link)
    for case_id, version, link in connection.execute(LATEST):
        if latest.get(case_id, (0, GENESIS)) != (version, link):
            yield f"{case_id}: the case is at {version}, and its last entry is another"


def list_unplaced(connection: Connection) -> None:
    """List what has no place and is not listed. The order between cases is lost."""
    connection.execute(LIST_UNPLACED)


def count_unplaced(connection: psycopg.Connection) -> int:
    """Count the entries without a place, from what the ledger consists of."""
    row = connection.execute(WITHOUT_PLACE).fetchone()
    assert row is not None
    return int(row[0])
