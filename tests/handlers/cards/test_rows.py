"""A case as a row of a list."""

import json

import pytest

from bot.emulator.blocks import validate
from handlers.cards import ids
from handlers.cards.rows import (
    describe_outcome,
    plain_rows,
    rows_with_decisions,
    rows_with_kind_choices,
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
        ("approved", "Approved by Ana, approved"),
        ("alone", "Approved by policy, approved"),
        ("running", "Approved by Ana, being carried out"),
        ("resolved", "Done, approved by Ana"),
        ("rejected", "Rejected by Ana: The plan is wrong"),
        ("by hand", "Resolved: handled by hand: called them"),
    ],
)
def test_what_came_of_a_decided_case_in_a_few_words(name, outcome):
    assert describe_outcome(CASE_EXAMPLES[name]()) == outcome


def test_a_row_says_how_many_have_approved_already():
    (block, _) = rows_with_decisions("needs", [row(half_approved_case())], permalink)
    text = "".join(element["text"] for element in block["elements"][1]["elements"][:1])
    assert text == "Order 24  ·  1 of 2 yes, low risk  ·  @floor-managers  ·  by "


def test_rows_offer_to_decide_or_to_name_and_plain_rows_offer_nothing():
    to_decide = rows_with_decisions("needs", [row(proposed())], permalink)
    assert action_ids(to_decide) == [ids.APPROVE, ids.REJECT]
    to_name = rows_with_kind_choices("blind", [row(unrecognised_case())], permalink)
    assert action_ids(to_name) == [
        ids.NAME_FIRST,
        ids.NAME_SECOND,
        ids.ANOTHER_KIND,
        ids.NOVEL,
    ]
    assert action_ids([plain_rows([row(proposed())], permalink)]) == []
    assert validate([*to_decide, *to_name]) == []


def test_a_case_without_a_message_is_named_without_a_link():
    def no_permalink(channel, ts):
        return ""

    block = plain_rows([row(proposed())], no_permalink)
    assert '"link"' not in json.dumps(block)
    assert "EX-1" in json.dumps(block)
