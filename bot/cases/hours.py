"""Working hours of channels.

Times are those of the clock on the wall in a time zone, so changes of the clock are right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import (
    UTC,
    date,
    datetime,
    time,
    timedelta,
)
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MIDNIGHT = time(0)
# How far ahead an opening is looked for.
MAX_CLOSED_DAYS = 400
# An evening that began the day before, and the two days around an opening.
MAX_OPEN_DAYS = 3
# Every new case asks for the same few days.
OPENINGS_KEPT = 4_096


def no_holidays(day: date) -> bool:
    """Return False: no day is a holiday."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The working hours of one channel.

    A closing time at or before the opening is on the next day: 17:00 to 02:00 is an evening,
    00:00 to 00:00 a whole day.
    """

    #: The name of the time zone, like Europe/London.
    zone: str = "UTC"
    opens: time = MIDNIGHT
    closes: time = MIDNIGHT
    #: The working days; Monday is 0.
    days: frozenset[int] = frozenset(range(7))
    is_holiday: Callable[[date], bool] = no_holidays
    #: When the daily summary comes.
    digest_at: time = time(9)
    #: The weekday of the weekly review.
    review_on: int = 0

    def local(self, at: datetime) -> datetime:
        """Convert a moment to local time."""
        return at.astimezone(ZoneInfo(self.zone))

    def is_working_day(self, day: date) -> bool:
        return day.weekday() in self.days and not self.is_holiday(day)

    def is_open(self, at: datetime) -> bool:
        return self.next_opening(at) == at

    def next_opening(self, at: datetime) -> datetime:
        """Return this moment if it is open, else the next opening."""
        return self.add_working_time(at, timedelta(0))

    def add_working_time(self, at: datetime, span: timedelta) -> datetime:
        """Return when so much working time has passed, in UTC.

        With no opening in sight, closed time counts as well.
        """
        # An evening that began the day before may still be open.
        first = at.astimezone(ZoneInfo(self.zone)).date() - DAY
        for ahead in range(MAX_CLOSED_DAYS):
            opening = _opening_on(self, first + ahead * DAY)
            if opening is None:
                continue
            start, end = opening
            begin = max(start, at)
            if begin >= end:
                continue
            if span < end - begin:
                return begin + span
            span -= end - begin
        return at + span

    def working_time(self, since: datetime, until: datetime) -> timedelta:
        """Return how much working time lies between two moments.

        It is the reverse of ``add_working_time``, and nothing where ``until`` is not later.
        """
        total = timedelta(0)
        # An evening that began the day before may still be open.
        day = since.astimezone(ZoneInfo(self.zone)).date() - DAY
        last_day = until.astimezone(ZoneInfo(self.zone)).date()
        while day <= last_day:
            opening = _opening_on(self, day)
            if opening is not None:
                start, end = opening
                total += max(timedelta(0), min(end, until) - max(start, since))
            day += DAY
        return total

    def next_closing(self, at: datetime) -> datetime:
        """Return the end of the present or next working time, in UTC."""
        opening = self.next_opening(at)
        first = opening.astimezone(ZoneInfo(self.zone)).date() - DAY
        for ahead in range(MAX_OPEN_DAYS):
            span = _opening_on(self, first + ahead * DAY)
            if span is not None and opening < span[1]:
                return span[1]
        return opening + DAY

    def digest_time(self, day: date) -> datetime:
        """Return when the daily summary of this day is due, in UTC."""
        return _to_utc(day, self.digest_at, self.zone)

    def midnight(self, day: date) -> datetime:
        """Return when this day begins there, in UTC."""
        return _to_utc(day, MIDNIGHT, self.zone)


@lru_cache(maxsize=OPENINGS_KEPT)
def _opening_on(hours: Hours, day: date) -> tuple[datetime, datetime] | None:
    """Return when this day opens and closes; None on a day off."""
    if not hours.is_working_day(day):
        return None
    last_day = day if hours.closes > hours.opens else day + DAY
    opening = _to_utc(day, hours.opens, hours.zone)
    return opening, _to_utc(last_day, hours.closes, hours.zone)


def _to_utc(
    day: date,
    at: time,
    zone: str,
) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


ALWAYS = Hours()
