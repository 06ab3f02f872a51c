"""Transactions on a system of record, and the certainty of their failures.

Until COMMIT is sent every failure is certain: nothing has changed. From then on only a refusal by
the database itself is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bot import sockets
from bot.cases.errors import ConnectorFailed, OutcomeUnknown, SystemRefused
from bot.clock import seconds_left
from bot.connectors.sql_engines import SqlEngine, SqlSession, is_sqlite
from bot.connectors.sql_mysql import MysqlEngine, is_mysql
from bot.connectors.sql_postgresql import PostgresqlEngine
from bot.connectors.sql_sqlite import SqliteEngine

MAX_REASON = 200


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
        self._writer = _create_engine(url, seconds, read_only=False)
        self._own_reader = _create_engine(url, seconds, read_only=True)
        self._reader = self._own_reader
        if read_url:
            self._reader = _create_engine(read_url, seconds, read_only=True)

    @contextmanager
    def reading(self, *, as_writer: bool = False) -> Iterator[SqlSession]:
        """Open a transaction that can only read, and is always rolled back.

        ``as_writer`` takes the role that also writes: the other one may not see everything.
        """
        engine = self._own_reader if as_writer else self._reader
        session = self._open(engine)
        try:
            session.begin()
            yield session
        except engine.failures as error:
            session.discard()
            raise self._failure(engine, error) from None
        finally:
            session.release()

    @contextmanager
    def writing(self) -> Iterator[SqlSession]:
        """Open a transaction that is committed at the end.

        Raises:
            OutcomeUnknown: COMMIT was sent, and nobody knows what came of it.
            ConnectorFailed: nothing has changed.
        """
        engine = self._writer
        session = self._open(engine)
        try:
            try:
                session.begin()
                yield session
                # After this nothing can be called back.
                sockets.time_left()
            except engine.failures as error:
                session.discard()
                raise self._failure(engine, error) from None
            self._commit(engine, session)
        finally:
            session.release()

    def _commit(self, engine: SqlEngine, session: SqlSession) -> None:
        try:
            session.commit()
        except engine.failures as error:
            is_certain = session.is_rolled_back(error)
            session.discard()
            if is_certain:
                raise self._failure(engine, error) from None
            raise OutcomeUnknown(self._reason(engine, error)) from None

    def _open(self, engine: SqlEngine) -> SqlSession:
        try:
            sockets.time_left()
            return engine.open_session()
        except engine.failures as error:
            raise ConnectorFailed(self._reason(engine, error), retryable=True) from None

    def _failure(self, engine: SqlEngine, error: Exception) -> ConnectorFailed:
        reason = self._reason(engine, error)
        if engine.is_refusal(error):
            return SystemRefused(reason)
        return ConnectorFailed(reason, retryable=engine.is_transient(error))

    def _reason(self, engine: SqlEngine, error: Exception) -> str:
        """Return the first line of the database's own error, without the statement."""
        lines = engine.reason(error).strip().splitlines()
        reason = lines[0] if lines else "failed"
        is_late = "interrupted" in reason or seconds_left() <= 0
        if is_late or isinstance(error, TimeoutError):
            return f"took longer than {self._seconds:g} s"
        return reason[:MAX_REASON]


def _create_engine(url: str, seconds: float, *, read_only: bool) -> SqlEngine:
    if is_sqlite(url):
        return SqliteEngine(url, seconds, read_only=read_only)
    if is_mysql(url):
        return MysqlEngine(url, seconds, read_only=read_only)
    return PostgresqlEngine(url, seconds, read_only=read_only)
