"""The port that removes data past their terms, and describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.cases.retention import DataKind, Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalOrder:
    """The terms of a removal, and the policy that orders it."""

    retention: Retention
    #: The checksum of the policy in force.
    policy: str
    now: datetime

    def cutoff(self, kind: DataKind) -> datetime | None:
        """Return the time before which these data are past their term."""
        term = self.retention.term_of(kind)
        return None if term is None else self.now - term


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldData:
    """The extent and age of one kind of data."""

    kind: DataKind
    #: When the oldest came, was asked or ended; None where there is none.
    oldest_at: datetime | None
    #: How many are past the term, up to a bound. Those that are on hold are not among them.
    overdue: int
    #: When the oldest of those came, was asked or ended.
    overdue_since: datetime | None


class RetentionStore(Protocol):
    """Remove what is past its term, in small transactions."""

    def begin_run(self, now: datetime) -> str:
        """Return the run that is not complete, or a new one."""

    def remove_batch(self, run: str, kind: DataKind, order: RemovalOrder) -> int:
        """Remove some of what is past its term; return how much."""

    def complete_run(self, run: str, order: RemovalOrder) -> Mapping[str, int]:
        """Record in the ledger how much the run has removed, by kind.

        A run that removed nothing leaves no trace.
        """

    def describe(self, order: RemovalOrder) -> list[HeldData]:
        """Tell what there is of each kind of data."""
