"""Any JSON, by the mapping that sources.yml gives for its source."""

from collections.abc import Mapping
from typing import Any

from bot.cases.expressions import compiled, holds, look_up
from bot.cases.signal import UNRECOGNISED, Signal, SignalStatus
from bot.cases.source import SignalMapping, Source
from handlers.intake.problem import Problem
from handlers.intake.reading import facts_of, json_of, text_of, time_of
from handlers.intake.sources.signals import LONGEST_KEY, LONGEST_TITLE

MOST_ITEMS = 500


def signals(body: bytes, headers: Mapping[str, str], source: Source) -> list[Signal]:
    mapping = source.mapping
    if mapping is None:
        raise Problem(503, f"source {source.name} has no mapping")
    found = json_of(body)
    items = compiled(mapping.each).search(found) if mapping.each else [found]
    if not isinstance(items, list) or not items or len(items) > MOST_ITEMS:
        raise Problem(422, f"{mapping.each or 'the body'} must give 1 to {MOST_ITEMS} objects", mapping.each)
    return [_signal(item, mapping, source) for item in items]


def _signal(item: Any, mapping: SignalMapping, source: Source) -> Signal:
    if not isinstance(item, dict):
        raise Problem(422, "each signal must come from a JSON object", mapping.each)

    def text(name: str, expression: str, most: int) -> str:
        value = look_up(expression, item)
        return text_of(
            str(value) if value is not None and not isinstance(value, bool) else None, f"{name} ({expression})", most
        )

    kind = look_up(mapping.kind, item) if mapping.kind else None
    facts = {name: look_up(expression, item) for name, expression in mapping.facts.items()}
    occurred_at = look_up(mapping.occurred_at, item) if mapping.occurred_at else None
    return Signal(
        source=source.name,
        key=text("key", mapping.key, LONGEST_KEY),
        kind=str(kind) if kind else source.kind or UNRECOGNISED,
        subject=text("subject", mapping.subject, LONGEST_KEY),
        title=text("title", mapping.title, LONGEST_TITLE),
        occurred_at=time_of(occurred_at, mapping.occurred_at or "occurred_at"),
        facts=facts_of(facts),
        status=SignalStatus.CLEAR if mapping.clear and holds(mapping.clear, item) else SignalStatus.FIRING,
    )
