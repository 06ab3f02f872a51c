"""The arrays of a model file, of which large ones are mapped."""

import mmap
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from knowledge.arrays import np

#: Smaller arrays are read at once.
MIN_MAPPED_BYTES = 500_000
# The header of a file in a zip archive: its length, and where the lengths of name and extra are.
_HEADER_BYTES = 30
_NAME_LENGTH = slice(26, 28)
_EXTRA_LENGTH = slice(28, 30)
_NPY_VERSION = (1, 0)


class ArrayFile(Mapping[str, Any]):
    """The arrays of an npz file by name.

    Arrays of floats that are large and not compressed are views of the file. Of a question they
    are asked a few hundred rows, so most of it never comes into memory, and processes share what
    does. The file must be replaced, never changed; an array outlives its replacement.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._archive.close()
        # Checking the arrays has brought all of them into memory.
        if hasattr(mmap, "MADV_DONTNEED"):
            self._content.madvise(mmap.MADV_DONTNEED)

    def __getitem__(self, name: str) -> Any:
        """Return an array.

        Raises:
            KeyError: there is none of this name.
            ValueError: it is damaged, or holds Python objects.
            zipfile.BadZipFile: it is damaged.
        """
        member = self._archive.getinfo(f"{name}.npy")
        if member.compress_type == zipfile.ZIP_STORED and member.file_size >= MIN_MAPPED_BYTES:
            array = self._map(member)
            if array is not None:
                return array
        with self._archive.open(member) as file:
            # By default it refuses Python objects.
            return np.lib.format.read_array(file)

    def __contains__(self, name: object) -> bool:
        return f"{name}.npy" in self._archive.NameToInfo

    def __iter__(self) -> Iterator[str]:
        return (name.removesuffix(".npy") for name in self._archive.namelist())

    def __len__(self) -> int:
        return len(self._archive.namelist())

    def _map(self, member: zipfile.ZipInfo) -> Any:
        """Return a view of an array of floats.

        None if it holds something else, or its format is not the usual one.
        """
        start = self._data_start(member)
        with memoryview(self._content) as content:
            checksum = zlib.crc32(content[start : start + member.file_size])
        if checksum != member.CRC:
            raise zipfile.BadZipFile(f"{member.filename} is damaged")
        with self._archive.open(member) as file:
            if np.lib.format.read_magic(file) != _NPY_VERSION:
                return None
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            header_size = file.tell()
        if dtype.kind != "f":
            return None
        array = np.frombuffer(
            self._content,
            dtype,
            count=prod(shape),
            offset=start + header_size,
        )
        return array.reshape(shape, order="F" if is_fortran else "C")

    def _data_start(self, member: zipfile.ZipInfo) -> int:
        header = self._content[member.header_offset : member.header_offset + _HEADER_BYTES]
        name_length = int.from_bytes(header[_NAME_LENGTH], "little")
        extra_length = int.from_bytes(header[_EXTRA_LENGTH], "little")
        return member.header_offset + _HEADER_BYTES + name_length + extra_length
