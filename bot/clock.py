"""The only reader of clocks.

Everyone else takes ``now`` as an argument, or a ``Clock``.
"""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime

# Where a machine can tell, the seconds for which it was suspended count too.
_SLEEPLESS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def utc_now() -> datetime:
    """Return the time now, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that are never set back: for waiting, not for records."""
    return time.monotonic()


def boottime() -> float:
    """Count seconds, also while this process is stopped: for leases and deadlines."""
    return time.clock_gettime(_SLEEPLESS)


def epoch_nanoseconds() -> int:
    """Return the time in nanoseconds since 1970, for traces."""
    return time.time_ns()


class TimeLimit:
    """The end of one call to the outside, for all its parts."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self._cleanup = contextlib.ExitStack()

    def at_end(self, action: Callable[[], None], *, cleanup: Callable[[], None]) -> None:
        """Run ``action`` in another thread when the limit is reached."""
        timer = threading.Timer(max(0.0, self.ends - boottime()), action)
        timer.daemon = True
        # Undone last to first: the timer is over before what it acts on is given up.
        self._cleanup.callback(cleanup)
        self._cleanup.callback(timer.join)
        self._cleanup.callback(timer.cancel)
        timer.start()

    def close(self) -> None:
        self._cleanup.close()


_LIMIT: ContextVar[TimeLimit | None] = ContextVar("time limit", default=None)


@contextlib.contextmanager
def time_limit(ends: float) -> Iterator[None]:
    """Limit everything inside to ``ends`` on ``boottime``.

    An earlier limit that holds already stays.
    """
    outer = _LIMIT.get()
    limit = TimeLimit(min(ends, outer.ends) if outer else ends)
    token = _LIMIT.set(limit)
    try:
        yield
    finally:
        _LIMIT.reset(token)
        limit.close()


def current_limit() -> TimeLimit | None:
    """Return the limit of the call that this thread is making."""
    return _LIMIT.get()


def seconds_left() -> float:
    """Return the seconds until the limit, below zero after it."""
    limit = _LIMIT.get()
    return limit.ends - boottime() if limit else math.inf
