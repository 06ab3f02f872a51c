"""Quotas: how many signals a source may send in a minute."""

from dataclasses import dataclass, field

from bot.cases.source import Source
from bot.clock import monotonic
from bot.rate_limit import RateLimit, TokenBuckets
from handlers.intake.problem import Problem

MAX_RETRY_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Quotas:
    """The quotas of the sources, and what is left of them."""

    _buckets: TokenBuckets = field(default_factory=TokenBuckets)

    def require(self, source: Source) -> None:
        """Reject a source whose quota is used up.

        Raises:
            Problem: 429.
        """
        self._consume(source, signals=0, required=1)

    def consume(self, source: Source, signals: int) -> None:
        """Take signals from the quota of a source.

        A batch above the quota of a minute could never pass. It does so against a full quota,
        and the source then waits until the excess is made up for.

        Raises:
            Problem: 429.
        """
        self._consume(source, signals=signals, required=min(signals, source.per_minute))

    def _consume(self, source: Source, *, signals: int, required: int) -> None:
        limit = RateLimit(per_second=source.per_minute / 60, burst=source.per_minute)
        seconds = self._buckets.take(
            source.name, limit, monotonic(), tokens=signals, required=required
        )
        if seconds > 0:
            wait = int(seconds) + 1
            raise Problem(
                429,
                f"{source.name} may send {source.per_minute} signals a minute; wait {wait} s",
                retry_after=min(wait, MAX_RETRY_AFTER_SECONDS),
            )
