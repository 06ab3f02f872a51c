"""The vectors and keywords of all precedents, and the search in both.

Cards search a matrix in memory and the keyword index; neither needs Chroma, which stores the
vectors and is opened by the first change.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bot.cases.errors import MemoryUnavailable
from bot.ports.memory import PrecedentSource, StoredPrecedent
from knowledge.memory.embedder import Embedder
from knowledge.memory.keyword_index import KeywordEntry, KeywordIndex
from knowledge.memory.keywords import distinct_keywords
from knowledge.memory.kind_scales import KindScales
from knowledge.memory.matrix_rows import MatrixEntry, hash_key, to_microseconds
from knowledge.memory.mirror_file import MirrorFolder
from knowledge.memory.pieces import list_passages, owner_id, passage_id, passage_ids
from knowledge.memory.precedent_cache import DecodedPrecedent, PrecedentCache
from knowledge.memory.precedent_matrix import MatrixRow, PrecedentMatrix
from knowledge.memory.precedent_query import FETCH_SIZE, PrecedentMatch, PrecedentQuery, Scope
from knowledge.memory.ranking import (
    PREFERENCE_SCALE,
    ScoredKeys,
    fuse_scores,
    preference,
)
from knowledge.memory.relevance import MatchSigns, RelevanceScale, WeighedWords
from knowledge.memory.text_features import find_codes
from knowledge.memory.vector_index import VectorStore
from knowledge.memory.vectors import Vectors

log = logging.getLogger(__name__)
# Rows that are searched exactly; among more, Chroma's index is asked.
MAX_EXACT_ROWS = 100_000
# Of that index, before filtering; the second number is tried when the first is too small.
UNFILTERED_FETCH_SIZES = (50, 500)
PAGE_SIZE = 500
MAX_PRECEDENTS = 10
MAX_CANDIDATES = 3 * MAX_PRECEDENTS
# Below this cosine similarity two texts are not alike. Hashed words agree less than meanings do.
MIN_MEANING_SIMILARITY = 0.35
MIN_WORD_SIMILARITY = 0.25
# Vectors are stored in larger batches than they are embedded: a batch takes memory for good.
STORING_BATCH_SIZE = 64
EMBEDDING_BATCH_SIZE = 8
# A text of 2,000 characters has no more.
MAX_PASSAGES = 34
MICROSECONDS_PER_DAY = 86_400_000_000


class _Passage(NamedTuple):
    """A text that is embedded: a precedent's, or a piece of it."""

    id: str
    text: str
    checksum: str
    is_whole: bool


class _Candidate(NamedTuple):
    """A precedent that was found, before it is read."""

    row: MatrixRow
    score: float
    #: By meaning; None where it is alike only by a word.
    similarity: float | None


