"""The shelf of memory: precedents and labels as rows. What follows from the ledger is written again from it; an imported past lives here."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.cases.canonical import canonical_hash, from_json, to_json, to_plain
from bot.cases.entries import entry_of
from bot.cases.errors import LedgerBroken
from bot.cases.lifecycle import State
from bot.cases.precedent import Label, Precedent, precedents_from
from bot.ports import Batch, LeasedMessage, StoredPrecedent, Topic
from bot.store import tables as t
from bot.store.store import SqlStore
from bot.store.unit_of_work import LEASED, READY, UnitOfWork

log = logging.getLogger(__name__)
PAGE = 500


class SqlPrecedentStore:
    """Precedents and labels over the store's database. Every method is one transaction."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._database = store.database

    def save(
        self,
        precedents: Sequence[Precedent],
        label: Label | None = None,
        *,
        done: LeasedMessage | None = None,
    ) -> int:
        """Write what is new or different; returns how many were."""
        rows = [_row(precedent) for precedent in precedents]

        def job(unit: UnitOfWork) -> int:
            if done:
                unit.complete(done)
            if label:
                values = {"case_id": label.case_id, "kind": label.kind, "body": to_json(label)}
                unit.connection.execute(_KEEP_LABEL[unit.connection.dialect.name], values)
            return _write(unit, rows)

        return self._database.write(job, appends=False)

    def changes_since(self, seq: int, limit: int = PAGE) -> list[StoredPrecedent]:
        """What has changed after this place, in order."""
        query = (
            select(t.precedents)
            .where(t.precedents.c.seq > seq)
            .order_by(t.precedents.c.seq)
            .limit(limit)
        )
        return [_kept(row) for row in self._rows(query)]

    def by_id(self, ids: Sequence[str]) -> dict[str, Precedent]:
        """These precedents, as far as they are still there."""
        found = self._rows(_BY_ID, {"ids": list(ids)})
        return {row.id: from_json(Precedent, row.body) for row in found}

    def of_kind(self, kind: str, limit: int) -> list[Precedent]:
        """The latest of this kind, the oldest of them first."""
        live = select(t.precedents.c.body).where(
            t.precedents.c.kind == kind, t.precedents.c.is_gone == 0
        )
        newest = self._rows(
            live.order_by(t.precedents.c.ended_at.desc(), t.precedents.c.seq.desc()).limit(limit)
        )
        return [from_json(Precedent, row.body) for row in reversed(newest)]

    def kinds(self) -> dict[str, int]:
        """How many live precedents each kind has."""
        query = select(t.precedents.c.kind, func.count().label("many")).where(
            t.precedents.c.is_gone == 0
        )
        return {row.kind: row.many for row in self._rows(query.group_by(t.precedents.c.kind))}

    def count(self) -> int:
        return sum(self.kinds().values())

    def labels(self) -> list[Label]:
        """What people said of unrecognised cases."""
        return [
            from_json(Label, row.body)
            for row in self._rows(select(t.labels.c.body).order_by(t.labels.c.case_id))
        ]

    def batches(self) -> list[Batch]:
        """The imported pasts."""
        query = (
            select(t.precedents.c.batch, t.precedents.c.kind, func.count().label("many"))
            .where(t.precedents.c.batch != "", t.precedents.c.is_gone == 0)
            .group_by(t.precedents.c.batch, t.precedents.c.kind)
            .order_by(t.precedents.c.batch)
        )
        return [Batch(row.batch, row.kind, row.many) for row in self._rows(query)]

    def forget(self, batch: str) -> int:
        """Take an imported past back; returns how many precedents that was."""

        def job(unit: UnitOfWork) -> int:
            live = (t.precedents.c.batch == batch, t.precedents.c.is_gone == 0)
            ids = unit.connection.execute(select(t.precedents.c.id).where(*live)).scalars().all()
            if ids:
                first = _advance(unit, len(ids)) - len(ids) + 1
                gone = [
                    {"gone": name, "place": place} for place, name in enumerate(ids, start=first)
                ]
                unit.connection.execute(_FORGET, gone)
            return len(ids)

        return self._database.write(job, appends=False)

    def count_missing(self) -> int:
        """Decided cases of the ledger that the shelf knows nothing of, and that no outbox row is about to bring."""
        with self._database.read() as connection:
            return int(connection.execute(_MISSING).scalar_one())

    def rebuild(self) -> Iterator[tuple[int, int]]:
        """Write what the ledger tells once more, case by case; gives cases and entries done. What differs is mended, nothing is asked."""
        done = 0
        for case_ids in _pages(list(self._store.case_ids()), 100):
            precedents: list[Precedent] = []
            for entries in self._entries(case_ids):
                done += len(entries)
                try:
                    found, label = precedents_from(map(entry_of, entries))
                except LedgerBroken as broken:
                    # `ledger replay` names it; one case that proves nothing keeps no other from memory.
                    log.warning("a case is not remembered: %s", broken)
                    continue
                precedents += found
                if label:
                    self.save((), label)
            self.save(precedents)
            yield len(case_ids), done

    def _entries(self, case_ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        grouped: dict[str, list[dict[str, Any]]] = {case_id: [] for case_id in case_ids}
        for row in self._rows(_ENTRIES_OF, {"ids": list(case_ids)}):
            grouped[row.case_id].append(json.loads(row.body))
        yield from grouped.values()

    def _rows(self, query: Any, values: dict[str, Any] | None = None) -> list[Any]:
        with self._database.read() as connection:
            return list(connection.execute(query, values or {}).all())


def _row(precedent: Precedent) -> dict[str, Any]:
    return {
        "id": precedent.id,
        "kind": precedent.kind,
        "case_id": precedent.case_id,
        "batch": precedent.batch,
        "digest": canonical_hash(to_plain(precedent)),
        "is_gone": 0,
        "ended_at": precedent.ended_at.timestamp(),
        "body": to_json(precedent),
    }


def _kept(row: Any) -> StoredPrecedent:
    return StoredPrecedent(row.seq, row.digest, bool(row.is_gone), from_json(Precedent, row.body))


def _write(unit: UnitOfWork, rows: Sequence[dict[str, Any]]) -> int:
    known = {
        row.id: row for row in unit.connection.execute(_KNOWN, {"ids": [row["id"] for row in rows]})
    }
    fresh = [
        row for row in rows if row["id"] not in known or known[row["id"]].digest != row["digest"]
    ]
    back = [row for row in rows if row not in fresh and known[row["id"]].is_gone]
    written = [*fresh, *back]
    if written:
        place = _advance(unit, len(written))
        numbered = [
            {**row, "seq": place - len(written) + ahead}
            for ahead, row in enumerate(written, start=1)
        ]
        unit.connection.execute(_KEEP[unit.connection.dialect.name], numbered)
    return len(written)


def _advance(unit: UnitOfWork, by: int) -> int:
    """The next places in the order of changes; the row is locked until commit, so nobody reads past what is not there yet."""
    moved = update(t.heads).where(t.heads.c.name == "memory").values(number=t.heads.c.number + by)
    place: int = unit.connection.execute(moved.returning(t.heads.c.number)).scalar_one()
    return place


def _pages(items: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _upsert(dialect: Any, table: Any, key: Any) -> Any:
    new = dialect.insert(table)
    rest = {column.name: new.excluded[column.name] for column in table.c if column.name != key.name}
    return new.on_conflict_do_update(index_elements=[key], set_=rest)


_KEEP = {
    name: _upsert(module, t.precedents, t.precedents.c.id)
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_KEEP_LABEL = {
    name: _upsert(module, t.labels, t.labels.c.case_id)
    for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
}
_KNOWN = select(t.precedents.c.id, t.precedents.c.digest, t.precedents.c.is_gone).where(
    t.precedents.c.id.in_(bindparam("ids", expanding=True))
)
_FORGET = (
    update(t.precedents)
    .where(t.precedents.c.id == bindparam("gone"))
    .values(is_gone=1, seq=bindparam("place"))
)
_BY_ID = select(t.precedents.c.id, t.precedents.c.body).where(
    t.precedents.c.id.in_(bindparam("ids", expanding=True)), t.precedents.c.is_gone == 0
)
_COMING = select(t.outbox.c.case_id).where(
    t.outbox.c.topic == Topic.REMEMBER.value, t.outbox.c.state.in_([READY, LEASED])
)
_MISSING = (
    select(func.count())
    .select_from(t.cases)
    .where(
        t.cases.c.state.in_([State.RESOLVED.name, State.REJECTED.name]),
        t.cases.c.id.not_in(select(t.precedents.c.case_id)),
        t.cases.c.id.not_in(_COMING),
    )
)
_ENTRIES_OF = (
    select(t.ledger.c.case_id, t.ledger.c.body)
    .where(t.ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(t.ledger.c.case_id, t.ledger.c.version)
)
