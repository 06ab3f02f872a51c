"""Where cards stand in Slack, and which of them must be drawn again."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases.errors import StaleFence
from bot.ports.card_store import CARD_FORMAT, REPLACED, CardContext, CardRef
from bot.store import tables
from tests.store.rows import lease, message, outbox_row, query_plan, rows_of, stale_lease


def card(case_id="EX-1", **changes) -> CardRef:
    values = {
        "generation": 1,
        "channel": "C0STOCK",
        "ts": "1.0",
        "version": 3,
        "look": CardContext().key,
    }
    return CardRef(case_id=case_id, **{**values, **changes})


def test_a_card_is_recorded_as_it_stands_and_again_when_it_is_drawn_again(store):
    store.cards.record(card())
    assert store.cards.cards("EX-1") == [card()]
    newer = card(version=4, ts="2.0", look=REPLACED)
    store.cards.record(newer)
    assert store.cards.cards("EX-1") == [newer]


def test_the_newest_generation_comes_first_whenever_it_was_recorded(store):
    generations = {number: card(generation=number, ts=f"{number}.0") for number in (1, 2, 3)}
    for number in (3, 1, 2):
        store.cards.record(generations[number])
    assert store.cards.cards("EX-1") == [generations[3], generations[2], generations[1]]
    assert store.cards.cards("EX-2") == []


def test_the_newest_card_of_each_case_that_has_one(store):
    store.cards.record(card(generation=1))
    store.cards.record(card(generation=2, ts="2.0"))
    store.cards.record(card("EX-2", ts="3.0"))
    newest = store.cards.newest(["EX-1", "EX-2", "EX-3"])
    assert {case_id: ref.ts for case_id, ref in newest.items()} == {"EX-1": "2.0", "EX-2": "3.0"}
    assert store.cards.newest([]) == {}


def test_a_case_is_found_by_the_place_of_any_of_its_cards(store):
    store.cards.record(card(generation=1, ts="1.0"))
    store.cards.record(card(generation=2, ts="2.0"))
    assert store.cards.case_at("C0STOCK", "1.0") == "EX-1"
    assert store.cards.case_at("C0STOCK", "2.0") == "EX-1"
    assert store.cards.case_at("C0OPS", "1.0") == ""
    assert store.cards.case_at("C0STOCK", "9.0") == ""


def test_a_card_and_its_message_are_written_together(store):
    store.outbox.enqueue([message("card:EX-1")])
    leased_message = lease(store)
    store.cards.record(card(), finish=leased_message, messages=[message("note:1")])
    assert outbox_row(store, "card:EX-1").state == "done"
    assert outbox_row(store, "note:1").state == "ready"


def test_a_card_can_be_recorded_while_its_message_goes_on(store):
    store.outbox.enqueue([message("card:EX-1")])
    leased_message = lease(store)
    store.cards.record(card(), hold=leased_message)
    assert outbox_row(store, "card:EX-1").state == "leased"
    assert store.cards.cards("EX-1") == [card()]


@pytest.mark.parametrize("lease_of", ["finish", "hold"])
def test_a_card_under_a_lease_that_was_lost_is_not_recorded(store, lease_of):
    stale = stale_lease(store, "card:EX-1")
    with pytest.raises(StaleFence):
        store.cards.record(card(), messages=[message("never")], **{lease_of: stale})
    assert rows_of(store, tables.cards) == []
    assert [row.key for row in rows_of(store, tables.outbox)] == ["card:EX-1"]


# --- cards of an earlier release ----------------------------------------------------------------


def outdated_ids(world):
    return world.store.cards.find_outdated(CARD_FORMAT, world.clock())


def test_a_card_of_this_release_is_not_outdated_whatever_it_shows(world):
    case = world.proposed()
    for is_undoable in (False, True):
        look = CardContext(pause_reason="wait", is_undoable=is_undoable).key
        world.store.cards.record(card(case.id, look=look))
        assert outdated_ids(world) == []


@pytest.mark.parametrize("look", ["", "1", "1 paused", f"{CARD_FORMAT}1", REPLACED])
def test_an_open_case_whose_newest_card_has_another_form_is_outdated(world, look):
    case = world.proposed()
    world.store.cards.record(card(case.id, look=look))
    assert outdated_ids(world) == [case.id]


def test_only_the_newest_card_of_a_case_counts(world):
    case = world.proposed()
    world.store.cards.record(card(case.id, generation=1, look="1"))
    world.store.cards.record(card(case.id, generation=2, look=CardContext().key))
    assert outdated_ids(world) == []
    world.store.cards.record(card(case.id, generation=2, look="1"))
    assert outdated_ids(world) == [case.id]


def test_an_ended_case_is_outdated_only_while_its_plan_can_be_undone(world):
    world.house.undo_for = timedelta(hours=2)
    case = world.proposed()
    world.approve(case)
    world.work()
    world.store.cards.record(card(case.id, look="1"))
    assert outdated_ids(world) == [case.id]
    world.clock.forward(hours=3)
    assert outdated_ids(world) == []


def test_outdated_cases_come_by_number(world):
    for number in range(1, 12):
        world.receive(world.signal(f"product:{number}"))
        world.store.cards.record(card(f"EX-{number}", look="1"))
    assert outdated_ids(world) == [f"EX-{number}" for number in range(1, 12)]


def test_a_case_without_a_card_is_not_outdated(world):
    world.receive()
    assert outdated_ids(world) == []


def test_a_place_is_looked_up_by_its_index(store):
    cards = tables.cards.c
    query = sa.select(cards.case_id).where(cards.channel == "C0STOCK", cards.ts == "1.0")
    assert "cards_by_place" in query_plan(store.database, query, {})


def test_cards_are_no_part_of_the_ledger(store):
    store.cards.record(card())
    assert list(store.ledger.rows()) == []
