"""Forms of a card, sent in over HTTP."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.cases.lifecycle import State
from handlers.cards import forms, ids
from handlers.cards.edit_form import edit_form
from tests.handlers.slack.requests import form_body, post_signed, undo_body
from tests.world import policy


@pytest.mark.threat("B7")
def test_taking_back_in_slack_waits_for_the_second_of_two(receiver):
    world = receiver.world
    world.library.rules = policy(high_above=Decimal(50))
    world.house.undo_for = timedelta(minutes=30)
    case = world.proposed()
    for name in ("ben", "carla"):
        world.approve(case, name, note="yes")
    world.work()
    case = world.case(case)

    def take_back(user):
        return post_signed(receiver, undo_body(case, user))

    form = json.dumps(forms.undo_form(case))
    assert "It needs 2 people, as the plan did; 0 of them so far." in form
    assert take_back("UBEN").content == b""
    assert [approval.name for approval in world.case(case).execution.undo_approvals] == ["Ben"]
    error = take_back("UBEN").json()["errors"]["note"]
    assert "said already that it is taken back; it waits for somebody else" in error
    error = take_back("UANA").json()["errors"]["note"]
    assert "only @finance or @ops-leads" in error
    assert take_back("UCARLA").content == b""
    world.work()
    assert (world.case(case).state, len(world.house.effects)) == (State.REFERRED, 2)


def edit_body(view, user="UOMAR", **values):
    """Submit the form of an edit with these values of parameters."""
    state = {
        f"parameter:{name}": {
            f"{ids.PARAMETER}{name}": {"type": "plain_text_input", "value": value}
        }
        for name, value in values.items()
    }
    return form_body(
        {
            "type": "view_submission",
            "user": {"id": user, "team_id": "T1"},
            "team": {"id": "T1", "domain": "x"},
            "api_app_id": "A1",
            "token": "x",
            "view": {**view, "id": "V1", "state": {"values": state}},
        }
    )


def test_an_edit_is_shown_before_it_is_saved_and_what_was_not_shown_is_shown_again(receiver):
    world = receiver.world
    case = world.proposed()
    view = edit_form(case, world.desk.decisions.edits.form(case), world.library.labels())
    answer = post_signed(receiver, edit_body(view, quantity="12")).json()
    assert answer["response_action"] == "update"
    assert "24 → 12" in json.dumps(answer["view"], ensure_ascii=False)
    assert world.case(case).proposal.revision == 1
    # Changed once more after the preview.
    again = post_signed(receiver, edit_body(answer["view"], quantity="18")).json()
    assert "24 → 18" in json.dumps(again["view"], ensure_ascii=False)
    assert world.case(case).proposal.revision == 1
    assert post_signed(receiver, edit_body(again["view"], quantity="18")).content == b""
    proposal = world.case(case).proposal
    assert proposal.revision == 2
    assert proposal.plan.actions[0].parameters["quantity"] == "18"


def test_an_edit_of_somebody_who_may_not_is_refused_before_it_is_shown(receiver):
    world = receiver.world
    case = world.proposed()
    view = edit_form(case, world.desk.decisions.edits.form(case), world.library.labels())
    answer = post_signed(receiver, edit_body(view, user="UFINN", quantity="12")).json()
    assert "may do this" in answer["errors"]["parameter:quantity"]
    assert world.case(case).proposal.revision == 1
