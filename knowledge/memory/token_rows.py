"""The rows of the token table, with two numbers in a byte.

Apart from the embedder: whoever embeds nothing needs no numpy.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.memory.token_table import TABLE_VECTOR_SIZE
from knowledge.memory.vectors import Vectors

MAX_TOKENS = 256
# After so many tokens one counts half, after twice as many a third.
POSITION_DAMPING = 32
POSITION_WEIGHTS = (1 / (1 + np.arange(MAX_TOKENS) / POSITION_DAMPING)).astype(np.float32)
# A number takes four bits: eight are no better (measured), and twice as large.
MAX_VALUE = 7
HALF_SIZE = TABLE_VECTOR_SIZE // 2
#: The two numbers of each byte.
LOW_VALUES = (np.arange(256) % 16 - MAX_VALUE).astype(np.float32)
HIGH_VALUES = (np.arange(256) // 16 - MAX_VALUE).astype(np.float32)
#: A row: the factor of its numbers, and the numbers themselves, two in a byte.
ROW_TYPE = np.dtype([("scale", np.float32), ("packed", np.uint8, (HALF_SIZE,))])


class TokenRows:
    """The mapped file: only the rows of words that occur take memory."""

    def __init__(self, path: Path) -> None:
        # A plain view of the map: the subclass costs time at every use.
        self._rows: NDArray[Any] = np.asarray(np.load(path, mmap_mode="r"))

    def add_up(self, token_ids: list[int]) -> Vectors:
        """Add up the rows of these tokens, the early ones weighing more."""
        rows = self._rows[token_ids[:MAX_TOKENS]]
        weights = rows["scale"] * POSITION_WEIGHTS[: len(rows)]
        total: Vectors = weights @ unpack(rows["packed"])
        return total


def pack(values: Vectors) -> NDArray[np.uint8]:
    """Pack integers from -7 to 7, two in a byte."""
    digits = (values + MAX_VALUE).astype(np.uint8)
    pairs: NDArray[np.uint8] = digits[:, :HALF_SIZE] + 16 * digits[:, HALF_SIZE:]
    return pairs


def unpack(pairs: NDArray[np.uint8]) -> Vectors:
    """Return the numbers of packed rows."""
    values: Vectors = np.empty((len(pairs), TABLE_VECTOR_SIZE), np.float32)
    # The modes other than "raise" write without a copy; no byte is out of range.
    LOW_VALUES.take(pairs, out=values[:, :HALF_SIZE], mode="clip")
    HIGH_VALUES.take(pairs, out=values[:, HALF_SIZE:], mode="clip")
    return values
