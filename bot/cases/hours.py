"""Working hours of a channel: when people there can be expected to answer. Wall-clock times in a zone, so clock changes are right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
# Nothing waits longer for an opening than this; a calendar that never opens is refused when it is read.
MAX_CLOSED_DAYS = 400


def no_holidays(day: date) -> bool:
    """No holidays."""
    return False


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from ``opens`` to ``closes`` on ``days`` (Monday is 0), except on holidays.

    A closing at or before the opening is on the next day: 17:00 to 02:00 is an evening, 00:00 to 00:00 a whole day.
    """

    zone: str = "UTC"
    opens: time = time(0)
    closes: time = time(0)
    days: frozenset[int] = frozenset(range(7))
    is_holiday: Callable[[date], bool] = no_holidays
    digest_at: time = time(9)
    review_on: int = 0

    def local(self, at: datetime) -> datetime:
        """The moment as the clock on the wall there shows it."""
        return at.astimezone(ZoneInfo(self.zone))

    def is_working_day(self, day: date) -> bool:
        return day.weekday() in self.days and not self.is_holiday(day)

    def is_open(self, at: datetime) -> bool:
        return self.next_opening(at) == at

    def next_opening(self, at: datetime) -> datetime:
        """This moment, or the next one at which it is open."""
        return self.add_working_time(at, timedelta(0))

    def add_working_time(self, at: datetime, span: timedelta) -> datetime:
        """The moment at which so much working time has gone by, in UTC."""
        for start, end in self._windows(at):
            begin = max(start, at)
            if begin < end and span < end - begin:
                return begin + span
            if begin < end:
                span -= end - begin
        return at + span

    def digest_time(self, day: date) -> datetime:
        """When the digest of this day is due, in UTC."""
        return _utc(day, self.digest_at, self.zone)

    def midnight(self, day: date) -> datetime:
        """When this day begins there, in UTC."""
        return _utc(day, time(0), self.zone)

    def _windows(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        first = self.local(at).date() - DAY
        for ahead in range(MAX_CLOSED_DAYS):
            day = first + ahead * DAY
            if self.is_working_day(day):
                end = day if self.closes > self.opens else day + DAY
                yield _utc(day, self.opens, self.zone), _utc(end, self.closes, self.zone)


def _utc(day: date, at: time, zone: str) -> datetime:
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


ALWAYS = Hours()
