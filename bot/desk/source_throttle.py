"""Fair order for the new cases of several sources."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.rate_limit import RateLimit, TokenBuckets

MAX_PER_SECOND = 30.0
MAX_BURST = 200


@dataclass(frozen=True, slots=True, order=True)
class SourceTurn:
    """The turn of a case.

    Turns compare in the order of the outbox.
    """

    #: Lower goes first.
    priority: int
    run_at: datetime


class SourceThrottle:
    """Let each source's new cases through at a rate.

    The fewer cases a source has sent lately, the earlier its turn. So a quiet source is not behind
    what is overdue of a loud one, on a machine that cannot keep up with the rate either.
    """

    def __init__(self, per_second: float = MAX_PER_SECOND, burst: int = MAX_BURST) -> None:
        self._limit = RateLimit(per_second, burst)
        self._buckets = TokenBuckets()

    def next_turn(self, source: str, now: datetime) -> SourceTurn:
        """Give the next new case of this source its turn."""
        level = self._buckets.borrow(source, self._limit, now.timestamp())
        if level < 0:
            wait = timedelta(seconds=-level / self._limit.per_second)
            return SourceTurn(priority=0, run_at=now + wait)
        # The more cases the source could still send at once, the lower the number.
        return SourceTurn(priority=-math.floor(level), run_at=now)
