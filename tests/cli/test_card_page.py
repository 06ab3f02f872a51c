"""Cards on the emulator's page, as ``countersign try --open`` shows them."""

import json
import urllib.request

import pytest

from bot.cases.errors import CountersignError
from bot.cli import card_page
from tests.emulator.block_kit import plain


def test_the_page_has_the_cards_and_a_person_who_sees_them():
    card = [{"type": "header", "text": plain("EX-7")}]
    with (
        card_page.card_page([card, card]) as url,
        urllib.request.urlopen(f"{url}/_ctl/state?as=U0YOU") as answer,
    ):
        window = json.load(answer)
    (channel,) = [one for one in window["channels"] if one["name"] == "trial"]
    assert [one["blocks"][0]["text"]["text"] for one in channel["messages"]] == ["EX-7", "EX-7"]


def test_a_card_that_slack_would_refuse_is_refused_with_the_reason():
    card = [{"type": "header", "text": plain("x" * 151)}]
    with (
        pytest.raises(CountersignError, match="151 characters, must be 1 to 150"),
        card_page.card_page([card]),
    ):
        pass
    with pytest.raises(CountersignError, match="no card to open"):
        card_page.show_cards([])
