"""The share of the development set that is read exactly as it is meant.

A stub stands in for the classifier: it knows what is asked and the kind. So this measures names,
conditions, orders and follow-ups.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.ports.language import Guess
from bot.views.query import Ask, Query, QuestionContext, Turn
from knowledge.language.reading import QuestionReading
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.question_set import DEV_SET, DevQuestion, label_of, load_questions

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
MIN_SHARE = 0.97
MIN_SHARE_OF_CATEGORY = 0.85
#: The words that give the kind away alone.
KIND_WORDS = frozenset("wine bills invoices orders leads contracts stock".split())  # noqa: SIM905

pytestmark = pytest.mark.skipif(not DEV_SET.exists(), reason="no development set beside us")


class Oracle:
    """Knows what is asked, and about which kind."""

    def __init__(self) -> None:
        self.label = ""
        self.kind = ""

    def asks(self, text: str) -> list[Guess]:
        return [Guess(self.label, 0.95)] if self.label else []

    def kinds(self, text: str) -> list[Guess]:
        is_clear = len(text.split()) > 1 or text in KIND_WORDS
        return [Guess(self.kind, 0.95)] if self.kind and is_clear else []

    def slots(self, text: str) -> dict[str, list[Guess]]:
        return {}


def test_the_development_set_is_read_as_it_is_meant() -> None:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for question in load_questions():
        total[question.category] += 1
        right[question.category] += _is_right(question)
    shares = {name: f"{right[name]}/{total[name]}" for name in total}
    assert right.total() >= MIN_SHARE * total.total(), shares
    for name, count in total.items():
        assert right[name] >= MIN_SHARE_OF_CATEGORY * count, shares


def _is_right(question: DevQuestion) -> bool:
    oracle = Oracle()
    reader = QuestionReading(oracle, lambda: NOW)
    names = known_names()
    previous = None
    for text in question.before:
        context = QuestionContext(
            person="U0ME", case_id=question.thread, previous=previous, names=names
        )
        reading = reader.read(text, context)
        assert reading is not None, text
        previous = Turn(query=reading.query, case_ids=_shown(reading.query))
    if previous is None:
        # A follow-up is read by rules: its few words are not what a classifier learns.
        oracle.label = label_of(question.query)
    condition = question.query.condition
    kinds = condition.kinds or (condition.exclusion.kinds if condition.exclusion else ())
    oracle.kind = kinds[0] if kinds else ""
    context = QuestionContext(
        person="U0ME", case_id=question.thread, previous=previous, names=names
    )
    reading = reader.read(question.text, context)
    return reading is not None and _is_same(reading.query, question)


def _is_same(query: Query, question: DevQuestion) -> bool:
    meaning = question.query
    if question.is_about_that and query.case_id == "EX-7":
        return (query.ask, query.about) == (meaning.ask, meaning.about)
    if meaning.limit is None and meaning.order is not None and query.limit == 1:
        # "Which single one should I look at first": one of them is enough.
        query = replace(query, limit=None)
    return _comparable(query) == _comparable(meaning)


def _comparable(query: Query) -> Query:
    condition = replace(query.condition, text=query.condition.text.casefold())
    about = None if query.ask is Ask.COUNT else query.about
    return replace(query, condition=condition, other_case_ids=(), words="", about=about)


def _shown(query: Query) -> tuple[str, ...]:
    if query.case_id:
        return (query.case_id,)
    return ("EX-7",) if query.limit == 1 else ("EX-7", "EX-8")
