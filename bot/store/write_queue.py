"""The jobs that wait for the writer.

A person waits for a decision, and nobody for a redrawn card: urgent jobs go first, and the others
still go on. While somebody decides, background jobs wait for the decision that is about to come.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bot.store.unit_of_work import UnitOfWork

MAX_REPEATS = 3
#: Jobs that may go along with urgent ones in one batch, so that none waits forever.
MAX_BESIDE_URGENT = 8
#: So often the writer looks whether background jobs may go on.
HOLD_INTERVAL_SECONDS = 0.002


class Precedence(Protocol):
    """Decide whose work goes first."""

    def give_way(self) -> None:
        """Wait while others go first; in most threads nobody does."""

    def is_background(self) -> bool:
        """Tell whether the present thread gives way."""

    def is_rush(self) -> bool:
        """Tell whether background work waits now. It never does for long."""


class FirstCome:
    """Let everybody go on."""

    def give_way(self) -> None:
        """Go on."""

    def is_background(self) -> bool:
        """Tell that no thread gives way."""
        return False

    def is_rush(self) -> bool:
        """Tell that nobody waits."""
        return False


@dataclass(slots=True, kw_only=True, eq=False)
class WriteJob:
    """A job of the writer, and the future of its result."""

    run: Callable[["UnitOfWork"], Any]
    #: It may write the ledger.
    appends: bool
    #: A person waits for it.
    is_urgent: bool = False
    #: It waits while somebody decides.
    is_background: bool = False
    future: Future[Any] = field(default_factory=Future)
    #: How often it may still run again after a lost race.
    repeats: int = MAX_REPEATS


class WriteQueue:
    """Urgent jobs and others, each in the order in which they came."""

    def __init__(self, is_rush: Callable[[], bool] | None = None) -> None:
        """Hold background jobs back while ``is_rush``."""
        self._is_rush = is_rush or FirstCome().is_rush
        self._urgent: deque[WriteJob] = deque()
        self._others: deque[WriteJob] = deque()
        self._has_jobs = threading.Condition()
        self._is_closed = False

    def put(self, job: WriteJob) -> None:
        """Add a job.

        Raises:
            RuntimeError: the queue is closed, and nobody would ever take it.
        """
        with self._has_jobs:
            if self._is_closed:
                raise RuntimeError("the database is closed")
            (self._urgent if job.is_urgent else self._others).append(job)
            self._has_jobs.notify()

    def take(self, limit: int) -> list[WriteJob]:
        """Wait for the jobs of the next batch.

        An empty batch means that the queue is closed.
        """
        with self._has_jobs:
            while not (self._urgent or self._others or self._is_closed):
                self._has_jobs.wait()
            while not (batch := self._pop_batch(limit)) and self._others:
                # All of them are background jobs, and a decision is about to come.
                self._has_jobs.wait(HOLD_INTERVAL_SECONDS)
            return batch

    def _pop_batch(self, limit: int) -> list[WriteJob]:
        # Room for others is kept, so that a stream of urgent jobs does not stop them.
        reserve = min(len(self._others), MAX_BESIDE_URGENT)
        batch = _pop(self._urgent, limit - reserve)
        room = reserve if batch else limit
        if self._is_closed or not self._is_rush():
            return batch + _pop(self._others, room)
        foreground = [job for job in self._others if not job.is_background][:room]
        for job in foreground:
            self._others.remove(job)
        return batch + foreground

    def put_back(self, jobs: Iterable[WriteJob]) -> None:
        """Put jobs that did not run back to the front."""
        with self._has_jobs:
            for job in reversed(list(jobs)):
                (self._urgent if job.is_urgent else self._others).appendleft(job)

    def has_urgent(self) -> bool:
        """Tell whether an urgent job waits."""
        return bool(self._urgent)

    def close(self) -> None:
        """Take no more jobs. Those that wait are still given out."""
        with self._has_jobs:
            self._is_closed = True
            self._has_jobs.notify()

    def qsize(self) -> int:
        """Count the jobs that wait."""
        return len(self._urgent) + len(self._others)


def _pop(jobs: deque[WriteJob], limit: int) -> list[WriteJob]:
    return [jobs.popleft() for _ in range(min(limit, len(jobs)))]
