"""Sessions on an SQLite file."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import seconds_left
from bot.connectors.sql_engines import (
    POOL_OPTIONS,
    SERVER_SHARE,
    STANDARD_MARKS,
    Row,
    SqlSession,
    as_description,
    column_names,
    driver_reason,
    read_rows,
)
from bot.connectors.sql_statements import parse_statement

# No value of a look-up is longer: a function that makes a gigabyte cannot be interrupted.
MAX_VALUE_BYTES = 10_000_000
_INSTRUCTIONS_BETWEEN_CHECKS = 10_000
# A SELECT may read, call functions and recurse. It may not attach, write or change settings.
_READ_OPERATIONS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
# SQLite declares these functions on first use, and asks the guard as for a change of the schema.
_DECLARE_JSON = ("SELECT 1 FROM json_each('[]')", "SELECT 1 FROM json_tree('[]')")
_CATALOGUE = """SELECT name FROM sqlite_master WHERE type IN ('table', 'view')
                UNION SELECT p.name FROM sqlite_master m, pragma_table_info(m.name) p"""
_FIND_TABLE = "SELECT 1 AS found FROM sqlite_master WHERE name = :name COLLATE NOCASE"
# The key under which a pooled connection keeps how long it waits for a lock.
_WAIT = "busy_timeout"


class SqliteEngine:
    """The sessions on one file, for reading or for writing."""

    failures: tuple[type[Exception], ...] = (sqlite3.Error, SQLAlchemyError, OSError)

    def __init__(self, url: str, seconds: float, *, read_only: bool) -> None:
        """``seconds`` is the time-out of the system."""
        self._read_only = read_only
        self._usual_wait = int(seconds * SERVER_SHARE * 1000)
        self._engine = _create_engine(url, seconds, read_only=read_only)

    def open_session(self) -> SqlSession:
        """Take a connection from the pool, or open the file."""
        connection = self._engine.raw_connection()
        return _SqliteSession(
            connection,
            self._engine,
            read_only=self._read_only,
            usual_wait=self._usual_wait,
        )

    def is_transient(self, error: Exception) -> bool:
        """Tell whether waiting can help."""
        return isinstance(error, sqlite3.OperationalError | TimeoutError)

    def is_refusal(self, error: Exception) -> bool:
        """Tell whether a constraint or a trigger forbids it."""
        return isinstance(error, sqlite3.IntegrityError)

    def reason(self, error: Exception) -> str:
        """Return the words of SQLite."""
        return driver_reason(error)


class _SqliteSession:
    marks = STANDARD_MARKS

    def __init__(
        self,
        connection: PoolProxiedConnection,
        engine: Engine,
        *,
        read_only: bool,
        usual_wait: int,
    ) -> None:
        """Wait ``usual_wait`` milliseconds for a lock, or the time left.

        The shorter one counts.
        """
        self._connection = connection
        self._raw: sqlite3.Connection = connection.dbapi_connection  # type: ignore[assignment]
        self._dialect = engine.dialect
        self._read_only = read_only
        self._usual_wait = usual_wait

    def begin(self) -> None:
        self._limit_wait()
        if not self._read_only:
            # Takes the lock for writing at once: what is checked afterwards nobody else changes.
            self._raw.execute("BEGIN IMMEDIATE")

    def fetch(self, query: str, values: Mapping[str, Any], limit: int) -> list[Row]:
        cursor = self._execute(query, values)
        try:
            return read_rows(cursor.description, cursor.fetchmany(limit))
        finally:
            cursor.close()

    def change(self, query: str, values: Mapping[str, Any]) -> int:
        cursor = self._execute(query, values)
        count = cursor.rowcount
        cursor.close()
        return count

    def create_table(self, statement: str) -> None:
        self.change(statement, {})

    def insert_once(self, statement: str, values: Mapping[str, Any]) -> bool:
        return self.change(statement, values) == 1

    def describe(self, query: str, values: Mapping[str, Any]) -> list[str]:
        cursor = self._execute(as_description(query), values)
        names = column_names(cursor.description)
        cursor.close()
        return names

    def explain(self, statement: str, values: Mapping[str, Any]) -> None:
        with self._without_guard():
            # EXPLAIN prepares a statement and never runs it.
            self._execute(f"EXPLAIN {statement}", values).close()

    def catalogue(self) -> list[str]:
        with self._without_guard():
            return [str(row[0]) for row in self._raw.execute(_CATALOGUE)]

    def has_table(self, name: str) -> bool:
        return bool(self.fetch(_FIND_TABLE, {"name": name}, 1))

    def commit(self) -> None:
        self._limit_wait()
        self._raw.execute("COMMIT")

    def is_rolled_back(self, error: Exception) -> bool:
        # A transaction that is still open has not been committed, and never will be.
        return self._raw.in_transaction

    def discard(self) -> None:
        self._connection.invalidate()

    def release(self) -> None:
        self._connection.close()

    def _execute(self, query: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        statement = parse_statement(query, self._dialect)
        arguments = statement.pick(values)
        return self._raw.execute(statement.sql, [arguments[name] for name in statement.names])

    def _limit_wait(self) -> None:
        """Limit the wait for a lock to the rest of the call.

        SQLite has no time-out for a statement; the handler of ``_keep_to_time`` ends one.
        """
        seconds = max(0.0, min(seconds_left(), threading.TIMEOUT_MAX))
        wait = min(int(seconds * 1000), self._usual_wait)
        if self._connection.info.get(_WAIT, self._usual_wait) == wait:
            return
        with self._without_guard():
            self._raw.execute(f"PRAGMA busy_timeout = {wait}")
        self._connection.info[_WAIT] = wait

    @contextlib.contextmanager
    def _without_guard(self) -> Iterator[None]:
        """Lift the guard of look-ups for a statement of our own."""
        self._raw.set_authorizer(None)
        try:
            yield
        finally:
            if self._read_only:
                self._raw.set_authorizer(_authorize)


def _create_engine(url: str, seconds: float, *, read_only: bool) -> Engine:
    mode = "ro" if read_only else "rw"
    engine = create_engine(
        f"sqlite:///file:{make_url(url).database}?mode={mode}&uri=true",
        pool_timeout=seconds,
        connect_args={"timeout": seconds * SERVER_SHARE, "isolation_level": None},
        **POOL_OPTIONS,
    )
    event.listen(engine, "connect", _keep_to_time)
    if read_only:
        event.listen(engine, "connect", _guard)
    return engine


def _keep_to_time(raw: sqlite3.Connection, _: object) -> None:
    raw.set_progress_handler(_is_over, _INSTRUCTIONS_BETWEEN_CHECKS)


def _is_over() -> bool:
    """Tell SQLite to end a statement whose call has no time left."""
    return seconds_left() <= 0


def _guard(raw: sqlite3.Connection, _: object) -> None:
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    # An SQLite without JSON has nothing to declare.
    with contextlib.suppress(sqlite3.OperationalError):
        for query in _DECLARE_JSON:
            raw.execute(query).close()
    raw.set_authorizer(_authorize)


def _authorize(operation: int, *_: object) -> int:
    is_allowed = operation in _READ_OPERATIONS
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY
