"""The database's time.

Processes whose own clocks differ agree by it about expiry, leases and the order of the ledger.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import func

from bot.clock import boottime, utc_now
from bot.ports.clock import Clock
from bot.store.database import Database

log = logging.getLogger(__name__)
RESYNC_SECONDS = 30.0
# A slower answer says less about the time than the last one, counted on.
MAX_ROUND_TRIP_SECONDS = 2.0


class DatabaseClock:
    """The time of a database server.

    It is read every half minute and counted on in between, by a clock that is never set. While
    the database is away the last reading is counted on. ``stopwatch`` counts seconds, those of a
    suspended machine included.
    """

    def __init__(self, database: Database, *, stopwatch: Callable[[], float] = boottime) -> None:
        self._database = database
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._base, self._since = self._read()

    def __call__(self) -> datetime:
        """Return the time now, in UTC."""
        with self._lock:
            base, since = self._base, self._since
        return base + timedelta(seconds=self._stopwatch() - since)

    def start(self) -> None:
        """Read the database's time again every half minute until ``stop``."""
        self._thread = threading.Thread(target=self._follow, name="database-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop reading the database's time."""
        self._stopping.set()
        if self._thread:
            # One that waits for a database that is away ends with the process.
            self._thread.join(1.0)

    def resync(self) -> bool:
        """Read the database's time once more.

        Tell whether the answer was of use.
        """
        before = self._stopwatch()
        try:
            base, since = self._read()
        except DBAPIError as failure:
            log.warning(
                "the database does not tell the time (%s); counting on",
                type(failure.__cause__ or failure).__name__,
            )
            return False
        if self._stopwatch() - before > MAX_ROUND_TRIP_SECONDS:
            return False
        with self._lock:
            self._base, self._since = base, since
        return True

    def _follow(self) -> None:
        while not self._stopping.wait(RESYNC_SECONDS):
            self.resync()

    def _read(self) -> tuple[datetime, float]:
        """Return the database's time, and when it was by the stopwatch."""
        with self._database.read() as connection:
            before = self._stopwatch()
            at: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            after = self._stopwatch()
        return at.astimezone(utc_now().tzinfo), (before + after) / 2


def clock_of(database: Database) -> Clock:
    """Return the machine's clock for a file, the server's for a server."""
    return utc_now if database.is_sqlite else DatabaseClock(database)
