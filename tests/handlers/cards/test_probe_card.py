"""The card of a practice case: like any other before the press, kind and clear after it."""

import json
from dataclasses import replace

import pytest

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.commands import DecisionKind
from bot.cases.decide import answer_probe
from bot.cases.probe import Probe, ProbeAnswer
from bot.emulator.blocks import validate
from handlers.cards.case_card import case_card
from tests.cases.making import ANA, NOW, caller, proposed, with_fields

PROBE = Probe(
    of_case="EX-31",
    group="floor-managers",
    source="api",
    reason="The plan is wrong: the supplier delivers on Friday",
)


def practice():
    return with_fields(proposed(), probe=PROBE)


def answered(decision):
    case = practice()
    return answer_probe(case, decision, caller(ANA), CardSnapshot.of(case), NOW).case


def test_before_the_press_it_is_the_card_of_any_case():
    assert case_card(practice()) == case_card(proposed())


@pytest.mark.parametrize("decision", [DecisionKind.APPROVE, DecisionKind.REJECT])
def test_afterwards_it_says_what_it_was_and_what_was_right(decision, snapshot):
    blocks = case_card(answered(decision))
    assert validate(blocks) == []
    assert blocks == snapshot
    text = json.dumps(blocks, ensure_ascii=False)
    assert "The plan is wrong: the supplier delivers on Friday" in text
    # Neither who decided nor what they decided is for the channel to read.
    assert "Ana" not in text
    assert "actions" not in [block["type"] for block in blocks]


def test_one_that_nobody_decided_blames_nobody():
    probe = replace(PROBE, answer=ProbeAnswer.NONE)
    case = with_fields(answered(DecisionKind.REJECT), probe=probe)
    assert "which is fine" in json.dumps(case_card(case))
