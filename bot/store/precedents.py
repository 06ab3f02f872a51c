"""Precedents and labels as rows.

What follows from the ledger can be written again from it. Imported precedents are only here.
"""

import itertools
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, exists, func, select, update

from bot.cases.canonical import canonical_hash, to_json
from bot.cases.entries import entry_of
from bot.cases.errors import LedgerBroken
from bot.cases.lifecycle import State
from bot.cases.precedent import Label, Precedent, precedents_from
from bot.cases.precedent_json import (
    label_from_json,
    label_to_json,
    precedent_from_json,
    precedent_to_plain,
    without_origin,
)
from bot.ports.memory import Batch, StoredPrecedent
from bot.ports.outbox import LeasedMessage, Topic
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_update
from bot.store.outbox_rows import LEASED, READY
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)
PAGE_SIZE = 500
CASES_PER_PAGE = 100
IDS_PER_QUERY = 10

_precedents = tables.precedents.c
_IS_LIVE = _precedents.is_gone == 0


class SqlPrecedentStore:
    """Keep precedents and labels. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        precedents: Sequence[Precedent],
        label: Label | None = None,
        *,
        finish: LeasedMessage | None = None,
    ) -> int:
        """Write what is new or different. Return how many precedents were."""
        rows = [precedent_row(precedent) for precedent in precedents]

        def job(unit: UnitOfWork) -> int:
            if finish:
                unit.complete(finish)
            if label:
                save_label(unit, label)
            return save_rows(unit, rows)

        return self._database.write(job, appends=False)

    def forget(self, batch: str) -> int:
        """Take an imported batch back. Return how many precedents it had."""

        def job(unit: UnitOfWork) -> int:
            query = select(_precedents.id).where(_precedents.batch == batch, _IS_LIVE)
            ids = unit.connection.execute(query).scalars().all()
            if ids:
                places = next_places(unit, len(ids))
                rows = [{"gone": id, "place": seq} for id, seq in zip(ids, places, strict=True)]
                unit.connection.execute(_FORGET, rows)
            return len(ids)

        return self._database.write(job, appends=False)

    def rebuild(self) -> Iterator[tuple[int, int]]:
        """Write all precedents again from the ledger. Yield cases and entries done."""
        case_ids = [row.id for row in self._database.fetch(_CASE_IDS)]
        entry_count = 0
        for start in range(0, len(case_ids), CASES_PER_PAGE):
            page = case_ids[start : start + CASES_PER_PAGE]
            entry_count += self._rebuild_page(page)
            yield len(page), entry_count

    def _rebuild_page(self, case_ids: Sequence[str]) -> int:
        """Write the precedents of these cases. Return how many entries they have."""
        entries: dict[str, list[dict[str, Any]]] = {case_id: [] for case_id in case_ids}
        rows = self._database.fetch(_ENTRIES, {"ids": list(case_ids)})
        for row in rows:
            entries[row.case_id].append(json.loads(row.body))
        precedents: list[Precedent] = []
        for entries_of_case in entries.values():
            try:
                of_case, label = precedents_from(map(entry_of, entries_of_case))
            except LedgerBroken as failure:
                # `ledger replay` names it. One damaged case keeps no other from memory.
                log.warning("a case is not remembered: %s", failure)
                continue
            precedents += of_case
            if label:
                self.save((), label)
        self.save(precedents)
        return len(rows)

    # --- reading ---------------------------------------------------------------------------------

    def changes_since(self, seq: int, limit: int = PAGE_SIZE) -> list[StoredPrecedent]:
        """Return the changes after this place, in order."""
        rows = self._database.fetch(_CHANGES, {"after": seq, "limit": limit})
        return [
            StoredPrecedent(
                seq=row.seq,
                digest=row.digest,
                is_gone=bool(row.is_gone),
                precedent=precedent_from_json(row.body),
            )
            for row in rows
        ]

    def last_place(self) -> int:
        """Return the place of the last change; 0 before the first."""
        return int(self._database.fetch(_LAST_PLACE)[0].number)

    def by_id(self, ids: Sequence[str]) -> dict[str, Precedent]:
        """Return these precedents, as far as they have not been taken back."""
        precedents = {}
        for start in range(0, len(ids), IDS_PER_QUERY):
            page = ids[start : start + IDS_PER_QUERY]
            values = dict(itertools.zip_longest(_ID_NAMES, page, fillvalue=""))
            for row in self._database.fetch(_BY_ID, values):
                precedents[row.id] = precedent_from_json(row.body)
        return precedents

    def of_kind(self, kind: str, limit: int) -> list[Precedent]:
        """Return the latest precedents of this kind, the oldest of them first."""
        query = (
            select(_precedents.body)
            .where(_precedents.kind == kind, _IS_LIVE)
            .order_by(_precedents.ended_at.desc(), _precedents.seq.desc())
            .limit(limit)
        )
        return [precedent_from_json(row.body) for row in reversed(self._database.fetch(query))]

    def kinds(self) -> dict[str, int]:
        """Count the precedents of each kind."""
        count = func.count().label("precedents")
        query = select(_precedents.kind, count).where(_IS_LIVE).group_by(_precedents.kind)
        return {row.kind: row.precedents for row in self._database.fetch(query)}

    def count(self) -> int:
        """Count the precedents of all kinds."""
        return sum(self.kinds().values())

    def count_missing(self, within: timedelta | None = None) -> int:
        """Count the decided cases of the ledger that have no precedent.

        Those that an outbox message is about to bring do not count. ``within`` leaves out those
        that ended so long before the last one.
        """
        query = _MISSING_BY_ID if self._database.is_sqlite else _MISSING_BY_CASE
        if within is None:
            return int(self._database.fetch(query)[0].cases)
        query = query.where(tables.cases.c.ended_at >= _LAST_END - bindparam("seconds"))
        return int(self._database.fetch(query, {"seconds": within.total_seconds()})[0].cases)

    def labels(self) -> list[Label]:
        """Return what people called unrecognised cases."""
        query = select(tables.labels.c.body).order_by(tables.labels.c.case_id)
        return [label_from_json(row.body) for row in self._database.fetch(query)]

    def batches(self) -> list[Batch]:
        """Return the imported batches."""
        query = (
            select(_precedents.batch, _precedents.kind, func.count().label("precedents"))
            .where(_precedents.batch != "", _IS_LIVE)
            .group_by(_precedents.batch, _precedents.kind)
            .order_by(_precedents.batch)
        )
        return [Batch(row.batch, row.kind, row.precedents) for row in self._database.fetch(query)]


def save_label(unit: UnitOfWork, label: Label) -> None:
    """Write what a person called an unrecognised case."""
    values = {"case_id": label.case_id, "kind": label.kind, "body": label_to_json(label)}
    unit.connection.execute(_SAVE_LABEL.on(unit.connection), values)


def precedent_row(precedent: Precedent) -> dict[str, Any]:
    """Return the row of a precedent, without its place."""
    plain = precedent_to_plain(precedent)
    return {
        "id": precedent.id,
        "kind": precedent.kind,
        "case_id": precedent.case_id,
        "batch": precedent.batch,
        "digest": canonical_hash(without_origin(plain)),
        "is_gone": 0,
        "ended_at": precedent.ended_at.timestamp(),
        "body": to_json(plain),
    }


def save_rows(unit: UnitOfWork, rows: Sequence[dict[str, Any]]) -> int:
    """Write the rows that are new, different or were taken back.

    Return how many.
    """
    ids = [row["id"] for row in rows]
    rows_before = {row.id: row for row in unit.connection.execute(_STORED, {"ids": ids})}
    different: list[dict[str, Any]] = []
    taken_back: list[dict[str, Any]] = []
    for row in rows:
        before = rows_before.get(row["id"])
        if before is None or before.digest != row["digest"]:
            different.append(row)
        elif before.is_gone:
            taken_back.append(row)
    changes = [*different, *taken_back]
    if changes:
        places = next_places(unit, len(changes))
        new_rows = [{**row, "seq": seq} for row, seq in zip(changes, places, strict=True)]
        unit.connection.execute(_SAVE.on(unit.connection), new_rows)
    return len(changes)


def next_places(unit: UnitOfWork, count: int) -> range:
    """Return the next places in the order of changes.

    The head's row is locked until commit, so that no reader passes places that are still empty.
    """
    heads = tables.heads.c
    advance = (
        update(tables.heads)
        .where(heads.name == "memory")
        .values(number=heads.number + count)
        .returning(heads.number)
    )
    last: int = unit.connection.execute(advance).scalar_one()
    return range(last - count + 1, last + 1)


_SAVE = insert_or_update(tables.precedents, key=[_precedents.id])
_SAVE_LABEL = insert_or_update(tables.labels, key=[tables.labels.c.case_id])
_STORED = select(_precedents.id, _precedents.digest, _precedents.is_gone).where(
    _precedents.id.in_(bindparam("ids", expanding=True))
)
_FORGET = (
    update(tables.precedents)
    .where(_precedents.id == bindparam("gone"))
    .values(is_gone=1, seq=bindparam("place"))
)
# A fixed number of parameters: a statement that expands is compiled anew at every card.
_ID_NAMES = [f"id_{number}" for number in range(IDS_PER_QUERY)]
_BY_ID = CompiledStatement(
    select(_precedents.id, _precedents.body).where(
        _precedents.id.in_([bindparam(name) for name in _ID_NAMES]), _IS_LIVE
    )
)
_CHANGES = CompiledStatement(
    select(tables.precedents)
    .where(_precedents.seq > bindparam("after"))
    .order_by(_precedents.seq)
    .limit(bindparam("limit"))
)
_CASE_IDS = (
    select(tables.cases.c.id).where(tables.cases.c.number > 0).order_by(tables.cases.c.number)
)
_ENTRIES = (
    select(tables.ledger.c.case_id, tables.ledger.c.body)
    .where(tables.ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.ledger.c.case_id, tables.ledger.c.version)
)
_COMING = select(tables.outbox.c.case_id).where(
    tables.outbox.c.topic == Topic.REMEMBER.value, tables.outbox.c.state.in_([READY, LEASED])
)
# An expression, not the column: SQLite would take its index for the better one than that of the
# end, and look at every decided case.
_STATE = tables.cases.c.state.concat("")
_DECIDED = (
    select(func.count().label("cases"))
    .select_from(tables.cases)
    .where(
        _STATE.in_([State.RESOLVED.name, State.REJECTED.name]),
        tables.cases.c.ended_at.is_not(None),
        tables.cases.c.id.not_in(_COMING),
        # What was past its term is forgotten for good.
        tables.cases.c.id.not_in(select(tables.removed_cases.c.case_id)),
    )
)
# The id of a precedent is that of its case, a point and a revision. SQLite finds it in the index of
# the primary key; a look at ``case_id`` would read every row with its text.
_MISSING_BY_ID = _DECIDED.where(
    ~exists().where(
        _precedents.id > tables.cases.c.id + ".",
        _precedents.id < tables.cases.c.id + "/",
    )
)
# PostgreSQL orders texts by its locale, and joins two sets by hash.
_MISSING_BY_CASE = _DECIDED.where(~exists().where(_precedents.case_id == tables.cases.c.id))
_LAST_END = select(func.max(tables.cases.c.ended_at)).scalar_subquery()
_LAST_PLACE = CompiledStatement(
    select(tables.heads.c.number).where(tables.heads.c.name == "memory")
)
