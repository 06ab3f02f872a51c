"""CloudEvents 1.0 over HTTP, binary and structured: ``id`` and ``source`` make the key, ``type`` the kind, ``data`` the facts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    facts_of,
    items_of,
    json_of,
    key_of,
    kind_named,
    kind_of,
    object_of,
    time_of,
    title_of,
)
from handlers.intake.sources.signals import LONGEST_KEY, LONGEST_TITLE

STRUCTURED = "application/cloudevents+json"
LONGEST_ID, MAX_EVENTS = 120, 100
CLEARED = ".cleared"
BATCH = "application/cloudevents-batch+json"


def signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    """Read one event or a batch; an empty batch is nothing, and nothing is wrong with it."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        events = json_of(body)
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise Problem(422, f"a batch is a list of at most {MAX_EVENTS} events")
        return items_of(events, lambda event, index: _signal(event, source, f"{index}."))
    if kind == STRUCTURED:
        return [_signal(object_of(body), source)]
    if "ce-specversion" not in headers:
        raise Problem(415, f"send {STRUCTURED}, or the ce- headers with a JSON body")
    if body and kind not in {"application/json", ""} and not kind.endswith("+json"):
        raise Problem(415, f"the data of an event must be JSON, not {kind}")
    attributes: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    return [_signal({**attributes, "data": json_of(body) if body else {}}, source)]


def _signal(event: Any, source: Source, where: str = "") -> Signal:
    if not isinstance(event, dict):
        raise Problem(422, "an event must be a JSON object", where.rstrip("."))
    if event.get("specversion") != "1.0":
        raise Problem(422, "specversion must be 1.0", f"{where}specversion")
    event_id = key_of(event.get("id"), f"{where}id", LONGEST_ID)
    sender = key_of(event.get("source"), f"{where}source", LONGEST_KEY)
    event_type = event.get("type")
    type_name = title_of(event_type, f"{where}type", LONGEST_KEY)
    if "data_base64" in event:
        raise Problem(415, "the data of an event must be JSON, not base64", f"{where}data_base64")
    content = event.get("data")
    data: dict[str, Any] = content if isinstance(content, dict) else {"data": content}
    title = data.get("title")
    clear = str(event_type).endswith(CLEARED)
    named = kind_named(str(event_type).removesuffix(CLEARED).rpartition(".")[2])
    return Signal(
        source=source.name,
        key=key_of(f"{sender}#{event_id}", f"{where}id", LONGEST_KEY + LONGEST_ID + 1),
        # A kind that is fixed in sources.yml is not for the event to name.
        kind=kind_of("" if source.kind else named, source),
        subject=key_of(event.get("subject") or sender, f"{where}subject", LONGEST_KEY),
        title=title_of(
            title if isinstance(title, str) and title.strip() else type_name, "title", LONGEST_TITLE
        ),
        occurred_at=time_of(event.get("time"), f"{where}time"),
        facts=facts_of([{"type": type_name}, data], f"{where}data", strict=False),
        status=SignalStatus.CLEAR if clear else SignalStatus.FIRING,
        domain=source.domain,
    )
