"""Token buckets. Pure arithmetic: the caller reads the clock."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A sustained rate, and a burst after a rest."""

    per_second: float
    #: The tokens in a full bucket.
    burst: float

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst <= 0:
            raise ValueError("a rate limit needs a positive rate and a positive burst")


class TokenBuckets:
    """Token buckets by key, for several threads. A new bucket is full.

    ``now`` is in seconds, on one clock for the whole life of the object. A clock that is set back
    adds no tokens. Beyond ``max_keys`` the key that was used least recently is forgotten, so its
    bucket is full again.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        # The level of each bucket, and the time of that level; the least recently used key first.
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._levels)

    def take(
        self,
        key: str,
        limit: RateLimit,
        now: float,
        *,
        tokens: float = 1.0,
        required: float | None = None,
    ) -> float:
        """Take tokens and return 0.0, or return the seconds to wait.

        The bucket must hold ``required`` tokens, by default all of ``tokens``. The rest is owed.
        """
        with self._lock:
            level = self._refill(key, limit, now)
            missing = (tokens if required is None else required) - level
            if missing > 0:
                return missing / limit.per_second
            self._spend(key, tokens)
            return 0.0

    def borrow(
        self,
        key: str,
        limit: RateLimit,
        now: float,
        *,
        tokens: float = 1.0,
    ) -> float:
        """Take tokens in any case; return the level.

        The level is below zero while tokens are owed.
        """
        with self._lock:
            level = self._refill(key, limit, now)
            self._spend(key, tokens)
            return level - tokens

    def seconds_until(
        self,
        key: str,
        limit: RateLimit,
        now: float,
        *,
        tokens: float = 1.0,
    ) -> float:
        """Return the seconds until ``tokens`` could be taken. Takes nothing."""
        with self._lock:
            missing = tokens - self._refill(key, limit, now)
        return max(0.0, missing / limit.per_second)

    def _refill(
        self,
        key: str,
        limit: RateLimit,
        now: float,
    ) -> float:
        level, filled_at = self._levels.get(key, (limit.burst, now))
        elapsed_seconds = max(0.0, now - filled_at)
        level = min(limit.burst, level + elapsed_seconds * limit.per_second)
        self._levels[key] = (level, max(now, filled_at))
        self._levels.move_to_end(key)
        if len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)
        return level

    def _spend(self, key: str, tokens: float) -> None:
        level, filled_at = self._levels[key]
        self._levels[key] = (level - tokens, filled_at)
