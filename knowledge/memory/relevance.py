"""The relevance of a precedent, on the scale of its kind.

No similarity is high in itself: stories of one kind share half of their words. So the precedents
are compared with each other, each with the nearest other ones. What is farther than nearly all of
them are is perhaps a similar case, and no case like it.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from knowledge.memory.vectors import Vectors

# This share of the precedents is farther from the others than what counts as like. As each is
# compared without its rarest word, fewer of the real cases are (docs/decisions/0103).
UNLIKE_QUANTILE = 0.1
# Where all precedents are told in the same words, a new name is farther than any of them and still
# like them: most pairs of texts this similar are about the same (docs/decisions/0103).
SURE_SIMILARITY = 0.8
# A search returns so many: a case has as many chances to find one like it.
MATCHES = 10
# With fewer nothing can be said of what is far.
MIN_COMPARED = 20
# Similarities of equal texts differ by less.
TOLERANCE = 1e-4

Words = AbstractSet[str]
NO_OTHER = -1.0


class MatchSigns(NamedTuple):
    """The signs of a match: each finds what the other one blurs."""

    #: The cosine of the vectors, of the best piece.
    similarity: float
    #: The share of the weight of the question's words that the precedent has.
    coverage: float

    @property
    def relevance(self) -> float:
        """Return the mean of both, which is 1 for the same story."""
        return (self.similarity + self.coverage) / 2


class WeighedWords:
    """The words of a question with their weights."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._total = math.fsum(weights.values())

    def coverage(self, words: Words) -> float:
        """Return the share of their weight that these words cover."""
        if not self._total:
            return 0.0
        common = self._weights.keys() & words
        return math.fsum([self._weights[word] for word in common]) / self._total


class WordCounts:
    """In how many texts each word is."""

    def __init__(self, texts: Collection[Words]) -> None:
        self._total = len(texts)
        self._counts = Counter(word for words in texts for word in words)
        #: By the number of texts that a word is in.
        self._weights = [_weight(count, self._total) for count in range(self._total + 1)]

    def weigh(self, words: Iterable[str]) -> WeighedWords:
        """Weigh the words of a new text."""
        count_of = self._counts.get
        return WeighedWords({word: self._weights[count_of(word, 0)] for word in words})

    def weigh_own(self, words: Words) -> WeighedWords:
        """Weigh the words of one of the texts like new ones."""
        others = self._total - 1
        counts = {word: max(self._counts[word] - 1, 0) for word in words}
        return WeighedWords({word: _weight(count, others) for word, count in counts.items()})

    def rarest_common(self, words: Words) -> str | None:
        """Return the rarest of these words that several texts have."""
        common = [word for word in words if self._counts[word] > 1]
        return min(common, key=lambda word: (self._counts[word], word), default=None)


class RelevanceScale:
    """The bar for what is like, among precedents so near to others.

    ``relevances`` has that of the best match of each among the others.
    """

    def __init__(self, word_counts: WordCounts, relevances: Sequence[float]) -> None:
        self.word_counts = word_counts
        self.min_relevance = float(np.quantile(relevances, UNLIKE_QUANTILE)) - TOLERANCE

    def is_like(self, signs: MatchSigns) -> bool:
        """Tell whether few precedents are farther from all others."""
        return signs.similarity >= SURE_SIMILARITY or signs.relevance >= self.min_relevance


class ComparedText(NamedTuple):
    """A precedent that others are compared with."""

    vector: Vectors
    words: Words


def measure_scale(texts: Sequence[ComparedText], sample_size: int) -> RelevanceScale | None:
    """Compare some of the texts with the others; None for too few.

    A case has often a name that no precedent has, and is like them all the same. So each text is
    compared with those that do not have its rarest word. And the same story told again is no other
    one: titles repeat, and that says nothing of new ones.
    """
    word_counts = WordCounts([text.words for text in texts])
    vectors = np.array([text.vector for text in texts])
    relevances = []
    for place in _spread(len(texts), sample_size):
        text = texts[place]
        cosines = vectors @ text.vector
        cosines[cosines > 1 - TOLERANCE] = NO_OTHER
        name = word_counts.rarest_common(text.words)
        cosines[[name in other.words for other in texts]] = NO_OTHER
        question = word_counts.weigh_own(text.words)
        matches = [
            MatchSigns(float(cosines[other]), question.coverage(texts[other].words))
            for other in np.argsort(-cosines)[:MATCHES].tolist()
            if cosines[other] > NO_OTHER
        ]
        if matches:
            relevances.append(max(match.relevance for match in matches))
    if len(relevances) < MIN_COMPARED:
        return None
    return RelevanceScale(word_counts, relevances)


def _weight(count: int, total: int) -> float:
    """Return the inverse document frequency of a word, as BM25 has it."""
    return math.log1p((total - count + 0.5) / (count + 0.5))


def _spread(count: int, size: int) -> list[int]:
    """Return places evenly spread, each once."""
    places: list[int] = np.linspace(0, count - 1, min(count, size)).astype(int).tolist()
    return places
