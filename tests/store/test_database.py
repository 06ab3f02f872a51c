"""One writer, whose jobs do not harm each other."""

import sqlite3
import stat
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.lifecycle import State
from bot.ports.outbox import Topic
from bot.store import database as database_module
from bot.store import engines, tables
from bot.store.database import Database
from bot.store.store import Store
from bot.store.unit_of_work import UnitOfWork
from bot.store.write_queue import MAX_REPEATS, WriteJob
from tests.conftest import _create
from tests.fakes.clock import NOON
from tests.store.rows import message, rows_of
from tests.waiting import wait_until
from tests.world import World


def test_one_failing_job_does_not_fail_its_batch(store):
    gate = threading.Event()
    with ThreadPoolExecutor(3) as many:
        first = many.submit(store.database.write, lambda unit: gate.wait(120))
        bad = many.submit(store.database.write, lambda unit: 1 / 0)
        good = many.submit(store.ticks.claim_tick, "job", 1)
        gate.set()
        assert first.result() is True
        assert good.result() is True
        with pytest.raises(ZeroDivisionError):
            bad.result()


@pytest.mark.threat("A3")
def test_a_writer_that_stands_still_in_a_transaction_does_not_stop_the_others(
    postgres, monkeypatch
):
    """As when a process is stopped, or its machine sleeps, while it holds the head of the ledger."""
    monkeypatch.setattr(database_module, "MAX_IDLE_SECONDS", 0.5)
    name = f"idle{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    still, other = Database(f"{postgres}/{name}"), Database(f"{postgres}/{name}")
    inside, go_on = threading.Event(), threading.Event()

    def stand_still(unit):
        inside.set()
        assert go_on.wait(120)

    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(still.write, stand_still)
            assert inside.wait(120)
            assert other.write(lambda unit: unit.next_case_id()) == "EX-1"
            go_on.set()
            with pytest.raises(sa.exc.DBAPIError):
                waiting.result(120)
        assert still.write(lambda unit: unit.next_case_id()) == "EX-1"
    finally:
        go_on.set()
        still.close()
        other.close()


# --- the writer and its batches -----------------------------------------------------------------


def write_label(unit, case_id):
    values = {"case_id": case_id, "kind": "low_stock", "body": "{}"}
    unit.connection.execute(sa.insert(tables.labels), values)
    return case_id


def labels(store):
    return [row.case_id for row in rows_of(store, tables.labels)]


def in_one_batch(store, *jobs):
    """Run these jobs while the writer is held up, so that they are one batch."""
    gate, inside = threading.Event(), threading.Event()

    def hold_up(unit):
        inside.set()
        return gate.wait(30)

    with ThreadPoolExecutor(len(jobs) + 1) as pool:
        first = pool.submit(store.database.write, hold_up)
        assert inside.wait(30)
        futures = []
        for job in jobs:
            futures.append(pool.submit(store.database.write, job))
            wait_for_queue(store, len(futures))
        gate.set()
        assert first.result(60) is True
        return futures


def wait_for_queue(store, size):
    deadline = time.monotonic() + 30
    while store.database._jobs.qsize() < size:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_jobs_that_wait_together_share_a_transaction(store):
    units = in_one_batch(store, *[lambda unit: id(unit) for _ in range(5)])
    assert len({future.result() for future in units}) == 1


def test_in_a_batch_only_the_failing_job_leaves_nothing(store):
    def fail(unit):
        write_label(unit, "EX-2")
        raise ZeroDivisionError

    good, bad, also_good = in_one_batch(
        store,
        lambda unit: write_label(unit, "EX-1"),
        fail,
        lambda unit: write_label(unit, "EX-3"),
    )
    assert (good.result(), also_good.result()) == ("EX-1", "EX-3")
    with pytest.raises(ZeroDivisionError):
        bad.result()
    assert labels(store) == ["EX-1", "EX-3"]


def test_many_threads_lose_no_write_and_append_one_chain(world):
    signals = [world.signal(f"product:{number}") for number in range(40)]
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(world.receive, signals))
    assert sorted(int(receipt.case_id[3:]) for receipt in receipts) == list(range(1, 41))
    assert [row.seq for row in world.store.ledger.rows()] == list(range(1, 41))
    assert replay(world.store.database).differences == ()


def test_what_a_job_returns_is_durable_before_anybody_has_it(store):
    assert store.database.write(lambda unit: write_label(unit, "EX-1")) == "EX-1"
    other = Database(store.database.url)
    try:
        assert [row.case_id for row in other.fetch(sa.select(tables.labels))] == ["EX-1"]
    finally:
        other.close()


# --- repeating ----------------------------------------------------------------------------------


class Deadlock(Exception):
    """As psycopg tells of one."""

    sqlstate = "40P01"


class Gone(Exception):
    """As psycopg tells of a connection that was closed."""

    sqlstate = "57P01"


