"""Filters for cases as SQL, the same on every database."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy import case as choose

from bot.cases.case import POLICY_ALONE, LastDecision
from bot.cases.lifecycle import TERMINAL, WAITING, State
from bot.cases.search_words import search_words
from bot.cases.signal import UNRECOGNISED
from bot.ports.case_queries import CaseFilter, Viewer
from bot.store import tables
from bot.store.projection import CENTS

# Further words of a text narrow nothing: a query has only so many conditions.
MAX_WORDS = 20
MAX_CENTS = 2**62
WAITING_CODES = sorted(state.code for state in WAITING)
DUE_CODES = sorted(state.code for state in WAITING - {State.SNOOZED})
#: The deciders of a case that policy let run.
ALONE = f" {' '.join(POLICY_ALONE)} "

Clause = ColumnElement[bool]
_cases = tables.cases.c
_people = tables.case_people.c


def matches(filter: CaseFilter) -> Clause:
    """Translate a filter, a clause for each field that is set."""
    clauses = [is_visible_to(filter.viewer), *_property_clauses(filter)]
    if filter.is_over and not filter.states:
        clauses.append(_cases.ended_at.is_not(None))
    elif not (filter.states or filter.is_any):
        # One range of the index by end, which is in the order of urgency.
        clauses.append(_cases.ended_at.is_(None))
    if filter.exclusion:
        clauses += _exclusion_clauses(filter.exclusion)
    return and_(*clauses)


def is_visible_to(viewer: Viewer | None) -> Clause:
    """Limit to the cases of the viewer's channels and their own."""
    if viewer is None:
        return _cases.number > 0
    return or_(is_in_channels(viewer), is_party_elsewhere(viewer))


def is_in_channels(viewer: Viewer | None) -> Clause:
    """Limit to the cases of the viewer's channels."""
    if viewer is None:
        return _cases.number > 0
    return _without_index(_cases.channel).in_(sorted(viewer.channels))


def _without_index(column: Column[Any]) -> ColumnElement[Any]:
    """Keep the database from using an index for a condition.

    Most cases are in a few channels and states: the other conditions of a filter match fewer.
    """
    return func.coalesce(column, "")


def is_party_elsewhere(viewer: Viewer) -> Clause:
    """Limit to the viewer's own cases outside of their channels.

    Most of their own cases are within, and none of those is read.
    """
    return _cases.id.in_(_ids_elsewhere(viewer))


def _ids_elsewhere(viewer: Viewer) -> Select[Any]:
    channels = sorted(viewer.channels)
    is_theirs = _people.person == viewer.person
    if not channels:
        return select(_people.case_id).where(is_theirs)
    bounds = [(None, channels[0]), *pairwise(channels), (channels[-1], None)]
    ranges = [and_(is_theirs, *_strictly_between(*bound)) for bound in bounds]
    # A database may have an order of its own, in which the ranges hold a channel.
    return select(_people.case_id).where(or_(*ranges), _people.channel.not_in(channels))


def _strictly_between(low: str | None, high: str | None) -> list[Clause]:
    clauses = []
    if low is not None:
        clauses.append(_people.channel > low)
    if high is not None:
        clauses.append(_people.channel < high)
    return clauses


def has_word(word: str) -> Clause:
    """Find cases with a word that begins with this one.

    This one is in its plain spelling.
    """
    return _cases.words.contains(f" {word}", autoescape=True)


def _exclusion_clauses(exclusion: CaseFilter) -> list[Clause]:
    """Leave out the cases that fit.

    A case for which that is not known does not fit.
    """
    clauses = _property_clauses(exclusion)
    if exclusion.exclusion:
        clauses += _exclusion_clauses(exclusion.exclusion)
    if not clauses:
        return []
    return [choose((and_(*clauses), 1), else_=0) == 0]


def _property_clauses(filter: CaseFilter) -> list[Clause]:
    """Translate everything but the viewer, the flags for states and the exclusion."""
    return [
        *_state_clauses(filter),
        *_place_clauses(filter),
        *_program_clauses(filter),
        *_time_clauses(filter),
        *_stake_clauses(filter),
        *_people_clauses(filter),
        *_approval_clauses(filter),
        *_result_clauses(filter),
        *_text_clauses(filter),
    ]


def _state_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.states:
        states = [State(state) for state in filter.states]
        column = _without_index(_cases.state) if TERMINAL.issuperset(states) else _cases.state
        clauses.append(column.in_([state.code for state in states]))
    if filter.is_unrecognised:
        clauses.append(_is_unrecognised(filter.known_kinds))
    if filter.is_automatic:
        clauses.append(_cases.is_automatic == 1)
    if filter.is_unattended:
        is_cleared = _cases.state == State.CLEARED.code
        clauses.append(or_(is_cleared, _cases.is_automatic == 1))
    if filter.is_part_approved:
        clauses += [_cases.state == State.PROPOSED.code, _cases.approvals_given > 0]
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
    if filter.kinds:
        clauses.append(_cases.kind.in_(filter.kinds))
    if filter.channel:
        clauses.append(_without_index(_cases.channel) == filter.channel)
    if filter.source:
        clauses.append(_cases.source == filter.source)
    if filter.except_source:
        clauses.append(_without_index(_cases.source) != filter.except_source)
    if filter.numbers is not None:
        clauses.append(_cases.number.in_(filter.numbers))
    if filter.except_ids:
        clauses.append(_cases.id.not_in(filter.except_ids))
    if filter.live_list:
        items = tables.live_list_items.c
        clauses.append(_cases.id.in_(select(items.case_id).where(items.board == filter.live_list)))
    return clauses


