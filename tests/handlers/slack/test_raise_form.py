"""Raising by hand: one signal for each form or message."""

import json
from dataclasses import replace

import pytest

from handlers.cards import ids
from handlers.cards.raise_form import write_origin
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


@pytest.fixture
def needs_product(receiver):
    """Let the playbook of low stock look things up by a fact of the signal."""
    library = receiver.world.library
    find_playbook = library.playbook
    playbook = find_playbook("low_stock")
    lookup = replace(playbook.evidence[0], parameters={"product_id": "signal.product_id"})
    playbook = replace(playbook, evidence=(lookup,))
    library.playbook = lambda kind: playbook if kind == "low_stock" else find_playbook(kind)


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


def test_a_message_is_quoted_with_its_text_and_the_note_stays_a_note(receiver, submit):
    submit(metadata=write_origin("C0STOCK 1700000000.000100", "A van blocks the door"))
    (case,) = receiver.world.store.queries.newest()
    assert case.signal.facts["message"] == "A van blocks the door"
    assert case.signal.facts["words"] == "In the yard"


def test_a_forged_origin_quotes_nothing(receiver, submit):
    submit(metadata="elsewhere\nA van blocks the door")
    (case,) = receiver.world.store.queries.newest()
    assert case.signal.facts == {"words": "In the yard"}


LOW_STOCK = {ids.TITLE: "Out of gin", ids.RAISE_KIND: "low_stock"}


def test_what_was_chosen_gives_the_facts_and_the_subject(receiver, submit, needs_product):
    submit(LOW_STOCK | {ids.CHOICE: '{"product_id":61}', f"{ids.PARAMETER}product_id": None})
    (case,) = receiver.world.store.queries.newest()
    assert case.signal.facts == {"product_id": 61}
    assert case.signal.subject == "product id 61"


def test_what_was_typed_counts_more_than_what_was_chosen(receiver, submit, needs_product):
    submit(LOW_STOCK | {ids.CHOICE: '{"product_id":61}', f"{ids.PARAMETER}product_id": "62"})
    (case,) = receiver.world.store.queries.newest()
    assert case.signal.facts == {"product_id": 62}


@pytest.mark.parametrize("choice", [None, "[]", "{}", "nonsense"])
def test_without_an_id_nothing_is_raised(receiver, submit, needs_product, choice):
    response = submit(LOW_STOCK | {ids.CHOICE: choice})
    assert "this kind needs a value here" in json.dumps(response.json())
    assert list(receiver.world.store.queries.newest()) == []


def test_a_fact_that_the_kind_needs_is_asked_for_at_its_field(receiver, submit):
    parameter = f"{ids.PARAMETER}order"
    response = submit(VALUES | {parameter: " "})
    assert response.json()["errors"] == {"block": "Not done: this kind needs a value here."}
    assert list(receiver.world.store.queries.newest()) == []
