"""What is approved in advance, as an operator lists and stops it."""

import json
from contextlib import closing

import pytest

from bot import storage
from bot.cases.errors import TooLate
from bot.cases.lifecycle import State
from bot.cli.app import COUNTERSIGN
from bot.clock import utc_now
from bot.ports.outbox import Topic
from bot.settings import load_offline
from tests.desk.test_grants import give, prepare, raised
from tests.fakes.clock import FakeClock
from tests.world import World


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A grant of which one of three was used, in the database of the settings."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "olga")
    store = storage.open_store(load_offline())
    with closing(store.database):
        world = World(store, clock=FakeClock(utc_now()))
        prepare(world)
        give(world)
        assert raised(world, 1).state is State.RESOLVED
        yield world


@pytest.fixture
def run(capsys):
    """Run the command, and return what it prints."""

    def run(*arguments) -> str:
        COUNTERSIGN(["grants", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("arguments", [["--json"], ["list", "--json"]])
def test_the_list_counts_what_was_used(desk, run, arguments):
    (grant,) = json.loads(run(*arguments))
    (given,) = desk.store.desk_controls.load().grants
    assert grant == {
        "grant": given.id,
        "case": "EX-1",
        "giver": given.giver,
        "giver_name": "Ana",
        "kind": "low_stock",
        "action": "house.order_stock",
        "target": "",
        "used": 1,
        "count": 3,
        "used_amount": "100.0000",
        "amount": "1000",
        "currency": "GBP",
        "until": given.until.isoformat(),
    }
    assert "1 of 3" in run()


def test_an_operator_stops_what_came_with_a_case_and_the_ledger_names_them(desk, run):
    assert "Stopped" in run("stop", "ex-1")
    assert desk.store.desk_controls.load().grants == ()
    last = json.loads(list(desk.store.ledger.rows())[-1].body)
    assert last["type"] == "grant.ended"
    assert (last["actor"], last["surface"]) == ("operator:olga", "command line")
    assert "card:EX-1" in desk.store.outbox.waiting_keys(Topic.CARD, "EX-1")
    assert raised(desk, 2).state is State.PROPOSED
    assert "Nothing is approved in advance." in run()


def test_what_is_over_cannot_be_stopped(desk, run):
    with pytest.raises(TooLate, match="nothing is approved in advance with EX-2"):
        run("stop", "EX-2")
    assert len(desk.store.desk_controls.load().grants) == 1
