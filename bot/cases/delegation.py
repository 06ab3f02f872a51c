"""Delegation: one person decides for another, for a time.

It is never passed on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_DELEGATION = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """``taker`` may decide where ``giver`` may."""

    giver: str
    giver_name: str
    taker: str
    taker_name: str
    #: Empty for every kind.
    kind: str
    begins_at: datetime
    ends_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what a later delegation must share to replace this one."""
        return (self.giver, self.taker, self.kind)

    def holds(self, kind: str, now: datetime) -> bool:
        """Tell whether it covers this kind at this moment."""
        return self.kind in {"", kind} and self.begins_at <= now < self.ends_at


def stands_in_for(
    delegations: Iterable[Delegation], person: str, *, kind: str, now: datetime
) -> list[Delegation]:
    """List the delegations that this person may use now."""
    return [one for one in delegations if one.taker == person and one.holds(kind, now)]
