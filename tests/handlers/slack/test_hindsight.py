"""The buttons that say what was done by hand, and whether what ran alone was right."""

import json

import pytest

from bot.cases.lifecycle import State
from bot.cases.policy import ActionLimit, PlaybookTerms, Stage
from bot.cases.review import ReviewVerdict
from handlers.cards import forms, ids
from handlers.cards.case_card import case_card
from tests.handlers.slack.requests import form_body, post_signed, press_body
from tests.world import playbook, policy


def press(receiver, case, action):
    assert post_signed(receiver, press_body(case, action=action)).status_code == 200
    receiver.world.work()
    return receiver.world.case(case)


def submit(receiver, form, note, **fields):
    """Submit a form that is open for Ana."""
    values = {"note": {ids.NOTE: {"type": "plain_text_input", "value": note}}, **fields}
    payload = {
        "type": "view_submission",
        "user": {"id": "UANA", "team_id": "T1"},
        "team": {"id": "T1", "domain": "x"},
        "api_app_id": "A1",
        "token": "x",
        "view": {**form, "id": "V1", "state": {"values": values}},
    }
    response = post_signed(receiver, form_body(payload))
    assert response.status_code == 200
    assert "errors" not in response.text


def in_stage(receiver, stage):
    world = receiver.world
    terms = PlaybookTerms(stage=stage, owners=playbook().owners.by_role())
    world.library.book = playbook(terms=terms)
    world.library.rules = policy(actions={"house.order_stock": ActionLimit(alone=True)})
    world.house.amount = None
    return world.proposed()


def test_did_that_closes_a_case_in_shadow_in_one_press(receiver):
    case = in_stage(receiver, Stage.SHADOW)
    assert ids.APPROVE not in json.dumps(case_card(case))
    after = press(receiver, case, ids.DID_THAT)
    assert (after.state, after.activity.practice.agrees) == (State.RESOLVED, True)
    assert after.activity.practice.by_name
    assert receiver.world.house.effects == []


def test_did_something_else_asks_what_it_was(receiver):
    case = in_stage(receiver, Stage.SHADOW)
    press(receiver, case, ids.DID_OTHERWISE)
    choice = {"type": "radio_buttons", "selected_option": {"value": "same"}}
    submit(receiver, forms.practice_form(case), "ordered thirty", practice={ids.PRACTICE: choice})
    practice = receiver.world.case(case).activity.practice
    assert (practice.action_agrees, practice.parameters_agree) == (True, False)
    assert practice.detail == "ordered thirty"


@pytest.mark.parametrize("verdict", list(ReviewVerdict))
def test_what_ran_alone_is_called_right_or_wrong(receiver, verdict):
    case = in_stage(receiver, Stage.AUTONOMOUS)
    assert case.was_auto_approved
    assert case.is_review_due
    if verdict is ReviewVerdict.RIGHT:
        press(receiver, case, ids.REVIEW_RIGHT)
    else:
        submit(receiver, forms.review_form(case), "not needed")
    after = receiver.world.case(case)
    assert after.activity.review.verdict is verdict
    assert after.activity.has_bad_outcome is (verdict is ReviewVerdict.WRONG)
    assert ids.REVIEW_RIGHT not in json.dumps(case_card(after))
