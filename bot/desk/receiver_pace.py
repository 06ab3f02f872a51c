"""The pace of receivers of events.

A slow one must not hold up another.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.errors import ConnectorFailed
from bot.clock import monotonic

#: Of one receiver, among the threads of the lane.
MAX_AT_ONCE = 2
#: After a failure a receiver is left alone for so long, and tried by one event then. The rest
#: doubles with each failure, and the first is shorter than the first wait of an event.
FIRST_REST_SECONDS, MAX_REST_SECONDS = 4.0, 60.0
MAX_DOUBLINGS = 8
#: What an event is thought to take at first, and how long one that must wait waits at least.
MIN_PACE_SECONDS = 0.05
MIN_WAIT = timedelta(seconds=0.25)


class ReceiverBusy(Exception):
    """A receiver is busy with earlier events."""

    def __init__(self, until: datetime) -> None:
        super().__init__("earlier events are on their way")
        self.until = until


@dataclass(kw_only=True)
class _Receiver:
    #: When each event that is on its way was sent, by ``monotonic``.
    active: list[float] = field(default_factory=list)
    #: Failures since it last accepted an event.
    failures: int = 0
    rests_until: datetime | None = None
    #: When the next event that waits for its turn has it.
    turn: datetime | None = None
    #: How long the last event took.
    seconds: float = MIN_PACE_SECONDS


@dataclass
class ReceiverPace:
    """Counts what is on its way to each receiver, in this process."""

    _receivers: dict[str, _Receiver] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def turn(self, name: str, now: datetime) -> Iterator[None]:
        """Take a turn to send to this receiver.

        Raises:
            ReceiverBusy: come back later; nothing has failed.
            ConnectorFailed: it has just failed, and is left alone for a while.
        """
        sent_at = monotonic()
        receiver = self._begin(name, now, sent_at)
        try:
            yield
        except ConnectorFailed:
            self._end(receiver, sent_at)
            # From now on, and not from when it was sent: a receiver that hangs fails late.
            self._let_rest(receiver, now + timedelta(seconds=monotonic() - sent_at))
            raise
        except BaseException:
            self._end(receiver, sent_at)
            raise
        self._end(receiver, sent_at)
        with self._lock:
            receiver.failures, receiver.rests_until = 0, None

    def _begin(self, name: str, now: datetime, sent_at: float) -> _Receiver:
        with self._lock:
            receiver = self._receivers.setdefault(name, _Receiver())
            if receiver.rests_until is not None and now < receiver.rests_until:
                raise ConnectorFailed("it did not take an earlier event", retryable=True)
            # After its rest a receiver gets one event, which shows whether it is back. The others
            # wait for that: as failures of their own they might wait for hours.
            limit = MAX_AT_ONCE if receiver.rests_until is None else 1
            if len(receiver.active) >= limit:
                raise ReceiverBusy(_next_turn(receiver, now))
            receiver.active.append(sent_at)
            return receiver

    def _let_rest(self, receiver: _Receiver, now: datetime) -> None:
        with self._lock:
            receiver.failures += 1
            receiver.rests_until = now + timedelta(seconds=_rest_seconds(receiver.failures))

    def _end(self, receiver: _Receiver, sent_at: float) -> None:
        with self._lock:
            receiver.active.remove(sent_at)
            receiver.seconds = max(MIN_PACE_SECONDS, monotonic() - sent_at)


def _rest_seconds(failures: int) -> float:
    """Return how long a receiver rests after failures in a row."""
    return min(MAX_REST_SECONDS, FIRST_REST_SECONDS * 2.0 ** min(failures - 1, MAX_DOUBLINGS))


def _next_turn(receiver: _Receiver, now: datetime) -> datetime:
    """Give each event that waits a time of its own."""
    # One that is on its way for long shows that the receiver is slower than it was.
    seconds = max(receiver.seconds, monotonic() - receiver.active[0])
    earlier = max(now + MIN_WAIT, receiver.turn or now)
    receiver.turn = earlier + timedelta(seconds=seconds / MAX_AT_ONCE)
    return receiver.turn
