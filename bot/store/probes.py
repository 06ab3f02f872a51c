"""Practice cases, which no other query finds."""

from datetime import datetime

from sqlalchemy import select

from bot.cases.case import Case
from bot.store import tables
from bot.store.database import Database

_cases = tables.cases.c


class SqlProbeRecords:
    """Read the practice cases of the past."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._decoded_cases = database.decoded_cases

    def since(self, at: datetime) -> list[Case]:
        """Return the probes opened after this time, the latest first."""
        is_probe = (_cases.number < 0, _cases.opened_at >= at.timestamp())
        query = select(_cases.id, _cases.body).where(*is_probe).order_by(_cases.number)
        rows = self._database.fetch(query)
        return [self._decoded_cases.decode(row.id, row.body) for row in rows]
