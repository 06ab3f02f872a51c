"""Vectors of text: their type, their size and their length."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from knowledge.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"
"""One row for each text, or a single row."""
VECTOR_SIZE = 384
# Characters of a text that are embedded; the rest is cut off.
MAX_TEXT_CHARACTERS = 4_000


def to_unit_length(rows: Vectors) -> Vectors:
    """Scale every row to length 1; leave rows of zeros."""
    lengths = np.sqrt(np.add.reduce(rows * rows, axis=1, keepdims=True))
    divisors = np.where(lengths > 0, lengths, 1)
    return (rows / divisors).astype(np.float32, copy=False)
