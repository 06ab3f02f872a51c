"""Queries over cases, answered from indexes."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy import case as choose

from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.lifecycle import TERMINAL, WAITING, State
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter, CaseTimes, Viewer
from bot.ports.case_store import ReceiptOutcome
from bot.store import tables
from bot.store.database import Database
from bot.views.questions import Durations

# A median over more cases than this says nothing more.
MAX_SAMPLE = 20_000

Clause = ColumnElement[bool]
_cases = tables.cases.c
_people = tables.case_people.c
_inbox = tables.inbox.c


class SqlCaseQueries:
    """Find and count cases. Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- through a person's eyes -----------------------------------------------------------------

    def find(self, filter: CaseFilter, limit: int, *, offset: int = 0) -> list[Case]:
        """Return the first cases after ``offset``.

        Open cases are sorted by urgency, ended ones by the time they ended, latest first.
        """
        query = select(_cases.body).where(_matches(filter))
        if filter.is_over:
            query = query.order_by(_cases.ended_at.desc(), _cases.number.desc())
        else:
            query = query.order_by(_cases.rank, _cases.number)
        return self._load(query.limit(limit).offset(offset))

    def count(self, filter: CaseFilter) -> int:
        """Count the cases of this filter."""
        query = select(func.count().label("cases")).select_from(tables.cases)
        return int(self._database.fetch(query.where(_matches(filter)))[0].cases)

    def closest(self, words: Sequence[str], viewer: Viewer | None, limit: int) -> list[Case]:
        """Return cases with any of these words, the best matches first."""
        if not words:
            return []
        hits = [_has_word(word) for word in words]
        scores = [choose((hit, 1), else_=0) for hit in hits]
        score = sum(scores[1:], scores[0])
        query = (
            select(_cases.body)
            .where(or_(*hits), _is_visible_to(viewer))
            .order_by(score.desc(), _cases.number.desc())
        )
        return self._load(query.limit(limit))

    def durations(self, filter: CaseFilter) -> Durations:
        """Count the cases, and take the median of their times."""
        query = select(_cases.opened_at, _cases.decided_at, _cases.ended_at)
        rows = self._database.fetch(query.where(_matches(filter)).limit(MAX_SAMPLE))
        to_decision = [row.decided_at - row.opened_at for row in rows if row.decided_at is not None]
        to_end = [row.ended_at - row.opened_at for row in rows if row.ended_at is not None]
        return Durations(self.count(filter), _median(to_decision), _median(to_end))

    def case_times(self, filter: CaseFilter, since: datetime, until: datetime) -> list[CaseTimes]:
        """Return the times of the cases opened or ended in this span."""
        begin, end = since.timestamp(), until.timestamp()
        is_inside = or_(
            _cases.opened_at.between(begin, end),
            _cases.ended_at.between(begin, end),
        )
        query = (
            select(_cases.opened_at, _cases.decided_at, _cases.ended_at)
            .where(is_inside, _matches(replace(filter, is_any=True)))
            .limit(MAX_SAMPLE)
        )
        return [
            (row.opened_at, row.decided_at, row.ended_at) for row in self._database.fetch(query)
        ]

    def is_party(self, person: str, case_id: str) -> bool:
        """Tell whether the person raised the case, owns it or acted."""
        is_this = (_people.person == person, _people.case_id == case_id)
        return bool(self._database.fetch(select(_people.case_id).where(*is_this)))

    # --- for the desk itself ---------------------------------------------------------------------

    def by_id(self, case_ids: Sequence[str]) -> dict[str, Case]:
        """Return these cases by id, as far as they exist."""
        query = select(_cases.body).where(_cases.id.in_(list(case_ids)))
        return {case.id: case for case in self._load(query)}

    def due(self, now: datetime, limit: int) -> list[Case]:
        """Return cases whose reminder, escalation, expiry or snooze is due."""
        query = select(_cases.body).where(_cases.due_at <= now.timestamp())
        return self._load(query.order_by(_cases.due_at).limit(limit))

    def open_from(self, source: str, kind: str) -> list[Case]:
        """Return the cases of this source and kind that have not ended."""
        is_theirs = (_cases.kind == kind, _cases.source == source)
        return self._load(select(_cases.body).where(*is_theirs, _IS_OPEN))

    def open_ids(self) -> list[str]:
        """List every case that has not ended, the most urgent first."""
        query = select(_cases.id).where(_IS_OPEN).order_by(_cases.rank)
        return [row.id for row in self._database.fetch(query)]

    def affected_by_pause(self, scope: str) -> list[str]:
        """List the open cases whose card shows a pause of this scope."""
        what, _, name = scope.partition(":")
        states = [state.code for state in (State.PROPOSED, State.APPROVED, State.RUNNING)]
        query = select(_cases.id).where(_cases.state.in_(states)).order_by(_cases.rank)
        if what == "kind":
            query = query.where(_cases.kind == name)
        return [row.id for row in self._database.fetch(query)]

    def count_clearings(self, fingerprints: Sequence[str]) -> int:
        """Count how often an exception of these fingerprints has cleared by itself."""
        rows = self._database.fetch(_CLEARINGS, {"fingerprints": list(fingerprints)})
        return int(rows[0].clearings)

    def last_signal_at(self, fingerprint: str, *, except_from: str) -> datetime | None:
        """Return when this fingerprint last came from any other source."""
        query = select(func.max(_inbox.received_at).label("at")).where(
            _inbox.fingerprint == fingerprint, _inbox.source != except_from
        )
        at = self._database.fetch(query)[0].at
        return datetime.fromisoformat(at) if at else None

    # --- for operators ---------------------------------------------------------------------------

    def newest(self, *, states: Iterable[State] = (), limit: int = 100) -> list[Case]:
        """Return the newest cases.

        Only those in these states when any are named.
        """
        query = select(_cases.body).order_by(_cases.number.desc()).limit(limit)
        codes = [state.code for state in states]
        return self._load(query.where(_cases.state.in_(codes)) if codes else query)

    def of_kinds(self, kinds: Iterable[str], *, limit: int = 200) -> list[Case]:
        """Return the newest cases of these kinds."""
        query = select(_cases.body).where(_cases.kind.in_(list(kinds)))
        return self._load(query.order_by(_cases.number.desc()).limit(limit))

    def case_ids(self) -> list[str]:
        """List every case, by number."""
        query = select(_cases.id).order_by(_cases.number)
        return [row.id for row in self._database.fetch(query)]

    def kinds(self) -> set[str]:
        """Return every kind that a case has."""
        return {row.kind for row in self._database.fetch(select(_cases.kind).distinct())}

    def counts(self) -> dict[str, int]:
        """Count the cases by state."""
        return {row.state: row.cases for row in self._database.fetch(_COUNTS)}

    def _load(self, query: Select[Any]) -> list[Case]:
        return [from_json(Case, row.body) for row in self._database.fetch(query)]


