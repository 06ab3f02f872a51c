"""The order of calls, and how many threads one channel may hold."""

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.cases.errors import RateLimited
from bot.clock import monotonic, seconds_left

#: A caller whose turn would come later than this is refused, and tries again.
MAX_WORK_AHEAD_SECONDS = 0.5
#: The bounds of the wait that a refused caller is told.
MIN_WAIT_SECONDS = 0.1
MAX_WAIT_SECONDS = 30.0
#: So many of the latest calls tell the pace of a channel.
PACE_CALLS = 3
#: The time that a call takes in a channel of which nothing is known.
USUAL_CALL_SECONDS = 0.1
#: The wait of a call that did not get its turn within its time limit.
LATE_TURN_WAIT_SECONDS = 1.0
MAX_CHANNELS = 1_000


class Turns:
    """A queue for each name: one call at a time, in order."""

    def __init__(self) -> None:
        # The calls of each name; the first of them is under way. A lock each, which is free from
        # its turn on: an event would cost more than the rest of an undisturbed call.
        self._queues: defaultdict[str, deque[threading.Lock]] = defaultdict(deque)
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Wait for this call's turn, within the caller's time limit.

        Raises:
            RateLimited: the turn did not come in time.
        """
        ticket = self._queue_up(name)
        try:
            timeout = min(max(0.0, seconds_left()), threading.TIMEOUT_MAX)
            if not ticket.acquire(timeout=timeout):
                raise RateLimited(LATE_TURN_WAIT_SECONDS)
            yield
        finally:
            self._leave(name, ticket)

    def _queue_up(self, name: str) -> threading.Lock:
        ticket = threading.Lock()
        with self._lock:
            queue = self._queues[name]
            if queue:
                ticket.acquire()
            queue.append(ticket)
        return ticket

    def _leave(self, name: str, ticket: threading.Lock) -> None:
        with self._lock:
            queue = self._queues[name]
            had_turn = queue[0] is ticket
            queue.remove(ticket)
            if not queue:
                del self._queues[name]
            elif had_turn:
                queue[0].release()


@dataclass(slots=True)
class Crowd:
    """The threads that one channel holds now."""

    #: Those that call, and those that wait for their turn.
    threads: int = 0
    #: When each call under way began, the earliest first.
    calls: list[float] = field(default_factory=list)
    #: How long the latest calls took, the last one at the end.
    latest_seconds: tuple[float, ...] = ()
    #: The refused callers that are expected to try again.
    put_off: int = 0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Measure a call."""
        began_at = monotonic()
        self.calls.append(began_at)
        try:
            yield
        finally:
            self.calls.remove(began_at)
            earlier = self.latest_seconds[1 - PACE_CALLS :]
            self.latest_seconds = (*earlier, monotonic() - began_at)

    def work_ahead(self) -> float:
        """Estimate for how many seconds it will hold its threads."""
        call_seconds = self.latest_seconds[-1] if self.latest_seconds else USUAL_CALL_SECONDS
        # A call that is slow already tells more than the last one that ended.
        return self.threads * max(call_seconds, self._seconds_under_way())

    def wait(self) -> float:
        """Estimate the seconds until one more refused caller has its turn.

        The quickest of the latest calls counts: one that was slow says little about the next ones,
        and whoever comes back too early is put off once more.
        """
        under_way = self._seconds_under_way()
        # A slow one under way is all that is known of a channel before its first has ended.
        pace = min(self.latest_seconds, default=max(USUAL_CALL_SECONDS, under_way))
        wait = max(under_way, (self.threads + self.put_off) * pace, MIN_WAIT_SECONDS)
        return min(wait, MAX_WAIT_SECONDS)

    def _seconds_under_way(self) -> float:
        """Return how long the earliest call under way has taken so far."""
        now = monotonic()
        # A copy: calls end in other threads meanwhile.
        return max((now - began_at for began_at in self.calls[:1]), default=0.0)


class ChannelCrowds:
    """Limits how many callers wait for one channel.

    A thread that waits for one channel does nothing for the others. So at most half a second's
    work of a channel is waited for. Other callers are refused, and try again later.
    """

    def __init__(self) -> None:
        self._crowds: defaultdict[str, Crowd] = defaultdict(Crowd)
        self._lock = threading.Lock()

    @contextmanager
    def place(self, channel: str) -> Iterator[Crowd]:
        """Hold a place among the callers of a channel.

        Raises:
            RateLimited: with the seconds until there is room.
        """
        crowd = self._enter(channel)
        try:
            yield crowd
        finally:
            with self._lock:
                crowd.threads -= 1
                crowd.put_off = max(0, crowd.put_off - 1)

    def _enter(self, channel: str) -> Crowd:
        with self._lock:
            if len(self._crowds) > MAX_CHANNELS:
                self._forget_idle()
            crowd = self._crowds[channel]
            if crowd.work_ahead() > MAX_WORK_AHEAD_SECONDS:
                # Spread out, so that they do not all try again at once.
                wait = crowd.wait()
                crowd.put_off += 1
                raise RateLimited(wait)
            if not crowd.threads:
                crowd.put_off = 0
            crowd.threads += 1
            return crowd

    def _forget_idle(self) -> None:
        for channel, crowd in list(self._crowds.items()):
            if not crowd.threads:
                del self._crowds[channel]
