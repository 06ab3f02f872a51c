"""The file is in memory while somebody searches, and not once more for every reader."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store import tables
from bot.store.database import Database
from bot.store.engines import (
    MAX_MAPPED_BYTES,
    READER_CACHE_KILOBYTES,
    WRITER_CACHE_KILOBYTES,
    mapping_file,
)
from bot.store.statements import CompiledStatement

ALL_ROWS = CompiledStatement(sa.select(tables.ticks))


@pytest.fixture
def database(tmp_path):
    """A file with a hundred pages."""
    database = Database(f"sqlite:///{tmp_path / 'desk.db'}")
    rows = [{"job": f"{number} {'x' * 2000}", "slot": number} for number in range(200)]
    with database.engine.begin() as connection:
        tables.ticks.create(connection)
        connection.execute(tables.ticks.insert(), rows)
        path = tmp_path / "desk.db"
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    yield database, path
    database.close()


def mapping_count(path: Path) -> int:
    """How often this process has the file in its memory."""
    return Path("/proc/self/maps").read_text().count(f"{path}\n")


def setting(connection: sa.Connection, name: str) -> int:
    value: int = connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows its mappings")
def test_readers_leave_nothing_of_the_file_in_memory(database):
    database, path = database
    assert len(database.fetch(ALL_ROWS)) == 200
    assert len(database.fetch(sa.select(tables.ticks))) == 200
    assert mapping_count(path) == 0


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux shows its mappings")
def test_a_search_maps_the_file_until_it_ends_even_by_a_failure(database):
    database, path = database
    with database.read() as connection:
        with mapping_file(connection):
            assert setting(connection, "mmap_size") == MAX_MAPPED_BYTES
            connection.execute(sa.select(tables.ticks)).all()
            assert mapping_count(path) == 1
        assert mapping_count(path) == 0
        with pytest.raises(sa.exc.OperationalError), mapping_file(connection):
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        assert setting(connection, "mmap_size") == 0


def test_only_the_writer_keeps_many_pages(database):
    database, _ = database
    with database.engine.connect() as connection:
        assert setting(connection, "cache_size") == -WRITER_CACHE_KILOBYTES
    with database.read() as connection:
        assert setting(connection, "cache_size") == -READER_CACHE_KILOBYTES


def test_readers_one_after_the_other_share_a_connection(database):
    database, _ = database
    for _ in range(5):
        assert len(database.fetch(sa.select(tables.ticks))) == 200
    assert database._reading_engine.pool.checkedin() == 1
    with database.read(), database.read():
        pass
    for _ in range(5):
        with database.read() as connection:
            last = connection.connection.driver_connection
    with database.read() as connection:
        assert connection.connection.driver_connection is last


def test_postgresql_needs_no_mapping(postgres):
    engine = sa.create_engine(f"{postgres}/template_countersign")
    with engine.connect() as connection, mapping_file(connection):
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()
