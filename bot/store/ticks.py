"""Ticks: which process runs a periodic job for which slot of time."""

from sqlalchemy import bindparam, delete, select

from bot.store import tables
from bot.store.database import Database
from bot.store.dialects import insert_or_ignore
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork

# Slots of a while ago stay, so that a clock that is set back finds what was done.
MIN_SLOTS_KEPT = 400

_ticks = tables.ticks.c
CLAIM_TICK = CompiledStatement(insert_or_ignore(tables.ticks, returning=_ticks.job))
_DELETE_OLD = CompiledStatement(
    delete(tables.ticks).where(_ticks.job == bindparam("of_job"), _ticks.slot < bindparam("before"))
)


_LAST = CompiledStatement(
    select(_ticks.slot)
    .where(_ticks.job == bindparam("of_job"))
    .order_by(_ticks.slot.desc())
    .limit(1)
)


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
            claim = unit.driver.fetch_first(CLAIM_TICK, values)
            if claim is not None:
                unit.driver.change_later(
                    _DELETE_OLD, {"of_job": job, "before": slot - MIN_SLOTS_KEPT}
                )
            return claim is not None

        return self._database.write(write, appends=False)

    def last_slot(self, job: str) -> int | None:
        """Return the latest slot of a job, if any."""
        rows = self._database.fetch(_LAST, {"of_job": job})
        return int(rows[0].slot) if rows else None
