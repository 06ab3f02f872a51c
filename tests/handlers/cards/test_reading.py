"""Cards of every shipped kind in every state: few words, and easy ones."""

import pytest

from handlers.cards.case_card import case_card
from handlers.cards.text import count_words
from tests.handlers.cards.examples import CASE_EXAMPLES
from tests.handlers.cards.reading import grade, sentences
from tests.handlers.cards.shipped import shipped_cards

MAX_WORDS = 60
#: A US school grade: what a pupil of thirteen reads without effort.
MAX_GRADE = 8


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    return shipped_cards(tmp_path_factory.mktemp("shipped"))


def without_buttons(card):
    return [block for block in card if block["type"] != "actions"]


def test_no_card_has_more_words_than_are_read_in_five_seconds(cards):
    counts = {name: count_words(without_buttons(card)) for name, card in cards.items()}
    assert {name: count for name, count in counts.items() if count > MAX_WORDS} == {}
    assert len(counts) > 200


def test_every_card_is_easy_to_read(cards):
    grades = {name: round(grade(sentences(card)), 1) for name, card in cards.items()}
    assert {name: value for name, value in grades.items() if value > MAX_GRADE} == {}


@pytest.mark.parametrize("name", CASE_EXAMPLES)
def test_the_examples_are_easy_to_read_too(name):
    card = case_card(CASE_EXAMPLES[name]())
    assert count_words(without_buttons(card)) <= MAX_WORDS
    assert grade(sentences(card)) <= MAX_GRADE


def test_the_measure_tells_hard_text_from_easy_text():
    hard = (
        "The aforementioned inventory irregularity necessitates immediate authorisation of"
        " supplementary procurement notwithstanding budgetary considerations."
    )
    assert grade([hard]) > MAX_GRADE
    assert grade(["Four bottles are left. Order more?"]) < MAX_GRADE


def test_words_are_counted_as_they_are_read():
    assert count_words({"type": "mrkdwn", "text": ":pause: *Decides:* @ops-leads"}) == 2
    assert count_words("by <!date^1^{date_short_pretty} {time}|21 Nov 13:00 UTC>") == 5
    assert count_words(["at <!date^1^{time}|13:00 UTC>", {"text": "£12.50 · 4"}]) == 5
