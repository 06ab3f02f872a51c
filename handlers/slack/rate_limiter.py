"""Slack's rate limits, kept on our side."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bot.cases.errors import RateLimited
from bot.clock import monotonic, seconds_left
from bot.rate_limit import RateLimit, TokenBuckets

BUSY_METHOD_WAIT_SECONDS = 1.0


class RateLimiter:
    """Limits calls by channel and by method.

    Each channel gets ``burst`` messages, then ``per_second``; a rate of 0 means no limit. A method
    that Slack has refused with a 429 is not called before Slack's time is up.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._limit = RateLimit(per_second, float(burst)) if per_second else None
        self._buckets = TokenBuckets()
        self._blocked_until: dict[str, float] = {}
        # One call of a method at a time: when Slack says "wait", exactly one call has been refused.
        self._method_locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @contextmanager
    def slot(self, method: str, bucket: str) -> Iterator[None]:
        """Hold the right to make one call of ``method``.

        Raises:
            RateLimited: with the seconds to wait, when it is too early for a call.
        """
        method_lock = self._lock_of(method)
        # The call ahead may be slow: the wait for it counts against the time limit of this one.
        timeout = min(max(0.0, seconds_left()), threading.TIMEOUT_MAX)
        if not method_lock.acquire(timeout=timeout):
            raise RateLimited(BUSY_METHOD_WAIT_SECONDS)
        try:
            self._require_unblocked(method)
            self._take_token(bucket)
            try:
                yield
            except RateLimited as refusal:
                self._blocked_until[method] = monotonic() + refusal.seconds
                raise
        finally:
            method_lock.release()

    def require_room(self, method: str, bucket: str) -> None:
        """Raise ``RateLimited`` unless a call could be made now. Takes nothing."""
        self._require_unblocked(method)
        if self._limit:
            wait = self._buckets.seconds_until(bucket, self._limit, monotonic())
            if wait > 0:
                raise RateLimited(wait)

    def _lock_of(self, method: str) -> threading.Lock:
        with self._lock:
            return self._method_locks.setdefault(method, threading.Lock())

    def _require_unblocked(self, method: str) -> None:
        wait = self._blocked_until.get(method, 0.0) - monotonic()
        if wait > 0:
            raise RateLimited(wait)

    def _take_token(self, bucket: str) -> None:
        if self._limit is None:
            return
        wait = self._buckets.take(bucket, self._limit, monotonic())
        if wait > 0:
            raise RateLimited(wait)
