"""The hours in which policy lets plans run alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OpeningTimes = Annotated[str, StringConstraints(pattern=rf"^{_CLOCK}-{_CLOCK}$")]


@dataclass(frozen=True, slots=True)
class AloneHours:
    """The hours of plans that run alone, by the channel's clock.

    A closing time at or before the opening is on the next day, as in channels.yml.
    """

    #: May end on the next day: 17:00-02:00.
    open: OpeningTimes = "00:00-00:00"
    #: The days of the week.
    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = WEEKDAYS

    def is_open(self, local_at: datetime) -> bool:
        """Tell whether a plan may run alone at this local time."""
        opens, _, closes = self.open.partition("-")
        clock = f"{local_at:%H:%M}"
        today = WEEKDAYS[local_at.weekday()]
        if opens < closes:
            return today in self.days and opens <= clock < closes
        yesterday = WEEKDAYS[(local_at - timedelta(days=1)).weekday()]
        is_begun = today in self.days and clock >= opens
        return is_begun or (yesterday in self.days and clock < closes)

    def __str__(self) -> str:
        return f"{self.open.replace('-', ' to ')}, {', '.join(self.days)}"
