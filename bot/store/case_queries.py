"""Queries over cases, answered from indexes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Select, bindparam, func, or_, select, union, union_all
from sqlalchemy import case as choose

from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.lifecycle import State
from bot.cases.search_words import search_words
from bot.ports.case_queries import (
    CaseFilter,
    CaseNames,
    Viewer,
)
from bot.ports.case_store import ReceiptOutcome
from bot.store import tables
from bot.store.case_figures import SqlCaseFigures
from bot.store.case_filters import (
    MAX_WORDS,
    WAITING_CODES,
    has_word,
    is_visible_to,
    matches,
)
from bot.store.case_tallies import TallyEvent
from bot.store.tally_filters import case_parts
from bot.views.query import Grouping, Order

#: A list of more numbers is no faster than a second search.
MAX_RESOLVED = 2_000
#: So many cases are searched for words that come close.
MAX_CLOSEST = 5_000

_cases = tables.cases.c
_tallies = tables.case_tallies.c
_people = tables.case_people.c
_inbox = tables.inbox.c


class SqlCaseQueries(SqlCaseFigures):
    """Find and count cases. Reads only."""

    # --- through a person's eyes -----------------------------------------------------------------

    def find(
        self, filter: CaseFilter, limit: int, *, offset: int = 0, order: Order | None = None
    ) -> list[Case]:
        """Return the first cases after ``offset``.

        Without an order, open cases are sorted by urgency, ended ones by the time they ended,
        latest first.
        """
        places = _places(filter, order)
        # PostgreSQL refuses a place before the first.
        limit, offset = max(0, limit), max(0, offset)
        # A sort of the bodies would move megabytes: the numbers are sorted first.
        numbers = select(_cases.number).order_by(*places)
        parts = [numbers.where(part).limit(limit + offset) for part in case_parts(filter)]
        page = parts[0].limit(limit).offset(offset)
        if len(parts) > 1:
            first = union_all(*(select(part.subquery().c.number) for part in parts))
            page = numbers.where(_cases.number.in_(first)).limit(limit).offset(offset)
        is_on_page = _cases.number.in_(page)
        return self._load(select(_cases.body).where(is_on_page).order_by(*places))

    def page(self, filter: CaseFilter, limit: int, *, below: int | None) -> list[Case]:
        """Return the newest cases below this number; None for no bound.

        What is opened meanwhile stands before every page, and moves none of them.
        """
        is_on_page = _cases.number.in_(numbers_below(filter, limit, below))
        return self._load(select(_cases.body).where(is_on_page).order_by(_cases.number.desc()))

    def slowest(self, filter: CaseFilter, limit: int) -> list[Case]:
        """Return the cases with the longest wait for decision or end."""
        wait = func.coalesce(_cases.decided_at, _cases.ended_at) - _cases.opened_at
        numbers = select(_cases.number).where(matches(filter)).order_by(wait.desc()).limit(limit)
        is_slow = _cases.number.in_(numbers)
        return self._load(select(_cases.body).where(is_slow).order_by(wait.desc()))

    def resolve_text(self, filter: CaseFilter) -> CaseFilter:
        """Look up the text of a filter once for several queries.

        Returns the same cases by their numbers, unless they are too many.
        """
        if not filter.text:
            return filter
        query = select(_cases.number).where(matches(filter)).limit(MAX_RESOLVED + 1)
        numbers = tuple(row.number for row in self._database.fetch(query))
        if len(numbers) > MAX_RESOLVED:
            return filter
        has_states = bool(filter.states) or filter.is_over
        return replace(filter, text="", numbers=numbers, is_any=filter.is_any or not has_states)

    def names_since(self, number: int, limit: int) -> list[CaseNames]:
        """Return the names in the cases after this number, the oldest first."""
        query = _NAMES.where(_cases.number > number).order_by(_cases.number)
        return _case_names(self._database.fetch(query.limit(limit)))

    def names_of_party(self, person: str, limit: int) -> list[CaseNames]:
        """Return the names in the cases of a party, the newest first."""
        theirs = select(_people.number).where(_people.person == person)
        latest = theirs.order_by(_people.number.desc()).limit(limit)
        query = _NAMES.where(_cases.number.in_(latest)).order_by(_cases.number.desc())
        return _case_names(self._database.fetch(query))

    def closest(self, words: Sequence[str], viewer: Viewer | None, limit: int) -> list[Case]:
        """Return cases with any of these words, the best matches first.

        The latest ``MAX_CLOSEST`` cases are looked at: every word of them is read.
        """
        hits = [has_word(word) for word in search_words(words)[:MAX_WORDS]]
        if not hits:
            return []
        scores = [choose((hit, 1), else_=0) for hit in hits]
        score = sum(scores[1:], scores[0])
        first = select(func.max(_cases.number) - MAX_CLOSEST).scalar_subquery()
        query = (
            select(_cases.body)
            .where(_cases.number > first, or_(*hits), is_visible_to(viewer))
            .order_by(score.desc(), _cases.number.desc())
        )
        return self._load(query.limit(limit))

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

    def versions(self, case_ids: Sequence[str]) -> dict[str, int]:
        """Return how many entries each of these cases has, by its id."""
        query = select(_cases.id, _cases.version).where(_cases.id.in_(case_ids))
        return {row.id: row.version for row in self._database.fetch(query)}

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
        is_no_probe = _cases.number > 0
        query = select(_cases.body).where(is_no_probe).order_by(_cases.number.desc()).limit(limit)
        codes = [state.code for state in states]
        return self._load(query.where(_cases.state.in_(codes)) if codes else query)

    def of_kinds(self, kinds: Iterable[str], *, limit: int = 200) -> list[Case]:
        """Return the newest cases of these kinds."""
        query = select(_cases.body).where(_cases.kind.in_(list(kinds)))
        return self._load(query.order_by(_cases.number.desc()).limit(limit))

    def case_ids(self) -> list[str]:
        """List every case, by number."""
        query = select(_cases.id).where(_cases.number > 0).order_by(_cases.number)
        return [row.id for row in self._database.fetch(query)]

    def kinds(self) -> set[str]:
        """Return every kind that a case has."""
        of_open = select(_cases.kind).where(_IS_OPEN, _cases.number > 0)
        of_ended = select(_tallies.kind).where(_tallies.event == _ENDED, _tallies.cases > 0)
        return {row.kind for row in self._database.fetch(union(of_open, of_ended))}

    def counts(self) -> dict[str, int]:
        """Count the cases by state."""
        everything = CaseFilter(is_any=True)
        groups = self.group(everything, Grouping.STATE)
        return {state: total.cases for state, total in groups}

    def _load(self, query: Select[Any]) -> list[Case]:
        return [from_json(Case, row.body) for row in self._database.fetch(query)]


def numbers_below(filter: CaseFilter, limit: int, below: int | None) -> Select[Any]:
    """Return the query for the numbers of a page.

    The index by number answers it in order.
    """
    numbers = select(_cases.number).where(matches(filter))
    if below is not None:
        numbers = numbers.where(_cases.number < below)
    return numbers.order_by(_cases.number.desc()).limit(limit)


def _places(filter: CaseFilter, order: Order | None) -> list[ColumnElement[Any]]:
    """Return what the cases are sorted by."""
    match order:
        case Order.OLDEST:
            return [_cases.opened_at, _cases.number]
        case Order.NEWEST:
            return [_cases.opened_at.desc(), _cases.number.desc()]
        case Order.LARGEST:
            return [_cases.stake_cents.desc().nulls_last(), _cases.number]
        case Order.SMALLEST:
            return [_cases.stake_cents.asc().nulls_last(), _cases.number]
        case Order.SOONEST_DUE:
            # A case that waits for nothing is due last.
            waits = choose((_cases.state.in_(WAITING_CODES), 0), else_=1)
            return [waits, _cases.decide_by, _cases.number]
        case None:
            if filter.is_over:
                return [_cases.ended_at.desc(), _cases.number.desc()]
            return [_cases.rank, _cases.number]
        case _:
            assert_never(order)


def _case_names(rows: Iterable[Any]) -> list[CaseNames]:
    return [CaseNames(row.number, row.channel, tuple(row.names.splitlines())) for row in rows]


_NAMES = select(_cases.number, _cases.channel, _cases.names)
_IS_OPEN = _cases.ended_at.is_(None)
_ENDED = TallyEvent.ENDED.value
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
