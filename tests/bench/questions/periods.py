"""Periods by their names, on the clock of the asker, written after FORMAT.md alone."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
EVENING = time(18)
MORNING = time(8)
NOON = time(12)
BEGINNING = datetime(1970, 1, 2, tzinfo=ZoneInfo("UTC"))
END_OF_TIME = datetime(2200, 1, 1, tzinfo=ZoneInfo("UTC"))

_DURATION = re.compile(r"([+-]?)P(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_DAY_TIME = re.compile(r"(today|yesterday|tomorrow)@(\d\d):(\d\d)")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")

Span = tuple[datetime, datetime]


def duration(text: str) -> timedelta:
    """Read an ISO 8601 duration; a month counts thirty days."""
    match = _DURATION.fullmatch(text)
    if match is None or match.end() < 3:
        raise ValueError(text)
    sign, months, weeks, days, hours, minutes = match.groups()
    span = timedelta(
        days=30 * int(months or 0) + int(days or 0),
        weeks=int(weeks or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
    )
    return -span if sign == "-" else span


def span_of(period: Mapping[str, str], now: datetime, zone: str, *, is_due: bool = False) -> Span:
    """Return the beginning and the end of a period, the end not included."""
    if "before" in period:
        return BEGINNING, named_span(period["before"], now, zone, is_due=is_due)[0]
    begin = BEGINNING
    end = now + timedelta(microseconds=1)
    if "from" in period:
        begin = named_span(period["from"], now, zone, is_due=is_due)[0]
    if "to" in period:
        end = named_span(period["to"], now, zone, is_due=is_due)[1]
    return begin, end


def named_span(name: str, now: datetime, zone: str, *, is_due: bool = False) -> Span:
    """Return the span that a name stands for."""
    local_now = now.astimezone(ZoneInfo(zone))
    today = local_now.date()
    if name == "now":
        return now, now
    if name[0] in "+-P":
        moment = now + duration(name)
        return moment, moment
    day_time = _DAY_TIME.fullmatch(name)
    if day_time:
        day = today + {"today": 0, "yesterday": -1, "tomorrow": 1}[day_time[1]] * DAY
        moment = _at(day, zone, time(int(day_time[2]), int(day_time[3])))
        return moment, moment
    if _ISO_DATE.fullmatch(name):
        return _days(date.fromisoformat(name), 1, zone)
    if name in WEEKDAYS:
        return _days(_weekday(name, today, is_due=is_due), 1, zone)
    if name in MONTHS:
        return _month_named(name, today, zone, is_due=is_due)
    return _fixed_name(name, today, zone)


def _fixed_name(name: str, today: date, zone: str) -> Span:
    monday = today - today.weekday() * DAY
    days = {
        "today": (today, 1),
        "yesterday": (today - DAY, 1),
        "tomorrow": (today + DAY, 1),
        "day_before_yesterday": (today - 2 * DAY, 1),
        "this_week": (monday, 7),
        "last_week": (monday - WEEK, 7),
        "next_week": (monday + WEEK, 7),
        # Saturday and Sunday, the last that have begun.
        "weekend": (_weekday("saturday", today, is_due=False), 2),
    }
    if name in days:
        return _days(*days[name], zone)
    times = {
        "this_morning": (_at(today, zone), _at(today, zone, NOON)),
        "tonight": (_at(today, zone, EVENING), _at(today + DAY, zone)),
        "overnight": (_at(today - DAY, zone, EVENING), _at(today, zone, MORNING)),
        "last_night": (_at(today - DAY, zone, EVENING), _at(today, zone, MORNING)),
    }
    if name in times:
        return times[name]
    return _long_name(name, today, zone)


def _long_name(name: str, today: date, zone: str) -> Span:
    quarter = today.month - (today.month - 1) % 3
    months = {
        "this_month": (_months(today.replace(day=1), 0), 1),
        "last_month": (_months(today.replace(day=1), -1), 1),
        "this_quarter": (today.replace(month=quarter, day=1), 3),
        "last_quarter": (_months(today.replace(month=quarter, day=1), -3), 3),
        "this_year": (today.replace(month=1, day=1), 12),
        "last_year": (today.replace(year=today.year - 1, month=1, day=1), 12),
    }
    first, count = months[name]
    return _at(first, zone), _at(_months(first, count), zone)


def _weekday(name: str, today: date, *, is_due: bool) -> date:
    """Return the latest that has begun; of what is due, the next."""
    ahead = (WEEKDAYS.index(name) - today.weekday()) % 7
    if is_due or ahead == 0:
        return today + ahead * DAY
    return today + (ahead - 7) * DAY


def _month_named(name: str, today: date, zone: str, *, is_due: bool) -> Span:
    month = MONTHS.index(name) + 1
    year = today.year
    if is_due and month < today.month:
        year += 1
    if not is_due and month > today.month:
        year -= 1
    first = date(year, month, 1)
    return _at(first, zone), _at(_months(first, 1), zone)


def _months(first: date, count: int) -> date:
    place = first.year * 12 + first.month - 1 + count
    return date(place // 12, place % 12 + 1, 1)


def _days(first: date, count: int, zone: str) -> Span:
    return _at(first, zone), _at(first + count * DAY, zone)


def _at(day: date, zone: str, clock: time = time(0)) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(zone))
