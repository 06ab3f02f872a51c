"""Terms of policy for data, and the rules about them.

Data without a term are kept for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.cases.constraints import Span

MAX_HOLDS = 1_000


class DataKind(StrEnum):
    """The data with a term of their own, by their ledger names."""

    SIGNALS = "signals"
    QUESTIONS = "questions"
    CASES = "cases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The terms of data. What has no term is kept for ever."""

    #: The bytes of signals as they came, from their arrival on. A case that is open keeps them.
    signals: Span | None = None
    #: Questions to the bot and how it answered, from the question on.
    questions: Span | None = None
    #: What a case is about, from its end on: facts, evidence, texts and precedents. That it was,
    #: who decided what about it, and when, stays in the ledger.
    cases: Span | None = None
    #: Cases by id, and kinds, that are kept whatever the terms say.
    hold: Annotated[tuple[str, ...], Field(max_length=MAX_HOLDS)] = ()

    @property
    def is_on(self) -> bool:
        """Tell whether anything has a term."""
        return any(self.term_of(kind) is not None for kind in DataKind)

    def term_of(self, kind: DataKind) -> timedelta | None:
        """Return the term of this kind of data; None for ever."""
        term: timedelta | None = getattr(self, kind.value)
        return term


def longest_retention(rules: Sequence[Retention]) -> Retention:
    """Keep whatever any of these rules keeps, and for as long.

    While a change of the rules waits for its decision, nothing is removed that either keeps.
    """
    terms: dict[str, timedelta | None] = {}
    for kind in DataKind:
        spans = [one.term_of(kind) for one in rules]
        known_spans = [span for span in spans if span is not None]
        is_kept_for_ever = len(known_spans) < len(spans) or not spans
        terms[kind.value] = None if is_kept_for_ever else max(known_spans)
    holds = dict.fromkeys(name for one in rules for name in one.hold)
    return Retention(hold=tuple(holds), **terms)


def with_shortest_case_term(retention: Retention, shortest: timedelta) -> Retention:
    """Keep cases for as long as anything looks back at them."""
    if retention.cases is None or retention.cases >= shortest:
        return retention
    return replace(retention, cases=shortest)


def is_held(case_id: str, kind: str, holds: Iterable[str]) -> bool:
    """Tell whether a case is kept whatever the terms say."""
    return not {case_id, kind}.isdisjoint(holds)
