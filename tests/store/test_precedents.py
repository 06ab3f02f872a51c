"""The shelf of memory on both databases: written once, in order, taken back by batch, made again from the ledger."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.cases.commands import CallNovel
from bot.cases.entries import RejectReason
from bot.cases.errors import StaleFence
from bot.cases.kind_origin import KindOrigin, KindSource
from bot.cases.precedent import CaseOutcome, Label, Precedent, PrecedentDecision
from bot.ports.outbox import Topic
from bot.store import precedents as subject
from bot.store import tables
from tests.cases.making import NOW
from tests.fakes.directory import principal
from tests.store.rows import lease, message, outbox_row, stale_lease
from tests.world import request


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
    taken_back = replace(label, recognised_kind="low_stock")
    shelf.save((), taken_back)
    assert shelf.labels() == [taken_back]


@pytest.mark.parametrize(
    "origin",
    [
        KindOrigin(KindSource.SIGNAL),
        KindOrigin(KindSource.RECOGNITION, "low_stock"),
        KindOrigin(KindSource.PERSON),
        KindOrigin(KindSource.PERSON, "price_gap"),
    ],
    ids=str,
)
def test_who_named_the_kind_is_stored_and_a_rebuild_of_earlier_rows_is_no_new_answer(shelf, origin):
    shelf.save([FULL])
    known = replace(FULL, kind_origin=origin)
    # The row of an earlier release keeps its place: its answer was counted long ago.
    assert (shelf.save([known]), shelf.last_place()) == (0, 1)
    assert shelf.by_id([FULL.id]) == {FULL.id: FULL}
    new = replace(known, id="EX-8.1")
    shelf.save([new])
    assert shelf.by_id([new.id]) == {new.id: new}


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


# --- with a message -------------------------------------------------------------------------------


def test_a_precedent_and_the_end_of_its_message_are_written_together(store):
    store.outbox.enqueue([message("remember:1", topic=Topic.REMEMBER)])
    leased_message = lease(store, topic=Topic.REMEMBER)
    assert store.precedents.save([precedent()], finish=leased_message) == 1
    assert outbox_row(store, "remember:1").state == "done"


def test_under_a_lease_that_was_lost_neither_precedent_nor_label_is_written(store):
    stale = stale_lease(store, "card:1")
    label = Label(case_id="EX-1", signal_text="odd", kind="low_stock", by="Ana", at=NOW)
    with pytest.raises(StaleFence):
        store.precedents.save([precedent()], label, finish=stale)
    assert (store.precedents.count(), store.precedents.labels()) == (0, [])
    # Its place in the order of changes is free for the next.
    store.precedents.save([precedent()])
    assert [one.seq for one in store.precedents.changes_since(0)] == [1]


# --- the order of changes -------------------------------------------------------------------------


def test_changes_come_in_pages(shelf):
    shelf.save([precedent(f"p{number}") for number in range(7)])
    first = shelf.changes_since(0, limit=4)
    assert [one.seq for one in first] == [1, 2, 3, 4]
    assert [one.seq for one in shelf.changes_since(first[-1].seq, limit=4)] == [5, 6, 7]


def test_many_writers_give_every_change_a_place_of_its_own(shelf):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: shelf.save([precedent(f"p{number}")]), range(40)))
    assert [one.seq for one in shelf.changes_since(0)] == list(range(1, 41))


def test_what_was_taken_back_is_a_change_and_is_found_nowhere_else(shelf):
    shelf.save([precedent("a", batch="x"), precedent("b")])
    assert shelf.forget("x") == 1
    assert [(one.seq, one.is_gone) for one in shelf.changes_since(0)] == [(2, False), (3, True)]
    assert shelf.by_id(["a", "b"]).keys() == {"b"}
    assert [one.id for one in shelf.of_kind("low_stock", 9)] == ["b"]
    assert shelf.kinds() == {"low_stock": 1}
    assert shelf.forget("unknown") == 0


def test_nothing_to_save_takes_no_place(shelf):
    assert shelf.save([]) == 0
    assert shelf.changes_since(0) == []


def test_batches_are_listed_by_name_and_kind(shelf):
    shelf.save([precedent("a", batch="y"), precedent("b", batch="x"), precedent("c")])
    shelf.save([precedent("d", batch="x", kind="late_delivery")])
    batches = sorted((one.name, one.kind, one.precedents) for one in shelf.batches())
    assert batches == [("x", "late_delivery", 1), ("x", "low_stock", 1), ("y", "low_stock", 1)]


# --- made again from the ledger -------------------------------------------------------------------


def reject(world, number):
    world.receive(world.signal(f"product:{number}"))
    world.work()
    case_id = f"EX-{number}"
    world.desk.decisions.reject(
        request(case_id, principal("ana"), world.seen(case_id)), reason=RejectReason.NOT_WORTH_IT
    )


def forget_all(store):
    with store.database.engine.begin() as connection:
        connection.execute(sa.delete(tables.precedents))
        connection.execute(sa.delete(tables.labels))


def test_a_rebuild_goes_page_by_page_and_counts_entries(world, monkeypatch):
    monkeypatch.setattr(subject, "CASES_PER_PAGE", 2)
    for number in range(1, 6):
        reject(world, number)
    world.work()
    before = {one.precedent.id for one in world.shelf.changes_since(0)}
    forget_all(world.store)
    progress = list(world.shelf.rebuild())
    assert [cases for cases, _ in progress] == [2, 2, 1]
    assert progress[-1][1] == len(list(world.store.ledger.rows()))
    assert {one.precedent.id for one in world.shelf.changes_since(0)} == before


def test_a_rebuild_of_what_is_there_changes_nothing(world):
    reject(world, 1)
    world.work()
    before = world.shelf.changes_since(0)
    list(world.shelf.rebuild())
    assert world.shelf.changes_since(0) == before


def test_a_label_is_made_again_too(world):
    case_id = world.receive(world.signal(kind="unrecognised")).case_id
    world.work()
    by_ben = request(case_id, principal("ben"), world.seen(case_id))
    world.desk.decisions.decide(by_ben, CallNovel)
    world.work()
    before = world.shelf.labels()
    assert [label.kind for label in before] == [""]
    forget_all(world.store)
    list(world.shelf.rebuild())
    assert world.shelf.labels() == before


def test_a_damaged_case_keeps_no_other_from_memory(world, caplog):
    for number in (1, 2):
        reject(world, number)
    world.work()
    forget_all(world.store)
    table = "" if world.store.database.is_sqlite else " ON ledger"
    trigger = "ledger_no_delete" if world.store.database.is_sqlite else "ledger_no_change"
    with world.store.database.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER {trigger}{table}")
        connection.exec_driver_sql("DELETE FROM ledger WHERE case_id = 'EX-1' AND version = 1")
    list(world.shelf.rebuild())
    assert [one.precedent.case_id for one in world.shelf.changes_since(0)] == ["EX-2"]
    assert "a case is not remembered" in caplog.text


def test_a_case_whose_message_is_on_its_way_is_not_missing(world):
    reject(world, 1)
    assert (world.shelf.count(), world.shelf.count_missing()) == (0, 0)
    world.store.outbox.discard([Topic.REMEMBER])
    assert world.shelf.count_missing() == 1
    list(world.shelf.rebuild())
    assert (world.shelf.count(), world.shelf.count_missing()) == (1, 0)


def test_what_ended_long_before_the_last_case_can_be_left_out(world):
    reject(world, 1)
    world.store.outbox.discard([Topic.REMEMBER])
    world.clock.forward(days=8)
    reject(world, 2)
    world.store.outbox.discard([Topic.REMEMBER])
    assert world.shelf.count_missing() == 2
    assert world.shelf.count_missing(timedelta(days=7)) == 1
    assert world.shelf.count_missing(timedelta(days=9)) == 2


def test_an_open_case_is_not_missing(world):
    world.proposed()
    assert world.shelf.count_missing() == 0
