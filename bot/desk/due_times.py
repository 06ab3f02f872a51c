"""The times at which messages that this process has requested are due."""

import heapq
import math
import threading
from datetime import datetime

#: More are not kept: a poll finds their messages, a little later.
MAX_TIMES = 20_000


class DueTimes:
    """The next times at which a pool must look for messages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: list[datetime] = []

    def add(self, at: datetime) -> None:
        """Look for messages at this time."""
        with self._lock:
            if len(self._times) < MAX_TIMES:
                heapq.heappush(self._times, at)

    def drop_until(self, now: datetime) -> None:
        """Forget the times that have come."""
        with self._lock:
            while self._times and self._times[0] <= now:
                heapq.heappop(self._times)

    def seconds_until_next(self, now: datetime) -> float:
        """Return how long it is until the next time; infinite if there is none."""
        with self._lock:
            return (self._times[0] - now).total_seconds() if self._times else math.inf
