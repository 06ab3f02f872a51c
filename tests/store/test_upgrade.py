"""A database of the release before, with cases in flight: one resolved, one waiting in somebody's hands, one approved and not begun."""

import contextlib
import sqlite3
from pathlib import Path

from bot.cases.lifecycle import State
from bot.ports import Wanted
from bot.store.database import Database
from bot.store.export import export, replay
from bot.store.lists import Lists
from bot.store.migrate import migrate
from bot.store.store import SqlStore
from bot.verifier import verify
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
    world.desk.decisions.approve("EX-2", by=principal("omar"), seen=world.seen("EX-2"))
    world.work()
    assert store.case("EX-2").state is State.RESOLVED
    export(store, tmp_path / "ledger.jsonl")
    assert verify(str(tmp_path / "ledger.jsonl"))[0] == []
    assert replay(store).differences == ()
    database.close()
