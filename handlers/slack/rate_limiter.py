"""Slack's rate limits, kept on our side."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from bot.cases.errors import RateLimited
from bot.clock import monotonic, seconds_left
from bot.rate_limit import RateLimit, TokenBuckets
from handlers.slack.channel_turns import ChannelCrowds, Crowd, Turns

BUSY_METHOD_WAIT_SECONDS = 1.0
#: A method that takes less is called one call at a time: to wait is cheaper than to be refused.
QUICK_CALL_SECONDS = 0.05
#: The longest wait for the call ahead, where calls are quick.
MAX_CALL_AHEAD_SECONDS = 0.25
#: So long after a refusal the calls of a method go one by one.
CAREFUL_SECONDS = 60.0
#: The weight of the latest call in the average.
SMOOTHING = 0.2


class RateLimiter:
    """Limits calls by channel and by method.

    Each channel gets ``burst`` messages, then ``per_second``; a rate of 0 means no limit. The calls
    of one bucket are made one at a time and in order; those of different channels go side by side.

    A method that Slack has refused with a 429 is not called before Slack's time is up. Where its
    calls are quick they go one by one, and so they do for a minute after a refusal: then each
    window costs one refused call. Where Slack is slow, the calls under way when the first window
    closes may be refused too, at most one for each thread of the workers.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        self._limit = RateLimit(per_second, float(burst)) if per_second else None
        self._buckets = TokenBuckets()
        self._turns = Turns()
        self._crowds = ChannelCrowds()
        self._calls: dict[str, _MethodCalls] = {}

    @contextmanager
    def slot(self, method: str, bucket: str, channel: str = "") -> Iterator[None]:
        """Hold the right to make one call of ``method``.

        ``channel``: send the caller away while others wait for it; empty for one who cannot return.

        Raises:
            RateLimited: with the seconds to wait, when it is too early for a call.
        """
        # Before anything is waited for: most of what comes too early need not hold a thread.
        self.require_room(method, bucket)
        calls = self._calls_of(method)
        place = self._crowds.place(channel) if channel else nullcontext(Crowd())
        with place as crowd, self._turns.turn(bucket), calls.turn():
            calls.require_open()
            self._take_token(bucket)
            with crowd.call(), calls.call():
                yield

    def require_room(self, method: str, bucket: str) -> None:
        """Raise ``RateLimited`` unless a call could be made now. Takes nothing."""
        self._calls_of(method).require_open()
        if self._limit:
            wait = self._buckets.seconds_until(bucket, self._limit, monotonic())
            if wait > 0:
                raise RateLimited(wait)

    def _take_token(self, bucket: str) -> None:
        if self._limit is None:
            return
        wait = self._buckets.take(bucket, self._limit, monotonic())
        if wait > 0:
            raise RateLimited(wait)

    def _calls_of(self, method: str) -> "_MethodCalls":
        calls = self._calls.get(method)
        if calls is None:
            # One step for the interpreter, so that two threads share the same object.
            calls = self._calls.setdefault(method, _MethodCalls())
        return calls


@dataclass(slots=True)
class _MethodCalls:
    """The pace of one method's calls."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    blocked_until: float = 0.0
    careful_until: float = 0.0
    #: How long a call takes, on a moving average.
    call_seconds: float = 0.0

    def require_open(self) -> None:
        """Raise ``RateLimited`` before the time that Slack has set."""
        wait = self.blocked_until - monotonic()
        if wait > 0:
            raise RateLimited(wait)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the call ahead, where that saves a refused call."""
        is_careful = monotonic() < self.careful_until
        has_turn = self.lock.acquire(timeout=self._patience(is_careful))
        try:
            # The call ahead may be slow: the wait counts against the time limit of this one.
            if seconds_left() <= 0 or (is_careful and not has_turn):
                raise RateLimited(BUSY_METHOD_WAIT_SECONDS)
            yield
        finally:
            if has_turn:
                self.lock.release()

    def _patience(self, is_careful: bool) -> float:
        timeout = min(max(0.0, seconds_left()), threading.TIMEOUT_MAX)
        if is_careful:
            return timeout
        if self.call_seconds < QUICK_CALL_SECONDS:
            return min(timeout, MAX_CALL_AHEAD_SECONDS)
        return 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Measure a call, and close the method when Slack refuses it."""
        began_at = monotonic()
        try:
            yield
        except RateLimited as refusal:
            self.blocked_until = monotonic() + refusal.seconds
            self.careful_until = self.blocked_until + CAREFUL_SECONDS
            raise
        finally:
            self.call_seconds += SMOOTHING * (monotonic() - began_at - self.call_seconds)
