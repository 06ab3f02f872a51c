"""The answer to a question."""

from bot.emulator.blocks import validate
from handlers.cards.answer_blocks import answer_blocks, answer_text
from tests.handlers.cards.examples import answer, permalink


def test_an_answer(snapshot):
    blocks = answer_blocks(answer(), permalink, "C:1")
    assert validate(blocks) == []
    assert {"text": answer_text(answer()), "blocks": blocks} == snapshot
