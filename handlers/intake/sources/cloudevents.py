"""CloudEvents 1.0 over HTTP: binary, structured and batched.

``id`` and ``source`` become the key, ``type`` the kind and ``data`` the facts.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import Source
from handlers.intake.facts import flatten_facts
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    MAX_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    Item,
    parse_items,
    parse_json,
    parse_kind,
    parse_object,
    read_key,
    read_time,
    read_title,
    resolve_kind,
)

STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
HEADER_PREFIX = "ce-"
CLEARED_SUFFIX = ".cleared"
MAX_ID_LENGTH = 120
MAX_EVENTS = 100


def parse_signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    """Parse one event or a batch. An empty batch is valid.

    Raises:
        Problem: 400, 415 or 422 for a body that is no event.
    """
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == BATCH_TYPE:
        return _parse_batch(body, source)
    if content_type == STRUCTURED_TYPE:
        return [_signal(parse_object(body), source)]
    return [_signal(_binary_event(body, headers, content_type), source)]


def _parse_batch(body: bytes, source: Source) -> list[Item]:
    events = parse_json(body)
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise Problem(422, f"a batch must be a list of at most {MAX_EVENTS} events")
    return parse_items(events, lambda event, index: _signal(event, source, f"{index}."))


def _binary_event(body: bytes, headers: Mapping[str, str], content_type: str) -> dict[str, Any]:
    """Read an event of headers for attributes and a body for data."""
    if "ce-specversion" not in headers:
        raise Problem(415, f"send {STRUCTURED_TYPE}, or the ce- headers with a JSON body")
    is_json = content_type in {"application/json", ""} or content_type.endswith("+json")
    if body and not is_json:
        raise Problem(415, f"the data of an event must be JSON, not {content_type}")
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if name.startswith(HEADER_PREFIX):
            event[name.removeprefix(HEADER_PREFIX)] = unquote(value)
    event["data"] = parse_json(body) if body else {}
    return event


def _signal(event: Any, source: Source, path: str = "") -> Signal:
    """Convert an event; ``path`` is the prefix of field names in problems."""
    if not isinstance(event, dict):
        raise Problem(422, "an event must be a JSON object", path.rstrip("."))
    if event.get("specversion") != "1.0":
        raise Problem(422, "specversion must be 1.0", f"{path}specversion")
    event_id = read_key(event.get("id"), f"{path}id", MAX_ID_LENGTH)
    sender = read_key(event.get("source"), f"{path}source", MAX_KEY_LENGTH)
    event_type = event.get("type")
    type_name = read_title(event_type, f"{path}type", MAX_KEY_LENGTH)
    if "data_base64" in event:
        raise Problem(415, "the data of an event must be JSON, not base64", f"{path}data_base64")
    data = _data(event)
    is_clear = str(event_type).endswith(CLEARED_SUFFIX)
    return Signal(
        source=source.name,
        key=read_key(f"{sender}#{event_id}", f"{path}id", MAX_KEY_LENGTH + MAX_ID_LENGTH + 1),
        kind=_kind(str(event_type), source),
        subject=read_key(event.get("subject") or sender, f"{path}subject", MAX_KEY_LENGTH),
        title=read_title(_title(data) or type_name, "title", MAX_TITLE_LENGTH),
        occurred_at=read_time(event.get("time"), f"{path}time"),
        facts=flatten_facts([{"type": type_name}, data], f"{path}data", strict=False),
        status=SignalStatus.CLEAR if is_clear else SignalStatus.FIRING,
        domain=source.domain,
    )


def _data(event: Mapping[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    if not isinstance(data, dict):
        return {"data": data}
    return data


def _kind(event_type: str, source: Source) -> str:
    """Read the kind from the last part of the type.

    A kind that is fixed in sources.yml is not for the event to name.
    """
    if source.kind:
        return resolve_kind("", source)
    last_part = event_type.removesuffix(CLEARED_SUFFIX).rpartition(".")[2]
    return resolve_kind(parse_kind(last_part), source)


def _title(data: Mapping[str, Any]) -> str:
    title = data.get("title")
    if not isinstance(title, str) or not title.strip():
        return ""
    return title
