"""CloudEvents 1.0 over HTTP, binary and structured: ``id`` and ``source`` make the key, ``type`` the kind, ``data`` the facts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    flatten_facts,
    parse_items,
    parse_json,
    parse_kind,
    parse_object,
    read_key,
    read_time,
    read_title,
    resolve_kind,
)
from handlers.intake.sources.signals import MAX_KEY_LENGTH, MAX_TITLE_LENGTH

STRUCTURED = "application/cloudevents+json"
MAX_ID_LENGTH, MAX_EVENTS = 120, 100
CLEARED = ".cleared"
BATCH = "application/cloudevents-batch+json"


def parse_signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    """Read one event or a batch; an empty batch is nothing, and nothing is wrong with it."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        events = parse_json(body)
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise Problem(422, f"a batch is a list of at most {MAX_EVENTS} events")
        return parse_items(events, lambda event, index: _signal(event, source, f"{index}."))
    if kind == STRUCTURED:
        return [_signal(parse_object(body), source)]
    if "ce-specversion" not in headers:
        raise Problem(415, f"send {STRUCTURED}, or the ce- headers with a JSON body")
    if body and kind not in {"application/json", ""} and not kind.endswith("+json"):
        raise Problem(415, f"the data of an event must be JSON, not {kind}")
    attributes: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    return [_signal({**attributes, "data": parse_json(body) if body else {}}, source)]


def _signal(event: Any, source: Source, where: str = "") -> Signal:
    if not isinstance(event, dict):
        raise Problem(422, "an event must be a JSON object", where.rstrip("."))
    if event.get("specversion") != "1.0":
        raise Problem(422, "specversion must be 1.0", f"{where}specversion")
    event_id = read_key(event.get("id"), f"{where}id", MAX_ID_LENGTH)
    sender = read_key(event.get("source"), f"{where}source", MAX_KEY_LENGTH)
    event_type = event.get("type")
    type_name = read_title(event_type, f"{where}type", MAX_KEY_LENGTH)
    if "data_base64" in event:
        raise Problem(415, "the data of an event must be JSON, not base64", f"{where}data_base64")
    content = event.get("data")
    data: dict[str, Any] = content if isinstance(content, dict) else {"data": content}
    title = data.get("title")
    clear = str(event_type).endswith(CLEARED)
    named = parse_kind(str(event_type).removesuffix(CLEARED).rpartition(".")[2])
    return Signal(
        source=source.name,
        key=read_key(f"{sender}#{event_id}", f"{where}id", MAX_KEY_LENGTH + MAX_ID_LENGTH + 1),
        # A kind that is fixed in sources.yml is not for the event to name.
        kind=resolve_kind("" if source.kind else named, source),
        subject=read_key(event.get("subject") or sender, f"{where}subject", MAX_KEY_LENGTH),
        title=read_title(
            title if isinstance(title, str) and title.strip() else type_name,
            "title",
            MAX_TITLE_LENGTH,
        ),
        occurred_at=read_time(event.get("time"), f"{where}time"),
        facts=flatten_facts([{"type": type_name}, data], f"{where}data", strict=False),
        status=SignalStatus.CLEAR if clear else SignalStatus.FIRING,
        domain=source.domain,
    )
