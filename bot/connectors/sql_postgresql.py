"""Sessions on a PostgreSQL database."""

import math
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from bot import sockets
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

# libpq takes a shorter time-out for a connection as this one.
MIN_CONNECT_SECONDS = 2
# The transaction is surely rolled back: an integrity constraint, or a conflict with another one.
_ROLLED_BACK_CLASSES = ("23", "40")
_COMPLETION_UNKNOWN = "40003"
_CATALOGUE = """SELECT table_name FROM information_schema.columns
                WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
                UNION SELECT column_name FROM information_schema.columns
                WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""
_FIND_TABLE = """SELECT 1 AS found FROM pg_catalog.pg_class
                 WHERE relname = :name AND pg_catalog.pg_table_is_visible(oid)"""


class PostgresqlEngine:
    """The sessions of one role, for reading or for writing."""

    def __init__(self, url: str, seconds: float, *, read_only: bool) -> None:
        """``seconds`` is the time-out of the system."""
        self._read_only = read_only
        self._engine = _create_engine(url, seconds, read_only=read_only)
        driver: Any = self._engine.dialect.loaded_dbapi
        self.failures: tuple[type[Exception], ...] = (driver.Error, SQLAlchemyError, OSError)
        self._transient = (driver.OperationalError, TimeoutError)
        self._refusals = (driver.IntegrityError, driver.errors.RaiseException)

    def open_session(self) -> SqlSession:
        """Take a connection from the pool, or connect. Its transaction has begun."""
        connection = self._engine.raw_connection()
        return _PostgresqlSession(connection, self._engine, read_only=self._read_only)

    def is_transient(self, error: Exception) -> bool:
        """Tell whether waiting can help."""
        return isinstance(error, self._transient)

    def is_refusal(self, error: Exception) -> bool:
        """Tell whether a constraint or a trigger forbids it."""
        return isinstance(error, self._refusals)

    def reason(self, error: Exception) -> str:
        """Return the words of PostgreSQL."""
        return driver_reason(error)


class _PostgresqlSession:
    marks = STANDARD_MARKS

    def __init__(
        self, connection: PoolProxiedConnection, engine: Engine, *, read_only: bool
    ) -> None:
        self._connection = connection
        self._raw: Any = connection.dbapi_connection
        self._dialect = engine.dialect
        self._read_only = read_only

    def begin(self) -> None:
        """Do nothing: the pool has begun the transaction.

        It did so to find out whether the connection is good.
        """

    def fetch(self, query: str, values: Mapping[str, Any], limit: int) -> list[Row]:
        statement = parse_statement(query, self._dialect)
        # A cursor of the server is for one SELECT or VALUES, and nothing that writes.
        name = "question" if self._read_only else ""
        with self._raw.cursor(name) as cursor:
            cursor.execute(statement.sql, statement.pick(values))
            return read_rows(cursor.description, cursor.fetchmany(limit))

    def change(self, query: str, values: Mapping[str, Any]) -> int:
        statement = parse_statement(query, self._dialect)
        count: int = self._raw.execute(statement.sql, statement.pick(values)).rowcount
        return count

    def create_table(self, statement: str) -> None:
        self.change(statement, {})

    def insert_once(self, statement: str, values: Mapping[str, Any]) -> bool:
        return self.change(statement, values) == 1

    def describe(self, query: str, values: Mapping[str, Any]) -> list[str]:
        statement = parse_statement(as_description(query), self._dialect)
        with self._raw.cursor() as cursor:
            cursor.execute(statement.sql, statement.pick(values))
            return column_names(cursor.description)

    def explain(self, statement: str, values: Mapping[str, Any]) -> None:
        form = parse_statement(f"EXPLAIN {statement}", self._dialect)
        # PostgreSQL plans a change in a transaction that only reads, and does not run it.
        self._raw.execute(form.sql, form.pick(values))

    def catalogue(self) -> list[str]:
        return [str(row[0]) for row in self._raw.execute(_CATALOGUE)]

    def has_table(self, name: str) -> bool:
        return bool(self.fetch(_FIND_TABLE, {"name": name}, 1))

    def commit(self) -> None:
        self._raw.commit()

    def is_rolled_back(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None) or ""
        return state.startswith(_ROLLED_BACK_CLASSES) and state != _COMPLETION_UNKNOWN

    def discard(self) -> None:
        self._connection.invalidate()

    def release(self) -> None:
        self._connection.close()


def _create_engine(url: str, seconds: float, *, read_only: bool) -> Engine:
    # A URL may have options of its own, like the schemas to search.
    options = make_url(url).query.get("options", "")
    own = "-c default_transaction_read_only=on " if read_only else ""
    engine = create_engine(
        url,
        pool_timeout=seconds,
        pool_reset_on_return=None,
        connect_args={
            "options": f"{options} {own}-c statement_timeout={math.ceil(seconds * 1000)}",
            "connect_timeout": max(MIN_CONNECT_SECONDS, math.ceil(seconds)),
            # DISCARD ALL between two calls takes prepared statements away.
            "prepare_threshold": None,
        },
        **POOL_OPTIONS,
    )
    event.listen(engine, "do_connect", _connect_in_time)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "checkout", partial(_begin, engine.dialect, read_only))
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
        discard=_close_late,
    )
    sockets.cut_off(raw.fileno())
    return raw


def _close_late(raw: Any) -> None:
    raw.close()


def _leave_transactions_to_us(raw: Any, _: object) -> None:
    # The driver's own BEGIN would be a message of its own, without a time limit.
    raw.autocommit = True


def _begin(
    dialect: Any,
    read_only: bool,
    raw: Any,
    record: Any,
    _: object,
) -> None:
    """Begin the transaction of a call, or refuse a lost connection.

    Nothing of the call has been sent before, so another connection may take its place.
    """
    begin = "BEGIN READ ONLY" if read_only else "BEGIN"
    seconds = min(sockets.time_left() or math.inf, threading.TIMEOUT_MAX) * SERVER_SHARE
    limit = f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}"
    is_used = record.info.setdefault("is_used", False)
    record.info["is_used"] = True
    try:
        if is_used:
            sockets.cut_off(raw.fileno())
        raw.execute(f"{begin}; {limit}")
    except (dialect.loaded_dbapi.Error, OSError) as error:
        if not is_used:
            raise
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
    raw.execute("DISCARD ALL")
