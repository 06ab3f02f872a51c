"""Posted lists, and the cases that they follow."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from bot.cases.actor import CaseId
from bot.cases.case import Case
from bot.ports.live_lists import LiveList
from bot.ports.outbox import OutboxMessage
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import DialectStatement, insert_or_ignore, insert_or_update
from bot.store.statements import CompiledStatement, Values
from bot.store.unit_of_work import UnitOfWork

#: No key has it.
LAST_CHARACTER = chr(0x10FFFF)

_lists = tables.live_lists.c
_items = tables.live_list_items.c


def begins_with_on_sqlite() -> ColumnElement[bool]:
    """Look up the beginning of a key in an index."""
    # SQLite reads every row for LIKE, and orders text by its code points.
    return and_(_lists.key >= bindparam("prefix"), _lists.key < bindparam("prefix_end"))


def begins_with_on_postgresql() -> ColumnElement[bool]:
    """Look up the beginning of a key in an index."""
    return _lists.key.like(bindparam("prefix_pattern"), escape="/")


def prefix_values(prefix: str) -> Values:
    """Return the parameters of both conditions."""
    pattern = prefix.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return {
        "prefix": prefix,
        "prefix_end": f"{prefix}{LAST_CHARACTER}",
        "prefix_pattern": f"{pattern}%",
    }


def _find(begins_with: ColumnElement[bool]) -> Select[Any]:
    is_fresh = _lists.shown_at >= bindparam("since")
    return select(tables.live_lists).where(begins_with, is_fresh).order_by(_lists.key)


_GET = CompiledStatement(select(tables.live_lists).where(_lists.key == bindparam("key")))
_FIND = CompiledStatement(
    DialectStatement(
        on_sqlite=lambda: _find(begins_with_on_sqlite()),
        on_postgresql=lambda: _find(begins_with_on_postgresql()),
    )
)
_KEYS_WITH = CompiledStatement(
    select(_items.board).where(_items.case_id == bindparam("case_id")).order_by(_items.board)
)
_SAVE = CompiledStatement(insert_or_update(tables.live_lists, key=[_lists.key]))
_CREATE = insert_or_ignore(tables.live_lists, returning=_lists.key)
_ADD = CompiledStatement(insert_or_ignore(tables.live_list_items))
_DELETE = CompiledStatement(delete(tables.live_lists).where(_lists.key == bindparam("of_key")))
_DELETE_ITEMS = CompiledStatement(
    delete(tables.live_list_items).where(_items.board == bindparam("of_key"))
)
_INSERT_ITEM = CompiledStatement(insert(tables.live_list_items))
_VERSIONS = CompiledStatement(
    select(tables.cases.c.id, tables.cases.c.version).where(
        tables.cases.c.id.in_(bindparam("ids", expanding=True))
    )
)


class SqlLiveLists:
    """Record which lists stand where, and which cases they show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> LiveList | None:
        """Return the list under this key."""
        rows = self._database.fetch(_GET, {"key": key})
        return _live_list(rows[0]) if rows else None

    def find(self, prefix: str, since: datetime) -> list[LiveList]:
        """Return lists by the prefix of their key, shown after this time."""
        values = {**prefix_values(prefix), "since": since.timestamp()}
        return [_live_list(row) for row in self._database.fetch(_FIND, values)]

    def keys_with(self, case_id: str) -> list[str]:
        """Return the keys of the lists that follow this case."""
        return [row.board for row in self._database.fetch(_KEYS_WITH, {"case_id": case_id})]

    def save(self, live_list: LiveList, *, follow: bool = True, cases: Iterable[Case] = ()) -> bool:
        """Record a list as it stands now.

        With ``follow`` it follows the cases of its sections and no others from now on. Tell whether
        one of ``cases``, which it shows, has changed meanwhile: the list did not follow it yet.
        """
        versions = {case.id: case.version for case in cases}
        row = _row(live_list)

        def job(unit: UnitOfWork) -> bool:
            unit.driver.change_later(_SAVE, row)
            if follow:
                _replace_items(unit, live_list.key, list(live_list.sections.values()))
            # After the list follows them: a change is seen here, or sees the list.
            return _have_changed(unit, versions)

        return self._database.write(job, appends=False)

    def replace(
        self,
        live_list: LiveList,
        *,
        previous: LiveList | None,
        messages: Sequence[OutboxMessage] = (),
    ) -> bool:
        """Record a list and enqueue messages, unless it has changed since."""
        row = _row(live_list)

        def job(unit: UnitOfWork) -> bool:
            # One statement compares and writes: of two at a time, only one finds its row.
            if previous is None:
                statement = _CREATE.on(unit.connection).values(row)
            else:
                statement = _change(_row(previous), row)
            if unit.connection.execute(statement).first() is None:
                return False
            unit.enqueue(messages)
            return True

        return self._database.write(job, appends=False)

    def add(self, case_id: str, key: str) -> None:
        """Let the list under this key follow this case too."""
        row = {"case_id": case_id, "board": key}

        def job(unit: UnitOfWork) -> None:
            unit.driver.change_later(_ADD, row)

        self._database.write(job, appends=False)

    def delete(self, key: str) -> None:
        """Delete the list and what it follows."""

        def job(unit: UnitOfWork) -> None:
            _replace_items(unit, key, [])
            unit.driver.change_later(_DELETE, {"of_key": key})

        self._database.write(job, appends=False)


def _replace_items(unit: UnitOfWork, key: str, sections: Sequence[Sequence[str]]) -> None:
    unit.driver.change_later(_DELETE_ITEMS, {"of_key": key})
    # A case may stand in several sections.
    case_ids = dict.fromkeys(case_id for section in sections for case_id in section)
    rows = [{"case_id": case_id, "board": key} for case_id in case_ids]
    unit.driver.change_each(_INSERT_ITEM, rows)


def _have_changed(unit: UnitOfWork, versions: Mapping[CaseId, int]) -> bool:
    if not versions:
        return False
    rows = unit.driver.fetch(_VERSIONS, {"ids": list(versions)})
    return any(row.version != versions[row.id] for row in rows)


def _row(live_list: LiveList) -> dict[str, Any]:
    return {
        "key": live_list.key,
        "place": live_list.place,
        "ts": live_list.ts,
        "shown_at": live_list.shown_at.timestamp(),
        "body": json.dumps({name: list(ids) for name, ids in live_list.sections.items()}),
    }


def _change(previous: Mapping[str, Any], row: Mapping[str, Any]) -> Update:
    is_same = (_lists.key == previous["key"], _lists.body == previous["body"])
    return update(tables.live_lists).where(*is_same).values(row).returning(_lists.key)


def _live_list(row: Any) -> LiveList:
    return LiveList(
        key=row.key,
        place=row.place,
        ts=row.ts,
        sections=json.loads(row.body),
        shown_at=datetime.fromtimestamp(row.shown_at, UTC),
    )
