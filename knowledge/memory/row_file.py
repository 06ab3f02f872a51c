"""Rows of a CSV or JSON-lines file, read one at a time."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

MAX_ROW_CHARACTERS = 1_000_000
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, by its line in the file."""

    line: int
    reason: str


def read_rows(path: Path) -> Iterator[tuple[int, Row | BadRow]]:
    """Read a file as pairs of line number and row.

    A line that cannot be read is a bad row.
    """
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from read_open_rows(file, path.name)


def read_open_rows(file: TextIO, name: str) -> Iterator[tuple[int, Row | BadRow]]:
    """Read the rows of an open file, CSV or JSON lines."""
    if name.lower().endswith(".csv"):
        yield from _read_csv(file, name)
    else:
        yield from _read_json_lines(file)


def _read_csv(file: TextIO, name: str) -> Iterator[tuple[int, Row | BadRow]]:
    csv.field_size_limit(MAX_ROW_CHARACTERS)
    reader = csv.DictReader(file)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, BadRow(reader.line_num, str(error))
            continue
        # DictReader keeps the cells beyond the header under None.
        extra_cells = row.pop(None, [])
        if extra_cells:
            reason = f"has {len(extra_cells)} more cells than the header of {name}"
            yield reader.line_num, BadRow(reader.line_num, reason)
            continue
        yield reader.line_num, row


def _read_json_lines(file: TextIO) -> Iterator[tuple[int, Row | BadRow]]:
    number = 0
    while line := file.readline(MAX_ROW_CHARACTERS + 1):
        number += 1
        if len(line) > MAX_ROW_CHARACTERS:
            _skip_rest_of_line(file, line)
            yield number, BadRow(number, f"longer than {MAX_ROW_CHARACTERS:,} characters")
        elif line.strip():
            yield number, _parse_json_row(line, number)


def _skip_rest_of_line(file: TextIO, beginning: str) -> None:
    part = beginning
    while part and not part.endswith("\n"):
        part = file.readline(MAX_ROW_CHARACTERS)


def _parse_json_row(line: str, number: int) -> Row | BadRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow(number, "is not JSON")
    if not isinstance(row, dict):
        return BadRow(number, "is not a JSON object")
    return row
