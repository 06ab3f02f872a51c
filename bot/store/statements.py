"""Statements that are compiled once and run on the driver.

They are written in SQLAlchemy Core. What Core does for each execution (look up the compiled form,
make a result object, take a connection from the pool) costs more than SQLite needs for the
statement itself, so the statements of every case skip it.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ClauseElement, Dialect, Executable, Insert, Table, bindparam
from sqlalchemy.sql.compiler import SQLCompiler

from bot.lazy_module import LazyModule
from bot.store.dialects import DialectStatement

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect
else:
    # A bot on SQLite loads neither it nor the driver: 10 MB.
    psycopg_dialect = LazyModule("sqlalchemy.dialects.postgresql.psycopg")

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
#: Rows of one INSERT. More are inserted in several, so that few forms of it are compiled.
MAX_ROWS_PER_INSERT = 16


class CompiledStatement:
    """A statement with one compiled form for each dialect."""

    def __init__(self, core: Executable | DialectStatement) -> None:
        self._core = core
        self._forms: dict[str, CompiledForm] = {}

    def form_for(self, dialect: Dialect) -> "CompiledForm":
        """Return the form for this dialect; compile it on first use."""
        form = self._forms.get(dialect.name)
        if form is None:
            core = self._core
            if isinstance(core, DialectStatement):
                core = core.for_dialect(dialect.name)
            form = self._forms[dialect.name] = CompiledForm(core, _compiling_dialect(dialect))
        return form


class InsertRows:
    """An INSERT of several rows in one statement."""

    def __init__(self, table: Table, columns: Sequence[str] | None = None) -> None:
        """Name the ``columns`` that are given; None for all."""
        self._table = table
        self._columns = columns or [column.name for column in table.columns]
        self._by_size: dict[int, CompiledStatement] = {}

    def statements(self, rows: Sequence[Values]) -> list[tuple[CompiledStatement, Values]]:
        """Return the statements that insert these rows, with their values."""
        parts: list[tuple[CompiledStatement, Values]] = []
        for start in range(0, len(rows), MAX_ROWS_PER_INSERT):
            part = rows[start : start + MAX_ROWS_PER_INSERT]
            values = {
                f"{name}_{number}": row[name]
                for number, row in enumerate(part)
                for name in self._columns
            }
            parts.append((self._of_size(len(part)), values))
        return parts

    def _of_size(self, size: int) -> CompiledStatement:
        statement = self._by_size.get(size)
        if statement is None:
            columns = [self._table.c[name] for name in self._columns]
            rows = [
                {
                    column.name: bindparam(f"{column.name}_{number}", type_=column.type)
                    for column in columns
                }
                for number in range(size)
            ]
            core: Insert = self._table.insert().values(rows)
            statement = self._by_size[size] = CompiledStatement(core)
        return statement


class CompiledForm:
    """A statement in one dialect, with the order of its values."""

    def __init__(self, core: Executable, dialect: Dialect) -> None:
        self._dialect = dialect
        compilation = cast(SQLCompiler, cast(ClauseElement, core).compile(dialect=dialect))
        self._compilation = compilation
        #: Values that stand in the statement itself, such as ``state='ready'``.
        self._constants = {
            name: bind.effective_value
            for bind, name in compilation.bind_names.items()
            if not bind.required
        }
        self._converters = _bind_converters(compilation, dialect)
        self._lists = [name for bind, name in compilation.bind_names.items() if bind.expanding]
        self._expansions: dict[tuple[int, ...], _Expansion] = {}
        self._result_types = [column.type for column in getattr(core, "exported_columns", ())]
        self._make_rows: Callable[[Sequence[Any]], list[Any]] | None = None
        if not self._lists:
            self._sql = compilation.string
            self._pick = _picker(compilation.positiontup or ())

    def bind(self, values: Values) -> tuple[str, tuple[Any, ...]]:
        """Return the SQL and its values in the order of their places."""
        if self._constants:
            values = {**self._constants, **values}
        if self._converters:
            values = dict(values)
            for name, convert in self._converters:
                values[name] = convert(values[name])
        if not self._lists:
            return self._sql, self._pick(values)
        return self._bind_lists(dict(values))

    def _bind_lists(self, values: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
        lengths = tuple(len(values[name]) for name in self._lists)
        expansion = self._expansions.get(lengths)
        if expansion is None:
            expansion = self._expansions[lengths] = _Expansion(self._compilation, values)
        for name in self._lists:
            values.update(zip(expansion.names[name], values.pop(name), strict=True))
        return expansion.sql, expansion.pick(values)

    def rows_of(self, cursor: Any) -> list[Any]:
        """Fetch what the driver has found, as rows with named columns."""
        tuples = cursor.fetchall()
        if not tuples:
            return []
        if self._make_rows is None:
            self._make_rows = self._row_maker(cursor.description)
        return self._make_rows(tuples)

    def _row_maker(self, description: Sequence[Any]) -> Callable[[Sequence[Any]], list[Any]]:
        names = [column[0] for column in description]
        row_type: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        make: Callable[[Sequence[Any]], Any] = row_type._make
        converters = []
        for place, type_ in enumerate(self._result_types):
            implementation = type_.dialect_impl(self._dialect)
            convert = implementation.result_processor(self._dialect, description[place][1])
            if convert is not None:
                converters.append((place, convert))
        if not converters:
            return lambda tuples: list(map(make, tuples))

        def make_converted(tuples: Sequence[Any]) -> list[Any]:
            rows = []
            for values in map(list, tuples):
                for place, convert in converters:
                    values[place] = convert(values[place])
                rows.append(make(values))
            return rows

        return make_converted


class _Expansion:
    """A statement with ``IN`` lists of certain lengths."""

    def __init__(self, compilation: SQLCompiler, values: Values) -> None:
        state = compilation.construct_expanded_state(values)
        self.sql = state.statement
        self.names = state.parameter_expansion
        self.pick = _picker(state.positiontup or ())


def _picker(names: Sequence[str]) -> Callable[[Values], tuple[Any, ...]]:
    """Return a function that picks these values from a mapping.

    It returns them in this order.
    """
    if not names:
        return _pick_nothing
    if len(names) == 1:
        name = names[0]
        return lambda values: (values[name],)
    return itemgetter(*names)


def _pick_nothing(_values: Values) -> tuple[Any, ...]:
    return ()


def _bind_converters(compilation: SQLCompiler, dialect: Dialect) -> list[tuple[str, Convert]]:
    converters: list[tuple[str, Convert]] = []
    for bind, name in compilation.bind_names.items():
        convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None and not bind.expanding:
            converters.append((name, convert))
    return converters


def _compiling_dialect(dialect: Dialect) -> Dialect:
    """Return the dialect with positional parameters."""
    return dialect if dialect.positional else _positional_postgresql()


@cache
def _positional_postgresql() -> Dialect:
    dialect: Dialect = psycopg_dialect.PGDialect_psycopg(  # type: ignore[no-untyped-call]
        paramstyle="format",
        dbapi=psycopg_dialect.PGDialect_psycopg.import_dbapi(),  # type: ignore[no-untyped-call]
    )
    return dialect
