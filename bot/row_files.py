"""Files of rows, read as the signals of a source."""

import json
from collections.abc import Iterator
from typing import TextIO, assert_never

from bot.cases.signal import Signal
from bot.cases.source import Source
from bot.ports.file_rows import FileRow
from handlers.intake.problem import Problem
from handlers.intake.reading import Ignored, Item
from handlers.intake.rows import parse_document, read_row
from knowledge.memory.row_file import BadRow, Row, read_open_rows

DOCUMENT_SUFFIX = ".json"


def read_signals(stream: TextIO, name: str, source: Source) -> Iterator[FileRow]:
    """Read an open file as the source's requests are read.

    Raises:
        BadRequest: a .json file is no JSON.
    """
    for line, row in read_file(stream, name):
        yield from read_signals_of_row(line, row, source)


def read_file(stream: TextIO, name: str) -> Iterator[tuple[int, Row | BadRow]]:
    """Read an open file row by row.

    A .json file is one row.

    Raises:
        BadRequest: a .json file is no JSON.
    """
    if name.lower().endswith(DOCUMENT_SUFFIX):
        yield 1, parse_document(stream.read(), name)
    else:
        yield from read_open_rows(stream, name)


def read_signals_of_row(line: int, row: Row | BadRow, source: Source) -> Iterator[FileRow]:
    """Read a row: usually one signal, and several of a document."""
    if isinstance(row, BadRow):
        yield FileRow(line=line, problem=row.reason)
        return
    raw = json.dumps(row).encode()
    for item in read_row(row, source):
        yield _file_row(line, item, raw)


def _file_row(line: int, item: Item, raw: bytes) -> FileRow:
    match item:
        case Signal():
            return FileRow(line=line, raw=raw, signal=item)
        case Problem():
            return FileRow(line=line, raw=raw, problem=item.detail)
        case Ignored():
            return FileRow(line=line, raw=raw, ignored_event=item.event)
        case _:
            assert_never(item)
