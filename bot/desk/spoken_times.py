"""Times as people say them: "Monday", "tomorrow 9:30", "in two hours".

A time that is not understood as a whole is none.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.cases.hours import DAY, Hours

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
NUMBERS = ("a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": DAY, "w": 7 * DAY}
NAMED_TIMES = {"noon": time(12), "midday": time(12), "afternoon": time(14), "evening": time(18)}
RELATIVE_DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "the day after tomorrow": 2}
TONIGHT = time(20)
# "Friday at 2" is an appointment in the afternoon.
FIRST_MORNING_HOUR = 7
# A case rests a year at most; a longer span is a slip of the pen.
MAX_SPAN = timedelta(days=366)

_NUMBER = rf"(?P<number>\d{{1,3}}|an|one|{'|'.join(NUMBERS)})"
_SPAN = re.compile(
    rf"(?:in |for )?(?:(?P<half>half an?)|{_NUMBER}) ?"
    r"(?P<unit>minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)"
)
_CLOCK = r"(?:at )?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<suffix>am|pm|o'clock)?"
_TIME = re.compile(rf"(?:{_CLOCK}|(?:in the |at |this )?(?P<name>morning|{'|'.join(NAMED_TIMES)}))")
_WEEKDAY = re.compile(r"(?:on |next |this )?(?P<day>mon|tue|wed|thu|fri|sat|sun)(?P<rest>[a-z]*)")
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?P<rest>[a-z]*)"
_DAY_OF_MONTH = r"(?P<day>\d{1,2})(?:[snrt][tdh])?"
_YEAR = r"(?: (?P<year>20\d\d))?"
_DATES = (
    re.compile(rf"(?:on )?(?:the )?{_DAY_OF_MONTH} (?:of )?{_MONTH}{_YEAR}"),
    re.compile(rf"(?:on )?{_MONTH} {_DAY_OF_MONTH}{_YEAR}"),
)
_ISO_DATE = re.compile(r"(?:on )?20\d\d-\d\d-\d\d")


def read_time(text: str, now: datetime, hours: Hours, zone: str = "") -> datetime | None:
    """Read a time to come, in UTC; None for no time.

    Clock times and days are those of ``zone``, the person's own time zone. A day without a time is
    the opening of the channel's working hours on that day.
    """
    text = text.casefold().replace("’", "'").replace(",", " ")
    words = " ".join(text.split()).rstrip(".!")
    local_now = now.astimezone(_zone_info(zone, hours))
    moment = _read_span(words, local_now, hours) or _read_day_and_time(words, local_now, hours)
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    is_to_come = now < moment <= now + MAX_SPAN
    return moment if is_to_come else None


def _zone_info(zone: str, hours: Hours) -> ZoneInfo:
    """Return the time zone; for an unknown name the channel's."""
    if zone:
        try:
            return ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
    return ZoneInfo(hours.zone)


def _read_span(words: str, now: datetime, hours: Hours) -> datetime | None:
    """Read "in two hours"; days lead to an opening."""
    match = _SPAN.fullmatch(words)
    if match is None:
        return None
    unit = UNITS[match["unit"][0]]
    span = unit / 2 if match["half"] else _number(match["number"]) * unit
    if unit < DAY:
        # In UTC, for the clock on the wall may be changed meanwhile.
        return now.astimezone(UTC) + span
    return _opening(now.date() + span, now, hours)


def _number(word: str) -> int:
    if word.isdecimal():
        return int(word)
    if word in {"an", "one"}:
        return 1
    return NUMBERS.index(word) + 1


def _read_day_and_time(words: str, now: datetime, hours: Hours) -> datetime | None:
    """Read a day, a time, or both in either order."""
    if words == "tonight":
        return _moment(now.date(), TONIGHT, now)
    day = _read_day(words, now.date())
    if day:
        return _opening(day, now, hours)
    parts = words.split(" ")
    # Every place in which the day may end and the time begin.
    for index in range(1, len(parts)):
        first = " ".join(parts[:index])
        second = " ".join(parts[index:])
        for day_words, time_words in ((first, second), (second, first)):
            day = _read_day(day_words, now.date())
            if day and time_words == "morning":
                return _opening(day, now, hours)
            at = _read_time_of_day(time_words)
            if day and at:
                return _moment(day, at, now)
    at = _read_time_of_day(words)
    if at is None:
        return None
    moment = _moment(now.date(), at, now)
    if moment <= now:
        return _moment(now.date() + DAY, at, now)
    return moment


def _read_day(words: str, today: date) -> date | None:
    if words in RELATIVE_DAYS:
        return today + RELATIVE_DAYS[words] * DAY
    if words == "next week":
        return today + (7 - today.weekday()) * DAY
    weekday = _WEEKDAY.fullmatch(words)
    if weekday:
        return _next_weekday(weekday["day"], weekday["rest"], today)
    if _ISO_DATE.fullmatch(words):
        return _date_or_none(*map(int, words.removeprefix("on ").split("-")))
    for pattern in _DATES:
        match = pattern.fullmatch(words)
        if match:
            return _read_date(match, today)
    return None


def _next_weekday(start: str, rest: str, today: date) -> date | None:
    """Return the next day of this name; today is a week away."""
    for index, name in enumerate(WEEKDAYS):
        if name.startswith(start) and name.startswith(start + rest):
            days_ahead = (index - today.weekday() - 1) % 7 + 1
            return today + days_ahead * DAY
    return None


def _read_date(match: re.Match[str], today: date) -> date | None:
    start = match["month"] + match["rest"]
    names = [name for name in MONTHS if name.startswith(start)]
    if not names:
        return None
    month = MONTHS.index(names[0]) + 1
    if match["year"]:
        return _date_or_none(int(match["year"]), month, int(match["day"]))
    day = _date_or_none(today.year, month, int(match["day"]))
    if day and day < today:
        return _date_or_none(today.year + 1, month, int(match["day"]))
    return day


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read_time_of_day(words: str) -> time | None:
    match = _TIME.fullmatch(words)
    if match is None:
        return None
    if match["name"]:
        return NAMED_TIMES.get(match["name"])
    hour = int(match["hour"])
    minute = int(match["minute"] or 0)
    if match["suffix"] in {"am", "pm"}:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (match["suffix"] == "pm")
    elif hour < FIRST_MORNING_HOUR and not match["minute"]:
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _moment(day: date, at: time, now: datetime) -> datetime:
    return datetime.combine(day, at, now.tzinfo)


def _opening(day: date, now: datetime, hours: Hours) -> datetime:
    """Return when the channel opens on this day, or next after it.

    Where it never closes, that is the time of its daily summary.
    """
    if hours.opens == hours.closes:
        return _moment(day, hours.digest_at, now)
    return hours.next_opening(hours.midnight(day))
