"""The mirror: rows and vectors of precedents in mapped files.

A start maps it instead of reading every precedent, and all processes of a machine share its pages.
It is written whole and never changed, in a folder named by the place of its last change. What is
damaged, or of another embedder, is not loaded: it can be made again.
"""

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from knowledge.memory.vectors import Vectors

# 2: pieces of long texts.
FORMAT = 2
# Its rows are those of whole texts. They are searched until the pieces are there too.
WHOLE_TEXTS_FORMAT = 1
FOLDER_PREFIX = "mirror-"
PART_PREFIX = "part-"
MANIFEST = "manifest.json"
HIGH_HALVES = "high_halves.npy"
LOW_HALVES = "low_halves"
ARRAYS = (HIGH_HALVES, "rows.npy", "id_text.npy", "id_ends.npy")
CHECKSUM_CHUNK_BYTES = 1 << 20
HALF_BYTES = 2
# Rows that are multiplied at a time: their floats stay in the processor's cache.
CHUNK_ROWS = 512
# Exact vectors that are kept, a kilobyte each: the cases of a kind find the same again and again.
MAX_CACHED_VECTORS = 1_000
# More at a time are not kept: they are read to be written elsewhere.
MAX_CACHED_READ = 64
ROW_TYPE = np.dtype(
    [
        ("key", "<u8"),
        ("checksum", "<u8"),
        ("ended_at", "<i8"),
        ("kind", "<u4"),
        ("channel", "<u4"),
        ("is_good", "?"),
        # 0 is the whole text.
        ("piece", "<u2"),
    ]
)
Rows = NDArray[Any]
"""Rows of ``ROW_TYPE``: hashes of id and content, microseconds, numbers of kind, channel, piece."""


