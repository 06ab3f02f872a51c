"""Dates on one card: one style, in the reader's time zone."""

import re
from dataclasses import replace

import pytest

from bot.cases.lifecycle import State
from handlers.cards.case_card import case_card
from tests.handlers.cards.examples import CASE_EXAMPLES
from tests.handlers.cards.markup import nodes
from tests.handlers.cards.shipped import every_state, shipped_cases

TOKEN = re.compile(r"<!date\^(\d+)\^([^|]*)\|[^>]*>")
RAW_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d UTC")


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    library, cases = shipped_cases(tmp_path_factory.mktemp("shipped"))
    drawn = []
    for case in cases.values():
        for _, state_case, context in every_state(case):
            context = replace(context, labels=library.labels())
            drawn.append((state_case, case_card(state_case, context)))
    drawn += [(make_case(), case_card(make_case())) for make_case in CASE_EXAMPLES.values()]
    return drawn


def test_no_date_is_written_raw_or_in_another_zone_than_the_readers(cards):
    for _, card in cards:
        for node in nodes(card):
            if node.get("type") in {"text", "plain_text", "mrkdwn"}:
                assert RAW_DATE.search(TOKEN.sub("", node["text"])) is None, node["text"]


def test_moments_have_one_style(cards):
    styles = set()
    for _, card in cards:
        for node in nodes(card):
            if node.get("type") == "date":
                styles.add(node["format"])
            elif node.get("type") == "mrkdwn":
                styles |= {token[1] for token in TOKEN.findall(node["text"])}
    assert styles == {"{date_short_pretty} {time}", "{time}"}


def test_the_time_to_decide_by_is_the_one_of_the_sla(cards):
    for case, card in cards:
        if case.state is not State.PROPOSED:
            continue
        texts = [node["text"] for node in nodes(card) if node.get("type") == "mrkdwn"]
        (line,) = [
            text for text in texts if "Decides:" in text or "High risk" in text or "needed:" in text
        ]
        first = TOKEN.findall(line)[0][0]
        assert int(first) == int(case.timers.sla.decide_by.timestamp())
