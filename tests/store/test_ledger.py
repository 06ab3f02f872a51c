"""The database itself refuses to change the ledger."""

import hashlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.ledger import GENESIS
from bot.store import ledger as ledger_module
from bot.store import tables
from tests.fakes.clock import NOON
from tests.store.rows import rows_of

UPDATE = "UPDATE ledger SET chain = 'x' WHERE seq = 1"
DELETE = "DELETE FROM ledger WHERE seq = 1"
COLUMNS = "(seq, case_id, version, leaf, chain, body)"


@pytest.mark.parametrize(
    "statement",
    [
        UPDATE,
        DELETE,
        f"INSERT INTO ledger {COLUMNS} VALUES (9, 'EX-1', 9, 'a', 'b', 'c')",
        f"INSERT INTO ledger {COLUMNS} VALUES (1, 'EX-1', 9, 'a', 'b', 'c')",
    ],
)
def test_the_database_refuses_to_change_the_ledger(world, statement):
    world.receive()
    with pytest.raises(sa.exc.DBAPIError), world.store.database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert verify_rows(world) == 1


def test_sqlite_refuses_insert_or_replace_even_on_a_strangers_connection(small_world):
    """REPLACE deletes without firing the delete trigger, unless the connection has asked for it: a stranger's has not."""
    import sqlite3

    small_world.receive()
    stranger = sqlite3.connect(small_world.store.database.engine.url.database)
    for values in ("(1, 'EX-1', 1, 'a', 'b', 'c')", "(2, 'EX-1', 1, 'a', 'b', 'c')"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            stranger.execute(f"INSERT OR REPLACE INTO ledger {COLUMNS} VALUES {values}")
    stranger.close()
    assert verify_rows(small_world) == 1


def test_emptying_the_whole_table_is_refused(world):
    world.receive()
    everything = "DELETE FROM ledger" if world.store.database.is_sqlite else "TRUNCATE ledger"
    with (
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
        world.store.database.engine.begin() as connection,
    ):
        connection.exec_driver_sql(everything)


def verify_rows(world) -> int:
    rows = list(world.store.ledger.rows())
    assert all(hashlib.sha256(b"\x00" + bytes(row.body)).hexdigest() == row.leaf for row in rows)
    return len(rows)


def test_the_migration_and_the_tables_say_the_same(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def is_of_dialect(item, *_):
        # Alembic does not ask an index which dialect it is for.
        condition = getattr(item, "_ddl_if", None)
        return condition is None or condition.dialect == dialect

    tables.declare_postgresql_indexes()
    dialect = store.database.engine.dialect.name
    with store.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_of_dialect})
        differences = compare_metadata(context, tables.metadata)
    assert differences == []


# --- reading it ---------------------------------------------------------------------------------


def receive(world, count):
    for number in range(count):
        world.receive(world.signal(f"product:{number}"))


def test_an_empty_ledger_has_a_head_and_no_line(store):
    assert store.ledger.head() == (0, GENESIS, [])
    assert list(store.ledger.rows()) == []
    assert store.ledger.last_case_number() == 0


@pytest.mark.parametrize("page_size", [1, 2, 5, 6, 100])
def test_lines_come_in_order_whatever_the_size_of_a_page(world, page_size):
    receive(world, 5)
    rows = list(world.store.ledger.rows(page_size=page_size))
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]


def test_lines_can_be_read_on_from_a_place(world):
    receive(world, 5)
    assert [row.seq for row in world.store.ledger.rows(after=3)] == [4, 5]
    assert list(world.store.ledger.rows(after=5)) == []


def test_lines_that_are_appended_while_it_is_read_are_read_too(world):
    receive(world, 2)
    rows = world.store.ledger.rows(page_size=1)
    first = next(rows)
    world.receive(world.signal("product:9"))
    assert [first.seq, *(row.seq for row in rows)] == [1, 2, 3]


