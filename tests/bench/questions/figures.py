"""Numbers, money, shares, spans and moments in a text that people read."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.bench.questions.shown import CASE_ID, MOMENT_MARK

MONEY = re.compile(r"[£€$]\s?(\d[\d,]*(?:\.\d+)?)\s?(k|m)?\b", re.IGNORECASE)
PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s?(?:%|per ?cent)", re.IGNORECASE)
RATIO = re.compile(r"\b(\d[\d,]*) (?:of|out of|in) (?:the |all )?(\d[\d,]*)\b")
CLOCK = re.compile(r"\b(\d{1,2}):(\d\d)(?::\d\d)?\s?(am|pm)?\b", re.IGNORECASE)
DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d\b"
    r"|\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\b(?: \d{4})?",
    re.IGNORECASE,
)
INTEGER = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})+|\d+)(?![\w%]|[.,]\d)")
SPAN = re.compile(
    r"(\d+(?:\.\d+)?)\s?(seconds?|secs?|minutes?|mins?|min|hours?|hrs?|hr|h|days?|d|weeks?|months?)\b"
)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2592000}
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBER_WORDS = {word: number for number, word in enumerate(re.findall(r"\w+", _WORDS))}
MIN_RELATIVE_ERROR = 0.06
PERCENT_TOLERANCE = 1.0
MINUTE = 60

NONE = re.compile(
    r"\b(?:no|none|nothing|nobody|no one|not any|isn['’]t any|aren['’]t any|never"
    r"|0 (?:cases?|exceptions?))\b",
    re.IGNORECASE,
)


def says_none(text: str) -> bool:
    """Tell whether a text says that there is nothing."""
    return bool(NONE.search(text)) or 0 in counts_in(text)


def money_in(text: str) -> list[Decimal]:
    """List the amounts of money in a text."""
    amounts = []
    for digits, factor in MONEY.findall(text):
        amount = Decimal(digits.replace(",", ""))
        amounts.append(amount * {"k": 1000, "m": 1_000_000, "": 1}[factor.casefold()])
    return amounts


def counts_in(text: str) -> list[int]:
    """List the whole numbers in a text that may be counts, in their order."""
    for pattern in (CASE_ID, MONEY, PERCENT, CLOCK, DATE, SPAN):
        text = pattern.sub(" ~ ", text)
    found = [(match.start(), int(match[1].replace(",", ""))) for match in INTEGER.finditer(text)]
    for match in re.finditer(r"[A-Za-z]+", text):
        number = NUMBER_WORDS.get(match[0].casefold())
        if number is not None:
            found.append((match.start(), number))
    return [number for _, number in sorted(found)]


def shares_in(text: str) -> list[float]:
    """List the shares in a text, in per cent."""
    shares = [float(number) for number in PERCENT.findall(text)]
    for part, whole in RATIO.findall(text):
        total = int(whole.replace(",", ""))
        if total:
            shares.append(100 * int(part.replace(",", "")) / total)
    return shares


def has_share(text: str, part: int, whole: int) -> bool:
    """Tell whether a text states this share, or its complement."""
    share = 100 * part / whole
    wanted = (share, 100 - share)
    return any(
        abs(one - target) <= PERCENT_TOLERANCE for one in shares_in(text) for target in wanted
    )


def spans_in(text: str) -> list[tuple[float, float]]:
    """List the spans of time in seconds, each with half of its smallest unit."""
    spans: list[tuple[float, float]] = []
    last_end = -1
    for match in SPAN.finditer(text):
        number, unit = float(match[1]), _unit(match[2])
        decimals = len(match[1].partition(".")[2])
        error = unit / 10**decimals * 0.6
        spans.append((number * unit, error))
        between = text[last_end : match.start()]
        if last_end >= 0 and between.strip(" ,") in {"", "and"} and len(spans) > 1:
            spans.append((spans[-2][0] + number * unit, error))
        last_end = match.end()
    return spans


def _unit(word: str) -> int:
    key = "mo" if word.startswith("mo") else word[0]
    return UNITS[key]


def has_span(text: str, seconds: float) -> bool:
    """Tell whether a text states this span, rounded as people round."""
    for span, error in spans_in(text):
        if abs(span - seconds) <= max(error, MIN_RELATIVE_ERROR * seconds):
            return True
    return False


def clocks_in(text: str) -> list[tuple[int, int]]:
    """List the times of the day in a text."""
    clocks = []
    for hour, minute, half in CLOCK.findall(text):
        number = int(hour)
        if half.casefold() == "pm" and number < 12:
            number += 12
        clocks.append((number % 24, int(minute)))
    return clocks


def has_moment(text: str, at: datetime, now: datetime, zone: str) -> bool:
    """Tell whether a text gives this moment on this clock, or how far away it is."""
    for stamp in re.findall(MOMENT_MARK.format(r"(\d+)"), text):
        if abs(int(stamp) - at.timestamp()) <= MINUTE:
            return True
    if has_clock(text, at, zone) and _names_day(text, at, now, zone):
        return True
    return has_span(text, abs((at - now).total_seconds()))


def has_clock(text: str, at: datetime, zone: str) -> bool:
    """Tell whether the time of the day is in a text, a minute more or less."""
    local = at.astimezone(ZoneInfo(zone))
    near = [local + timedelta(minutes=minutes) for minutes in (-1, 0, 1)]
    wanted = {(one.hour, one.minute) for one in near}
    if local.minute == 0 and re.search(rf"\b{local.hour % 12 or 12}\s?(?:am|pm)\b", text):
        return True
    return bool(wanted & set(clocks_in(text)))


def _names_day(text: str, at: datetime, now: datetime, zone: str) -> bool:
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    ahead = (local.date() - today).days
    words = [f"{local:%a}", f"{local:%A}", f"{local.day} {local:%b}", f"{local:%Y-%m-%d}"]
    if ahead in {-1, 1}:
        words.append("tomorrow" if ahead == 1 else "yesterday")
    folded = text.casefold()
    if any(re.search(rf"\b{re.escape(word.casefold())}", folded) for word in words):
        return True
    return ahead == 0
