"""``countersign try`` with a file of signals, without opening a case."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from bot import storage
from bot.advisors import open_knowledge
from bot.cases.canonical import Scalar, to_plain
from bot.cases.case import Case
from bot.cases.errors import BadRequest, CountersignError
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import TRIAL
from bot.cli.terminal import out
from bot.cli.trial import card_of, find_unknown, print_trial
from bot.clock import utc_now
from bot.desk.null_chat import NullChat
from bot.desk.preview import Preview
from bot.desk.proposal import Proposals
from bot.lazy_module import LazyModule
from bot.ports.connector import Systems
from bot.preflight import build_systems, open_library
from bot.settings import Settings, load_offline
from bot.triage import build_triage
from knowledge.library import FileLibrary
from knowledge.memory.row_file import BadRow, read_rows

if TYPE_CHECKING:
    from bot.cli import card_page
else:
    # Whoever opens no page needs no server.
    card_page = LazyModule("bot.cli.card_page")

#: As many as a person reads.
MAX_CARDS = 5
COLUMNS = ("line", "kind", "sure", "plan", "precedents")
MAX_TITLE_LENGTH = 300
MAX_TEXT_LENGTH = 20_000
MAX_SUBJECT_LENGTH = 200
MAX_FACTS = 60
MAX_FACT_NAME_LENGTH = 60
MAX_FACT_LENGTH = 2_000


def try_signals(path: Path, *, as_json: bool, open_page: bool = False) -> None:
    """Print what would become of each signal, and the first cards.

    The status is 1 if anything is unknown.
    """
    table = Table(*COLUMNS)
    settings = load_offline()
    library = open_library(settings)
    cases: list[Case] = []
    has_unknown = False
    for summary, case in try_lines(settings, library, path):
        has_unknown = has_unknown or "error" in summary or bool(summary["unknown"])
        if case is not None and len(cases) < MAX_CARDS:
            cases.append(case)
        if as_json:
            # Line by line: a program may read along.
            print(json.dumps(summary, ensure_ascii=False), flush=True)
        else:
            table.add_row(*_table_row(summary))
    if not as_json:
        out.print(table)
        for case in cases:
            print_trial(case, library)
    if open_page:
        card_page.show_cards([card_of(case, library) for case in cases])
    if has_unknown:
        raise typer.Exit(1)


def _table_row(summary: dict[str, Any]) -> tuple[str, ...]:
    plan = summary.get("plan") or {}
    return (
        str(summary["line"]),
        summary.get("kind") or "none",
        str(summary.get("confidence")),
        summary.get("error") or plan.get("action") or "a person decides",
        str(len(summary.get("precedents", []))),
    )


def try_lines(
    settings: Settings, library: FileLibrary, path: Path
) -> Iterator[tuple[dict[str, Any], Case | None]]:
    """Yield each line's summary and case, or its error."""
    if not path.is_file():
        raise BadRequest(f"{path}: file not found")
    with open_preview(settings, library) as preview:
        for line, row in read_rows(path):
            case = _preview_row(preview, line=line, row=row)
            if isinstance(case, Case):
                yield {"line": line, **summarise(case, library)}, case
            else:
                yield {"line": line, "error": case}, None


@contextmanager
def open_preview(
    settings: Settings, library: FileLibrary, *, systems: Systems | None = None
) -> Iterator[Preview]:
    """Open what previews signals: the store, memory and connectors that reach nobody.

    ``systems`` are the connectors instead of those of systems.yml.
    """
    store = storage.open_store(settings)
    with closing(store.database):
        knowledge = open_knowledge(
            settings=settings,
            store=store,
            library=library,
            clock=utc_now,
        )
        with closing(knowledge.precedents):
            # Actions that send messages must reach nobody.
            if systems is None:
                systems = build_systems(settings, library, NullChat())
            proposals = Proposals(
                cases=store.cases,
                desk_controls=store.desk_controls,
                library=library,
                systems=systems,
                mode=settings.mode.value,
                # Whoever tries signals wants to know what the files would do.
                is_by_files=True,
            )
            triage = build_triage(
                proposals, store.outbox, advisors=knowledge.advisors, clock=utc_now
            )
            knowledge.precedents.open()
            yield Preview(triage, library, utc_now)


def _preview_row(preview: Preview, *, line: int, row: Mapping[str, Any] | BadRow) -> Case | str:
    """Return the case of a row, or why there is none."""
    if isinstance(row, BadRow):
        return row.reason
    try:
        return preview.preview_signal(parse_signal(row, line))
    except CountersignError as failure:
        return str(failure)


def parse_signal(row: Mapping[str, Any], line: int) -> Signal:
    """Return the signal of a row.

    The row is JSON as the intake takes it, or any object with a ``text``.

    Raises:
        BadRequest: it has neither text nor title.
    """
    # PostgreSQL stores no NUL.
    text = str(row.get("text") or row.get("title") or "").replace("\0", " ")
    if not text.strip():
        raise BadRequest("has neither text nor title")
    facts: dict[str, Scalar] = {}
    if len(text) > MAX_TITLE_LENGTH:
        facts["text"] = text[:MAX_TEXT_LENGTH]
    return Signal(
        source=TRIAL,
        key=str(row.get("key") or line),
        kind=str(row.get("kind") or UNRECOGNISED),
        subject=str(row.get("subject") or f"line:{line}")[:MAX_SUBJECT_LENGTH],
        title=text[:MAX_TITLE_LENGTH],
        occurred_at=None,
        facts={**facts, **_parse_facts(row.get("facts"))},
    )


def _parse_facts(values: Any) -> dict[str, Scalar]:
    """Return the facts, with all that is not a scalar as text."""
    if not isinstance(values, dict):
        return {}
    facts: dict[str, Scalar] = {}
    for name, value in list(values.items())[:MAX_FACTS]:
        scalar = value if isinstance(value, int | float | bool) else str(value)[:MAX_FACT_LENGTH]
        facts[str(name)[:MAX_FACT_NAME_LENGTH]] = scalar
    return facts


def summarise(case: Case, library: FileLibrary) -> dict[str, Any]:
    """Return the case for a machine."""
    recognition = case.classification.recognition
    recommendation = case.proposal.recommendation
    guesses = recognition.guesses if recognition else ()
    citations = recommendation.citations if recommendation else ()
    # A kind without a playbook is handled by the one for what is not recognised.
    is_recognised = library.playbook(case.kind).kind != UNRECOGNISED
    kind = case.kind if is_recognised else None
    stake = str(case.assessment.stake) if case.assessment.stake else None
    confidence = recognition.confidence if recognition else None
    verdict = to_plain(case.proposal.verdict) if case.proposal.verdict else None
    return {
        "kind": kind,
        "confidence": confidence,
        "alternatives": [to_plain(guess) for guess in guesses if guess.kind != case.kind],
        "plan": _summarise_plan(case),
        "precedents": [to_plain(citation) for citation in citations],
        "verdict": verdict,
        "stake": stake,
        "urgent": case.classification.is_urgent,
        "unknown": find_unknown(case, library),
    }


def _summarise_plan(case: Case) -> dict[str, Any] | None:
    recommendation = case.proposal.recommendation
    if case.proposal.plan is None or recommendation is None:
        return None
    steps = [
        {"action": action.name, "parameters": dict(action.parameters)}
        for action in case.proposal.plan.actions
    ]
    return {
        "action": recommendation.action,
        "steps": steps,
        "confidence": recommendation.confidence,
        "promise": recommendation.promise,
        "basis": recommendation.basis,
        "alternatives": [to_plain(item) for item in recommendation.alternatives],
    }
