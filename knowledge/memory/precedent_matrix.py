"""The matrix that cards search: every precedent with its vector.

The search is exact. Rows of the mirror file are mapped; those that came since stand beside it until
the file is written again. There are no texts here: of what a search returns, few are decoded.
"""

import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.cases.precedent import Precedent
from knowledge.memory.mirror_file import (
    ROW_TYPE,
    Mirror,
    MirrorFolder,
    RowGroup,
    Rows,
    SplitVectors,
    encode_id,
)
from knowledge.memory.ranking import GOOD_OUTCOMES
from knowledge.memory.vectors import Vectors

# Rows beside the mirror, before it is written again: so many, or this part of all.
MIN_ADDED_ROWS = 1_000
MAX_ADDED_SHARE = 0.1
# The first of what is found are compared exactly; the order of those behind is right to the third
# digit of their similarity.
EXACT_ROWS = 24
FIRST_CAPACITY = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scope:
    """The precedents that a search may find."""

    #: Empty for any.
    kind: str
    channels: Collection[str]

    def admits(self, kind: str, channel: str) -> bool:
        """Tell whether a precedent of this kind and channel may be found."""
        return self.kind in {"", kind} and channel in self.channels


class MatrixRow(NamedTuple):
    """A precedent without its texts."""

    id: str
    kind: str
    channel: str
    #: Microseconds since 1970.
    ended_at: int
    is_good: bool


class MatrixEntry(NamedTuple):
    """A precedent to add, with the checksum of its content and its vector."""

    precedent: Precedent
    checksum: str
    vector: Vectors


