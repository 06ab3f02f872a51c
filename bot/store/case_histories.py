"""The ledger entries of the cases of a report, read in pages."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection, select, union

from bot.cases.entries import Entry, entry_of
from bot.ports.case_histories import CaseHistories, Span
from bot.store import tables
from bot.store.database import Database
from bot.store.derived import entry_bodies

CASES_PER_PAGE = 200

_cases = tables.cases.c


class SqlCaseHistorySource:
    """Open the ledger for a report."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def snapshot(self) -> Iterator[CaseHistories]:
        """See one moment of the ledger, whatever is written meanwhile."""
        with self._database.snapshot() as connection:
            yield SqlCaseHistories(connection)


class SqlCaseHistories:
    """Read the cases of one moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ledger_size(self) -> int:
        """Count the entries of the ledger."""
        query = select(tables.heads.c.number).where(tables.heads.c.name == "ledger")
        return int(self._connection.execute(query).scalar_one())

    def first_openings(self, kinds: Iterable[str]) -> dict[str, datetime]:
        """Return when the case of each kind that ended first was opened."""
        openings = {}
        for kind in kinds:
            # The first by an index: the cost does not grow with the history.
            query = (
                select(_cases.opened_at)
                .where(_cases.kind == kind, _cases.ended_at.is_not(None))
                .order_by(_cases.ended_at, _cases.number)
                .limit(1)
            )
            opened_at = self._connection.execute(query).scalar()
            if opened_at is not None:
                openings[kind] = datetime.fromtimestamp(opened_at, UTC)
        return openings

    def find(self, spans: Sequence[Span], *, kind: str = "", team: str = "") -> list[int]:
        """List the cases that were open within the spans, by number."""
        # Probes have numbers below zero.
        narrowing = [_cases.number > 0]
        if kind:
            narrowing.append(_cases.kind == kind)
        if team:
            narrowing.append(_cases.team == team)
        parts = []
        for since, until in spans:
            begin, end = since.timestamp(), until.timestamp()
            # Two parts, each with an index: of few open cases, and of those that ended since.
            for is_part in (_cases.ended_at.is_(None), _cases.ended_at >= begin):
                parts.append(select(_cases.number).where(is_part, _cases.opened_at < end))
        matches = union(*(part.where(*narrowing) for part in parts)).subquery()
        query = select(matches.c.number).order_by(matches.c.number)
        return list(self._connection.execute(query).scalars())

    def entries(self, numbers: Sequence[int]) -> Iterator[list[Entry]]:
        """Yield the entries of each of these cases.

        They are read a page at a time.
        """
        for start in range(0, len(numbers), CASES_PER_PAGE):
            page = numbers[start : start + CASES_PER_PAGE]
            query = select(_cases.id).where(_cases.number.in_(page)).order_by(_cases.number)
            ids = list(self._connection.execute(query).scalars())
            for bodies in entry_bodies(self._connection, ids).values():
                yield [entry_of(orjson.loads(body)) for body in bodies]
