"""``countersign try`` with a playbook: its signal on live data, read-only."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bot.cases.errors import BadRequest, ConnectorFailed, PlaybookInvalid, Refusal
from bot.cases.evidence import SIGNAL, facts_of
from bot.cases.expressions import find_scalar, placeholders, render
from bot.cases.plan import amount_of
from bot.cases.playbook import Playbook
from bot.cases.signal import Signal
from bot.cli.terminal import AsJson, out, print_hanging
from bot.clock import utc_now
from bot.connectors.sql import SqlConnector, SqlSystem
from bot.desk.detection import detection_parameters
from bot.desk.operation_report import count_denominator
from bot.lazy_module import LazyModule
from bot.measures.totals import ReportPeriod
from bot.settings import load_offline
from knowledge.library import read_playbook
from knowledge.library.systems import read_systems
from scheduler.detectors import signal_from_row

if TYPE_CHECKING:
    from bot.cli import card_page
    from bot.cli import try_case as case_trial
    from bot.cli import try_signals as signal_trial
else:
    # The desk, memory and a server take seconds, and not every trial needs them.
    card_page = LazyModule("bot.cli.card_page")
    case_trial = LazyModule("bot.cli.try_case")
    signal_trial = LazyModule("bot.cli.try_signals")

MAX_ROWS = 5_000
QUERY_TIMEOUT = timedelta(seconds=10)
DENOMINATOR_PERIOD = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Detections:
    """The rows of a playbook's query, and the first row's evidence."""

    rows: list[dict[str, Any]]
    facts: dict[str, Any]
    #: What the cases of the last days are counted against; None where nobody counts it.
    denominator: int | None = None
    #: The same in words: "1,204 bookings in 30 days".
    basis: str = ""
    #: The first row as the detector would raise it.
    signal: Signal | None = None
    #: Sentences about what the playbook names and the database has not.
    gaps: tuple[str, ...] = ()


def try_file(
    file: Annotated[
        Path, typer.Argument(help="A playbook (.yml), or signals as JSON lines (.jsonl).")
    ],
    database: Annotated[
        str,
        typer.Option(
            help=(
                "For a playbook: the database to query, a URL or an SQLite file. Default: that of "
                "its system in your library."
            )
        ),
    ] = "",
    now: Annotated[
        str, typer.Option(help="Use this time (UTC) instead of now, like 1998-05-06 12:00:00.")
    ] = "",
    limit: Annotated[int, typer.Option(help="Number of rows to show.")] = 20,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the card as Slack shows it, in a browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    if file.suffix not in {".yml", ".yaml"}:
        signal_trial.try_signals(file, as_json=as_json, open_page=open_page)
        return
    playbook = read_playbook(file)
    database = database or _database_of(playbook)
    detections = try_playbook(
        playbook,
        file=file.name,
        database=database,
        now=now,
    )
    rows = detections.rows[:limit]
    gaps = list(detections.gaps)
    trial = None
    if detections.signal is not None:
        trial = case_trial.try_case(playbook, detections.signal, database)
        gaps += trial.gaps
    if as_json:
        summary = {
            "kind": playbook.kind,
            "count": len(detections.rows),
            "rows": rows,
            "facts": detections.facts,
            "denominator": detections.denominator,
            "unknown": gaps,
        }
        print(json.dumps(summary, indent=2, default=str))
    else:
        _print_detections(playbook, detections, rows)
        if trial is not None:
            trial.print()
        for sentence in detections.gaps:
            print_hanging("  unknown  ", sentence)
    if open_page:
        cards = []
        if trial is not None and trial.card:
            cards.append(trial.card)
        card_page.show_cards(cards)
    if gaps:
        raise typer.Exit(1)


def _print_detections(
    playbook: Playbook, detections: Detections, rows: list[dict[str, Any]]
) -> None:
    out.print(f"{playbook.title}: {len(detections.rows)} found, no case opened", markup=False)
    if rows:
        table = Table("subject", "title")
        for row in rows:
            table.add_row(Text(str(row.get("subject"))), Text(str(row.get("title"))))
        out.print(table)
    if not detections.rows:
        return
    out.print("Its first row, by the names that expressions and templates use:")
    fields = dict(_fields(detections))
    if detections.basis:
        fields["counted against"] = detections.basis
    width = max(map(len, fields))
    for name, text in fields.items():
        print_hanging(f"  {name:<{width}}  ", text)


def _fields(detections: Detections) -> Iterator[tuple[str, str]]:
    """Yield the facts of the first row, by their names in playbooks."""
    for column, value in detections.rows[0].items():
        yield f"{SIGNAL}.{column}", _as_text(value)
    for name, value in detections.facts.items():
        if not isinstance(value, Mapping):
            yield name, _as_text(value)
        elif not value:
            yield name, "no row"
        else:
            for column, inner in value.items():
                yield f"{name}.{column}", _as_text(inner)


def _as_text(value: Any) -> str:
    return "nothing" if value is None else str(value)


def try_playbook(playbook: Playbook, *, file: str, database: str, now: str) -> Detections:
    """Run the playbook's query, and look up the first row's evidence.

    ``now`` is the time that query and look-ups are given; empty for the real one.

    Raises:
        PlaybookInvalid: it has no query, or the database refuses it.
    """
    detection = playbook.detection
    if detection is None:
        raise PlaybookInvalid(f"{file}: the playbook has no signal query to try")
    parameters = detection_parameters(_parse_time(now))
    connector = _open_connector(detection.system, database)
    try:
        rows = connector.look_up(detection.query, parameters, MAX_ROWS)
    except ConnectorFailed as failure:
        raise PlaybookInvalid(f"{file}: signal.query: {failure}") from None
    denominator = _count_denominator(playbook, file=file, database=database, now=now)
    basis = ""
    if denominator is not None:
        name = playbook.measure.denominator.name
        basis = f"{denominator:,} {name} in {DENOMINATOR_PERIOD.days} days"
    if not rows:
        return Detections(rows=[], facts={}, denominator=denominator, basis=basis)
    signal = signal_from_row(
        playbook=playbook,
        detection=detection,
        row=rows[0],
        count_episodes=_no_episodes,
    )
    facts = _look_up_evidence(
        playbook, connector, facts=dict(facts_of(signal, ())), parameters=parameters
    )
    return Detections(
        rows=rows,
        facts=facts,
        denominator=denominator,
        basis=basis,
        signal=signal,
        gaps=tuple(_find_unknown(playbook, rows[0], facts)),
    )


def _find_unknown(
    playbook: Playbook, row: Mapping[str, Any], facts: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence for each missing column and each empty look-up."""
    for column in ("subject", "title"):
        if row.get(column) in {None, ""}:
            yield f"signal.query returns no {column}"
    for lookup in playbook.evidence:
        value = facts.get(lookup.name)
        if isinstance(value, str):
            yield f"evidence {lookup.name} {value}"
        elif not value:
            yield f"evidence {lookup.name} finds no row"
    known_facts = {SIGNAL: row, **facts}
    sentences = {"what": playbook.what, "brief": playbook.brief, "stake.why": playbook.stake.why}
    for place, template in sentences.items():
        for name in placeholders(template):
            # A look-up that finds nothing is named above, once.
            has_row = isinstance(known_facts.get(name.partition(".")[0]), Mapping)
            if has_row and find_scalar(name, known_facts) is None:
                yield f"{place} names {name}, which is nothing in the first row"
    amount = find_scalar(playbook.stake.amount, known_facts) if playbook.stake.amount else None
    if amount is not None and amount_of(amount) is None:
        yield f"stake.amount is {amount}, which is no number"


