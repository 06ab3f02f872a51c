"""A process of our own that is started again."""

import logging
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence

from bot.clock import monotonic

log = logging.getLogger(__name__)
MIN_RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 60.0
#: A process that has run for so long is started again without a long wait.
STEADY_SECONDS = 60.0


class ChildProcess:
    """A process that lives as long as we do.

    Its standard input is a pipe from us, whose end ends it, also when we are killed. It writes a
    byte to its standard output when it is open.
    """

    def __init__(
        self, *, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._is_open = False
        #: Held while the pipe is written to or closed: its number may become another file's.
        self._pipe_lock = threading.Lock()
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(
            target=self._supervise, name=name.replace(" ", "-"), daemon=True
        )

    @property
    def is_open(self) -> bool:
        """Tell whether it works."""
        return self._is_open

    @property
    def pid(self) -> int:
        """The process id; 0 while there is no process."""
        process = self._process
        return process.pid if process else 0

    def launch(self) -> None:
        """Start the process, and again whenever it ends."""
        self._supervisor.start()

    def write(self, content: bytes) -> bool:
        """Write to its standard input. Return whether the process was reached."""
        with self._pipe_lock:
            if not self._is_open or self._process is None or self._process.stdin is None:
                return False
            try:
                os.write(self._process.stdin.fileno(), content)
            except BlockingIOError:
                # It has not read thousands of bytes, and will when it has time.
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
            log.error("%s does not end; it is killed", self.name)
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
            ending = f"{self.name} ended ({reason})"
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
