"""Statements that a process runs on SQLite or PostgreSQL, met at the driver.

SQLAlchemy and code that speaks to the driver itself are counted alike: the connections that
``sqlite3.connect`` returns, and the cursors of psycopg, note every call before they make it.
"""

import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

COMMIT = "COMMIT"
SPACES = re.compile(r"\s+")
LISTS = re.compile(r"\((?:\?|%\(\w+\)s(?:::\w+)?)(?:, ?(?:\?|%\(\w+\)s(?:::\w+)?))+\)")
PLACEHOLDERS = re.compile(r"%\(\w+\)s(?:::\w+(?: ?\[\])?)?|:\w+\b|\?")
MAX_TEXT = 110
NUMBERS = re.compile(r"(?<== )\d+")


@dataclass(frozen=True, slots=True)
class Statement:
    """One call of a driver."""

    #: The file or the database's name; the empty text where it is not known.
    database: str
    thread: str
    text: str
    #: More than one for ``executemany``.
    rows: int = 1


@dataclass
class StatementLog:
    """The calls of all connections of this process while ``is_on``."""

    is_on: bool = False
    statements: list[Statement] = field(default_factory=list)

    def note(self, database: str, text: str, rows: int = 1) -> None:
        """Note one call."""
        if self.is_on:
            name = threading.current_thread().name
            self.statements.append(Statement(database, name, text, rows))

    def install(self) -> None:
        """Meet every connection that this process opens from now on.

        Before anything is imported that takes ``connect`` out of ``sqlite3``.
        """
        _install_sqlite(self)
        _install_psycopg(self)


def _install_sqlite(log: StatementLog) -> None:
    class NotingCursor(sqlite3.Cursor):
        def execute(self, sql: str, *parameters: Any) -> Any:
            log.note(self.connection.database, sql)
            return super().execute(sql, *parameters)

        def executemany(self, sql: str, parameters: Any) -> Any:
            values = list(parameters)
            log.note(self.connection.database, sql, len(values))
            return super().executemany(sql, values)

    class NotingConnection(sqlite3.Connection):
        def __init__(self, database: Any, *options: Any, **named: Any) -> None:
            super().__init__(database, *options, **named)
            self.database = str(database)

        def cursor(self, factory: Any = NotingCursor) -> Any:
            return super().cursor(factory)

        # The C code behind these makes cursors of its own.
        def execute(self, *arguments: Any) -> Any:
            return self.cursor().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            return self.cursor().executemany(*arguments)

        def commit(self) -> None:
            if self.in_transaction:
                log.note(self.database, COMMIT)
            super().commit()

        def rollback(self) -> None:
            if self.in_transaction:
                log.note(self.database, "ROLLBACK")
            super().rollback()

    genuine = sqlite3.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        named.setdefault("factory", NotingConnection)
        connection: sqlite3.Connection = genuine(*arguments, **named)
        return connection

    sqlite3.connect = sqlite3.dbapi2.connect = connect  # type: ignore[assignment, attr-defined]


def _install_psycopg(log: StatementLog) -> None:
    def noting(cls: type, name: str, note: Callable[..., None]) -> None:
        genuine = getattr(cls, name)

        def call(self: Any, *arguments: Any, **named: Any) -> Any:
            note(self, *arguments)
            return genuine(self, *arguments, **named)

        setattr(cls, name, call)

    def note_execute(cursor: Any, query: Any, *_: Any) -> None:
        log.note("postgresql", str(query))

    def note_many(cursor: Any, query: Any, parameters: Any, *_: Any) -> None:
        log.note("postgresql", str(query), len(parameters))

    def note_commit(connection: Any) -> None:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            log.note("postgresql", COMMIT)

    noting(psycopg.Cursor, "execute", note_execute)
    noting(psycopg.Cursor, "executemany", note_many)
    noting(psycopg.Connection, "commit", note_commit)


def shorten(text: str) -> str:
    """Return a statement in one line, without its lists of columns and places."""
    line = PLACEHOLDERS.sub("?", SPACES.sub(" ", text).strip())
    line = LISTS.sub("(?…)", NUMBERS.sub("?", line))
    line = re.sub(r"^(SELECT (?:DISTINCT )?).{60,}?( FROM )", r"\1…\2", line)
    line = re.sub(r"( RETURNING ).{40,}$", r"\1…", line)
    line = re.sub(r"^(INSERT INTO \w+ )\([^)]*\)", r"\1(…)", line)
    line = re.sub(r"^(UPDATE \w+ SET ).{60,}?( WHERE )", r"\1…\2", line)
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
