"""A reader that is loaded with the first question."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from bot.lazy_module import LazyModule
from bot.ports.language import QuestionClassifier
from bot.views.query import QuestionContext, Reading

if TYPE_CHECKING:
    from knowledge.language import reading
else:
    # Its many patterns take a third of a second, and a desk that only looks at cases reads no
    # question.
    reading = LazyModule("knowledge.language.reading")


class DeferredQuestionReading:
    """The reader without a chat model, made for the first question."""

    def __init__(self, classifier: QuestionClassifier, clock: Callable[[], datetime]) -> None:
        self._classifier = classifier
        self._clock = clock

    def read(self, text: str, context: QuestionContext) -> Reading | None:
        """Return the query; None when nothing in the words can be understood."""
        return self._reading.read(text, context)

    @cached_property
    def _reading(self) -> "reading.QuestionReading":
        return reading.QuestionReading(self._classifier, self._clock)
