"""Linear models for the ask and the kind of a question.

Both read a question whose names and numbers are masked. Their scores become probabilities by a
softmax whose sharpness was fitted on questions that training did not see.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bot.ports.language import Guess
from bot.views.query import Ask
from knowledge.arrays import np
from knowledge.language.question_text import normalise
from knowledge.learning.question_head import MAX_GUESSES, QuestionHead
from knowledge.learning.slot_model import SlotModel
from knowledge.library.questions import KIND_MASK

#: What follows is cut off.
MAX_CHARACTERS = 4_000
#: A question about a kind that is not out of scope asks for a list, unless it seems otherwise.
MIN_LIST_SHARE = 0.05
#: The label of questions about no kind.
NO_KIND = ""


@dataclass(frozen=True, kw_only=True)
class QuestionModel:
    """The models of questions, trained together."""

    version: str
    asks: QuestionHead
    kinds: QuestionHead
    #: How people name kinds: masked before it is asked what a question asks.
    names: tuple[str, ...]
    slots: SlotModel | None = None

    def to_arrays(self) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            **self.asks.to_arrays("questions.asks"),
            **self.kinds.to_arrays("questions.kinds"),
            **(self.slots.to_arrays("questions.slots") if self.slots else {}),
            "questions.version": np.array(self.version),
            "questions.names": np.array(self.names, np.str_),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "QuestionModel":
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        slots = None
        if "questions.slots.labels" in arrays:
            slots = SlotModel.from_arrays("questions.slots", arrays)
        return cls(
            version=str(arrays["questions.version"]),
            asks=QuestionHead.from_arrays("questions.asks", arrays),
            kinds=QuestionHead.from_arrays("questions.kinds", arrays),
            names=tuple(map(str, arrays["questions.names"])),
            slots=slots,
        )


class TrainedQuestionClassifier:
    """Classifies questions with the latest model.

    It has no guesses as long as there is none.
    """

    def __init__(
        self,
        latest_model: Callable[[], QuestionModel | None],
        kinds: Collection[str],
    ) -> None:
        self._latest_model = latest_model
        self._kinds = frozenset(kinds)

    def asks(self, text: str) -> list[Guess]:
        """Guess what is asked, the likeliest first."""
        model = self._latest_model()
        question = _bound(normalise(text))
        if model is None or not question:
            return []
        guesses = model.asks.guesses(mask_kinds(question, model.names))
        if guesses[0].label != Ask.OUT_OF_SCOPE:
            return guesses
        return _doubt_out_of_scope(guesses, model.kinds.guesses(question))

    def kinds(self, text: str) -> list[Guess]:
        """Guess the kind of cases, the likeliest first.

        The empty label is no kind at all.
        """
        model = self._latest_model()
        question = _bound(normalise(text))
        if model is None or not question:
            return []
        guesses = model.kinds.guesses(question)
        # A kind whose playbook was removed has no cases to come.
        return [guess for guess in guesses if guess.label in {NO_KIND, *self._kinds}]

    def slots(self, text: str) -> dict[str, list[Guess]]:
        """Guess the parts of the condition by their slot."""
        model = self._latest_model()
        question = _bound(normalise(text))
        if model is None or model.slots is None or not question:
            return {}
        return model.slots.guesses(mask_kinds(question, model.names))


def _doubt_out_of_scope(guesses: list[Guess], kinds: list[Guess]) -> list[Guess]:
    """Move the probability of "out of scope" to the other guesses.

    As far as the question seems to be about some kind.
    """
    no_kind = _confidence(kinds, NO_KIND)
    out_of_scope = _confidence(guesses, Ask.OUT_OF_SCOPE)
    shares = {guess.label: guess.confidence for guess in guesses}
    del shares[Ask.OUT_OF_SCOPE]
    surplus = out_of_scope * (1 - no_kind)
    weights = {Ask.LIST: MIN_LIST_SHARE} | shares
    # The other half stays doubt: a rule that knows better is to win.
    total = sum(weights.values())
    result = [
        Guess(str(label), shares.get(label, 0.0) + surplus * weight / total / 2)
        for label, weight in weights.items()
    ]
    result.append(Guess(str(Ask.OUT_OF_SCOPE), out_of_scope - surplus))
    return sorted(result, key=lambda guess: -guess.confidence)[:MAX_GUESSES]


def _confidence(guesses: list[Guess], label: str) -> float:
    return next((guess.confidence for guess in guesses if guess.label == label), 0.0)


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


def _bound(text: str) -> str:
    return text[:MAX_CHARACTERS].strip()
