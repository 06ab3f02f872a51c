"""``countersign report``: what the operation achieved, for people, machines and print."""

import re
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from bot import storage
from bot.cases.errors import LedgerBroken, Refusal, SettingsIncomplete
from bot.checkpoint_keeper import open_witness
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.connectors.registry import build_connectors, missing_secrets
from bot.desk.measure_texts import (
    NOTHING,
    assistant_text,
    change_text,
    period_text,
    short_text,
    span_text,
    value_text,
)
from bot.desk.null_chat import NullChat
from bot.desk.operation_report import OperationReports, ReportRequest
from bot.measures.catalogue import MEASURES
from bot.measures.report import KindSection, OperationReport, ReportSection
from bot.measures.totals import ReportPeriod
from bot.measures.values import Times
from bot.ports.connector import Connector
from bot.preflight import open_library
from bot.settings import Settings, load_offline
from bot.store.case_histories import SqlCaseHistorySource
from bot.store.store import Store
from handlers.report.page import report_page
from handlers.report.tables import as_csv, as_plain
from knowledge.library import FileLibrary

MAX_DAYS = 3_650
#: Titles of kinds are sentences; a terminal has eighty columns.
MAX_TITLE = 27
PADDING = (0, 1, 0, 0)
COLUMNS = {
    "openings": "openings",
    "exception_rate": "rate",
    "time_to_decision": "decided",
    "accepted_unedited": "unedited",
    "done_alone": "alone",
    "time_saved": "saved",
}
COMPARISON_COLUMNS = {
    "endings": "cases",
    "exception_rate": "rate",
    "time_to_resolution": "resolved",
}
_DAYS = re.compile(r"([0-9]{1,4})d")


def report(
    since: Annotated[
        str, typer.Option(help="The first day, like 2026-09-01, or a length like 90d.")
    ] = "90d",
    until: Annotated[str, typer.Option(help="The day after the last. Default: now.")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind, by the name in its playbook.")] = "",
    team: Annotated[str, typer.Option(help="Only the cases of this group, by its handle.")] = "",
    as_json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every number as CSV.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page with charts, made to be printed.")
    ] = None,
) -> None:
    if as_json + csv + (html is not None) > 1:
        raise Refusal("choose one of --json, --csv and --html")
    request = ReportRequest(
        period=parse_period(since, until, utc_now()), kind=kind, team=team.removeprefix("@")
    )
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        library = open_library(settings, store.pinned_names)
        _require_kind(kind, library)
        result = _build(settings, library, store=store, request=request)
    if as_json:
        print_json(as_plain(result))
    elif csv:
        typer.echo(as_csv(result), nl=False)
    elif html is not None:
        html.write_text(report_page(result), encoding="utf-8")
        out.print(
            f"Written to {html}. Open it in a browser, and print it from there.", markup=False
        )
    else:
        _print(result)


def parse_period(since: str, until: str, now: datetime) -> ReportPeriod:
    """Read the period of a report; days are those of UTC.

    Raises:
        Refusal: the texts are no such times, or the period is empty.
    """
    end = _parse_day(until, "--until") if until else now
    match = _DAYS.fullmatch(since)
    begin = end - timedelta(days=int(match[1])) if match else _parse_day(since, "--since")
    if not timedelta(0) < end - begin <= timedelta(days=MAX_DAYS):
        raise Refusal(f"the period must end after it begins, and have at most {MAX_DAYS:,} days")
    return ReportPeriod(begin, end)


def _parse_day(text: str, option: str) -> datetime:
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{option} must be a day like 2026-09-01 or a length like 90d") from None
    return day if day.tzinfo else day.replace(tzinfo=UTC)


def _require_kind(kind: str, library: FileLibrary) -> None:
    if kind and kind not in library.playbooks:
        kinds = ", ".join(sorted(library.playbooks))
        raise Refusal(f"no playbook is for {kind!r}; there are {kinds}")


