"""Waits for a case to change, in any process.

A wait holds no thread. One task for all of them asks the store, in one statement, while anybody
waits at all.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from bot.ports.case_queries import CaseQueries

POLL_SECONDS = 0.25
#: A wait holds a connection: these are left to others.
MAX_WAITS = 200
MAX_WAITS_EACH = 20


@dataclass(eq=False)
class _Wait:
    case_id: str
    version: int
    change: asyncio.Future[None]


@dataclass(kw_only=True)
class CaseWaits:
    """The waits of this process. Used in the event loop's thread only."""

    queries: CaseQueries
    poll_seconds: float = POLL_SECONDS
    _waits: set[_Wait] = field(default_factory=set)
    _by_program: Counter[str] = field(default_factory=Counter)
    _poller: asyncio.Task[None] | None = None

    def has_room(self, program: str) -> bool:
        """Tell whether one more request of this program may wait."""
        is_free = len(self._waits) < MAX_WAITS
        return is_free and self._by_program[program] < MAX_WAITS_EACH

    async def until_changed(
        self, case_id: str, version: int, *, seconds: float, program: str
    ) -> None:
        """Return once the case has another version, or after so many seconds."""
        with self._wait(case_id, version, program) as wait:
            if self._poller is None or self._poller.done():
                self._poller = asyncio.create_task(self._poll())
            await asyncio.wait([wait.change], timeout=seconds)

    @contextmanager
    def _wait(self, case_id: str, version: int, program: str) -> Iterator[_Wait]:
        wait = _Wait(case_id, version, asyncio.get_running_loop().create_future())
        self._waits.add(wait)
        self._by_program[program] += 1
        try:
            yield wait
        finally:
            wait.change.cancel()
            self._waits.discard(wait)
            self._by_program[program] -= 1

    async def _poll(self) -> None:
        while self._waits:
            case_ids = sorted({wait.case_id for wait in self._waits})
            try:
                versions = await run_in_threadpool(self.queries.versions, case_ids)
            except DBAPIError:
                # The database is away: each of them reads again when its time is over.
                versions = {}
            for wait in self._waits:
                is_changed = versions.get(wait.case_id, wait.version) != wait.version
                if is_changed and not wait.change.done():
                    wait.change.set_result(None)
            await asyncio.sleep(self.poll_seconds)
