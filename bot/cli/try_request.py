"""``countersign sources try``: read a request without opening a case."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, assert_never

import typer

from bot.cases.case import Case
from bot.cases.errors import BadRequest, CountersignError, SettingsIncomplete
from bot.cases.signal import Signal, SignalStatus
from bot.cases.signed_content import Coverage
from bot.cases.source import Format, Source
from bot.cases.verification import Scheme
from bot.cli.card_view import SLACK_DATE
from bot.cli.terminal import AsJson, err, out, print_json
from bot.cli.trial import card_of, find_unknown, print_trial
from bot.cli.try_signals import open_preview
from bot.desk.preview import Preview
from bot.lazy_module import LazyModule
from bot.ports.connector import Systems
from bot.preflight import open_library, require_startable
from bot.settings import Settings, load_offline
from handlers.intake.content import read_content
from handlers.intake.problem import Problem
from handlers.intake.proof import Proof, full_proof
from handlers.intake.reading import Ignored, Item
from handlers.intake.sources import alertmanager, cloudevents, mail, mapped, signals
from knowledge.library import FileLibrary
from knowledge.library.presets import preset_path, read_preset

MAX_PAYLOAD_BYTES = 1024 * 1024
JSON_TYPE = "application/json"
#: The name under which a request without a source is read.
ANY = "any"

if TYPE_CHECKING:
    from bot.cli import card_page
else:
    # Whoever opens no page needs no server.
    card_page = LazyModule("bot.cli.card_page")

#: The summary of one item, and the case that it would open.
Trial = tuple[dict[str, Any], Case | None]


def try_request(
    payload: Annotated[Path, typer.Argument(help="The body of a request, as it came.")],
    headers: Annotated[
        Path | None,
        typer.Option(help="Its headers: JSON, or a line `Name: value` for each."),
    ] = None,
    source: Annotated[str, typer.Option(help="Read it as this source of sources.yml.")] = "",
    product: Annotated[str, typer.Option(help="Read it by the preset of this product.")] = "",
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the card as Slack shows it, in a browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    library = open_library(settings)
    reader = choose_source(settings, library, source=source, product=product)
    items = read_items(reader, _read_bytes(payload), read_headers(headers) if headers else {})
    trials = list(summarise(items, settings, library))
    summaries = [summary for summary, _ in trials]
    cases = [case for _, case in trials if case is not None]
    if as_json:
        print_json(summaries)
    else:
        _print_trials(trials, library)
    if open_page:
        card_page.show_cards([card_of(case, library) for case in cases])
    if any(summary.get("unknown") for summary in summaries):
        raise typer.Exit(1)


def _print_trials(trials: list[Trial], library: FileLibrary) -> None:
    for number, (summary, case) in enumerate(trials, 1):
        if len(trials) > 1:
            out.print(f"— {number} of {len(trials)} —", markup=False)
        if case is None:
            _print(summary)
        else:
            _print({name: summary[name] for name in summary if name not in {"card", "unknown"}})
            print_trial(case, library)


def choose_source(settings: Settings, library: FileLibrary, *, source: str, product: str) -> Source:
    """Choose the source; without a name, one that guesses.

    Raises:
        BadRequest: both are named, or there is no such source.
    """
    if source and product:
        raise BadRequest("name --source or --product, not both")
    if source:
        if source not in library.sources:
            names = ", ".join(library.sources)
            raise BadRequest(f"sources.yml has no source {source}; it has {names}")
        return library.sources[source]
    if not product:
        return Source(name=ANY, format=Format.AUTO)
    preset = read_preset(preset_path(settings.library_dir, product))
    names_kind = preset.mapping is not None and bool(preset.mapping.kind)
    has_playbook = preset.kind in library.playbooks
    return Source(
        name=product,
        format=preset.format,
        kind=preset.kind if has_playbook and not names_kind else "",
        mapping=preset.mapping,
        preset=product,
        verify=preset.verify,
    )


def read_headers(path: Path) -> dict[str, str]:
    """Read headers from JSON or from lines."""
    text = _read_bytes(path).decode("utf-8", "replace")
    try:
        values = json.loads(text)
    except ValueError:
        pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
        return {name.strip().lower(): value.strip() for name, _, value in pairs}
    if not isinstance(values, dict):
        raise BadRequest(f"{path}: must be a JSON object, or lines like `Name: value`")
    return {str(name).lower(): str(value) for name, value in values.items()}


def read_items(source: Source, body: bytes, headers: Mapping[str, str]) -> list[Item]:
    """Read a request as the intake does once its sender is known."""
    try:
        match source.format:
            case Format.SIGNAL:
                return signals.parse_signals(body, headers, source)
            case Format.CLOUDEVENTS:
                event_headers = {"content-type": JSON_TYPE, **headers}
                return cloudevents.parse_signals(body, event_headers, source)
            case Format.ALERTMANAGER:
                return alertmanager.parse_signals(body, source)
            case Format.MAPPING | Format.AUTO:
                return mapped.parse_signals(read_content(body, headers), source, _proof(source))
            case Format.EMAIL:
                content = read_content(body, headers)
                return mail.parse_signals(body, content, source=source, proof=_proof(source))
            case _:
                assert_never(source.format)
    except Problem as problem:
        return [problem]


def _proof(source: Source) -> Proof:
    """Return what a request of this source would be vouched for by."""
    verify = source.verify
    if verify is None or verify.scheme is not Scheme.HMAC:
        return full_proof(verify.scheme if verify else Scheme.BEARER)
    coverage = Coverage.of(verify)
    return Proof(
        scheme=verify.scheme,
        covers_body=coverage.has_body,
        covers_query=coverage.has_query,
        covers_all_headers=False,
        signed_headers=coverage.headers,
    )


def summarise(items: list[Item], settings: Settings, library: FileLibrary) -> Iterator[Trial]:
    """Describe each signal of a request with its card."""
    if not any(isinstance(item, Signal) for item in items):
        for item in items:
            yield _summary(item, None, library)
        return
    systems: Systems | None = None
    try:
        require_startable(settings, library)
    except SettingsIncomplete as problem:
        err.print(f"Note: nothing is looked up for the card. {problem}", markup=False)
        systems = {}
    with open_preview(settings, library, systems=systems) as preview:
        for item in items:
            yield _summary(item, preview, library)


def _summary(item: Item, preview: Preview | None, library: FileLibrary) -> Trial:
    match item:
        case Problem():
            refusal = {"outcome": "refused", "status": item.status, "reason": item.detail}
            return {**refusal, "unknown": [item.detail]}, None
        case Ignored():
            return {"outcome": "ignored", "reason": item.reason, "event": item.event}, None
        case Signal():
            return _try_signal(item, preview, library)


def _signal_summary(signal: Signal, library: FileLibrary) -> dict[str, Any]:
    return {
        "outcome": "signal",
        "key": signal.key,
        "subject": signal.subject,
        "title": signal.title,
        "status": str(signal.status),
        "kind": signal.kind,
        "playbook": library.playbook(signal.kind).kind,
        "is_guessed": signal.is_guessed,
        "amount": signal.facts.get("amount"),
        "currency": signal.facts.get("currency"),
        "occurred_at": signal.occurred_at.isoformat() if signal.occurred_at else None,
        "facts": dict(signal.facts),
    }


def _try_signal(signal: Signal, preview: Preview | None, library: FileLibrary) -> Trial:
    """Return the signal with the texts of its card."""
    summary = _signal_summary(signal, library)
    if signal.status is SignalStatus.CLEAR:
        words = "No card: it ends the case of its subject, if there is one."
        return {**summary, "card": [words], "unknown": []}, None
    if preview is None:
        return {**summary, "card": [], "unknown": []}, None
    try:
        case = preview.preview_signal(signal)
    except CountersignError as failure:
        words = f"The card cannot be previewed: {failure}"
        return {**summary, "card": [words], "unknown": [words]}, None
    texts = (" ".join(_texts(block)) for block in card_of(case, library))
    # Slack writes the times in the zone of whoever reads them; here stands what it falls back to.
    card = [SLACK_DATE.sub(r"\1", text) for text in texts if text]
    return {**summary, "card": card, "unknown": find_unknown(case, library)}, case


def _texts(block: Any) -> Iterator[str]:
    """Yield the texts of a block, without what a confirmation would ask."""
    if isinstance(block, Mapping):
        for name, value in block.items():
            if name == "text" and isinstance(value, str):
                yield value.strip()
            elif name != "confirm":
                yield from _texts(value)
    elif isinstance(block, list):
        for value in block:
            yield from _texts(value)


def _print(summary: dict[str, Any]) -> None:
    for name, value in summary.items():
        label = name.replace("_", " ")
        match value:
            case dict():
                out.print(f"{label}:", markup=False)
                for fact, inner in value.items():
                    out.print(f"  {fact}: {inner}", markup=False, soft_wrap=True)
            case list():
                out.print(f"{label}:", markup=False)
                for text in value:
                    out.print(f"  {text}", markup=False, soft_wrap=True)
            case None | "":
                continue
            case _:
                out.print(f"{label}: {value}", markup=False, soft_wrap=True)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise BadRequest(f"{path}: larger than {MAX_PAYLOAD_BYTES:,} bytes, as the intake takes")
    return raw
