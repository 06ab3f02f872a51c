"""Live records follow the store, are the same in each process, and begin with each training."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.cases.precedent import CaseOutcome
from knowledge.learning.live_records import LiveRecords
from tests.cases.making import NOW
from tests.store.test_precedents import decision, precedent


@dataclass
class Training:
    version: str
    memory_place: int


@pytest.fixture
def shelf(store):
    return store.precedents


def promised_precedent(number, *, outcome=CaseOutcome.WORKED):
    """A precedent whose card promised 90 % right."""
    promised = replace(
        decision("house.order_stock"),
        is_edited=False,
        card_confidence=91,
        card_promise=90,
        model_confidence=93,
    )
    return precedent(
        f"EX-{number}.1",
        case_id=f"EX-{number}",
        batch="",
        decision=promised,
        outcome=outcome,
        ended_at=NOW + timedelta(hours=number),
    )


def test_a_promise_lapses_by_answers_and_revives_by_a_training(shelf):
    training = Training("one", shelf.last_place())
    records = LiveRecords(shelf, lambda: training)
    kind = promised_precedent(1).kind
    assert records.of_kind(kind) is None
    records.follow()
    assert records.of_kind(kind).promises == ()
    shelf.save([promised_precedent(number, outcome=CaseOutcome.REJECTED) for number in range(1, 6)])
    records.follow()
    assert [lapse.percent for lapse in records.lapses()] == [90]
    # Another process, or the same after a restart.
    other = LiveRecords(shelf, lambda: training)
    other.follow()
    assert other.of_kind(kind) == records.of_kind(kind)
    training = Training("two", shelf.last_place())
    assert records.is_outdated()
    assert records.of_kind(kind) is None
    records.follow()
    assert records.lapses() == []


def test_a_changed_outcome_counts_once_and_as_it_is_now(shelf):
    training = Training("one", shelf.last_place())
    records = LiveRecords(shelf, lambda: training)
    kind = promised_precedent(1).kind
    shelf.save([promised_precedent(number) for number in range(1, 4)])
    records.follow()
    shelf.save([promised_precedent(1, outcome=CaseOutcome.REOPENED)])
    by_hand = promised_precedent(2, outcome=CaseOutcome.BY_HAND)
    shelf.save([replace(by_hand, id="EX-2.1h")])
    records.follow()
    (promise,) = records.of_kind(kind).promises
    assert (promise.right, promise.total) == (1, 3)
