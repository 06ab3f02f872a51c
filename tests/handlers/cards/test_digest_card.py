"""The digest: readable in a notification, with rows whose buttons stand alone."""

import json

from bot.emulator.blocks import validate
from handlers.cards.digest_card import digest_card, digest_text
from handlers.cards.ids import token
from tests.cases.making import proposed
from tests.handlers.cards.examples import digest, permalink, rows


def test_the_digest(snapshot):
    blocks = digest_card(digest(), permalink)
    assert validate(blocks) == []
    assert {"text": digest_text(digest()), "blocks": blocks} == snapshot


def test_a_digest_reads_in_a_notification():
    assert digest_text(digest()) == (
        "5 to decide, 3 late. First: EX-1 Merlot is running low. "
        "Since the last one: 5 new, 3 resolved, 1 handled by itself, 1 rejected, 1 went away."
    )


def test_each_row_has_buttons_of_its_own_and_a_decided_one_has_none():
    blocks = digest_card(digest(review=None), permalink)
    block_ids = [block["block_id"] for block in blocks if block["type"] == "actions"]
    assert block_ids == [f"needs:{token(proposed())}"]
    text = json.dumps(blocks, ensure_ascii=False)
    assert "Rejected by Ana: The plan is wrong" in text
    assert "Approved by Ana, approved" in text


def test_a_digest_of_the_fullest_day_fits():
    case = proposed()
    fullest = digest(
        needs=rows(case, range(1, 9)),
        late=rows(case, range(10, 15)),
        misses=rows(case, range(20, 25)),
    )
    assert validate(digest_card(fullest, permalink)) == []
