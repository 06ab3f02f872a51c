"""Any JSON, through the mapping that sources.yml defines for its source."""

from typing import Any

from bot.cases.expressions import evaluate, find_scalar, search
from bot.cases.signal import Signal, SignalStatus
from bot.cases.source import SignalMapping, Source
from handlers.intake.facts import flatten_facts
from handlers.intake.problem import Problem
from handlers.intake.reading import (
    MAX_KEY_LENGTH,
    MAX_TITLE_LENGTH,
    Item,
    parse_items,
    parse_json,
    parse_kind,
    read_key,
    read_time,
    read_title,
    resolve_kind,
)

MAX_ITEMS = 500


def parse_signals(body: bytes, source: Source) -> list[Item]:
    """Parse the objects that the mapping selects.

    Raises:
        Problem: 400 or 422 when the body is no JSON, or the mapping selects too few or many.
    """
    mapping = source.mapping
    if mapping is None:
        raise Problem(503, f"source {source.name} has no mapping; add one in sources.yml")
    content = parse_json(body)
    parts = search(mapping.each, content) if mapping.each else [content]
    if not isinstance(parts, list) or not parts or len(parts) > MAX_ITEMS:
        selection = mapping.each or "the body"
        raise Problem(422, f"{selection} must give 1 to {MAX_ITEMS} objects", mapping.each)
    return parse_items(parts, lambda part, index: _signal(part, mapping, source))


def _signal(part: Any, mapping: SignalMapping, source: Source) -> Signal:
    if not isinstance(part, dict):
        raise Problem(422, "each signal must come from a JSON object", mapping.each)
    facts = {name: find_scalar(expression, part) for name, expression in mapping.facts.items()}
    occurred_at = _look_up_optional(mapping.occurred_at, part)
    is_clear = bool(mapping.clear) and evaluate(mapping.clear, part)
    return Signal(
        source=source.name,
        key=read_key(_look_up_text(mapping.key, part), f"key ({mapping.key})", MAX_KEY_LENGTH),
        kind=_kind(part, mapping, source),
        subject=read_key(
            _look_up_text(mapping.subject, part), f"subject ({mapping.subject})", MAX_KEY_LENGTH
        ),
        title=read_title(
            _look_up_text(mapping.title, part), f"title ({mapping.title})", MAX_TITLE_LENGTH
        ),
        occurred_at=read_time(occurred_at, mapping.occurred_at or "occurred_at"),
        facts=flatten_facts([facts], strict=False),
        status=SignalStatus.CLEAR if is_clear else SignalStatus.FIRING,
        domain=source.domain,
    )


def _kind(part: dict[str, Any], mapping: SignalMapping, source: Source) -> str:
    """Read the kind by the mapping, or use the source's own."""
    value = _look_up_optional(mapping.kind, part)
    if not value:
        return resolve_kind("", source)
    return resolve_kind(parse_kind(value), source)


def _look_up_optional(expression: str, part: dict[str, Any]) -> Any:
    """Evaluate an expression that the mapping may leave out."""
    if not expression:
        return None
    return find_scalar(expression, part)


def _look_up_text(expression: str, part: dict[str, Any]) -> str | None:
    """Evaluate an expression to text; None for a truth value."""
    value = find_scalar(expression, part)
    if value is None or isinstance(value, bool):
        return None
    return str(value)
