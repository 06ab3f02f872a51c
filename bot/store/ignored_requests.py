"""Requests that their source leaves out, by source, day and event."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select

from bot.metrics import IGNORED_REQUESTS
from bot.ports.ignored_requests import IgnoredCount
from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import DialectStatement, Insert
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork

RETENTION = timedelta(days=90)
#: Events of one source and day that are counted apart; the others are counted together.
MAX_EVENTS = 100
OTHER_EVENTS = "others"
_columns = tables.ignored_requests.c


def _build_count(insert: Insert) -> Insert:
    statement = insert(tables.ignored_requests)
    return statement.on_conflict_do_update(
        index_elements=[_columns.source, _columns.day, _columns.event],
        set_={"requests": _columns.requests + 1, "last_at": statement.excluded.last_at},
    )


_COUNT = CompiledStatement(DialectStatement.of_inserts(_build_count))
_EVENTS = CompiledStatement(
    select(_columns.event).where(
        _columns.source == bindparam("source"), _columns.day == bindparam("day")
    )
)
_PRUNE = CompiledStatement(
    delete(tables.ignored_requests).where(_columns.day < bindparam("before"))
)


class SqlIgnoredRequests:
    """Count what sources leave out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, source: str, event: str, at: datetime) -> None:
        """Count a request; what is older than the retention goes."""
        day = at.astimezone(UTC).date()
        row = {"source": source, "day": day.isoformat(), "event": event}

        def write(unit: UnitOfWork) -> None:
            events = {earlier.event for earlier in unit.driver.fetch(_EVENTS, row)}
            if not events:
                unit.driver.change_later(_PRUNE, {"before": (day - RETENTION).isoformat()})
            # A sender names the events, and must not fill the table.
            is_known = event in events or len(events) < MAX_EVENTS
            values = {"event": event if is_known else OTHER_EVENTS}
            unit.driver.change_later(
                _COUNT, {**row, **values, "requests": 1, "last_at": at.timestamp()}
            )

        self._database.write(write, appends=False)
        IGNORED_REQUESTS.labels(source).inc()

    def list(self, source: str = "") -> Sequence[IgnoredCount]:
        """List counts, of one source or all, latest day first."""
        order = (_columns.day.desc(), _columns.source, _columns.requests.desc(), _columns.event)
        query = select(tables.ignored_requests).order_by(*order)
        if source:
            query = query.where(_columns.source == source)
        return [_ignored_count(row) for row in self._database.fetch(query)]


def _ignored_count(row: Any) -> IgnoredCount:
    return IgnoredCount(
        source=row.source,
        day=date.fromisoformat(row.day),
        event=row.event,
        count=row.requests,
        last_at=datetime.fromtimestamp(row.last_at, UTC),
    )
