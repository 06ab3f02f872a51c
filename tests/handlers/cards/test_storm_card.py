"""The card that many cases share."""

import json

from bot.emulator.blocks import validate
from bot.views.alert_storm import StormView
from handlers.cards.storm_card import storm_card, storm_headline
from tests.cases.making import proposed
from tests.handlers.cards.examples import permalink, rows


def storm(*, open_cases):
    return StormView(
        key="storm:low_stock:api",
        place="C0STOCK",
        title="Running low",
        source="api",
        rows=rows(proposed(), range(1, min(open_cases, 5) + 1)),
        open=open_cases,
        total=40,
    )


def test_a_storm_shows_the_first_cases_and_counts_the_others():
    blocks = storm_card(storm(open_cases=38), permalink)
    assert validate(blocks) == []
    assert sum(block["type"] == "actions" for block in blocks) == 5
    assert "and 33 more: they come up here" in json.dumps(blocks)


def test_a_storm_without_open_cases_is_over():
    blocks = storm_card(storm(open_cases=0), permalink)
    assert validate(blocks) == []
    assert storm_headline(storm(open_cases=0)) == "The storm is over: Running low"
    assert "more: they come up here" not in json.dumps(blocks)
