"""The workspace's own clock, and the ids it hands out."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClockStop:
    """A time that the page offers to move the clock to."""

    title: str
    #: Seconds since 1970.
    at: float


class WorkspaceClock:
    """A clock that can be put forward; message ids come from it."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0
        self.stops: list[ClockStop] = []
        #: Seconds until a message that was posted is seen in the history of its channel.
        self.history_delay = 0.0
        self._last_microseconds = 0

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self.offset_seconds

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.offset_seconds += seconds

    def next_ts(self) -> str:
        """Return a new message id, later than every one before.

        It is made of seconds and microseconds.
        """
        # Two messages of one microsecond would otherwise overwrite each other.
        following = self._last_microseconds + 1
        self._last_microseconds = max(following, int(self.now() * 1_000_000))
        seconds, microseconds = divmod(self._last_microseconds, 1_000_000)
        return f"{seconds}.{microseconds:06d}"


class IdSource:
    """Serial numbers with a prefix; no two are the same."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        """Return the prefix and the next number."""
        return f"{prefix}{next(self._numbers):08d}"


@dataclass
class Changes:
    """A count of everything that the page might show anew."""

    #: The page and the open streams compare this number.
    version: int = 0
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def notify(self) -> None:
        """Count one change and call every listener."""
        self.version += 1
        for listener in self.listeners:
            listener()
