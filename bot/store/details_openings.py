"""Openings of details, without anybody's name."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork

_openings = tables.details_openings.c
_RECORD = CompiledStatement(insert_or_ignore(tables.details_openings))

#: The first opening by case and revision.
OpeningTimes = dict[tuple[str, int], datetime]


class SqlDetailsOpenings:
    """Record openings for the health of approvals."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, case_id: str, revision: int, at: datetime) -> None:
        """Record the first opening of this plan's details; later ones change nothing."""
        values = {"case_id": case_id, "revision": revision, "first_at": at.timestamp()}

        def write(unit: UnitOfWork) -> None:
            unit.driver.change_later(_RECORD, values)

        self._database.write(write, appends=False)


def opening_times(connection: Connection, case_ids: Sequence[str]) -> OpeningTimes:
    """Read when the details of these cases were opened first."""
    query = select(tables.details_openings).where(_openings.case_id.in_(case_ids))
    return {
        (row.case_id, row.revision): datetime.fromtimestamp(row.first_at, UTC)
        for row in connection.execute(query)
    }


def counting_since(connection: Connection) -> datetime | None:
    """Return the time of the first opening of all; None before one."""
    first_at = connection.execute(select(func.min(_openings.first_at))).scalar()
    return None if first_at is None else datetime.fromtimestamp(first_at, UTC)
