"""A database as a system of record: evidence by read-only SELECTs, actions by named statements in one transaction each.

Until COMMIT is sent every failure is certain: nothing has changed. From then on only the database's own "no" is. One call ends
within the time-out of its system, connecting and a network that hangs included.
"""

import contextlib
import math
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError, SQLAlchemyError

from bot import sockets
from bot.cases.canonical import MAX_INTEGER, Scalar, storable
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import list_changes
from bot.cases.plan import Action, Idempotency
from bot.clock import boottime, seconds_left, time_limit
from bot.connectors.specs import ParameterType, SqlSystem, Statement, prepared, typed
from bot.ports.connector import EffectStatus

# What a statement was given is in no error, and so in no log: every engine here is made by this.
create_engine = partial(sqlalchemy.create_engine, hide_parameters=True)
# Written in the same transaction as the effect it proves.
MARKS_TABLE = "countersign_marks"
MARKS = """CREATE TABLE IF NOT EXISTS countersign_marks
           (key TEXT PRIMARY KEY, action TEXT NOT NULL, done_at TEXT NOT NULL)"""
FIND_MARK = "SELECT 1 AS found FROM countersign_marks WHERE key = :key"
# What a SELECT in SQLite may do: read, call functions, recurse. Not attach, not write, not change settings.
_SQLITE_MAY = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_INSTRUCTIONS_BETWEEN_LOOKS = 10_000
# No value of a look-up is longer: one function call that makes a gigabyte cannot be interrupted.
MAX_VALUE_BYTES = 10_000_000
# The server gives up first, so that it says why and the connection stays whole.
SERVER_SHARE = 0.9
MIN_CONNECT_SECONDS = 2
# The transaction is surely rolled back: an integrity constraint, or a conflict with another transaction.
_DEFINITE_CLASSES = ("23", "40")
_COMPLETION_UNKNOWN = "40003"