def _build(
    settings: Settings, library: FileLibrary, *, store: Store, request: ReportRequest
) -> OperationReport:
    reports = OperationReports(
        source=SqlCaseHistorySource(store.database),
        library=library,
        systems=_open_systems(settings, library),
    )
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Reading cases", total=None)

        def show(count: int, total: int) -> None:
            progress.update(task, completed=count, total=total)

        return reports.build(request, checkpoint=_checkpoint(settings), on_progress=show)


def _open_systems(settings: Settings, library: FileLibrary) -> dict[str, Connector]:
    """Build the systems of denominators whose secrets are set."""
    names = {one.measure.denominator.system for one in library.playbooks.values()} - {""}
    specs = {name: spec for name, spec in library.systems.items() if name in names}
    missing = {secret.system for secret in missing_secrets(specs, settings.secret)}
    return build_connectors(
        {name: spec for name, spec in specs.items() if name not in missing},
        secrets=settings.secret,
        chat=NullChat(),
        dry_run=True,
    )


def _checkpoint(settings: Settings) -> str:
    """Describe the last signed checkpoint; empty where none can be read."""
    try:
        latest = open_witness(settings).latest()
    except (LedgerBroken, SettingsIncomplete, OSError):
        return ""
    if latest is None:
        return ""
    return f"number {latest.number:,} over {latest.size:,} entries, root {latest.root.hex()[:16]}"


# --- the table for people ---------------------------------------------------------------------


def _print(result: OperationReport) -> None:
    scope = f" · {result.scope}" if result.scope else ""
    out.print(f"{period_text(result.period)}{scope}\n", markup=False)
    out.print(_measures_table(result.total))
    out.print(_sections_table("By kind", result.kinds))
    if len(result.teams) > 1:
        out.print(_sections_table("By team", result.teams))
    comparisons = [kind for kind in result.kinds if kind.comparison]
    if comparisons:
        out.print(_comparison_table(comparisons))
    about_assistant = assistant_text(result)
    if about_assistant:
        out.print(about_assistant, markup=False)
    for note in result.notes:
        out.print(f"Note: {note}", markup=False)
    out.print(_footer(result), markup=False)


def _measures_table(section: ReportSection) -> Table:
    table = Table("measure", "value", "90 % within", "and the period before", box=SIMPLE_HEAD)
    for measure in MEASURES:
        value, previous = section.values[measure.name], section.previous[measure.name]
        # Only people speak of the whole desk as of one rate.
        if measure.name == "exception_rate":
            continue
        within = span_text(value.working_p90) if isinstance(value, Times) else ""
        cells = (value_text(value), within, change_text(value, previous))
        table.add_row(measure.title, *cells)
    return table


def _sections_table(title: str, sections: Iterable[ReportSection]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=PADDING)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=MAX_TITLE)
    for head in COLUMNS.values():
        table.add_column(head, justify="right", no_wrap=True)
    for section in sections:
        cells = [short_text(section.values[name]) for name in COLUMNS]
        table.add_row(Text(section.title), *cells)
    return table


def _comparison_table(kinds: Iterable[KindSection]) -> Table:
    table = Table(title="Before and after", title_justify="left", box=SIMPLE_HEAD, padding=PADDING)
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=MAX_TITLE)
    for head in COMPARISON_COLUMNS.values():
        table.add_column(head, justify="right", no_wrap=True)
    for kind in kinds:
        if kind.comparison is None:
            continue
        cells = []
        for name in COMPARISON_COLUMNS:
            before = kind.comparison.before.get(name)
            first = short_text(before) if before is not None else NOTHING
            cells.append(f"{first} → {short_text(kind.comparison.after[name])}")
        table.add_row(Text(kind.title), *cells)
    return table


def _footer(result: OperationReport) -> str:
    signed = result.ledger.checkpoint
    checkpoint = f"last checkpoint {signed}" if signed else "no checkpoint was signed yet"
    return (
        "Times are medians in working hours. Definitions and assumptions: --html or --json.\n"
        f"From {result.ledger.entries:,} ledger entries; {checkpoint}."
    )
