"""A practice case at Slack's door: every form and button of its card, and nothing carried out."""

import json
from urllib.parse import parse_qs

import pytest

from bot.cases.lifecycle import State
from bot.cases.probe import ProbeAnswer
from handlers.cards import forms, ids
from handlers.cards.edit_form import edit_form
from tests.desk.test_probes import forbid, put, refused, with_probes
from tests.handlers.slack.conftest import receiver_of
from tests.handlers.slack.requests import form_body, post_signed, press_body
from tests.handlers.slack.test_case_forms import edit_body


@pytest.fixture
def practice(small_world):
    refused(with_probes(small_world))
    small_world.clock.forward(days=20)
    forbid(small_world)
    return put(small_world)


@pytest.fixture
def receiver(agreeable_slack, small_world, practice):
    return receiver_of(agreeable_slack, small_world)


def answer_of(receiver, practice):
    receiver.world.work()
    case = receiver.world.case(practice)
    assert receiver.world.house.calls == []
    assert case.state in {State.PROPOSED, State.WITHDRAWN}
    return case.probe.answer


def submit(view, user="UOMAR", **state):
    """Submit a form with these inputs."""
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


def test_the_button_approves_it_and_answers_as_for_any_case(receiver, practice):
    response = post_signed(receiver, press_body(practice, user="UOMAR"))
    assert (response.status_code, response.content) == (200, b"")
    assert answer_of(receiver, practice) is ProbeAnswer.APPROVED


def test_the_form_of_an_edit_ends_it_without_a_second_look(receiver, practice):
    world = receiver.world
    view = edit_form(practice, world.desk.decisions.edits.form(practice), world.library.labels())
    assert post_signed(receiver, edit_body(view, quantity="12")).content == b""
    assert answer_of(receiver, practice) is ProbeAnswer.EDITED


def test_the_form_of_a_rejection_ends_it(receiver, practice):
    choice = {"type": "static_select", "selected_option": {"value": "wrong_plan"}}
    body = submit(
        forms.reject_form(practice),
        reason={ids.REASON: choice},
        note={ids.NOTE: {"type": "plain_text_input", "value": "it is not sold"}},
    )
    assert post_signed(receiver, body).content == b""
    assert answer_of(receiver, practice) is ProbeAnswer.REJECTED


def choose(practice, choice) -> bytes:
    """Choose an entry of the card's menu."""
    payload = json.loads(parse_qs(press_body(practice, "UOMAR", ids.MORE).decode())["payload"][0])
    del payload["actions"][0]["value"]
    payload["actions"][0] |= {"type": "overflow", "selected_option": {"value": choice}}
    return form_body(payload)


def test_the_menu_offers_no_grant_for_it(receiver, practice, agreeable_slack):
    token = ids.token(practice)
    post_signed(receiver, choose(practice, f"{ids.APPROVE_NEXT} {token}"))
    assert agreeable_slack.arguments_of("views.open") == []
    assert "decided by itself" in json.dumps(agreeable_slack.calls)
    assert receiver.world.desk.controls.grants() == ()
    assert answer_of(receiver, practice) is None


def test_its_details_and_its_trail_do_not_give_it_away(receiver, practice, agreeable_slack):
    post_signed(receiver, press_body(practice, "UOMAR", ids.DETAILS))
    post_signed(receiver, choose(practice, f"{ids.TRAIL} {ids.token(practice)}"))
    windows = [arguments["view"] for arguments in agreeable_slack.arguments_of("views.open")]
    assert len(windows) == 2
    assert "tills" in json.dumps(windows)
    assert "ractice" not in json.dumps(windows)
    assert '"desk' not in json.dumps(windows).lower()
    assert answer_of(receiver, practice) is None
