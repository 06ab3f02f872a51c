"""The time limits of an attempt at a step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import boottime
from bot.ports.clock import Clock
from bot.ports.connector import Connector
from bot.ports.outbox import LeasedMessage, Outbox


@dataclass(frozen=True)
class StepLease:
    """Bound the time in which one worker may act on a step."""

    outbox: Outbox
    clock: Clock
    #: An effect is begun within this time after its intent, or not at all.
    duration: timedelta = timedelta(seconds=30)
    #: Counts seconds, also while the process is suspended.
    stopwatch: Callable[[], float] = boottime

    def is_too_late(self, began_at: float, message: LeasedMessage) -> bool:
        """Give the message back when too long has passed since its intent."""
        if self.stopwatch() - began_at <= self.duration.total_seconds():
            return False
        # Another worker may have taken over.
        now = self.clock()
        self.outbox.retry(
            message,
            now,
            "not begun in time",
            certain=False,
            counts=False,
        )
        return True

    def attempt_limit(self, connector: Connector) -> timedelta:
        """Return how long an attempt may take from its intent on.

        Another worker counts on it.
        """
        return self.duration + connector.timeout

    def attempt_ends(self, began_at: float, connector: Connector) -> float:
        """Return when an attempt is over, on the stopwatch."""
        return began_at + self.attempt_limit(connector).total_seconds()
