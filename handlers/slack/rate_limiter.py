"""Slack's limits, kept on our side: one message a second to a channel, and silence while Slack has asked for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bot.cases.errors import RateLimited
from bot.clock import monotonic, seconds_left

WAIT_FOR_TURN_SECONDS = 1.0


class Gate:
    """``per_second`` messages to each channel after a first ``burst``; 0 means no pacing of our own."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._tokens: dict[str, tuple[float, float]] = {}
        self._closed_until: dict[str, float] = {}
        self._guard = threading.Lock()
        # One call of a method at a time: when Slack says "wait", exactly one call has been refused.
        self._turns: dict[str, threading.Lock] = {}

    @contextmanager
    def turn(self, method: str, place: str) -> Iterator[None]:
        """The right to make one call. Raises ``RateLimited`` with the seconds to wait when it is not time yet."""
        with self._guard:
            one_at_a_time = self._turns.setdefault(method, threading.Lock())
        # Whoever is ahead may take a while: the wait is part of the call that it delays.
        if not one_at_a_time.acquire(timeout=min(max(0.0, seconds_left()), threading.TIMEOUT_MAX)):
            raise RateLimited(WAIT_FOR_TURN_SECONDS)
        try:
            self._must_be_open(method)
            self._take(place)
            try:
                yield
            except RateLimited as limited:
                self._closed_until[method] = monotonic() + limited.seconds
                raise
        finally:
            one_at_a_time.release()

    def must_have_room(self, method: str, place: str) -> None:
        """Whether a call could be made now. Raises ``RateLimited`` when it could not; nothing is taken."""
        self._must_be_open(method)
        if self._per_second:
            with self._guard:
                wait = self._short_of(place, monotonic())[1]
            if wait > 0:
                raise RateLimited(wait)

    def _short_of(self, place: str, now: float) -> tuple[float, float]:
        """The tokens there are, and the seconds until there is one."""
        tokens, then = self._tokens.get(place, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        return tokens, max(0.0, (1 - tokens) / self._per_second)

    def _must_be_open(self, method: str) -> None:
        wait = self._closed_until.get(method, 0.0) - monotonic()
        if wait > 0:
            raise RateLimited(wait)

    def _take(self, place: str) -> None:
        if not self._per_second:
            return
        with self._guard:
            now = monotonic()
            tokens, wait = self._short_of(place, now)
            if wait > 0:
                self._tokens[place] = (tokens, now)
                raise RateLimited(wait)
            self._tokens[place] = (tokens - 1, now)
            if len(self._tokens) > 10_000:
                # A place that has not been used for a while has a full bucket, as has one that is forgotten.
                self._tokens = dict(list(self._tokens.items())[-5_000:])
