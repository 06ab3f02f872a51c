"""Openings, endings and decision times of the last days."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from bot.cases.hours import Hours

TREND_DAYS = 14
SECONDS_PER_HOUR = 3600

#: Opening, first decision and end of one case, in seconds since 1970; None while it is to come.
Times = tuple[float, float | None, float | None]


@dataclass(frozen=True, slots=True)
class TrendDay:
    """One day of the chart.

    ``decided`` is the median time to the first decision, in hours.
    """

    on: date
    openings: int
    endings: int
    hours_to_decision: float | None


def trend(tallies: Iterable[Times], until: datetime, hours: Hours) -> tuple[TrendDay, ...]:
    """Count cases by day, in the time zone of ``hours``.

    The last day is that of ``until``.
    """
    last_day = hours.local(until).date()
    days = [last_day - timedelta(days=back) for back in reversed(range(TREND_DAYS))]
    midnights = [hours.midnight(day).timestamp() for day in (*days, last_day + timedelta(days=1))]
    openings = [0] * TREND_DAYS
    endings = [0] * TREND_DAYS
    waits: list[list[float]] = [[] for _ in days]
    for opened_at, decided_at, ended_at in tallies:
        _count(opened_at, midnights, openings)
        _count(ended_at, midnights, endings)
        position = _position(decided_at, midnights)
        if position is not None and decided_at is not None:
            waits[position].append((decided_at - opened_at) / SECONDS_PER_HOUR)
    return tuple(
        TrendDay(
            on=day,
            openings=opening,
            endings=ending,
            hours_to_decision=median(wait) if wait else None,
        )
        for day, opening, ending, wait in zip(days, openings, endings, waits, strict=True)
    )


def _count(moment: float | None, midnights: Sequence[float], counts: list[int]) -> None:
    position = _position(moment, midnights)
    if position is not None:
        counts[position] += 1


def _position(moment: float | None, midnights: Sequence[float]) -> int | None:
    """Find the day between these midnights that the moment falls on."""
    if moment is None or not midnights[0] <= moment < midnights[-1]:
        return None
    return bisect_right(midnights, moment) - 1
