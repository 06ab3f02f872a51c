"""Periods by their names, on the asker's clock.

All results are half-open pairs in UTC: from the first moment on, and before the second.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from bot.cases.hours import DAY, MIDNIGHT, Hours
from bot.desk.spoken_times import MONTHS, WEEKDAYS
from bot.views.query import Period

Span = tuple[datetime, datetime]
#: A period on the clock on the wall, without a time zone.
LocalSpan = tuple[datetime, datetime]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(3000, 1, 1, tzinfo=UTC)
# A span is open at its end: with this added, what happens at this very moment lies in it.
JUST_NOW = timedelta(seconds=1)
NIGHT_BEGINS = time(18)
NIGHT_ENDS = time(8)
NOON = time(12)
SATURDAY = 5
WEEK = timedelta(days=7)
MONTH = relativedelta(months=1)
QUARTER = relativedelta(months=3)
YEAR = relativedelta(years=1)
MAX_NAME = 40

_OFFSET = re.compile(
    r"(?P<sign>[+-])P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?"
    r"(?:(?P<days>\d{1,5})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?)?"
)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_MONTH = re.compile(r"\d{4}-\d\d")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")


class UnknownPeriod(ValueError):
    """No period has this name."""


def _days(first: int, count: int = 1) -> Callable[[date], LocalSpan]:
    """Name days by their distance from today."""

    def span(today: date) -> LocalSpan:
        begin = _midnight(today + first * DAY)
        return begin, begin + count * DAY

    return span


def _weeks(ahead: int) -> Callable[[date], LocalSpan]:
    def span(today: date) -> LocalSpan:
        monday = _midnight(today - today.weekday() * DAY) + ahead * WEEK
        return monday, monday + WEEK

    return span


def _months(ahead: int) -> Callable[[date], LocalSpan]:
    def span(today: date) -> LocalSpan:
        first = _midnight(today.replace(day=1)) + ahead * MONTH
        return first, first + MONTH

    return span


def _quarters(ahead: int) -> Callable[[date], LocalSpan]:
    def span(today: date) -> LocalSpan:
        first_month = today.month - (today.month - 1) % 3
        first = _midnight(today.replace(month=first_month, day=1)) + ahead * QUARTER
        return first, first + QUARTER

    return span


def _years(ahead: int) -> Callable[[date], LocalSpan]:
    def span(today: date) -> LocalSpan:
        first = _midnight(today.replace(month=1, day=1)) + ahead * YEAR
        return first, first + YEAR

    return span


def _this_morning(today: date) -> LocalSpan:
    return _midnight(today), datetime.combine(today, NOON)


def _tonight(today: date) -> LocalSpan:
    return datetime.combine(today, NIGHT_BEGINS), _midnight(today + DAY)


def _last_night(today: date) -> LocalSpan:
    return datetime.combine(today - DAY, NIGHT_BEGINS), datetime.combine(today, NIGHT_ENDS)


def _last_weekend(today: date) -> LocalSpan:
    saturday = _midnight(today - (today.weekday() - SATURDAY) % 7 * DAY)
    return saturday, saturday + 2 * DAY


_NAMED: Mapping[str, Callable[[date], LocalSpan]] = {
    "today": _days(0),
    "yesterday": _days(-1),
    "tomorrow": _days(1),
    "day_before_yesterday": _days(-2),
    "this_morning": _this_morning,
    "tonight": _tonight,
    "overnight": _last_night,
    "last_night": _last_night,
    "weekend": _last_weekend,
    "this_week": _weeks(0),
    "last_week": _weeks(-1),
    "next_week": _weeks(1),
    "this_month": _months(0),
    "last_month": _months(-1),
    "next_month": _months(1),
    "this_quarter": _quarters(0),
    "last_quarter": _quarters(-1),
    "this_year": _years(0),
    "last_year": _years(-1),
}
#: Every name beside weekdays, months, dates and spans from now.
NAMES = frozenset({"now", *_NAMED})


def is_period_name(name: str) -> bool:
    """Tell whether this names a period."""
    clock = PeriodClock(now=datetime(2026, 1, 1, tzinfo=UTC), hours=Hours())
    try:
        clock.span(name)
    except UnknownPeriod:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodClock:
    """A clock that tells when a named period begins and ends."""

    now: datetime
    hours: Hours
    #: Weekdays, months and nights are the next ones, as for what is due.
    looks_ahead: bool = False

    @property
    def today(self) -> date:
        """Return the day on the asker's clock."""
        return self.hours.local(self.now).date()

    def resolve(self, period: Period) -> Span:
        """Return when a period begins and ends.

        Raises:
            UnknownPeriod: it has a name that is none.
        """
        if period.before:
            return BEGINNING, self.span(period.before)[0]
        if not period.begin:
            return BEGINNING, self.end_of(period.end) if period.end else FOREVER
        if not period.end:
            begin = self.span(period.begin)[0]
            return begin, FOREVER if self.looks_ahead else self.now + JUST_NOW
        return self._resolve_pair(period.begin, period.end)

    def end_of(self, name: str) -> datetime:
        """Return the end of a named period.

        Raises:
            UnknownPeriod: no period has this name.
        """
        return self.span(name)[1]

    def span(self, name: str) -> Span:
        """Return when a named period begins and ends; a moment is both.

        Raises:
            UnknownPeriod: no period has this name.
        """
        name = name.strip()
        if len(name) > MAX_NAME:
            raise UnknownPeriod(name[:MAX_NAME])
        if name.casefold() == "now":
            return self.now, self.now
        offset = _OFFSET.fullmatch(name.upper())
        if offset and len(name) > len("+P"):
            moment = self._offset_from_now(offset)
            return moment, moment
        day_name, at_sign, clock_text = name.casefold().partition("@")
        begin, end = self._local_span(day_name)
        if at_sign:
            begin = end = datetime.combine(begin.date(), _time_of_day(clock_text, name))
        return self._to_utc(begin), self._to_utc(end)

    def _resolve_pair(self, first: str, last: str) -> Span:
        begin, end = self.span(first)[0], self.end_of(last)
        if begin < end:
            return begin, end
        # "From Monday to Wednesday", said on a Tuesday: both are those of one week.
        if self.looks_ahead:
            end = replace(self, now=begin).end_of(last)
        else:
            begin = replace(self, now=self.span(last)[0]).span(first)[0]
        return begin, max(begin, end)

    def _offset_from_now(self, match: re.Match[str]) -> datetime:
        numbers = {
            unit: int(number)
            for unit, number in match.groupdict().items()
            if unit != "sign" and number
        }
        sign = -1 if match["sign"] == "-" else 1
        hours, minutes = numbers.pop("hours", 0), numbers.pop("minutes", 0)
        elapsed = sign * timedelta(hours=hours, minutes=minutes)
        try:
            # Days and longer are those of the clock on the wall, hours are hours that pass.
            local = self._local_now() + sign * relativedelta(
                years=numbers.get("years", 0),
                months=numbers.get("months", 0),
                weeks=numbers.get("weeks", 0),
                days=numbers.get("days", 0),
            )
            return (self._to_utc(local) if numbers else self.now) + elapsed
        except (OverflowError, ValueError):
            return BEGINNING if sign < 0 else FOREVER

    def _local_now(self) -> datetime:
        return self.hours.local(self.now).replace(tzinfo=None)

    def _local_span(self, name: str) -> LocalSpan:
        today = self.today
        if self.looks_ahead and name in {"overnight", "weekend"}:
            return self._next_of(name)
        if name in _NAMED:
            return _NAMED[name](today)
        if name in WEEKDAYS:
            return self._weekday(WEEKDAYS.index(name))
        if name in MONTHS:
            return self._month(MONTHS.index(name) + 1)
        return _date_span(name)

    def _next_of(self, name: str) -> LocalSpan:
        """Return the coming night or weekend."""
        begin, end = _NAMED[name](self.today)
        while end <= self._local_now():
            step = DAY if name == "overnight" else WEEK
            begin, end = begin + step, end + step
        return begin, end

    def _weekday(self, weekday: int) -> LocalSpan:
        today = self.today
        distance = -((today.weekday() - weekday) % 7)
        if self.looks_ahead:
            distance = (weekday - today.weekday()) % 7
        return _days(distance)(today)

    def _month(self, month: int) -> LocalSpan:
        today = self.today
        distance = -((today.month - month) % 12)
        if self.looks_ahead:
            distance = (month - today.month) % 12
        return _months(distance)(today)

    def _to_utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=ZoneInfo(self.hours.zone)).astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, MIDNIGHT)


