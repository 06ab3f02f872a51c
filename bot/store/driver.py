"""Connections whose statements run on the driver, below SQLAlchemy's execution.

Failures are those of SQLAlchemy all the same: whoever handles them sees one tree of errors, and
no value of a statement is in their text.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from bot.store.parameters import storable_values
from bot.store.statements import CompiledForm, CompiledStatement, InsertRows, Values

NO_VALUES: Mapping[str, Any] = {}
UseRows = Callable[[list[Any]], None]


class DriverConnection:
    """A connection of SQLAlchemy, and the driver's below it.

    The driver is in autocommit: transactions are begun and ended here. On PostgreSQL the
    statements of a transaction are sent without waiting for one another's results, as long as
    nobody asks for them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._raw: Any = connection.connection.driver_connection
        self._pipeline: Any = None
        self._pipeline_end = contextlib.ExitStack()
        #: Statements on their way to PostgreSQL whose results somebody must look at.
        self._pending: list[_PendingResult] = []

    @property
    def connection(self) -> Connection:
        """Return SQLAlchemy's connection, for statements that are made for one call.

        They run in the same transaction.
        """
        self._end_pipeline()
        return self._connection

    # --- statements ------------------------------------------------------------------------------

    def fetch(self, statement: CompiledStatement, values: Values = NO_VALUES) -> list[Any]:
        """Run a statement. Return its rows."""
        if self._pipeline is None:
            form = statement.form_for(self._dialect)
            sql, parameters = form.bind(values)
            try:
                return form.rows_of(self._execute(sql, parameters))
            except self._dialect.loaded_dbapi.Error as failure:
                _raise_as_sqlalchemy(failure, sql=sql, dialect=self._dialect, raw=self._raw)
        rows: list[Any] = []
        self._send(statement, values, use=rows.extend)
        self.settle()
        return rows

    def fetch_first(self, statement: CompiledStatement, values: Values = NO_VALUES) -> Any | None:
        """Run a statement. Return its first row, if there is one."""
        rows = self.fetch(statement, values)
        return rows[0] if rows else None

    def change(self, statement: CompiledStatement, values: Values = NO_VALUES) -> int:
        """Run a statement. Return how many rows it has changed."""
        cursor = self._send(statement, values)
        self.settle()
        count: int = cursor.rowcount
        return count

    # --- statements whose result can wait --------------------------------------------------------

    def change_exactly(
        self, count: int, statement: CompiledStatement, values: Values, *, failure: Exception
    ) -> None:
        """Run a statement that must change so many rows.

        Otherwise ``failure`` is raised: here, or with a later result, and before the transaction
        is committed.
        """
        self._send(statement, values, expected=_Expected(count, failure))

    def change_later(self, statement: CompiledStatement, values: Values = NO_VALUES) -> None:
        """Run a statement whose result nobody needs."""
        self._send(statement, values)

    def change_each(self, statement: CompiledStatement, rows: Sequence[Values]) -> None:
        """Run a statement for each of these rows of values."""
        for row in rows:
            self._send(statement, row)

    def insert(self, insert: InsertRows, rows: Sequence[Values]) -> None:
        """Insert these rows."""
        for statement, values in insert.statements(rows):
            self._send(statement, values)

    def fetch_later(self, statement: CompiledStatement, values: Values, use: UseRows) -> None:
        """Run a statement, and use its rows before the transaction is committed."""
        self._send(statement, values, use=use)

    def settle(self) -> None:
        """Wait for the results of everything that was sent."""
        # A sync and not a flush: only then does the server count the time that a writer stands
        # still in its transaction.
        while self._pipeline is not None and self._pending:
            try:
                self._pipeline.sync()
            except self._dialect.loaded_dbapi.Error as failure:
                _raise_as_sqlalchemy(
                    failure, sql=self._pending[0].sql, dialect=self._dialect, raw=self._raw
                )
            self._look_at_results()

    def _send(
        self,
        statement: CompiledStatement,
        values: Values,
        *,
        expected: "_Expected | None" = None,
        use: UseRows | None = None,
    ) -> Any:
        form = statement.form_for(self._dialect)
        sql, parameters = form.bind(values)
        try:
            cursor = self._execute(sql, parameters)
        except self._dialect.loaded_dbapi.Error as failure:
            _raise_as_sqlalchemy(failure, sql=sql, dialect=self._dialect, raw=self._raw)
        result = _PendingResult(
            cursor=cursor,
            form=form,
            sql=sql,
            expected=expected,
            use=use,
        )
        self._pending.append(result)
        if self._pipeline is None:
            self._look_at_results()
        return cursor

    def _look_at_results(self) -> None:
        """Check and use the results that have come."""
        pending, self._pending = self._pending, []
        for one in pending:
            if one.expected is not None and one.cursor.rowcount != one.expected.count:
                raise one.expected.failure
            if one.use is not None:
                one.use(one.form.rows_of(one.cursor))

    def _execute(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        if self._is_sqlite:
            return self._raw.execute(sql, storable_values(parameters))
        return self._raw.execute(sql, storable_values(parameters), prepare=True)

    # --- transactions ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a transaction. A file is locked against other writers at once."""
        if self._is_sqlite:
            self._run("BEGIN IMMEDIATE")
            return
        self._pipeline = self._pipeline_end.enter_context(self._raw.pipeline())
        self._run("BEGIN")

    def commit(self) -> None:
        """Make the transaction durable."""
        self.settle()
        self._run("COMMIT")
        self._end_pipeline()

    def roll_back(self) -> None:
        """Undo the transaction."""
        self._pending.clear()
        with contextlib.suppress(DBAPIError):
            # What failed in it is known already.
            self._end_pipeline()
        self._run("ROLLBACK")

    def _run(self, sql: str) -> None:
        try:
            self._raw.execute(sql)
        except self._dialect.loaded_dbapi.Error as failure:
            _raise_as_sqlalchemy(failure, sql=sql, dialect=self._dialect, raw=self._raw)

    def _end_pipeline(self) -> None:
        if self._pipeline is None:
            return
        self.settle()
        self._pipeline = None
        try:
            self._pipeline_end.close()
        except self._dialect.loaded_dbapi.Error as failure:
            _raise_as_sqlalchemy(failure, sql="", dialect=self._dialect, raw=self._raw)

    # --- failures --------------------------------------------------------------------------------

    def discard(self, failure: BaseException | None = None) -> None:
        """Give the connection back after a failure, since it may be broken."""
        is_lost = isinstance(failure, DBAPIError) and failure.connection_invalidated
        self._pending.clear()
        with contextlib.suppress(DBAPIError):
            self._end_pipeline()
        with contextlib.suppress(DBAPIError):
            if is_lost and not self._connection.invalidated:
                self._connection.invalidate()
            self._connection.close()


def _raise_as_sqlalchemy(failure: Exception, *, sql: str, dialect: Dialect, raw: Any) -> NoReturn:
    raise DBAPIError.instance(
        sql,
        (),
        failure,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=dialect.is_disconnect(cast(Any, failure), raw, None),
        dialect=dialect,
    ) from failure


@dataclass(frozen=True, slots=True)
class _Expected:
    """Raise ``failure`` unless a statement changes ``count`` rows."""

    count: int
    failure: Exception


@dataclass(slots=True, kw_only=True)
class _PendingResult:
    """A statement that was sent, and what its result is for."""

    cursor: Any
    form: CompiledForm
    sql: str
    expected: _Expected | None
    use: UseRows | None