def _count_denominator(playbook: Playbook, *, file: str, database: str, now: str) -> int | None:
    """Count the denominator of the last days; None without a query.

    Raises:
        PlaybookInvalid: the database refuses the query, or it returns no number.
    """
    denominator = playbook.measure.denominator
    if not denominator.query:
        return None
    until = _parse_time(now)
    period = ReportPeriod(until - DENOMINATOR_PERIOD, until)
    connector = _open_connector(denominator.system, database)
    try:
        return count_denominator(denominator, period, connector)
    except ConnectorFailed as failure:
        raise PlaybookInvalid(f"{file}: measure.denominator.query: {failure}") from None


def _no_episodes(fingerprints: Sequence[str]) -> int:
    # There is no store that could count earlier cases.
    return 0


def _look_up_evidence(
    playbook: Playbook,
    connector: SqlConnector,
    *,
    facts: dict[str, Any],
    parameters: dict[str, Any],
) -> dict[str, Any]:
    """Return the first row of each look-up, and the card's ``what``."""
    evidence: dict[str, Any] = {}
    for lookup in playbook.evidence:
        own_parameters = {
            name: find_scalar(expression, facts) for name, expression in lookup.parameters.items()
        }
        try:
            rows = connector.look_up(lookup.query, {**parameters, **own_parameters}, 1)
        except ConnectorFailed as failure:
            evidence[lookup.name] = f"could not be read: {failure}"
            continue
        facts[lookup.name] = rows[0] if rows else {}
        evidence[lookup.name] = facts[lookup.name]
    evidence["what"] = render(playbook.what, facts)
    return evidence


def _database_of(playbook: Playbook) -> str:
    """Return the URL of a playbook's database, from the library's settings.

    Raises:
        Refusal: there is none.
    """
    if playbook.detection is None:
        raise Refusal(
            f"{playbook.kind} has no query: other systems report such cases. Try what they send,"
            " one JSON object a line: countersign try signals.jsonl"
        )
    settings = load_offline()
    system = playbook.detection.system
    systems = read_systems(settings.library_dir / "systems.yml")
    spec = systems.get(system)
    url = settings.secret(spec.url_env) if isinstance(spec, SqlSystem) else ""
    if not url:
        raise Refusal("name the database to query: --database company.sqlite")
    return url


def _open_connector(system: str, database: str) -> SqlConnector:
    """Open a database URL or SQLite file, without any action."""
    url = database if "://" in database else f"sqlite:///{Path(database).resolve()}"
    spec = SqlSystem(
        name=system,
        url_env="",
        timeout=QUERY_TIMEOUT,
        actions={},
    )
    return SqlConnector(spec, url)


def _parse_time(text: str) -> datetime:
    """Return this time in UTC; empty is now."""
    if not text:
        return utc_now()
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise BadRequest(f"--now must be a time like 1998-05-06 12:00:00, not {text!r}") from None
