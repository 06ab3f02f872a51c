"""A linear model over text, facts and vectors.

Measured (docs/benchmarks.md): joined features under one linear support vector machine beat each
alone, and beat nearest neighbours and trees. Scoring takes microseconds and needs numpy alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from bot.cases.canonical import ScalarMapping
from knowledge.arrays import np
from knowledge.memory.text_features import TEXT_BUCKETS, HashedFeatures, hash_facts, hash_text
from knowledge.memory.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACT_BUCKETS = 2**17
VECTOR_WEIGHT = 1.5
Floats: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A case, and the right answer: its kind or its action."""

    text: str
    label: str
    facts: ScalarMapping


@dataclass(frozen=True, kw_only=True)
class LinearModel:
    """The weights of a trained model."""

    labels: tuple[str, ...]
    #: The feature buckets that training met, in ascending order.
    buckets: NDArray[np.int64]
    #: The factor for the values of each bucket.
    scale: Floats
    #: A row for each bucket, then one for each number of a vector; a column for each label.
    weights: Floats
    #: A number for each label.
    bias: Floats

    @property
    def vector_size(self) -> int:
        """Count the numbers of a vector that this model can score."""
        return int(self.weights.shape[0]) - len(self.buckets)

    def score(
        self,
        text: str,
        facts: ScalarMapping,
        vector: Vectors,
    ) -> Floats:
        """Score each label; above zero means rather yes.

        ``vector`` is the embedded text.
        """
        rows, values = self._known_features(text, facts)
        total = self.bias + values @ self.weights[rows]
        vector_weights = self.weights[len(self.buckets) :]
        total = total + VECTOR_WEIGHT * vector @ vector_weights
        scores: Floats = total.astype(np.float32)
        return scores

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this model for a file.

        Their names begin with ``name``.
        """
        return {
            f"{name}.places": self.buckets,
            f"{name}.scale": self.scale,
            f"{name}.weights": self.weights,
            f"{name}.bias": self.bias,
            f"{name}.labels": np.array(self.labels),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> LinearModel:
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        model = cls(
            labels=tuple(map(str, arrays[f"{name}.labels"])),
            buckets=arrays[f"{name}.places"],
            scale=require_finite(arrays[f"{name}.scale"]),
            weights=require_finite(arrays[f"{name}.weights"]),
            bias=require_finite(arrays[f"{name}.bias"]),
        )
        # A model with parts that do not fit would not fail: it would answer nonsense.
        if not model._has_valid_features():
            raise ValueError(f"{name}: its features do not fit each other")
        if not model._has_valid_labels():
            raise ValueError(f"{name}: its classes do not fit each other")
        if not model._has_valid_weights():
            raise ValueError(f"{name}: its weights do not fit its features and classes")
        return model

    def _known_features(
        self,
        text: str,
        facts: ScalarMapping,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows of the features that training met, and their values."""
        buckets, values = hash_example(text, facts)
        if not len(self.buckets):
            return np.zeros(0, np.int64), np.zeros(0)
        positions = np.searchsorted(self.buckets, buckets)
        positions = np.minimum(positions, len(self.buckets) - 1)
        is_known = self.buckets[positions] == buckets
        rows = positions[is_known]
        values = values[is_known] * self.scale[rows]
        is_word = self.buckets[rows] < TEXT_BUCKETS
        length = float(np.sqrt((values[is_word] ** 2).sum())) or 1.0
        return rows, np.where(is_word, values / length, values)

    def _has_valid_features(self) -> bool:
        if self.buckets.ndim != 1 or not np.issubdtype(self.buckets.dtype, np.integer):
            return False
        is_ascending = bool((np.diff(self.buckets) > 0).all())
        return is_ascending and self.scale.shape == self.buckets.shape

    def _has_valid_labels(self) -> bool:
        count = len(self.labels)
        is_unique = len(set(self.labels)) == count
        return count >= 2 and is_unique and self.bias.shape == (count,)

    def _has_valid_weights(self) -> bool:
        if self.weights.ndim != 2:
            return False
        row_count, column_count = self.weights.shape
        return bool(column_count == len(self.labels) and row_count > len(self.buckets))


def require_finite(array: Any) -> Any:
    """Return the array if every value in it is a finite number.

    Raises:
        ValueError: one is not.
    """
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError("it holds what is no number")
    return array


def score_margins(labels: Sequence[str], scores: Floats) -> dict[str, float]:
    """Return how far each label is ahead of the best other one."""
    order = np.argsort(-scores)
    best = scores[order[0]]
    second = scores[order[1]] if len(order) > 1 else -1.0
    margins = {}
    for position, (label, score) in enumerate(zip(labels, scores, strict=True)):
        rival = second if position == order[0] else best
        margins[label] = float(score - rival)
    return margins


def list_texts(examples: Iterable[TrainingExample]) -> list[str]:
    """List the texts of these examples."""
    return [example.text for example in examples]


def list_labels(examples: Iterable[TrainingExample]) -> list[str]:
    """List the labels of these examples."""
    return [example.label for example in examples]


def hash_example(text: str, facts: ScalarMapping) -> HashedFeatures:
    """Hash a text and its facts into separate ranges of buckets."""
    text_buckets, text_values = hash_text(text)
    if not facts:
        return text_buckets, text_values
    fact_buckets, fact_values = hash_facts(facts, FACT_BUCKETS)
    buckets = np.concatenate([text_buckets, fact_buckets + TEXT_BUCKETS])
    return buckets, np.concatenate([text_values, fact_values])
