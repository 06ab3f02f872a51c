"""How much a case asks of the database: statements, transactions and round trips."""

import uuid

import psycopg
import pytest
import sqlalchemy as sa

from bot.cases.program import Callback, Program
from bot.connectors.callbacks import CallbackSender
from bot.ports.card_store import CardRef
from bot.ports.case_store import Change
from bot.ports.outbox import Topic
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.conftest import _create
from tests.store.rows import lease
from tests.store.test_unit_of_work import Worker, claim_of
from tests.world import World


@pytest.fixture
def traced(tmp_path):
    """A world on SQLite, and every statement that its connections have run."""
    statements = []

    def trace(raw, _):
        raw.set_trace_callback(statements.append)

    path = f"sqlite:///{tmp_path / 'traced.db'}"
    database = Database(path)
    migrate(database)
    database.close()
    database = Database(path)
    for engine in (database.engine, database._reading_engine):
        sa.event.listen(engine, "connect", trace)
    world = World(Store.over(database))
    # A worker for every step of a case.
    worker = Worker()
    worker.topics = (Topic.TRIAGE, Topic.CARD, Topic.NOTE, Topic.CALL)
    database.local_workers.append(worker)
    world.receive(world.signal("product:0"))
    statements.clear()
    yield world, statements
    database.close()


def taken(statements):
    """The statements since the last time, without those of triggers."""
    distinct = [
        one
        for number, one in enumerate(statements)
        # A trigger shows the statement that has fired it once more.
        if number == 0 or one != statements[number - 1]
    ]
    statements.clear()
    return [one for one in distinct if not one.startswith(("PRAGMA", "--"))]


def words(statements):
    return [" ".join(one.split()[:3]) for one in statements]


def test_a_signal_that_opens_a_case_is_one_look_and_five_changes(traced):
    world, statements = traced
    world.receive(world.signal("product:1"))
    assert words(taken(statements)) == [
        "BEGIN IMMEDIATE",
        "SELECT anon_1.digest, anon_1.case_id,",
        "INSERT INTO cases",
        "INSERT INTO outbox",
        "INSERT INTO inbox",
        "UPDATE heads SET",
        "INSERT INTO ledger",
        "COMMIT",
    ]


def test_an_event_costs_one_statement_and_only_where_a_program_subscribes(traced):
    world, statements = traced
    callback = Callback(
        url="https://hooks.example/", secret_env=("HOOK_SECRET",), events=("case.opened",)
    )

    def opening(subject, *programs):
        """What a case costs beside programs with these kinds."""
        world.library.programs = {
            kind: Program(name=kind, title=kind, kinds=(kind,), callback=callback)
            for kind in programs
        }
        world.waits["event_sender"] = CallbackSender(lambda name: "")
        world.start("")
        statements.clear()
        world.receive(world.signal(subject))
        return words(taken(statements))

    without = opening("product:1")
    assert without.count("INSERT INTO outbox") == 1
    assert opening("product:2", "another") == without
    with_event = opening("product:3", "low_stock")
    assert with_event.count("INSERT INTO outbox") == 2
    with_event.remove("INSERT INTO outbox")
    assert with_event == without


def test_triage_and_card_cost_so_many_statements(traced):
    world, statements = traced
    world.receive(world.signal("product:1"))
    (worker,) = world.store.database.local_workers
    triage = worker.messages[-1]
    taken(statements)
    world.desk.triage.run(triage)
    assert len(taken(statements)) <= 10
    card = next(one for one in worker.messages if one.topic is Topic.CARD)
    world.desk.screens.cards.refresh(card)
    assert len(taken(statements)) <= 11


def test_what_was_decoded_is_not_read_for_its_sake(traced):
    world, statements = traced
    case = world.proposed()
    taken(statements)
    assert world.case(case) is world.case(case)
    assert len(taken(statements)) == 1


# --- PostgreSQL ---------------------------------------------------------------------------------


class Trips:
    """Counts how often the driver waits for the server."""

    def __init__(self, monkeypatch) -> None:
        self.count = 0
        wait, sync = psycopg.Connection.wait, psycopg.Pipeline.sync
        leave = psycopg.Pipeline.__exit__

        def counted_wait(connection, *more, **options):
            self.count += connection._pipeline is None
            return wait(connection, *more, **options)

        def counted_sync(pipeline):
            self.count += 1
            return sync(pipeline)

        def counted_leave(pipeline, *more):
            self.count += 1
            return leave(pipeline, *more)

        monkeypatch.setattr(psycopg.Connection, "wait", counted_wait)
        monkeypatch.setattr(psycopg.Pipeline, "__exit__", counted_leave)
        monkeypatch.setattr(psycopg.Pipeline, "sync", counted_sync)

    def taken(self):
        count, self.count = self.count, 0
        return count


@pytest.fixture
def remote(postgres, monkeypatch):
    """A world on PostgreSQL, and the round trips to it."""
    name = f"trips{uuid.uuid4().hex[:10]}"
    _create(postgres, name, "template_countersign")
    database = Database(f"{postgres}/{name}")
    trips = Trips(monkeypatch)
    yield World(Store.over(database)), trips
    database.close()


def test_a_transaction_waits_for_postgresql_a_few_times_and_not_for_every_statement(remote):
    world, trips = remote
    case = world.proposed()
    trips.taken()
    world.receive(world.signal("product:2"))
    # The heads, the look, the changes, and the commit.
    assert trips.taken() <= 4
    decision = claim_of(case, world)
    trips.taken()
    world.store.cases.commit(
        Change(before=case, after=decision.case, entries=decision.entries),
    )
    assert trips.taken() <= 4
    message = lease(world.store, topic=Topic.TRIAGE, at=world.clock())
    trips.taken()
    card = CardRef(case_id="EX-2", generation=1, channel="C1", ts="1.0", version=1)
    world.store.cards.record(card, finish=message)
    assert trips.taken() <= 2
