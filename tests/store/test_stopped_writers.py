"""A process that is stopped between the statements of a pipeline does not stop the others."""

import contextlib
import os
import signal
import uuid
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from bot.ports.outbox import Topic
from bot.store import database as database_module
from bot.store import stopped_writers
from bot.store.database import Database
from bot.store.statements import CompiledStatement
from bot.store.stopped_writers import MAX_STILL_SECONDS, StoppedWriters, session_name
from bot.store.store import Store
from bot.store.unit_of_work import UnitOfWork
from tests.conftest import _create
from tests.fakes.clock import NOON
from tests.metric_samples import sample
from tests.store.rows import message
from tests.store.stopping import LEASE_SECONDS, stopped_writer, wait_for_standstill
from tests.waiting import wait_until

#: A look that no server can take.
BROKEN = CompiledStatement(sa.text("SELECT pid FROM no_such_view"))

pytestmark = pytest.mark.threat("D9")


@pytest.fixture
def url(postgres):
    name = f"stopped{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    return f"{postgres}/{name}"


@pytest.fixture
def database(url):
    database = Database(url)
    yield database
    database.close()


# --- processes that are stopped -----------------------------------------------------------------


@pytest.fixture
def hasty(database, monkeypatch):
    """A process that soon loses its patience."""
    monkeypatch.setattr(stopped_writers, "MAX_STILL_SECONDS", 0.2)
    monkeypatch.setattr(stopped_writers, "LOOK_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(database_module, "MAX_LOCK_WAIT_SECONDS", 0.1)
    return database


def go_on(process):
    """Let a stopped process go on, and return what became of its transactions."""
    os.kill(process.pid, signal.SIGCONT)
    return process.communicate(timeout=120)[0].split()


def test_another_process_goes_on_when_one_is_stopped_that_holds_the_ledger(url, hasty, caplog):
    before = sample("countersign_ended_sessions_total")
    with stopped_writer(url, "ledger") as process:
        assert hasty.write(UnitOfWork.next_case_id) == "EX-1"
        assert sample("countersign_ended_sessions_total") == before + 1
        (line,) = [
            one for one in caplog.messages if one.startswith("ended a session of the database")
        ]
        assert f"(countersign writer {process.pid} from 127.0.0.1)" in line
        # It hears that its transaction is lost, and works on.
        assert go_on(process) == ["lost", "EX-1"]


def test_a_message_that_a_stopped_process_has_locked_is_taken_over(url, hasty):
    """Whoever claims skips it: nobody waits for its lock."""
    outbox = Store.over(hasty).outbox
    outbox.enqueue([message("card:EX-1")])
    after_lease = NOON + timedelta(seconds=2 * LEASE_SECONDS)
    leases = []

    def claim():
        leases.extend(outbox.claim([Topic.CARD], 1, after_lease, 30.0))
        return leases

    with stopped_writer(url, "message") as process:
        wait_until(claim, "the message")
        assert go_on(process) == ["lost", "EX-1"]
    # The first had not finished it: that was undone.
    assert [(one.key, one.fence) for one in leases] == [("card:EX-1", 2)]
    assert outbox.renew(leases, after_lease + timedelta(seconds=60)) == {("card:EX-1", 2)}


# --- whose session is ended ---------------------------------------------------------------------


class Look:
    """The looks of one process, at times that a test says."""

    def __init__(self, database):
        self.at = 0.0
        self.writers = StoppedWriters(database._readers, lambda: self.at)

    def __call__(self, at):
        self.at = at
        self.writers.end()


@pytest.fixture
def look(database):
    return Look(database)


@contextlib.contextmanager
def session(url, *, name="countersign writer 1", statements=("BEGIN", "SELECT 1")):
    """A pipeline with a statement whose result nobody has asked for."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SELECT set_config('application_name', %s, false)", (name,))
        with contextlib.suppress(psycopg.OperationalError), connection.pipeline():
            for statement in statements:
                connection.execute(statement)
            wait_for_standstill(url, name)
            yield connection


def lives(connection):
    """Tell whether the session is still there."""
    try:
        return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_a_session_is_ended_that_two_looks_have_found_in_the_same_place(url, look):
    with session(url) as connection:
        look(0.0)
        look(MAX_STILL_SECONDS)
        assert not lives(connection)


def test_one_look_ends_nothing_and_neither_do_two_in_a_short_time(url, look):
    with session(url) as connection:
        look(1_000.0)
        look(999.9 + MAX_STILL_SECONDS)
        assert lives(connection)


def test_a_session_that_goes_on_between_looks_is_not_ended(url, look):
    with session(url) as connection:
        for number in range(4):
            look(number * MAX_STILL_SECONDS)
            connection.execute("SELECT 1")
            wait_for_standstill(url, "countersign writer 1")
        assert lives(connection)


@pytest.mark.parametrize(
    "more",
    [
        {"name": "countersign"},
        {"name": "pg_dump"},
        # It holds no lock any more.
        {"statements": ("BEGIN", "SELECT 1", "COMMIT")},
    ],
)
def test_a_session_that_is_no_writer_in_a_transaction_is_not_ended(url, look, more):
    with session(url, **more) as connection:
        look(0.0)
        look(MAX_STILL_SECONDS)
        assert lives(connection)


def test_a_writer_of_another_database_is_not_ended(postgres, url, look):
    with session(f"{postgres}/template1") as connection:
        look(0.0)
        look(MAX_STILL_SECONDS)
        assert lives(connection)


def test_a_writer_has_a_name_and_a_reader_has_none(database):
    shown = "SELECT current_setting('application_name')"
    name = database.write(lambda unit: unit.connection.exec_driver_sql(shown).scalar_one())
    assert name == session_name() == f"countersign writer {os.getpid()}"
    with database.read() as connection:
        assert connection.exec_driver_sql(shown).scalar_one() == ""


def test_whoever_cannot_look_says_so_and_waits_on(database, look, caplog, monkeypatch):
    monkeypatch.setattr(stopped_writers, "_STILL", BROKEN)
    look(0.0)
    assert caplog.messages == [
        "cannot look for stopped writers: ProgrammingError from UndefinedTable (42P01)"
    ]
