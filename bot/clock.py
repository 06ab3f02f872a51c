"""The only reader of the wall clock. Everyone else takes ``now`` as an argument, or a ``Clock``."""

import time
from datetime import UTC, datetime

# Where a machine can tell, the seconds for which it was suspended count too.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that is never set back: for waiting, never for records."""
    return time.monotonic()


def elapsed() -> float:
    """Seconds on a clock that is never set and does not stop while the machine is suspended."""
    return time.clock_gettime(_ELAPSED)
