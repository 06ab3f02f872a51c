"""``countersign memory learn`` and ``forget``: a team's past, taken in and taken back."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from bot.advisors import Knowledge
from bot.cases.errors import BadRequest, Refusal
from bot.cases.precedent import Precedent
from bot.cli.memory import fill_index, opened_knowledge
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.settings import load_offline
from knowledge.importing import BadRow, Mapped, batch_name, mapping, precedent_of, rows_of

BATCH_SIZE = 500
MAX_SHOWN_ROWS = 20


@dataclass(kw_only=True)
class ImportSummary:
    """What became of a file. The field names are those of ``--json``."""

    batch: str
    read: int = 0
    #: Rows that were not in memory yet: a second import has none.
    new: int = 0
    #: Rows that give orders to a machine. They are shown as such and count for nothing.
    flagged: int = 0
    rejected: list[BadRow]
    #: Why the new precedents are not in the index yet; empty if they are.
    note: str = ""


def learn(
    file: Annotated[Path, typer.Argument(help="Your past: a .csv or .jsonl file.")],
    playbook: Annotated[
        str, typer.Option(help="The kind of every row; or map a column to kind.")
    ] = "",
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="FIELD=COLUMN: text, what, action, ended, reason, by, at, key, kind."
        ),
    ] = None,
    facts: Annotated[
        str, typer.Option(help="Columns to learn from beside the text, with commas between.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    with (
        opened_knowledge(load_offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading", total=None)
        if not file.is_file():
            raise BadRequest(f"{file}: there is no such file")
        columns = mapping(maps or [], facts, playbook, utc_now())
        summary = import_precedents(knowledge, file, columns, lambda: progress.advance(task))
    if as_json:
        print_json(asdict(summary))
    else:
        _print_summary(summary)
    raise typer.Exit(1 if summary.rejected else 0)


def import_precedents(
    knowledge: Knowledge, path: Path, columns: Mapped, progress: Callable[[], object]
) -> ImportSummary:
    """Store the rows that are well formed, and return what is wrong with the others."""
    summary = ImportSummary(batch=batch_name(path), rejected=[])
    precedents: list[Precedent] = []
    for row in _read_rows(knowledge, path, columns=columns, batch=summary.batch):
        summary.read += 1
        progress()
        if isinstance(row, BadRow):
            summary.rejected.append(row)
            continue
        summary.flagged += row.gives_orders
        precedents.append(row)
        if len(precedents) == BATCH_SIZE:
            summary.new += knowledge.shelf.keep(precedents)
            precedents.clear()
    summary.new += knowledge.shelf.keep(precedents)
    summary.note = fill_index(knowledge)
    return summary


def _read_rows(
    knowledge: Knowledge, path: Path, *, columns: Mapped, batch: str
) -> Iterator[Precedent | BadRow]:
    """Yield the precedent of each row, or what is wrong with the row."""
    for line, row in rows_of(path):
        if isinstance(row, BadRow):
            yield row
        else:
            yield precedent_of(
                row=row,
                line=line,
                batch=batch,
                mapped=columns,
                playbooks=knowledge.library.playbooks,
            )


def _print_summary(summary: ImportSummary) -> None:
    for row in summary.rejected[:MAX_SHOWN_ROWS]:
        out.print(f"• line {row.line}: {row.reason}", markup=False)
    if len(summary.rejected) > MAX_SHOWN_ROWS:
        out.print(f"• and {len(summary.rejected) - MAX_SHOWN_ROWS} more")
    out.print(
        f"{summary.new} new precedents of {summary.read} rows, in batch {summary.batch}.",
        markup=False,
    )
    if summary.flagged:
        out.print(
            f"{summary.flagged} give orders to a machine: they are shown as such and count for "
            "nothing."
        )
    out.print(
        f"Take it back with `countersign memory forget {summary.batch}`. "
        "Learn with `countersign memory train`.",
        markup=False,
    )


def forget(
    batch: Annotated[str, typer.Argument(help="A batch that `memory status` lists.")],
) -> None:
    with opened_knowledge(load_offline()) as knowledge:
        count = knowledge.shelf.forget(batch)
        if not count:
            raise Refusal(f"there is no batch {batch}; `countersign memory status` lists them")
        note = fill_index(knowledge)
    suffix = f" {note}" if note else ""
    out.print(f"{count} precedents are forgotten.{suffix}", markup=False)
