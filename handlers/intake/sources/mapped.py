"""Any JSON, by the mapping that sources.yml gives for its source."""

from collections.abc import Mapping
from typing import Any

from bot.cases.expressions import evaluate, find_scalar, search
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import SignalMapping, Source
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    Item,
    facts_of,
    items_of,
    json_of,
    key_of,
    kind_named,
    kind_of,
    time_of,
    title_of,
)
from handlers.intake.sources.signals import LONGEST_KEY, LONGEST_TITLE

MOST_ITEMS = 500


def signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Item]:
    mapping = source.mapping
    if mapping is None:
        raise Problem(503, f"source {source.name} has no mapping")
    content = json_of(body)
    items = search(mapping.each, content) if mapping.each else [content]
    if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
        raise Problem(
            422, f"{mapping.each or 'the body'} must give 1 to {MOST_ITEMS} objects", mapping.each
        )
    return items_of(items, lambda item, index: _signal(item, mapping, source))


def _signal(item: Any, mapping: SignalMapping, source: Source) -> Signal:
    if not isinstance(item, dict):
        raise Problem(422, "each signal must come from a JSON object", mapping.each)

    def text(name: str, expression: str) -> tuple[str | None, str]:
        value = find_scalar(expression, item)
        is_text = value is not None and not isinstance(value, bool)
        return (str(value) if is_text else None, f"{name} ({expression})")

    kind = find_scalar(mapping.kind, item) if mapping.kind else None
    facts = {name: find_scalar(expression, item) for name, expression in mapping.facts.items()}
    occurred_at = find_scalar(mapping.occurred_at, item) if mapping.occurred_at else None
    return Signal(
        source=source.name,
        key=key_of(*text("key", mapping.key), LONGEST_KEY),
        kind=kind_of(kind_named(kind) if kind else "", source),
        subject=key_of(*text("subject", mapping.subject), LONGEST_KEY),
        title=title_of(*text("title", mapping.title), LONGEST_TITLE),
        occurred_at=time_of(occurred_at, mapping.occurred_at or "occurred_at"),
        facts=facts_of([facts], strict=False),
        status=SignalStatus.CLEAR
        if mapping.clear and evaluate(mapping.clear, item)
        else SignalStatus.FIRING,
        domain=source.domain,
    )
