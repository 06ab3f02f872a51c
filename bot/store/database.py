"""One writer thread, many readers.

Everything that writes goes through one thread's transaction, and jobs that arrive together commit
together. On SQLite that is group commit: with ``synchronous=FULL`` one fsync serves the whole
batch. On PostgreSQL it holds the lock on the ledger's head for as short a time as possible.
"""

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from bot.clock import monotonic
from bot.store.local_workers import Handover, LocalWorker, dispatch
from bot.store.parameters import keep_storable
from bot.store.unit_of_work import UnitOfWork

T = TypeVar("T")
MAX_BATCH = 64
MAX_REPEATS = 3
WAL_RETRY_SECONDS = 0.01
SQLITE_BUSY_TIMEOUT_SECONDS = 30.0
#: So much of the file is mapped into the memory of readers.
MAX_MAPPED_BYTES = 256 * 1024 * 1024
# On PostgreSQL: how long a writer may do nothing inside a transaction.
MAX_IDLE_SECONDS = 10.0


class Database:
    """A database and its writer thread.

    ``url`` is an SQLAlchemy URL: ``sqlite:///file`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        #: They get the messages of a write under lease once it is durable, or are woken.
        self.local_workers: list[LocalWorker] = []
        self.engine = _writing_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        # A reader never begins a transaction: each SELECT is its own snapshot.
        self._readers = _reading_engine(url)
        for engine in (self.engine, self._readers):
            keep_storable(engine)
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Finish the jobs that wait, and close the connections."""
        self._jobs.put(None)
        self._writer.join()
        if self._connection is not None:
            self._connection.close()
        self.engine.dispose()
        self._readers.dispose()

    # --- reading ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with self._readers.connect() as connection:
            yield connection

    def fetch(self, query: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run one query. Return its rows."""
        with self._readers.connect() as connection:
            return connection.execute(query, values or {}).all()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a read-only connection that sees one moment: its first read."""
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

    # --- writing ---------------------------------------------------------------------------------

    def write(self, job: Callable[[UnitOfWork], T], *, appends: bool = True) -> T:
        """Run the job in a transaction. Return its result once durable.

        A job must be repeatable: when one of a batch fails, the batch is rolled back and each
        runs again on its own, so that nobody pays for another's failure.

        ``appends``: it may write the ledger.
        """
        waiting = _Job(job, appends)
        self._jobs.put(waiting)
        result: T
        result, handover = waiting.future.result()
        dispatch(handover, self.local_workers)
        return result

    def _write_loop(self) -> None:
        is_closing = False
        while not is_closing:
            job = self._jobs.get()
            if job is None:
                return
            batch = [job]
            with contextlib.suppress(queue.Empty):
                while len(batch) < MAX_BATCH and not is_closing:
                    job = self._jobs.get_nowait()
                    if job is None:
                        is_closing = True
                    else:
                        batch.append(job)
            self._run_batch(batch)

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

    def _transaction(self, batch: list["_Job"]) -> list[tuple[Any, Handover]]:
        # The writer keeps its connection: taking one from the pool costs as much as a statement.
        if self._connection is None:
            self._connection = self._connect_writer()
        try:
            with self._connection.begin():
                unit = UnitOfWork(self._connection, self.local_workers)
                if any(job.appends for job in batch):
                    unit.lock_head()
                results = []
                for job in batch:
                    unit.handover = Handover()
                    results.append((job.run(unit), unit.handover))
                unit.flush()
        except DBAPIError:
            # It may be broken: the next batch gets another.
            self._connection.close()
            self._connection = None
            raise
        return results

    def _connect_writer(self) -> Connection:
        """Connect the writer, which shares the ledger's head with every other process.

        A writer that stands still in the middle of a transaction loses it, so that the others
        can go on.
        """
        connection = self.engine.connect()
        if not self.is_sqlite:
            milliseconds = int(MAX_IDLE_SECONDS * 1000)
            connection.exec_driver_sql(f"SET idle_in_transaction_session_timeout = {milliseconds}")
            connection.commit()
        return connection


@dataclass(slots=True)
class _Job:
    """A job of the writer, and the future of its result."""

    run: Callable[[UnitOfWork], Any]
    appends: bool
    future: Future[Any] = field(default_factory=Future)
    #: How often it may still run again after a lost race.
    repeats: int = MAX_REPEATS


def _may_repeat(failure: BaseException) -> bool:
    """Tell whether running the job again can help.

    It can after deadlocks and serialization failures, and after a unique key was lost to another
    process.
    """
    if not isinstance(failure, DBAPIError):
        return False
    if isinstance(failure.orig, sqlite3.IntegrityError):
        return "UNIQUE" in str(failure.orig)
    code = getattr(failure.orig, "sqlstate", "")
    return code in {"40001", "40P01", "23505"}


def _writing_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_size=2,
            max_overflow=4,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(url, **_sqlite_options())
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _begin_immediate)
    path = engine.url.database
    if path and not Path(path).exists():
        # The ledger is nobody else's to read. SQLite keeps the mode of the file it finds.
        Path(path).touch(mode=0o600)
    return engine


def _reading_engine(url: str) -> Engine:
    """Make an engine of its own for readers.

    The writer's begins every transaction with the write lock, and a reader must not wait for it.
    """
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=12,
            max_overflow=20,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_engine(url, isolation_level="AUTOCOMMIT", **_sqlite_options())
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "connect", _map_into_memory)
    return engine


def _map_into_memory(raw: sqlite3.Connection, _: object) -> None:
    """Let readers share the pages of the file.

    A search for words reads every row, and copying pages would be half of its time.
    """
    raw.execute(f"PRAGMA mmap_size={MAX_MAPPED_BYTES}")


def _sqlite_options() -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": 12,
        "max_overflow": 20,
        "hide_parameters": True,
        "connect_args": {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    }


def _on_sqlite_connect(raw: sqlite3.Connection, _: object) -> None:
    raw.isolation_level = None
    _use_wal(raw)
    for pragma in (
        "synchronous=FULL",
        "recursive_triggers=ON",
        "foreign_keys=ON",
        "cache_size=-8000",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _use_wal(raw: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, waiting for another process that does."""
    # SQLite's own busy timeout does not cover the change of the journal mode.
    deadline = monotonic() + SQLITE_BUSY_TIMEOUT_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_SECONDS)
        else:
            return


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
