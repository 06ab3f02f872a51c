"""Recognition: naming a kind or none."""

from bot.cases.recognition import KindGuess, Recognition
from tests.cases.making import recognition


def test_without_a_kind_it_abstains_whatever_it_guesses():
    guess = KindGuess("low_stock", "Running low", 48)
    unsure = Recognition(kind="", confidence=48, guesses=(guess,), basis="close", model="m1")
    assert unsure.abstains
    assert recognition().abstains
    assert not recognition("low_stock").abstains
