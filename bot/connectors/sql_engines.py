"""Engines for SQLite and PostgreSQL that keep to time limits.

An engine for reading cannot write. A pooled connection carries nothing from one call to the next.
"""

import contextlib
import math
import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError

from bot import sockets
from bot.clock import seconds_left

READER_POOL_SIZE = 8
WRITER_POOL_SIZE = 4
# No value of a look-up is longer: a function that makes a gigabyte cannot be interrupted.
MAX_VALUE_BYTES = 10_000_000
# PostgreSQL gives up first, so that it says why and the connection stays whole.
SERVER_SHARE = 0.9
# libpq takes a shorter time-out for a connection as this one.
MIN_CONNECT_SECONDS = 2
_INSTRUCTIONS_BETWEEN_CHECKS = 10_000
# A SELECT may read, call functions and recurse. It may not attach, write or change settings.
_SQLITE_READ_OPERATIONS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
# Parameters of statements are in no error, and so in no log.
_create_engine = partial(sqlalchemy.create_engine, hide_parameters=True)


def create_reader(url: str, seconds: float) -> Engine:
    """Create an engine that can only read.

    ``seconds`` is the time-out of the system.
    """
    if is_sqlite(url):
        return _create_sqlite_reader(url, seconds)
    return _create_postgresql(
        url, seconds, options="-c default_transaction_read_only=on", read_only=True
    )


def create_writer(url: str, seconds: float) -> Engine:
    """Create an engine for transactions that write."""
    if is_sqlite(url):
        return _create_sqlite_writer(url, seconds)
    return _create_postgresql(url, seconds)


def is_sqlite(url: str) -> bool:
    """Tell whether this is the URL of an SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def limit_before_begin(connection: Connection) -> None:
    """Limit the statements of SQLite to the rest of the call.

    SQLite has no time-out for a statement: it calls us back every so many instructions.
    """
    raw = _sqlite_connection(connection)
    if raw is not None:
        raw.set_progress_handler(lambda: seconds_left() <= 0, _INSTRUCTIONS_BETWEEN_CHECKS)
        wait = max(0.0, min(seconds_left(), threading.TIMEOUT_MAX))
        raw.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")


def limit_after_begin(connection: Connection) -> None:
    """Limit the statements of PostgreSQL to the rest of the call."""
    if connection.dialect.name == "postgresql":
        wait = sockets.time_left() or math.inf
        seconds = min(wait, threading.TIMEOUT_MAX) * SERVER_SHARE
        milliseconds = max(1, int(seconds * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")


@contextlib.contextmanager
def without_guard(connection: Connection) -> Iterator[None]:
    """Suspend the guard of SQLite for our own statements."""
    raw = _sqlite_connection(connection)
    if raw is None:
        yield
        return
    raw.set_authorizer(None)
    try:
        yield
    finally:
        raw.set_authorizer(_authorize)


# --- SQLite ---------------------------------------------------------------------------------------


def _sqlite_connection(connection: Connection) -> sqlite3.Connection | None:
    raw = connection.connection.dbapi_connection
    return raw if isinstance(raw, sqlite3.Connection) else None


def _create_sqlite_reader(url: str, seconds: float) -> Engine:
    engine = _create_engine(
        f"sqlite:///file:{make_url(url).database}?mode=ro&uri=true",
        pool_size=READER_POOL_SIZE,
        pool_timeout=seconds,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", _guard)
    return engine


def _create_sqlite_writer(url: str, seconds: float) -> Engine:
    engine = _create_engine(
        f"sqlite:///file:{make_url(url).database}?mode=rw&uri=true",
        pool_size=WRITER_POOL_SIZE,
        pool_timeout=seconds,
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _guard(raw: sqlite3.Connection, _: object) -> None:
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    raw.set_authorizer(_authorize)


def _authorize(operation: int, *_: object) -> int:
    is_allowed = operation in _SQLITE_READ_OPERATIONS
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _leave_transactions_to_us(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    # Takes the lock for writing at once: what is checked afterwards nobody else changes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


# --- PostgreSQL -----------------------------------------------------------------------------------


def _create_postgresql(
    url: str,
    seconds: float,
    *,
    options: str = "",
    read_only: bool = False,
) -> Engine:
    engine = _create_engine(
        url,
        pool_size=READER_POOL_SIZE,
        pool_timeout=seconds,
        pool_reset_on_return=None,
        execution_options={"postgresql_readonly": True} if read_only else {},
        connect_args={
            "options": f"{options} -c statement_timeout={math.ceil(seconds * 1000)}",
            "connect_timeout": max(MIN_CONNECT_SECONDS, math.ceil(seconds)),
            # DISCARD ALL between two calls takes prepared statements away.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "do_connect", _connect_in_time)
    event.listen(engine, "checkout", partial(_check_connection, engine.dialect))
    event.listen(engine, "reset", _reset)
    return engine


def _connect_in_time(
    dialect: Any,
    record: Any,
    args: Any,
    parameters: Any,
) -> Any:
    """Connect within the time limit of the call."""
    # psycopg itself would wait for two seconds at least.
    raw = sockets.run_within(
        seconds_left(),
        partial(dialect.connect, *args, **parameters),
        discard=lambda late: late.close(),
    )
    sockets.cut_off(raw.fileno())
    return raw


def _check_connection(
    dialect: Any,
    raw: Any,
    record: Any,
    _: object,
) -> None:
    """Prepare a pooled connection for the next call, or refuse it."""
    if not record.info.setdefault("is_used", False):
        record.info["is_used"] = True
        return
    try:
        sockets.cut_off(raw.fileno())
        dialect.do_ping(raw)
    except (dialect.loaded_dbapi.Error, OSError) as error:
        raise DisconnectionError(f"the connection is gone: {type(error).__name__}") from None


def _reset(
    raw: Any,
    record: Any,
    state: Any,
) -> None:
    """Clear transaction, settings and locks of a connection."""
    if state.terminate_only or raw.closed:
        return
    raw.rollback()
    raw.autocommit = True
    raw.execute("DISCARD ALL")
    raw.autocommit = False
