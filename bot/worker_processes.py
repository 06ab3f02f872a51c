"""The worker processes of one bot: their start, wake-ups, restart and end."""

import logging
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import monotonic
from bot.metrics import ALL_PROCESSES, FOLDER_VARIABLE, WORKERS
from bot.ports.outbox import LeasedMessage, Topic

log = logging.getLogger(__name__)
MIN_RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 60.0
#: A worker that has run for so long is started again without a long wait.
STEADY_SECONDS = 60.0
#: How long a worker may take to finish what it has begun.
STOP_TIMEOUT_SECONDS = 60.0


class WorkerProcess:
    """One worker process, which is started again whenever it ends.

    Its standard input is a pipe from us. Each byte on it wakes the lane of this number; its end
    ends the worker, also when we are killed. It writes a byte to its standard output when its lanes
    are open.
    """

    def __init__(
        self,
        *,
        number: int,
        lanes: Iterable[int],
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self.number = number
        self.lanes = frozenset(lanes)
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_open = False
        #: Held while the pipe is written to or closed: its number may become another file's.
        self._pipe_lock = threading.Lock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(
            target=self._supervise, name=f"worker-{number}", daemon=True
        )

    @property
    def is_open(self) -> bool:
        """Tell whether its lanes work."""
        return self._is_open

    @property
    def pid(self) -> int:
        """The process id; 0 while there is no process."""
        process = self._process
        return process.pid if process else 0

    def start(self, *, counters: str) -> None:
        """Start the process, and again whenever it ends.

        ``counters`` is the folder in which it keeps its counters for ``/metrics``.
        """
        self._environment[FOLDER_VARIABLE] = counters
        self._supervisor.start()

    def wake(self, lane: int) -> bool:
        """Let the process look for messages of this lane.

        Return whether the process was reached.
        """
        with self._pipe_lock:
            if not self._is_open or self._process is None or self._process.stdin is None:
                return False
            try:
                os.write(self._process.stdin.fileno(), bytes([lane]))
            except BlockingIOError:
                # It has not read thousands of wakes. Its next poll finds the message.
                return True
            except OSError:
                return False
        return True

    def terminate(self) -> None:
        """Ask the process to finish its work, and never restart it."""
        self._stopping.set()
        if self._process:
            self._process.terminate()

    def join(self, seconds: float) -> None:
        """Wait for its end, and kill it after so many seconds."""
        self._supervisor.join(seconds)
        if self._supervisor.is_alive() and self._process:
            log.error("worker %s does not end; it is killed", self.number)
            self._process.kill()
            self._supervisor.join()

    def _supervise(self) -> None:
        delay = MIN_RESTART_SECONDS
        while not self._stopping.is_set():
            started_at = monotonic()
            reason = self._run()
            if self._stopping.is_set():
                return
            if monotonic() - started_at >= STEADY_SECONDS:
                delay = MIN_RESTART_SECONDS
            ending = f"worker {self.number} ended ({reason})"
            log.error("%s; starting it again in %.1f s", ending, delay)
            self._stopping.wait(delay)
            delay = min(MAX_RESTART_SECONDS, 2 * delay)

    def _run(self) -> str:
        """Start the process and wait for its end. Return how it ended."""
        try:
            process = self._spawn()
        except OSError as failure:
            return f"could not be started: {failure}"
        # A stop that came while it was started has not seen it.
        if self._stopping.is_set():
            process.terminate()
        if process.stdout:
            # Nothing is read from one that ends before it is open.
            self._is_open = bool(process.stdout.read(1))
        status = process.wait()
        self._is_open = False
        with self._pipe_lock:
            self._process = None
            for pipe in filter(None, (process.stdin, process.stdout)):
                pipe.close()
        return f"status {status}"

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Unbuffered: what is written arrives at once.
            bufsize=0,
            # Ctrl-C in a terminal reaches a whole session, and receiving must stop first.
            start_new_session=True,
        )
        if process.stdin:
            # Whoever commits must never wait for a worker.
            os.set_blocking(process.stdin.fileno(), False)
        with self._pipe_lock:
            self._process = process
        return process


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
