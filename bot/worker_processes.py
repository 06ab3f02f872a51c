"""The worker processes of one bot: their start, wake-ups, restart and end."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.child_process import ChildProcess
from bot.clock import monotonic
from bot.metrics import ALL_PROCESSES, FOLDER_VARIABLE, WORKERS
from bot.ports.outbox import LeasedMessage, Topic

#: How long a worker may take to finish what it has begun.
STOP_TIMEOUT_SECONDS = 60.0


class WorkerProcess(ChildProcess):
    """One worker process, woken by bytes on its standard input."""

    def __init__(
        self,
        *,
        number: int,
        lanes: Iterable[int],
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(name=f"worker {number}", command=command, environment=environment)
        self.number = number
        self.lanes = frozenset(lanes)

    def start(self, *, counters: str) -> None:
        """Start the process, and again whenever it ends.

        ``counters`` is the folder in which it keeps its counters for ``/metrics``.
        """
        self._environment[FOLDER_VARIABLE] = counters
        self.launch()

    def wake(self, lane: int) -> bool:
        """Let the process look for messages of this lane.

        Return whether the process was reached. One that has not read thousands of wakes finds the
        message at its next poll.
        """
        return self.write(bytes([lane]))


class WorkerProcesses:
    """All worker processes of this bot."""

    def __init__(self, workers: Sequence[WorkerProcess]) -> None:
        self._workers = workers
        self._turn = 0
        self._counters: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Start every worker."""
        self._counters = tempfile.TemporaryDirectory(prefix="countersign-counters-")
        ALL_PROCESSES.folder = self._counters.name
        WORKERS.labels("configured").set(len(self._workers))
        WORKERS.labels("open").set_function(self._count_open)
        for worker in self._workers:
            worker.start(counters=self._counters.name)

    def stop(self) -> None:
        """Let every worker finish its work, and wait for its end."""
        for worker in self._workers:
            worker.terminate()
        deadline = monotonic() + STOP_TIMEOUT_SECONDS
        for worker in self._workers:
            worker.join(max(0.0, deadline - monotonic()))
        ALL_PROCESSES.folder = ""
        if self._counters:
            self._counters.cleanup()

    def wake(self, lane: int) -> None:
        """Wake this lane in one worker, each in turn.

        All at once would race for the same message. One that is busy gets further messages when it
        has room, and another one finds at its next poll what waits too long.
        """
        workers = [worker for worker in self._workers if lane in worker.lanes]
        # Two threads may take the same turn, which harms nobody.
        self._turn += 1
        for offset in range(len(workers)):
            if workers[(self._turn + offset) % len(workers)].wake(lane):
                return

    def find_problems(self) -> list[str]:
        """Return a sentence for each worker that is missing."""
        total = len(self._workers)
        return [
            f"worker {worker.number} of {total} is not open; it is started by itself"
            for worker in self._workers
            if not worker.is_open
        ]

    def _count_open(self) -> int:
        return sum(worker.is_open for worker in self._workers)


@dataclass(kw_only=True)
class RemoteLane:
    """A lane of the worker processes, as this process sees it.

    It never has room, so no message is leased to it: a worker that is woken claims what is due,
    and holds a lease that it renews itself.
    """

    number: int
    topics: Sequence[Topic]
    processes: WorkerProcesses
    lease_for: float = 0.0

    def has_room(self) -> bool:
        """Take no message under lease."""
        return False

    def accept(self, messages: Sequence[LeasedMessage], /) -> None:
        """Refuse messages: there is never room for them."""
        raise AssertionError(f"{len(messages)} messages were leased to a lane without room")

    def wake(self, at: datetime | None = None, /) -> None:
        """Let a worker look for due messages at once.

        Its poll finds a message that is due later.
        """
        if at is None:
            self.processes.wake(self.number)
