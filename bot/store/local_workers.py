"""The worker pools of this process, which are handed new work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.ports.outbox import LeasedMessage, Topic


class LocalWorker(Protocol):
    """A worker pool of this process."""

    topics: Sequence[Topic]

    @property
    def lease_for(self) -> float:
        """Return the length of a lease in seconds."""

    def has_room(self) -> bool:
        """Tell whether more messages may be leased to it now."""

    def accept(self, messages: Sequence[LeasedMessage], /) -> None:
        """Do these messages, which are under lease already."""

    def wake(self, at: datetime | None = None, /) -> None:
        """Look for due messages, at once or at this time."""


@dataclass(slots=True)
class Handover:
    """Work for the local workers, once its job is durable."""

    messages: list[LeasedMessage] = field(default_factory=list)
    #: Topics of messages that were not handed over. They may be due now.
    wakes: set[Topic] = field(default_factory=set)
    #: The same, of those that are due later, with their times.
    later: list[tuple[Topic, datetime]] = field(default_factory=list)


def dispatch(handover: Handover, workers: Iterable[LocalWorker]) -> None:
    """Hand leased messages to their workers, and wake workers for others."""
    for worker in workers:
        messages = [message for message in handover.messages if message.topic in worker.topics]
        if messages:
            worker.accept(messages)
        if not handover.wakes.isdisjoint(worker.topics):
            worker.wake()
        for topic, at in handover.later:
            if topic in worker.topics:
                worker.wake(at)