def _program_clauses(filter: CaseFilter) -> list[Clause]:
    """Limit to what a program may read, and to troubles by name."""
    clauses: list[Clause] = []
    if filter.readable:
        of_kind = _cases.kind.in_(filter.readable.kinds)
        clauses.append(or_(of_kind, _cases.source.in_(filter.readable.sources)))
    if filter.fingerprints is not None:
        clauses.append(_cases.fingerprint.in_(filter.fingerprints))
    return clauses


def _time_clauses(filter: CaseFilter) -> list[Clause]:
    clauses = [
        *_between(_cases.opened_at, filter.opened_between),
        *_between(_cases.ended_at, filter.ended_between),
        *_between(_cases.decision_at, filter.decided_between),
        *_between(_cases.decide_by, filter.due_between),
    ]
    if filter.due_between or filter.late_at:
        # What is snoozed is put off: it is meant only where its state is named.
        codes = WAITING_CODES if filter.states else DUE_CODES
        clauses.append(_cases.state.in_(codes))
    if filter.late_at:
        clauses.append(_cases.decide_by < filter.late_at.timestamp())
    if filter.expires_before:
        clauses.append(_cases.state == State.PROPOSED.code)
        clauses.append(_cases.expires_at < filter.expires_before.timestamp())
    return clauses


def _between(column: Column[Any], span: tuple[datetime, datetime] | None) -> list[Clause]:
    if span is None:
        return []
    begin, end = span
    return [column >= begin.timestamp(), column < end.timestamp()]


def _stake_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.min_stake is not None:
        clauses.append(_cases.stake_cents >= _cents(filter.min_stake))
    if filter.max_stake is not None:
        clauses.append(_cases.stake_cents <= -_cents(-filter.max_stake))
    if filter.risk is not None:
        clauses.append(_cases.risk == int(filter.risk))
    return clauses


def _cents(amount: Decimal) -> int:
    """Return an amount in whole cents, rounded up.

    It is limited to the numbers that a column can have.
    """
    cents = math.ceil(amount * CENTS)
    return max(-MAX_CENTS, min(MAX_CENTS, cents))


def _people_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.owner:
        clauses.append(_cases.owner == filter.owner)
    if filter.owned_by:
        names = list(filter.owned_by)
        clauses.append(or_(_cases.owner.in_(names), _cases.team.in_(names)))
    if filter.waits_on:
        clauses.append(_waits_on(filter))
    if filter.raised_by:
        clauses.append(names_any(_cases.requesters, filter.raised_by))
    if filter.not_acted_on_by:
        for column in (_cases.authors, _cases.voters):
            clauses.append(not_(names_any(column, filter.not_acted_on_by)))
    return clauses


def _waits_on(filter: CaseFilter) -> Clause:
    clauses = [names_any(_cases.waits_on, filter.waits_on)]
    for kind, names in filter.waits_on_by_kind:
        clauses.append(and_(_cases.kind == kind, names_any(_cases.waits_on, names)))
    return or_(*clauses)


def _approval_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.approver:
        clauses.append(names_any(_cases.approvers, [filter.approver]))
    if filter.min_approvals:
        clauses.append(_cases.approvals_needed >= filter.min_approvals)
    if filter.decision:
        clauses.append(_cases.decision == filter.decision)
    if filter.decision == LastDecision.APPROVED:
        # By people; what policy alone let run is asked for by its name.
        clauses.append(_cases.deciders != ALONE)
    if filter.decided_by:
        clauses.append(names_any(_cases.deciders, filter.decided_by))
    if filter.action:
        clauses.append(names_any(_cases.actions, [filter.action]))
    return clauses


def _result_clauses(filter: CaseFilter) -> list[Clause]:
    clauses: list[Clause] = []
    if filter.is_escalated:
        clauses.append(_cases.is_escalated == 1)
    if filter.is_missed:
        clauses.append(or_(_cases.state == State.EXPIRED.code, _cases.is_escalated == 1))
    if filter.is_named:
        clauses.append(_cases.is_named == 1)
    if filter.has_inquiries:
        clauses.append(_cases.inquiry_count > 0)
    return clauses


def _text_clauses(filter: CaseFilter) -> list[Clause]:
    words = search_words([filter.text, *filter.words])
    return [has_word(word) for word in words[:MAX_WORDS]]


def names_any(column: Column[Any], names: Iterable[str]) -> Clause:
    """Find rows whose names, between blanks, have one of these among them."""
    return or_(*(column.contains(f" {name} ", autoescape=True) for name in names))
