"""The scales of relevance of the kinds, measured on what memory holds."""

from collections.abc import Mapping

from bot.ports.memory import PrecedentSource
from knowledge.memory.keywords import find_keywords
from knowledge.memory.precedent_matrix import PrecedentMatrix
from knowledge.memory.relevance import (
    MIN_COMPARED,
    ComparedText,
    RelevanceScale,
    measure_scale,
)

# Precedents of a kind that are read, and how many of them are compared with the others.
MAX_READ = 1_000
MAX_COMPARED = 200
PAGE_SIZE = 500
# A kind is measured again when so many of its precedents are new or gone.
MAX_CHANGED_SHARE = 0.1


class KindScales:
    """The scale of each kind with enough precedents."""

    def __init__(self, matrix: PrecedentMatrix, shelf: PrecedentSource) -> None:
        self._matrix = matrix
        self._shelf = shelf
        #: How many precedents each kind had when it was measured.
        self._counts: dict[str, int] = {}
        self._scales: Mapping[str, RelevanceScale] = {}

    def of(self, kind: str) -> RelevanceScale | None:
        """Return the scale of a kind; None while too little is known."""
        return self._scales.get(kind)

    def clear(self) -> None:
        """Forget all scales: they hold words of texts that may be gone."""
        self._counts = {}
        self._scales = {}

    def refresh(self) -> None:
        """Measure the kinds of which much is new."""
        counts = self._matrix.count_by_kind()
        scales = {kind: scale for kind, scale in self._scales.items() if kind in counts}
        for kind, count in counts.items():
            if count < MIN_COMPARED or not self._is_outdated(kind, count):
                continue
            self._counts[kind] = count
            scale = self._measure(kind)
            if scale:
                scales[kind] = scale
            else:
                scales.pop(kind, None)
        # Replaced rather than changed: a search may be looking at it.
        self._scales = scales

    def _is_outdated(self, kind: str, count: int) -> bool:
        measured_count = self._counts.get(kind, 0)
        return abs(count - measured_count) > MAX_CHANGED_SHARE * measured_count

    def _measure(self, kind: str) -> RelevanceScale | None:
        vectors = self._matrix.sample(kind, MAX_READ)
        ids = sorted(vectors)
        texts = []
        for start in range(0, len(ids), PAGE_SIZE):
            for id, precedent in self._shelf.by_id(ids[start : start + PAGE_SIZE]).items():
                words = frozenset(find_keywords(precedent.text))
                texts.append(ComparedText(vectors[id], words))
        return measure_scale(texts, MAX_COMPARED)
