"""Filters that may have been misread, dropped before they hide cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from bot.desk.answers.asker import Asker
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.periods import UnknownPeriod
from bot.ports.case_queries import CaseQueries
from bot.views.query import ANY_CASE, Ask, Condition, DoubtfulFilter, Query, Reading

#: Asks that are about no cases.
_NO_CASES = frozenset({Ask.CAPABILITY, Ask.HELP, Ask.SMALL_TALK, Ask.OUT_OF_SCOPE})
#: Bounds the counts that are made for one empty answer.
MAX_DOUBTS = 4


@dataclass(frozen=True, kw_only=True)
class DoubtfulFilters:
    """Leave doubtful words aside where nothing is found with them."""

    queries: CaseQueries
    filters: ConditionFilters

    def drop(self, reading: Reading, asker: Asker) -> Reading:
        """Return the reading without the fewest doubtful filters that hide all cases.

        The reading is returned as it is when cases are found, when nothing is in doubt, and when
        nothing is found without the doubtful filters either.
        """
        query = reading.query
        doubts = _doubts_of(query, reading.doubtful)
        if not doubts or self._finds(query.condition, asker):
            return reading
        for omissions in _fewest_first(doubts):
            rest = _without(query.condition, omissions)
            # Without the only part of a question, what is left is no answer to it.
            if rest.narrows and self._finds(rest, asker):
                words = tuple(dict.fromkeys(doubt.words for doubt in omissions))
                return replace(
                    reading,
                    query=replace(query, condition=rest),
                    left_aside=tuple(dict.fromkeys((*reading.left_aside, *words))),
                    alternatives=(query, *reading.alternatives),
                )
        return reading

    def _finds(self, condition: Condition, asker: Asker) -> bool:
        try:
            filter = self.filters.filter(condition, asker)
        except UnknownPeriod:
            # The answer says so.
            return True
        return self.queries.total(self.queries.resolve_text(filter)).cases > 0


def _doubts_of(query: Query, doubtful: Sequence[DoubtfulFilter]) -> list[DoubtfulFilter]:
    """List the doubts about fields that the condition of a query sets."""
    if query.case_id or query.ask in _NO_CASES:
        return []
    doubts = []
    for doubt in doubtful:
        value = getattr(query.condition, doubt.field)
        if value != getattr(ANY_CASE, doubt.field):
            doubts.append(doubt)
    return doubts[:MAX_DOUBTS]


def _fewest_first(doubts: Sequence[DoubtfulFilter]) -> Iterator[tuple[DoubtfulFilter, ...]]:
    """Yield one doubt, then two together, and so on."""
    for count in range(1, len(doubts) + 1):
        yield from combinations(doubts, count)


def _without(condition: Condition, doubts: Sequence[DoubtfulFilter]) -> Condition:
    defaults: dict[str, Any] = {doubt.field: getattr(ANY_CASE, doubt.field) for doubt in doubts}
    return replace(condition, **defaults)
