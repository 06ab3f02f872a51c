"""A question as hashed features: words, neighbours, and pieces of words.

Pieces of three and four letters know a word that is misspelt or inflected otherwise. Hashing needs
no stored vocabulary.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge.memory.text_features import hash_features

#: Words and their neighbours fall into the first buckets, pieces of words into as many after them.
BUCKETS = 2**18
PIECE_LENGTHS = (3, 4)
BEGIN = "<"
END = ">"
Features = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Bucket numbers without duplicates, and the weight of each."""
_WORD = re.compile(r"\{\w+\}|\w+|[£$€]")


def hash_question(text: str) -> Features:
    """Hash the words of a normalised question, and their pieces."""
    words = _WORD.findall(text)
    # How a question begins and ends says much of what it asks.
    neighbours = map(" ".join, pairwise([BEGIN, *words, END]))
    word_buckets, word_values = hash_features([*words, *neighbours] if words else [], BUCKETS)
    piece_buckets, piece_values = hash_features(_pieces(words), BUCKETS)
    buckets = np.concatenate([word_buckets, piece_buckets + BUCKETS])
    return buckets, np.concatenate([word_values, piece_values])


def is_piece(buckets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which buckets are those of pieces of words."""
    is_above: NDArray[np.bool_] = buckets >= BUCKETS
    return is_above


def _pieces(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("{"):
            continue
        whole = f"{BEGIN}{word}{END}"
        for length in PIECE_LENGTHS:
            for start in range(len(whole) - length + 1):
                yield whole[start : start + length]
