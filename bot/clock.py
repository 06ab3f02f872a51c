"""The only reader of the wall clock. Everyone else takes ``now`` as an argument, or a ``Clock``."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that is never set back: for waiting, never for records."""
    return time.monotonic()
