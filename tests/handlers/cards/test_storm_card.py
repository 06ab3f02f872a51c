"""The card that many cases share."""

import json

from bot.emulator.blocks import validate
from handlers.cards import ids
from handlers.cards.storm_card import storm_card, storm_headline
from tests.handlers.cards.examples import permalink, storm


def action_ids(blocks):
    return [
        element["action_id"]
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def test_a_storm_shows_the_first_ten_cases_and_the_way_to_the_others():
    blocks = storm_card(storm(open_cases=38), permalink)
    assert validate(blocks) == []
    assert action_ids(blocks).count(ids.OPEN_LINK) == 10
    assert action_ids(blocks)[:3] == [ids.SHOW_ALL, ids.GROUP_REJECT, ids.GROUP_APPROVE]
    assert "and 28 more: press *Show all*" in json.dumps(blocks)


def test_a_storm_of_unrecognised_cases_can_be_named():
    blocks = storm_card(storm(open_cases=38, is_unrecognised=True), permalink)
    assert action_ids(blocks)[:3] == [ids.SHOW_ALL, ids.GROUP_REJECT, ids.GROUP_NAME]


def test_a_storm_without_open_cases_is_over():
    blocks = storm_card(storm(open_cases=0), permalink)
    assert validate(blocks) == []
    assert storm_headline(storm(open_cases=0)) == "The storm is over: Running low"
    assert action_ids(blocks) == []
