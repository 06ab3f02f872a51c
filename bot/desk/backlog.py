"""The messages under lease that wait for a thread of this process."""

import threading
from collections import Counter
from collections.abc import Sequence

from bot.ports.outbox import LeasedMessage, Topic


class Backlog:
    """Counts waiting messages by topic."""

    def __init__(self) -> None:
        self._counts: Counter[Topic] = Counter()
        self._lock = threading.Lock()

    def add(self, messages: Sequence[LeasedMessage]) -> None:
        """Count messages that begin to wait."""
        with self._lock:
            self._counts.update(message.topic for message in messages)

    def remove(self, message: LeasedMessage) -> None:
        """Count a message no longer that a thread has taken."""
        with self._lock:
            self._counts[message.topic] -= 1

    def has(self, topic: Topic) -> bool:
        """Tell whether a message of this topic waits."""
        return self._counts[topic] > 0
