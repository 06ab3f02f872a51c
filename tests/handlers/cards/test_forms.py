"""The forms: valid views that say what is decided."""

import json

import pytest

from bot.cases.missing_approvals import MissingApprovals
from bot.cases.policy import RiskTier
from bot.emulator.blocks import validate_view
from bot.views.labels import Labels
from bot.views.raising import RaiseDraft, SubjectChoice
from handlers.cards import forms
from handlers.cards.raise_form import raise_form
from tests.cases.making import action, proposed, verdict, with_fields
from tests.handlers.cards.examples import OPS_AND_FINANCE, half_undone_case
from tests.handlers.cards.markup import visible_text

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


@pytest.mark.threat("C7")
def test_the_form_of_a_high_risk_repeats_amount_and_target_and_names_who_is_missing():
    actions = (
        action(summary="Give Lin & Co notice", target="renewal:12", amount=420, reversible=False),
        action(summary="Tell C0OPS", target="channel:C0OPS", amount=None, system="slack"),
    )
    high = verdict(tier=RiskTier.HIGH, factors=OPS_AND_FINANCE)
    case = proposed(actions=actions, verdict=high)
    labels = Labels(systems={"house": "house system"}, channels={"C0OPS": "operations"})
    form = forms.approve_form(case, labels, MissingApprovals(1, ("finance",)))
    assert validate_view(form) == []
    text = visible_text(form)
    for sentence in (
        "It moves £420.00.",
        "Step 1 cannot be undone.",
        "It stays done: Give Lin & Co notice.",
        "For: renewal 12 (house system)",
        "For: #operations (slack)",
        "High risk. 0 of 2 given. *Still needed:* one of @finance",
    ):
        assert sentence in text


def test_before_anybody_approved_the_form_names_everybody_who_must():
    case = with_fields(proposed(), verdict=verdict(tier=RiskTier.HIGH, factors=OPS_AND_FINANCE))
    text = visible_text(forms.approve_form(case))
    assert "Needs one of @ops-leads and one of @finance. 0 of 2 given" in text
    assert "This cannot be undone." not in text


def test_what_the_case_is_about_has_the_name_of_the_card_and_no_number():
    actions = (action(summary="Order 24", target="product:1"),)
    text = visible_text(forms.approve_form(proposed(actions=actions)))
    assert "For: “Merlot is running low” (house)" in text
    assert "product 1" not in text
