"""Connections for reading, kept outside SQLAlchemy's pool."""

import contextlib
import os
from collections.abc import Iterator

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from bot.store.driver import NO_VALUES, DriverConnection
from bot.store.statements import CompiledStatement, Values

#: Idle connections that a process keeps. Others go back to the pool.
MAX_IDLE_READERS = 8


class Readers:
    """Lend connections for reading, each to one thread at a time.

    The one that was used last is lent next. Each statement is a snapshot of its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_closed = False
        # By process: a fork must neither use the connections of its parent nor close them.
        self._idle: dict[int, list[DriverConnection]] = {}

    def fetch(self, statement: CompiledStatement, values: Values = NO_VALUES) -> list[object]:
        """Run a query. Return its rows.

        A connection that the server has cut is replaced once: there is no check before each use.
        """
        try:
            with self.lease() as reader:
                return reader.fetch(statement, values)
        except DBAPIError as failure:
            if not failure.connection_invalidated:
                raise
        with self.lease() as reader:
            return reader.fetch(statement, values)

    @contextlib.contextmanager
    def lease(self) -> Iterator[DriverConnection]:
        """Lend a connection."""
        idle = self._idle.setdefault(os.getpid(), [])
        try:
            # One operation: two threads never get the same.
            reader = idle.pop()
        except IndexError:
            reader = DriverConnection(self._engine.connect())
        try:
            yield reader
        except BaseException as failure:
            reader.discard(failure)
            if isinstance(failure, DBAPIError) and failure.connection_invalidated:
                # The idle connections are lost with it.
                self._discard_idle(failure)
            raise
        if len(idle) < MAX_IDLE_READERS and not self._is_closed:
            idle.append(reader)
        else:
            reader.discard()

    def close(self) -> None:
        """Close the idle connections, and those in use when they come back."""
        self._is_closed = True
        self._discard_idle()

    def _discard_idle(self, failure: DBAPIError | None = None) -> None:
        idle = self._idle.get(os.getpid(), [])
        with contextlib.suppress(IndexError):
            while True:
                idle.pop().discard(failure)
