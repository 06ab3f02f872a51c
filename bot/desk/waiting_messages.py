"""Messages under lease that wait for a thread of their pool."""

import threading
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from bot.ports.outbox import LeasedMessage, Topic

# Messages that one thread handles together, when all threads have enough to do.
MAX_GROUP = 16


class Backlog:
    """The messages that wait for a thread of this process, counted by topic."""

    def __init__(self) -> None:
        self._counts: Counter[Topic] = Counter()
        self._lock = threading.Lock()

    def add(self, messages: Iterable[LeasedMessage]) -> None:
        """Count messages that begin to wait."""
        with self._lock:
            self._counts.update(message.topic for message in messages)

    def remove(self, messages: Iterable[LeasedMessage]) -> None:
        """Count messages no longer that a thread has taken."""
        with self._lock:
            self._counts.subtract(message.topic for message in messages)

    def has(self, topic: Topic) -> bool:
        """Tell whether a message of this topic waits."""
        return self._counts[topic] > 0


class WaitingMessages:
    """A queue whose first messages are taken in groups."""

    def __init__(
        self, grouped_topics: Collection[Topic], threads: int, backlog: Backlog | None = None
    ) -> None:
        """Count what waits in ``backlog`` too."""
        self._grouped_topics = grouped_topics
        self._threads = threads
        self._lock = threading.Lock()
        self._messages: deque[LeasedMessage] = deque()
        self._backlog = backlog or Backlog()

    def add(self, messages: Sequence[LeasedMessage]) -> None:
        """Add messages at the end."""
        self._backlog.add(messages)
        with self._lock:
            self._messages.extend(messages)

    def take(self) -> list[LeasedMessage]:
        """Take the first message, with those handled together with it.

        A group is a thread's share of what waits: nobody waits in a group while a thread is idle.
        """
        group = self._take()
        self._backlog.remove(group)
        return group

    def _take(self) -> list[LeasedMessage]:
        with self._lock:
            if not self._messages:
                return []
            share = -(-len(self._messages) // self._threads)
            group = [self._messages.popleft()]
            topic = group[0].topic
            if topic not in self._grouped_topics:
                return group
            case_ids = {group[0].case_id}
            while len(group) < min(share, MAX_GROUP) and self._messages:
                message = self._messages[0]
                # Two messages about one case are decided one after the other.
                if message.topic is not topic or message.case_id in case_ids:
                    break
                case_ids.add(message.case_id)
                group.append(self._messages.popleft())
            return group
