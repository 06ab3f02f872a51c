"""Linear model that says yes or no to each part of conditions.

A question may have many parts at once. So each label has its own probability, fitted on questions
that training did not see.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.ports.language import Guess
from knowledge.arrays import np
from knowledge.learning.linear_model import Floats, require_finite
from knowledge.learning.question_head import QuestionHead

#: A label this likely holds. With blocks of six neighbouring examples kept aside in turn, 96 in 100
#: such labels were right, and 69 in 100 of all labels were found; from 0.95 on 97 and 61.
SURE_CONFIDENCE = 0.9
#: Less likely labels are not worth a guess.
MIN_CONFIDENCE = 0.2
#: A word without which a label scores so much less speaks for it.
MIN_SUPPORT = 0.15
#: Only so many words of a question are weighed one by one.
MAX_WEIGHED_WORDS = 40


@dataclass(frozen=True, kw_only=True)
class SlotModel:
    """The weights for all labels, and how sure each score is."""

    head: QuestionHead
    #: The logistic curve of each label: probability = 1 / (1 + exp(-(slope * score + offset))).
    slopes: Floats
    offsets: Floats

    def guesses(self, text: str) -> dict[str, list[Guess]]:
        """List the likely labels of a normalised question by slot.

        The empty label stands between those that hold and those that are doubtful.
        """
        scores = self.head.score(text)
        exponents = self.slopes * scores + self.offsets
        probabilities = 1 / (1 + np.exp(-exponents.astype(np.float64)))
        holds = probabilities >= SURE_CONFIDENCE
        support = self._weigh_words(text, scores) if holds.any() else []
        guesses: dict[str, list[Guess]] = {}
        for place in np.argsort(-probabilities).tolist():
            probability = float(probabilities[place])
            if probability < MIN_CONFIDENCE:
                break
            slot, _, value = self.head.labels[place].partition(".")
            of_slot = guesses.setdefault(slot, [])
            if not holds[place] and all(guess.label for guess in of_slot):
                of_slot.append(Guess("", 1 - probability))
            words: tuple[str, ...] = ()
            if holds[place]:
                words = tuple(word for word, loss in support if loss[place] >= MIN_SUPPORT)
            of_slot.append(Guess(value, probability, words))
        return guesses

    def _weigh_words(self, text: str, scores: Floats) -> list[tuple[str, Floats]]:
        """Return each word with what every label scores less without it."""
        words = text.split()
        support = []
        for place, word in enumerate(words[:MAX_WEIGHED_WORDS]):
            rest = " ".join(words[:place] + words[place + 1 :])
            support.append((word, scores - self.head.score(rest)))
        return support

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            **self.head.to_arrays(name),
            f"{name}.slopes": self.slopes,
            f"{name}.offsets": self.offsets,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> "SlotModel":
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        model = cls(
            head=QuestionHead.from_arrays(name, arrays),
            slopes=require_finite(arrays[f"{name}.slopes"]),
            offsets=require_finite(arrays[f"{name}.offsets"]),
        )
        shape = (len(model.head.labels),)
        if not model.slopes.shape == model.offsets.shape == shape:
            raise ValueError(f"{name}: its arrays do not fit each other")
        return model
