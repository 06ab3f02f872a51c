"""Each case against all rows that follow from its entries."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, select

from bot.audit.findings import CHANGED, FORGOTTEN, TAMPERED, is_json_of, parse_json, shorten
from bot.cases.case import Case
from bot.cases.entries import entry_of
from bot.cases.errors import CountersignError
from bot.cases.lifecycle import State
from bot.ports.card_store import CARD_FORMAT, NOBODY, REPLACED
from bot.store import tables
from bot.store.decision_scores import score_differences
from bot.store.derived import DerivedRows, derive, entry_bodies
from bot.store.outbox_rows import LEASED, PARKED, READY
from bot.store.projection import case_number

# The flags of a card, as every release writes them.
FLAGS = tuple(
    " ".join(flags)
    for count in range(4)
    for flags in combinations(("paused", NOBODY, "undoable"), count)
)
# The first releases wrote no format, and then began with 2.
LOOKS = {REPLACED, *FLAGS} | {
    f"{card_format} {flags}".rstrip()
    for card_format in range(2, int(CARD_FORMAT) + 1)
    for flags in FLAGS
}
STORM_PREFIX = "storm:"

GRANT_FLAG = " grant:"
RowsByCase = defaultdict[str, list[Any]]


def check_cases(connection: Connection, rows: Sequence[Any]) -> Iterator[str]:
    """Yield the differences of a page of ``cases``."""
    ids = [row.id for row in rows]
    bodies = entry_bodies(connection, ids)
    other_rows = _RelatedRows(connection, ids)
    for row in rows:
        try:
            fold = derive(entry_of(json.loads(body)) for body in bodies[row.id])
        except (CountersignError, ValueError, KeyError, TypeError) as failure:
            yield f"{row.id}: its entries do not follow on each other ({failure}): {TAMPERED}"
            continue
        if fold is None:
            yield f"{row.id}: in the projection, but not in the ledger: {CHANGED}"
            continue
        yield from _check_case(row, fold, other_rows)


class _RelatedRows:
    """The rows of these cases in the other tables."""

    def __init__(self, connection: Connection, ids: Sequence[str]) -> None:
        self._connection = connection
        self._ids = ids
        self.people = self._rows_of(tables.case_people)
        self.effects = self._rows_of(tables.effects)
        self.scores = self._rows_of(tables.decision_scores)
        self.inbox = self._rows_of(tables.inbox)
        self.cards = self._rows_of(tables.cards)
        self.conflicts: RowsByCase = defaultdict(list)
        for row in connection.execute(_CONFLICTS, {"ids": ids}):
            self.conflicts[row.case_id].append(row)
        #: Cases that are told of on a shared card.
        self.storm_case_ids = set(connection.execute(_IN_STORM, {"ids": ids}).scalars())

    def _rows_of(self, table: Table) -> RowsByCase:
        rows: RowsByCase = defaultdict(list)
        for row in self._connection.execute(_BY_CASE[table.name], {"ids": self._ids}):
            rows[row.case_id].append(row)
        return rows

    def outbox_of(self, case: Case) -> dict[str, Any]:
        """Return the messages, by key, that this case may wait for.

        None when it has ended.
        """
        if case.is_terminal:
            return {}
        keys = [
            f"triage:{case.id}",
            f"card:{case.id}",
            f"execute:{case.id}:{case.proposal.revision}",
        ]
        return {row.key: row for row in self._connection.execute(_BY_KEY, {"keys": keys})}


def _check_case(row: Any, fold: DerivedRows, other_rows: _RelatedRows) -> Iterator[str]:
    case_id = row.id
    yield from _check_projection(row, fold)
    yield from _check_people(fold.case, other_rows.people[case_id])
    yield from _check_effects(case_id, fold, other_rows.effects[case_id])
    yield from _check_scores(fold.case, other_rows.scores[case_id])
    yield from _check_inbox(case_id, fold, other_rows.inbox[case_id])
    yield from _check_conflicts(case_id, fold, other_rows.conflicts[case_id])
    outbox = other_rows.outbox_of(fold.case)
    yield from _check_due_work(fold.case, outbox)
    yield from _check_cards(fold.case, other_rows.cards[case_id])
    if case_id not in other_rows.storm_case_ids:
        yield from _check_has_card(fold.case, other_rows.cards[case_id], outbox)


def _check_projection(row: Any, fold: DerivedRows) -> Iterator[str]:
    for name, expected in fold.case_row.items():
        row_value = getattr(row, name)
        if name == "body":
            if not is_json_of(row_value, fold.case):
                yield (
                    f"{row.id}: the projection says {_state_in(row_value)},"
                    f" the ledger says {fold.case.state}, or they differ in detail: {CHANGED}"
                )
        elif row_value != expected:
            yield f"{row.id}: the column {name} {_contradiction(row_value, expected)}"


def _contradiction(row_value: object, expected: object) -> str:
    return f"says {shorten(row_value)}, the ledger says {shorten(expected)}: {CHANGED}"


def _state_in(body: str) -> str:
    case = parse_json(Case, body)
    return str(case.state) if case else "what cannot be read"


def _check_people(case: Case, rows: Iterable[Any]) -> Iterator[str]:
    people = {row.person: (row.channel, row.number) for row in rows}
    # A probe is in nobody's list.
    expected = set() if case.probe else set(case.activity.people)
    for person in sorted(people.keys() - expected):
        yield f"{case.id}: {person} may see it, and the ledger gives no reason: {CHANGED}"
    for person in sorted(expected - people.keys()):
        yield f"{case.id}: {person} may not see it, and is a party to it by the ledger: {CHANGED}"
    for person in sorted(people.keys() & expected):
        place = (case.channel, case_number(case.id))
        if people[person] != place:
            what = _contradiction(people[person], place)
            yield f"{case.id}: of {person} the channel and number {what}"


def _check_scores(case: Case, rows: Sequence[Any]) -> Iterator[str]:
    for revision, action in score_differences(case, rows):
        name = f"{action} in revision {revision}"
        yield f"{case.id}: the score of {name} is not what the ledger makes: {CHANGED}"


def _check_effects(case_id: str, fold: DerivedRows, rows: Iterable[Any]) -> Iterator[str]:
    rows_by_key = {(row.revision, row.step): row for row in rows}
    for revision, step in sorted(fold.effects.keys() - rows_by_key.keys()):
        name = f"step {step + 1} of revision {revision}"
        yield f"{case_id}: {name} was begun, and is not counted: {CHANGED}"
    for revision, step in sorted(rows_by_key.keys() - fold.effects.keys()):
        name = f"step {step + 1} of revision {revision}"
        yield f"{case_id}: {name} is counted, and was never begun: {CHANGED}"
    for key in sorted(rows_by_key.keys() & fold.effects.keys()):
        revision, step = key
        for column, expected in fold.effects[key].items():
            value = getattr(rows_by_key[key], column)
            if not _is_same_value(column, value, expected):
                yield (
                    f"{case_id}: of step {step + 1} of revision {revision}"
                    f" the {column} {_contradiction(value, expected)}"
                )


def _is_same_value(column: str, row_value: Any, expected: Any) -> bool:
    if column == "amount":
        # SQLite keeps a number, PostgreSQL a decimal.
        return abs(Decimal(str(row_value)) - Decimal(expected)) < Decimal("0.0001")
    return bool(row_value == expected)


def _check_inbox(case_id: str, fold: DerivedRows, rows: Iterable[Any]) -> Iterator[str]:
    rows_by_key = {(row.source, row.key): row for row in rows}
    for source, key in sorted(fold.inbox.keys() - rows_by_key.keys()):
        yield (
            f"{case_id}: signal {key!r} of {source} is in the ledger,"
            f" and is not in the inbox: {CHANGED}"
        )
    for source, key in sorted(rows_by_key.keys() - fold.inbox.keys()):
        yield (
            f"{case_id}: signal {key!r} of {source} is in the inbox,"
            f" and is not in the ledger: {CHANGED}"
        )
    for source, key in sorted(rows_by_key.keys() & fold.inbox.keys()):
        for column, expected in fold.inbox[source, key].items():
            value = getattr(rows_by_key[source, key], column)
            if value != expected:
                yield (
                    f"{case_id}: of signal {key!r} of {source}"
                    f" the {column} {_contradiction(value, expected)}"
                )


def _check_conflicts(case_id: str, fold: DerivedRows, rows: Iterable[Any]) -> Iterator[str]:
    conflicts = {(row.source, row.key, row.digest) for row in rows}
    if conflicts != fold.conflicts:
        yield (
            f"{case_id}: the conflicting signals that were kept are not those"
            f" that the ledger names: {CHANGED}"
        )


def _check_due_work(case: Case, outbox: Mapping[str, Any]) -> Iterator[str]:
    """Check that the outbox holds the work that the case waits for."""
    if case.state is State.OPEN and not _is_waiting(outbox, f"triage:{case.id}"):
        yield f"{case.id}: it is to be looked at, and no work waits for it: {FORGOTTEN}"
    if case.state in {State.APPROVED, State.RUNNING}:
        key = f"execute:{case.id}:{case.proposal.revision}"
        if not _is_waiting(outbox, key):
            yield f"{case.id}: it is {case.state}, and no work waits to carry it out: {FORGOTTEN}"


def _check_cards(case: Case, rows: Sequence[Any]) -> Iterator[str]:
    for row in rows:
        is_possible = (
            1 <= row.generation <= case.generation
            and row.drawn.isdecimal()
            and int(row.drawn) <= case.version
        )
        if not is_possible or not _is_look(row.look) or not row.ts:
            yield f"{case.id}: its card {row.generation} shows what the case never was: {CHANGED}"
    if any(row.channel != case.channel for row in _live_cards(case, rows)):
        yield f"{case.id}: its card is said to be in another channel than the case: {CHANGED}"


def _is_look(look: str) -> bool:
    """Tell whether a release draws cards of this look."""
    # What a grant has used stands at the end.
    return look.partition(GRANT_FLAG)[0] in LOOKS


def _check_has_card(case: Case, rows: Sequence[Any], outbox: Mapping[str, Any]) -> Iterator[str]:
    # Triage draws the first card.
    will_be_drawn = case.state is State.OPEN or _is_waiting(outbox, f"card:{case.id}")
    if not (case.is_terminal or will_be_drawn or _live_cards(case, rows)):
        yield (
            f"{case.id}: it {case.state.predicate}, and has no card, nor any work that will draw"
            f" one: {FORGOTTEN}"
        )


def _live_cards(case: Case, rows: Iterable[Any]) -> list[Any]:
    return [row for row in rows if row.generation == case.generation]


def _is_waiting(outbox: Mapping[str, Any], key: str) -> bool:
    return key in outbox and outbox[key].state in {READY, LEASED, PARKED}


_inbox = tables.inbox.c
_conflicts = tables.inbox_conflicts.c
_items = tables.live_list_items.c
_BY_CASE = {
    table.name: select(table).where(table.c.case_id.in_(bindparam("ids", expanding=True)))
    for table in (
        tables.case_people,
        tables.effects,
        tables.decision_scores,
        tables.inbox,
        tables.cards,
    )
}
_BY_KEY = select(tables.outbox).where(tables.outbox.c.key.in_(bindparam("keys", expanding=True)))
_CONFLICTS = (
    select(_inbox.case_id, _conflicts.source, _conflicts.key, _conflicts.digest)
    .select_from(
        tables.inbox_conflicts.join(
            tables.inbox,
            and_(_inbox.source == _conflicts.source, _inbox.key == _conflicts.key),
        )
    )
    .where(_inbox.case_id.in_(bindparam("ids", expanding=True)))
)
_IN_STORM = select(_items.case_id).where(
    _items.case_id.in_(bindparam("ids", expanding=True)),
    _items.board.startswith(STORM_PREFIX, autoescape=True),
)
