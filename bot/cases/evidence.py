"""Evidence: facts with their source and time.

A failed look-up is evidence too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.cases.canonical import Scalar, ScalarMapping
from bot.cases.signal import Signal

# The desk's own facts about a signal; no fact of its body has these names, and no look-up is
# called like the signal.
OWN_FACTS = frozenset({"subject", "title", "source"})
SIGNAL = "signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact, or one failed look-up."""

    #: "item.column".
    name: str
    #: The text on the card; empty for facts that are used but not shown.
    label: str
    value: Scalar
    source: str
    read_at: datetime
    failure: str | None = None


def find_stale_facts(
    evidence: Iterable[Evidence], fresh_for: Callable[[str], timedelta], now: datetime
) -> tuple[str, ...]:
    """List the names of facts that are too old to show unmarked.

    ``fresh_for`` returns how long a fact stays fresh, by the name of its look-up.
    """
    names = []
    for fact in evidence:
        lookup_name = fact.name.partition(".")[0]
        if fact.failure is None and now - fact.read_at > fresh_for(lookup_name):
            names.append(fact.name)
    return tuple(names)


def facts_of(signal: Signal, evidence: Iterable[Evidence]) -> dict[str, Any]:
    """Nest all facts for the expressions of a playbook.

    No fact from outside takes the place of our own.
    """
    facts: dict[str, Any] = {}
    for fact in evidence:
        if fact.failure is None:
            item, _, column = fact.name.partition(".")
            facts.setdefault(item, {})[column] = fact.value
    own_facts = {"subject": signal.subject, "title": signal.title, "source": signal.source}
    return {**facts, SIGNAL: {**signal.facts, **own_facts}}


def list_changes(before: ScalarMapping, now: ScalarMapping) -> list[str]:
    """Describe the values that differ, as sentences; empty when none does."""
    names = sorted({*before, *now})
    return [
        f"{name} was {before.get(name)}, is {now.get(name)}"
        for name in names
        if before.get(name) != now.get(name)
    ]
