"""``countersign send``: the rows of a file as signals."""

import io
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.progress import Progress

from bot import storage
from bot.cases.errors import BadRequest, KeyReused
from bot.cases.signal import Signal
from bot.cases.source import Format, Source
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.desk.intake import Intake
from bot.ports.case_store import ReceiptOutcome
from bot.ports.file_rows import FileRow
from bot.preflight import open_library, require_channel_ids
from bot.row_files import read_file, read_signals_of_row
from bot.settings import Settings, load_offline
from bot.store.store import Store
from handlers.intake.rows import column_mapping
from knowledge.library import FileLibrary
from knowledge.library.presets import preset_path, read_preset
from knowledge.memory.row_file import BadRow, Row

STANDARD_INPUT = "-"
FILE_SOURCE = "file"
MAX_SHOWN_ROWS = 20
UNCHANGED = {
    ReceiptOutcome.DUPLICATE: "sent before",
    ReceiptOutcome.IGNORED: "cleared where nothing was open",
}
IGNORED = "left out by the source"
#: In the order in which they are printed.
OUTCOMES = ("opened", "counted", "cleared", *UNCHANGED.values(), IGNORED)


@dataclass(kw_only=True)
class SendSummary:
    """The outcome of the rows of a file."""

    row_count: int = 0
    #: By outcome.
    counts: Counter[str] = field(default_factory=Counter)
    bad_rows: list[BadRow] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the figures by the names that ``--json`` prints."""
        return {
            "read": self.row_count,
            "signals": dict(self.counts),
            "rejected": [asdict(row) for row in self.bad_rows],
        }


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """The options that say what the rows of a file mean."""

    source: str
    product: str
    name: str
    kind: str
    maps: tuple[str, ...]


def send(
    file: Annotated[
        str, typer.Argument(help="A .csv, .jsonl or .json file, or - for standard input.")
    ],
    source: Annotated[
        str, typer.Option(help="The source of sources.yml whose mapping reads the rows.")
    ] = "",
    product: Annotated[
        str,
        typer.Option(help="The preset that reads them, as `countersign sources list` names it."),
    ] = "",
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help=(
                "FIELD=COLUMN, or a text like title='Invoice {number} is late'. Fields: key, "
                "subject, title, occurred_at, clear, kind, amount, currency."
            ),
        ),
    ] = None,
    kind: Annotated[str, typer.Option(help="The kind of all rows.")] = "",
    name: Annotated[
        str, typer.Option(help="The name of the sender, with --map or --product.")
    ] = "",
    form: Annotated[
        str, typer.Option("--format", help="csv, jsonl or json, for standard input.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    options = FileFormat(
        source=source, product=product, name=name, kind=kind, maps=tuple(maps or ())
    )
    store = storage.open_store(settings)
    with closing(store.database), Progress(console=err, transient=True) as progress:
        library = open_library(settings, store.pinned_names)
        require_channel_ids(library)
        with _open_file(file, progress) as stream:
            file_name = f"input.{form or 'csv'}" if file == STANDARD_INPUT else file
            rows = read_file(stream, file_name)
            sender, rows = _find_sender(settings, library, options=options, rows=rows)
            intake = _intake(store, library)
            summary = _send_rows(rows, sender, intake=intake, progress=progress)
    if as_json:
        print_json(summary.to_json())
    else:
        _print_summary(summary)
    raise typer.Exit(1 if summary.bad_rows else 0)


def _open_file(file: str, progress: Progress) -> TextIO:
    """Open the file, with a bar where its length is known."""
    if file == STANDARD_INPUT:
        return io.TextIOWrapper(
            sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline=""
        )
    if not Path(file).is_file():
        raise BadRequest(f"{file}: file not found")
    raw = progress.open(file, "rb", description="Sending")
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _find_sender(
    settings: Settings,
    library: FileLibrary,
    *,
    options: FileFormat,
    rows: Iterator[tuple[int, Row | BadRow]],
) -> tuple[Source, Iterator[tuple[int, Row | BadRow]]]:
    """Return the sender and the rows; the first may name the columns."""
    ways = [way for way in (options.source, options.product, options.maps) if way]
    if len(ways) != 1:
        raise BadRequest("say one of --source, --product and --map: what the columns mean")
    if options.kind and options.kind not in library.playbooks:
        raise BadRequest(
            f"there is no kind {options.kind}; there are {', '.join(sorted(library.playbooks))}"
        )
    if options.source:
        return _declared_source(library, options), rows
    if options.product:
        preset = read_preset(preset_path(settings.library_dir, options.product))
        kind = options.kind or (preset.kind if preset.kind in library.playbooks else "")
        name = options.name or options.product
        return _sender(library, name, kind=kind, mapping=preset.mapping), rows
    first = next(rows, None)
    if first is None:
        raise BadRequest("the file has no rows")
    columns = list(first[1]) if isinstance(first[1], dict) else []
    mapping = column_mapping(options.maps, columns)
    name = options.name or FILE_SOURCE
    sender = _sender(library, name, kind=options.kind, mapping=mapping)
    return sender, chain([first], rows)


def _declared_source(library: FileLibrary, options: FileFormat) -> Source:
    source = library.sources.get(options.source)
    if source is None or not source.is_foreign or source.format is Format.ALERTMANAGER:
        names = [name for name, source in library.sources.items() if source.mapping]
        raise BadRequest(
            f"sources.yml has no source {options.source} with a mapping; it has "
            f"{', '.join(names) or 'none'}"
        )
    return replace(source, kind=options.kind) if options.kind else source


def _sender(library: FileLibrary, name: str, *, kind: str, mapping: Any) -> Source:
    if name in library.sources:
        raise BadRequest(f"sources.yml has a source {name}: say --source, or another --name")
    return Source(name=name, format=Format.MAPPING, kind=kind, mapping=mapping)


def _intake(store: Store, library: FileLibrary) -> Intake:
    return Intake(
        cases=store.cases,
        library=library,
        clock=utc_now,
        ignored_requests=store.ignored_requests,
    )


def _send_rows(
    rows: Iterator[tuple[int, Row | BadRow]],
    sender: Source,
    *,
    intake: Intake,
    progress: Progress,
) -> SendSummary:
    summary = SendSummary()
    task = progress.add_task("Rows", total=None)
    for line, row in rows:
        summary.row_count += 1
        progress.update(task, advance=1)
        for file_row in read_signals_of_row(line, row, sender):
            _send_row(file_row, sender=sender, intake=intake, summary=summary)
    return summary


def _send_row(row: FileRow, *, sender: Source, intake: Intake, summary: SendSummary) -> None:
    if row.problem:
        summary.bad_rows.append(BadRow(row.line, row.problem))
    elif row.signal is None:
        intake.ignore(sender.name, row.ignored_event)
        summary.counts[IGNORED] += 1
    else:
        summary.counts[_receive(row.signal, row.raw, intake)] += 1


def _receive(signal: Signal, raw: bytes, intake: Intake) -> str:
    try:
        outcome = intake.receive(signal, raw).outcome
    except KeyReused:
        return UNCHANGED[ReceiptOutcome.DUPLICATE]
    return UNCHANGED.get(outcome, outcome.value)


def _print_summary(summary: SendSummary) -> None:
    for row in summary.bad_rows[:MAX_SHOWN_ROWS]:
        out.print(f"• line {row.line}: {row.reason}", markup=False)
    if len(summary.bad_rows) > MAX_SHOWN_ROWS:
        out.print(f"• and {len(summary.bad_rows) - MAX_SHOWN_ROWS} more rows")
    counts = [f"{summary.counts[name]:,} {name}" for name in OUTCOMES if summary.counts[name]]
    out.print(f"{summary.row_count:,} rows: {', '.join(counts) or 'nothing sent'}.")
    if summary.bad_rows:
        out.print("Correct the rows above and send the file again: nothing counts twice.")
