"""The messages that this process has under lease."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import boottime
from bot.metrics import LEASE_LOSSES
from bot.ports.clock import Clock
from bot.ports.outbox import LeasedMessage, Outbox

log = logging.getLogger(__name__)

# Three chances for each lease; one may be missed.
RENEWALS_PER_LEASE = 3
# Every outside call ends long before. What hangs for longer is a bug, and another worker may have
# the message.
MAX_RENEWED_SECONDS = 600.0


@dataclass(slots=True)
class _Hold:
    """A message under lease; the times are seconds of ``boottime``."""

    message: LeasedMessage
    #: When the lease was last known to be valid.
    renewed_at: float
    began_at: float | None = None

    def may_be_renewed(self, now: float) -> bool:
        return self.began_at is None or now - self.began_at < MAX_RENEWED_SECONDS


class HeldLeases:
    """Keep leases valid while their messages wait or are worked on."""

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        clock: Clock,
        lease_for: float,
    ) -> None:
        """Give the thread that renews them this name."""
        self._outbox = outbox
        self._clock = clock
        self._lease_for = lease_for
        self._holds: dict[tuple[str, int], _Hold] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=name, daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._heart.start()

    def stop(self) -> None:
        """Renew no longer."""
        self._stopping.set()
        self._heart.join()

    def __len__(self) -> int:
        """Count the messages in hand."""
        return len(self._holds)

    def keys(self) -> list[str]:
        """List the keys of the messages in hand."""
        with self._lock:
            return [key for key, _ in self._holds]

    def add(self, messages: Iterable[LeasedMessage]) -> None:
        """Hold these messages, which have just been leased."""
        now = boottime()
        with self._lock:
            for message in messages:
                self._holds[_key(message)] = _Hold(message, now)

    def begin(self, message: LeasedMessage) -> bool:
        """Mark the message as being worked on.

        Returns False when its lease may have run out.
        """
        now = boottime()
        with self._lock:
            hold = self._holds.get(_key(message))
            if hold is None or now - hold.renewed_at >= self._lease_for:
                LEASE_LOSSES.labels(message.topic.value).inc()
                return False
            hold.began_at = now
        return True

    def release(self, message: LeasedMessage) -> int:
        """Hold this message no longer. Return how many are left."""
        with self._lock:
            self._holds.pop(_key(message), None)
            return len(self._holds)

    def renew(self) -> None:
        """Renew every lease. Messages that another worker has taken over are released."""
        now = boottime()
        with self._lock:
            holds = {key: hold for key, hold in self._holds.items() if hold.may_be_renewed(now)}
        if not holds:
            return
        until = self._clock() + timedelta(seconds=self._lease_for)
        valid_keys = self._outbox.renew([hold.message for hold in holds.values()], until)
        with self._lock:
            for key, hold in holds.items():
                if key in valid_keys:
                    hold.renewed_at = now
                # What is worked on stays: its fence keeps it from writing.
                elif hold.began_at is None:
                    self._holds.pop(key, None)

    def _beat(self) -> None:
        """Renew leases until the last message in hand is done."""
        interval = self._lease_for / RENEWALS_PER_LEASE
        while not self._stopping.wait(interval):
            try:
                self.renew()
            except Exception as failure:
                # Outermost loop: while the database is away, leases run out, and that is safe.
                log.warning("could not renew leases (%s); trying again", type(failure).__name__)


def _key(message: LeasedMessage) -> tuple[str, int]:
    return (message.key, message.fence)
