"""A linear learner over meaning, words and facts: one weight per class and feature, so that it is trained in seconds and asked in microseconds.

Measured (docs/benchmarks.md): joined features under one linear support vector machine beat each alone, and beat nearest neighbours and
trees. Training needs scikit-learn and happens outside the bot's process; asking needs numpy alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.cases.canonical import Scalar
from knowledge.memory.embedder import Vectors
from knowledge.memory.text_features import TEXT_BUCKETS, HashedFeatures, hash_facts, hash_text

Array = NDArray[np.float32]
FACT_PLACES = 2**17
MEANING_WEIGHS = 1.5
# Words are weighed by rarity and brought to length 1. Facts are not: a common fact may decide as well as a rare one, and how many
# there are is the same for every case. This makes one penalty right for both.
FACT_WEIGHS = 0.14


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """What is known of one case, and what it was: ``label`` is a kind, or what was decided."""

    text: str
    label: str
    facts: Mapping[str, Scalar]


@dataclass(frozen=True)
class LinearModel:
    """``places`` are the hashed features that training met, in order; ``weights`` has a row for each, then one for each number of the vector."""

    labels: tuple[str, ...]
    buckets: NDArray[np.int64]
    scale: Array
    weights: Array
    bias: Array

    @property
    def width(self) -> int:
        """How many numbers a vector has that it can be asked with."""
        return int(self.weights.shape[0]) - len(self.buckets)

    def scores(self, text: str, facts: Mapping[str, Scalar], vector: Vectors) -> Array:
        """One number a label; above zero leans to yes. ``vector`` is one embedded row."""
        found, values = _joined(text, facts)
        at = np.searchsorted(self.buckets, found)
        at = np.minimum(at, max(len(self.buckets) - 1, 0))
        known = self.buckets[at] == found if len(self.buckets) else np.zeros(len(found), bool)
        rows, given = at[known], values[known] * self.scale[at[known]]
        is_word = self.buckets[rows] < TEXT_BUCKETS
        length = float(np.sqrt((given[is_word] ** 2).sum())) or 1.0
        given = np.where(is_word, given / length, given)
        total = (
            self.bias
            + given @ self.weights[rows]
            + MEANING_WEIGHS * vector @ self.weights[len(self.buckets) :]
        )
        result: Array = total.astype(np.float32)
        return result

    def arrays(self, name: str) -> dict[str, Any]:
        """For a file of arrays."""
        parts = {
            "places": self.buckets,
            "scale": self.scale,
            "weights": self.weights,
            "bias": self.bias,
        }
        return {f"{name}.{part}": array for part, array in parts.items()} | {
            f"{name}.labels": np.array(self.labels)
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, Any]) -> "LinearModel":
        """Read one from a file of arrays.

        Raises:
            ValueError: the parts do not fit each other, or are no numbers: asked, it would answer nonsense.
        """
        labels = tuple(str(label) for label in arrays[f"{name}.labels"])
        places = arrays[f"{name}.places"]
        scale, weights, bias = (
            require_finite(arrays[f"{name}.{part}"]) for part in ("scale", "weights", "bias")
        )
        many, is_sorted = len(labels), places.ndim == 1 and bool((np.diff(places) > 0).all())
        if (
            not is_sorted
            or not np.issubdtype(places.dtype, np.integer)
            or scale.shape != places.shape
        ):
            raise ValueError(f"{name}: its features do not fit each other")
        if many < 2 or len(set(labels)) != many or bias.shape != (many,):
            raise ValueError(f"{name}: its classes do not fit each other")
        if weights.ndim != 2 or weights.shape[1] != many or weights.shape[0] <= len(places):
            raise ValueError(f"{name}: its weights do not fit its features and classes")
        return cls(labels, places, scale, weights, bias)


def require_finite(array: Any) -> Any:
    """Give it back, if every value in it is a number.

    Raises:
        ValueError: one is not.
    """
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError("it holds what is no number")
    return array


def train_linear_model(
    examples: Sequence[TrainingExample], vectors: Vectors, *, penalty: float
) -> LinearModel:
    """Fit one. ``penalty`` is scikit-learn's C: small for many facts and few cases, larger for plain text."""
    from scipy import sparse
    from sklearn.svm import LinearSVC

    joined = [_joined(example.text, example.facts) for example in examples]
    places, columns = np.unique(np.concatenate([found for found, _ in joined]), return_inverse=True)
    ends = np.cumsum([0, *(len(found) for found, _ in joined)])
    values = np.concatenate([given for _, given in joined])
    counted = np.bincount(columns, minlength=len(places))
    rarity = np.log((1 + len(examples)) / (1 + counted)) + 1
    scale = np.where(places < TEXT_BUCKETS, rarity, FACT_WEIGHS).astype(np.float32)
    matrix = sparse.csr_matrix(
        (values * scale[columns], columns, ends), shape=(len(examples), len(places))
    )
    words, facts = matrix[:, places < TEXT_BUCKETS], matrix[:, places >= TEXT_BUCKETS]
    length = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
    words = sparse.diags(1 / np.where(length > 0, length, 1)) @ words
    everything = sparse.hstack([words, facts, sparse.csr_matrix(vectors * MEANING_WEIGHS)]).tocsr()
    labels = np.array([example.label for example in examples])
    fitted = LinearSVC(C=penalty, tol=1e-3, random_state=0).fit(everything, labels)
    weights, bias = fitted.coef_.T, fitted.intercept_
    if len(fitted.classes_) == 2:
        # Of two classes scikit-learn keeps one row; the other is its mirror.
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    known = tuple(str(label) for label in fitted.classes_)
    return LinearModel(known, places, scale, weights.astype(np.float32), bias.astype(np.float32))


def _joined(text: str, facts: Mapping[str, Scalar]) -> HashedFeatures:
    """The features of words and facts side by side, in places of their own."""
    words, word_weights = hash_text(text)
    if not facts:
        return words, word_weights
    told, fact_weights = hash_facts(facts, FACT_PLACES)
    return np.concatenate([words, told + TEXT_BUCKETS]), np.concatenate(
        [word_weights, fact_weights]
    )
