"""Import of a team's history as precedents, one a row.

The file is CSV or JSON lines; ``--map`` names the column of each field. Importing the same file
again changes nothing. A bad row is reported with its line and a reason, and does not hold back the
good ones. A row whose case has not ended is no precedent: its importer names the words that say so.
A batch can be removed as a whole.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cases.canonical import Scalar
from bot.cases.errors import BadRequest
from bot.cases.playbook import Playbook
from bot.cases.precedent import MAX_TEXT_LENGTH, CaseOutcome, Precedent, PrecedentDecision
from knowledge.memory.row_file import BadRow, Row

FIELDS = ("text", "what", "action", "ended", "reason", "by", "at", "key", "kind")
MAX_NAME_LENGTH = 80
MAX_VALUE_LENGTH = 200
OUTCOMES: dict[str, CaseOutcome] = {
    **{outcome.value: outcome for outcome in CaseOutcome},
    "approved": CaseOutcome.WORKED,
    "by_hand": CaseOutcome.BY_HAND,
}
# Recorded as the person who decided, when the file has no column for that.
IMPORTER = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """The columns of a file."""

    #: The column of each field.
    columns: Mapping[str, str]
    #: Columns that recommendations may learn from.
    facts: Sequence[str]
    #: The kind of every row; empty when a column has it.
    kind: str
    #: The time of rows that have none.
    now: datetime
    #: Words in the columns ``ended`` and ``action`` that say that a case has not ended.
    open_words: frozenset[str] = frozenset()


def parse_mapping(
    pairs: Sequence[str],
    facts: str,
    *,
    kind: str,
    now: datetime,
    open_words: Sequence[str] = (),
) -> ColumnMapping:
    """Parse the options of the command line, like ``--map text=narrative``.

    A field that is not mapped is looked for under its own name. ``facts`` is a list with commas.
    ``open_words`` are words for cases that have not ended, in capitals or not.

    Raises:
        BadRequest: there is no such field.
    """
    columns = {field: field for field in FIELDS}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or field not in FIELDS:
            raise BadRequest(
                f"--map {pair}: write FIELD=COLUMN, with FIELD one of {', '.join(FIELDS)}"
            )
        columns[field] = column
    names = [name.strip() for name in facts.split(",") if name.strip()]
    return ColumnMapping(
        columns=columns,
        facts=names,
        kind=kind,
        now=now,
        open_words=frozenset(word.strip().lower() for word in open_words),
    )


def batch_name(path: Path) -> str:
    """Name a batch after its file and content.

    The same file is the same batch.
    """
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return f"{path.stem[:40]}-{checksum[:8]}"


def parse_precedent(
    row: Row,
    *,
    line: int,
    batch: str,
    mapping: ColumnMapping,
    playbooks: Mapping[str, Playbook],
) -> Precedent | BadRow | None:
    """Parse a row, or say what is wrong with it.

    None when its case has not ended.
    """
    parser = _RowParser(row, mapping)
    if parser.is_unfinished():
        return None
    try:
        return parser.parse(batch, playbooks)
    except BadRequest as error:
        return BadRow(line, str(error))


class _RowParser:
    """Parses one row.

    Its methods raise ``BadRequest`` with the reason when they cannot.
    """

    def __init__(self, row: Row, mapping: ColumnMapping) -> None:
        self._row = row
        self._mapping = mapping

    def parse(self, batch: str, playbooks: Mapping[str, Playbook]) -> Precedent:
        text = self._parse_text()
        playbook = self._find_playbook(playbooks)
        action = self._parse_action(playbook)
        outcome = self._parse_outcome(action)
        decided_by = self._parse_decider()
        return Precedent(
            id=f"{batch}:{self._read_key()[:MAX_NAME_LENGTH]}",
            kind=playbook.kind,
            signal_text=text[:MAX_TEXT_LENGTH],
            summary=self._read("what")[:MAX_TEXT_LENGTH],
            facts={name: _scalar(self._row.get(name)) for name in self._mapping.facts},
            decision=PrecedentDecision(
                action=action,
                people=(decided_by[:MAX_NAME_LENGTH],) if decided_by else (),
            ),
            outcome=outcome,
            reason=self._read("reason")[:MAX_TEXT_LENGTH],
            ended_at=self._parse_end(),
            channel=playbook.channel,
            batch=batch,
        )

    def is_unfinished(self) -> bool:
        """Tell whether the row says that its case has not ended."""
        words = {self._read(field).lower() for field in ("ended", "action")}
        return not words.isdisjoint(self._mapping.open_words)

    def _read(self, field: str, default: str = "") -> str:
        cell = self._row.get(self._mapping.columns[field])
        return default if cell in (None, "") else str(cell).strip()

    def _parse_text(self) -> str:
        text = self._read("text").replace("\0", " ")
        if not text:
            column = self._mapping.columns["text"]
            raise BadRequest(f"column {column!r} is empty or missing")
        return text

    def _find_playbook(self, playbooks: Mapping[str, Playbook]) -> Playbook:
        kind = self._mapping.kind or self._read("kind")
        playbook = playbooks.get(kind)
        if playbook is None:
            raise BadRequest(f"there is no playbook for {kind[:50]!r}")
        return playbook

    def _parse_action(self, playbook: Playbook) -> str:
        action = self._read("action")
        if action and playbook.offer(action) is None:
            names = ", ".join(offer.action for offer in playbook.offers) or "no action"
            raise BadRequest(f"action {action[:60]!r} is not in the playbook; it offers {names}")
        return action

    def _parse_outcome(self, action: str) -> CaseOutcome:
        default = CaseOutcome.WORKED if action else CaseOutcome.BY_HAND
        outcome = OUTCOMES.get(self._read("ended", default).lower())
        if outcome is None:
            value = self._read("ended")[:40]
            raise BadRequest(f"ended {value!r} is none of {', '.join(OUTCOMES)}")
        return outcome

    def _read_key(self) -> str:
        """Return the key of the row, or a checksum of its content."""
        key = self._read("key")
        if key:
            return key
        content = json.dumps(self._row, sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _parse_decider(self) -> str:
        # Without such a column the importer vouches for the row; a column that is empty says that
        # nobody decided.
        has_column = self._mapping.columns["by"] in self._row
        return self._read("by", "" if has_column else IMPORTER)

    def _parse_end(self) -> datetime:
        text = self._read("at")
        if not text:
            return self._mapping.now
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise BadRequest(
                f"at {text[:40]!r} is not a date or time like 2026-03-31 or 2026-03-31T09:00:00Z"
            ) from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return str(value)[:MAX_VALUE_LENGTH]
