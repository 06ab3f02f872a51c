"""Posted lists that follow their cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.cases.case import Case
from bot.ports.outbox import OutboxMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveList:
    """A posted list: a digest, a storm's shared card, an App Home."""

    key: str
    #: A channel or a person.
    place: str
    #: The message's id. An App Home has no message: there it is the filter that was chosen.
    ts: str
    #: The ids of the cases that it shows, by section.
    sections: Mapping[str, Sequence[str]]
    shown_at: datetime


class LiveLists(Protocol):
    """Record which lists stand where, and which cases they show."""

    def get(self, key: str) -> LiveList | None:
        """Return the list under this key."""

    def find(self, prefix: str, since: datetime) -> list[LiveList]:
        """Return lists by the prefix of their key, shown after this time."""

    def keys_with(self, case_id: str) -> list[str]:
        """Return the keys of the lists that follow this case."""

    def save(self, live_list: LiveList, *, follow: bool = True, cases: Iterable[Case] = ()) -> bool:
        """Record a list as it stands now.

        With ``follow`` it follows the cases of its sections and no others from now on. Tell whether
        one of ``cases``, which it shows, has changed meanwhile: the list did not follow it yet.
        """

    def replace(
        self,
        live_list: LiveList,
        *,
        previous: LiveList | None,
        messages: Sequence[OutboxMessage] = (),
    ) -> bool:
        """Record a list and enqueue messages, unless it has changed since.

        ``previous`` is what was read; None for no list. False means that somebody else was faster,
        and nothing was written. The list follows no case by this.
        """

    def add(self, case_id: str, key: str) -> None:
        """Let the list under this key follow this case too."""

    def delete(self, key: str) -> None:
        """Delete the list and what it follows."""
