"""Conditions completed by learned slots."""

from datetime import UTC, datetime

import pytest

from bot.ports.language import Guess
from bot.views.query import ME, Condition, Grouping, LastDecision, Order, Query, QuestionContext
from knowledge.language.reading import QuestionReading
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.test_reading import WordClassifier

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


class SlotClassifier(WordClassifier):
    """Guesses a list, and these slots."""

    def __init__(self, **slots: list[Guess]) -> None:
        self._slots = slots

    def asks(self, text: str) -> list[Guess]:
        return [Guess("list", 0.95)]

    def slots(self, text: str) -> dict[str, list[Guess]]:
        return self._slots


def sure(label: str, *words: str) -> list[Guess]:
    """Return a guess that holds."""
    return [Guess(label, 0.95, words)]


def doubtful(label: str) -> list[Guess]:
    """Return a guess that does not hold."""
    return [Guess("", 0.4), Guess(label, 0.6)]


def read(question: str, **slots: list[Guess]):
    """Read a question with these slots."""
    reader = QuestionReading(SlotClassifier(**slots), lambda: NOW)
    context = QuestionContext(person="U0ME", names=known_names())
    reading = reader.read(question, context)
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    ("question", "slots", "fields"),
    [
        ("blorp for us", {"me": sure("waits_on")}, {"waits_on": ME}),
        ("what does Carla blorp", {"role": sure("waits_on")}, {"waits_on": "U0CARLA"}),
        (
            "blorped by Carla",
            {"role": sure("raised_by")},
            {"raised_by": "U0CARLA", "is_open": None},
        ),
        ("blorpy ones", {"state": sure("overdue")}, {"is_overdue": True}),
        (
            "blorpy ones yesterday",
            {"state": sure("automatic")},
            {"is_automatic": True, "is_open": None},
        ),
        (
            "blorped ones",
            {"state": sure("rejected")},
            {"decision": LastDecision.REJECTED, "is_open": None},
        ),
    ],
)
def test_a_sure_slot_fills_what_no_table_found(question, slots, fields) -> None:
    condition = read(question, **slots).query.condition
    for name, value in ({"is_open": True} | fields).items():
        assert getattr(condition, name) == value


def test_a_doubtful_slot_fills_nothing() -> None:
    reading = read("blorpy ones", state=doubtful("overdue"), me=doubtful("waits_on"))
    assert reading.query.condition == Condition(is_open=True)


def test_order_and_grouping_are_filled() -> None:
    query = read("the top 3 blorpiest ones", order=sure("largest")).query
    assert (query.order, query.limit) == (Order.LARGEST, 3)
    assert read("blorp the cases", grouping=sure("team")).query.grouping is Grouping.TEAM


def test_a_period_is_of_what_the_slots_say() -> None:
    condition = read("blorpy ones yesterday", state=sure("automatic")).query.condition
    assert condition.ended is not None
    assert condition.opened is None


def test_words_of_a_sure_slot_are_not_left_aside() -> None:
    assert read("cases that are blorpy").left_aside == ("blorpy",)
    assert not read("cases that are blorpy", state=sure("overdue", "blorpy")).left_aside


def test_tables_of_words_stay_where_no_slot_contradicts_them() -> None:
    reading = read("late ones", state=doubtful("overdue"), order=sure("oldest"))
    assert reading.query.condition.is_overdue
    assert not reading.alternatives


def test_both_readings_are_offered_where_a_slot_contradicts_the_tables() -> None:
    reading = read("which did Carla approve", role=sure("waits_on"), me=doubtful("owner"))
    assert reading.query == Query(
        ask=reading.query.ask, condition=Condition(is_open=True, waits_on="U0CARLA")
    )
    (other,) = reading.alternatives
    assert other.condition.decided_by == "U0CARLA"


def test_what_waits_on_somebody_was_not_decided() -> None:
    reading = read("anything for me to blorp", me=sure("waits_on"), state=sure("approved"))
    assert reading.query.condition == Condition(is_open=True, waits_on=ME)


def test_a_named_case_needs_no_filter() -> None:
    reading = read("list EX-12", me=sure("waits_on"))
    assert reading.query.case_id == "EX-12"
    assert reading.query.condition == Condition()
