"""A preview shows what the desk would do with a signal, and does nothing."""

import pytest

from bot.cases.lifecycle import State
from bot.cases.signal import SignalStatus
from bot.desk.preview import PREVIEW_ID, Preview
from tests.store.rows import table_sizes


@pytest.fixture
def preview(world):
    """The preview over the triage of a desk."""
    return Preview(world.desk.triage, world.library, world.clock)


def test_a_preview_is_the_case_as_its_card_would_first_show_it(world, preview):
    signal = world.signal()
    case = preview.preview_signal(signal)
    assert (case.id, case.state) == (PREVIEW_ID, State.PROPOSED)
    real = world.store.cases.case(world.receive(signal).case_id)
    world.work()
    real = world.case(real)
    assert (case.assessment.what, case.assessment.why, case.state) == (
        real.assessment.what,
        real.assessment.why,
        real.state,
    )


def test_a_preview_writes_nothing_and_carries_nothing_out(world, preview):
    sizes = table_sizes(world.store)
    preview.preview_signal(world.signal())
    world.work()
    assert table_sizes(world.store) == sizes
    assert world.house.effects == []
    assert world.chat.cards == {}


def test_a_preview_of_a_signal_that_nothing_can_be_done_about_says_so(world, preview):
    world.house.failing_lookups.add("look")
    assert preview.preview_signal(world.signal()).state is State.REFERRED


def test_an_all_clear_opens_nothing_to_look_at(world, preview):
    with pytest.raises(ValueError, match="opens nothing"):
        preview.preview_signal(world.signal(status=SignalStatus.CLEAR))
