"""The vectors and keywords of all precedents, and the search in both."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import Precedent
from bot.ports.memory import PrecedentStore, StoredPrecedent
from knowledge.memory.embedder import Embedder
from knowledge.memory.keyword_index import KeywordIndex
from knowledge.memory.ranking import fuse_rankings, preference
from knowledge.memory.text_features import find_codes
from knowledge.memory.vector_index import VectorIndex

# Candidates to fetch before filtering; the second number is tried when the first is too small.
FETCH_SIZES = (50, 500)
PAGE_SIZE = 500
MAX_PRECEDENTS = 10
MAX_CANDIDATES = 3 * MAX_PRECEDENTS
# Below this cosine similarity two texts are not alike. Hashed words agree less than meanings do.
MIN_MEANING_SIMILARITY = 0.35
MIN_WORD_SIMILARITY = 0.25
EMBEDDING_BATCH_SIZE = 64


class Attributes(NamedTuple):
    """The attributes of a precedent that results are filtered by."""

    kind: str
    channel: str


@dataclass(frozen=True, slots=True)
class PrecedentQuery:
    """A search among the precedents that ``accepts`` admits."""

    #: Compared by meaning.
    text: str
    #: Compared by keywords and part codes.
    keyword_text: str
    accepts: Callable[[Attributes], bool]
    now: datetime


class PrecedentIndex:
    """Vectors, keywords and attributes of every stored precedent.

    Its methods let every error of the libraries through.
    """

    def __init__(self, shelf: PrecedentStore, embedder: Embedder, vectors: VectorIndex) -> None:
        self.embedder = embedder
        self.vectors = vectors
        self._shelf = shelf
        self._keywords = KeywordIndex()
        # Held in memory, so that filtering reads nothing.
        self._attributes: dict[str, Attributes] = {}
        self._is_cancelled = False

    def update(
        self,
        changes: Sequence[StoredPrecedent],
        progress: Callable[[int], None],
    ) -> None:
        """Apply changes of the store.

        ``progress`` receives how many were applied at a time.

        Raises:
            MemoryUnavailable: ``cancel`` was called; the rest is applied at the next start.
        """
        additions = [change for change in changes if not change.is_gone]
        removed_ids = _ids(change for change in changes if change.is_gone)
        to_embed = self._find_outdated(additions)
        progress(len(changes) - len(to_embed))
        for start in range(0, len(to_embed), EMBEDDING_BATCH_SIZE):
            if self._is_cancelled:
                raise MemoryUnavailable("memory is closed")
            batch = to_embed[start : start + EMBEDDING_BATCH_SIZE]
            self._embed(batch)
            progress(len(batch))
        self.vectors.delete(removed_ids)
        precedents = [change.precedent for change in additions]
        self._update_attributes(precedents, removed_ids)
        texts = [(precedent.id, precedent.text) for precedent in precedents]
        self._keywords.update(texts, removed_ids=removed_ids)

    def cancel(self) -> None:
        """Stop a running update after its current batch."""
        self._is_cancelled = True

    def remove_strays(self) -> None:
        """Remove vectors of precedents that are not stored any more."""
        # After catching up the index can hold too much, but not too little.
        if self.vectors.count() == self._shelf.count():
            return
        ids = self.vectors.list_ids()
        for start in range(0, len(ids), PAGE_SIZE):
            page = ids[start : start + PAGE_SIZE]
            precedents = self._shelf.by_id(page)
            self.vectors.delete(list(set(page) - set(precedents)))

    def warm_up(self) -> None:
        """Run one search, so that no card waits for libraries."""
        vector = self.embedder.embed(["the first question"])[0]
        self.vectors.find_nearest(vector, FETCH_SIZES[0])

    def search(self, query: PrecedentQuery) -> tuple[Precedent, ...]:
        """Find the precedents most like the query, the best first."""
        similar, by_keyword = self._find_candidates(query)
        ranking = fuse_rankings([similar, by_keyword])[:MAX_CANDIDATES]
        # Only candidates that pass the filter are read: decoding is what costs.
        precedents = self._shelf.by_id(list(map(itemgetter(0), ranking)))
        similar_ids = set(similar)
        codes = find_codes(query.keyword_text)
        results: list[tuple[float, Precedent]] = []
        for row_id, score in ranking:
            precedent = precedents.get(row_id)
            if precedent is None:
                continue
            # A common word makes no two cases alike; a common code does.
            if row_id in similar_ids or codes & find_codes(precedent.text):
                results.append((score * preference(precedent, query.now), precedent))
        results.sort(key=itemgetter(0), reverse=True)
        return tuple(map(itemgetter(1), results[:MAX_PRECEDENTS]))

    def _find_outdated(self, changes: Sequence[StoredPrecedent]) -> list[StoredPrecedent]:
        """Find the precedents whose text is not the one that was embedded."""
        checksums = self.vectors.find_checksums(_ids(changes))
        return [change for change in changes if checksums.get(change.precedent.id) != change.digest]

    def _embed(self, batch: Sequence[StoredPrecedent]) -> None:
        texts = [change.precedent.signal_text for change in batch]
        self.vectors.upsert(
            ids=_ids(batch),
            vectors=self.embedder.embed(texts),
            checksums=[change.digest for change in batch],
        )

    def _update_attributes(
        self,
        precedents: Sequence[Precedent],
        removed_ids: Sequence[str],
    ) -> None:
        for precedent in precedents:
            # Interned: a hundred thousand precedents share a few kinds and channels.
            kind = sys.intern(precedent.kind)
            channel = sys.intern(precedent.channel)
            self._attributes[precedent.id] = Attributes(kind, channel)
        for row_id in removed_ids:
            self._attributes.pop(row_id, None)

    def _find_candidates(self, query: PrecedentQuery) -> tuple[list[str], list[str]]:
        """Find ids by meaning and ids by keyword, each the best first."""
        vector = self.embedder.embed([query.text])[0]
        similar: list[str] = []
        by_keyword: list[str] = []
        for limit in FETCH_SIZES:
            nearest = self.vectors.find_nearest(vector, limit)
            near_enough = self._take_similar(nearest)
            similar = self._filter(near_enough, query)
            hits = self._keywords.search(query.keyword_text, limit)
            by_keyword = self._filter(hits, query)
            is_exhausted = len(near_enough) < len(nearest) or len(nearest) < limit
            if len(similar) >= MAX_PRECEDENTS or is_exhausted:
                break
        return similar, by_keyword

    def _take_similar(self, nearest: Sequence[tuple[str, float]]) -> list[str]:
        min_similarity = MIN_WORD_SIMILARITY
        if self.embedder.is_semantic:
            min_similarity = MIN_MEANING_SIMILARITY
        return [row_id for row_id, similarity in nearest if similarity >= min_similarity]

    def _filter(self, ids: Iterable[str], query: PrecedentQuery) -> list[str]:
        accepted_ids = []
        for row_id in ids:
            attributes = self._attributes.get(row_id)
            if attributes is not None and query.accepts(attributes):
                accepted_ids.append(row_id)
        return accepted_ids


def _ids(changes: Iterable[StoredPrecedent]) -> list[str]:
    return [change.precedent.id for change in changes]
