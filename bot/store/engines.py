"""Engines for SQLite and PostgreSQL: one for the writer, one for readers."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from bot.clock import monotonic

WAL_RETRY_SECONDS = 0.01
SQLITE_BUSY_TIMEOUT_SECONDS = 30.0
#: So much of the file is mapped into memory for a search.
MAX_MAPPED_BYTES = 256 * 1024 * 1024
#: The writer keeps pages from one transaction to the next. A reader loses its own at every write.
WRITER_CACHE_KILOBYTES = 8_000
READER_CACHE_KILOBYTES = 1_000
#: The write-ahead log is copied into the file when it has so many pages (16 MB). What is written
#: again and again meanwhile, such as the heads and the ends of indexes, is copied once.
MAX_LOGGED_PAGES = 4_000
#: Compiled statements that each connection keeps.
MAX_CACHED_STATEMENTS = 512
#: An option of a connection whose transactions begin on the driver.
BEGINS_ON_DRIVER = "countersign_begins_on_driver"


def writing_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_size=2,
            max_overflow=4,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(url, **_sqlite_options())
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "connect", _configure_writer)
    event.listen(engine, "begin", _begin_immediate)
    path = engine.url.database
    if path and not Path(path).exists():
        # No other account may read the ledger. SQLite keeps the mode of the file it finds.
        Path(path).touch(mode=0o600)
    return engine


def reading_engine(url: str) -> Engine:
    """Make an engine of its own for readers.

    The writer's begins every transaction with the write lock, and a reader must not wait for it.
    """
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=12,
            max_overflow=20,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(url, isolation_level="AUTOCOMMIT", **_sqlite_options())
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "connect", _configure_reader)
    return engine


@contextlib.contextmanager
def mapping_file(connection: Connection) -> Iterator[None]:
    """Map the file into memory while this connection searches.

    A search for words reads every row, and copying pages would be half of its time. Whoever reads
    a few rows gains nothing: every write of another connection ends the mapping, and the next
    read pays for it again. One that stays counts all its pages once more for each connection.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    raw.execute(f"PRAGMA mmap_size={MAX_MAPPED_BYTES}")
    try:
        yield
    finally:
        raw.execute("PRAGMA mmap_size=0")


def _configure_writer(raw: sqlite3.Connection, _: object) -> None:
    raw.execute(f"PRAGMA wal_autocheckpoint={MAX_LOGGED_PAGES}")
    raw.execute(f"PRAGMA cache_size=-{WRITER_CACHE_KILOBYTES}")


def _configure_reader(raw: sqlite3.Connection, _: object) -> None:
    raw.execute(f"PRAGMA cache_size=-{READER_CACHE_KILOBYTES}")


def _sqlite_options() -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": 12,
        "max_overflow": 20,
        # What one connection needs of memory is needed once, as long as one is enough.
        "pool_use_lifo": True,
        "hide_parameters": True,
        "connect_args": {
            "timeout": SQLITE_BUSY_TIMEOUT_SECONDS,
            "cached_statements": MAX_CACHED_STATEMENTS,
        },
    }


def _on_sqlite_connect(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None
    _use_wal(raw)
    for pragma in (
        "synchronous=FULL",
        "recursive_triggers=ON",
        "foreign_keys=ON",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _use_wal(raw: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, waiting for another process that does."""
    # SQLite's own busy timeout does not cover the change of the journal mode.
    deadline = monotonic() + SQLITE_BUSY_TIMEOUT_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_SECONDS)
        else:
            return


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().get(BEGINS_ON_DRIVER):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
