"""One database, one writer. Every write is a job run inside the writer's transaction; jobs that arrive together commit together.

On SQLite that is group commit: with ``synchronous=FULL`` one fsync serves the whole batch. On PostgreSQL it keeps the ledger's
head row locked for as short a time as can be. A job must be repeatable: when one job of a batch fails, the batch is rolled back
and each is run again on its own, so that nobody pays for another's failure.
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from bot.store.unit_of_work import UnitOfWork

T = TypeVar("T")
LARGEST_BATCH = 64
SQLITE_BUSY_FOR = 30.0
# On PostgreSQL: how long a writer may do nothing inside a transaction.
MAX_IDLE_SECONDS = 10.0


class Database:
    """``url`` is an SQLAlchemy URL: ``sqlite:///file`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # A reader never begins a transaction: each SELECT is its own snapshot.
        self._readers = _reading_engine(url)
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Finish what is queued and let go of the connections."""
        self._jobs.put(None)
        self._writer.join()
        if self._connection is not None:
            self._connection.close()
        self.engine.dispose()
        self._readers.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self._readers.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees the database as it was at its first read, and changes nothing."""
        with self._readers.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            try:
                yield connection
            finally:
                if self.is_sqlite:
                    connection.exec_driver_sql("ROLLBACK")
                else:
                    connection.rollback()

    def write(self, job: Callable[[UnitOfWork], T], *, appends: bool = True) -> T:
        """Run the job in a transaction and wait until it is durable. ``appends`` says whether it writes the ledger."""
        waiting = _Job(job, appends)
        self._jobs.put(waiting)
        result: T = waiting.future.result()
        return result

    def _write_loop(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            batch, closing = [first], False
            with contextlib.suppress(queue.Empty):
                while len(batch) < LARGEST_BATCH and not closing:
                    following = self._jobs.get_nowait()
                    if following is None:
                        closing = True
                    else:
                        batch.append(following)
            self._run_batch(batch)
            if closing:
                return

    def _run_batch(self, batch: list["_Job"]) -> None:
        try:
            results = self._transaction(batch)
        except BaseException as failure:
            if len(batch) > 1:
                for job in batch:
                    self._run_batch([job])
            elif _may_repeat(failure) and batch[0].repeats > 0:
                batch[0].repeats -= 1
                self._run_batch(batch)
            else:
                batch[0].future.set_exception(failure)
            return
        for job, result in zip(batch, results, strict=True):
            job.future.set_result(result)

    def _transaction(self, batch: list["_Job"]) -> list[Any]:
        # The writer keeps its connection: taking one from the pool for every batch costs as much as a statement.
        if self._connection is None:
            self._connection = self._connected()
        try:
            with self._connection.begin():
                unit = UnitOfWork(self._connection)
                if any(job.appends for job in batch):
                    unit.lock_head()
                results = [job.run(unit) for job in batch]
                unit.flush()
        except DBAPIError:
            # It may be broken: the next batch gets another.
            self._connection.close()
            self._connection = None
            raise
        return results

    def _connected(self) -> Connection:
        """Connect the writer so that it holds up nobody: it shares the ledger's head with every other process.

        One that stands still in the middle of a transaction loses it, and the others go on.
        """
        connection = self.engine.connect()
        if not self.is_sqlite:
            milliseconds = int(MAX_IDLE_SECONDS * 1000)
            connection.exec_driver_sql(f"SET idle_in_transaction_session_timeout = {milliseconds}")
            connection.commit()
        return connection


class _Job:
    __slots__ = ("appends", "future", "repeats", "run")

    def __init__(self, run: Callable[[UnitOfWork], Any], appends: bool) -> None:
        self.run = run
        self.appends = appends
        self.future: Future[Any] = Future()
        self.repeats = 3


def _may_repeat(failure: BaseException) -> bool:
    """Deadlock and serialization failures on PostgreSQL, and a unique key lost to another process: asking again can help."""
    code = getattr(getattr(failure, "orig", None), "sqlstate", "")
    if isinstance(failure, DBAPIError) and isinstance(failure.orig, sqlite3.IntegrityError):
        return "UNIQUE" in str(failure.orig)
    return code in {"40001", "40P01", "23505"}


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url, pool_size=2, max_overflow=4, pool_pre_ping=True, hide_parameters=True
        )
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=12,
        max_overflow=20,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_FOR},
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _begin_immediate)
    path = engine.url.database
    if path and not Path(path).exists():
        # The ledger is nobody else's to read: SQLite keeps the mode of the file it finds.
        Path(path).touch(mode=0o600)
    return engine


def _reading_engine(url: str) -> Engine:
    """An engine of its own: the writer's begins every transaction with the write lock, and a reader must never wait for that."""
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=12,
            max_overflow=20,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=12,
        max_overflow=20,
        hide_parameters=True,
        connect_args={"timeout": SQLITE_BUSY_FOR},
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    return engine


def _on_sqlite_connect(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "recursive_triggers=ON",
        "foreign_keys=ON",
        "cache_size=-8000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