def _matches(filter: CaseFilter) -> Clause:
    """Translate a filter, a clause for each field that is set."""
    return and_(
        _is_visible_to(filter.viewer),
        *_state_clauses(filter),
        *_place_clauses(filter),
        *_between(_cases.opened_at, filter.opened_between),
        *_between(_cases.ended_at, filter.ended_between),
        *map(_has_word, filter.words),
    )


def _state_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.states:
        clauses.append(_cases.state.in_([State(state).code for state in filter.states]))
    elif not (filter.is_over or filter.is_any):
        # One range of the index by end, which is in the order of urgency.
        clauses.append(_cases.ended_at.is_(None))
    if filter.is_unrecognised:
        clauses.append(_is_unrecognised(filter.known_kinds))
    if filter.late_at:
        clauses.append(_cases.state.in_([state.code for state in WAITING]))
        clauses.append(_cases.decide_by < filter.late_at.timestamp())
    return clauses


def _is_unrecognised(known_kinds: Sequence[str]) -> Clause:
    if not known_kinds:
        return _cases.kind == UNRECOGNISED
    # A source may name a kind that has no playbook.
    return or_(_cases.kind == UNRECOGNISED, _cases.kind.not_in(list(known_kinds)))


def _place_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.kind:
        clauses.append(_cases.kind == filter.kind)
    if filter.channel:
        clauses.append(_cases.channel == filter.channel)
    if filter.live_list:
        items = tables.live_list_items.c
        clauses.append(_cases.id.in_(select(items.case_id).where(items.board == filter.live_list)))
    if filter.owner:
        clauses.append(_cases.owner == filter.owner)
    if filter.waits_on:
        # The column holds names between blanks.
        names = [f" {name} " for name in filter.waits_on]
        clauses.append(or_(*(_cases.waits_on.contains(name, autoescape=True) for name in names)))
    return clauses


def _between(column: Any, span: tuple[datetime, datetime] | None) -> list[Clause]:
    if span is None:
        return []
    begin, end = span
    return [column >= begin.timestamp(), column < end.timestamp()]


def _has_word(word: str) -> Clause:
    return _cases.words.contains(word.casefold(), autoescape=True)


def _is_visible_to(viewer: Viewer | None) -> Clause:
    """Limit to the cases of the viewer's channels and their own."""
    if viewer is None:
        return _cases.number > 0
    theirs = select(_people.case_id).where(_people.person == viewer.person)
    return or_(_cases.channel.in_(sorted(viewer.channels)), _cases.id.in_(theirs))


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


_IS_OPEN = _cases.state.not_in([state.code for state in TERMINAL])
_COUNTS = select(_cases.state, func.count().label("cases")).group_by(_cases.state)
# Every all-clear of a case that a signal of these fingerprints ever opened or counted on,
# whoever sent the all-clear: a count that never goes down.
_TOUCHED = select(_inbox.case_id).where(
    _inbox.fingerprint.in_(bindparam("fingerprints", expanding=True)), _inbox.case_id.is_not(None)
)
_CLEARINGS = (
    select(func.count().label("clearings"))
    .select_from(tables.inbox)
    .where(_inbox.case_id.in_(_TOUCHED), _inbox.outcome == ReceiptOutcome.CLEARED.value)
)
