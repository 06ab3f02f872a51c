"""Readings that people chose, as lines of the file of examples."""

from datetime import date

import pytest

from bot.views.query import About, Act, Ask, Condition, Measure, Query
from knowledge.language.asks import query_of
from knowledge.language.labels import example_of, label_of
from knowledge.library.library import load

ASKS = load().questions().asks


@pytest.mark.parametrize("label", ASKS)
def test_every_label_of_the_file_comes_back_from_its_query(label):
    assert label_of(query_of(label)) == label


@pytest.mark.parametrize(
    ("query", "label"),
    [
        (Query(ask=Ask.LIST, condition=Condition(is_overdue=True)), "list"),
        (Query(ask=Ask.COUNT, measure=Measure.COUNT), "count"),
        (Query(ask=Ask.GROUP, measure=Measure.STAKE_SUM), "group.stake_sum"),
        (Query(ask=Ask.WHO, about=About.DECISION, case_id="EX-1"), "who.decision"),
        (Query(ask=Ask.ACT, act=Act.PAUSE), "act.pause"),
    ],
)
def test_a_label_is_what_is_asked_and_what_about(query, label):
    assert label_of(query) == label


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("Anything stuck?", "anything stuck"),
        ("over £5k since Friday?", "over {money} since {period}"),
        ("who signed EX-12 off", "who signed {case} off"),
        ("stuff for Quay Power", "stuff for {name}"),
    ],
)
def test_an_example_has_masks_for_what_differs_from_day_to_day(text, example):
    query = Query(ask=Ask.LIST, condition=Condition(text="Quay Power"))
    assert example_of(text, query, date(2026, 11, 26)) == example
