"""The shelf of memory on both databases: written once, in order, taken back by batch, made again from the ledger."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cases.precedent import CaseOutcome, Label, Precedent, PrecedentDecision
from bot.store import tables
from tests.cases.making import NOW


def decision(action="house.order_stock", people=("Ana",)):
    return PrecedentDecision(action=action, people=people)


def precedent(name="EX-1.1", **changes):
    base = Precedent(
        id=name,
        kind="low_stock",
        signal_text="Merlot is low",
        summary="",
        facts={},
        decision=decision(),
        outcome=CaseOutcome.WORKED,
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
    assert shelf.save([precedent("a"), precedent("b", outcome=CaseOutcome.REOPENED)]) == 1
    kept = shelf.changes_since(0)
    assert [(one.seq, one.precedent.id, one.precedent.outcome) for one in kept] == [
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
        shelf.save((), Label(case_id="EX-1", signal_text="odd", kind=kind, by="Ana", at=NOW))
    assert [label.kind for label in shelf.labels()] == [""]


# --- the stored JSON --------------------------------------------------------------------------

END = datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)
FULL_BODY = (
    '{"id":"EX-7.2","kind":"low_stock","said":"Merlot is “low”\\nRiesling","what":"Order 12 ✓",'
    '"facts":{"price":12.5,"big":1e+16,"tiny":1e-7,"count":3,"whole":3.0,"rush":true,"note":null,'
    '"name":"Müller"},"action":"house.order_stock","steps":["order 12","tell Ana"],'
    '"decided_by":["Ana","Ben"],"ended":"undone","reason":"too late",'
    '"ended_at":"2026-03-02T09:30:00.123456Z","channel":"C0STOCK","case_id":"EX-7","batch":"old",'
    '"edited":true,"named":false,"shown":85}'
)
SHORT_BODY = (
    '{"id":"p:1","kind":"low_stock","said":"x","what":"","facts":{},"action":"","steps":[],'
    '"decided_by":[],"ended":"handled by hand","reason":"","ended_at":"2026-03-02T09:30:00Z",'
    '"channel":"C0STOCK","case_id":"","batch":"","edited":false,"named":true,"shown":null}'
)
FULL = Precedent(
    id="EX-7.2",
    kind="low_stock",
    signal_text="Merlot is “low”\nRiesling",
    summary="Order 12 ✓",
    facts={
        "price": 12.5,
        "big": 1e16,
        "tiny": 1e-7,
        "count": 3,
        "whole": 3.0,
        "rush": True,
        "note": None,
        "name": "Müller",
    },
    decision=PrecedentDecision(
        action="house.order_stock",
        people=("Ana", "Ben"),
        steps=("order 12", "tell Ana"),
        is_edited=True,
        card_confidence=85,
    ),
    outcome=CaseOutcome.UNDONE,
    reason="too late",
    ended_at=END,
    channel="C0STOCK",
    case_id="EX-7",
    batch="old",
    is_kind_known=False,
)
SHORT = Precedent(
    id="p:1",
    kind="low_stock",
    signal_text="x",
    summary="",
    facts={},
    decision=PrecedentDecision(action="", people=()),
    outcome=CaseOutcome.BY_HAND,
    reason="",
    ended_at=END.replace(microsecond=0),
    channel="C0STOCK",
)


@pytest.mark.parametrize(
    ("precedent", "body", "digest"),
    [
        (FULL, FULL_BODY, "4ff4924acc42a34b6c1c7f7a0b86660535a547fd1bdaaeb7a46d328c364f7880"),
        (SHORT, SHORT_BODY, "f846878bf25ec4719341d56e33c1e9824c886dcdcb191ffaa39ee030991e15b7"),
    ],
    ids=["full", "short"],
)
def test_the_stored_json_of_a_precedent_and_its_digest_are_those_of_earlier_releases(
    shelf, store, precedent, body, digest
):
    shelf.save([precedent])
    (row,) = store.database.fetch(tables.precedents.select())
    assert (row.body, row.digest) == (body, digest)
    assert shelf.by_id([precedent.id]) == {precedent.id: precedent}


def test_a_precedent_of_the_first_release_has_no_word_of_its_edit(shelf, store):
    shelf.save([FULL])
    stored = json.loads(FULL_BODY)
    for name in ("case_id", "batch", "edited", "named", "shown"):
        del stored[name]
    with store.database.engine.begin() as connection:
        connection.execute(tables.precedents.update().values(body=json.dumps(stored)))
    decision = replace(FULL.decision, is_edited=False, card_confidence=None)
    expected = replace(FULL, case_id="", batch="", is_kind_known=True, decision=decision)
    assert shelf.by_id([FULL.id]) == {FULL.id: expected}


def test_the_stored_json_of_a_label_is_that_of_earlier_releases(shelf, store):
    label = Label(case_id="EX-1", signal_text="odd", kind="", by="Ana", at=END)
    shelf.save((), label)
    (row,) = store.database.fetch(tables.labels.select())
    assert row.body == (
        '{"case_id":"EX-1","said":"odd","kind":"","by":"Ana","at":"2026-03-02T09:30:00.123456Z"}'
    )
    assert shelf.labels() == [label]


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
