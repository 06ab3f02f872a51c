"""Fields of a condition that are dropped before an empty answer is given."""

from datetime import UTC, datetime

import pytest

from bot.ports.language import Guess
from bot.views.query import QuestionContext, Reading
from knowledge.language.reading import QuestionReading
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.test_reading import WordClassifier
from tests.knowledge.language.test_slots import SlotClassifier

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


class Guesser(WordClassifier):
    """Is not sure of any kind."""

    def kinds(self, text: str) -> list[Guess]:
        return [Guess("shipment_mismatch", 0.7), Guess("", 0.3)]


def read(question: str, classifier: WordClassifier | None = None) -> Reading:
    reader = QuestionReading(classifier or WordClassifier(), lambda: NOW)
    reading = reader.read(question, QuestionContext(person="U0ME", names=known_names()))
    assert reading is not None
    return reading


def doubts_of(reading: Reading) -> dict[str, str]:
    return {doubt.field: doubt.words for doubt in reading.doubtful}


@pytest.mark.parametrize(
    ("question", "doubts"),
    [
        ("which Cellar Direct bookings are running", {"states": "are running"}),
        ("failed bookings", {"states": "failed"}),
        ("contracts that sort by themselves", {"is_automatic": "by themselves"}),
        ("anything manually typed for Brightside Hotels", {"decision": "manually"}),
        ("bills without the wine", {"exclusion": "without the wine"}),
        ("rejected bookings waiting on Ben", {"decision": "rejected"}),
        ("rejcted enquiries", {"decision": "rejcted"}),
        ("anything from Brigtsdie", {"text": "Brigtsdie"}),
    ],
)
def test_words_with_another_meaning_are_doubtful(question: str, doubts: dict[str, str]) -> None:
    assert doubts_of(read(question)) == doubts


@pytest.mark.parametrize(
    "question",
    [
        "rejected enquiries since friday",
        "bills over 500 waiting on Ben",
        "open bills with Carla",
        "late deliveries",
        "overdue deliveries",
        "anything late?",
        "what is running right now",
        "open contracts of Brightside Hotels",
        "deliveries due today",
        "high risk bills",
        "why was EX-12 rejected",
        "who are you",
    ],
)
def test_explicit_words_are_not_doubtful(question: str) -> None:
    assert read(question).doubtful == ()


def test_what_only_slots_say_is_doubtful() -> None:
    classifier = SlotClassifier(state=[Guess("overdue", 0.95, ("blorpy",))])
    assert doubts_of(read("blorpy bills", classifier)) == {"is_overdue": "blorpy"}


def test_a_kind_that_is_only_guessed_is_doubtful() -> None:
    assert doubts_of(read("open crumpets", Guesser())) == {"kinds": "crumpets"}
    assert read("open shipments", Guesser()).doubtful == ()
