"""Messages about duplicates and about cards that are no longer in use."""

import json

import pytest

from bot.emulator.blocks import validate
from handlers.cards.copies import COPY_TEXT, copy_blocks, inactive_card_blocks, inactive_card_text

URL = "https://emulator.example/archives/C0STOCK/p1"


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        (copy_blocks("EX-1", URL), COPY_TEXT),
        (inactive_card_blocks("EX-1", URL), inactive_card_text("EX-1")),
    ],
)
def test_the_message_in_use_is_a_link_away(blocks, text):
    assert validate(blocks) == []
    assert text in json.dumps(blocks)
    assert URL in json.dumps(blocks)


def test_a_copy_says_so_where_there_is_no_address():
    blocks = copy_blocks("EX-1", "")
    assert validate(blocks) == []
    assert COPY_TEXT in json.dumps(blocks)
    assert '"link"' not in json.dumps(blocks)
