"""CloudEvents 1.0 over HTTP, binary and structured: ``id`` and ``source`` make the key, ``type`` the kind, ``data`` the facts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bot.cases.signal import UNRECOGNISED, Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.problem import Problem
from handlers.intake.reading import facts_of, json_of, object_of, text_of, time_of
from handlers.intake.sources.signals import LONGEST_KEY, LONGEST_TITLE

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Signal]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == BATCH:
        events = json_of(body)
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events) or len(events) > 100:
            raise Problem(422, "a batch is a list of at most 100 events")
        return [_signal(event, source) for event in events]
    if kind == STRUCTURED:
        return [_signal(object_of(body), source)]
    if "ce-specversion" not in headers:
        raise Problem(415, f"send {STRUCTURED}, or the ce- headers with a JSON body")
    if body and kind not in {"application/json", ""} and not kind.endswith("+json"):
        raise Problem(415, f"the data of an event must be JSON, not {kind}")
    attributes: dict[str, Any] = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    return [_signal({**attributes, "data": json_of(body) if body else {}}, source)]


def _signal(event: Mapping[str, Any], source: Source) -> Signal:
    if event.get("specversion") != "1.0":
        raise Problem(422, "specversion must be 1.0", "specversion")
    event_id, sender = text_of(event.get("id"), "id", 120), text_of(event.get("source"), "source", LONGEST_KEY)
    event_type = text_of(event.get("type"), "type", LONGEST_KEY)
    if "data_base64" in event:
        raise Problem(415, "the data of an event must be JSON, not base64")
    data = event.get("data") if isinstance(event.get("data"), dict) else {"data": event.get("data")}
    subject = event.get("subject") or sender
    title = (data or {}).get("title") or event_type
    return Signal(
        source=source.name,
        key=text_of(f"{sender}#{event_id}", "id", LONGEST_KEY + 121),
        kind=source.kind or _kind(event_type),
        subject=text_of(subject, "subject", LONGEST_KEY),
        title=text_of(title, "data.title", LONGEST_TITLE),
        occurred_at=time_of(event.get("time"), "time"),
        facts=facts_of({"type": event_type, **(data or {})}, "data"),
        status=SignalStatus.CLEAR if event_type.endswith(".cleared") else SignalStatus.FIRING,
    )


def _kind(event_type: str) -> str:
    """``com.example.low_stock`` and ``com.example.low_stock.cleared`` are both of kind low_stock."""
    last = event_type.removesuffix(".cleared").rpartition(".")[2].lower()
    return last if last.replace("_", "").isalnum() and len(last) <= 50 else UNRECOGNISED
