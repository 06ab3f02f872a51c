"""What an upgrade leaves to the release before: its processes go on beside those of the new one.

A migration after 0.1.0 only adds. What a release no longer uses goes with the next release but
one, when nothing that runs asks for it.
"""

import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

import bot.store.migrations.versions
from bot.store import tables
from tests.store.test_upgrade import RELEASES

#: The dump of the release before this one.
BEFORE = max(path for path in RELEASES)
MIGRATIONS = sorted(Path(bot.store.migrations.versions.__file__).parent.glob("m0*.py"))
LATER = [path for path in MIGRATIONS if path.stem[1:5] > BEFORE.stem[-4:]]
#: What takes away, or makes narrower.
# A trigger that is replaced by one that refuses less takes nothing away.
CONTRACTS = re.compile(
    r"op\.(drop_\w+|rename_table|alter_column|create_unique_constraint|create_check_constraint)"
    r"|batch_alter_table|unique=True|\bDROP\b(?! TRIGGER)|\bRENAME\b|\bDELETE FROM\b"
)


@pytest.fixture
def rows_before() -> dict[str, list[dict]]:
    """The rows of each table, under the names of columns that the release before writes."""
    with sqlite3.connect(":memory:") as old:
        old.row_factory = sqlite3.Row
        old.executescript(BEFORE.read_text())
        names = [
            row["name"]
            for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {name: [dict(row) for row in old.execute(f"SELECT * FROM {name}")] for name in names}
    old.close()
    del rows["alembic_version"]
    return rows


def columns_before() -> dict[str, set[str]]:
    with sqlite3.connect(":memory:") as old:
        old.executescript(BEFORE.read_text())
        names = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        columns = {
            name: {row[1] for row in old.execute(f"PRAGMA table_info({name})")} for name in names
        }
    old.close()
    return columns


@pytest.mark.threat("D7")
def test_what_the_release_before_inserts_is_still_accepted(store, rows_before):
    """A column that it has not heard of has a default, or may be empty."""
    assert len(rows_before["ledger"]) > 20
    with store.database.engine.begin() as connection:
        for name in reversed(list(rows_before)):
            if name != "ledger":
                connection.execute(sa.text(f"DELETE FROM {name}"))
        for name, rows in rows_before.items():
            if rows:
                columns = ", ".join(rows[0])
                places = ", ".join(f":{column}" for column in rows[0])
                connection.execute(
                    sa.text(f"INSERT INTO {name} ({columns}) VALUES ({places})"), rows
                )
    assert store.ledger.head()[0] == len(rows_before["ledger"])
    assert store.cases.case("EX-2").owner == "T1/UFINN"


@pytest.mark.threat("D7")
def test_every_table_and_column_of_the_release_before_is_still_there(store):
    inspector = sa.inspect(store.database.engine)
    for table, columns in columns_before().items():
        assert columns <= {column["name"] for column in inspector.get_columns(table)}, table


@pytest.mark.threat("D7")
def test_a_column_that_is_new_has_a_default_in_the_database():
    before = columns_before()
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            is_new = table.name in before and column.name not in before[table.name]
            assert not is_new or column.nullable or column.server_default is not None, column


def test_migrations_after_the_last_release_only_add():
    for path in LATER:
        up = path.read_text().partition("def downgrade")[0]
        assert CONTRACTS.findall(up) == [], path.stem


def test_the_rule_of_additions_would_find_what_earlier_migrations_took_away():
    narrowing = {path.stem[1:5] for path in MIGRATIONS if CONTRACTS.search(path.read_text())}
    assert {"0008", "0009", "0011"} <= narrowing
    assert not {"0010", "0012", "0013", "0014", "0015"} & narrowing
