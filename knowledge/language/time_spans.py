"""Spans of time in a question, by the local calendar.

A span is like "yesterday" or "the last two weeks".
"""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial

from bot.cases.hours import Hours
from bot.views.questions import Span

DAY = timedelta(days=1)
NUMBERS = {
    "a": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "ten": 10,
    "couple": 2,
}
UNITS = {"hour": timedelta(hours=1), "day": DAY, "week": 7 * DAY, "month": 30 * DAY}
MAX_UNITS = 1000
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Names of spans that begin with one of these read well as they stand; others get an "in".
COMPLETE_NAMES = ("today", "yesterday", "this", "last", "since", "in ", "past")
Bounds = tuple[datetime, datetime]
Resolver = Callable[[datetime, re.Match[str]], Bounds]


def take_span(
    text: str,
    now: datetime,
    hours: Hours,
) -> tuple[Span | None, str]:
    """Take a span out of a text; return it and the rest."""
    for pattern, resolve in _PATTERNS:
        match = re.search(pattern, text)
        if match:
            since, until = resolve(hours.local(now), match)
            span = Span(
                since=since.astimezone(now.tzinfo),
                until=until.astimezone(now.tzinfo),
                name=_span_name(match[0]),
            )
            return span, text.replace(match[0], " ")
    return None, text


def _span_name(words: str) -> str:
    words = words.strip()
    return words if words.startswith(COMPLETE_NAMES) else f"in {words}"


def _midnight(at: datetime) -> datetime:
    """Return the beginning of the day on the wall clock."""
    # Not by subtraction: the clock may have changed since midnight.
    return datetime.combine(at.date(), time(0), at.tzinfo)


def _days(
    at: datetime,
    match: object,
    *,
    first: int,
    last: int,
) -> Bounds:
    """Return the bounds of some calendar days.

    They begin ``first`` days ago and end before ``last`` days ago.
    """
    return _midnight(at - first * DAY), _midnight(at - last * DAY)


def _week(
    at: datetime,
    match: object,
    *,
    weeks_ago: int,
) -> Bounds:
    monday = at.weekday() + 7 * weeks_ago
    return _days(at, match, first=monday, last=monday - 7)


def _month(
    at: datetime,
    match: object,
    *,
    months_ago: int,
) -> Bounds:
    first = _midnight(at).replace(day=1)
    for _ in range(months_ago):
        first = _midnight(first - DAY).replace(day=1)
    # The first of a month and 32 days are always in the next month.
    next_month = _midnight(first + 32 * DAY)
    return first, next_month.replace(day=1)


def _last_units(at: datetime, match: re.Match[str]) -> Bounds:
    number = match["number"] or "one"
    count = int(number) if number.isdigit() else NUMBERS.get(number, 1)
    duration = min(count, MAX_UNITS) * UNITS[match["unit"]]
    return at - duration, at + timedelta(seconds=1)


def _since_weekday(at: datetime, match: re.Match[str]) -> Bounds:
    days_ago = (at.weekday() - WEEKDAYS.index(match["day"])) % 7
    return _days(at, match, first=days_ago, last=-1)


_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(NUMBERS)})"
_UNIT = r"(?P<unit>hour|day|week|month)s?"
_PATTERNS: tuple[tuple[str, Resolver], ...] = (
    (r"\btoday\b|\bthis (morning|afternoon|evening)\b", partial(_days, first=0, last=-1)),
    (r"\byesterday\b", partial(_days, first=1, last=0)),
    (r"\bthis week\b", partial(_week, weeks_ago=0)),
    (r"\blast week\b", partial(_week, weeks_ago=1)),
    (r"\bthis month\b", partial(_month, months_ago=0)),
    (r"\blast month\b", partial(_month, months_ago=1)),
    (rf"\b(in )?(the )?(last|past) ({_NUMBER} (of )?)?{_UNIT}\b", _last_units),
    (rf"\bsince (?P<day>{'|'.join(WEEKDAYS)})\b", _since_weekday),
)
