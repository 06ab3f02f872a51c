"""Any JSON, by the mapping that sources.yml gives for its source."""

from collections.abc import Mapping
from typing import Any

from bot.cases.expressions import holds, look_up, search
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import SignalMapping, Source
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    flatten_facts,
    parse_items,
    parse_json,
    parse_kind,
    read_key,
    read_time,
    read_title,
    resolve_kind,
)
from handlers.intake.sources.signals import MAX_KEY_LENGTH, MAX_TITLE_LENGTH

MAX_ITEMS = 500


def parse_signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    mapping = source.mapping
    if mapping is None:
        raise Problem(503, f"source {source.name} has no mapping")
    content = parse_json(body)
    items = search(mapping.each, content) if mapping.each else [content]
    if not isinstance(items, list) or not items or len(items) > MAX_ITEMS:
        raise Problem(
            422, f"{mapping.each or 'the body'} must give 1 to {MAX_ITEMS} objects", mapping.each
        )
    return parse_items(items, lambda item, index: _signal(item, mapping, source))


def _signal(item: Any, mapping: SignalMapping, source: Source) -> Signal:
    if not isinstance(item, dict):
        raise Problem(422, "each signal must come from a JSON object", mapping.each)

    def text(name: str, expression: str) -> tuple[str | None, str]:
        value = look_up(expression, item)
        is_text = value is not None and not isinstance(value, bool)
        return (str(value) if is_text else None, f"{name} ({expression})")

    kind = look_up(mapping.kind, item) if mapping.kind else None
    facts = {name: look_up(expression, item) for name, expression in mapping.facts.items()}
    occurred_at = look_up(mapping.occurred_at, item) if mapping.occurred_at else None
    return Signal(
        source=source.name,
        key=read_key(*text("key", mapping.key), MAX_KEY_LENGTH),
        kind=resolve_kind(parse_kind(kind) if kind else "", source),
        subject=read_key(*text("subject", mapping.subject), MAX_KEY_LENGTH),
        title=read_title(*text("title", mapping.title), MAX_TITLE_LENGTH),
        occurred_at=read_time(occurred_at, mapping.occurred_at or "occurred_at"),
        facts=flatten_facts([facts], strict=False),
        status=SignalStatus.CLEAR
        if mapping.clear and holds(mapping.clear, item)
        else SignalStatus.FIRING,
        domain=source.domain,
    )
