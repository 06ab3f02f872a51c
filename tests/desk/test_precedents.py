"""Decided cases become precedents, whatever the index does."""

import pytest
import sqlalchemy as sa

from bot.cases.entries import RejectReason
from bot.cases.errors import MemoryUnavailable
from bot.metrics import REGISTRY
from bot.store import tables
from tests.desk.test_grants import raised
from tests.fakes.directory import principal
from tests.fakes.mind import altered_mind, mind
from tests.world import World, request


class FakeMemory:
    """Counts how often it was to catch up, and may be away."""

    def __init__(self, *, is_away=False) -> None:
        self.is_away = is_away
        self.calls = 0

    def catch_up(self):
        self.calls += 1
        if self.is_away:
            raise MemoryUnavailable("the index is damaged")

    def related(self, text, channels, now):
        return []


@pytest.fixture(params=[False, True], ids=["index there", "index away"])
def memory(request):
    """An index that is there, and one that is not."""
    return FakeMemory(is_away=request.param)


@pytest.fixture
def remembering(store, memory):
    """A desk whose precedents go to this memory."""
    return World(store, mind(memory=memory))


def forget_all(world):
    world.store.database.write(
        lambda unit: unit.connection.execute(sa.delete(tables.precedents)).rowcount, appends=False
    )


def decided(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    return case


def test_a_decided_case_is_recorded_and_nobody_waits_for_the_index(remembering, memory):
    decided(remembering)
    assert remembering.shelf.count() == 1
    assert memory.calls == 0
    assert remembering.store.outbox.parked_messages() == []


def test_what_is_missing_is_recorded_from_the_ledger(remembering, memory):
    decided(remembering)
    forget_all(remembering)
    assert remembering.desk.upkeep.precedents.reconcile() == 1
    assert (remembering.shelf.count(), remembering.shelf.count_missing()) == (1, 0)


def test_nothing_missing_still_lets_the_index_catch_up(remembering, memory):
    calls = memory.calls
    assert remembering.desk.upkeep.precedents.reconcile() == 0
    assert memory.calls == calls + 1


def promise_counts():
    return {
        outcome: REGISTRY.get_sample_value(
            "countersign_promises_total", {"kind": "low_stock", "outcome": outcome}
        )
        or 0
        for outcome in ("kept", "missed")
    }


def counted_since(before):
    return {outcome: count - before[outcome] for outcome, count in promise_counts().items()}


def test_a_promise_is_counted_as_kept_or_missed_once(store):
    world = World(store, altered_mind)
    world.mind.recommender.changes = {"promised_percent": 90, "confidence": 91}
    before = promise_counts()
    world.approve(raised(world, 1))
    world.work()
    assert counted_since(before) == {"kept": 1, "missed": 0}
    case = raised(world, 2)
    by = request(case.id, principal("ana"), world.seen(case))
    world.desk.decisions.reject(by, reason=RejectReason.WRONG_PLAN)
    world.work()
    assert counted_since(before) == {"kept": 1, "missed": 1}
    # Of what was not promised nothing is counted.
    world.mind.recommender.changes = {"lapsed_percent": 90, "confidence": 91}
    world.approve(raised(world, 3))
    world.work()
    assert counted_since(before) == {"kept": 1, "missed": 1}
    # Whose problem came back was not right, after all.
    raised(world, 1)
    assert counted_since(before) == {"kept": 1, "missed": 2}