def test_the_head_follows_every_line(world):
    for count in range(1, 6):
        world.receive(world.signal(f"product:{count}"))
        size, chain, peaks = world.store.ledger.head()
        last = list(world.store.ledger.rows())[-1]
        assert (size, chain) == (count, last.chain)
        # A tree of n leaves has a peak for each one in the binary form of n.
        assert len(peaks) == count.bit_count()


def test_no_restored_backup_was_acknowledged(store):
    assert store.ledger.acknowledgement_of(1, "root") is None


# --- what the triggers leave ----------------------------------------------------------------------


@pytest.mark.parametrize("column", ["case_id", "version", "leaf", "chain", "body", "seq"])
def test_no_column_of_a_line_can_be_changed(world, column):
    world.receive()
    values = {name: 7 if name in {"version", "seq"} else "x" for name in [column]}
    statement = sa.update(tables.ledger).values(
        {name: b"x" if name == "body" else value for name, value in values.items()}
    )
    before = rows_of(world.store, tables.ledger)
    with (
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
        world.store.database.engine.begin() as connection,
    ):
        connection.execute(statement)
    assert rows_of(world.store, tables.ledger) == before


@pytest.mark.parametrize("seq", [0, 1, 3, -1, 2**40])
def test_a_line_that_does_not_follow_the_last_is_refused(world, seq):
    world.receive()
    line = {"seq": seq, "case_id": "EX-9", "version": 1, "leaf": "a", "chain": "b", "body": b"c"}
    with (
        pytest.raises(sa.exc.DBAPIError),
        world.store.database.engine.begin() as connection,
    ):
        connection.execute(sa.insert(tables.ledger), line)
    assert verify_rows(world) == 1


def test_one_version_of_a_case_is_written_once(world):
    world.receive()
    line = {"seq": 2, "case_id": "EX-1", "version": 1, "leaf": "a", "chain": "b", "body": b"c"}
    with (
        pytest.raises(sa.exc.DBAPIError),
        world.store.database.engine.begin() as connection,
    ):
        connection.execute(sa.insert(tables.ledger), line)
    assert verify_rows(world) == 1


def test_a_refused_change_takes_nothing_else_of_its_transaction_along(world):
    """Whoever tries to cover a forgery in one transaction leaves nothing of it."""
    world.receive()

    def forge(unit):
        unit.connection.execute(sa.update(tables.cases).values(owner="somebody else"))
        unit.connection.execute(sa.delete(tables.ledger))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        world.store.database.write(forge)
    assert world.store.cases.case("EX-1").owner == "floor-managers"
    assert [row.owner for row in rows_of(world.store, tables.cases)] == ["floor-managers"]


def test_the_cases_since_a_time_are_those_with_entries_since_then(world):
    first = world.receive(world.signal("product:1")).case_id
    world.clock.forward(days=2)
    between = world.clock()
    second = world.receive(world.signal("product:2")).case_id
    world.clock.forward(days=2)
    world.receive(world.signal("product:1"))
    ledger = world.store.ledger
    assert ledger.cases_since(NOON - timedelta(days=9)) == [first, second]
    assert ledger.cases_since(between) == [first, second]
    assert ledger.cases_since(between + timedelta(days=1)) == [first]
    assert ledger.cases_since(world.clock() + timedelta(days=9)) == []


def test_the_leaves_are_those_of_the_lines_up_to_a_place(world, monkeypatch):
    """A page at a time: however many there are, and whatever is appended meanwhile."""
    monkeypatch.setattr(ledger_module, "_LEAVES", ledger_module._LEAVES.limit(2))
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    ledger = world.store.ledger
    size = ledger.head()[0]
    lines = [bytes.fromhex(row.leaf) for row in ledger.rows()]
    assert size == len(lines) > 5
    assert list(ledger.leaves(until=size)) == lines
    assert list(ledger.leaves(until=3)) == lines[:3]
    assert list(ledger.leaves(until=0)) == []
    leaves = ledger.leaves(until=size)
    first = [next(leaves), next(leaves)]
    world.receive(world.signal("product:9"))
    assert [*first, *leaves] == lines