class PrecedentIndex:
    """Vectors, keywords and attributes of every stored precedent.

    Its methods let every error of the libraries through.
    """

    def __init__(self, shelf: PrecedentSource, embedder: Embedder, vectors: VectorStore) -> None:
        self.embedder = embedder
        self.vectors = vectors
        self.matrix = PrecedentMatrix(MirrorFolder(vectors.folder, embedder.identity))
        self.cache = PrecedentCache(shelf)
        self.scales = KindScales(self.matrix, shelf)
        self._shelf = shelf
        self._keywords = KeywordIndex(vectors.folder / "keywords")
        self._is_cancelled = False
        self._are_vectors_compared = False

    # --- indexing --------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Return the place of the last change that everything here holds."""
        return min(self.matrix.position, self._keywords.position)

    def open(self, last_place: int) -> bool:
        """Map what is on disk. Return whether it can be searched.

        ``last_place`` is that of the last change of the store.
        """
        self._keywords.open()
        is_mirrored = self.matrix.load()
        # A restored backup is behind what was indexed before.
        if max(self.matrix.position, self._keywords.position) > last_place:
            self.clear()
            return False
        return is_mirrored or last_place == 0

    def clear(self) -> None:
        """Forget everything but the vectors in Chroma."""
        self.matrix.clear()
        self._keywords.clear()
        self.cache.clear()
        self.scales.clear()
        self._are_vectors_compared = False

    def update(
        self,
        changes: Sequence[StoredPrecedent],
        progress: Callable[[int], None],
    ) -> None:
        """Apply changes of the store, in order.

        ``progress`` receives how many were applied at a time.

        Raises:
            MemoryUnavailable: ``cancel`` was called; the rest is applied at the next start.
        """
        self._update_matrix(changes, progress)
        self._update_keywords(changes)
        self.cache.discard(_ids(changes))
        if any(change.is_gone for change in changes):
            self.scales.clear()

    def finish_update(self) -> None:
        """Compare with Chroma, write the mirror, and measure what is like."""
        self._keywords.refresh()
        self._compare_vectors()
        self.matrix.save_if_due()
        self.scales.refresh()

    def cancel(self) -> None:
        """Stop a running update after its current batch."""
        self._is_cancelled = True

    def is_incomplete(self) -> bool:
        """Tell whether the matrix holds more or fewer precedents than are stored."""
        if self.matrix.count() == self._shelf.count():
            return False
        # A decision that came meanwhile is no difference.
        return self._shelf.last_place() == self.matrix.position

    def _compare_vectors(self) -> None:
        """Let Chroma hold the vectors of all precedents here, and no others.

        Once, when Chroma has been opened.
        """
        if self._are_vectors_compared or not self.vectors.is_open:
            return
        self._are_vectors_compared = True
        if self.vectors.count() == self.matrix.count_rows():
            return
        ids = self.vectors.list_ids()
        expected_ids = set(self.matrix.list_vector_ids())
        for start in range(0, len(ids), PAGE_SIZE):
            page = ids[start : start + PAGE_SIZE]
            precedents = self._shelf.by_id(list(set(map(owner_id, page))))
            self.vectors.delete([id for id in page if owner_id(id) not in precedents])
        # Pieces of a text that was longer once.
        stray_pieces = [id for id in ids if id not in expected_ids and owner_id(id) in expected_ids]
        self.vectors.delete(stray_pieces)
        self._store_missing_vectors(set(map(owner_id, expected_ids - set(ids))))

    def warm_up(self) -> None:
        """Run one search, so that no card waits for libraries."""
        vector = self.embedder.embed(["the first question"])[0]
        self.matrix.find_nearest(vector, Scope("", ()), FETCH_SIZE)
        if self.matrix.count() > MAX_EXACT_ROWS:
            self.vectors.open()

    def _update_matrix(
        self,
        changes: Sequence[StoredPrecedent],
        progress: Callable[[int], None],
    ) -> None:
        new_changes = [change for change in changes if change.seq > self.matrix.position]
        additions = []
        removed_ids = []
        for change in new_changes:
            if change.is_gone:
                removed_ids.append(change.precedent.id)
            elif not self._holds(change):
                additions.append(change)
        vectors = self._vectors_of(additions, progress, count=len(changes) - len(additions))
        self._delete_vectors(removed_ids, additions)
        entries = []
        for change in additions:
            vector, *piece_vectors = [vectors[passage.id] for passage in _passages(change)]
            entries.append(
                MatrixEntry(
                    change.precedent, change.digest, vector=vector, piece_vectors=piece_vectors
                )
            )
        if new_changes:
            self.matrix.update(entries, removed_ids, new_changes[-1].seq)

    def _holds(self, change: StoredPrecedent) -> bool:
        row_count = len(list_passages(change.precedent.signal_text))
        return self.matrix.holds(change.precedent.id, change.digest, row_count)

    def _delete_vectors(
        self, removed_ids: Sequence[str], additions: Sequence[StoredPrecedent]
    ) -> None:
        """Delete the vectors of what is removed, or no longer so long."""
        to_delete: list[str] = []
        for precedent_id in removed_ids:
            # Where the mirror was lost nobody knows how many there are.
            count = self.matrix.count_rows_of(precedent_id) or MAX_PASSAGES
            to_delete += passage_ids(precedent_id, range(count))
        for change in additions:
            numbers = range(len(_passages(change)), self.matrix.count_rows_of(change.precedent.id))
            to_delete += passage_ids(change.precedent.id, numbers)
        for start in range(0, len(to_delete), PAGE_SIZE):
            self.vectors.delete(to_delete[start : start + PAGE_SIZE])

    def _update_keywords(self, changes: Sequence[StoredPrecedent]) -> None:
        position = self._keywords.position
        entries = []
        removed_keys = []
        for change in changes:
            precedent = change.precedent
            key = hash_key(precedent.id)
            if change.seq <= position:
                continue
            if change.is_gone:
                removed_keys.append(key)
                continue
            entry = KeywordEntry(
                key=key,
                kind=precedent.kind,
                channel=precedent.channel,
                text=precedent.text,
            )
            entries.append(entry)
        if entries or removed_keys:
            self._keywords.update(entries, removed_keys, changes[-1].seq)

    def _vectors_of(
        self,
        additions: Sequence[StoredPrecedent],
        progress: Callable[[int], None],
        *,
        count: int,
    ) -> dict[str, Vectors]:
        """Return the vectors of these texts and of their pieces, by passage.

        They come from Chroma, or are embedded and stored there.

        ``count`` is how many other changes need none.
        """
        passages = [passage for change in additions for passage in _passages(change)]
        vectors = {}
        to_embed = []
        for start in range(0, len(passages), PAGE_SIZE):
            page = passages[start : start + PAGE_SIZE]
            stored_vectors = self.vectors.find([passage.id for passage in page])
            for passage in page:
                row = stored_vectors.get(passage.id)
                if row and row.checksum == passage.checksum:
                    vectors[passage.id] = row.vector
                else:
                    to_embed.append(passage)
        whole_to_embed = sum(passage.is_whole for passage in to_embed)
        progress(count + len(additions) - whole_to_embed)
        for start in range(0, len(to_embed), STORING_BATCH_SIZE):
            batch = to_embed[start : start + STORING_BATCH_SIZE]
            ids = [passage.id for passage in batch]
            vectors |= zip(ids, self._embed(batch), strict=True)
            progress(sum(passage.is_whole for passage in batch))
        return vectors

    def _embed(self, batch: Sequence[_Passage]) -> Vectors:
        """Embed texts and store their vectors.

        Raises:
            MemoryUnavailable: ``cancel`` was called.
        """
        texts = [passage.text for passage in batch]
        parts = []
        for start in range(0, len(texts), EMBEDDING_BATCH_SIZE):
            if self._is_cancelled:
                raise MemoryUnavailable("memory is closed")
            parts.append(self.embedder.embed(texts[start : start + EMBEDDING_BATCH_SIZE]))
        vectors = np.concatenate(parts)
        self.vectors.upsert(
            ids=[passage.id for passage in batch],
            vectors=vectors,
            checksums=[passage.checksum for passage in batch],
        )
        return vectors

    def _store_missing_vectors(self, ids: Collection[str]) -> None:
        """Store vectors of these precedents that Chroma does not have."""
        position = 0
        while ids and (changes := self._shelf.changes_since(position)):
            position = changes[-1].seq
            for change in changes:
                if change.precedent.id in ids:
                    vectors = self.matrix.vectors_of(change.precedent.id)
                    self.vectors.upsert(
                        ids=passage_ids(change.precedent.id, range(len(vectors))),
                        vectors=vectors,
                        checksums=[change.digest] * len(vectors),
                    )

    # --- searching -------------------------------------------------------------------------------

    def search(self, query: PrecedentQuery) -> list[PrecedentMatch]:
        """Find the precedents most like the query, the best first."""
        codes = find_codes(query.keyword_text)
        candidates = self._find_candidates(query, is_coded=bool(codes))
        judge = _MatchJudge(query, codes, self.scales.of(query.kind))
        matches: list[PrecedentMatch] = []
        # Few are read: decoding is what costs.
        for start in range(0, len(candidates), MAX_PRECEDENTS):
            page = candidates[start : start + MAX_PRECEDENTS]
            precedents = self.cache.find([candidate.row.id for candidate in page])
            for candidate in page:
                entry = precedents.get(candidate.row.id)
                match = judge.judge(entry, candidate.similarity) if entry else None
                if match:
                    matches.append(match)
            if len(matches) >= MAX_PRECEDENTS:
                break
        return matches[:MAX_PRECEDENTS]

    def _find_candidates(self, query: PrecedentQuery, *, is_coded: bool) -> list[_Candidate]:
        """Find precedents by meaning and by keyword, the best first.

        What is alike by keyword alone counts only if the query has a code.
        """
        vector = self.embedder.embed([query.text])[0]
        # What is left out must make room for what comes behind it.
        limit = FETCH_SIZE if query.admits is None else max(self.matrix.count(), 1)
        similar = query.first_of(self._find_similar(vector, query.scope, limit))
        by_keyword = self._keywords.search(
            query.keyword_text,
            limit=limit,
            kind=query.kind,
            channels=query.channels,
        )
        ranking = fuse_scores([similar, query.first_of(by_keyword)])[:MAX_CANDIDATES]
        rows = self.matrix.rows([key for key, _ in ranking])
        similarities = dict(similar)
        now = to_microseconds(query.now)
        candidates = []
        for key, score in ranking:
            row = rows.get(key)
            similarity = similarities.get(key)
            if row is None or (similarity is None and not is_coded):
                continue
            age_in_days = (now - row.ended_at) // MICROSECONDS_PER_DAY
            weight = preference(age_in_days, is_good=row.is_good)
            candidates.append(_Candidate(row, score + PREFERENCE_SCALE * weight, similarity))
        return sorted(candidates, key=lambda candidate: candidate.score, reverse=True)

    def _find_similar(self, vector: Vectors, scope: Scope, limit: int) -> ScoredKeys:
        """Find keys by meaning, the most similar first."""
        if self.matrix.is_larger(scope, MAX_EXACT_ROWS):
            return self._find_by_chroma(vector, scope)
        return self._take_similar(self.matrix.find_nearest(vector, scope, limit))

    def _find_by_chroma(self, vector: Vectors, scope: Scope) -> ScoredKeys:
        """Find keys by Chroma's index, which is not exact and filters nothing."""
        nearest: list[tuple[int, float]] = []
        for limit in UNFILTERED_FETCH_SIZES:
            pairs = self.vectors.find_nearest(vector, limit)
            best: dict[int, float] = {}
            for vector_id, similarity in pairs:
                best.setdefault(hash_key(owner_id(vector_id)), similarity)
            near_enough = self._take_similar(list(best.items()))
            rows = self.matrix.rows([key for key, _ in near_enough])
            nearest = []
            for key, similarity in near_enough:
                row = rows.get(key)
                if row and scope.admits(row.kind, row.channel):
                    nearest.append((key, similarity))
            is_exhausted = len(near_enough) < len(best) or len(pairs) < limit
            if len(nearest) >= MAX_PRECEDENTS or is_exhausted:
                break
        return nearest

    def _take_similar(self, nearest: ScoredKeys) -> ScoredKeys:
        min_similarity = MIN_WORD_SIMILARITY
        if self.embedder.is_semantic:
            min_similarity = MIN_MEANING_SIMILARITY
        return [(key, similarity) for key, similarity in nearest if similarity >= min_similarity]


