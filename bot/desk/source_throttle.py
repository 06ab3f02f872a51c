"""Fair order for the new cases of several sources."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_PER_SECOND = 30.0
MAX_BURST = 200
MAX_SOURCES = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """The turn of a case.

    Turns compare in the order of the outbox.
    """

    #: Lower goes first.
    priority: int
    run_at: datetime


class SourceThrottle:
    """Let each source's new cases through at a rate (GCRA).

    The fewer cases a source has sent lately, the earlier its turn. So a quiet source is not behind
    what is overdue of a loud one, on a machine that cannot keep up with the rate either.
    """

    def __init__(self, per_second: float = MAX_PER_SECOND, burst: int = MAX_BURST) -> None:
        self._interval = timedelta(seconds=1 / per_second)
        self._tolerance = self._interval * burst
        self._arrival_times: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def next_turn(self, source: str, now: datetime) -> Turn:
        """Give the next new case of this source its turn."""
        with self._lock:
            arrival = max(self._arrival_times.get(source, now), now) + self._interval
            self._arrival_times[source] = arrival
            if len(self._arrival_times) > MAX_SOURCES:
                self._forget_quiet_sources(now)
        due = arrival - self._tolerance
        if due > now:
            return Turn(priority=0, run_at=due)
        # The more cases the source could still send at once, the lower the number.
        return Turn(priority=-((now - due) // self._interval), run_at=now)

    def _forget_quiet_sources(self, now: datetime) -> None:
        self._arrival_times = {
            source: arrival for source, arrival in self._arrival_times.items() if arrival > now
        }
