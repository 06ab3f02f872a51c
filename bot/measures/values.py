"""The values that measures have: shares, times, counts, money and spreads."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.cases.hours import Hours


class Unit(StrEnum):
    """The unit of a measure."""

    CASES = "cases"
    SHARE = "share of 1"
    SECONDS = "seconds"
    MINUTES = "minutes"
    MONEY = "money"
    DECISIONS = "decisions a person"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    part: int
    whole: int

    @property
    def ratio(self) -> float | None:
        """Return part by whole; None where there is no whole."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Count:
    """A number of cases."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Median and ninth decile of some times, in seconds."""

    count: int
    #: In the working hours of each case's channel.
    working_p50: float | None = None
    working_p90: float | None = None
    #: By the clock on the wall, nights and weekends included.
    clock_p50: float | None = None
    clock_p90: float | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum; None where an assumption is missing."""

    amount: float | None
    #: The currency of money; empty for other units.
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The spread of a number over people, who are never named."""

    people: int
    #: None where there are too few people to hide one among them.
    median: float | None = None
    minimum: float | None = None
    maximum: float | None = None


Value = Share | Count | Times | Sum | Spread


@dataclass(slots=True)
class TimeSamples:
    """Times of cases, in working hours and by the clock; seconds."""

    working: "array[float]" = field(default_factory=lambda: array("d"))
    clock: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, *, working: float, clock: float) -> None:
        """Add the time of one case."""
        self.working.append(working)
        self.clock.append(clock)

    def add_span(self, since: datetime, until: datetime, hours: Hours) -> None:
        """Add the span between two moments of one case."""
        # A source's clock may be ahead of ours.
        clock = max(0.0, (until - since).total_seconds())
        self.add(working=hours.working_time(since, until).total_seconds(), clock=clock)

    def extend(self, other: "TimeSamples") -> None:
        """Add the times of other cases."""
        self.working.extend(other.working)
        self.clock.extend(other.clock)

    def times(self) -> Times:
        """Return median and ninth decile."""
        working = sorted(self.working)
        clock = sorted(self.clock)
        return Times(
            count=len(clock),
            working_p50=quantile(working, 0.5),
            working_p90=quantile(working, 0.9),
            clock_p50=quantile(clock, 0.5),
            clock_p90=quantile(clock, 0.9),
        )

    def __eq__(self, other: object) -> bool:
        """Compare as sets: the order in which cases came does not matter."""
        if not isinstance(other, TimeSamples):
            return NotImplemented
        is_same = sorted(self.working) == sorted(other.working)
        return is_same and sorted(self.clock) == sorted(other.clock)

    __hash__ = None  # type: ignore[assignment]


def quantile(values: Sequence[float], part: float) -> float | None:
    """Return the value below which this part of the sorted values lies.

    Between two values it is interpolated, so that the half is the usual median. None without
    values.
    """
    if not values:
        return None
    position = part * (len(values) - 1)
    below, above = values[math.floor(position)], values[math.ceil(position)]
    return below + (above - below) * (position - math.floor(position))


#: Among fewer people one could be recognised.
MIN_PEOPLE = 3


def spread(numbers: Iterable[int]) -> Spread:
    """Return median and range over people.

    When they are too few, it says only how many they are.
    """
    values = sorted(map(float, numbers))
    if len(values) < MIN_PEOPLE:
        return Spread(people=len(values))
    return Spread(
        people=len(values),
        median=quantile(values, 0.5),
        minimum=values[0],
        maximum=values[-1],
    )
