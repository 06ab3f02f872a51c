"""Evidence: a fact, where it came from and when it was read. A look-up that failed is evidence too, and is shown as failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.cases.canonical import Scalar
from bot.cases.signal import Signal


@dataclass(frozen=True, slots=True)
class Evidence:
    """``name`` is "item.column"; ``label`` is what the card says, empty for facts that are used but not shown."""

    name: str
    label: str
    value: Scalar
    source: str
    read_at: datetime
    failure: str | None = None


def facts_of(signal: Signal, evidence: Iterable[Evidence]) -> dict[str, Any]:
    """Everything known, as the nested object that playbook expressions look into."""
    known: dict[str, Any] = {
        "signal": {"subject": signal.subject, "title": signal.title, "source": signal.source, **signal.facts}
    }
    for fact in evidence:
        if fact.failure is None:
            item, _, column = fact.name.partition(".")
            known.setdefault(item, {})[column] = fact.value
    return known


def changed(before: Mapping[str, Scalar], now: Mapping[str, Scalar]) -> list[str]:
    """Which snapshot values moved, as sentences; empty when the world is as it was."""
    names = sorted({*before, *now})
    return [f"{name} was {before.get(name)}, is {now.get(name)}" for name in names if before.get(name) != now.get(name)]
