"""Filters that daily tallies answer, wholly or in part.

The cases of a filter are split into parts that have no case in common: whole days of ended cases in
the viewer's channels, from tallies; the hours before and after those days; open cases; and the
viewer's own cases elsewhere. A tally thus holds nothing that the viewer may not see.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import assert_never

from sqlalchemy import and_, or_

from bot.cases.case import LastDecision
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter
from bot.store import tables
from bot.store.case_filters import (
    ALONE,
    Clause,
    is_in_channels,
    is_party_elsewhere,
    matches,
    names_any,
)
from bot.store.case_tallies import SECONDS_PER_DAY, TallyEvent

#: Fewer days are counted from the cases as fast.
MIN_DAYS = 2
#: The fields that tallies can answer; a filter with any other is answered from the cases.
TALLY_FIELDS = frozenset(
    {
        "viewer",
        "states",
        "kind",
        "kinds",
        "channel",
        "source",
        "except_source",
        "is_unrecognised",
        "known_kinds",
        "decision",
        "decided_by",
        "is_automatic",
        "risk",
        "is_over",
        "is_any",
        "opened_between",
        "ended_between",
        "decided_between",
    }
)
SPAN_FIELDS = {
    TallyEvent.OPENED: "opened_between",
    TallyEvent.ENDED: "ended_between",
    TallyEvent.DECIDED: "decided_between",
}
Span = tuple[datetime, datetime]

_cases = tables.cases.c
_tallies = tables.case_tallies.c


@dataclass(frozen=True, kw_only=True)
class FigureParts:
    """The parts of a filter's cases, as clauses."""

    #: On ``case_tallies``; None where tallies cannot answer.
    tallies: Clause | None
    #: On ``cases``: no case meets two of them.
    cases: list[Clause]


def figure_parts(filter: CaseFilter, *, except_days: Sequence[int] = ()) -> FigureParts:
    """Split the cases of a filter into parts.

    ``except_days`` are counted from the cases: where only a part of them is meant.
    """
    event = tally_event(filter)
    days = _whole_days(_span(filter, event)) if event else None
    if event is None or (days is not None and len(days) < MIN_DAYS):
        return FigureParts(tallies=None, cases=case_parts(filter))
    days_aside = [day for day in except_days if days is None or day in days]
    tallies = _tally_clause(filter, event, days)
    if days_aside:
        tallies = and_(tallies, _tallies.day.not_in(days_aside))
    spans = [*_edges(_span(filter, event), days), *(_span_of(day) for day in days_aside)]
    return FigureParts(tallies=tallies, cases=list(_case_clauses(filter, event, spans)))


def case_parts(filter: CaseFilter) -> list[Clause]:
    """Split the cases of a filter into ended and open ones.

    There are few open ones, and each sort has indexes of its own.
    """
    is_match = matches(filter)
    if not (filter.is_any or filter.states):
        return [is_match]
    states = set(_states(filter))
    parts = []
    if not states or states & TERMINAL:
        parts.append(and_(is_match, _cases.ended_at.is_not(None)))
    if not states or states - TERMINAL:
        parts.append(and_(is_match, _cases.ended_at.is_(None)))
    return parts


def tally_event(filter: CaseFilter) -> TallyEvent | None:
    """Return the event by whose days the filter's ended cases are counted.

    None where tallies cannot answer, or there are no such cases.
    """
    for field in fields(filter):
        if field.name not in TALLY_FIELDS and getattr(filter, field.name) != field.default:
            return None
    events = [event for event, name in SPAN_FIELDS.items() if getattr(filter, name) is not None]
    if not _may_have_ended(filter) or len(events) > 1:
        return None
    return events[0] if events else TallyEvent.ENDED


def _states(filter: CaseFilter) -> list[State]:
    return [State(state) for state in filter.states]


def _span(filter: CaseFilter, event: TallyEvent) -> Span | None:
    span: Span | None = getattr(filter, SPAN_FIELDS[event])
    return span


