"""``countersign sources``: list, show and add senders of signals."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from bot import storage
from bot.cases.canonical import to_plain
from bot.cases.errors import BadRequest, PlaybookInvalid
from bot.cases.source import Source
from bot.cases.verification import Scheme, Verification
from bot.cli.sources_file import add_entry
from bot.cli.terminal import AsJson, out, print_json
from bot.ports.ignored_requests import IgnoredCount
from bot.preflight import open_library
from bot.settings import PACKAGED_LIBRARY, Settings, load_offline
from knowledge.library import FileLibrary
from knowledge.library.presets import Preset, list_presets, preset_path, read_preset, secret_names

COLUMNS = ("source", "product", "format", "signs in by", "kinds", "left out in 90 days")
EVENT_COLUMNS = ("day", "event", "left out")
MAX_EVENTS = 20
#: How people on the side of a product set the secret, by scheme.
STEPS = {
    Scheme.HMAC: "give it the secret with which it signs, or copy the one that it shows",
    Scheme.TOKEN: "give it the secret, which it sends in the header {header}",
    Scheme.BASIC: "write user and password into the address, or into its fields for them",
    Scheme.PATH: "the secret is the last part of the address, so keep the address secret too",
    Scheme.BEARER: "give it the header Authorization: Bearer with the secret",
    Scheme.STANDARD_WEBHOOKS: "copy the signing secret that it shows, which begins with whsec_",
    Scheme.PROXY_CERTIFICATE: "let your proxy check its certificate and set the header {header}",
    Scheme.LOOPBACK: "run it on this machine; it needs no secret",
}


def list_sources(as_json: AsJson = False) -> None:
    settings = load_offline()
    library = open_library(settings)
    totals = _ignored_by_source(_read_ignored(settings))
    sources = [_describe(source, library, totals) for source in library.sources.values()]
    used_presets = {source.preset for source in library.sources.values()}
    presets = [name for name in list_presets(settings.library_dir) if name not in used_presets]
    if as_json:
        print_json({"sources": sources, "presets": presets})
        return
    table = Table(*COLUMNS)
    for one in sources:
        kinds = ", ".join(one["kinds"]) or "any"
        cells = (one["name"], one["product"], one["format"], one["verification"], kinds)
        table.add_row(*map(escape, cells), f"{one['ignored']:,}")
    out.print(table)
    out.print(f"{len(presets)} more products are known: {', '.join(presets)}", markup=False)
    out.print("Add one with `countersign sources add PRODUCT`.", markup=False)


def show(
    name: Annotated[str, typer.Argument(help="A source of sources.yml, or a product.")],
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    library = open_library(settings)
    counts = _read_ignored(settings, name)
    source = library.sources.get(name)
    preset = library.presets.get(name) or _find_preset(settings.library_dir, name, source)
    facts = _facts(name, source=source, preset=preset, settings=settings)
    if as_json:
        print_json({**facts, "ignored": [_plain_count(count) for count in counts]})
        return
    for label, value in facts.items():
        _print_fact(label.replace("_", " "), value)
    if not counts:
        out.print("Nothing was left out in 90 days.")
        return
    table = Table(*EVENT_COLUMNS)
    for count in counts[:MAX_EVENTS]:
        table.add_row(f"{count.day:%d %b %Y}", escape(count.event), f"{count.count:,}")
    out.print(table)


def add(
    product: Annotated[str, typer.Argument(help="A product that `countersign sources` lists.")],
    kind: Annotated[str, typer.Option(help="The kind of its cases instead of the preset's.")] = "",
    name: Annotated[str, typer.Option(help="The name of the source; else the product's.")] = "",
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    library = open_library(settings)
    preset = read_preset(preset_path(settings.library_dir, product))
    source_name = name or product
    if source_name in library.sources:
        raise BadRequest(
            f"sources.yml has a source {source_name} already; name another with --name"
        )
    if settings.library_dir == PACKAGED_LIBRARY:
        raise BadRequest(
            "these are the files of the release; copy them with `countersign init --sample`, set "
            "COUNTERSIGN_LIBRARY_DIR, and add the source there"
        )
    path = settings.library_dir / "sources.yml"
    before = path.read_bytes()
    add_entry(path, source_name, preset=product, kind=kind)
    try:
        library = open_library(settings)
    except PlaybookInvalid:
        path.write_bytes(before)
        raise
    source = library.sources[source_name]
    steps = next_steps(source, preset, settings)
    if as_json:
        print_json({"source": source_name, "file": str(path), "next": steps})
        return
    out.print(f"Added {source_name} to {path}. Next:", markup=False, soft_wrap=True)
    for number, step in enumerate(steps, 1):
        out.print(f"  {number}. {step}", markup=False, soft_wrap=True)


def next_steps(source: Source, preset: Preset, settings: Settings) -> list[str]:
    """List what is still to be done until a product can send."""
    steps = []
    verify = source.verify
    if verify and verify.secret_env:
        steps.append(f"Set {verify.secret_env[0]} in the environment of the bot to the secret.")
    where = f"In {preset.product}, send webhooks to {address_of(source, settings)}"
    steps.append(f"{where}: {preset.documentation}")
    if verify:
        step = STEPS[verify.scheme].format(header=verify.header)
        steps.append(f"There, {step}.")
    if not source.allowed_kinds and preset.kind:
        steps.append(
            f"Write a playbook for {preset.kind}, or choose one of yours with kind: in sources.yml;"
            " until then its cases are not recognised."
        )
    steps.append("Run `countersign check`, then start the bot again.")
    return steps


def address_of(source: Source, settings: Settings) -> str:
    """Return the address to which a source sends."""
    address = f"{settings.public_url.rstrip('/')}/v1/webhooks/{source.name}"
    is_in_path = source.verify is not None and source.verify.scheme is Scheme.PATH
    return f"{address}/SECRET" if is_in_path else address


def _find_preset(folder: Path, name: str, source: Source | None) -> Preset | None:
    if source is not None:
        return None
    # Raises, with what to do, where it is neither a source nor a product.
    return read_preset(preset_path(folder, name))


def _facts(
    name: str, source: Source | None, preset: Preset | None, settings: Settings
) -> dict[str, Any]:
    """Describe a source or a product for people and machines."""
    facts: dict[str, Any] = {"name": name, "is_configured": source is not None}
    if preset is not None:
        facts["product"] = preset.product
        facts["documentation"] = preset.documentation
        facts["suggested_kind"] = preset.kind
    if source is not None:
        facts["kinds"] = list(source.allowed_kinds)
        facts["address"] = address_of(source, settings)
        facts["secrets"] = _secret_states(source, settings)
        if preset is not None:
            facts["next_steps"] = next_steps(source, preset, settings)
    else:
        facts["secrets"] = dict.fromkeys(secret_names(name), False)
    origin = source or preset
    if origin is not None:
        facts["format"] = str(origin.format)
        facts["verification"] = describe_verification(source, origin.verify)
        facts["mapping"] = _plain_mapping(origin.mapping) if origin.mapping else {}
    return facts


def _plain_mapping(mapping: Any) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(mapping)
    return {name: value for name, value in plain.items() if value}


def _secret_states(source: Source, settings: Settings) -> dict[str, bool]:
    secret_env = source.verify.secret_env if source.verify else ()
    variables = (*secret_env, *source.token_env, *source.webhook_secret_env)
    return {variable: bool(settings.secret(variable)) for variable in variables}


def _print_fact(label: str, value: Any) -> None:
    match value:
        case dict():
            out.print(f"{label}:", markup=False)
            for name, inner in value.items():
                out.print(f"  {name}: {_readable(inner)}", markup=False, soft_wrap=True)
        case list():
            out.print(f"{label}:", markup=False)
            for inner in value:
                out.print(f"  • {inner}", markup=False, soft_wrap=True)
        case True | False:
            out.print(f"{label}: {'yes' if value else 'no'}", markup=False)
        case _:
            out.print(f"{label}: {value or 'none'}", markup=False, soft_wrap=True)


def _readable(value: Any) -> str:
    match value:
        case True:
            return "set"
        case False:
            return "not set"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return ", ".join(f"{name}: {inner}" for name, inner in value.items())
        case _:
            return str(value)


def describe_verification(source: Source | None, verify: Verification | None) -> str:
    """Say in a few words how a sender proves who it is."""
    ways = []
    if verify:
        header = f" in {verify.header}" if verify.header else ""
        ways.append(f"{verify.scheme.replace('_', ' ')}{header}")
    if source and source.token_env:
        ways.append("bearer")
    if source and source.webhook_secret_env:
        ways.append("standard webhooks")
    return ", ".join(ways) or "none"


def _describe(source: Source, library: FileLibrary, totals: Counter[str]) -> dict[str, Any]:
    preset = library.presets.get(source.name)
    return {
        "name": source.name,
        "product": preset.product if preset else "",
        "preset": source.preset,
        "format": str(source.format),
        "verification": describe_verification(source, source.verify),
        "kinds": list(source.allowed_kinds),
        "ignored": totals[source.name],
    }


def _read_ignored(settings: Settings, name: str = "") -> Sequence[IgnoredCount]:
    """Read the counts; none where there is no database yet."""
    store = storage.open_store(settings)
    with closing(store.database):
        return store.ignored_requests.list(name)


def _ignored_by_source(counts: Sequence[IgnoredCount]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for count in counts:
        totals[count.source] += count.count
    return totals


def _plain_count(count: IgnoredCount) -> dict[str, Any]:
    return {
        "day": count.day.isoformat(),
        "event": count.event,
        "count": count.count,
        "last_at": count.last_at.isoformat(),
    }
