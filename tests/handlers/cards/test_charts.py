"""Charts, and the same numbers as text."""

import json
from dataclasses import replace

from bot.emulator.blocks import validate
from handlers.cards.charts import CHART_TYPE, charts, without_charts
from handlers.cards.digest_card import digest_card
from tests.handlers.cards.examples import days, digest, permalink


def block_types(blocks):
    return {block["type"] for block in blocks}


def test_where_charts_are_not_taken_the_numbers_are_text():
    blocks = digest_card(digest(), permalink)
    text_blocks = without_charts(blocks)
    assert block_types(blocks) - block_types(text_blocks) == {CHART_TYPE}
    assert validate(text_blocks) == []
    assert "21 Nov" in json.dumps(text_blocks)


def test_days_without_cases_have_no_chart():
    assert charts(days(busy=False)) == []


def test_the_first_day_has_both_charts():
    quiet = days(busy=False)
    first_day = replace(quiet[-1], openings=3, endings=1, hours_to_decision=0.5)
    blocks = charts((*quiet[:-1], first_day))
    assert [block["chart"]["type"] for block in blocks] == ["bar", "bar"]
    assert validate(blocks) == []
