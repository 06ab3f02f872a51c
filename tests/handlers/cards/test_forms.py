"""The forms: valid views that say what is decided."""

import json

import pytest

from bot.emulator.blocks import validate_view
from bot.views.raising import RaiseDraft, SubjectChoice
from handlers.cards import forms
from handlers.cards.raise_form import raise_form
from tests.handlers.cards.examples import half_undone_case

KINDS = [("low_stock", "Running low")]


def test_the_form_for_a_delegation_is_valid():
    assert validate_view(forms.delegate_form(KINDS)) == []


def test_the_form_for_an_exception_raised_by_hand_is_valid():
    draft = RaiseDraft(
        kind="low_stock",
        reference="C1 1.0",
        message="Merlot is out",
        required_facts=("product_id",),
        choices=(SubjectChoice(title="Merlot", facts={"product_id": 61}),),
    )
    assert validate_view(raise_form(KINDS, draft)) == []
    assert validate_view(raise_form(KINDS, RaiseDraft())) == []


@pytest.mark.threat("B7")
def test_the_form_to_take_back_says_how_many_have_agreed():
    form = forms.undo_form(half_undone_case())
    assert validate_view(form) == []
    assert "1 of them so far" in json.dumps(form)
