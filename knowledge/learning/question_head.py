"""A linear model of questions, with probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.ports.language import Guess
from knowledge.arrays import np
from knowledge.learning.linear_model import Floats, require_finite
from knowledge.learning.question_features import PART_COUNT, hash_question, part_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_GUESSES = 5


@dataclass(frozen=True, kw_only=True)
class QuestionHead:
    """The weights of one model, and its calibration."""

    labels: tuple[str, ...]
    #: The feature buckets that training met, in ascending order.
    buckets: NDArray[np.int64]
    #: The factor for the values of each bucket.
    scale: Floats
    #: A row for each bucket, a column for each label.
    weights: Floats
    #: A number for each label.
    bias: Floats
    #: The factor of the scores in the softmax.
    sharpness: float

    def guesses(self, text: str) -> list[Guess]:
        """List the likeliest labels of a normalised question."""
        probabilities = softmax(self.score(text)[None, :], self.sharpness)[0]
        order = np.argsort(-probabilities)[:MAX_GUESSES]
        return [Guess(self.labels[place], float(probabilities[place])) for place in order]

    def score(self, text: str) -> Floats:
        """Score each label; above zero means rather yes."""
        buckets, values = hash_question(text)
        positions = np.searchsorted(self.buckets, buckets)
        positions = np.minimum(positions, len(self.buckets) - 1)
        is_known = self.buckets[positions] == buckets
        rows = positions[is_known]
        values = scale_parts(self.buckets[rows], values[is_known] * self.scale[rows])
        scores: Floats = (self.bias + values @ self.weights[rows]).astype(np.float32)
        return scores

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this model for a file."""
        return {
            f"{name}.labels": np.array(self.labels, np.str_),
            f"{name}.buckets": self.buckets,
            f"{name}.scale": self.scale,
            f"{name}.weights": self.weights,
            f"{name}.bias": self.bias,
            f"{name}.sharpness": np.array(self.sharpness),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> QuestionHead:
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        head = cls(
            labels=tuple(map(str, arrays[f"{name}.labels"])),
            buckets=arrays[f"{name}.buckets"],
            scale=require_finite(arrays[f"{name}.scale"]),
            weights=require_finite(arrays[f"{name}.weights"]),
            bias=require_finite(arrays[f"{name}.bias"]),
            sharpness=float(require_finite(arrays[f"{name}.sharpness"])),
        )
        if not (head._has_valid_buckets() and head._has_valid_shapes()):
            raise ValueError(f"{name}: its arrays do not fit each other")
        return head

    def _has_valid_buckets(self) -> bool:
        if self.buckets.ndim != 1 or not np.issubdtype(self.buckets.dtype, np.integer):
            return False
        return len(self.buckets) > 0 and bool((np.diff(self.buckets) > 0).all())

    def _has_valid_shapes(self) -> bool:
        count = len(self.labels)
        return (
            count >= 2
            and len(set(self.labels)) == count
            and self.scale.shape == self.buckets.shape
            and self.weights.shape == (len(self.buckets), count)
            and self.bias.shape == (count,)
        )


def scale_parts(buckets: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each part of the features of one question to length 1."""
    parts = part_of(buckets)
    squares = np.bincount(parts, weights=values**2, minlength=PART_COUNT)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    result: NDArray[np.float64] = values / lengths[parts]
    return result


def softmax(scores: Floats, sharpness: float) -> NDArray[np.float64]:
    """Return the probabilities of each row of scores."""
    exponents = sharpness * scores.astype(np.float64)
    exponents -= exponents.max(axis=1, keepdims=True)
    odds = np.exp(exponents)
    probabilities: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return probabilities
