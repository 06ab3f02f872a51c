"""The matrix that cards search: every precedent with its vector.

A precedent has one vector, and one more for each piece of a long text; a search counts the best of
them. The search is exact. Rows of the mirror file are mapped; those that came since stand beside it
until the file is written again. There are no texts here: of what a search returns, few are decoded.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knowledge.memory.matrix_rows import (
    MatrixEntry,
    MirrorRows,
    Places,
    RecentRows,
    RowBlock,
    hash_key,
    short_checksum,
    to_microseconds,
)
from knowledge.memory.mirror_file import MirrorFolder, RowGroup
from knowledge.memory.pieces import passage_id
from knowledge.memory.precedent_query import Scope
from knowledge.memory.ranking import GOOD_OUTCOMES
from knowledge.memory.vectors import Vectors

# Rows beside the mirror, before it is written again: so many, or this part of all.
MIN_ADDED_ROWS = 1_000
MAX_ADDED_SHARE = 0.1
# Rows that are written at a time.
ROWS_PER_GROUP = 2_048
# The first of what is found are compared exactly; the order of those behind is right to the third
# digit of their similarity.
EXACT_ROWS = 24
# Places of the rows in a scope are kept for so many scopes, if there are so few.
MAX_CACHED_SCOPES = 64
MAX_CACHED_PLACES = 5_000
# Rows are kept in the form that searches return: the cases of a kind find the same again and again.
MAX_CACHED_ROWS = 2_000


class MatrixRow(NamedTuple):
    """A precedent without its texts."""

    id: str
    kind: str
    channel: str
    #: Microseconds since 1970.
    ended_at: int
    is_good: bool


class SelectedRows(NamedTuple):
    """The rows of a block that a search reads."""

    block: RowBlock
    places: Places
    #: Where the rows of each precedent begin among the places; None when each has one.
    starts: Places | None

    def nearest(self, vector: Vectors, limit: int) -> tuple[Places, Vectors]:
        """Return the best row of each near precedent, with its similarity."""
        similarities = self.block.rounded_similarities(self.places, vector)
        if self.starts is None:
            best = _best(similarities, limit)
        else:
            best = _best_pieces(similarities, self.starts, limit)
        head = best[:EXACT_ROWS]
        similarities[head] = self.block.exact_vectors(self.places[head]) @ vector
        return self.places[best], similarities[best]


Selection = list[SelectedRows]


class PrecedentMatrix:
    """Every stored precedent with its vector, mirrored in a file.

    One thread at a time may change it; any may search.
    """

    def __init__(self, folder: MirrorFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._names = _Names()
        self._mirror = MirrorRows.empty()
        self._recent = RecentRows()
        #: What is derived from the rows, and forgotten when they change.
        self._selections: dict[tuple[str, frozenset[str]], Selection] = {}
        self._described_rows: dict[int, MatrixRow] = {}
        #: The mirror was written by a release that knew no pieces.
        self._lacks_pieces = False
        #: The place of the last change of the store that is here.
        self.position = 0

    def load(self) -> bool:
        """Map the newest mirror file. Return whether there was one.

        One of an earlier release can be searched at once. Its place is that of an empty one, so
        that every change is looked at again, and what lacks pieces gets them.
        """
        mirror = self._folder.load()
        if mirror is None:
            return False
        with self._lock:
            self._names = _Names(mirror.names)
            self._mirror = MirrorRows(mirror)
            self._recent = RecentRows()
            self._forget_derived()
            self._lacks_pieces = mirror.lacks_pieces
            self.position = 0 if mirror.lacks_pieces else mirror.position
        return True

    def clear(self) -> None:
        """Forget everything, and remove the files."""
        self._folder.clear()
        with self._lock:
            self._names = _Names()
            self._mirror = MirrorRows.empty()
            self._recent = RecentRows()
            self._forget_derived()
            self._lacks_pieces = False
            self.position = 0

    def save_if_due(self) -> None:
        """Write the mirror file when much stands beside it."""
        limit = max(MIN_ADDED_ROWS, int(MAX_ADDED_SHARE * self._mirror.size))
        is_first = self._mirror.size == 0 or self._lacks_pieces
        if is_first or self._change_count() > limit:
            self.save()

    def save(self) -> None:
        """Write the mirror file when it differs, and map it."""
        if not (self._change_count() or self._lacks_pieces):
            return
        if not self.count_rows():
            self._folder.clear()
            return
        vector_size = self._recent.vector_size or self._mirror.vector_size
        self._folder.save(
            self._group_by_kind(),
            self._names.as_list(),
            position=self.position,
            shape=(self.count_rows(), vector_size),
        )
        position = self.position
        mirror = self._folder.load()
        if mirror is None or mirror.position != position:
            # The disk is full, or another process is ahead: what is in memory stays in use.
            return
        with self._lock:
            self._mirror = MirrorRows(mirror)
            self._recent = RecentRows()
            self._lacks_pieces = False
            self._forget_derived()

    def count(self) -> int:
        """Count the precedents."""
        return sum(len(block.whole_places()) for block in (self._mirror, self._recent))

    def count_rows(self) -> int:
        """Count the vectors of whole texts and of pieces."""
        return self._mirror.live_count() + self._recent.live_count()

    def holds(self, precedent_id: str, checksum: str, row_count: int = 1) -> bool:
        """Tell whether this content is here, in so many rows."""
        key = hash_key(precedent_id)
        location = self._locate(key)
        if location is None:
            return False
        block, place = location
        if int(block.rows["checksum"][place]) != short_checksum(checksum):
            return False
        return len(block.find_pieces(key)) == row_count

    def count_rows_of(self, precedent_id: str) -> int:
        """Count the rows of a precedent."""
        key = hash_key(precedent_id)
        location = self._locate(key)
        return len(location[0].find_pieces(key)) if location else 0

    def count_by_kind(self) -> dict[str, int]:
        """Count the precedents of each kind."""
        counts: Counter[str] = Counter()
        for block in (self._mirror, self._recent):
            numbers, sizes = np.unique(block.rows["kind"][block.whole_places()], return_counts=True)
            for number, size in zip(numbers.tolist(), sizes.tolist(), strict=True):
                counts[self._names.name(number)] += size
        return dict(counts)

    def sample(self, kind: str, size: int) -> dict[str, Vectors]:
        """Return the vectors of at most so many precedents by id.

        They are those of whole texts, of precedents evenly spread over the rows.
        """
        vectors: dict[str, Vectors] = {}
        with self._lock:
            blocks: list[RowBlock] = [self._mirror, self._recent]
            all_places = [self._whole_places_of(block, kind) for block in blocks]
            total = sum(map(len, all_places))
            numbers = np.linspace(0, total - 1, min(total, size)).astype(np.intp)
            for block, places in zip(blocks, all_places, strict=True):
                sample_places = places[numbers[(numbers >= 0) & (numbers < len(places))]]
                if len(sample_places):
                    ids = map(block.id_of, sample_places.tolist())
                    vectors |= zip(ids, block.exact_vectors(sample_places), strict=True)
                numbers = numbers - len(places)
        return vectors

    def list_ids(self) -> list[str]:
        """List the ids of all precedents."""
        ids = []
        for block in (self._mirror, self._recent):
            ids += list(map(block.id_of, block.whole_places().tolist()))
        return ids

    def list_vector_ids(self) -> list[str]:
        """List the ids of all vectors, those of pieces too."""
        ids = []
        for block in (self._mirror, self._recent):
            for place in np.flatnonzero(block.is_live).tolist():
                ids.append(passage_id(block.id_of(place), int(block.rows["piece"][place])))
        return ids

    def vectors_of(self, precedent_id: str) -> Vectors:
        """Return the vectors of a precedent, the whole text's first.

        Raises:
            KeyError: it is not here.
        """
        key = hash_key(precedent_id)
        location = self._locate(key)
        if location is None:
            raise KeyError(precedent_id)
        return location[0].exact_vectors(location[0].find_pieces(key))

    def update(
        self,
        entries: Sequence[MatrixEntry],
        removed_ids: Iterable[str],
        position: int,
    ) -> None:
        """Add, replace and remove precedents."""
        with self._lock:
            for precedent_id in removed_ids:
                self._remove(hash_key(precedent_id))
            for entry in entries:
                self._remove(hash_key(entry.precedent.id))
                self._recent.append(self._names.row(entry), entry)
            self._forget_derived()
            self.position = position

    def is_larger(self, scope: Scope, size: int) -> bool:
        """Tell whether a search in this scope reads more rows than this."""
        with self._lock:
            if self._mirror.size + self._recent.size <= size:
                return False
            return sum(len(rows.places) for rows in self._select(scope)) > size

    def find_nearest(self, vector: Vectors, scope: Scope, limit: int) -> list[tuple[int, float]]:
        """Find keys of precedents with their cosine similarity, the nearest first."""
        keys: list[NDArray[Any]] = []
        similarities: list[Vectors] = []
        with self._lock:
            for rows in self._select(scope):
                places, block_similarities = rows.nearest(vector, limit)
                keys.append(rows.block.rows["key"][places])
                similarities.append(block_similarities)
        if not keys:
            return []
        all_keys = np.concatenate(keys)
        all_similarities = np.concatenate(similarities)
        best = _best(all_similarities, limit)
        return list(zip(all_keys[best].tolist(), all_similarities[best].tolist(), strict=True))

    def rows(self, keys: Collection[int]) -> dict[int, MatrixRow]:
        """Return the rows under these keys, as far as they are here."""
        with self._lock:
            if len(self._described_rows) > MAX_CACHED_ROWS:
                self._described_rows.clear()
            described_rows = self._described_rows
            for block in (self._mirror, self._recent):
                missing_keys = [key for key in keys if key not in described_rows]
                if not missing_keys:
                    break
                places = block.find_all(missing_keys)
                for place, row in zip(places, block.rows[places].tolist(), strict=True):
                    described_rows[row[0]] = self._names.describe(block, place, row)
            return {key: described_rows[key] for key in keys if key in described_rows}

    def _whole_places_of(self, block: RowBlock, kind: str) -> Places:
        places = block.whole_places()
        return places[np.isin(block.rows["kind"][places], self._names.numbers([kind]))]

    def _forget_derived(self) -> None:
        self._selections.clear()
        self._described_rows.clear()

    def _locate(self, key: int) -> tuple[RowBlock, int] | None:
        for block in (self._recent, self._mirror):
            place = block.find(key)
            if place is not None:
                return block, place
        return None

    def _change_count(self) -> int:
        """Count the rows that differ from those of the file."""
        return self._recent.size + self._mirror.size - self._mirror.live_count()

    def _remove(self, key: int) -> None:
        location = self._locate(key)
        if location:
            block, _ = location
            block.is_live[block.find_pieces(key)] = False

    def _select(self, scope: Scope) -> Selection:
        """Return the places of the rows in this scope, by block."""
        key = (scope.kind, frozenset(scope.channels))
        selection = self._selections.get(key)
        if selection is None:
            selection = list(self._find_places(scope))
            if sum(len(rows.places) for rows in selection) <= MAX_CACHED_PLACES:
                if len(self._selections) >= MAX_CACHED_SCOPES:
                    self._selections.clear()
                self._selections[key] = selection
        return selection

    def _find_places(self, scope: Scope) -> Iterator[SelectedRows]:
        channels = self._names.numbers(scope.channels)
        kinds = self._names.numbers([scope.kind])
        if not channels or (scope.kind and not kinds):
            return
        for block in (self._mirror, self._recent):
            if not block.size:
                continue
            is_inside = block.is_live.copy()
            if scope.kind:
                is_inside &= block.rows["kind"] == kinds[0]
            places = np.flatnonzero(is_inside)
            places = places[np.isin(block.rows["channel"][places], channels)]
            yield SelectedRows(block, places, _find_starts(block, places))

    def _group_by_kind(self) -> Iterator[RowGroup]:
        """Yield the rows by kind, so that searches read few pages."""
        for number in range(len(self._names.as_list())):
            for block in (self._mirror, self._recent):
                is_of_kind = block.is_live & (block.rows["kind"] == number)
                all_places = np.flatnonzero(is_of_kind)
                for start in range(0, len(all_places), ROWS_PER_GROUP):
                    places = all_places[start : start + ROWS_PER_GROUP]
                    ids = list(map(block.id_of, places.tolist()))
                    yield RowGroup(block.exact_vectors(places), block.rows[places], ids)


class _Names:
    """The names of kinds and channels, which rows have by number."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = list(names)
        self._numbers = {name: number for number, name in enumerate(self._names)}

    def as_list(self) -> list[str]:
        return list(self._names)

    def name(self, number: int) -> str:
        return self._names[number]

    def number(self, name: str) -> int:
        """Return the number of this name, a new one if need be."""
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    def numbers(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of those names that have one."""
        return [self._numbers[name] for name in names if name in self._numbers]

    def row(self, entry: MatrixEntry) -> tuple[Any, ...]:
        """Return the row of an entry, but for its piece.

        Names that are new get numbers.
        """
        precedent = entry.precedent
        return (
            hash_key(precedent.id),
            short_checksum(entry.checksum),
            to_microseconds(precedent.ended_at),
            self.number(precedent.kind),
            self.number(precedent.channel),
            precedent.outcome in GOOD_OUTCOMES,
        )

    def describe(
        self,
        block: RowBlock,
        place: int,
        row: tuple[Any, ...],
    ) -> MatrixRow:
        """Return a row of a block with its names."""
        _, _, ended_at, kind, channel, is_good, _ = row
        return MatrixRow(
            id=block.id_of(place),
            kind=self.name(kind),
            channel=self.name(channel),
            ended_at=ended_at,
            is_good=is_good,
        )


def _find_starts(block: RowBlock, places: Places) -> Places | None:
    """Find where each precedent begins; None when none has several rows."""
    is_whole = block.rows["piece"][places] == 0
    return None if is_whole.all() else np.flatnonzero(is_whole)


def _best_pieces(similarities: Vectors, starts: Places, limit: int) -> Places:
    """Return the best place of each near precedent, the best first."""
    best = _best(np.maximum.reduceat(similarities, starts), limit)
    ends = np.append(starts[1:], len(similarities))
    places = [
        start + int(np.argmax(similarities[start:end]))
        for start, end in zip(starts[best].tolist(), ends[best].tolist(), strict=True)
    ]
    return np.array(places, np.intp)


def _best(similarities: Vectors, limit: int) -> Places:
    """Return the places of the highest similarities, the best first."""
    places = np.arange(len(similarities))
    if len(similarities) > limit:
        places = np.sort(np.argpartition(-similarities, limit)[:limit])
    # Stable: of equals the one that was added first comes first.
    return places[np.argsort(-similarities[places], kind="stable")]
