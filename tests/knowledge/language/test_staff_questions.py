"""Questions in the many words that staff have for one thing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ports.language import Guess
from bot.views.query import QuestionContext
from knowledge.language.reading import QuestionReading
from tests.knowledge.language.question_company import known_names
from tests.knowledge.language.question_descriptions import describe_reading
from tests.knowledge.language.test_reading import WordClassifier

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
#: A question a line, and how it is read.
QUESTIONS = Path(__file__).with_name("staff_questions.txt").read_text().splitlines()


class Stranger:
    """Takes everything for something else."""

    def asks(self, text: str) -> list[Guess]:
        return [Guess("out_of_scope", 0.9)]

    def kinds(self, text: str) -> list[Guess]:
        return [Guess("", 0.9)]

    def slots(self, text: str) -> dict[str, list[Guess]]:
        return {}


@pytest.fixture(scope="module")
def reader() -> QuestionReading:
    return QuestionReading(WordClassifier(), lambda: NOW)


@pytest.mark.parametrize("line", QUESTIONS)
def test_the_words_of_staff_are_read(reader: QuestionReading, line: str) -> None:
    question, _, expected = line.partition(" => ")
    context = QuestionContext(person="U0ME", names=known_names())
    assert describe_reading(reader.read(question, context)) == expected


@pytest.mark.parametrize("question", ["blorp the frim", "zzyx grumf"])
def test_what_nobody_can_read_is_not_out_of_scope(question: str) -> None:
    context = QuestionContext(person="U0ME", names=known_names())
    assert QuestionReading(Stranger(), lambda: NOW).read(question, context) is None
