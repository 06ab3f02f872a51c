"""The training of the models, in a process of its own.

It runs when nobody waits for the bot.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

from bot.clock import monotonic
from bot.ports.clock import Clock
from bot.ports.outbox import Topic
from bot.store.store import Store

log = logging.getLogger(__name__)
LOOK_INTERVAL_SECONDS = 20.0
#: The desk is idle after so long without a decision, a signal or a due message.
IDLE_SECONDS = 60.0
#: Where the desk is never idle, a training begins after so long, at the lowest priority.
MAX_WAIT_SECONDS = 4 * 3600.0
#: Between two checks of what there is to learn.
CHECK_INTERVAL_SECONDS = 600.0
STOP_TIMEOUT_SECONDS = 30.0
ALL_TOPICS = tuple(Topic)


class IdleWatch:
    """A measure of how long the desk has been idle.

    It covers the work of all processes.
    """

    def __init__(
        self, store: Store, clock: Clock, *, stopwatch: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._clock = clock
        self._stopwatch = stopwatch
        self._ledger_size = -1
        self._busy_at = stopwatch()

    def idle_seconds(self) -> float:
        """Return the seconds since a look found something.

        Every signal and every press is an entry of the ledger, whichever process received it.
        """
        ledger_size = self._store.ledger.head()[0]
        has_due = self._store.outbox.has_due(ALL_TOPICS, self._clock())
        if has_due or ledger_size != self._ledger_size:
            self._ledger_size = ledger_size
            self._busy_at = self._stopwatch()
        return self._stopwatch() - self._busy_at


class Trainer:
    """Train the models in a process of its own.

    The bot stays small and responsive meanwhile.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        is_outdated: Callable[[], bool],
        idle_seconds: Callable[[], float],
        stopwatch: Callable[[], float] = monotonic,
    ) -> None:
        self._environment = environment
        self._is_outdated = is_outdated
        self._idle_seconds = idle_seconds
        self._stopwatch = stopwatch
        # Never beside the first cards.
        self._check_at = stopwatch() + IDLE_SECONDS
        #: Since when a training waits for an idle desk.
        self._waiting_since: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._training = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="trainer", daemon=True)

    def start(self) -> None:
        """Begin to train whenever it is due and the desk is idle."""
        self._thread.start()

    def stop(self) -> None:
        """End a training that is under way.

        Nothing is lost: the next one starts over.
        """
        self._stopping.set()
        if self._process:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_SECONDS)

    def train_if_outdated(self) -> None:
        """Train now if enough was decided since the last time.

        Returns when the training has ended.
        """
        with self._training:
            if not self._stopping.is_set() and self._is_outdated():
                self._train()

    def train_if_idle(self) -> None:
        """Train if it is due, and nobody waits for the bot."""
        # Looked at every time: a look notices only what has changed since the last one.
        is_idle = self._idle_seconds() >= IDLE_SECONDS
        now = self._stopwatch()
        if self._waiting_since is None:
            if now < self._check_at:
                return
            self._check_at = now + CHECK_INTERVAL_SECONDS
            if not self._is_outdated():
                return
            self._waiting_since = now
        if is_idle or now - self._waiting_since >= MAX_WAIT_SECONDS:
            self._waiting_since = None
            # Somebody may have trained by hand meanwhile.
            self.train_if_outdated()

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_INTERVAL_SECONDS):
            try:
                self.train_if_idle()
            except Exception:
                # Outermost loop: a database that is away for a moment must not end the learning.
                log.warning("could not look for something to learn; trying again", exc_info=True)

    def _train(self) -> None:
        # Attached: it ends when the pipe to its standard input does, and so with us, even killed.
        command = [sys.executable, "-m", "bot", "memory", "train", "--attached"]
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            command,
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        # A stop that came while the process was started has not seen it.
        if self._stopping.is_set():
            self._process.terminate()
        try:
            has_failed = self._process.wait() != 0
        finally:
            if self._process.stdin:
                self._process.stdin.close()
        if has_failed and not self._stopping.is_set():
            log.warning(
                "training failed; the last model stays. `countersign memory train` shows why"
            )