def failing_job(times, failure):
    """A job that fails so often, and the list of its attempts."""
    attempts = []

    def job(unit):
        attempts.append(len(attempts))
        if len(attempts) <= times:
            raise sa.exc.OperationalError("UPDATE", {}, failure)
        return write_label(unit, "EX-1")

    return job, attempts


def test_a_job_that_lost_a_deadlock_runs_again(store):
    job, attempts = failing_job(MAX_REPEATS, Deadlock())
    assert store.database.write(job) == "EX-1"
    assert len(attempts) == MAX_REPEATS + 1
    assert labels(store) == ["EX-1"]


def test_a_job_that_loses_every_time_fails_in_the_end(store):
    job, attempts = failing_job(99, Deadlock())
    with pytest.raises(sa.exc.OperationalError):
        store.database.write(job)
    assert len(attempts) == MAX_REPEATS + 1


@pytest.mark.parametrize("failure", [Gone(), sqlite3.IntegrityError("NOT NULL constraint failed")])
def test_a_failure_that_repeating_cannot_help_is_not_repeated(store, failure):
    job, attempts = failing_job(1, failure)
    with pytest.raises(sa.exc.OperationalError):
        store.database.write(job)
    assert (len(attempts), labels(store)) == (1, [])
    # The connection may be broken: the next job gets another.
    assert store.database.write(lambda unit: write_label(unit, "EX-2")) == "EX-2"


def test_a_unique_key_that_another_process_took_is_looked_at_again(store):
    """The second attempt sees what the other has written."""
    attempts = []

    def job(unit):
        attempts.append(1)
        if len(attempts) == 1:
            write_label(unit, "EX-1")
            return write_label(unit, "EX-1")
        return "seen"

    assert store.database.write(job) == "seen"
    assert (len(attempts), labels(store)) == (2, [])


# --- reading ------------------------------------------------------------------------------------


def test_a_snapshot_sees_one_moment_whatever_is_written_meanwhile(store):
    query = sa.select(sa.func.count()).select_from(tables.labels)
    with store.database.snapshot() as connection:
        assert connection.execute(query).scalar_one() == 0
        store.database.write(lambda unit: write_label(unit, "EX-1"))
        assert connection.execute(query).scalar_one() == 0
    with store.database.snapshot() as connection:
        assert connection.execute(query).scalar_one() == 1


def test_a_snapshot_that_fails_gives_its_connection_back(store):
    with pytest.raises(ZeroDivisionError), store.database.snapshot():
        raise ZeroDivisionError
    store.database.write(lambda unit: write_label(unit, "EX-1"))
    assert labels(store) == ["EX-1"]


def test_a_reader_does_not_wait_for_a_writer_in_its_transaction(store):
    def read_inside(unit):
        write_label(unit, "EX-1")
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(labels, store).result(10)

    assert store.database.write(read_inside) == []
    assert labels(store) == ["EX-1"]


def test_no_value_of_a_statement_is_shown_in_an_error(store):
    secret = "xoxb-very-secret"
    with pytest.raises(sa.exc.DBAPIError) as failure:
        store.database.fetch(sa.text("SELECT * FROM nowhere WHERE x = :x"), {"x": secret})
    assert secret not in str(failure.value)


# --- two stores on one database -----------------------------------------------------------------


def test_two_stores_that_write_at_once_share_one_ledger(world):
    other_database = Database(world.store.database.url)
    other = World(Store.over(other_database), outside=world)
    try:
        with ThreadPoolExecutor(8) as pool:
            for number in range(24):
                writer = (world, other)[number % 2]
                signal = world.signal(f"product:{number}")
                pool.submit(writer.receive, signal)
        assert sorted(world.store.queries.case_ids()) == sorted(f"EX-{n}" for n in range(1, 25))
        assert other.store.ledger.head() == world.store.ledger.head()
        assert replay(world.store.database).differences == ()
    finally:
        other_database.close()


def test_two_stores_lease_each_message_to_one_of_them(store):
    other_database = Database(store.database.url)
    outboxes = (store.outbox, Store.over(other_database).outbox)
    store.outbox.enqueue([message(f"card:{number}") for number in range(60)])

    def claim_all(outbox):
        keys = []
        while messages := outbox.claim([Topic.CARD], 3, NOON, 3600):
            keys += [one.key for one in messages]
        return keys

    try:
        with ThreadPoolExecutor(4) as pool:
            claims = list(pool.map(claim_all, outboxes * 2))
        keys = [key for keys_of_one in claims for key in keys_of_one]
        assert sorted(keys) == sorted(f"card:{number}" for number in range(60))
    finally:
        other_database.close()


# --- opening and closing ------------------------------------------------------------------------