def _date_span(name: str) -> LocalSpan:
    """Read a date or a month in digits."""
    try:
        if _ISO_DATE.fullmatch(name):
            begin = _midnight(date.fromisoformat(name))
            return begin, begin + DAY
        if _ISO_MONTH.fullmatch(name):
            begin = _midnight(date.fromisoformat(f"{name}-01"))
            return begin, begin + MONTH
    except (ValueError, OverflowError):
        pass
    raise UnknownPeriod(name)


def _time_of_day(text: str, name: str) -> time:
    match = _CLOCK.fullmatch(text)
    try:
        if match:
            return time(int(match[1]), int(match[2]))
    except ValueError:
        pass
    raise UnknownPeriod(name)


# --- in words ------------------------------------------------------------------------------------

_PHRASES = {
    "now": "now",
    "day_before_yesterday": "the day before yesterday",
    "weekend": "at the weekend",
}
_AS_BEGINNING = {
    "this_morning": "this morning",
    "weekend": "the weekend",
    "overnight": "last night",
}
_UNITS = (
    ("years", "year"),
    ("months", "month"),
    ("weeks", "week"),
    ("days", "day"),
    ("hours", "hour"),
    ("minutes", "minute"),
)


def describe_period(period: Period) -> str:
    """Say a period as people do: "since Friday", "last week", "in the last 3 days"."""
    if period.before:
        return f"before {_point(period.before)}"
    if period.begin and period.begin == period.end:
        return describe_name(period.begin)
    if period.begin and period.end:
        return f"from {_point(period.begin)} to {_point(period.end)}"
    if period.end:
        return f"until {_point(period.end)}"
    if not period.begin:
        return "at any time"
    if period.begin.startswith("-P"):
        return f"in the last {_amount(period.begin)}"
    return f"since {_point(period.begin)}"


