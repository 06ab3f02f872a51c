"""The rows of the matrix: mirrored ones, and those since.

A precedent has one row, and one more for each piece of a long text: they stand one after the other,
that of the whole text first.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bot.cases.precedent import Precedent
from knowledge.memory.mirror_file import ROW_TYPE, Mirror, Rows, SplitVectors, encode_id
from knowledge.memory.vectors import Vectors

FIRST_CAPACITY = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Places = NDArray[np.intp]


class MatrixEntry(NamedTuple):
    """A precedent to add, with its checksum and its vectors."""

    precedent: Precedent
    checksum: str
    #: That of the whole text.
    vector: Vectors
    #: Those of the pieces of a long text.
    piece_vectors: Sequence[Vectors] = ()


class MirrorRows:
    """The rows of the mirror file. Nothing but ``is_live`` changes."""

    def __init__(self, mirror: Mirror) -> None:
        self.rows = mirror.rows
        self.size = len(self.rows)
        self.vector_size = mirror.vectors.size
        self._vectors = mirror.vectors
        self.is_live = np.ones(self.size, np.bool_)
        self.id_of = mirror.id_of
        # Stable: the whole text stays before its pieces.
        self._places = np.argsort(self.rows["key"], kind="stable").astype(np.uint32)
        self._keys = self.rows["key"][self._places]

    @classmethod
    def empty(cls) -> "MirrorRows":
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

    def whole_places(self) -> Places:
        """Return the places of whole texts, one for each precedent."""
        return np.flatnonzero(self.is_live & (self.rows["piece"] == 0))

    def rounded_similarities(self, places: Places, vector: Vectors) -> Vectors:
        """Multiply rows with a vector, right to the third digit."""
        return self._vectors.multiply(places, vector)

    def exact_vectors(self, places: Places) -> Vectors:
        return self._vectors.exact(places)

    def find(self, key: int) -> int | None:
        """Return the place of the whole text under this key."""
        number = int(np.searchsorted(self._keys, np.uint64(key)))
        if number == self.size or int(self._keys[number]) != key:
            return None
        place = int(self._places[number])
        return place if self.is_live[place] else None

    def find_pieces(self, key: int) -> Places:
        """Return the places of all live rows under this key."""
        sides = [np.searchsorted(self._keys, np.uint64(key), side) for side in ("left", "right")]
        places = self._places[sides[0] : sides[1]].astype(np.intp)
        return places[self.is_live[places]]

    def find_all(self, keys: Sequence[int]) -> list[int]:
        """Return the places of the whole texts under these keys."""
        if not self.size:
            return []
        wanted_keys = np.array(keys, np.uint64)
        numbers = np.minimum(np.searchsorted(self._keys, wanted_keys), self.size - 1)
        places = self._places[numbers[self._keys[numbers] == wanted_keys]]
        live_places: list[int] = places[self.is_live[places]].tolist()
        return live_places


class RecentRows:
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

    def whole_places(self) -> Places:
        """Return the places of whole texts, one for each precedent."""
        return np.flatnonzero(self.is_live & (self.rows["piece"] == 0))

    def rounded_similarities(self, places: Places, vector: Vectors) -> Vectors:
        """Multiply the rows in these places with a vector; these are exact."""
        return self._all_vectors[places] @ vector

    def exact_vectors(self, places: Places) -> Vectors:
        return self._all_vectors[places]

    def id_of(self, place: int) -> str:
        return self._ids[place]

    def find(self, key: int) -> int | None:
        """Return the place of the whole text under this key."""
        place = self._places.get(key)
        if place is None or not self._all_live[place]:
            return None
        return place

    def find_pieces(self, key: int) -> Places:
        """Return the places of all live rows under this key."""
        first = self.find(key)
        if first is None:
            return np.empty(0, np.intp)
        end = first + 1
        while end < self.size and self._all_rows["piece"][end]:
            end += 1
        return np.arange(first, end)

    def find_all(self, keys: Sequence[int]) -> list[int]:
        """Return the places of the whole texts under these keys."""
        places = map(self.find, keys)
        return [place for place in places if place is not None]

    def append(self, row: tuple[Any, ...], entry: MatrixEntry) -> None:
        """Add a precedent; ``row`` is that of its whole text."""
        self._places[row[0]] = self.size
        for number, vector in enumerate([entry.vector, *entry.piece_vectors]):
            self._append((*row, number), vector, entry.precedent.id)

    def _append(self, row: tuple[Any, ...], vector: Vectors, precedent_id: str) -> None:
        if self.size == len(self._all_rows):
            self._grow(len(vector))
        self._all_vectors[self.size] = vector
        self._all_rows[self.size] = row
        self._all_live[self.size] = True
        self._ids.append(precedent_id)
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


RowBlock: TypeAlias = MirrorRows | RecentRows


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
