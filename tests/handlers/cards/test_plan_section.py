"""The plan on a card."""

import pytest

from bot.cases.entries import StepState
from handlers.cards.plan_section import STEP_LABELS


@pytest.mark.threat("A2")
def test_every_state_of_a_step_has_words_on_the_card():
    assert set(STEP_LABELS) == set(StepState)