class PrecedentMatrix:
    """Every stored precedent with its vector, mirrored in a file.

    One thread at a time may change it; any may search.
    """

    def __init__(self, folder: MirrorFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._names = _Names()
        self._mapped = _MappedRows.empty()
        self._added = _AddedRows()
        #: The place of the last change of the store that is here.
        self.position = 0

    def load(self) -> bool:
        """Map the newest mirror file. Return whether there was one."""
        mirror = self._folder.load()
        if mirror is None:
            return False
        with self._lock:
            self._names = _Names(mirror.names)
            self._mapped = _MappedRows(mirror)
            self._added = _AddedRows()
            self.position = mirror.position
        return True

    def clear(self) -> None:
        """Forget everything, and remove the files."""
        self._folder.clear()
        with self._lock:
            self._names = _Names()
            self._mapped = _MappedRows.empty()
            self._added = _AddedRows()
            self.position = 0

    def save_if_due(self) -> None:
        """Write the mirror file when much stands beside it."""
        limit = max(MIN_ADDED_ROWS, int(MAX_ADDED_SHARE * self._mapped.size))
        if self._mapped.size == 0 or self._change_count() > limit:
            self.save()

    def save(self) -> None:
        """Write the mirror file when it differs, and map it."""
        if not self._change_count():
            return
        if not self.count():
            self._folder.clear()
            return
        self._folder.save(
            list(self._group_by_kind()),
            self._names.as_list(),
            position=self.position,
            vector_size=self._added.vector_size or self._mapped.vector_size,
        )
        position = self.position
        mirror = self._folder.load()
        if mirror is None or mirror.position != position:
            # The disk is full, or another process is ahead: what is in memory stays in use.
            return
        with self._lock:
            self._mapped = _MappedRows(mirror)
            self._added = _AddedRows()

    def count(self) -> int:
        """Count the precedents."""
        return self._mapped.live_count() + self._added.live_count()

    def holds(self, precedent_id: str, checksum: str) -> bool:
        """Tell whether this precedent is here with this content."""
        location = self._locate(hash_key(precedent_id))
        if location is None:
            return False
        block, place = location
        return int(block.rows["checksum"][place]) == short_checksum(checksum)

    def list_ids(self) -> list[str]:
        """List the ids of all precedents."""
        ids = []
        for block in (self._mapped, self._added):
            ids += list(map(block.id_of, np.flatnonzero(block.is_live).tolist()))
        return ids

    def vectors_of(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of precedents that are here.

        Raises:
            KeyError: one is not here.
        """
        vectors = []
        for precedent_id in ids:
            block, place = self._locate(hash_key(precedent_id)) or (None, 0)
            if block is None:
                raise KeyError(precedent_id)
            vectors.append(block.exact_vectors(np.array([place]))[0])
        return np.array(vectors, np.float32)

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
                self._added.append(self._row(entry), entry)
            self.position = position

    def is_larger(self, scope: Scope, size: int) -> bool:
        """Tell whether a search in this scope reads more rows than this."""
        with self._lock:
            if self._mapped.size + self._added.size <= size:
                return False
            return sum(len(places) for _, places in self._select(scope)) > size

    def find_nearest(self, vector: Vectors, scope: Scope, limit: int) -> list[tuple[int, float]]:
        """Find keys of precedents with their cosine similarity, the nearest first."""
        keys: list[NDArray[Any]] = []
        similarities: list[Vectors] = []
        with self._lock:
            for block, places in self._select(scope):
                block_similarities = block.rounded_similarities(places, vector)
                best = _best(block_similarities, limit)
                head = best[:EXACT_ROWS]
                block_similarities[head] = block.exact_vectors(places[head]) @ vector
                keys.append(block.rows["key"][places[best]])
                similarities.append(block_similarities[best])
        if not keys:
            return []
        all_keys = np.concatenate(keys)
        all_similarities = np.concatenate(similarities)
        best = _best(all_similarities, limit)
        return list(zip(all_keys[best].tolist(), all_similarities[best].tolist(), strict=True))

    def rows(self, keys: Collection[int]) -> dict[int, MatrixRow]:
        """Return the rows under these keys, as far as they are here."""
        rows: dict[int, MatrixRow] = {}
        with self._lock:
            for block in (self._mapped, self._added):
                places = block.find_all([key for key in keys if key not in rows])
                for place, row in zip(places, block.rows[places].tolist(), strict=True):
                    rows[row[0]] = self._describe(block, place, row)
        return rows

    def _locate(self, key: int) -> tuple["_MappedRows | _AddedRows", int] | None:
        for block in (self._added, self._mapped):
            place = block.find(key)
            if place is not None:
                return block, place
        return None

    def _change_count(self) -> int:
        """Count the rows that differ from those of the file."""
        return self._added.size + self._mapped.size - self._mapped.live_count()

    def _remove(self, key: int) -> None:
        location = self._locate(key)
        if location:
            block, place = location
            block.is_live[place] = False

    def _row(self, entry: MatrixEntry) -> tuple[Any, ...]:
        precedent = entry.precedent
        return (
            hash_key(precedent.id),
            short_checksum(entry.checksum),
            to_microseconds(precedent.ended_at),
            self._names.number(precedent.kind),
            self._names.number(precedent.channel),
            precedent.outcome in GOOD_OUTCOMES,
        )

    def _describe(
        self,
        block: "_MappedRows | _AddedRows",
        place: int,
        row: tuple[Any, ...],
    ) -> MatrixRow:
        _, _, ended_at, kind, channel, is_good = row
        return MatrixRow(
            id=block.id_of(place),
            kind=self._names.name(kind),
            channel=self._names.name(channel),
            ended_at=ended_at,
            is_good=is_good,
        )

    def _select(self, scope: Scope) -> Iterator[tuple["_MappedRows | _AddedRows", Places]]:
        """Yield the places of the rows in this scope, by block."""
        channels = self._names.numbers(scope.channels)
        kinds = self._names.numbers([scope.kind])
        if not channels or (scope.kind and not kinds):
            return
        for block in (self._mapped, self._added):
            if not block.size:
                continue
            is_inside = block.is_live.copy()
            if scope.kind:
                is_inside &= block.rows["kind"] == kinds[0]
            places = np.flatnonzero(is_inside)
            yield block, places[np.isin(block.rows["channel"][places], channels)]

    def _group_by_kind(self) -> Iterator[RowGroup]:
        """Yield the rows of each kind: a search then reads pages that lie together."""
        for number in range(len(self._names.as_list())):
            for block in (self._mapped, self._added):
                is_of_kind = block.is_live & (block.rows["kind"] == number)
                places = np.flatnonzero(is_of_kind)
                if len(places):
                    ids = list(map(block.id_of, places.tolist()))
                    yield RowGroup(block.exact_vectors(places), block.rows[places], ids)


class _Names:
    """Names by number, and numbers by name."""

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


class _MappedRows:
    """The rows of the mirror file. Nothing but ``is_live`` changes."""

    def __init__(self, mirror: Mirror) -> None:
        self.rows = mirror.rows
        self.size = len(self.rows)
        self.vector_size = mirror.vectors.size
        self._vectors = mirror.vectors
        self.is_live = np.ones(self.size, np.bool_)
        self.id_of = mirror.id_of
        self._places = np.argsort(self.rows["key"]).astype(np.uint32)
        self._keys = self.rows["key"][self._places]

    @classmethod
    def empty(cls) -> "_MappedRows":
        """Make one without rows."""
        mirror = Mirror(
            position=0,
            names=(),
            vectors=SplitVectors(np.empty((0, 0), np.uint16), None),
            rows=np.empty(0, ROW_TYPE),
            id_text=np.empty(0, np.uint8),
            id_ends=np.empty(0, np.uint32),
        )
        return cls(mirror)

    def live_count(self) -> int:
        return int(np.count_nonzero(self.is_live))

    def rounded_similarities(self, places: Places, vector: Vectors) -> Vectors:
        """Multiply the rows in these places with a vector, right to the third digit."""
        return self._vectors.multiply(places, vector)

    def exact_vectors(self, places: Places) -> Vectors:
        return self._vectors.exact(places)

    def find(self, key: int) -> int | None:
        """Return the place of the row under this key, unless it was replaced or removed."""
        number = int(np.searchsorted(self._keys, np.uint64(key)))
        if number == self.size or int(self._keys[number]) != key:
            return None
        place = int(self._places[number])
        return place if self.is_live[place] else None

    def find_all(self, keys: Sequence[int]) -> list[int]:
        """Return the places of the rows under these keys, as far as they are here."""
        if not self.size:
            return []
        wanted_keys = np.array(keys, np.uint64)
        numbers = np.minimum(np.searchsorted(self._keys, wanted_keys), self.size - 1)
        places = self._places[numbers[self._keys[numbers] == wanted_keys]]
        live_places: list[int] = places[self.is_live[places]].tolist()
        return live_places


class _AddedRows:
    """Rows that came after the mirror file was written."""

    def __init__(self) -> None:
        self.size = 0
        self._all_vectors: Vectors = np.empty((0, 0), np.float32)
        self._all_rows: Rows = np.empty(0, ROW_TYPE)
        self._all_live = np.empty(0, np.bool_)
        self._ids: list[str] = []
        self._places: dict[int, int] = {}

    @property
    def vector_size(self) -> int:
        return int(self._all_vectors.shape[1])

    @property
    def rows(self) -> Rows:
        return self._all_rows[: self.size]

    @property
    def is_live(self) -> NDArray[np.bool_]:
        return self._all_live[: self.size]

    def live_count(self) -> int:
        return int(np.count_nonzero(self.is_live))

    def rounded_similarities(self, places: Places, vector: Vectors) -> Vectors:
        """Multiply the rows in these places with a vector; these are exact."""
        return self._all_vectors[places] @ vector

    def exact_vectors(self, places: Places) -> Vectors:
        return self._all_vectors[places]

    def id_of(self, place: int) -> str:
        return self._ids[place]

    def find(self, key: int) -> int | None:
        """Return the place of the latest row under this key, unless it was removed."""
        place = self._places.get(key)
        if place is None or not self._all_live[place]:
            return None
        return place

    def find_all(self, keys: Sequence[int]) -> list[int]:
        """Return the places of the latest rows under these keys, as far as they are here."""
        places = map(self.find, keys)
        return [place for place in places if place is not None]

    def append(self, row: tuple[Any, ...], entry: MatrixEntry) -> None:
        if self.size == len(self._all_rows):
            self._grow(len(entry.vector))
        self._all_vectors[self.size] = entry.vector
        self._all_rows[self.size] = row
        self._all_live[self.size] = True
        self._ids.append(entry.precedent.id)
        self._places[row[0]] = self.size
        self.size += 1

    def _grow(self, vector_size: int) -> None:
        capacity = max(FIRST_CAPACITY, 2 * self.size)
        vectors = np.empty((capacity, vector_size), np.float32)
        rows = np.empty(capacity, ROW_TYPE)
        is_live = np.zeros(capacity, np.bool_)
        if self.size:
            vectors[: self.size] = self._all_vectors[: self.size]
            rows[: self.size] = self.rows
            is_live[: self.size] = self.is_live
        self._all_vectors = vectors
        self._all_rows = rows
        self._all_live = is_live


def hash_key(precedent_id: str) -> int:
    """Return the number under which indexes keep this id."""
    digest = hashlib.blake2b(encode_id(precedent_id), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def short_checksum(checksum: str) -> int:
    """Shorten the checksum of a precedent to 64 bits."""
    return hash_key(checksum)


def to_microseconds(at: datetime) -> int:
    """Return the microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def _best(similarities: Vectors, limit: int) -> Places:
    """Return the places of the highest similarities, the best first."""
    places = np.arange(len(similarities))
    if len(similarities) > limit:
        places = np.sort(np.argpartition(-similarities, limit)[:limit])
    # Stable: of equals the one that was added first comes first.
    return places[np.argsort(-similarities[places], kind="stable")]
