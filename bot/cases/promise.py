"""Promises of precision: what the card promised, and whether it was kept."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class PromiseWeek:
    """The promised recommendations that people answered in one week."""

    monday: date
    #: How many of them were right.
    right: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRecord:
    """One promise of a kind with its answers since it was certified."""

    kind: str
    #: How many of a hundred were promised to be right.
    percent: int
    #: The earliest first.
    weeks: tuple[PromiseWeek, ...]
    #: When the answers spoke against it; None while it stands.
    lapsed_at: datetime | None = None

    @property
    def right(self) -> int:
        """Count the recommendations that were right."""
        return sum(week.right for week in self.weeks)

    @property
    def total(self) -> int:
        """Count the recommendations that people answered."""
        return sum(week.total for week in self.weeks)

    @property
    def has_lapsed(self) -> bool:
        """Tell whether it is not given at present."""
        return self.lapsed_at is not None


def monday_of(at: datetime) -> date:
    """Return the Monday of the week of a time."""
    return (at - timedelta(days=at.weekday())).date()
