"""The answer to a question."""

from dataclasses import replace

from bot.emulator.blocks import validate
from handlers.cards import ids
from handlers.cards.answer_blocks import answer_blocks, answer_text
from tests.handlers.cards.examples import answer, permalink


def test_an_answer(snapshot):
    blocks = answer_blocks(answer(), permalink, "C:1")
    assert validate(blocks) == []
    assert {"text": answer_text(answer()), "blocks": blocks} == snapshot


def test_a_case_without_a_card_can_be_opened_from_an_answer():
    with_card = answer().lines[0]
    lines = (with_card, replace(with_card, case_id="EX-2", ts=""))
    blocks = answer_blocks(answer(lines=lines), permalink)
    assert validate(blocks) == []
    (element,) = [
        element for block in blocks if block["type"] == "actions" for element in block["elements"]
    ]
    assert (element["action_id"], element["value"]) == (ids.OPEN, "EX-2:0")
