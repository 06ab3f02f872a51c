"""The times at which a worker pool must look into the outbox."""

import heapq
import math
import threading
from collections.abc import Callable
from datetime import datetime

from bot.clock import monotonic
from bot.ports.clock import Clock

#: More are not kept: a poll finds their messages, a little later.
MAX_TIMES = 20_000


class DueWork:
    """Due and future messages, as far as this process knows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._times: list[datetime] = []
        self._wake = threading.Event()
        #: Messages may be due that were not handed over, and that nobody has looked for.
        self.has_more = True
        #: Nobody looks for any until there is room for them.
        self.is_put_off = False

    def announce(self, at: datetime | None = None) -> None:
        """Note that messages are due, now or at this time."""
        if at is None:
            self.has_more = True
        else:
            with self._lock:
                if len(self._times) < MAX_TIMES:
                    heapq.heappush(self._times, at)
        self.wake()

    def begin_look(self, now: datetime) -> None:
        """Forget what was announced until now, before it is looked for.

        What is announced during the look is not missed.
        """
        self.has_more = False
        with self._lock:
            while self._times and self._times[0] <= now:
                heapq.heappop(self._times)

    def wake(self) -> None:
        """End a wait."""
        self._wake.set()

    def wait_for_wake(self, seconds: float) -> None:
        """Wait for ``wake``, but not longer than this."""
        self._wake.wait(seconds)
        self._wake.clear()

    def wait(self, seconds: float, is_stopping: Callable[[], bool]) -> bool:
        """Wait until messages are due, but not longer than this.

        Tell whether somebody said that they are due now. What was put off until now may have been
        done earlier, so that it pays to look before it is claimed.
        """
        deadline = monotonic() + seconds
        while not self.has_more and not is_stopping():
            due_in = self._seconds_until_next()
            remaining = min(due_in, deadline - monotonic())
            if remaining <= 0:
                return False
            self.wait_for_wake(remaining)
        return True

    def _seconds_until_next(self) -> float:
        with self._lock:
            if not self._times:
                return math.inf
            return (self._times[0] - self._clock()).total_seconds()
