"""Text and facts as hashed features.

The features are words, pairs of words, facts and pairs of facts. Hashing needs no stored
vocabulary: a feature that training never met falls into a bucket without weight.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from bot.cases.canonical import ScalarMapping
from knowledge.arrays import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT_BUCKETS = 2**15
# A number of this many digits or fewer is a quantity; a longer one names something.
MAX_QUANTITY_DIGITS = 4
MAX_CACHED_TEXTS = 512
HashedFeatures: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.float64]]"
"""Bucket numbers without duplicates, and the weight of each."""
_WORD = re.compile(r"\w+")


def find_words(text: str) -> list[str]:
    """Find the words of a text as they are written."""
    return _WORD.findall(text)


def split_words(text: str) -> list[str]:
    """Split a text into its words, in lower case."""
    return _WORD.findall(text.lower())


def find_codes(text: str) -> set[str]:
    """Find the words that identify one thing: part codes and long numbers."""
    return set(filter(_is_code, split_words(text)))


# Recognition, plans and hashed words ask for the same text, and titles repeat.
@lru_cache(maxsize=MAX_CACHED_TEXTS)
def hash_text(text: str, bucket_count: int = TEXT_BUCKETS) -> HashedFeatures:
    """Hash the words and word pairs of a text."""
    words = split_words(text)
    pairs = map(" ".join, itertools.pairwise(words))
    return hash_features([*words, *pairs], bucket_count)


def hash_facts(facts: ScalarMapping, bucket_count: int) -> HashedFeatures:
    """Hash the facts and every pair of them.

    Pairs, because a decision often hangs on two facts together. Facts without a value are left out.
    """
    items = []
    for name, value in facts.items():
        if value not in (None, ""):
            items.append(f"{name}={value}")
    pairs = map("|".join, itertools.combinations(items, 2))
    return hash_features([*items, *pairs], bucket_count)


def hash_features(features: Iterable[str], bucket_count: int) -> HashedFeatures:
    """Count features by bucket; the weight is the logarithm of the count."""
    return count_checksums(map(checksum, features), bucket_count)


def checksum(feature: str) -> int:
    """Return the CRC-32 of a feature.

    It is the same in every process, which the built-in hash of a string is not.
    """
    return zlib.crc32(feature.encode("utf-8", "replace"))


def count_checksums(checksums: Iterable[int], bucket_count: int) -> HashedFeatures:
    """Count features of these checksums by bucket."""
    counts = Counter([number % bucket_count for number in checksums])
    buckets = np.fromiter(counts.keys(), np.int64, len(counts))
    frequencies = np.fromiter(counts.values(), np.float64, len(counts))
    weights = 1 + np.log(frequencies)
    # They may be cached.
    buckets.flags.writeable = False
    weights.flags.writeable = False
    return buckets, weights


def _is_code(word: str) -> bool:
    if word.isdigit():
        return len(word) > MAX_QUANTITY_DIGITS
    return any(map(str.isdigit, word))
