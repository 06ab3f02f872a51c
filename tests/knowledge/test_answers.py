"""The grammar of questions: what people ask, in their words, and what it is taken to mean; what is not understood is None."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.hours import Hours
from bot.views.questions import Intent, Question, StatusFilter
from knowledge.answers import QuestionGrammar
from knowledge.library import load

GRAMMAR = QuestionGrammar(dict(load().titles()))
LONDON = Hours("Europe/London", time(9), time(18))
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def meant(text, case_id=""):
    return GRAMMAR.understand(text, NOW, LONDON, case_id)


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
    assert meant(text) == question


def test_in_the_thread_of_a_case_it_is_about_that_case():
    assert meant("why didn't you just do it?", "EX-9") == Question(
        Intent.WHY_ASKED, StatusFilter.ANY, case_id="EX-9"
    )
    assert meant("who decided this, and why?", "EX-9") == Question(
        Intent.WHY, StatusFilter.ANY, case_id="EX-9"
    )
    assert meant("why was EX-3 rejected?", "EX-9").case_id == "EX-3"
    assert meant("what else is open?", "EX-9").intent is Intent.LIST
    assert meant("why didn't you just do it?") is None


def london(*at):
    return datetime(*at, tzinfo=ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("text", "since", "until", "name"),
    [
        ("how many today", london(2026, 11, 21), london(2026, 11, 22), "today"),
        ("how many yesterday", london(2026, 11, 20), london(2026, 11, 21), "yesterday"),
        ("how many this week", london(2026, 11, 16), london(2026, 11, 23), "this week"),
        ("how many last week", london(2026, 11, 9), london(2026, 11, 16), "last week"),
        ("how many last month", london(2026, 10, 1), london(2026, 11, 1), "last month"),
        ("how many since monday", london(2026, 11, 16), london(2026, 11, 22), "since monday"),
    ],
)
def test_times_are_those_of_the_clock_on_the_wall(text, since, until, name):
    span = meant(text).span
    assert (span.since, span.until, span.name) == (since, until, name)


def test_a_month_with_a_clock_change_begins_and_ends_at_midnight_on_the_wall():
    march = GRAMMAR.understand(
        "how many last month", datetime(2026, 4, 10, tzinfo=UTC), LONDON
    ).span
    assert (march.until - march.since).total_seconds() == (31 * 24 - 1) * 3600


def test_how_many_of_a_kind_and_how_long():
    question = meant("How many stock exceptions last week, and how long did they take?")
    assert (question.intent, question.kind, question.words, question.how_long) == (
        Intent.COUNT,
        "low_stock",
        (),
        True,
    )
    assert question.span.name == "last week"
    assert (
        question.describe("Running low")
        == "how many cases, of “Running low”, last week, and how long they took"
    )


@pytest.mark.parametrize(
    "text", ["", "   ", "the quick brown fox", "asdf qwer", "pineapple", "?" * 400]
)
def test_what_is_not_understood_is_none(text):
    assert meant(text) is None


@given(st.text(max_size=600))
def test_anything_at_all_is_understood_or_not_and_never_fails(text):
    question = meant(text)
    assert question is None or question.describe()
