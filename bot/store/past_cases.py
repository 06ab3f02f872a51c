"""Whole histories of cases, a page at a time.

For whoever plays cases again. Memory does not grow with the number of cases.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from bot.cases.controls import DESK_ID
from bot.cases.entries import Entry, entry_of
from bot.cases.plan import Plan
from bot.cases.precedent import CHANGED_OUTCOMES, PrecedentVersion, precedent_versions
from bot.cases.precedent_json import precedent_from_json
from bot.cases.usage import Usage
from bot.store import tables
from bot.store.database import Database
from bot.store.usage import usage_at

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSelection:
    """A choice of cases; all of them, unless something is named."""

    #: Opened then or later.
    since: datetime | None = None
    ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    #: Only so many, the latest.
    limit: int | None = None


class PastCases:
    """Read the entries of many cases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, selection: CaseSelection) -> list[str]:
        """List the cases of a selection, the oldest first."""
        # Probes have numbers below zero.
        query = select(_cases.id).where(_cases.number > 0).order_by(_cases.number.desc())
        if selection.since:
            query = query.where(_cases.opened_at >= selection.since.timestamp())
        if selection.ids:
            query = query.where(_cases.id.in_(selection.ids))
        if selection.kinds:
            query = query.where(_cases.kind.in_(selection.kinds))
        if selection.limit is not None:
            query = query.limit(selection.limit)
        return [row.id for row in reversed(self._database.fetch(query))]

    def read(self, case_ids: Sequence[str]) -> Iterator[tuple[str, list[Entry]]]:
        """Yield these cases with their entries."""
        for start in range(0, len(case_ids), PAGE_SIZE):
            yield from self._read_page(case_ids[start : start + PAGE_SIZE]).items()

    def _read_page(self, case_ids: Sequence[str]) -> dict[str, list[Entry]]:
        histories: dict[str, list[Entry]] = {case_id: [] for case_id in case_ids}
        for row in self._database.fetch(_BODIES, {"ids": list(case_ids)}):
            histories[row.case_id].append(entry_of(json.loads(bytes(row.body))))
        return histories

    def precedent_versions(self) -> list[PrecedentVersion]:
        """Return every precedent with the times at which memory held it.

        The ledger is read of those cases alone whose precedents had another outcome before.
        """
        precedents = [precedent_from_json(row.body) for row in self._database.fetch(_PRECEDENTS)]
        changed_ids = sorted(
            {one.case_id for one in precedents if one.case_id and one.outcome in CHANGED_OUTCOMES}
        )
        versions = [
            PrecedentVersion(one, since=one.ended_at)
            for one in precedents
            if one.case_id not in changed_ids
        ]
        for _, entries in self.read(changed_ids):
            versions += precedent_versions(entries)
        return versions

    def desk_entries(self) -> list[Entry]:
        """Return the entries about the desk as a whole."""
        return self._read_page([DESK_ID])[DESK_ID]

    def usage_before(
        self, at: datetime, windows: Sequence[timedelta], *, plan: Plan | None
    ) -> Usage:
        """Sum what had been carried out of a plan's actions.

        The windows end at that time.
        """
        if plan is None:
            return Usage()
        return usage_at(self._database.fetch, at, windows, plan=plan, step=0, is_past=True)


_cases = tables.cases.c
_PRECEDENTS = (
    select(tables.precedents.c.body)
    .where(tables.precedents.c.is_gone == 0)
    .order_by(tables.precedents.c.seq)
)
_BODIES = (
    select(tables.ledger.c.case_id, tables.ledger.c.body)
    .where(tables.ledger.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(tables.ledger.c.case_id, tables.ledger.c.version)
)
