"""What a question asks for, and the kind that it is about: two linear models.

Both read a question whose names and numbers are masked. Their scores become probabilities by a
softmax whose sharpness was fitted on questions that training did not see.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.ports.language import Guess
from knowledge.language.question_text import normalise
from knowledge.learning.linear_model import Floats, LinearModel, require_finite
from knowledge.library.questions import KIND_MASK
from knowledge.memory.embedder import Embedder
from knowledge.memory.vectors import MAX_TEXT_CHARACTERS, Vectors

MAX_GUESSES = 5
#: The label of questions about no kind.
NO_KIND = ""
#: An embedder knows words, not masks: an example of what each stands for.
MASK_WORDS = {
    "{case}": "EX-12",
    "{person}": "Sam",
    "{group}": "the finance team",
    "{channel}": "#general",
    "{name}": "Acme",
    "{money}": "£500",
    "{period}": "last week",
    KIND_MASK: "invoices",
}
_MASK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class QuestionHead:
    """One linear model with its calibration."""

    linear_model: LinearModel
    #: The factor of the scores in the softmax.
    sharpness: float

    def guesses(self, text: str, vector: Vectors) -> list[Guess]:
        """List the likeliest labels of a normalised question."""
        scores = self.linear_model.score(mark_masks(text), {}, vector)
        probabilities = softmax(scores[None, :], self.sharpness)[0]
        order = np.argsort(-probabilities)[:MAX_GUESSES]
        labels = self.linear_model.labels
        return [Guess(labels[place], float(probabilities[place])) for place in order]

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            **self.linear_model.to_arrays(name),
            f"{name}.sharpness": np.array(self.sharpness),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> "QuestionHead":
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        return cls(
            linear_model=LinearModel.from_arrays(name, arrays),
            sharpness=float(require_finite(arrays[f"{name}.sharpness"])),
        )


@dataclass(frozen=True, kw_only=True)
class QuestionModel:
    """The models of questions, trained together."""

    version: str
    #: The identity of the embedder.
    embedder: str
    asks: QuestionHead
    kinds: QuestionHead
    #: How people name kinds: masked before it is asked what a question asks.
    names: tuple[str, ...]

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            **self.asks.to_arrays("questions.asks"),
            **self.kinds.to_arrays("questions.kinds"),
            "questions.version": np.array(self.version),
            "questions.embedder": np.array(self.embedder),
            "questions.names": np.array(self.names, np.str_),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "QuestionModel":
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        return cls(
            version=str(arrays["questions.version"]),
            embedder=str(arrays["questions.embedder"]),
            asks=QuestionHead.from_arrays("questions.asks", arrays),
            kinds=QuestionHead.from_arrays("questions.kinds", arrays),
            names=tuple(map(str, arrays["questions.names"])),
        )


class TrainedQuestionClassifier:
    """Classifies questions with the latest model.

    It has no guesses as long as there is none.
    """

    def __init__(
        self,
        latest_model: Callable[[], QuestionModel | None],
        embedder: Embedder,
        kinds: Collection[str],
    ) -> None:
        self._latest_model = latest_model
        self._embedder = embedder
        self._kinds = frozenset(kinds)

    def asks(self, text: str) -> list[Guess]:
        """Guess what is asked, the likeliest first."""
        model = self._model()
        question = _bound(normalise(text))
        if model is None or not question:
            return []
        return self._guess(model.asks, mask_kinds(question, model.names))

    def kinds(self, text: str) -> list[Guess]:
        """Guess the kind of cases, the likeliest first; the empty label is no kind at all."""
        model = self._model()
        question = _bound(normalise(text))
        if model is None or not question:
            return []
        guesses = self._guess(model.kinds, question)
        # A kind whose playbook was removed has no cases to come.
        return [guess for guess in guesses if guess.label in {NO_KIND, *self._kinds}]

    def _model(self) -> QuestionModel | None:
        model = self._latest_model()
        if model is None or model.embedder != self._embedder.identity:
            return None
        return model

    def _guess(self, head: QuestionHead, question: str) -> list[Guess]:
        vector = self._embedder.embed([spell_masks(question)])[0]
        if len(vector) != head.linear_model.vector_size:
            return []
        return head.guesses(question, vector)


def softmax(scores: Floats, sharpness: float) -> NDArray[np.float64]:
    """Return the probabilities of each row of scores."""
    exponents = sharpness * scores.astype(np.float64)
    exponents -= exponents.max(axis=1, keepdims=True)
    odds = np.exp(exponents)
    probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def mark_masks(text: str) -> str:
    """Turn masks into words that nobody types."""
    return _MASK.sub(r"z\1z", text)


def spell_masks(text: str) -> str:
    """Replace each mask by an example of what it stands for."""
    return _MASK.sub(_mask_words, text)


def mask_kinds(text: str, names: Sequence[str]) -> str:
    """Replace the names of kinds in a normalised question by their mask."""
    pattern = _pattern(tuple(names))
    return pattern.sub(KIND_MASK, text) if pattern else text


@lru_cache(maxsize=4)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    if not names:
        return None
    # The longer first: "unpaid invoices" before "invoices".
    phrases = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<![^ ])(?:the )?(?:{phrases})(?![^ ])")


def _mask_words(match: re.Match[str]) -> str:
    return MASK_WORDS.get(match[0], match[0])


def _bound(text: str) -> str:
    return text[:MAX_TEXT_CHARACTERS].strip()
