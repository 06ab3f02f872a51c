"""One person stands in for another: dated, for one kind or all, and never passed on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_DELEGATION = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Delegation:
    """``taker`` may decide where ``giver`` may, from ``begins_at`` until ``ends_at``. An empty kind means every kind."""

    giver: str
    giver_name: str
    taker: str
    taker_name: str
    kind: str
    begins_at: datetime
    ends_at: datetime

    def holds(self, kind: str, now: datetime) -> bool:
        """Whether it covers this kind at this moment."""
        return self.kind in {"", kind} and self.begins_at <= now < self.ends_at


def stands_in_for(
    delegations: Iterable[Delegation], person: str, kind: str, now: datetime
) -> list[Delegation]:
    """The delegations that this person may use now."""
    return [given for given in delegations if given.taker == person and given.holds(kind, now)]
