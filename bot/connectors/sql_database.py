"""Transactions on a system of record, and the certainty of their failures.

Until COMMIT is sent every failure is certain: nothing has changed. From then on only a refusal by
the database itself is.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot import sockets
from bot.cases.canonical import Scalar
from bot.cases.errors import ConnectorFailed, OutcomeUnknown
from bot.clock import seconds_left
from bot.connectors.sql_engines import (
    create_reader,
    create_writer,
    is_sqlite,
    limit_after_begin,
    limit_before_begin,
    without_guard,
)
from bot.connectors.sql_values import to_scalar

MAX_REASON = 200
# The transaction is surely rolled back: an integrity constraint, or a conflict with another one.
_ROLLED_BACK_CLASSES = ("23", "40")
_COMPLETION_UNKNOWN = "40003"


class SqlDatabase:
    """One database, with one role or two."""

    def __init__(
        self,
        url: str,
        *,
        read_url: str = "",
        seconds: float,
    ) -> None:
        """Create the engines; nothing is connected yet.

        ``read_url`` logs in for look-ups; empty for the same role. ``seconds`` is the time-out.
        """
        self.is_sqlite = is_sqlite(url)
        self._seconds = seconds
        self._writer = create_writer(url, seconds)
        self._own_reader = create_reader(url, seconds)
        self._reader = create_reader(read_url, seconds) if read_url else self._own_reader

    @contextmanager
    def reading(self, *, as_writer: bool = False) -> Iterator[Connection]:
        """Open a transaction that can only read, and is always rolled back.

        ``as_writer`` takes the role that also writes: the other one may not see everything.
        """
        connection = self._connect(self._own_reader if as_writer else self._reader)
        with connection:
            try:
                with without_guard(connection):
                    limit_before_begin(connection)
                limit_after_begin(connection)
                yield connection
            except (SQLAlchemyError, TimeoutError) as error:
                connection.invalidate()
                raise self._failure(error) from None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is committed at the end.

        Raises:
            OutcomeUnknown: COMMIT was sent, and nobody knows what came of it.
            ConnectorFailed: nothing has changed.
        """
        connection = self._connect(self._writer)
        with connection:
            try:
                limit_before_begin(connection)
                transaction = connection.begin()
                limit_after_begin(connection)
                yield connection
                # After this nothing can be called back.
                sockets.time_left()
                limit_before_begin(connection)
            except (SQLAlchemyError, TimeoutError) as error:
                connection.invalidate()
                raise self._failure(error) from None
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                is_certain = _is_rolled_back(connection, error)
                connection.invalidate()
                if is_certain:
                    raise self._failure(error) from None
                raise OutcomeUnknown(self._reason(error)) from None

    def _connect(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except (SQLAlchemyError, TimeoutError) as error:
            raise ConnectorFailed(self._reason(error), retryable=True) from None

    def _failure(self, error: Exception) -> ConnectorFailed:
        # Waiting can help against a lock, a conflict, a time-out, or a database that is away.
        is_transient = isinstance(error, OperationalError | TimeoutError)
        return ConnectorFailed(self._reason(error), retryable=is_transient)

    def _reason(self, error: Exception) -> str:
        """Return the first line of the database's own error, without the statement."""
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        reason = lines[0] if lines else "failed"
        is_late = "interrupted" in reason or seconds_left() <= 0
        if is_late or isinstance(error, TimeoutError):
            return f"took longer than {self._seconds:g} s"
        return reason[:MAX_REASON]


def fetch_rows(
    connection: Connection,
    query: str,
    *,
    parameters: Mapping[str, Any],
    limit: int,
) -> list[dict[str, Scalar]]:
    """Fetch the first rows of one question."""
    # PostgreSQL then uses a cursor of the server: one SELECT or VALUES, and nothing that writes.
    streaming = connection.execution_options(stream_results=True)
    result = streaming.execute(text(query), dict(parameters))
    return [
        {name: to_scalar(value) for name, value in row.items()}
        for row in result.mappings().fetchmany(limit)
    ]


def _is_rolled_back(connection: Connection, error: SQLAlchemyError) -> bool:
    """Tell whether a failed COMMIT has surely changed nothing."""
    raw = None if connection.invalidated else connection.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        # A transaction that is still open has not been committed, and never will be.
        return raw.in_transaction
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state.startswith(_ROLLED_BACK_CLASSES) and state != _COMPLETION_UNKNOWN
