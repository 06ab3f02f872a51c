"""Text as features: words and pairs of words, and facts and pairs of facts, hashed into a fixed number of places.

Hashing needs no vocabulary to be stored or agreed on, and what was never seen before is simply a place without weight.
"""

import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from bot.cases.canonical import Scalar

TEXT_BUCKETS = 2**15
_WORD = re.compile(r"\w+")
HashedFeatures = tuple[NDArray[np.int64], NDArray[np.float64]]


def split_words(text: str) -> list[str]:
    """The words, in lower case."""
    return _WORD.findall(text.lower())


def find_codes(text: str) -> set[str]:
    """The words that name one thing: with letters and digits, or a long number."""
    return {
        word
        for word in split_words(text)
        if any(map(str.isdigit, word)) and (len(word) > 4 or not word.isdigit())
    }


def hash_text(text: str, places: int = TEXT_BUCKETS) -> HashedFeatures:
    """Places and weights of a text's words and word pairs; a word said often counts by the logarithm."""
    words = split_words(text)
    return _weighed(
        [*words, *(f"{first} {second}" for first, second in itertools.pairwise(words))], places
    )


def hash_facts(facts: Mapping[str, Scalar], places: int) -> HashedFeatures:
    """Places and weights of facts and of every pair of facts: what decides is often two things together."""
    named = [
        f"{name}={value}" for name, value in facts.items() if value is not None and value != ""
    ]
    return _weighed(
        [*named, *(f"{first}|{second}" for first, second in itertools.combinations(named, 2))],
        places,
    )


def _weighed(features: Iterable[str], places: int) -> HashedFeatures:
    counted = Counter(
        zlib.crc32(feature.encode("utf-8", "replace")) % places for feature in features
    )
    found = np.fromiter(counted.keys(), np.int64, len(counted))
    return found, 1 + np.log(np.fromiter(counted.values(), np.float64, len(counted)))
