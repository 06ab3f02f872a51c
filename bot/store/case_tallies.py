"""Daily tallies of ended cases, for figures over a long history.

A case is counted when it ends, once for each event of its life that has a day: its opening, its end
and the decision in force. The tallies are written in the transaction that ends the case, and a
change of an ended case moves it from one tally to another. They follow from ``cases`` and can be
made again at any time. Days are those of UTC; a span's first and last hours are counted from the
cases themselves.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
)

from bot.cases.text import storable
from bot.store import tables
from bot.store.dialects import DialectStatement, Insert
from bot.store.statements import CompiledStatement

SECONDS_PER_DAY = 86_400
ROWS_PER_WRITE = 1_000

Row = Mapping[str, Any]
TallyKey = tuple[str, int, str]

_cases = tables.cases.c
_tallies = tables.case_tallies.c


class TallyEvent(StrEnum):
    """The event of a case whose day a tally is of."""

    OPENED = "opened"
    ENDED = "ended"
    DECIDED = "decided"


#: The column of ``cases`` with the time of each event.
EVENT_COLUMNS: Mapping[TallyEvent, Column[Any]] = {
    TallyEvent.OPENED: _cases.opened_at,
    TallyEvent.ENDED: _cases.ended_at,
    TallyEvent.DECIDED: _cases.decision_at,
}
#: What the cases of one tally share, as they do in ``cases``.
SHARED_NAMES = (
    "channel",
    "kind",
    "source",
    "state",
    "decision",
    "deciders",
    "currency",
    "risk",
    "is_automatic",
    "is_edited",
)


def tally_changes(before: Row | None, after: Row | None) -> list[dict[str, Any]]:
    """Return the changes of tallies that follow from a case's change.

    Both are rows of ``cases``, or None for a case that has not ended.
    """
    changes = TallyChanges()
    changes.add(_case_tallies(before), sign=-1)
    changes.add(_case_tallies(after), sign=1)
    return changes.rows()


class TallyChanges:
    """Changes of tallies, added up."""

    def __init__(self) -> None:
        self._rows: dict[TallyKey, dict[str, Any]] = {}

    def add(self, rows: Iterable[Row], *, sign: int = 1) -> None:
        """Add these changes, or take them away."""
        for row in rows:
            key = _key(row)
            total = self._rows.get(key)
            if total is None:
                total = self._rows[key] = {**row, "cases": 0, "stake_cents": 0}
            total["cases"] += sign * row["cases"]
            total["stake_cents"] += sign * row["stake_cents"]

    def rows(self) -> list[dict[str, Any]]:
        """Return the changes that change anything, in the order of their keys."""
        # Writers that lock rows in one order wait for each other, and never in a circle.
        keys = sorted(self._rows)
        return [row for row in map(self._rows.__getitem__, keys) if _is_change(row)]


def _is_change(row: Row) -> bool:
    return bool(row["cases"] or row["stake_cents"])


def _key(row: Row) -> TallyKey:
    return row["event"], row["day"], row["id"]


def _case_tallies(case: Row | None) -> Iterator[dict[str, Any]]:
    """Yield a row of ``case_tallies`` for each event of an ended case."""
    if case is None:
        return
    tally = {name: case[name] for name in SHARED_NAMES}
    tally["id"] = tally_id(tally)
    tally["cases"] = 1
    tally["stake_cents"] = case["stake_cents"] or 0
    for event, column in EVENT_COLUMNS.items():
        at = case[column.name]
        if at is not None:
            yield {**tally, "event": event.value, "day": int(at // SECONDS_PER_DAY)}


def tally_id(row: Row) -> str:
    """Hash the columns that a tally's cases share, for its key.

    The key has one size: PostgreSQL refuses an index over the columns where a kind has a long name.
    """
    parts = [storable(str(row[name])) for name in SHARED_NAMES]
    # Lengths keep apart what would be the same when joined.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def add_tallies(connection: Connection, changes: Sequence[Row]) -> None:
    """Write changes of tallies."""
    if changes:
        connection.execute(_ADD.on(connection), list(changes))


def rebuild_tallies(connection: Connection) -> None:
    """Make all tallies again from the cases."""
    connection.execute(delete(tables.case_tallies))
    rows = _expected_tallies(connection)
    while page := list(islice(rows, ROWS_PER_WRITE)):
        add_tallies(connection, page)


def wrong_tallies(connection: Connection) -> Iterator[TallyKey]:
    """Yield the keys of tallies that are not what the cases make."""
    rows = connection.execute(select(tables.case_tallies).where(_IS_COUNTED))
    tallies = {(row.event, row.day, row.id): dict(row._mapping) for row in rows}
    for row in _expected_tallies(connection):
        key = _key(row)
        if tallies.pop(key, None) != row:
            yield key
    yield from tallies


def _expected_tallies(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the tallies of all ended cases, as they follow from ``cases``."""
    columns = [_cases[name] for name in SHARED_NAMES]
    for event, column in EVENT_COLUMNS.items():
        day = day_of(column, is_sqlite=connection.dialect.name == "sqlite")
        query = (
            select(
                day.label("day"),
                *columns,
                func.count().label("cases"),
                func.coalesce(func.sum(_cases.stake_cents), 0).label("stake_cents"),
            )
            # Probes have numbers below zero.
            .where(_cases.ended_at.is_not(None), column.is_not(None), _cases.number > 0)
            .group_by(day, *columns)
        )
        for row in connection.execute(query).all():
            values = {**row._mapping, "event": event.value}
            values["day"] = int(row.day)
            values["stake_cents"] = int(row.stake_cents)
            yield {**values, "id": tally_id(values)}


def day_of(seconds: ColumnElement[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    """Return the day of a time, both counted from 1970."""
    days = seconds / literal(float(SECONDS_PER_DAY))
    # A cast cuts off on SQLite, and rounds on PostgreSQL.
    return cast(days, BigInteger) if is_sqlite else func.floor(days)


def _build_add(insert: Insert) -> Insert:
    statement = insert(tables.case_tallies)
    return statement.on_conflict_do_update(
        index_elements=[_tallies.event, _tallies.day, _tallies.id],
        set_={
            "cases": _tallies.cases + statement.excluded.cases,
            "stake_cents": _tallies.stake_cents + statement.excluded.stake_cents,
        },
    )


_ADD = DialectStatement.of_inserts(_build_add)
#: Adds one change.
ADD_TALLY = CompiledStatement(_ADD)
_IS_COUNTED = or_(_tallies.cases != 0, _tallies.stake_cents != 0)
