"""One writer thread, many readers.

Everything that writes goes through one thread's transaction, and jobs that arrive together commit
together. On SQLite that is group commit: with ``synchronous=FULL`` one fsync serves the whole
batch. On PostgreSQL it holds the lock on the ledger's head for as short a time as possible.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Select, func, select
from sqlalchemy.exc import DBAPIError

from bot.cases.errors import LedgerBroken
from bot.clock import monotonic
from bot.store.decoded_cases import DecodedCases
from bot.store.driver import DriverConnection
from bot.store.engines import BEGINS_ON_DRIVER, mapping_file, reading_engine, writing_engine
from bot.store.heads import HeadMoved, Heads
from bot.store.local_workers import Handover, LocalWorker, dispatch
from bot.store.met_controls import MetControls
from bot.store.parameters import keep_storable
from bot.store.readers import Readers
from bot.store.statements import CompiledStatement
from bot.store.stopped_writers import StoppedWriters, session_name
from bot.store.unit_of_work import UnitOfWork
from bot.store.write_queue import FirstCome, Precedence, WriteJob, WriteQueue

T = TypeVar("T")
MAX_BATCH = 64
#: After another process has appended, the heads are read in so many transactions.
SHARED_TRANSACTIONS = 100
# On PostgreSQL: how long a writer may do nothing inside a transaction.
MAX_IDLE_SECONDS = 10.0
#: On PostgreSQL: how long a writer waits for a lock before it looks whether the holder is stopped.
MAX_LOCK_WAIT_SECONDS = 4.0
#: A batch takes milliseconds: one that takes so long waits for another session's lock.
MAX_BATCH_SECONDS = 10.0
#: The SQLSTATE of a wait that lasted longer.
LOCK_NOT_AVAILABLE = "55P03"
WAITS_FOR_LOCK = (
    "waiting for another session of the database that holds a lock; if this stays, look for the"
    " oldest xact_start in pg_stat_activity"
)
FILE_IS_LOCKED = (
    "another process keeps the write lock of the database's file; look whether it is stopped"
    " (lslocks lists it with WRITE on the file's -shm)"
)
HEADS_ARE_WRONG = "the heads of the ledger changed inside a transaction that had locked them"

log = logging.getLogger(__name__)


class Database:
    """A database and its writer thread.

    ``url`` is an SQLAlchemy URL: ``sqlite:///file`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        #: They get the messages of a write under lease once it is durable, or are woken.
        self.local_workers: list[LocalWorker] = []
        #: They get the kind of each decision that was scored, once it is durable.
        self.score_listeners: list[Callable[[str], None]] = []
        self.met_controls = MetControls()
        self.decoded_cases = DecodedCases()
        self.engine = writing_engine(url)
        # A reader never begins a transaction: each SELECT is its own snapshot.
        self._reading_engine = reading_engine(url)
        for engine in (self.engine, self._reading_engine):
            keep_storable(engine)
        self._readers = Readers(self._reading_engine)
        self._stopped_writers = StoppedWriters(self._readers)
        #: Lets decisions of people go before background work.
        self.precedence: Precedence = FirstCome()
        self._connection: DriverConnection | None = None
        self._heads: Heads | None = None
        self._shared_for = 0
        #: Since when the writer has its present batch; None without one.
        self._batch_since: float | None = None
        self._jobs = WriteQueue(lambda: self.precedence.is_rush())
        self._writer = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._writer.start()

    @property
    def is_sqlite(self) -> bool:
        """Tell whether it is a file."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Finish the jobs that wait, and close the connections."""
        self._jobs.close()
        self._writer.join()
        if self._connection is not None:
            self._connection.discard()
        self._readers.close()
        self.engine.dispose()
        self._reading_engine.dispose()

    # --- reading ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with self._reading_engine.connect() as connection:
            yield connection

    def fetch(
        self, query: Executable | CompiledStatement, values: Mapping[str, Any] | None = None
    ) -> Sequence[Any]:
        """Run one query. Return its rows."""
        self.precedence.give_way()
        if isinstance(query, CompiledStatement):
            return self._readers.fetch(query, values or {})
        with self._reading_engine.connect() as connection, mapping_file(connection):
            return connection.execute(query, values or {}).all()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a read-only connection that sees one moment: its first read."""
        with self._reading_engine.connect() as connection:
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

    def write(
        self, job: Callable[[UnitOfWork], T], *, appends: bool = True, urgent: bool = False
    ) -> T:
        """Run the job in a transaction. Return its result once durable.

        A job must be repeatable: when one of a batch fails, the batch is rolled back and each
        runs again on its own, so that nobody pays for another's failure.

        ``appends``: it may write the ledger. ``urgent``: a person waits for it.
        """
        if threading.current_thread() is self._writer:
            raise RuntimeError("the thread that writes would wait for itself")
        is_background = not urgent and self.precedence.is_background()
        if is_background:
            self.precedence.give_way()
        waiting = WriteJob(run=job, appends=appends, is_urgent=urgent, is_background=is_background)
        self._jobs.put(waiting)
        result: T
        result, handover = waiting.future.result()
        dispatch(handover, self.local_workers)
        return result

    def submit(
        self, job: Callable[[UnitOfWork], T], *, appends: bool = True, urgent: bool = False
    ) -> Future[T]:
        """Run the job as ``write`` does, without waiting for it.

        Callbacks of the future run on the writer's thread once the job is durable: they must be
        short.
        """
        waiting = WriteJob(
            run=job,
            appends=appends,
            is_urgent=urgent,
            is_background=not urgent and self.precedence.is_background(),
        )
        future: Future[T] = Future()
        waiting.future.add_done_callback(partial(self._pass_on, future, urgent=urgent))
        self._jobs.put(waiting)
        return future

    def _pass_on(
        self, future: Future[T], source: Future[tuple[T, Handover]], *, urgent: bool
    ) -> None:
        failure = source.exception()
        if failure is not None:
            future.set_exception(failure)
            return
        result, handover = source.result()
        if urgent:
            # A person waits for the result, and nobody for the workers.
            future.set_result(result)
            dispatch(handover, self.local_workers)
            return
        # Whoever has the result may rely on it that the workers have theirs.
        try:
            dispatch(handover, self.local_workers)
        finally:
            future.set_result(result)

    def _write_loop(self) -> None:
        while batch := self._jobs.take(MAX_BATCH):
            self._batch_since = monotonic()
            self._run_batch(batch)
            self._batch_since = None

    def describe_wait(self) -> str:
        """Say that nothing is written; an empty text while all goes on."""
        since = self._batch_since
        seconds = 0.0 if since is None else monotonic() - since
        if seconds < MAX_BATCH_SECONDS:
            return ""
        return (
            f"nothing was written to the database for {seconds:.0f} s: another session keeps a"
            " lock; the log says how to find it"
        )

    def end_stopped_writers(self) -> None:
        """Let work go on that a stopped process has locked.

        Whoever has waited, or has found work that is due and locked, calls this.
        """
        if not self.is_sqlite:
            self._stopped_writers.end()

    def _run_batch(self, batch: list[WriteJob]) -> None:
        try:
            results = self._patient_transaction(batch)
        except HeadMoved:
            # Nobody has lost anything: the heads are read in the next attempt.
            self._run_batch(batch)
            return
        except BaseException as failure:
            if _is_locked_file(failure):
                log.warning(FILE_IS_LOCKED)
                # Each has waited its time, and none would get on alone.
                for job in batch:
                    job.future.set_exception(failure)
            elif len(batch) > 1:
                self._run_each(batch)
            elif _may_repeat(failure) and batch[0].repeats > 0:
                batch[0].repeats -= 1
                self._run_batch(batch)
            else:
                batch[0].future.set_exception(failure)
            return
        self._jobs.put_back(batch[len(results) :])
        for job, result in zip(batch, results, strict=False):
            job.future.set_result(result)

    def _run_each(self, batch: list[WriteJob]) -> None:
        """Run each job of a failed batch in its own transaction."""
        for number, job in enumerate(batch):
            if number > 0 and self._jobs.has_urgent():
                # The rest is a batch again, after the urgent ones.
                self._jobs.put_back(batch[number:])
                return
            self._run_batch([job])

    def _patient_transaction(self, batch: list[WriteJob]) -> list[tuple[Any, Handover]]:
        """Run jobs in one transaction, however long it waits for locks."""
        while True:
            try:
                return self._transaction(batch)
            except DBAPIError as failure:
                if _sqlstate(failure) != LOCK_NOT_AVAILABLE:
                    raise
            log.warning(WAITS_FOR_LOCK)
            self.end_stopped_writers()

    def _transaction(self, batch: list[WriteJob]) -> list[tuple[Any, Handover]]:
        """Run jobs in one transaction.

        Return the results of those that have run: the last may be left for the next.
        """
        # The writer keeps its connection: taking one from the pool costs as much as a statement.
        if self._connection is None:
            self._connection = self._connect_writer()
        heads, self._heads = self._heads, None
        try:
            self._connection.begin()
            unit = UnitOfWork(
                self._connection,
                self.local_workers,
                heads=heads,
                decoded_cases=self.decoded_cases,
                met_controls=self.met_controls,
            )
            results = self._run_jobs(unit, batch)
            unit.flush()
            self._connection.commit()
        except HeadMoved:
            self._shared_for = SHARED_TRANSACTIONS
            self._roll_back()
            if heads is None:
                # They were read under their lock: a job has written into their table.
                raise LedgerBroken(HEADS_ARE_WRONG) from None
            raise
        except DBAPIError as failure:
            # It may be broken: the next batch gets another.
            self._drop_connection(failure)
            if heads is not None and _may_repeat(failure):
                # A case number that another process has given out.
                self._shared_for = SHARED_TRANSACTIONS
            raise
        except BaseException:
            self._roll_back()
            raise
        if unit.changed_controls is not None:
            self.met_controls.add(unit.changed_controls)
        self._keep_heads(unit)
        return results

    def _run_jobs(self, unit: UnitOfWork, batch: list[WriteJob]) -> list[tuple[Any, Handover]]:
        if any(job.appends for job in batch):
            unit.lock_head()
        results: list[tuple[Any, Handover]] = []
        for job in batch:
            # A person's decision does not wait for the rest of a long batch.
            if results and not job.is_urgent and self._jobs.has_urgent():
                break
            unit.handover = Handover()
            results.append((job.run(unit), unit.handover))
        return results

    def _keep_heads(self, unit: UnitOfWork) -> None:
        """Keep the heads for the next transaction.

        On PostgreSQL they are read under their lock every time: it is waited for anyway.
        """
        if self._shared_for > 0:
            self._shared_for -= 1
        elif self.is_sqlite:
            self._heads = unit.heads

    def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                self._connection.roll_back()
        except DBAPIError as failure:
            self._drop_connection(failure)

    def _drop_connection(self, failure: DBAPIError) -> None:
        if self._connection is not None:
            self._connection.discard(failure)
            self._connection = None

    def _connect_writer(self) -> DriverConnection:
        """Connect the writer, which shares the ledger's head with every other process.

        A writer that stands still in the middle of a transaction loses it, so that the others
        can go on: its server ends it between transactions of statements, and whoever waits ends
        it between the statements of a pipeline.
        """
        connection = self.engine.connect().execution_options(**{BEGINS_ON_DRIVER: True})
        if not self.is_sqlite:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(_configure_session())
        return DriverConnection(connection)


def _configure_session() -> Select[Any]:
    """Set what a writer's session on PostgreSQL needs, in one statement."""
    settings = {
        "idle_in_transaction_session_timeout": f"{MAX_IDLE_SECONDS * 1000:.0f}",
        "lock_timeout": f"{MAX_LOCK_WAIT_SECONDS * 1000:.0f}",
        # Whoever waited for a lock must see what its last holder wrote, whatever the server's
        # default is.
        "default_transaction_isolation": "read committed",
        "application_name": session_name(),
    }
    return select(*(func.set_config(name, value, False) for name, value in settings.items()))


def _is_locked_file(failure: BaseException) -> bool:
    """Tell whether another process kept SQLite's write lock for too long."""
    cause = failure.orig if isinstance(failure, DBAPIError) else None
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _sqlstate(failure: DBAPIError) -> str:
    return getattr(failure.orig, "sqlstate", None) or ""


def _may_repeat(failure: BaseException) -> bool:
    """Tell whether running the job again can help.

    It can after deadlocks and serialization failures, and after a unique key was lost to another
    process.
    """
    if not isinstance(failure, DBAPIError):
        return False
    if isinstance(failure.orig, sqlite3.IntegrityError):
        return "UNIQUE" in str(failure.orig)
    return _sqlstate(failure) in {"40001", "40P01", "23505"}
