"""The forms: valid views that say what is decided."""

import json

import pytest

from bot.emulator.blocks import validate_view
from handlers.cards import forms
from tests.handlers.cards.examples import half_undone_case

KINDS = [("low_stock", "Running low")]


def test_the_form_for_a_delegation_is_valid():
    assert validate_view(forms.delegate_form(KINDS)) == []


def test_the_form_for_an_exception_raised_by_hand_is_valid():
    form = forms.raise_form(
        KINDS, kind="low_stock", facts=["product_id"], place="C1 1.0", words="Merlot is out"
    )
    assert validate_view(form) == []


@pytest.mark.threat("B7")
def test_the_form_to_take_back_says_how_many_have_agreed():
    form = forms.undo_form(half_undone_case())
    assert validate_view(form) == []
    assert "1 of them so far" in json.dumps(form)
