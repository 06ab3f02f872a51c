"""Rows of files, as the signals of a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TextIO

from bot.cases.signal import Signal
from bot.cases.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of a file: a signal, or why it is none."""

    line: int
    #: The row as it came, as JSON.
    raw: bytes = b""
    signal: Signal | None = None
    #: Why it cannot be read; empty for one that can.
    problem: str = ""
    #: The name of what its source leaves out; empty for a signal.
    ignored_event: str = ""


class RowReader(Protocol):
    """Read files."""

    def __call__(self, stream: TextIO, name: str, source: Source) -> Iterator[FileRow]:
        """Read an open file of this name.

        Raises:
            BadRequest: the file as a whole cannot be read.
        """
