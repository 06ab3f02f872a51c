"""Hashed questions as the matrix that a model is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scipy import sparse

from knowledge.arrays import np
from knowledge.learning.question_features import Features
from knowledge.learning.question_head import scale_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rarity(columns: NDArray[np.int64], row_count: int) -> NDArray[np.float64]:
    """Return the inverse document frequency of each column."""
    occurrences = np.bincount(columns)
    rarity: NDArray[np.float64] = np.log((1 + row_count) / (1 + occurrences)) + 1
    return rarity


def design_matrix(
    features: Sequence[Features], columns: NDArray[np.int64], scale: NDArray[np.float64]
) -> Any:
    """Return a sparse matrix with a row for each question."""
    row_bounds = np.cumsum([0, *(len(buckets) for buckets, _ in features)])
    parts = []
    for (buckets, values), start in zip(features, row_bounds, strict=False):
        row_columns = columns[start : start + len(buckets)]
        parts.append(scale_parts(buckets, values * scale[row_columns]))
    shape = (len(features), len(scale))
    return sparse.csr_matrix((np.concatenate(parts), columns, row_bounds), shape=shape)
