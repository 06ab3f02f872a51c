"""A database of the release before, with cases in flight: one resolved, one waiting in somebody's hands, one approved and not begun."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.cases.lifecycle import State
from bot.ports import Wanted
from bot.store import tables
from bot.store.database import Database
from bot.store.export import export, replay
from bot.store.lists import Lists
from bot.store.migrate import migrate
from bot.store.migrations.versions.m0004_queues import wait_on_the_group
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


@pytest.mark.threat("A4")
def test_a_case_in_one_persons_hands_comes_up_for_its_group_after_an_upgrade(world):
    """Earlier releases let it wait on that person alone, who may not be one who may decide it."""
    world.house.failing_lookups.add("look")
    case = world.proposed()
    finn, omar = principal("finn"), principal("omar")
    seen = world.seen(case)
    world.desk.decisions.hand_over(case.id, by=omar, seen=seen, to=finn, done="counted", remains="the order")
    before = sa.update(tables.cases).values(waits_on=f" {finn} ")
    world.store.database.write(lambda unit: unit.connection.execute(before) and None, appends=False)
    assert waiting(world, omar) == []
    world.store.database.write(lambda unit: wait_on_the_group(unit.connection), appends=False)
    assert waiting(world, omar) == waiting(world, finn) == [case.id]
    assert waiting(world, principal("carla")) == []


def waiting(world, who):
    """The queue of this person."""
    return [case.id for case in world.desk.questions.waiting_on(world.desk.questions.sight(who))[0]]
