"""A database of the release before, with cases in flight: one resolved, one waiting in somebody's hands, one approved and not begun."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.cases.errors import KeyReused
from bot.cases.lifecycle import State
from bot.cases.signal import SignalStatus
from bot.ports import Outcome, Wanted
from bot.store.database import Database
from bot.store.export import export, replay
from bot.store.lists import Lists
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.verifier import verify
from scheduler.detectors import Detector
from tests.fakes.directory import principal
from tests.world import World

BEFORE = Path(__file__).parent / "at_migration_0002.sql"


def test_an_upgrade_loses_nothing_and_asks_nothing_again(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as old:
        old.executescript(BEFORE.read_text())
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(database)
    store = SqlStore(database)
    assert replay(store).differences == ()
    lists = Lists(store)
    assert [case.id for case in lists.find(Wanted(), 10)] == ["EX-2", "EX-3"]
    assert (lists.count(Wanted(is_any=True)), lists.is_named(principal("finn"), "EX-2")) == (3, True)
    world = World(store)
    world.clock.forward(hours=1)
    world.work()
    assert (store.case("EX-3").state, store.case("EX-3").drifted) == (State.RESOLVED, ())
    world.desk.decisions.approve("EX-2", by=principal("omar"), revision=1)
    world.work()
    assert store.case("EX-2").state is State.RESOLVED
    export(store, tmp_path / "ledger.jsonl")
    assert verify(str(tmp_path / "ledger.jsonl"))[0] == []
    assert replay(store).differences == ()
    database.close()


# --- whose trouble it is (0004) ------------------------------------------------------------------------------------------------


@pytest.fixture
def world_of_0003(tmp_path, database_url):
    """A database of the release before, its rows on SQLite or PostgreSQL, upgraded."""
    path = tmp_path / "before.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "sources_at_0003.sql").read_text())
        # The till said "all clear" of a trouble that it had not reported: no case was touched.
        columns = "'till', 'till-0', digest, body, received_at, 'ignored', NULL, fingerprint"
        old.execute(f"INSERT INTO inbox SELECT {columns} FROM inbox WHERE key = 'api-1'")
        old.commit()
    url = f"sqlite:///{path}"
    if not database_url.startswith("sqlite"):
        url = copied(path, database_url)
    database = Database(url)
    migrate(database)
    world = World(SqlStore(database))
    world.clock.forward(hours=1)
    yield world
    database.close()


def copied(path, url) -> str:
    """The rows of this SQLite file in the tables of an empty PostgreSQL that has the same ones."""
    engine = sa.create_engine(url)
    with contextlib.closing(sqlite3.connect(path)) as old, engine.begin() as new:
        new.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
        names = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in (name for name in names if name != "alembic_version"):
            new.execute(sa.text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            new.execute(sa.text(f"DELETE FROM {name}"))
            cursor = old.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in cursor.description]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor]
            if rows:
                places = ", ".join(f":{column}" for column in columns)
                insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})"
                new.execute(sa.text(insert), rows)
            new.execute(sa.text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
    engine.dispose()
    return url


@pytest.mark.threat("A6")
def test_a_case_in_flight_keeps_the_source_that_opened_it(world_of_0003):
    world = world_of_0003
    assert replay(world.store).differences == ()
    again = world.receive(world.signal("product:1", key="api-1b"))
    assert (again.outcome, again.case_id) == (Outcome.COUNTED, "EX-1")
    other = world.receive(world.signal("product:1", source="till", key="till-2"))
    assert (other.outcome, other.case_id) == (Outcome.OPENED, "EX-5")
    stranger = world.signal("product:1", source="till", key="till-3", status=SignalStatus.CLEAR)
    assert world.receive(stranger).case_id == "EX-5"
    assert world.store.case("EX-1").state is State.PROPOSED
    own = world.signal("product:1", key="api-1c", status=SignalStatus.CLEAR)
    assert (world.receive(own).case_id, world.store.case("EX-1").state) == ("EX-1", State.CLEARED)
    group = {"source": "alertmanager", "kind": "service_alert", "group": "f1"}
    assert world.receive(world.signal("HighLatency:till-5", key="f1@2", **group)).case_id == "EX-3"
    assert replay(world.store).differences == ()


@pytest.mark.threat("A6")
def test_what_was_sent_before_the_upgrade_is_still_a_duplicate_after_it(world_of_0003):
    world = world_of_0003
    at = world.store.case("EX-1").signal.occurred_at
    same = world.signal("product:1", key="api-1", occurred_at=at)
    assert world.receive(same).outcome is Outcome.DUPLICATE
    with pytest.raises(KeyReused):
        world.receive(replace(same, title="something else"))


@pytest.mark.threat("A6")
def test_a_detectors_row_is_the_same_signal_after_the_upgrade_and_clears_its_case(world_of_0003):
    world = world_of_0003
    row = {"subject": "product:2", "title": "Chablis is running low", "product_id": 2}
    row |= {"product": "Chablis", "on_hand": 4, "quantity": 24, "at_risk": 312.5}
    world.house.rows = [row]
    book = world.library.book
    detector = Detector(book, book.detection, {"house": world.house}, world.desk.intake, world.clock)
    count = world.store.case("EX-2").count
    assert (detector.look(), world.store.case("EX-2").count) == (0, count)
    world.house.rows = []
    detector.look()
    assert world.store.case("EX-2").state is State.CLEARED
    world.house.rows = [row]
    detector.look()
    assert world.store.case("EX-2").count == count + 1


@pytest.mark.threat("A6")
def test_all_clears_that_met_no_case_are_marked_where_their_trouble_is_known(world_of_0003):
    query = sa.text("SELECT source, key, fingerprint FROM inbox WHERE case_id IS NULL ORDER BY key")
    with world_of_0003.store.database.read() as connection:
        rows = {row.key: row.fingerprint for row in connection.execute(query)}
    till = world_of_0003.signal("product:1", source="till")
    # Nothing is known of product:9 and of the takings but these words: they stay as they were.
    assert {key: value[:8] for key, value in rows.items()} == {
        "api-9": "a9861cdc",
        "till-0": till.fingerprint[:8],
        "w-1": "e6257b21",
    }
