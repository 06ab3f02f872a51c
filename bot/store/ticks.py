"""Ticks: which process runs a periodic job for which slot of time."""

from sqlalchemy import delete

from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.unit_of_work import UnitOfWork

# Slots of a while ago stay, so that a clock that is set back finds what was done.
MIN_SLOTS_KEPT = 400

_CLAIM = insert_or_ignore(tables.ticks, returning=tables.ticks.c.job)


class SqlTicks:
    """Give each slot of a periodic job to one process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_tick(self, job: str, slot: int) -> bool:
        """Claim a slot.

        Tell whether this process runs the job: exactly one does.
        """
        values = {"job": job, "slot": slot}

        def write(unit: UnitOfWork) -> bool:
            claim = unit.connection.execute(_CLAIM.on(unit.connection), values).first()
            if claim is not None:
                ticks = tables.ticks.c
                is_old = (ticks.job == job, ticks.slot < slot - MIN_SLOTS_KEPT)
                unit.connection.execute(delete(tables.ticks).where(*is_old))
            return claim is not None

        return self._database.write(write, appends=False)
