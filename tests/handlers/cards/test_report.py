"""The words of a person on the card of the case that they raised."""

import json
from dataclasses import replace

import pytest

from bot.cases.missing_facts import describe_missing
from bot.cases.source import BY_HAND
from bot.emulator.blocks import validate, validate_view
from bot.ports.card_store import CardContext
from bot.views.labels import Labels
from handlers.cards.case_card import case_card
from handlers.cards.case_details import details_view
from tests.handlers.cards.examples import fact, referred_case, unrecognised_case

FINN = CardContext(requester_name="Finn Walsh")
LINK = "https://harbour-vine.example/archives/C1/p1700000000000100"
MESSAGE = (
    "The white van has been in front of the cellar door since six, and the driver is nowhere to be"
    " found.\nWe cannot take the delivery."
)


def raised(case=None, **facts):
    case = case or unrecognised_case()
    signal = replace(
        case.signal, source=BY_HAND, requester="T1/UFINN", title="A van", facts=dict(facts)
    )
    return replace(case, signal=signal)


def text_of(blocks):
    assert validate(blocks) == []
    return json.dumps(blocks, ensure_ascii=False)


def test_a_card_quotes_the_message_links_it_and_names_who_raised_it():
    card = text_of(case_card(raised(message=MESSAGE, words="A note", link=LINK), FINN))
    assert "“The white van has been in front of the cellar door since six, and the driver" in card
    assert "…”" in card
    assert "Raised by Finn Walsh" in card
    assert LINK in card
    assert "We cannot take the delivery" not in card


def test_the_details_have_the_whole_message_the_note_and_the_link():
    view = details_view(raised(message=MESSAGE, words="A note", link=LINK), Labels(), {})
    assert validate_view(view) == []
    text = json.dumps(view, ensure_ascii=False)
    assert "We cannot take the delivery." in text
    assert "A note" in text
    assert LINK in text
    assert '"user_id": "UFINN"' in text


def test_a_note_that_is_the_title_is_not_said_twice():
    card = text_of(case_card(raised(words="a  VAN"), FINN))
    assert "“" not in card
    assert "Raised by Finn Walsh" in card


def test_without_a_name_there_is_no_empty_sentence():
    assert "Raised by" not in text_of(case_card(raised(words="A note")))


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://", "http://[", "x"])
def test_only_a_web_address_is_a_link(link):
    card = text_of(case_card(raised(message=MESSAGE, link=link), FINN))
    assert "this message" not in card


def test_a_program_cannot_speak_for_a_person():
    case = raised(message=MESSAGE, words="A note", link=LINK)
    case = replace(case, signal=replace(case.signal, source="api"))
    card = text_of(case_card(case, FINN))
    assert "Raised by" not in card
    assert LINK not in card


def test_the_facts_of_an_unrecognised_signal_are_its_evidence():
    case = unrecognised_case()
    facts = {"seen_by": "the night porter", "floor": 2, "empty": ""}
    case = replace(case, signal=replace(case.signal, facts=facts))
    assert "Seen by: the night porter, Floor: 2 · api" in text_of(case_card(case))
    assert "the night porter" in json.dumps(details_view(case, Labels(), {}))


def test_a_missing_id_is_asked_for_and_leaves_no_failed_look_ups():
    case = referred_case()
    gap = describe_missing(["signal.product_id"])
    evidence = (
        fact("stock", label="Stock", value=None, failure=gap),
        fact("supplier", label="Supplier", value=None, failure="the supplier id is not known"),
    )
    case = replace(case, assessment=replace(case.assessment, evidence=evidence))
    card = text_of(case_card(raised(case, words="The Barolo is out"), FINN))
    assert "Which one?" in card
    assert "Nobody said the product id." in card
    assert "not read" not in card
    assert "“The Barolo is out”" in card
