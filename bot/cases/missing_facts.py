"""Facts that a report left out, and that look-ups need."""

from collections.abc import Iterable, Sequence

from bot.cases.case import Case
from bot.cases.evidence import SIGNAL, Evidence

_BEGINNING = "nobody said the "


def describe_missing(expressions: Iterable[str]) -> str:
    """Say why a look-up was not made: these expressions have no value."""
    names: dict[str, list[str]] = {}
    for expression in sorted(expressions):
        item, _, column = expression.strip().partition(".")
        name = (column or item).replace("_", " ")
        names.setdefault(item, []).append(name)
    # What the report left out comes first: from it everything else would be found.
    if SIGNAL in names:
        return f"{_BEGINNING}{' and '.join(names[SIGNAL])}"
    others = [name for columns in names.values() for name in columns]
    return f"the {' and '.join(others)} is not known"


def is_left_out(fact: Evidence) -> bool:
    """Tell whether a look-up failed because the report names too little."""
    return (fact.failure or "").startswith(_BEGINNING)


def left_out_facts(case: Case) -> str:
    """Name the facts that the report left out, in words.

    Empty when it names enough.
    """
    names = []
    for fact in case.assessment.evidence:
        if fact.failure and is_left_out(fact):
            names.append(fact.failure.removeprefix(_BEGINNING))
    return " and ".join(dict.fromkeys(names))


def other_failures(evidence: Sequence[Evidence], *, has_gaps: bool) -> list[Evidence]:
    """List the failed look-ups to show.

    With a gap in the report, the failures are only its consequence.
    """
    if has_gaps:
        return []
    return [fact for fact in evidence if fact.failure is not None]
