"""Events to the callbacks of programs."""

from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from bot.cases.program import Callback


class Reception(Enum):
    """The word of a receiver on an event that reached it."""

    ACCEPTED = auto()
    #: It wants this event no more.
    GONE = auto()


class EventSender(Protocol):
    """Post events, signed, to the addresses of programs."""

    def send(self, callback: Callback, *, event_id: str, body: str, now: datetime) -> Reception:
        """Post an event, always with the same id.

        Raises:
            ConnectorFailed: nobody accepted it; it is to be sent again.
        """
