"""``countersign memory learn`` and ``forget``: a team's imported past."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from bot.advisors import Knowledge
from bot.cases.errors import BadRequest, Refusal
from bot.cases.precedent import Precedent
from bot.cli.memory import fill_index, opened_knowledge
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.settings import load_offline
from knowledge.memory.precedent_import import (
    ColumnMapping,
    batch_name,
    parse_mapping,
    parse_precedent,
)
from knowledge.memory.row_file import BadRow, read_rows

BATCH_SIZE = 500
MAX_SHOWN_ROWS = 20


@dataclass(kw_only=True)
class ImportSummary:
    """The figures of an import."""

    batch: str
    row_count: int = 0
    #: Rows that were not in memory yet: a second import has none.
    new_count: int = 0
    #: Rows that give orders to a machine. They are shown as such and count for nothing.
    suspect_count: int = 0
    #: Rows of cases that have not ended: they are no precedents.
    unfinished_count: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    #: Why the new precedents are not in the index yet; empty if they are.
    index_failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the figures by the names that ``--json`` prints."""
        return {
            "batch": self.batch,
            "read": self.row_count,
            "new": self.new_count,
            "flagged": self.suspect_count,
            "unfinished": self.unfinished_count,
            "rejected": [asdict(row) for row in self.bad_rows],
            "note": self.index_failure,
        }


def learn(
    file: Annotated[Path, typer.Argument(help="Past cases: a .csv or .jsonl file.")],
    playbook: Annotated[
        str, typer.Option(help="The kind of all rows, unless --map names a column for it.")
    ] = "",
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="FIELD=COLUMN. Fields: text, what, action, ended, reason, by, at, key, kind.",
        ),
    ] = None,
    facts: Annotated[
        str, typer.Option(help="Further columns to learn from, separated by commas.")
    ] = "",
    open_words: Annotated[
        list[str] | None,
        typer.Option(
            "--unfinished",
            help="A word for cases that have not ended, like “In progress”:"
            " such rows are left out.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with (
        opened_knowledge(load_offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading", total=None)
        if not file.is_file():
            raise BadRequest(f"{file}: file not found")
        columns = parse_mapping(
            maps or [],
            facts=facts,
            kind=playbook,
            now=utc_now(),
            open_words=open_words or (),
        )
        summary = import_precedents(
            knowledge,
            path=file,
            columns=columns,
            progress=partial(progress.advance, task),
        )
    if as_json:
        print_json(summary.to_json())
    else:
        _print_summary(summary)
    raise typer.Exit(1 if summary.bad_rows else 0)


def import_precedents(
    knowledge: Knowledge, *, path: Path, columns: ColumnMapping, progress: Callable[[], object]
) -> ImportSummary:
    """Store the well-formed rows and return a summary."""
    summary = ImportSummary(batch=batch_name(path))
    precedents: list[Precedent] = []
    for row in _read_rows(knowledge, path, columns=columns, batch=summary.batch):
        summary.row_count += 1
        progress()
        if row is None:
            summary.unfinished_count += 1
            continue
        if isinstance(row, BadRow):
            summary.bad_rows.append(row)
            continue
        summary.suspect_count += row.looks_like_prompt_injection
        precedents.append(row)
        if len(precedents) == BATCH_SIZE:
            summary.new_count += knowledge.shelf.save(precedents)
            precedents.clear()
    summary.new_count += knowledge.shelf.save(precedents)
    summary.index_failure = fill_index(knowledge)
    return summary


def _read_rows(
    knowledge: Knowledge, path: Path, *, columns: ColumnMapping, batch: str
) -> Iterator[Precedent | BadRow | None]:
    """Yield the precedent or the error of each row.

    None for a row whose case has not ended.
    """
    for line, row in read_rows(path):
        if isinstance(row, BadRow):
            yield row
        else:
            yield parse_precedent(
                row=row,
                line=line,
                batch=batch,
                mapping=columns,
                playbooks=knowledge.library.playbooks,
            )


def _print_summary(summary: ImportSummary) -> None:
    for row in summary.bad_rows[:MAX_SHOWN_ROWS]:
        out.print(f"• line {row.line}: {row.reason}", markup=False)
    if len(summary.bad_rows) > MAX_SHOWN_ROWS:
        out.print(f"• and {len(summary.bad_rows) - MAX_SHOWN_ROWS} more rows")
    out.print(
        f"{summary.new_count} new precedents of {summary.row_count} rows, "
        f"in batch {summary.batch}.",
        markup=False,
    )
    if summary.unfinished_count:
        out.print(f"{summary.unfinished_count} rows left out: their cases have not ended.")
    if summary.suspect_count:
        out.print(
            f"{summary.suspect_count} contain instructions to a machine: "
            "they are marked as such, and the bot does not learn from them."
        )
    out.print(
        f"To remove the batch: `countersign memory forget {summary.batch}`. "
        "To train on it now: `countersign memory train`.",
        markup=False,
    )


def forget(
    batch: Annotated[str, typer.Argument(help="The batch, as `memory status` lists it.")],
) -> None:
    with opened_knowledge(load_offline()) as knowledge:
        count = knowledge.shelf.forget(batch)
        if not count:
            raise Refusal(
                f"there is no batch {batch}; `countersign memory status` lists all batches"
            )
        note = fill_index(knowledge)
    suffix = f" {note}" if note else ""
    out.print(f"{count} precedents removed.{suffix}", markup=False)