def test_what_was_written_is_there_after_closing_and_opening_again(world):
    case = world.proposed()
    head = world.store.ledger.head()
    again = Database(world.store.database.url)
    world.store.database.close()
    try:
        store = Store.over(again)
        assert (store.cases.case(case.id), store.ledger.head()) == (case, head)
        later = World(store, outside=world)
        later.approve(case)
        later.work()
        assert later.case(case).state is State.RESOLVED
        assert replay(again).differences == ()
    finally:
        again.close()


def test_closing_finishes_the_jobs_that_wait(database_url):
    database = Database(database_url)
    store = Store.over(database)
    gate, inside = threading.Event(), threading.Event()

    def hold_up(unit):
        inside.set()
        return gate.wait(30)

    with ThreadPoolExecutor(5) as pool:
        pool.submit(database.write, hold_up)
        assert inside.wait(30)
        jobs = [lambda unit, n=n: write_label(unit, f"EX-{n}") for n in range(3)]
        futures = [pool.submit(database.write, job) for job in jobs]
        wait_for_queue(store, 3)
        closing = pool.submit(database.close)
        gate.set()
        closing.result(60)
        assert [future.result(60) for future in futures] == ["EX-0", "EX-1", "EX-2"]
    again = Database(database_url)
    try:
        assert labels(Store.over(again)) == ["EX-0", "EX-1", "EX-2"]
    finally:
        again.close()


def test_a_database_that_was_never_used_closes(tmp_path):
    Database(f"sqlite:///{tmp_path / 'unused.db'}").close()


# --- SQLite -------------------------------------------------------------------------------------


def test_a_new_file_is_for_nobody_else_to_read(tmp_path):
    path = tmp_path / "new.db"
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_exists_keeps_its_mode(tmp_path):
    path = tmp_path / "old.db"
    path.touch(mode=0o640)
    path.chmod(0o640)
    Database(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("recursive_triggers", 1), ("foreign_keys", 1)],
)
def test_every_connection_to_a_file_is_durable_and_strict(small_world, pragma, value):
    database = small_world.store.database
    with database.read() as reader:
        assert reader.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
    inside = database.write(
        lambda unit: unit.connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
    )
    assert inside == value


def test_the_writer_copies_the_log_of_a_file_seldom(small_world):
    pages = small_world.store.database.write(
        lambda unit: unit.connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one()
    )
    assert pages == engines.MAX_LOGGED_PAGES


class BusyConnection:
    """A connection whose file another process switches to the write-ahead log just now."""

    def __init__(self, times) -> None:
        self.times = times
        self.statements = []

    def execute(self, statement):
        self.statements.append(statement)
        if len(self.statements) <= self.times:
            raise sqlite3.OperationalError("database is locked")


def test_the_write_ahead_log_is_waited_for():
    connection = BusyConnection(3)
    engines._use_wal(connection)
    assert connection.statements == ["PRAGMA journal_mode=WAL"] * 4


def test_the_write_ahead_log_is_not_waited_for_forever(monkeypatch):
    monkeypatch.setattr(engines, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.05)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        engines._use_wal(BusyConnection(10**9))


@pytest.mark.threat("D9")
def test_a_lock_that_a_stopped_process_keeps_is_waited_for_once_and_named(
    small_world, monkeypatch, caplog
):
    path = small_world.store.database.engine.url.database
    monkeypatch.setattr(engines, "SQLITE_BUSY_TIMEOUT_SECONDS", 0.05)
    database = Database(f"sqlite:///{path}")
    stranger = sqlite3.connect(path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    batch = [WriteJob(run=UnitOfWork.next_case_id, appends=True) for _ in range(2)]
    database._run_batch(batch)
    for job in batch:
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            job.future.result(0)
    assert caplog.messages == [database_module.FILE_IS_LOCKED]
    stranger.execute("ROLLBACK")
    assert database.write(UnitOfWork.next_case_id) == "EX-1"
    stranger.close()
    database.close()


def test_a_writer_waits_for_a_strangers_lock_on_the_file(small_world):
    """As another program has that looks into the file for a moment."""
    path = small_world.store.database.engine.url.database
    stranger = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(small_world.receive)
        time.sleep(0.2)
        assert not waiting.done()
        stranger.execute("ROLLBACK")
        assert waiting.result(30).case_id == "EX-1"
    stranger.close()


@pytest.mark.threat("D9")
def test_it_is_told_that_nothing_is_written_for_long(small_world, monkeypatch):
    monkeypatch.setattr(database_module, "MAX_BATCH_SECONDS", 0.05)
    database = small_world.store.database
    stranger = sqlite3.connect(
        database.engine.url.database, isolation_level=None, check_same_thread=False
    )
    assert database.describe_wait() == ""
    stranger.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(small_world.receive)
        wait_until(database.describe_wait, "a word about the wait")
        assert database.describe_wait().startswith("nothing was written to the database for ")
        stranger.execute("ROLLBACK")
        assert waiting.result(30).case_id == "EX-1"
    wait_until(lambda: not database.describe_wait(), "the end of the wait")
    stranger.close()
