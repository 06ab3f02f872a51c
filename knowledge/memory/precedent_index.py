"""The two indexes over the stored precedents, and the search in both of them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bot.cases.errors import MemoryUnavailable
from bot.cases.precedent import Precedent
from bot.ports import Kept, Shelf
from knowledge.memory.embedder import Embedder
from knowledge.memory.keyword_index import KeywordIndex
from knowledge.memory.ranking import fuse_rankings, preference
from knowledge.memory.text_features import find_codes
from knowledge.memory.vector_index import VectorIndex

# Candidates that are fetched before filtering; the second number is tried when the first is short.
FETCH_SIZES = (50, 500)
PAGE_SIZE = 500
MAX_PRECEDENTS = 10
# Two texts with a cosine similarity below this are not alike. Hashed words agree less than meanings
# do.
MIN_MEANING_SIMILARITY = 0.35
MIN_WORD_SIMILARITY = 0.25
EMBEDDING_BATCH_SIZE = 64


class Attributes(NamedTuple):
    """The attributes that results are filtered by, held in memory for every precedent."""

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

    def __init__(self, shelf: Shelf, embedder: Embedder, vectors: VectorIndex) -> None:
        self.embedder = embedder
        self.vectors = vectors
        self._shelf = shelf
        self._keywords = KeywordIndex()
        self._attributes: dict[str, Attributes] = {}
        self._is_cancelled = False

    def update(self, changes: Sequence[Kept], progress: Callable[[int], None]) -> None:
        """Apply changes of the store. ``progress`` receives how many were applied at a time.

        Raises:
            MemoryUnavailable: ``cancel`` was called; the rest is applied at the next start.
        """
        live = [change for change in changes if not change.is_gone]
        deleted = [change.precedent.id for change in changes if change.is_gone]
        to_embed = self._without_unchanged(live)
        progress(len(changes) - len(to_embed))
        for start in range(0, len(to_embed), EMBEDDING_BATCH_SIZE):
            if self._is_cancelled:
                raise MemoryUnavailable("memory is closed")
            batch = to_embed[start : start + EMBEDDING_BATCH_SIZE]
            self._embed(batch)
            progress(len(batch))
        self.vectors.delete(deleted)
        self._update_attributes([change.precedent for change in live], deleted)
        texts = ((change.precedent.id, change.precedent.text) for change in live)
        self._keywords.update(texts, deleted=deleted)

    def cancel(self) -> None:
        """Stop a running update after its current batch."""
        self._is_cancelled = True

    def remove_strays(self) -> None:
        """Remove vectors of precedents that are no longer stored."""
        # After catching up the index can hold too much, but not too little.
        if self.vectors.count() == self._shelf.count():
            return
        ids = self.vectors.list_ids()
        for start in range(0, len(ids), PAGE_SIZE):
            page = ids[start : start + PAGE_SIZE]
            stored = self._shelf.by_id(page)
            self.vectors.delete([row_id for row_id in page if row_id not in stored])

    def warm_up(self) -> None:
        """Run one search, so that no card waits for libraries and files to load."""
        vector = self.embedder.embed(["the first question"])[0]
        self.vectors.find_nearest(vector, FETCH_SIZES[0])

    def search(self, query: PrecedentQuery) -> tuple[Precedent, ...]:
        """Find the precedents most like the query, the best first."""
        similar, by_keyword = self._find_candidates(query)
        ranking = fuse_rankings([similar, by_keyword])[: 3 * MAX_PRECEDENTS]
        # Only candidates that pass the filter are read: decoding is what costs.
        stored = self._shelf.by_id([row_id for row_id, _ in ranking])
        similar_ids = set(similar)
        codes = find_codes(query.keyword_text)
        scored = []
        for row_id, score in ranking:
            precedent = stored.get(row_id)
            if precedent is None:
                continue
            # A common word makes no two cases alike; a common code does.
            if row_id in similar_ids or codes & find_codes(precedent.text):
                scored.append((score * preference(precedent, query.now), precedent))
        scored.sort(key=lambda pair: -pair[0])
        return tuple(precedent for _, precedent in scored[:MAX_PRECEDENTS])

    def _without_unchanged(self, live: Sequence[Kept]) -> list[Kept]:
        checksums = self.vectors.find_checksums([change.precedent.id for change in live])
        return [change for change in live if checksums.get(change.precedent.id) != change.digest]

    def _embed(self, batch: Sequence[Kept]) -> None:
        self.vectors.upsert(
            ids=[change.precedent.id for change in batch],
            vectors=self.embedder.embed([change.precedent.said for change in batch]),
            checksums=[change.digest for change in batch],
        )

    def _update_attributes(self, live: Sequence[Precedent], deleted: Sequence[str]) -> None:
        for precedent in live:
            # Interned: a hundred thousand precedents share a few kinds and channels.
            kind = sys.intern(precedent.kind)
            self._attributes[precedent.id] = Attributes(kind, sys.intern(precedent.channel))
        for row_id in deleted:
            self._attributes.pop(row_id, None)

    def _find_candidates(self, query: PrecedentQuery) -> tuple[list[str], list[str]]:
        """Find ids by meaning and ids by keyword, each the best first."""
        vector = self.embedder.embed([query.text])[0]
        similar: list[str] = []
        by_keyword: list[str] = []
        for limit in FETCH_SIZES:
            nearest = self.vectors.find_nearest(vector, limit)
            near_enough = [row_id for row_id, cosine in nearest if cosine >= self._min_similarity]
            similar = self._filter(near_enough, query)
            by_keyword = self._filter(self._keywords.search(query.keyword_text, limit), query)
            is_exhausted = len(near_enough) < len(nearest) or len(nearest) < limit
            if len(similar) >= MAX_PRECEDENTS or is_exhausted:
                break
        return similar, by_keyword

    def _filter(self, ids: Sequence[str], query: PrecedentQuery) -> list[str]:
        return [row_id for row_id in ids if self._is_accepted(row_id, query)]

    def _is_accepted(self, row_id: str, query: PrecedentQuery) -> bool:
        attributes = self._attributes.get(row_id)
        return attributes is not None and query.accepts(attributes)

    @property
    def _min_similarity(self) -> float:
        return MIN_MEANING_SIMILARITY if self.embedder.is_semantic else MIN_WORD_SIMILARITY
