"""The database itself refuses to change the ledger."""

import hashlib

import pytest
import sqlalchemy as sa

from bot.store import tables

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

    with store.database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    assert differences == []
