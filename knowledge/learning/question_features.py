"""A question as hashed features: words, neighbours, senses, and pieces of words.

Senses know a word that no example has but that means the same as others. Pieces of three and four
letters know a word that is misspelt or inflected otherwise. Hashing needs no stored vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, combinations, pairwise
from typing import TYPE_CHECKING, TypeAlias

from knowledge.arrays import np
from knowledge.learning.question_senses import SENSE_MARK, WORD, to_senses
from knowledge.memory.text_features import checksum, count_checksums

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Words and their neighbours fall into the first buckets, pieces of words into as many after them,
#: and senses into as many after those.
BUCKETS = 2**18
PART_COUNT = 3
PIECE_LENGTHS = (3, 4)
#: The senses of a long story say little in pairs.
MAX_PAIRED_SENSES = 12
BEGIN = "<"
END = ">"
Features: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.float64]]"
"""Bucket numbers without duplicates, and the weight of each."""


def hash_question(text: str) -> Features:
    """Hash the words of a normalised question, their pieces, and their senses."""
    words = WORD.findall(text)
    parts = (map(checksum, _neighbours(words)), _pieces(words), map(checksum, _senses(words)))
    buckets = []
    values = []
    for part, checksums in enumerate(parts):
        part_buckets, part_values = count_checksums(checksums, BUCKETS)
        buckets.append(part_buckets + part * BUCKETS)
        values.append(part_values)
    return np.concatenate(buckets), np.concatenate(values)


class FeatureCache(dict[str, Features]):
    """The features of questions, each hashed once for several models."""

    def __missing__(self, text: str) -> Features:
        features = self[text] = hash_question(text)
        return features


def part_of(buckets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which part of the features each bucket is in, from 0."""
    return buckets // BUCKETS


def _neighbours(words: list[str]) -> Iterator[str]:
    """Yield the words, and each with the one after it."""
    yield from words
    if words:
        # How a question begins and ends says much of what it asks.
        yield from map(" ".join, pairwise([BEGIN, *words, END]))


def _senses(words: list[str]) -> Iterator[str]:
    """Yield the senses with their neighbours, and all pairs of senses."""
    senses = to_senses(words)
    yield from _neighbours(senses)
    marks = sorted({sense for sense in senses if sense.startswith(SENSE_MARK)})
    yield from map("&".join, combinations(marks[:MAX_PAIRED_SENSES], 2))


def _pieces(words: list[str]) -> Iterator[int]:
    """Return the checksums of the pieces of the words; masks have none."""
    return chain.from_iterable(map(_cut, words))


@lru_cache(maxsize=20_000)
def _cut(word: str) -> tuple[int, ...]:
    if word.startswith("{"):
        return ()
    whole = f"{BEGIN}{word}{END}"
    pieces = []
    for length in PIECE_LENGTHS:
        pieces += [whole[start : start + length] for start in range(len(whole) - length + 1)]
    return tuple(map(checksum, pieces))
