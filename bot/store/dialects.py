"""Statements with a form for SQLite and one for PostgreSQL."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Executable, Table
from sqlalchemy.dialects import sqlite

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
else:
    # A bot on SQLite needs none of its many drivers.
    postgresql = LazyModule("sqlalchemy.dialects.postgresql")

Insert = Any
"""The ``insert`` function of a dialect, or the statement that it makes."""


class DialectStatement:
    """One statement in the form of each dialect, built on first use."""

    def __init__(
        self, *, on_sqlite: Callable[[], Executable], on_postgresql: Callable[[], Executable]
    ) -> None:
        self._builds = {"sqlite": on_sqlite, "postgresql": on_postgresql}
        self._by_dialect: dict[str, Any] = {}

    @classmethod
    def of_inserts(cls, build: Callable[[Insert], Insert]) -> "DialectStatement":
        """Build the statement with the ``insert`` function of each dialect."""
        return cls(
            on_sqlite=lambda: build(sqlite.insert),
            on_postgresql=lambda: build(postgresql.insert),
        )

    def on(self, connection: Connection) -> Insert:
        """Return the form for this connection's database."""
        return self.for_dialect(connection.dialect.name)

    def for_dialect(self, name: str) -> Insert:
        """Return the form for the dialect of this name."""
        if name not in self._by_dialect:
            self._by_dialect[name] = self._builds[name]()
        return self._by_dialect[name]


def insert_or_ignore(table: Table, *, returning: Column[Any] | None = None) -> DialectStatement:
    """Insert rows, and skip those whose key exists.

    ``returning`` gives the rows that were inserted: psycopg's ``rowcount`` does not tell.
    """

    def build(insert: Insert) -> Insert:
        statement = insert(table).on_conflict_do_nothing()
        return statement if returning is None else statement.returning(returning)

    return DialectStatement.of_inserts(build)


def insert_or_update(table: Table, *, key: Iterable[Column[Any]]) -> DialectStatement:
    """Insert rows, and overwrite all other columns of those whose key exists."""
    key_columns = list(key)
    key_names = {column.name for column in key_columns}

    def build(insert: Insert) -> Insert:
        statement = insert(table)
        others = {
            column.name: statement.excluded[column.name]
            for column in table.c
            if column.name not in key_names
        }
        return statement.on_conflict_do_update(index_elements=key_columns, set_=others)

    return DialectStatement.of_inserts(build)
