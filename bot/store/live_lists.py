"""Posted lists, and the cases that they follow."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, and_, bindparam, delete, insert, select, update

from bot.cases.actor import CaseId
from bot.cases.case import Case
from bot.ports.live_lists import LiveList
from bot.ports.outbox import OutboxMessage
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore, insert_or_update
from bot.store.unit_of_work import UnitOfWork

#: No key has it.
LAST_CHARACTER = chr(0x10FFFF)

_lists = tables.live_lists.c
_items = tables.live_list_items.c
_SAVE = insert_or_update(tables.live_lists, key=[_lists.key])
_CREATE = insert_or_ignore(tables.live_lists, returning=_lists.key)
_ADD = insert_or_ignore(tables.live_list_items)
_VERSIONS = select(tables.cases.c.id, tables.cases.c.version).where(
    tables.cases.c.id.in_(bindparam("ids", expanding=True))
)


class SqlLiveLists:
    """Record which lists stand where, and which cases they show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> LiveList | None:
        """Return the list under this key."""
        rows = self._database.fetch(select(tables.live_lists).where(_lists.key == key))
        return _live_list(rows[0]) if rows else None

    def find(self, prefix: str, since: datetime) -> list[LiveList]:
        """Return lists by the prefix of their key, shown after this time."""
        query = (
            select(tables.live_lists)
            .where(self._begins_with(prefix), _lists.shown_at >= since.timestamp())
            .order_by(_lists.key)
        )
        return [_live_list(row) for row in self._database.fetch(query)]

    def _begins_with(self, prefix: str) -> ColumnElement[bool]:
        """Look up the beginning of a key in an index."""
        if self._database.is_sqlite:
            # SQLite reads every row for LIKE, and orders text by its code points.
            return and_(_lists.key >= prefix, _lists.key < f"{prefix}{LAST_CHARACTER}")
        return _lists.key.startswith(prefix, autoescape=True)

    def keys_with(self, case_id: str) -> list[str]:
        """Return the keys of the lists that follow this case."""
        query = select(_items.board).where(_items.case_id == case_id).order_by(_items.board)
        return [row.board for row in self._database.fetch(query)]

    def save(self, live_list: LiveList, *, follow: bool = True, cases: Iterable[Case] = ()) -> bool:
        """Record a list as it stands now.

        With ``follow`` it follows the cases of its sections and no others from now on. Tell whether
        one of ``cases``, which it shows, has changed meanwhile: the list did not follow it yet.
        """
        versions = {case.id: case.version for case in cases}
        row = _row(live_list)

        def job(unit: UnitOfWork) -> bool:
            unit.connection.execute(_SAVE.on(unit.connection), row)
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
            unit.connection.execute(_ADD.on(unit.connection), row)

        self._database.write(job, appends=False)

    def delete(self, key: str) -> None:
        """Delete the list and what it follows."""

        def job(unit: UnitOfWork) -> None:
            _replace_items(unit, key, [])
            unit.connection.execute(delete(tables.live_lists).where(_lists.key == key))

        self._database.write(job, appends=False)


def _replace_items(unit: UnitOfWork, key: str, sections: Sequence[Sequence[str]]) -> None:
    unit.connection.execute(delete(tables.live_list_items).where(_items.board == key))
    # A case may stand in several sections.
    case_ids = dict.fromkeys(case_id for section in sections for case_id in section)
    rows = [{"case_id": case_id, "board": key} for case_id in case_ids]
    if rows:
        unit.connection.execute(insert(tables.live_list_items), rows)


def _have_changed(unit: UnitOfWork, versions: Mapping[CaseId, int]) -> bool:
    if not versions:
        return False
    rows = unit.connection.execute(_VERSIONS, {"ids": list(versions)})
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
