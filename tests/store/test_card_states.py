"""A case with all about its card, in one statement."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.errors import NoSuchCase
from bot.ports.outbox import Topic
from bot.store.card_states import HOME_VALUES, QUERY
from tests.fakes.directory import principal
from tests.store.rows import lease, message, query_plan


def leased(world):
    """Receive a case and look at it. Return the message of its card, under lease."""
    world.receive()
    world.desk.triage.run(lease(world.store, topic=Topic.TRIAGE, at=world.clock()))
    return lease(world.store, topic=Topic.CARD, at=world.clock())


def test_the_state_of_a_card_is_that_of_the_database(world):
    card = leased(world)
    with_case = replace(card, case=world.store.cases.case("EX-1"))
    assert world.store.cards.state_of(card) == world.store.cards.state_of(with_case)
    world.desk.screens.cards.refresh(card)
    world.store.live_lists.add("EX-1", "digest:2")
    world.store.live_lists.add("EX-1", "digest:1")
    state = world.store.cards.state_of(card)
    assert list(state.cards) == world.store.cards.cards("EX-1")
    assert state.live_list_keys == world.store.live_lists.keys_with("EX-1")
    assert state.controls == world.store.desk_controls.load()


def test_the_state_of_a_card_without_a_case_is_refused(world):
    card = leased(world)
    with pytest.raises(NoSuchCase):
        world.store.cards.state_of(replace(card, case_id="EX-9"))


def test_the_state_of_a_card_tells_of_homes_that_were_opened_lately(world):
    card = leased(world)
    opened_at = world.clock()
    assert not world.store.cards.state_of(card, homes_since=opened_at).has_homes
    world.desk.screens.app_home.show(principal("ana"))
    world.clock.forward(hours=1)
    assert world.store.cards.state_of(card, homes_since=opened_at).has_homes
    assert not world.store.cards.state_of(card, homes_since=world.clock()).has_homes
    assert not world.store.cards.state_of(card).has_homes


def test_the_state_of_a_card_tells_of_cards_that_nobody_has_under_lease(world):
    card = leased(world)
    now = world.clock()
    assert not world.store.cards.state_of(card, cards_due_at=now).has_due_cards
    later = message("card:EX-2", run_at=now + timedelta(seconds=1))
    world.store.outbox.enqueue([later])
    assert not world.store.cards.state_of(card, cards_due_at=now).has_due_cards
    assert world.store.cards.state_of(card, cards_due_at=later.run_at).has_due_cards
    assert not world.store.cards.state_of(card).has_due_cards
    world.clock.forward(seconds=1)
    world.store.outbox.finish(lease(world.store, at=world.clock()))
    assert not world.store.cards.state_of(card, cards_due_at=later.run_at).has_due_cards


def test_the_state_of_a_card_reads_no_more_rows_with_a_longer_history(world):
    database = world.store.database
    values = {
        **HOME_VALUES,
        "case_id": "EX-1",
        "known_version": 0,
        "homes_since": 0.0,
        "cards_due_at": 0.0,
    }
    plan = query_plan(database, QUERY.for_dialect(database.engine.dialect.name), values)
    scans = re.findall(r"(?:SCAN|Seq Scan on) (cases|cards|outbox|boards|listed)", plan)
    assert scans == []
