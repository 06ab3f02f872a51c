"""The pace at which receivers of events are served, so that a slow one holds up no other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.cases.errors import ConnectorFailed
from bot.clock import monotonic

#: Of one receiver, among the threads of the lane.
MAX_AT_ONCE = 2
#: After a failure a receiver is left alone for so long, and tried by one event then.
REST = timedelta(seconds=30)
MIN_PACE_SECONDS = 0.05


class ReceiverBusy(Exception):
    """As many events as it may take at once are on their way to a receiver."""

    def __init__(self, until: datetime) -> None:
        super().__init__("earlier events are on their way")
        self.until = until


@dataclass
class _Receiver:
    active: int = 0
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
        receiver = self._begin(name, now)
        begun = monotonic()
        try:
            yield
        except ConnectorFailed:
            self._end(receiver, begun, rests_until=now + REST)
            raise
        except BaseException:
            self._end(receiver, begun, rests_until=receiver.rests_until)
            raise
        self._end(receiver, begun, rests_until=None)

    def _begin(self, name: str, now: datetime) -> _Receiver:
        with self._lock:
            receiver = self._receivers.setdefault(name, _Receiver())
            # After its rest a receiver gets one event, which shows whether it is back.
            is_on_trial = receiver.rests_until is not None and receiver.active > 0
            if receiver.rests_until is not None and (now < receiver.rests_until or is_on_trial):
                raise ConnectorFailed("it did not take an earlier event", retryable=True)
            if receiver.active >= MAX_AT_ONCE:
                raise ReceiverBusy(_next_turn(receiver, now))
            receiver.active += 1
            return receiver

    def _end(self, receiver: _Receiver, begun: float, *, rests_until: datetime | None) -> None:
        with self._lock:
            receiver.active -= 1
            receiver.rests_until = rests_until
            receiver.seconds = max(MIN_PACE_SECONDS, monotonic() - begun)


def _next_turn(receiver: _Receiver, now: datetime) -> datetime:
    """Give each event that waits a time of its own, as long as those before it may take."""
    earlier = max(now, receiver.turn or now)
    receiver.turn = earlier + timedelta(seconds=receiver.seconds / MAX_AT_ONCE)
    return receiver.turn
