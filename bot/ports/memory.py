"""Precedents: the rows that keep them, and the index that finds them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.cases.precedent import Label, Precedent
from bot.ports.outbox import LeasedMessage


@dataclass(frozen=True, slots=True)
class StoredPrecedent:
    """A precedent with its place in the order of changes."""

    seq: int
    digest: str
    #: It has been taken back.
    is_gone: bool
    precedent: Precedent


@dataclass(frozen=True, slots=True)
class Batch:
    """The precedents of one kind that an import brought."""

    name: str
    kind: str
    precedents: int


class PrecedentSource(Protocol):
    """Precedents to be indexed and shown."""

    def changes_since(self, seq: int, limit: int = 500) -> list[StoredPrecedent]:
        """Return the changes after this place, in order."""

    def last_place(self) -> int:
        """Return the place of the last change; 0 before the first."""

    def by_id(self, ids: Sequence[str]) -> dict[str, Precedent]:
        """Return these precedents, as far as they have not been taken back."""

    def count(self) -> int:
        """Count the precedents of all kinds."""


class PrecedentStore(PrecedentSource, Protocol):
    """Keep precedents and labels as rows.

    Indexes follow the order of their changes.
    """

    def save(
        self,
        precedents: Sequence[Precedent],
        label: Label | None = None,
        *,
        finish: LeasedMessage | None = None,
    ) -> int:
        """Write what is new or different. Return how many precedents were."""

    def of_kind(self, kind: str, limit: int) -> list[Precedent]:
        """Return the latest precedents of this kind, the oldest of them first."""

    def kinds(self) -> dict[str, int]:
        """Count the precedents of each kind."""

    def labels(self) -> list[Label]:
        """Return what people called unrecognised cases."""

    def count_missing(self, within: timedelta | None = None) -> int:
        """Count the decided cases of the ledger that have no precedent.

        ``within`` leaves out those that ended so long before the last one.
        """

    def rebuild(self) -> Iterator[tuple[int, int]]:
        """Write all precedents again from the ledger. Yield cases and entries done."""


class Memory(Protocol):
    """Index the precedents.

    Cards never depend on it: what it cannot do, they go without.
    """

    def catch_up(self) -> int:
        """Index the precedents that the index lacks. Return how many.

        Raises:
            MemoryUnavailable: the index cannot be read or written now.
        """

    def find_precedents(
        self,
        words: str,
        *,
        kinds: Collection[str] | None,
        channels: Collection[str],
        now: datetime,
    ) -> list[Precedent] | None:
        """Return decided cases of a like meaning, best first.

        ``kinds`` None is any. None when the index is unavailable.
        """

    def find_related(self, words: str, channels: Collection[str], now: datetime) -> list[str]:
        """Return decided cases of a like meaning, by id, best first.

        Empty when the index is unavailable.
        """
