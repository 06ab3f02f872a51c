"""A case with all about its card, in one statement."""

from dataclasses import replace

import pytest

from bot.cases.errors import NoSuchCase
from bot.ports.outbox import Topic
from tests.fakes.directory import principal
from tests.store.rows import lease


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
