"""Sessions of writers whose process was stopped in a transaction.

A process that is stopped, or whose machine sleeps, keeps its connection: its kernel answers for it.
PostgreSQL itself ends a session that is idle in a transaction for too long, but it does not count
the time between two statements of a pipeline: such a session is active, and waits for its client.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, column, func, select, table
from sqlalchemy.exc import DBAPIError

from bot.clock import monotonic
from bot.metrics import ENDED_SESSIONS
from bot.outages import describe_failure
from bot.store.readers import Readers
from bot.store.statements import CompiledStatement

#: So long a writer may wait for its process. A transaction takes milliseconds.
MAX_STILL_SECONDS = 10.0
#: One process does not look more often, whoever asks.
LOOK_INTERVAL_SECONDS = 3.0
#: Sessions that write have this name, and the id of their process after it. No other is ended: no
#: migration, backup, import or long read.
SESSION_NAME = "countersign writer"
SESSION_ENDED = (
    "ended a session of the database (%s): its process has stood still in a transaction for %d s,"
    " and others waited for it. The transaction is undone, and its work is taken over. Look whether"
    " that process or its machine is stopped"
)

log = logging.getLogger(__name__)


def session_name() -> str:
    """Return the name that a writer's session has in ``pg_stat_activity``."""
    return f"{SESSION_NAME} {os.getpid()}"


@dataclass(frozen=True, slots=True)
class _Standstill:
    """A session after a certain message of its client."""

    pid: int
    last_message_at: datetime


class StoppedWriters:
    """End the sessions of other processes that stand still in a transaction.

    Whoever waits looks: for a lock, or for work that is due and locked. The server needs no rights
    for it but those of the writer, since all sessions are of one role.
    """

    def __init__(self, readers: Readers, seconds: Callable[[], float] = monotonic) -> None:
        """Measure the time between looks by ``seconds``."""
        self._readers = readers
        self._seconds = seconds
        self._guard = threading.Lock()
        self._looked_at = float("-inf")
        #: Since when each was seen, by this process's clock.
        self._still_since: dict[_Standstill, float] = {}

    def end(self) -> None:
        """End the sessions that stand still since a look some seconds ago.

        One look proves nothing: between two statements every pipeline waits for its client, and the
        statement before may have taken long. The same message at two looks proves that the session
        has waited all the time between them.
        """
        with self._guard:
            at = self._seconds()
            if at < self._looked_at + LOOK_INTERVAL_SECONDS:
                return
            self._looked_at = at
            try:
                self._look(at)
            except DBAPIError as failure:
                # Whoever waits goes on waiting, and looks again.
                log.warning("cannot look for stopped writers: %s", describe_failure(failure))

    def _look(self, at: float) -> None:
        standstills = [_Standstill(row.pid, row.query_start) for row in self._fetch(_STILL, {})]
        # What is not still now has gone on, or is gone.
        self._still_since = {one: self._still_since.get(one, at) for one in standstills}
        for one, since in self._still_since.items():
            if at >= since + MAX_STILL_SECONDS:
                self._end_session(one, at - since)

    def _end_session(self, standstill: _Standstill, seconds: float) -> None:
        values = {"of_pid": standstill.pid, "last_message_at": standstill.last_message_at}
        for row in self._fetch(_END, values):
            ENDED_SESSIONS.inc()
            place = row.client_addr or "this machine"
            log.warning(SESSION_ENDED, f"{row.application_name} from {place}", seconds)

    def _fetch(self, statement: CompiledStatement, values: dict[str, Any]) -> list[Any]:
        return self._readers.fetch(statement, values)


_activity = table(
    "pg_stat_activity",
    *(
        column(name)
        for name in (
            *("pid", "datname", "usename", "application_name", "client_addr"),
            *("state", "wait_event_type", "xact_start", "query_start"),
        )
    ),
)
_session = _activity.c
_IS_STILL: tuple[ColumnElement[bool], ...] = (
    _session.datname == func.current_database(),
    _session.usename == func.current_user(),
    _session.application_name.like(f"{SESSION_NAME} %"),
    _session.state == "active",
    # It reads from its client or writes to it.
    _session.wait_event_type == "Client",
    _session.xact_start.is_not(None),
    _session.pid != func.pg_backend_pid(),
)
_STILL = CompiledStatement(select(_session.pid, _session.query_start).where(*_IS_STILL))
# It may have gone on since the look: only one in the same place is ended.
_END = CompiledStatement(
    select(
        _session.application_name,
        _session.client_addr,
        func.pg_terminate_backend(_session.pid),
    ).where(
        _session.pid == bindparam("of_pid"),
        _session.query_start == bindparam("last_message_at"),
        *_IS_STILL,
    )
)
