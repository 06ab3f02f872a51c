"""A database as a system of record: evidence by read-only SELECTs, actions by named statements in one transaction each."""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from bot.cases.canonical import Scalar
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, WorldMoved
from bot.cases.evidence import changed
from bot.cases.plan import Action, Idempotency
from bot.connectors.specs import ParameterType, SqlSystem, Statement, prepared, typed
from bot.ports import Landing

# What a statement was given is in no error, and so in no log: every engine here is made by this.
create_engine = partial(sqlalchemy.create_engine, hide_parameters=True)
# Written in the same transaction as the effect it proves.
MARKS = """CREATE TABLE IF NOT EXISTS countersign_marks
           (key TEXT PRIMARY KEY, action TEXT NOT NULL, done_at TEXT NOT NULL)"""
# What a SELECT in SQLite may do: read, call functions, recurse. Not attach, not write, not change settings.
_SQLITE_MAY = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_INSTRUCTIONS_BETWEEN_LOOKS = 10_000


class SqlConnector:
    """``url`` comes from the environment under the name that the system declares."""

    def __init__(self, system: SqlSystem, url: str) -> None:
        self._system = system
        self._seconds = system.timeout.total_seconds()
        self._reader = _reading_engine(url, self._seconds)
        self._writer = _writing_engine(url, self._seconds)
        self._is_sqlite = self._reader.dialect.name == "sqlite"
        self._marks_made = False
        self._making_marks = threading.Lock()

    def look_up(self, query: str, parameters: Mapping[str, Scalar], limit: int) -> list[dict[str, Scalar]]:
        with self._reading() as connection:
            rows = connection.execute(text(query), dict(parameters)).mappings().fetchmany(limit)
            return [{name: _scalar(value) for name, value in row.items()} for row in rows]

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        statement = self._statement(action)
        given = typed(parameters, statement.spec.parameters)
        return prepared(statement.spec, self._system.name, "sql", given, self._snapshot(statement, given))

    def precondition(self, action: Action) -> Mapping[str, Scalar]:
        statement = self._statement(_short(action))
        return self._snapshot(statement, typed(action.parameters, statement.spec.parameters))

    def execute(self, action: Action, key: str) -> str:
        statement = self._current(action)
        return self._change(statement, statement.statement, action, key)

    def undo(self, action: Action, key: str, undo_key: str) -> str:
        statement = self._statement(_short(action))
        if not statement.undo:
            raise ConnectorFailed(f"{action.name} cannot be undone")
        return self._change(statement, statement.undo, action, undo_key, done_key=key)

    def verify(self, action: Action, key: str) -> Landing:
        statement = self._statement(_short(action))
        if statement.spec.idempotency is Idempotency.MARKER:
            found = self._has_mark(key)
        elif key.startswith("undo:"):
            found = not self._sees(statement, action)
        else:
            found = self._sees(statement, action)
        return Landing.LANDED if found else Landing.ABSENT

    # --- inside --------------------------------------------------------------------------------------------------------

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

    def _snapshot(self, statement: Statement, parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
        rows = self.look_up(statement.precondition, self._bound(statement, parameters), 2)
        if len(rows) != 1:
            raise ConnectorFailed(f"{len(rows) or 'no'} rows match {statement.spec.name}; exactly one must")
        return rows[0]

    def _bound(self, statement: Statement, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
        """Decimals as the database understands them: SQLite has none, and compares text with numbers wrongly."""
        kinds = statement.spec.parameters
        as_number = float if self._is_sqlite else Decimal
        return {
            name: as_number(str(value)) if kinds.get(name) is ParameterType.DECIMAL else value
            for name, value in parameters.items()
        }

    def _change(self, statement: Statement, sql: str, action: Action, key: str, *, done_key: str = "") -> str:
        """One transaction: mark, check, change, count. Anything unexpected rolls all of it back.

        An undo has the key of what it takes back in ``:done_key``, and is not held to the precondition of the doing.
        """
        marked = statement.spec.idempotency is Idempotency.MARKER
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        values = {**before, **self._bound(statement, action.parameters), "key": key, "done_key": done_key}
        if marked:
            self._make_marks()
        with self._writing() as connection:
            if marked and not _mark(connection, key, action.name):
                return "already done"
            if not done_key:
                self._check(connection, statement, action)
            found = connection.execute(text(sql), {name: values[name] for name in text(sql)._bindparams})
            if found.rowcount != statement.expect_rows:
                raise WorldMoved(f"would have changed {found.rowcount} rows, not {statement.expect_rows}; changed none")
        return f"{found.rowcount} row{'s' if found.rowcount != 1 else ''} changed"

    def _check(self, connection: Connection, statement: Statement, action: Action) -> None:
        """The precondition again, inside the transaction: between this look and the change nobody else writes."""
        rows = (
            connection.execute(text(statement.precondition), self._bound(statement, action.parameters))
            .mappings()
            .fetchmany(2)
        )
        now = {name: _scalar(value) for name, value in rows[0].items()} if len(rows) == 1 else {}
        reasons = changed(action.precondition, now)
        if reasons:
            raise WorldMoved("; ".join(reasons))

    def _sees(self, statement: Statement, action: Action) -> bool:
        before = {f"was_{name}": value for name, value in action.precondition.items()}
        values = {**before, **self._bound(statement, action.parameters)}
        wanted = {name: values[name] for name in text(statement.verify)._bindparams}
        return bool(self.look_up(statement.verify, wanted, 1))

    def _has_mark(self, key: str) -> bool:
        try:
            return bool(self.look_up("SELECT 1 AS found FROM countersign_marks WHERE key = :key", {"key": key}, 1))
        except ConnectorFailed as failure:
            if "countersign_marks" in str(failure):
                return False
            raise

    def _make_marks(self) -> None:
        with self._making_marks:
            if not self._marks_made:
                with self._writing() as connection:
                    connection.execute(text(MARKS))
                self._marks_made = True

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._reader.connect() as connection:
                if self._is_sqlite:
                    _limit(connection, self._seconds)
                yield connection
        except SQLAlchemyError as failure:
            raise ConnectorFailed(self._plain(failure), retryable=isinstance(failure, OperationalError)) from None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            connection = self._writer.connect()
        except SQLAlchemyError as failure:
            raise ConnectorFailed(self._plain(failure), retryable=True) from None
        with connection:
            try:
                with connection.begin() as transaction:
                    yield connection
            except SQLAlchemyError as failure:
                if transaction.is_active or not _in_commit(failure):
                    raise ConnectorFailed(
                        self._plain(failure), retryable=isinstance(failure, OperationalError)
                    ) from None
                raise OutcomeUnknown(self._plain(failure)) from None

    def _plain(self, failure: SQLAlchemyError) -> str:
        """The database's own first line, without the statement and its parameters."""
        cause = str(getattr(failure, "orig", None) or failure).strip().splitlines() or ["failed"]
        if "interrupted" in cause[0]:
            return f"took longer than {self._seconds:g} s"
        return cause[0][:200]


def _in_commit(failure: SQLAlchemyError) -> bool:
    """Whether the connection was lost while committing: then nobody knows."""
    return isinstance(failure, DBAPIError) and failure.connection_invalidated


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
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"{len(bytes(value))} bytes"
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _limit(connection: Connection, seconds: float) -> None:
    """A time-out for SQLite, which has none: it looks at the clock every so many instructions."""
    raw: Any = connection.connection.dbapi_connection
    ends = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > ends, _INSTRUCTIONS_BETWEEN_LOOKS)


def _reading_engine(url: str, seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options = f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1000)}"
        return create_engine(
            url, pool_size=8, pool_pre_ping=True, isolation_level="AUTOCOMMIT", connect_args={"options": options}
        )
    engine = create_engine(
        f"sqlite:///file:{parsed.database}?mode=ro&uri=true",
        pool_size=8,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": seconds},
    )
    event.listen(engine, "connect", lambda raw, _: raw.set_authorizer(_authorize))
    return engine


def _authorize(operation: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if operation in _SQLITE_MAY else sqlite3.SQLITE_DENY


def _writing_engine(url: str, seconds: float) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=4,
            pool_pre_ping=True,
            connect_args={"options": f"-c statement_timeout={int(seconds * 1000)}"},
        )
    engine = create_engine(
        f"sqlite:///file:{parsed.database}?mode=rw&uri=true", pool_size=4, connect_args={"timeout": seconds}
    )
    event.listen(engine, "connect", _by_hand)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _by_hand(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None
