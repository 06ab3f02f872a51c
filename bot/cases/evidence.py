"""Evidence: a fact, where it came from and when it was read. A look-up that failed is evidence too, and is shown as failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.cases.canonical import Scalar
from bot.cases.signal import Signal

# What the desk itself says of a signal; no fact of its body has these names, and no look-up is called like the signal.
OWN_FACTS = frozenset({"subject", "title", "source"})
SIGNAL = "signal"


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
    """Nest everything known, as playbook expressions look into it; no fact from outside takes the place of our own."""
    own = {"subject": signal.subject, "title": signal.title, "source": signal.source}
    facts: dict[str, Any] = {}
    for fact in evidence:
        if fact.failure is None:
            item, _, column = fact.name.partition(".")
            facts.setdefault(item, {})[column] = fact.value
    return {**facts, SIGNAL: {**signal.facts, **own}}


def list_changes(before: Mapping[str, Scalar], now: Mapping[str, Scalar]) -> list[str]:
    """Which snapshot values moved, as sentences; empty when the world is as it was."""
    names = sorted({*before, *now})
    return [
        f"{name} was {before.get(name)}, is {now.get(name)}"
        for name in names
        if before.get(name) != now.get(name)
    ]
