"""Times of foreign formats, read or left out."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from dateutil import parser
else:
    # Few processes meet a time that is not in ISO 8601.
    parser = LazyModule("dateutil.parser")

# Times beyond these are mistakes, or leave no room to compute deadlines and time zones.
MIN_YEAR, MAX_YEAR = 1900, 2200
MAX_TIME_LENGTH = 80
#: From these on, a number since 1970 is in milliseconds, microseconds or nanoseconds.
MIN_MILLISECONDS, MIN_MICROSECONDS, MIN_NANOSECONDS = 1e11, 1e14, 1e17
#: A smaller number is a duration, a percentage or an id, and no time: 9 September 2001.
MIN_EPOCH_SECONDS = 1e9
# Offsets in hours of the names that RFC 2822 and American products use.
_ZONES = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "UT": 0},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
    **{"CET": 1, "CEST": 2, "BST": 1, "WET": 0, "WEST": 1, "EET": 2, "EEST": 3, "JST": 9},
}
_NUMBER = re.compile(r"\d{9,20}(\.\d{1,9})?")
# Go writes its time with the zone twice and a clock of its own.
_GO_TAIL = re.compile(r" m=[+-][\d.]+$")
_TWO_ZONES = re.compile(r"([+-]\d{4}) [A-Z]{2,5}$")
# The third of April or the fourth of March: nobody can tell.
_AMBIGUOUS = re.compile(r"(\d{1,2})/(\d{1,2})/\d{2,4}\b")
_DAY_FIRST = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}\b")
# What a date leaves open comes from these, and differs between them.
_DEFAULTS = (datetime(2001, 2, 3, tzinfo=UTC), datetime(2002, 3, 4, tzinfo=UTC))


def read_foreign_time(value: Any) -> datetime | None:
    """Read a time in any usual format; None for anything else.

    A time without a zone is UTC.
    """
    try:
        at = _parse(value)
    except (ValueError, OverflowError, OSError):
        return None
    if at is None or not MIN_YEAR <= at.year <= MAX_YEAR:
        return None
    return at


def _parse(value: Any) -> datetime | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_epoch(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > MAX_TIME_LENGTH:
        return None
    if _NUMBER.fullmatch(text):
        return _from_epoch(float(text) if "." in text else int(text))
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return _parse_freely(text)


def _from_epoch(number: float) -> datetime | None:
    if not number >= MIN_EPOCH_SECONDS:
        return None
    for bound, unit in (
        (MIN_NANOSECONDS, 10**9),
        (MIN_MICROSECONDS, 10**6),
        (MIN_MILLISECONDS, 10**3),
    ):
        if number >= bound:
            seconds, rest = divmod(number, unit)
            return datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=rest / unit)
    return datetime.fromtimestamp(number, UTC)


def _parse_freely(text: str) -> datetime | None:
    text = _TWO_ZONES.sub(r"\1", _GO_TAIL.sub("", text))
    if _is_ambiguous(text) or not any(map(str.isdigit, text)):
        return None
    is_day_first = bool(_DAY_FIRST.match(text))
    times = {
        parser.parse(text, default=default, tzinfos=_zone, dayfirst=is_day_first)
        for default in _DEFAULTS
    }
    # A date that is not whole takes its rest from the default.
    return _in_utc(times.pop()) if len(times) == 1 else None


def _is_ambiguous(text: str) -> bool:
    match = _AMBIGUOUS.match(text)
    if match is None:
        return False
    first, second = int(match[1]), int(match[2])
    return first != second and max(first, second) <= 12


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    hours = _ZONES.get(name or "")
    return UTC if hours is None else timezone(timedelta(hours=hours))


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC)
