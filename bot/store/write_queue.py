"""The jobs that wait for the writer.

A person waits for a decision, and nobody for a redrawn card: urgent jobs go first, and the others
still go on.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.store.unit_of_work import UnitOfWork

MAX_REPEATS = 3
#: Jobs that may go along with urgent ones in one batch, so that none waits forever.
MAX_BESIDE_URGENT = 8


@dataclass(slots=True, kw_only=True)
class WriteJob:
    """A job of the writer, and the future of its result."""

    run: Callable[["UnitOfWork"], Any]
    #: It may write the ledger.
    appends: bool
    #: A person waits for it.
    is_urgent: bool = False
    future: Future[Any] = field(default_factory=Future)
    #: How often it may still run again after a lost race.
    repeats: int = MAX_REPEATS


class WriteQueue:
    """Urgent jobs and others, each in the order in which they came."""

    def __init__(self) -> None:
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
            # Room for others is kept, so that a stream of urgent jobs does not stop them.
            reserve = min(len(self._others), MAX_BESIDE_URGENT)
            batch = _pop(self._urgent, limit - reserve)
            room = reserve if batch else limit
            return batch + _pop(self._others, room)

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
