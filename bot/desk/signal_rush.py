"""Precedence of many signals at once over the work on cases.

A sender waits until its signal is durable, and gives up sooner than a card is missed.
"""

import threading
from types import TracebackType

from bot.clock import monotonic

#: So many in hand at once are more than a steady flow.
MIN_SIGNALS = 4
#: Those of a rush follow on each other within this time.
PAUSE_SECONDS = 0.02
#: Cases go on being worked on, however many signals come.
MAX_WAIT_SECONDS = 0.1


class SignalRush:
    """A context around every signal that is received."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_hand = 0
        #: When many were in hand last, in seconds of ``monotonic``.
        self._rushed_at = -PAUSE_SECONDS
        self._pause = threading.Event()

    def __enter__(self) -> None:
        with self._lock:
            self._in_hand += 1
            if self._in_hand >= MIN_SIGNALS:
                self._rushed_at = monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            if self._in_hand >= MIN_SIGNALS:
                self._rushed_at = monotonic()
            self._in_hand -= 1

    def is_on(self) -> bool:
        """Tell whether many signals come now."""
        return self._in_hand >= MIN_SIGNALS or monotonic() - self._rushed_at < PAUSE_SECONDS

    def wait_for_end(self) -> None:
        """Wait until few signals come, but not for long."""
        deadline = monotonic() + MAX_WAIT_SECONDS
        while self.is_on() and monotonic() < deadline:
            self._pause.wait(PAUSE_SECONDS)
