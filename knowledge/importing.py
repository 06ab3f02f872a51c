"""A team's past as precedents: rows of a CSV or JSON-lines file, told by ``--map`` which column is what.

Importing the same file again changes nothing; a bad row is told with its line and why, and keeps no good one out; a batch can be
taken back whole.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bot.cases.canonical import Scalar
from bot.cases.errors import BadRequest
from bot.cases.playbook import Playbook
from bot.cases.precedent import MAX_TEXT_LENGTH, CaseOutcome, Precedent

FIELDS = ("text", "what", "action", "ended", "reason", "by", "at", "key", "kind")
LARGEST_ROW = 1_000_000
ENDINGS: dict[str, CaseOutcome] = {
    **{ended.value: ended for ended in CaseOutcome},
    "approved": CaseOutcome.WORKED,
    "by_hand": CaseOutcome.BY_HAND,
}
VOUCHED = "imported"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column holds what; ``facts`` are columns that recommendations may learn from. ``kind`` is for every row, unless mapped."""

    columns: Mapping[str, str]
    facts: Sequence[str]
    kind: str
    now: datetime


@dataclass(frozen=True, slots=True)
class BadRow:
    line: int
    reason: str


def mapping(given: Sequence[str], facts: str, kind: str, now: datetime) -> Mapped:
    """From the command line: ``--map text=narrative``. A field that is not mapped is looked for under its own name.

    Raises:
        BadRequest: there is no such field.
    """
    columns = {field: field for field in FIELDS}
    for pair in given:
        field, equals, column = pair.partition("=")
        if not equals or field not in FIELDS:
            raise BadRequest(
                f"--map {pair}: write FIELD=COLUMN, with FIELD one of {', '.join(FIELDS)}"
            )
        columns[field] = column
    return Mapped(columns, [name.strip() for name in facts.split(",") if name.strip()], kind, now)


def batch_name(path: Path) -> str:
    """Named by the file and what is in it: the same file is the same batch."""
    with path.open("rb") as file:
        return f"{path.stem[:40]}-{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}"


def rows_of(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    """Line number and row; a line that cannot be read is a bad row."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from _csv_rows(file) if path.suffix.lower() == ".csv" else _json_rows(file)


def _csv_rows(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    csv.field_size_limit(LARGEST_ROW)
    reader = csv.DictReader(file)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            yield reader.line_num, BadRow(reader.line_num, str(wrong))
            continue
        yield reader.line_num, row


def _json_rows(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    number = 0
    while line := file.readline(LARGEST_ROW + 1):
        number += 1
        if len(line) > LARGEST_ROW:
            while line and not line.endswith("\n"):
                line = file.readline(LARGEST_ROW)
            yield number, BadRow(number, f"longer than {LARGEST_ROW:,} characters")
        elif line.strip():
            yield number, _json_row(line, number)


def _json_row(line: str, number: int) -> Mapping[str, Any] | BadRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow(number, "is not JSON")
    return row if isinstance(row, dict) else BadRow(number, "is not a JSON object")


def precedent_of(
    row: Mapping[str, Any], line: int, batch: str, mapped: Mapped, playbooks: Mapping[str, Playbook]
) -> Precedent | BadRow:
    """The precedent that this row tells of, or what is wrong with it."""
    try:
        return _precedent(row, batch, mapped, playbooks)
    except BadRequest as wrong:
        return BadRow(line, str(wrong))


def _precedent(
    row: Mapping[str, Any], batch: str, mapped: Mapped, playbooks: Mapping[str, Playbook]
) -> Precedent:
    def of(field: str, default: str = "") -> str:
        found = row.get(mapped.columns[field])
        return str(found).strip() if found not in (None, "") else default

    text = of("text").replace("\0", " ")
    if not text:
        raise BadRequest(f"column {mapped.columns['text']!r} is empty or missing")
    kind = mapped.kind or of("kind")
    playbook = playbooks.get(kind)
    if playbook is None:
        raise BadRequest(f"there is no playbook for {kind[:50]!r}")
    action = of("action")
    if action and playbook.offer(action) is None:
        offered = ", ".join(offer.action for offer in playbook.offers) or "no action"
        raise BadRequest(f"action {action[:60]!r} is not in the playbook; it offers {offered}")
    ended = ENDINGS.get(of("ended", CaseOutcome.WORKED if action else CaseOutcome.BY_HAND).lower())
    if ended is None:
        raise BadRequest(f"ended {of('ended')[:40]!r} is none of {', '.join(ENDINGS)}")
    facts = {name: _scalar(row.get(name)) for name in mapped.facts}
    name = (
        of("key")
        or hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()[:16]
    )
    # Who is not named is vouched for by whoever imports; a column that is there and empty says that nobody looked.
    by = of("by", "" if mapped.columns["by"] in row else VOUCHED)
    return Precedent(
        id=f"{batch}:{name[:80]}",
        kind=kind,
        said=text[:MAX_TEXT_LENGTH],
        what=of("what")[:MAX_TEXT_LENGTH],
        facts=facts,
        action=action,
        steps=(),
        decided_by=(by[:80],) if by else (),
        ended=ended,
        reason=of("reason")[:MAX_TEXT_LENGTH],
        ended_at=_moment(of("at"), mapped.now),
        channel=playbook.channel,
        batch=batch,
    )


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return str(value)[:200]


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(
            f"at {text[:40]!r} is not a date or time like 2026-03-31 or 2026-03-31T09:00:00Z"
        ) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