def describe_limit(name: str) -> str:
    """Say the end of a period as a limit: "by Friday", "within 2 hours", "by the end of …"."""
    if name.startswith("+P"):
        return f"within {_amount(name)}"
    if name.startswith(("this_", "last_", "next_")):
        return f"by the end of {_point(name)}"
    return f"by {_point(name)}"


def describe_name(name: str) -> str:
    """Say when something was, within a named period: "on Friday", "in June", "overnight"."""
    lower_name = name.casefold()
    if lower_name in _PHRASES:
        return _PHRASES[lower_name]
    if lower_name in WEEKDAYS or _ISO_DATE.fullmatch(lower_name):
        return f"on {_point(name)}"
    if lower_name in MONTHS or _ISO_MONTH.fullmatch(lower_name):
        return f"in {_point(name)}"
    if "@" in name or name[:2] in {"-P", "+P"}:
        return f"at {_point(name)}"
    return lower_name.replace("_", " ")


def _point(name: str) -> str:
    """Say a name as a point from which or to which something is counted."""
    if name.startswith("-P"):
        return f"{_amount(name)} ago"
    if name.startswith("+P"):
        return f"{_amount(name)} from now"
    day_name, at_sign, clock_text = name.casefold().partition("@")
    if at_sign:
        return f"{clock_text} {describe_name(day_name)}"
    if day_name in _AS_BEGINNING:
        return _AS_BEGINNING[day_name]
    if day_name in WEEKDAYS or day_name in MONTHS:
        return day_name.capitalize()
    return _date_words(day_name) or _PHRASES.get(day_name, day_name.replace("_", " "))


def _date_words(name: str) -> str:
    """Say a date or month in digits; empty for anything else."""
    try:
        day = _date_span(name)[0]
    except UnknownPeriod:
        return ""
    is_month = _ISO_MONTH.fullmatch(name)
    return f"{day:%B %Y}" if is_month else f"{day:%a} {day.day} {day:%b %Y}"


def _amount(name: str) -> str:
    """Say how much time an offset is: "3 days", "2 hours 30 minutes"."""
    match = _OFFSET.fullmatch(name.upper())
    if match is None:
        return name
    parts = []
    for unit, noun in _UNITS:
        number = int(match[unit] or 0)
        if number:
            parts.append(f"{number} {noun}" if number == 1 else f"{number} {noun}s")
    return " ".join(parts) or "0 minutes"
