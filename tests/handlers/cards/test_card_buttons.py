"""The buttons of a case: each does something now."""

import json
from dataclasses import replace

import pytest

from bot.cases.approval import ApprovalRequirement
from bot.cases.commands import OFFERED, DecisionKind
from bot.cases.hindsight import awaits_practice
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.cases.recognition import KindGuess
from bot.emulator.blocks import validate_view
from bot.ports.card_store import CardContext
from handlers.cards import forms, ids
from handlers.cards.card_buttons import MAX_CONFIRM, MIN_CONFIDENCE_PERCENT, decision_buttons
from handlers.cards.case_card import case_card
from tests.cases.making import action, proposed, verdict, with_fields
from tests.handlers.cards.examples import (
    CASE_EXAMPLES,
    high_risk_case,
    medium_risk_case,
    unrecognised_case,
    with_evidence,
)

DECISIONS = {
    ids.APPROVE: DecisionKind.APPROVE,
    ids.APPROVE_WITH_REASON: DecisionKind.APPROVE,
    ids.REJECT: DecisionKind.REJECT,
    ids.EDIT: DecisionKind.EDIT,
    ids.RESOLVE: DecisionKind.RESOLVE,
    ids.TRY_AGAIN: DecisionKind.TRY_AGAIN,
    ids.SETTLE: DecisionKind.SETTLE,
    ids.CLAIM: DecisionKind.CLAIM,
    ids.WAKE: DecisionKind.WAKE,
    ids.UNDO: DecisionKind.UNDO,
    ids.REPORT_MISTAKE: DecisionKind.REPORT_MISTAKE,
    ids.NAME_FIRST: DecisionKind.NAME_KIND,
    ids.NAME_SECOND: DecisionKind.NAME_KIND,
    ids.NAME_THIRD: DecisionKind.NAME_KIND,
    ids.ANOTHER_KIND: DecisionKind.NAME_KIND,
    ids.NOT_THIS_KIND: DecisionKind.NAME_KIND,
    ids.NOVEL: DecisionKind.CALL_NOVEL,
    ids.CLAIM_IT: DecisionKind.CLAIM,
    ids.HAND_OVER: DecisionKind.HAND_OVER,
    ids.SNOOZE: DecisionKind.SNOOZE,
    ids.ASK: DecisionKind.ASK,
    ids.WITHDRAW: DecisionKind.WITHDRAW,
    ids.APPROVE_NEXT: DecisionKind.APPROVE,
    ids.DID_THAT: DecisionKind.CONFIRM_PRACTICE,
    ids.DID_OTHERWISE: DecisionKind.CONFIRM_PRACTICE,
    ids.REVIEW_RIGHT: DecisionKind.REVIEW,
    ids.REVIEW_WRONG: DecisionKind.REVIEW,
}
HINDSIGHT = {ids.DID_THAT, ids.DID_OTHERWISE, ids.REVIEW_RIGHT, ids.REVIEW_WRONG}
READ_ONLY = {ids.TRAIL, ids.DETAILS}


def buttons_of(card):
    return [
        element for block in card if block["type"] == "actions" for element in block["elements"]
    ]


def approve_button(case):
    action_ids = {ids.APPROVE, ids.APPROVE_WITH_REASON}
    return next(
        button for button in buttons_of(case_card(case)) if button["action_id"] in action_ids
    )


def tokens(button):
    if button["type"] == "overflow":
        return {option["value"].rpartition(" ")[2] for option in button["options"]}
    return {button["value"]}


def offered_decisions(case):
    """List what the card lets a person decide."""
    choices = set()
    for button in buttons_of(case_card(case, CardContext(is_undoable=True))):
        if button["type"] == "overflow":
            choices |= {option["value"].partition(" ")[0] for option in button["options"]}
        else:
            choices.add(button["action_id"])
    return {DECISIONS[choice] for choice in choices - READ_ONLY}


@pytest.mark.parametrize("name", CASE_EXAMPLES)
def test_no_dead_button(name):
    """A button names the case's version; an ended case has details, and asks in hindsight.

    What the bot did alone may be called a mistake for as long as its card stands.
    """
    case = CASE_EXAMPLES[name]()
    buttons = buttons_of(case_card(case))
    if case.is_terminal:
        *answers, details = [button["action_id"] for button in buttons]
        assert details == ids.DETAILS
        is_asked = awaits_practice(case) or case.is_review_due
        if not case.was_auto_approved or is_asked:
            assert set(answers) <= HINDSIGHT if is_asked else not answers
    for button in buttons:
        assert tokens(button) == {ids.token(case)}


