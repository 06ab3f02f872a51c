"""A case as a row of a list."""

import json
from dataclasses import replace

import pytest

from bot.emulator.blocks import validate
from bot.views.labels import start_upper
from handlers.cards import ids
from handlers.cards.rows import (
    case_rows,
    describe_outcome,
    plain_rows,
)
from tests.cases.making import proposed
from tests.handlers.cards.examples import (
    CASE_EXAMPLES,
    half_approved_case,
    permalink,
    row,
    unrecognised_case,
)


def action_ids(blocks):
    return [
        element["action_id"]
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("approved", "Approved by Ana, begins soon"),
        ("alone", "Approved by policy, begins soon"),
        ("running", "Approved by Ana, being carried out"),
        ("resolved", "Done, approved by Ana"),
        ("rejected", "Rejected by Ana: The plan is wrong"),
        ("by hand", "Resolved: handled by hand: called them"),
    ],
)
def test_what_came_of_a_decided_case_in_a_few_words(name, outcome):
    assert describe_outcome(CASE_EXAMPLES[name]()) == outcome


def test_a_row_says_how_many_have_approved_already():
    (block, _) = case_rows("needs", [row(half_approved_case())], permalink)
    text = "".join(element["text"] for element in block["elements"][1]["elements"][:1])
    assert text == "Order 24 for £100.00  ·  1 of 2 yes, low risk  ·  @floor-managers  ·  by "


@pytest.mark.parametrize(
    ("name", "buttons"),
    [
        ("proposed low", [ids.APPROVE, ids.REJECT]),
        ("referred", [ids.RESOLVE, ids.TRY_AGAIN]),
        ("parked", [ids.SETTLE]),
        ("snoozed", [ids.WAKE]),
        ("running", []),
    ],
)
def test_every_row_of_an_open_case_has_the_buttons_of_its_state_and_the_way_to_its_card(
    name, buttons
):
    blocks = case_rows("needs", [row(CASE_EXAMPLES[name]())], permalink)
    assert action_ids(blocks) == [*buttons, ids.OPEN_LINK]
    assert validate(blocks) == []


def test_an_unrecognised_case_can_be_named_in_its_row():
    blocks = case_rows("persons", [row(unrecognised_case())], permalink)
    assert action_ids(blocks) == [
        ids.NAME_FIRST,
        ids.NAME_SECOND,
        ids.ANOTHER_KIND,
        ids.NOVEL,
        ids.OPEN_LINK,
    ]
    assert validate(blocks) == []


def test_a_case_without_a_card_has_the_button_that_has_it_drawn():
    without_card = replace(row(proposed()), ts="")
    blocks = case_rows("storm", [without_card], permalink)
    assert action_ids(blocks) == [ids.APPROVE, ids.REJECT, ids.OPEN]
    assert blocks[1]["elements"][-1]["value"] == "EX-1:0"


def test_whoever_may_not_decide_is_offered_the_card_only():
    blocks = case_rows("mine", [replace(row(proposed()), is_decidable=False)], permalink)
    assert action_ids(blocks) == [ids.OPEN_LINK]


def test_an_ended_case_and_a_plain_row_offer_nothing():
    assert action_ids(case_rows("needs", [row(CASE_EXAMPLES["rejected"]())], permalink)) == []
    assert action_ids([plain_rows([row(proposed())], permalink)]) == []


def test_the_owner_is_never_blank():
    group, person = (
        json.dumps(case_rows("later", [row(CASE_EXAMPLES[name]())], permalink))
        for name in ("proposed low", "handed over")
    )
    assert "@floor-managers" in group
    assert "with Carla" in person


def test_a_name_keeps_its_letters():
    assert start_upper("ana Duarte") == "Ana Duarte"


def test_a_case_without_a_message_is_named_without_a_link():
    def no_permalink(channel, ts):
        return ""

    block = plain_rows([row(proposed())], no_permalink)
    assert '"link"' not in json.dumps(block)
    assert "EX-1" in json.dumps(block)
