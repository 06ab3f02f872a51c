"""Questions as people ask them, and what each of them means."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.hours import Hours
from bot.views.questions import Intent, Question, StatusFilter
from knowledge.language.question_parser import PatternParser
from knowledge.library import load

PARSER = PatternParser(dict(load().titles()))
LONDON = Hours(zone="Europe/London", opens=time(9), closes=time(18))
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def parse(text, case_id=""):
    return PARSER.understand(text, NOW, LONDON, case_id=case_id)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("What is open?", Question(Intent.LIST)),
        ("what's open", Question(Intent.LIST)),
        ("show me everything", Question(Intent.LIST)),
        ("Any open exceptions?", Question(Intent.LIST)),
        ("what waits on me?", Question(Intent.MINE)),
        ("is anything waiting for me", Question(Intent.MINE)),
        ("my queue please", Question(Intent.MINE)),
        ("what should I do next", Question(Intent.MINE)),
        ("anything late?", Question(Intent.LIST, StatusFilter.LATE)),
        (
            "anything late for Marlow & Sons?",
            Question(Intent.LIST, StatusFilter.LATE, words=("marlow", "son")),
        ),
        ("Anything about Table 9 tonight?", Question(Intent.LIST, words=("table", "9"))),
        (
            "which shipments are overdue",
            Question(Intent.LIST, StatusFilter.LATE, kind="shipment_mismatch"),
        ),
        ("open invoices", Question(Intent.LIST, kind="invoice_no_order")),
        (
            "why was EX-12 rejected, and by whom?",
            Question(Intent.WHY, StatusFilter.ANY, case_id="EX-12"),
        ),
        ("who approved ex 7", Question(Intent.WHY, StatusFilter.ANY, case_id="EX-7")),
        ("EX-12?", Question(Intent.SHOW, StatusFilter.ANY, case_id="EX-12")),
        ("what is the status of EX-0012", Question(Intent.SHOW, StatusFilter.ANY, case_id="EX-12")),
        (
            "why didn't you just do it? EX-5",
            Question(Intent.WHY_ASKED, StatusFilter.ANY, case_id="EX-5"),
        ),
        ("what is paused?", Question(Intent.PAUSED)),
        ("what did you handle without me", Question(Intent.HANDLED)),
        ("help", Question(Intent.HELP)),
        ("How many open cases?", Question(Intent.COUNT, StatusFilter.OPEN)),
        ("how many were rejected", Question(Intent.COUNT, StatusFilter.REJECTED)),
        ("what could you not recognise", Question(Intent.LIST, StatusFilter.UNRECOGNISED)),
    ],
)
def test_what_people_ask(text, question):
    assert parse(text) == question


def test_in_the_thread_of_a_case_it_is_about_that_case():
    why_asked = Question(Intent.WHY_ASKED, StatusFilter.ANY, case_id="EX-9")
    assert parse("why didn't you just do it?", "EX-9") == why_asked
    why = Question(Intent.WHY, StatusFilter.ANY, case_id="EX-9")
    assert parse("who decided this, and why?", "EX-9") == why
    assert parse("why was EX-3 rejected?", "EX-9").case_id == "EX-3"
    assert parse("what else is open?", "EX-9").intent is Intent.LIST
    assert parse("why didn't you just do it?") is None


def test_how_many_of_a_kind_and_how_long():
    question = parse("How many stock exceptions last week, and how long did they take?")
    assert (question.intent, question.kind, question.words) == (Intent.COUNT, "low_stock", ())
    assert question.how_long
    assert question.span.name == "last week"
    in_words = "how many cases, of “Running low”, last week, and how long they took"
    assert question.describe("Running low") == in_words


@pytest.mark.parametrize(
    "text", ["", "   ", "the quick brown fox", "asdf qwer", "pineapple", "?" * 400]
)
def test_what_is_not_understood_is_none(text):
    assert parse(text) is None


@given(st.text(max_size=600))
def test_any_text_is_understood_or_not_and_never_fails(text):
    question = parse(text)
    assert question is None or question.describe()
