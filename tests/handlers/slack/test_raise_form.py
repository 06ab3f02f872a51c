"""Raising by hand: one signal for each form or message."""

import json

import pytest

from handlers.cards import ids
from tests.handlers.slack.requests import form_body, post_signed

VALUES = {ids.TITLE: "A crate is broken", ids.NOTE: "In the yard", ids.SUBJECT: "crate:7"}


@pytest.fixture
def submit(receiver):
    def submit(values=VALUES, metadata="", view_id="V1"):
        inputs = {
            action_id: {"type": "plain_text_input", "value": value}
            for action_id, value in values.items()
        }
        view = {
            "type": "modal",
            "callback_id": ids.RAISE_FORM,
            "private_metadata": metadata,
            "id": view_id,
            "state": {"values": {"block": inputs}},
        }
        payload = {
            "type": "view_submission",
            "user": {"id": "UANA", "team_id": "T1"},
            "team": {"id": "T1"},
            "view": view,
        }
        return post_signed(receiver, form_body(payload))

    return submit


def test_a_form_opens_one_case_and_its_author_is_told(receiver, agreeable_slack, submit):
    assert submit().content == b""
    assert submit().content == b""
    (case,) = receiver.world.store.queries.newest()
    assert (case.signal.title, case.signal.subject) == ("A crate is broken", "crate:7")
    first, second = agreeable_slack.arguments_of("chat.postMessage")
    assert first["channel"] == second["channel"] == "UANA"
    assert "EX-1 was opened. Because you raised it, another person decides." in first["text"]
    assert "EX-1 already exists; your report was added to it." in second["text"]


def test_a_message_is_quoted_by_its_link(receiver, submit):
    submit(metadata="C0STOCK 1700000000.000100")
    (case,) = receiver.world.store.queries.newest()
    assert "/archives/C0STOCK/p1700000000000100" in json.dumps(case.signal.facts)


def test_a_fact_that_the_kind_needs_is_asked_for_at_its_field(receiver, submit):
    parameter = f"{ids.PARAMETER}order"
    response = submit(VALUES | {parameter: " "})
    assert response.json()["errors"] == {"block": "Not done: this kind needs a value here."}
    assert list(receiver.world.store.queries.newest()) == []
