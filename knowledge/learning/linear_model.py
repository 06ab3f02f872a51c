"""A linear model over text, facts and vectors: one weight for each label and feature.

Measured (docs/benchmarks.md): joined features under one linear support vector machine beat each
alone, and beat nearest neighbours and trees. Training takes seconds, needs scikit-learn and runs
outside the bot's process; scoring takes microseconds and needs numpy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.cases.canonical import Scalar
from knowledge.memory.text_features import TEXT_BUCKETS, HashedFeatures, hash_facts, hash_text
from knowledge.memory.vectors import Vectors

FACT_BUCKETS = 2**17
VECTOR_WEIGHT = 1.5
# Words are weighed by rarity and scaled to length 1. Facts are not: a common fact may decide as
# well as a rare one, and every case has the same number of them. This factor makes one penalty
# right for both.
FACT_WEIGHT = 0.14
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A case and the right answer for it: its kind, or the action that was right."""

    text: str
    label: str
    facts: Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True)
class LinearModel:
    """The weights of a trained model."""

    labels: tuple[str, ...]
    #: The feature buckets that training met, in ascending order.
    buckets: NDArray[np.int64]
    #: What the values of each bucket are multiplied by.
    scale: Floats
    #: A row for each bucket, then one for each number of a vector; a column for each label.
    weights: Floats
    #: A number for each label.
    bias: Floats

    @property
    def vector_size(self) -> int:
        """Count the numbers of a vector that this model can score."""
        return int(self.weights.shape[0]) - len(self.buckets)

    def score(self, text: str, facts: Mapping[str, Scalar], vector: Vectors) -> Floats:
        """Score each label; above zero means rather yes. ``vector`` is the embedded text."""
        rows, values = self._known_features(text, facts)
        vector_weights = self.weights[len(self.buckets) :]
        total = self.bias + values @ self.weights[rows] + VECTOR_WEIGHT * vector @ vector_weights
        scores: Floats = total.astype(np.float32)
        return scores

    def to_arrays(self, name: str) -> dict[str, Any]:
        """Return the arrays of this model for a file, under names that begin with ``name``."""
        return {
            f"{name}.places": self.buckets,
            f"{name}.scale": self.scale,
            f"{name}.weights": self.weights,
            f"{name}.bias": self.bias,
            f"{name}.labels": np.array(self.labels),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> "LinearModel":
        """Read a model from the arrays of a file.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays do not fit each other, or hold something else than numbers.
        """
        model = cls(
            labels=tuple(str(label) for label in arrays[f"{name}.labels"]),
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
        self, text: str, facts: Mapping[str, Scalar]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows of the features that training met, and their scaled values."""
        buckets, values = _hash_example(text, facts)
        if not len(self.buckets):
            return np.zeros(0, np.int64), np.zeros(0)
        positions = np.searchsorted(self.buckets, buckets)
        positions = np.minimum(positions, len(self.buckets) - 1)
        is_known = self.buckets[positions] == buckets
        rows = positions[is_known]
        scaled = values[is_known] * self.scale[rows]
        is_word = self.buckets[rows] < TEXT_BUCKETS
        length = float(np.sqrt((scaled[is_word] ** 2).sum())) or 1.0
        return rows, np.where(is_word, scaled / length, scaled)

    def _has_valid_features(self) -> bool:
        if self.buckets.ndim != 1 or not np.issubdtype(self.buckets.dtype, np.integer):
            return False
        is_ascending = bool((np.diff(self.buckets) > 0).all())
        return is_ascending and self.scale.shape == self.buckets.shape

    def _has_valid_labels(self) -> bool:
        count = len(self.labels)
        return count >= 2 and len(set(self.labels)) == count and self.bias.shape == (count,)

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
    """Return for each label how far its score is above the best of the others."""
    order = np.argsort(-scores)
    best = scores[order[0]]
    second = scores[order[1]] if len(order) > 1 else -1.0
    margins = {}
    for position, (label, score) in enumerate(zip(labels, scores, strict=True)):
        rival = second if position == order[0] else best
        margins[label] = float(score - rival)
    return margins


def train_linear_model(
    examples: Sequence[TrainingExample], vectors: Vectors, *, penalty: float
) -> LinearModel:
    """Fit a linear support vector machine. ``vectors`` has a row for each example.

    ``penalty`` is scikit-learn's C: small for many facts and few cases, larger for plain text.
    """
    from sklearn.svm import LinearSVC

    features = _collect_features(examples)
    scale = _feature_scale(features)
    labels = np.array([example.label for example in examples])
    fitted = LinearSVC(C=penalty, tol=1e-3, random_state=0)
    fitted.fit(_design_matrix(features, scale, vectors), labels)
    weights = fitted.coef_.T
    bias = fitted.intercept_
    if len(fitted.classes_) == 2:
        # Of two classes scikit-learn returns one row; the other is its negative.
        weights = np.hstack([-weights, weights])
        bias = np.concatenate([-bias, bias])
    return LinearModel(
        labels=tuple(str(label) for label in fitted.classes_),
        buckets=features.buckets,
        scale=scale,
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
    )


class _FeatureTable(NamedTuple):
    """The hashed features of all examples, in the layout of a sparse matrix (CSR)."""

    #: Every bucket that occurs, in ascending order: the columns of the matrix.
    buckets: NDArray[np.int64]
    #: The column of each value.
    columns: NDArray[np.int64]
    #: Where the values of each example begin, and where the last ones end.
    row_bounds: NDArray[np.int64]
    values: NDArray[np.float64]


def _collect_features(examples: Sequence[TrainingExample]) -> _FeatureTable:
    hashed = [_hash_example(example.text, example.facts) for example in examples]
    all_buckets = np.concatenate([buckets for buckets, _ in hashed])
    buckets, columns = np.unique(all_buckets, return_inverse=True)
    return _FeatureTable(
        buckets=buckets,
        columns=columns,
        row_bounds=np.cumsum([0, *(len(row) for row, _ in hashed)]),
        values=np.concatenate([values for _, values in hashed]),
    )


def _feature_scale(features: _FeatureTable) -> Floats:
    """Scale words by their rarity (inverse document frequency) and facts by a constant."""
    example_count = len(features.row_bounds) - 1
    occurrences = np.bincount(features.columns, minlength=len(features.buckets))
    rarity = np.log((1 + example_count) / (1 + occurrences)) + 1
    is_word = features.buckets < TEXT_BUCKETS
    return np.where(is_word, rarity, FACT_WEIGHT).astype(np.float32)


def _design_matrix(features: _FeatureTable, scale: Floats, vectors: Vectors) -> Any:
    """Build the sparse matrix of words scaled to length 1, facts and vectors, side by side."""
    from scipy import sparse

    values = features.values * scale[features.columns]
    shape = (len(features.row_bounds) - 1, len(features.buckets))
    hashed = sparse.csr_matrix((values, features.columns, features.row_bounds), shape=shape)
    is_word = features.buckets < TEXT_BUCKETS
    words = hashed[:, is_word]
    facts = hashed[:, ~is_word]
    length = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
    words = sparse.diags(1 / np.where(length > 0, length, 1)) @ words
    weighted_vectors = sparse.csr_matrix(vectors * VECTOR_WEIGHT)
    return sparse.hstack([words, facts, weighted_vectors]).tocsr()


def _hash_example(text: str, facts: Mapping[str, Scalar]) -> HashedFeatures:
    """Hash a text and its facts into separate ranges of buckets."""
    text_buckets, text_values = hash_text(text)
    if not facts:
        return text_buckets, text_values
    fact_buckets, fact_values = hash_facts(facts, FACT_BUCKETS)
    buckets = np.concatenate([text_buckets, fact_buckets + TEXT_BUCKETS])
    return buckets, np.concatenate([text_values, fact_values])