def _with_span(filter: CaseFilter, event: TallyEvent, span: Span) -> CaseFilter:
    match event:
        case TallyEvent.OPENED:
            return replace(filter, opened_between=span)
        case TallyEvent.ENDED:
            return replace(filter, ended_between=span)
        case TallyEvent.DECIDED:
            return replace(filter, decided_between=span)
        case _:
            assert_never(event)


def _whole_days(span: Span | None) -> range | None:
    """Return the days wholly inside a span; None for all days."""
    if span is None:
        return None
    begin, end = (moment.timestamp() / SECONDS_PER_DAY for moment in span)
    return range(math.ceil(begin), max(math.ceil(begin), math.floor(end)))


def _tally_clause(filter: CaseFilter, event: TallyEvent, days: range | None) -> Clause:
    clauses: list[Clause] = [_tallies.event == event.value, _tallies.cases > 0]
    if days is not None:
        clauses += [_tallies.day >= days.start, _tallies.day < days.stop]
    if filter.viewer is not None:
        clauses.append(_tallies.channel.in_(sorted(filter.viewer.channels)))
    if filter.states:
        clauses.append(_tallies.state.in_([state.code for state in _states(filter)]))
    if filter.kind:
        clauses.append(_tallies.kind == filter.kind)
    if filter.kinds:
        clauses.append(_tallies.kind.in_(filter.kinds))
    if filter.channel:
        clauses.append(_tallies.channel == filter.channel)
    if filter.source:
        clauses.append(_tallies.source == filter.source)
    if filter.except_source:
        clauses.append(_tallies.source != filter.except_source)
    if filter.is_unrecognised:
        clauses.append(_is_unrecognised(filter))
    return and_(*clauses, *_decision_clauses(filter))


def _is_unrecognised(filter: CaseFilter) -> Clause:
    if not filter.known_kinds:
        return _tallies.kind == UNRECOGNISED
    return or_(_tallies.kind == UNRECOGNISED, _tallies.kind.not_in(list(filter.known_kinds)))


def _decision_clauses(filter: CaseFilter) -> Iterator[Clause]:
    if filter.decision:
        yield _tallies.decision == filter.decision
    if filter.decision == LastDecision.APPROVED:
        yield _tallies.deciders != ALONE
    if filter.decided_by:
        yield names_any(_tallies.deciders, filter.decided_by)
    if filter.is_automatic:
        yield _tallies.is_automatic == 1
    if filter.risk is not None:
        yield _tallies.risk == int(filter.risk)


def _case_clauses(filter: CaseFilter, event: TallyEvent, spans: Iterable[Span]) -> Iterator[Clause]:
    """Yield the parts that tallies leave out; ``spans`` of ended cases."""
    everyone = replace(filter, viewer=None)
    is_visible = is_in_channels(filter.viewer)
    for span in spans:
        within = _with_span(everyone, event, span)
        yield and_(matches(within), is_visible, _cases.ended_at.is_not(None))
    if _may_be_open(filter):
        yield and_(matches(everyone), is_visible, _cases.ended_at.is_(None))
    if filter.viewer is not None:
        yield and_(matches(everyone), is_party_elsewhere(filter.viewer))


def _may_have_ended(filter: CaseFilter) -> bool:
    if filter.states:
        return not TERMINAL.isdisjoint(_states(filter))
    return filter.is_over or filter.is_any


def _may_be_open(filter: CaseFilter) -> bool:
    if filter.states:
        return not TERMINAL.issuperset(_states(filter))
    return not filter.is_over


def _edges(span: Span | None, days: range | None) -> list[Span]:
    """Return the parts of a span before and after its whole days."""
    if span is None or days is None:
        return []
    edges = [(span[0], _midnight(days.start)), (_midnight(days.stop), span[1])]
    return [(begin, end) for begin, end in edges if begin < end]


def _span_of(day: int) -> Span:
    return _midnight(day), _midnight(day + 1)


def _midnight(day: int) -> datetime:
    return datetime.fromtimestamp(day * SECONDS_PER_DAY, UTC)