class SplitVectors:
    """Vectors whose floats are stored in two halves.

    The upper 16 bits are mapped: rounded floats that tell the nearest apart, in half the memory.
    The lower ones are read for few rows, which makes these exact.
    """

    def __init__(self, high_halves: NDArray[np.uint16], low_halves: Path | None) -> None:
        self._high_halves = high_halves
        self._buffer = np.empty((CHUNK_ROWS, high_halves.shape[1]), np.uint32)
        #: The vectors that were made exact last.
        self._exact_vectors: dict[int, Vectors] = {}
        self._low_file = -1
        if low_halves:
            self._low_file = os.open(low_halves, os.O_RDONLY)

    def __del__(self) -> None:
        if self._low_file >= 0:
            os.close(self._low_file)

    @property
    def size(self) -> int:
        """Return how many numbers a vector has."""
        return int(self._high_halves.shape[1])

    def multiply(self, places: NDArray[np.intp], vector: Vectors) -> Vectors:
        """Multiply rows with a vector, right to the third digit.

        One thread at a time may do so.
        """
        products = np.empty(len(places), np.float32)
        for start in range(0, len(places), CHUNK_ROWS):
            chunk = places[start : start + CHUNK_ROWS]
            # Fresh memory for each chunk would cost more than the multiplication.
            bits = self._buffer[: len(chunk)]
            bits[:] = self._high_rows(chunk)
            bits <<= 16
            np.dot(bits.view(np.float32), vector, out=products[start : start + len(chunk)])
        return products

    def _high_rows(self, places: NDArray[np.intp]) -> NDArray[np.uint16]:
        first = int(places[0])
        last = int(places[-1])
        if last - first + 1 == len(places):
            return self._high_halves[first : last + 1]
        return self._high_halves[places]

    def exact(self, places: NDArray[np.intp]) -> Vectors:
        """Return vectors as they were written.

        Raises:
            ValueError: the file was cut off since.
        """
        numbers = places.tolist()
        if not 0 < len(numbers) <= MAX_CACHED_READ:
            return self._read_exact(places)
        # Replaced rather than emptied: another thread may be looking at it.
        vectors = self._exact_vectors
        if len(vectors) > MAX_CACHED_VECTORS:
            vectors = self._exact_vectors = {}
        missing = [number for number in numbers if number not in vectors]
        if missing:
            vectors.update(zip(missing, self._read_exact(np.array(missing)), strict=True))
        rows = [vectors[number] for number in numbers]
        return np.concatenate(rows).reshape(len(rows), self.size)

    def _read_exact(self, places: NDArray[np.intp]) -> Vectors:
        row_bytes = HALF_BYTES * self.size
        parts = [
            os.pread(self._low_file, row_bytes, place * row_bytes) for place in places.tolist()
        ]
        low_halves = np.frombuffer(b"".join(parts), "<i2").reshape(len(places), self.size)
        bits = (self._high_halves[places].astype(np.int64) << 16) + low_halves
        vectors: Vectors = bits.astype(np.uint32).view(np.float32)
        return vectors


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows that are written one after the other."""

    vectors: Vectors
    rows: Rows
    ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """The content of one file."""

    #: The place of the last change of the store that it holds.
    position: int
    #: Names of kinds and channels by their number.
    names: Sequence[str]
    vectors: SplitVectors
    rows: Rows
    #: The ids as UTF-8, one after the other, and where each ends.
    id_text: NDArray[np.uint8]
    id_ends: NDArray[np.uint32]
    #: It was written by a release that knew no pieces: long texts lack rows.
    lacks_pieces: bool = False

    def id_of(self, place: int) -> str:
        """Return the id of the precedent in this row."""
        start = int(self.id_ends[place - 1]) if place else 0
        return decode_id(self.id_text[start : int(self.id_ends[place])].tobytes())


class MirrorFolder:
    """The mirror files of one embedder in the folder of memory."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._folder = folder
        self._identity = identity
        self._lock = FileLock(folder / "mirror.lock")

    def load(self) -> Mirror | None:
        """Map the newest file that is whole; None when there is none."""
        for path in self._list_newest_first():
            try:
                return self._load(path)
            except (OSError, ValueError, KeyError, TypeError):
                # Another process may have removed it; a damaged one is written over.
                continue
        return None

    def save(
        self,
        groups: Iterable[RowGroup],
        names: Sequence[str],
        position: int,
        shape: tuple[int, int],
    ) -> None:
        """Write a file with vectors of this shape, and remove older ones.

        While another process does so, nothing happens.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with self._lock.acquire(timeout=0):
                self._save(groups, names, position=position, shape=shape)
        except Timeout:
            return

    def clear(self) -> None:
        """Remove all files."""
        for path in self._list_newest_first():
            shutil.rmtree(path, ignore_errors=True)

    def _save(
        self,
        groups: Iterable[RowGroup],
        names: Sequence[str],
        *,
        position: int,
        shape: tuple[int, int],
    ) -> None:
        for path in self._folder.glob(f"{PART_PREFIX}*"):
            # Of a process that died while it wrote: nobody else holds the lock.
            shutil.rmtree(path, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=PART_PREFIX, dir=self._folder))
        _write_arrays(part, groups, shape)
        manifest = {
            "format": FORMAT,
            "embedder": self._identity,
            "position": position,
            "names": list(names),
            "checksums": {name: _checksum(part / name) for name in (*ARRAYS, LOW_HALVES)},
        }
        (part / MANIFEST).write_text(json.dumps(manifest))
        target = self._folder / f"{FOLDER_PREFIX}{position}"
        # One that stands there is of the same place, and perhaps damaged.
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
        for path in self._list_newest_first():
            if _position(path) < position:
                shutil.rmtree(path, ignore_errors=True)

    def _load(self, path: Path) -> Mirror:
        """Map one file.

        Raises:
            ValueError: it is damaged, of another format, or of another embedder.
        """
        manifest = json.loads((path / MANIFEST).read_text())
        lacks_pieces = manifest["format"] == WHOLE_TEXTS_FORMAT
        is_readable = lacks_pieces or manifest["format"] == FORMAT
        if not is_readable or manifest["embedder"] != self._identity:
            raise ValueError(f"{path.name} is of another format or embedder")
        for name in (*ARRAYS, LOW_HALVES):
            if _checksum(path / name) != manifest["checksums"][name]:
                raise ValueError(f"{path.name}/{name} is damaged")
        high_halves, rows, id_text, id_ends = (_map(path / name) for name in ARRAYS)
        return Mirror(
            position=int(manifest["position"]),
            names=tuple(manifest["names"]),
            vectors=SplitVectors(high_halves, path / LOW_HALVES),
            rows=_add_piece_numbers(rows) if lacks_pieces else rows,
            id_text=id_text,
            id_ends=id_ends,
            lacks_pieces=lacks_pieces,
        )

    def _list_newest_first(self) -> list[Path]:
        paths = [path for path in self._folder.glob(f"{FOLDER_PREFIX}*") if _position(path) >= 0]
        return sorted(paths, key=_position, reverse=True)


def encode_id(precedent_id: str) -> bytes:
    """Encode any id, also one with half a surrogate pair."""
    return precedent_id.encode("utf-8", "surrogatepass")


def decode_id(text: bytes) -> str:
    """Decode an encoded id."""
    return text.decode("utf-8", "surrogatepass")


def _write_arrays(folder: Path, groups: Iterable[RowGroup], shape: tuple[int, int]) -> None:
    high_halves = np.lib.format.open_memmap(
        folder / HIGH_HALVES, mode="w+", dtype=np.uint16, shape=shape
    )
    rows: list[Rows] = []
    ids: list[bytes] = []
    with (folder / LOW_HALVES).open("wb") as file:
        for group in groups:
            high, low = _split(group.vectors)
            high_halves[len(ids) : len(ids) + len(high)] = high
            file.write(low.tobytes())
            rows.append(group.rows)
            ids += map(encode_id, group.ids)
    high_halves.flush()
    id_ends = np.cumsum(list(map(len, ids)), dtype=np.uint32)
    np.save(folder / "rows.npy", np.concatenate(rows))
    np.save(folder / "id_text.npy", np.frombuffer(b"".join(ids), np.uint8))
    np.save(folder / "id_ends.npy", id_ends)


def _split(vectors: Vectors) -> tuple[NDArray[np.uint16], NDArray[np.int16]]:
    """Split floats into rounded upper halves and the rest."""
    bits = np.ascontiguousarray(vectors, np.float32).view(np.uint32).astype(np.int64)
    high = (bits + 0x8000) >> 16
    return high.astype(np.uint16), (bits - (high << 16)).astype("<i2")


def _add_piece_numbers(old_rows: Rows) -> Rows:
    """Take rows of whole texts into the form of this release."""
    rows = np.zeros(len(old_rows), ROW_TYPE)
    for name in old_rows.dtype.names or ():
        rows[name] = old_rows[name]
    return rows


def _map(path: Path) -> NDArray[Any]:
    # A plain view of the map: the subclass costs time at every use.
    return np.asarray(np.load(path, mmap_mode="r"))


def _checksum(path: Path) -> int:
    """Compute the CRC-32 of a file without mapping it."""
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(CHECKSUM_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _position(path: Path) -> int:
    """Return the place in the name of a folder, or -1."""
    number = path.name.removeprefix(FOLDER_PREFIX)
    return int(number) if number.isdecimal() else -1
