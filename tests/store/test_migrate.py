"""Starting on a database of any age: upgraded once, and refused when it is too new or nobody's."""

import contextlib
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic import command

from bot.audit.replay import replay
from bot.cases.errors import SettingsIncomplete
from bot.store import migrate as subject
from bot.store import tables
from bot.store.database import Database
from bot.store.migrate import (
    LATEST_MIGRATION,
    configuration,
    migrate,
    migration_of,
    must_be_migrated,
)
from bot.store.store import Store
from tests.conftest import _create
from tests.store.rows import rows_of
from tests.store.test_upgrade import RELEASES
from tests.world import World

VERSIONS = ("0001", "0002", "0003", "0004", "0005", LATEST_MIGRATION)


@pytest.fixture
def empty(tmp_path):
    """A new file without a table."""
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    database.close()


def set_version(database, version):
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :v"), {"v": version})


def version_of(database):
    with database.read() as connection:
        return migration_of(connection)


def upgrade_to(database, version):
    with database.engine.begin() as connection:
        command.upgrade(configuration(connection), version)


def test_an_empty_database_has_no_migration_and_gets_all(empty):
    assert version_of(empty) is None
    migrate(empty)
    assert version_of(empty) == LATEST_MIGRATION
    assert World(Store.over(empty)).receive().case_id == "EX-1"


def test_a_database_of_this_release_is_only_looked_at(store, monkeypatch):
    monkeypatch.setattr(subject, "_upgrade", lambda *_: pytest.fail("it was upgraded"))
    migrate(store.database)
    must_be_migrated(store.database)


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_migrations_can_stop_anywhere_and_go_on_to_the_same_schema(empty, version):
    upgrade_to(empty, version)
    assert version_of(empty) == version
    migrate(empty)
    inspector = sa.inspect(empty.engine)
    for table in tables.metadata.sorted_tables:
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        assert columns == {column.name for column in table.columns}
    with empty.read() as connection:
        triggers = connection.execute(
            sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        ).scalars()
        assert list(triggers) == ["ledger_contiguous", "ledger_no_delete", "ledger_no_update"]


@pytest.mark.parametrize("dump", RELEASES, ids=lambda path: path.stem)
def test_an_upgrade_keeps_every_entry_of_the_ledger_byte_for_byte(dump, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(dump.read_text())
        query = "SELECT seq, case_id, version, leaf, chain, body FROM ledger ORDER BY seq"
        before = old.execute(query).fetchall()
        inbox_before = old.execute(
            "SELECT source, key, digest, body FROM inbox ORDER BY key"
        ).fetchall()
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    try:
        migrate(database)
        store = Store.over(database)
        assert [tuple(row) for row in store.ledger.rows()] == before
        inbox = [
            (row.source, row.key, row.digest, row.body) for row in rows_of(store, tables.inbox)
        ]
        assert sorted(inbox) == sorted(inbox_before)
        assert replay(database).differences == ()
    finally:
        database.close()


@pytest.mark.parametrize(
    "dump",
    [path for path in RELEASES if path.stem[-4:] < LATEST_MIGRATION],
    ids=lambda path: path.stem,
)
def test_an_upgrade_that_fails_leaves_the_database_as_it_was(dump, tmp_path, monkeypatch):
    """As when the power goes in the middle of it: all migrations are one transaction."""
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript(dump.read_text())
        before = list(old.iterdump())

    def fail(connection, before):
        command.upgrade(configuration(connection), "head")
        raise OSError("the disk is full")

    monkeypatch.setattr(subject, "_upgrade", fail)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(OSError, match="the disk is full"):
        migrate(database)
    database.close()
    with contextlib.closing(sqlite3.connect(path)) as old:
        assert list(old.iterdump()) == before


def test_a_database_of_a_newer_release_is_refused_and_not_touched(store):
    set_version(store.database, "9999")
    for start in (migrate, must_be_migrated):
        with pytest.raises(SettingsIncomplete, match="at migration 9999, newer than this release"):
            start(store.database)
    assert version_of(store.database) == "9999"


def test_a_role_that_only_reads_does_not_migrate(empty):
    with pytest.raises(SettingsIncomplete, match="older release or empty"):
        must_be_migrated(empty)
    upgrade_to(empty, "0005")
    with pytest.raises(SettingsIncomplete, match="older release or empty"):
        must_be_migrated(empty)
    assert version_of(empty) == "0005"


def test_another_process_that_was_first_leaves_nothing_to_do(empty, monkeypatch):
    """It migrates between the first look and the lock."""
    usable_version = subject.usable_version

    def look_then_migrate_elsewhere(database):
        result = usable_version(database)
        other = Database(database.url)
        upgrade_to(other, "head")
        other.close()
        return result

    monkeypatch.setattr(subject, "usable_version", look_then_migrate_elsewhere)
    monkeypatch.setattr(subject, "_upgrade", lambda *_: pytest.fail("it was upgraded twice"))
    migrate(empty)
    assert version_of(empty) == LATEST_MIGRATION


@pytest.mark.parametrize("version", VERSIONS)
def test_no_migration_is_taken_back(empty, version):
    """A ledger is restored from a backup, and never downgraded."""
    upgrade_to(empty, version)
    with pytest.raises(NotImplementedError), empty.engine.begin() as connection:
        command.downgrade(configuration(connection), "-1")
    assert version_of(empty) == version


@pytest.mark.parametrize("sort", ["sqlite", "postgresql"])
def test_whoever_waits_for_another_migration_says_so_and_goes_on_after_it(
    sort, request, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(subject, "FIRST_REPORT_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'waited.db'}"
    if sort == "postgresql":
        server, name = request.getfixturevalue("postgres"), f"w{uuid.uuid4().hex[:12]}"
        _create(server, name)
        url = f"{server}/{name}"
    first, second = Database(url), Database(url)
    waits = threading.Event()

    def poll(seconds):
        waits.set()
        time.sleep(seconds)

    monkeypatch.setattr(subject, "time", SimpleNamespace(sleep=poll))
    with ThreadPoolExecutor() as pool:
        with subject.locked_for_migration(first):
            waiting = pool.submit(migrate, second)
            assert waits.wait(60)
            assert not waiting.done()
        assert waiting.result(60) is None
    assert "another process migrates this database or writes to it" in caplog.text
    assert version_of(first) == LATEST_MIGRATION
    # The connection is as it was: it waits for the writers of every day.
    if sort == "sqlite":
        with second.engine.connect() as connection:
            timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert timeout == 30_000
    for database in (first, second):
        database.close()


def test_a_writer_sees_what_the_last_holder_of_a_lock_wrote_whatever_the_server_says(postgres):
    name = f"w{uuid.uuid4().hex[:12]}"
    _create(postgres, name, "template_countersign")
    engine = sa.create_engine(f"{postgres}/{name}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        setting = "default_transaction_isolation = 'serializable'"
        connection.execute(sa.text(f"ALTER DATABASE {name} SET {setting}"))
    engine.dispose()
    database = Database(f"{postgres}/{name}")
    level = database.write(
        lambda unit: unit.connection.execute(sa.text("SHOW transaction_isolation")).scalar(),
        appends=False,
    )
    database.close()
    assert level == "read committed"
