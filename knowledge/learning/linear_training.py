"""Training of linear models, within seconds.

Like every module of training it imports scikit-learn, which the process of the bot does without.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.svm import LinearSVC

from knowledge.learning.linear_model import (
    VECTOR_WEIGHT,
    Floats,
    LinearModel,
    TrainingExample,
    hash_example,
    list_labels,
)
from knowledge.memory.text_features import TEXT_BUCKETS
from knowledge.memory.vectors import Vectors

# Words are weighed by rarity and scaled to length 1. Facts are not: a common fact may decide as
# well as a rare one, and every case has the same number of them. This factor makes one penalty
# right for both.
FACT_WEIGHT = 0.14
TOLERANCE = 1e-3


def train_linear_model(
    examples: Sequence[TrainingExample],
    vectors: Vectors,
    *,
    penalty: float,
) -> LinearModel:
    """Fit a linear support vector machine.

    ``vectors`` has a row for each example. ``penalty`` is scikit-learn's C: small for many facts
    and few cases, larger for plain text.
    """
    features = _collect_features(examples)
    scale = _feature_scale(features)
    matrix = _design_matrix(features, scale, vectors)
    machine = LinearSVC(C=penalty, tol=TOLERANCE, random_state=0)
    machine.fit(matrix, np.array(list_labels(examples)))
    weights = machine.coef_.T
    bias = machine.intercept_
    if len(machine.classes_) == 2:
        # Of two classes scikit-learn returns one row; the other is its negative.
        weights = np.hstack([-weights, weights])
        bias = np.concatenate([-bias, bias])
    return LinearModel(
        labels=tuple(map(str, machine.classes_)),
        buckets=features.buckets,
        scale=scale,
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
    )


class _FeatureTable(NamedTuple):
    """The features of all examples, laid out as a sparse matrix (CSR)."""

    #: Every bucket that occurs, in ascending order: the columns of the matrix.
    buckets: NDArray[np.int64]
    #: The column of each value.
    columns: NDArray[np.int64]
    #: Where the values of each example begin, and where the last ones end.
    row_bounds: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.row_bounds) - 1, len(self.buckets)


def _collect_features(examples: Sequence[TrainingExample]) -> _FeatureTable:
    bucket_rows: list[NDArray[np.int64]] = []
    value_rows: list[NDArray[np.float64]] = []
    for example in examples:
        buckets, values = hash_example(example.text, example.facts)
        bucket_rows.append(buckets)
        value_rows.append(values)
    unique_buckets, columns = np.unique(np.concatenate(bucket_rows), return_inverse=True)
    return _FeatureTable(
        buckets=unique_buckets,
        columns=columns,
        row_bounds=np.cumsum([0, *map(len, bucket_rows)]),
        values=np.concatenate(value_rows),
    )


def _feature_scale(features: _FeatureTable) -> Floats:
    """Scale words by rarity (inverse document frequency), facts by a constant."""
    example_count, bucket_count = features.shape
    occurrences = np.bincount(features.columns, minlength=bucket_count)
    rarity = np.log((1 + example_count) / (1 + occurrences)) + 1
    is_word = features.buckets < TEXT_BUCKETS
    return np.where(is_word, rarity, FACT_WEIGHT).astype(np.float32)


def _design_matrix(features: _FeatureTable, scale: Floats, vectors: Vectors) -> Any:
    """Join words of length 1, facts and vectors into one sparse matrix."""
    values = features.values * scale[features.columns]
    matrix = sparse.csr_matrix(
        (values, features.columns, features.row_bounds),
        shape=features.shape,
    )
    is_word = features.buckets < TEXT_BUCKETS
    words = matrix[:, is_word]
    facts = matrix[:, ~is_word]
    squares = words.multiply(words).sum(axis=1)
    lengths = np.sqrt(np.asarray(squares).ravel())
    divisors = np.where(lengths > 0, lengths, 1)
    words = sparse.diags(1 / divisors) @ words
    vector_part = sparse.csr_matrix(vectors * VECTOR_WEIGHT)
    return sparse.hstack([words, facts, vector_part]).tocsr()
