"""The shelf of memory on both databases: written once, in order, taken back by batch, made again from the ledger."""

from dataclasses import replace

import pytest

from bot.cases.precedent import CaseOutcome, Label, Precedent
from tests.cases.making import NOW


def precedent(name="EX-1.1", **changes):
    base = Precedent(
        id=name,
        kind="low_stock",
        said="Merlot is low",
        what="",
        facts={},
        action="house.order_stock",
        steps=(),
        decided_by=("Ana",),
        ended=CaseOutcome.WORKED,
        reason="",
        ended_at=NOW,
        channel="C0STOCK",
    )
    return replace(base, **changes)


@pytest.fixture
def shelf(store):
    return store.precedents


def test_the_same_is_written_once_and_a_difference_again_in_order(shelf):
    assert shelf.save([precedent("a"), precedent("b")]) == 2
    assert shelf.save([precedent("a"), precedent("b", ended=CaseOutcome.REOPENED)]) == 1
    kept = shelf.changes_since(0)
    assert [(one.seq, one.precedent.id, one.precedent.ended) for one in kept] == [
        (1, "a", CaseOutcome.WORKED),
        (3, "b", CaseOutcome.REOPENED),
    ]
    assert shelf.changes_since(3) == []
    assert (shelf.count(), shelf.kinds(), list(shelf.by_id(["b", "x"]))) == (
        2,
        {"low_stock": 2},
        ["b"],
    )


def test_a_batch_is_taken_back_whole_and_can_come_again(shelf):
    many = [precedent(f"p:{place}", batch="p") for place in range(700)]
    assert (shelf.save([precedent("EX-1.1")]), shelf.save(many)) == (1, 700)
    assert [(batch.name, batch.precedents) for batch in shelf.batches()] == [("p", 700)]
    assert (shelf.forget("p"), shelf.forget("p"), shelf.count(), shelf.batches()) == (700, 0, 1, [])
    gone, place = 0, 701
    while page := shelf.changes_since(place):
        gone, place = gone + sum(one.is_gone for one in page), page[-1].seq
    assert gone == 700
    assert (shelf.save(many), shelf.count()) == (700, 701)


def test_the_latest_of_a_kind_come_oldest_first(shelf):
    shelf.save([precedent(str(day), ended_at=NOW.replace(day=day)) for day in (3, 1, 2)])
    assert [one.id for one in shelf.of_kind("low_stock", 2)] == ["2", "3"]


def test_a_label_is_the_last_word(shelf):
    for kind in ("low_stock", ""):
        shelf.save((), Label(case_id="EX-1", said="odd", kind=kind, by="Ana", at=NOW))
    assert [label.kind for label in shelf.labels()] == [""]


def test_everything_of_the_ledger_is_written_again(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    before = world.shelf.changes_since(0)
    with world.store.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM precedents")
    assert (world.shelf.count(), world.shelf.count_missing()) == (0, 1)
    assert [step for step, _ in world.shelf.rebuild()] == [1]
    assert [one.precedent for one in world.shelf.changes_since(0)] == [
        one.precedent for one in before
    ]
    assert (len(before), world.shelf.count_missing()) == (1, 0)
