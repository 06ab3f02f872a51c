"""The state that a press is judged by is read in one statement."""

import pytest

from bot.cases.actor import Surface
from bot.cases.errors import NoSuchCase
from bot.ports.press_store import PressState
from tests.fakes.directory import principal
from tests.store.test_cards import card


def test_a_press_finds_what_the_stores_of_its_parts_find(world):
    case = world.proposed()
    world.desk.controls.pause("", by=principal("ana"), reason="audit", surface=Surface.SLACK)
    world.store.cards.record(card(case.id, generation=2, ts="7.0"))
    state = world.store.presses.state(case.id)
    assert state == PressState(
        case=world.case(case),
        controls=world.store.desk_controls.load(),
        card=world.store.cards.cards(case.id)[0],
    )
    assert (state.card.ts, bool(state.controls.holds)) == ("7.0", True)


def test_a_case_without_a_card_and_a_desk_that_nobody_has_paused_are_found_too(world):
    receipt = world.receive()
    case = world.store.cases.case(receipt.case_id)
    state = world.store.presses.state(case.id)
    assert (state.case, state.card) == (case, None)
    assert state.controls == world.store.desk_controls.load()


def test_there_is_no_state_of_a_case_that_there_is_not(store):
    with pytest.raises(NoSuchCase):
        store.presses.state("EX-404")