class SqlConnector:
    """``url`` comes from the environment under the name that the system declares; ``read_url`` likewise, if it names one.

    Marks are looked for where they are written: a role that may not see them must not make a deed look undone.
    """

    def __init__(self, system: SqlSystem, url: str, read_url: str = "") -> None:
        self._system = system
        self._seconds = system.timeout.total_seconds()
        self._marks_reader = _reading_engine(url, self._seconds)
        self._reader = _reading_engine(read_url, self._seconds) if read_url else self._marks_reader
        self._writer = _writing_engine(url, self._seconds)
        self._is_sqlite = self._writer.dialect.name == "sqlite"
        self._making_marks = threading.Lock()
        self._marks_made = False

    @property
    def timeout(self) -> timedelta:
        return self._system.timeout

    def look_up(
        self, query: str, parameters: Mapping[str, Scalar], limit: int
    ) -> list[dict[str, Scalar]]:
        with self._limit(), self._reading(self._reader) as connection:
            return _rows(connection, query, parameters, limit)

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        statement = self._statement(action)
        given = typed(parameters, statement.spec.parameters)
        with self._limit():
            return prepared(
                statement.spec, self._system.name, "sql", given, self._snapshot(statement, given)
            )

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        statement = self._statement(_short(action))
        return self._snapshot(statement, typed(action.parameters, statement.spec.parameters))

    def execute(self, action: Action, key: str) -> str:
        statement = self._current(action)
        with self._limit():
            return self._change(statement, statement.statement, action, key)

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        statement = self._statement(_short(action))
        if not statement.undo:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        with self._limit():
            return self._change(statement, statement.undo, action, undo_key, done_key=key)

    def verify(self, action: Action, key: str) -> EffectStatus:
        statement = self._statement(_short(action))
        with self._limit():
            if statement.spec.idempotency is Idempotency.MARKER:
                found = self._has_mark(key)
            elif key.startswith("undo:"):
                found = not self._sees(statement, action)
            else:
                found = self._sees(statement, action)
        return EffectStatus.LANDED if found else EffectStatus.ABSENT

    # --- inside --------------------------------------------------------------------------------------------------------

    def _limit(self) -> contextlib.AbstractContextManager[None]:
        return time_limit(boottime() + self._seconds)

    def _statement(self, action: str) -> Statement:
        try:
            return self._system.actions[action]
        except KeyError:
            raise ConnectorFailed(f"{self._system.name} has no action {action!r}") from None

    def _current(self, action: Action) -> Statement:
        """The statement that was approved; a newer one under the same name is not what was approved."""
        statement = self._statement(_short(action))
        if statement.spec.version != action.version:
            raise WorldMoved(
                f"{action.name} is version {statement.spec.version} now, version {action.version} was approved"
            )
        return statement

    def _snapshot(
        self, statement: Statement, parameters: Mapping[str, Scalar]
    ) -> dict[str, Scalar]:
        rows = self.look_up(statement.precondition, self._bound(statement, parameters), 2)
        if len(rows) != 1:
            raise ConnectorFailed(
                f"{len(rows) or 'no'} rows match {statement.spec.name}; exactly one must"
            )
        return rows[0]

    def _bound(self, statement: Statement, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
        """Decimals as the database understands them: SQLite has none, and compares text with numbers wrongly."""
        kinds = statement.spec.parameters
        as_number = float if self._is_sqlite else Decimal
        return {
            name: as_number(str(value)) if kinds.get(name) is ParameterType.DECIMAL else value
            for name, value in parameters.items()
        }

    def _change(
        self, statement: Statement, sql: str, action: Action, key: str, *, done_key: str = ""
    ) -> str:
        """One transaction: mark, check, change, count. Anything unexpected rolls all of it back.

        An undo has the key of what it takes back in ``:done_key``, and is not held to the precondition of the doing.
        """
        marked = statement.spec.idempotency is Idempotency.MARKER
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        values = {
            **before,
            **self._bound(statement, action.parameters),
            "key": key,
            "done_key": done_key,
        }
        if marked:
            self._make_marks()
        with self._writing() as connection:
            if marked and not _mark(connection, key, action.name):
                return "already done"
            if not done_key:
                self._check(connection, statement, action)
            found = connection.execute(
                text(sql), {name: values[name] for name in text(sql)._bindparams}
            )
            if found.rowcount != statement.expect_rows:
                raise WorldMoved(
                    f"would have changed {found.rowcount} rows, not {statement.expect_rows}; changed none"
                )
        return f"{found.rowcount} row{'s' if found.rowcount != 1 else ''} changed"

    def _check(self, connection: Connection, statement: Statement, action: Action) -> None:
        """The precondition again, inside the transaction: between this look and the change nobody else writes."""
        rows = (
            connection.execute(
                text(statement.precondition), self._bound(statement, action.parameters)
            )
            .mappings()
            .fetchmany(2)
        )
        now = {name: _scalar(value) for name, value in rows[0].items()} if len(rows) == 1 else {}
        reasons = list_changes(action.precondition, now)
        if reasons:
            raise WorldMoved("; ".join(reasons))

    def _sees(self, statement: Statement, action: Action) -> bool:
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        values = {**before, **self._bound(statement, action.parameters)}
        wanted = {name: values[name] for name in text(statement.verify)._bindparams}
        return bool(self.look_up(statement.verify, wanted, 1))

    def _has_mark(self, key: str) -> bool:
        with self._reading(self._marks_reader) as connection:
            return self._has_marks(connection) and bool(
                _rows(connection, FIND_MARK, {"key": key}, 1)
            )

    def _has_marks(self, connection: Connection) -> bool:
        """Ask the catalogue for the table of marks; what a message says of it proves nothing."""
        with _unguarded(connection):
            return inspect(connection).has_table(MARKS_TABLE)

    def _make_marks(self) -> None:
        with self._making_marks:
            if self._marks_made:
                return
            if not self._are_marks_made():
                try:
                    with self._writing() as connection:
                        connection.execute(text(MARKS))
                except ConnectorFailed:
                    # Another process may have made them at the same instant.
                    if not self._are_marks_made():
                        raise
            self._marks_made = True

    def _are_marks_made(self) -> bool:
        with self._reading(self._marks_reader) as connection:
            return self._has_marks(connection)

    @contextlib.contextmanager
    def _reading(self, engine: Engine) -> Iterator[Connection]:
        """A connection that can only read, in a transaction that is always rolled back."""
        connection = self._connected(engine)
        with connection:
            try:
                _begin_in_time(connection)
                yield connection
            except (SQLAlchemyError, TimeoutError) as failure:
                connection.invalidate()
                raise ConnectorFailed(self._plain(failure), retryable=_may_pass(failure)) from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        connection = self._connected(self._writer)
        with connection:
            try:
                _limit_sqlite(connection)
                transaction = connection.begin()
                _limit_postgresql(connection)
                yield connection
                # What comes after this cannot be called back.
                sockets.time_left()
                _limit_sqlite(connection)
            except (SQLAlchemyError, TimeoutError) as failure:
                connection.invalidate()
                raise ConnectorFailed(self._plain(failure), retryable=_may_pass(failure)) from None
            try:
                transaction.commit()
            except SQLAlchemyError as failure:
                is_certain = _said_no(connection, failure)
                connection.invalidate()
                if is_certain:
                    raise ConnectorFailed(
                        self._plain(failure), retryable=_may_pass(failure)
                    ) from None
                raise OutcomeUnknown(self._plain(failure)) from None

    def _connected(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except (SQLAlchemyError, TimeoutError) as failure:
            raise ConnectorFailed(self._plain(failure), retryable=True) from None

    def _plain(self, failure: Exception) -> str:
        """The database's own first line, without the statement and its parameters."""
        cause = str(getattr(failure, "orig", None) or failure).strip().splitlines() or ["failed"]
        if "interrupted" in cause[0] or seconds_left() <= 0 or isinstance(failure, TimeoutError):
            return f"took longer than {self._seconds:g} s"
        return cause[0][:200]


def _said_no(connection: Connection, failure: SQLAlchemyError) -> bool:
    """Tell whether the database has surely not committed, though it was asked to."""
    raw: Any = connection.connection.dbapi_connection if not connection.invalidated else None
    if isinstance(raw, sqlite3.Connection):
        # A transaction that is still open has not been committed, and never will be.
        return raw.in_transaction
    state = getattr(getattr(failure, "orig", None), "sqlstate", None) or ""
    return state.startswith(_DEFINITE_CLASSES) and state != _COMPLETION_UNKNOWN


def _may_pass(failure: Exception) -> bool:
    """Tell whether waiting can help: a lock, a conflict, a time-out, a database that is away."""
    return isinstance(failure, OperationalError | TimeoutError)


def _rows(
    connection: Connection, query: str, parameters: Mapping[str, Scalar], limit: int
) -> list[dict[str, Scalar]]:
    """The first rows of one question.

    On PostgreSQL it is asked through a cursor of the server, which takes one SELECT or VALUES and nothing that writes.
    """
    asked = connection.execution_options(stream_results=True)
    rows = asked.execute(text(query), dict(parameters)).mappings().fetchmany(limit)
    return [{name: _scalar(value) for name, value in row.items()} for row in rows]


def _short(action: Action) -> str:
    return action.name.partition(".")[2]


def _mark(connection: Connection, key: str, action: str) -> bool:
    """Leave the mark; False when it was there."""
    insert = text(
        "INSERT INTO countersign_marks (key, action, done_at) VALUES (:key, :action, CURRENT_TIMESTAMP) ON CONFLICT (key) DO NOTHING"
    )
    return connection.execute(insert, {"key": key, "action": action}).rowcount == 1


def _scalar(value: Any) -> Scalar:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"{len(bytes(value))} bytes"
    return storable(
        value if isinstance(value, str | int | float | bool) or value is None else str(value)
    )


def _number(value: Decimal) -> Scalar:
    """A NaN, an infinity and what no double holds exactly stay text."""
    if not value.is_finite() or abs(value) > MAX_INTEGER:
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _begin_in_time(connection: Connection) -> None:
    """Begin to read: at most for what is left of the call."""
    with _unguarded(connection):
        _limit_sqlite(connection)
    _limit_postgresql(connection)


def _limit_sqlite(connection: Connection) -> None:
    """A time-out for SQLite, which has none for a statement: it looks at the clock every so many instructions."""
    raw: Any = connection.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        raw.set_progress_handler(lambda: seconds_left() <= 0, _INSTRUCTIONS_BETWEEN_LOOKS)
        wait = max(0.0, min(seconds_left(), threading.TIMEOUT_MAX))
        raw.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")


def _limit_postgresql(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        wait = sockets.time_left() or math.inf
        milliseconds = max(1, int(min(wait, threading.TIMEOUT_MAX) * SERVER_SHARE * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")


@contextlib.contextmanager
def _unguarded(connection: Connection) -> Iterator[None]:
    """Let our own statements pass the guard that SQLite has for those of the playbooks."""
    raw: Any = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.set_authorizer(None)
    try:
        yield
    finally:
        raw.set_authorizer(_authorize)


def _reading_engine(url: str, seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _postgresql_engine(
            url, seconds, "-c default_transaction_read_only=on", postgresql_readonly=True
        )
    engine = create_engine(
        f"sqlite:///file:{parsed.database}?mode=ro&uri=true",
        pool_size=8,
        pool_timeout=seconds,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", _guard)
    return engine


def _guard(raw: sqlite3.Connection, _: object) -> None:
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
    raw.set_authorizer(_authorize)


def _authorize(operation: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if operation in _SQLITE_MAY else sqlite3.SQLITE_DENY


def _writing_engine(url: str, seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _postgresql_engine(url, seconds)
    engine = create_engine(
        f"sqlite:///file:{parsed.database}?mode=rw&uri=true",
        pool_size=4,
        pool_timeout=seconds,
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _by_hand(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None


# --- PostgreSQL: connections that keep to the time limit of the call, and carry nothing from one call to the next -------------


def _postgresql_engine(
    url: str, seconds: float, options: str = "", **execution_options: Any
) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        pool_timeout=seconds,
        pool_reset_on_return=None,
        execution_options=execution_options,
        connect_args={
            "options": f"{options} -c statement_timeout={math.ceil(seconds * 1000)}",
            "connect_timeout": max(MIN_CONNECT_SECONDS, math.ceil(seconds)),
            # What is discarded between two calls must not be counted on.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "do_connect", _connect_in_time)
    event.listen(engine, "checkout", partial(_check_out, engine.dialect))
    event.listen(engine, "reset", _reset)
    return engine


def _connect_in_time(dialect: Any, record: Any, cargs: Any, cparams: Any) -> Any:
    """Connect, and cut the connection off where the call ends. psycopg itself would wait for two seconds at least."""
    raw = sockets.run_within(
        seconds_left(),
        lambda: dialect.connect(*cargs, **cparams),
        discard=lambda late: late.close(),
    )
    sockets.cut_off(raw.fileno())
    return raw


def _check_out(dialect: Any, raw: Any, record: Any, _: object) -> None:
    """Cut a pooled connection off where the call ends, and see that it still answers; if not, another is taken."""
    if not record.info.setdefault("is_used", False):
        record.info["is_used"] = True
        return
    try:
        sockets.cut_off(raw.fileno())
        dialect.do_ping(raw)
    except (dialect.loaded_dbapi.Error, OSError) as gone:
        raise DisconnectionError(f"the connection is gone: {type(gone).__name__}") from None


def _reset(raw: Any, record: Any, state: Any) -> None:
    """Give a connection back as if it were new: no transaction, no setting, no lock of the session stays."""
    if state.terminate_only or raw.closed:
        return
    raw.rollback()
    raw.autocommit = True
    raw.execute("DISCARD ALL")
    raw.autocommit = False