@pytest.mark.threat("A1")
def test_each_card_offers_what_its_state_offers_and_nothing_else():
    """The rules refuse what a state's card does not offer."""
    by_state = {state: set() for state in State}
    for make_case in [*CASE_EXAMPLES.values(), unrecognised_case]:
        case = make_case()
        by_state[case.state] |= offered_decisions(case)
    by_decision = {
        decision: {state for state in State if decision in by_state[state]}
        for decision in DecisionKind
    }
    # The emergency is asked for in words, never by a button. Whoever raised the case has the
    # other two in a message of their own.
    elsewhere = (DecisionKind.EMERGENCY, DecisionKind.NUDGE, DecisionKind.RETRACT)
    assert by_decision == {**OFFERED, **{decision: set() for decision in elsewhere}}


def test_high_risk_has_no_colour_that_nudges_and_asks_for_words():
    button = approve_button(high_risk_case())
    assert button["action_id"] == ids.APPROVE_WITH_REASON
    assert "style" not in button


def test_no_guess_is_offered_that_is_less_likely_than_the_floor():
    """No "Renewal due (3 %)"."""
    guesses = (
        KindGuess("low_stock", "Running low", MIN_CONFIDENCE_PERCENT),
        KindGuess("renewal_due", "Renewal due", 3),
    )
    case = unrecognised_case()
    recognition = replace(case.classification.recognition, guesses=guesses)
    labels = [
        button["text"]["text"]
        for button in buttons_of(case_card(with_fields(case, recognition=recognition)))
        if button["type"] == "button"
    ]
    assert labels[:3] == ["Running low (10 %)", "Another kind…", "Something new"]


def test_no_button_of_a_high_risk_has_a_colour():
    for button in buttons_of(case_card(high_risk_case())):
        assert "style" not in button


def test_medium_risk_repeats_target_and_amount_before_it_is_approved():
    text = approve_button(medium_risk_case())["confirm"]["text"]["text"]
    assert text == "Amount: £100.00. For: “Merlot is running low”. Order 24."


# --- the confirmation dialog -----------------------------------------------------------------


def medium_risk_plan(*actions):
    medium = verdict(tier=RiskTier.MEDIUM, factors=(ApprovalRequirement("ops-leads", 1),))
    return with_evidence(proposed(actions=actions, verdict=medium))


@pytest.mark.threat("C7")
def test_amount_and_target_come_first_and_a_long_summary_cuts_neither():
    summary = "Order " + "very old wine " * 25
    case = medium_risk_plan(action(summary=summary, amount=2400, target="product:merlot-2019"))
    text = approve_button(case)["confirm"]["text"]["text"]
    assert text.startswith("Amount: £2,400.00. For: product merlot-2019. Order very old wine")
    assert len(text) <= MAX_CONFIRM


@pytest.mark.threat("C7")
def test_a_long_plan_is_shortened_in_its_steps_and_says_how_many_more():
    steps = [
        action(summary=f"Order {n} cases of a rather long name", amount=100, target=f"p:{n}")
        for n in range(8)
    ]
    text = approve_button(medium_risk_plan(*steps))["confirm"]["text"]["text"]
    targets = "p 0, p 1, p 2, p 3, p 4, p 5, p 6, p 7"
    assert text.startswith(f"Amount: £800.00. For: {targets}. Order 0 cases")
    assert "and " in text
    assert text.endswith(" more.")
    assert len(text) <= MAX_CONFIRM


@pytest.mark.threat("C7")
@pytest.mark.parametrize("target", ["product:" + "9" * 400, "😀" * 200])
def test_what_cannot_be_said_in_a_dialog_is_asked_in_the_form(target):
    """The form has room for the whole target and the amount."""
    case = medium_risk_plan(action(target=target, amount=2400))
    button = approve_button(case)
    assert button["action_id"] == ids.APPROVE_WITH_REASON
    assert "confirm" not in button
    form = forms.approve_form(case)
    assert validate_view(form) == []
    text = json.dumps(form, ensure_ascii=False)
    assert target.replace(":", " ") in text
    assert "£2,400.00" in text
    action_ids = [row_button["action_id"] for row_button in decision_buttons(case)]
    assert action_ids == [ids.APPROVE_WITH_REASON, ids.REJECT]
