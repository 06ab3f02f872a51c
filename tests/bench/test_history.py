"""Made histories: the product's own checks accept them, whatever number of copies."""

from datetime import timedelta

import pytest

from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.entries import RejectReason
from bot.ports.case_queries import CaseFilter
from tests.bench.history import shapes_of, write_history
from tests.fakes.directory import principal
from tests.world import World, request

COPIES = 40
ANYTHING = CaseFilter(is_any=True)


@pytest.fixture
def lives(small_world) -> World:
    """One case approved and done, one rejected, one cleared by itself."""
    world = small_world
    world.approve(world.proposed())
    world.work()
    world.house.rows = [{**world.house.rows[0], "subject": "product:2"}]
    case_id = world.receive(world.signal("product:2")).case_id
    world.work()
    world.clock.forward(days=1)
    world.desk.decisions.reject(
        request(case_id, principal("ana"), world.seen(case_id)), reason=RejectReason.OTHER, note="x"
    )
    signal = world.signal("product:3")
    world.receive(signal)
    world.work()
    world.clear(signal)
    world.work()
    return world


def test_a_made_history_is_what_the_ledger_says(lives, store, tmp_path):
    shapes = shapes_of(lives.store)
    assert len(shapes) == 3
    write_history(store, shapes, COPIES, until=lives.clock(), days=30)
    assert replay(store.database).differences == ()
    export(store.ledger, tmp_path / "ledger.jsonl")
    assert verify(str(tmp_path / "ledger.jsonl"))[0] == []
    assert store.queries.count(ANYTHING) == COPIES
    assert store.precedents.count_missing() == 0
    assert store.precedents.count() > COPIES / 2


def test_copies_have_subjects_numbers_and_days_of_their_own(lives, store):
    write_history(store, shapes_of(lives.store), COPIES, until=lives.clock(), days=30)
    cases = store.queries.newest(limit=COPIES)
    assert len({case.signal.fingerprint for case in cases}) == COPIES
    assert len({case.id for case in cases}) == COPIES
    opened = [case.timers.opened_at for case in reversed(cases)]
    assert opened == sorted(opened)
    assert opened[-1] - opened[0] > timedelta(days=25)
    assert all(case.ended_at <= lives.clock() for case in cases)


def test_open_copies_wait_for_a_decision(lives, store):
    shapes = shapes_of(lives.store, are_open=True)
    write_history(store, shapes, 6, until=lives.clock(), days=2)
    assert store.queries.count(CaseFilter()) == 6
    assert all(case.waits_on for case in store.queries.find(CaseFilter(), 10))