class _MatchJudge:
    """Judges what answers a query, and whether it is like it."""

    def __init__(
        self, query: PrecedentQuery, codes: set[str], scale: RelevanceScale | None
    ) -> None:
        self._scope = query.scope
        self._codes = codes
        self._scale = scale
        self._question: WeighedWords | None = None
        if scale:
            self._question = scale.word_counts.weigh(distinct_keywords(query.keyword_text))

    def judge(self, entry: DecodedPrecedent, similarity: float | None) -> PrecedentMatch | None:
        """Return a precedent as a match; None when it does not answer."""
        precedent = entry.precedent
        if not self._scope.admits(precedent.kind, precedent.channel):
            return None
        # A common word makes no two cases alike; a common code does.
        if self._codes & entry.codes:
            return PrecedentMatch(precedent, is_like=True)
        if similarity is None:
            return None
        return PrecedentMatch(precedent, self._is_like(entry, similarity))

    def _is_like(self, entry: DecodedPrecedent, similarity: float) -> bool:
        if self._scale is None or self._question is None:
            return True
        signs = MatchSigns(similarity, self._question.coverage(entry.keywords))
        return self._scale.is_like(signs)


def _passages(change: StoredPrecedent) -> list[_Passage]:
    """Return what is embedded of a precedent."""
    texts = list_passages(change.precedent.signal_text)
    return [
        _Passage(
            id=passage_id(change.precedent.id, number),
            text=text,
            checksum=change.digest,
            is_whole=number == 0,
        )
        for number, text in enumerate(texts)
    ]


def _ids(changes: Iterable[StoredPrecedent]) -> list[str]:
    return [change.precedent.id for change in changes]
