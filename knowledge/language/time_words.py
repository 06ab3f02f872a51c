"""Periods, days and spans of time in a question.

They are named as ``bot.views.query.Period`` names them; the desk puts them on the asker's clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil import parser as date_parser
from dateutil.relativedelta import relativedelta

from bot.desk.spoken_times import MONTHS, WEEKDAYS
from bot.views.query import Period
from knowledge.language.left_aside import spell
from knowledge.language.money import NUMBER_WORDS
from knowledge.language.question_text import QuestionText, Token, phrase
from knowledge.language.question_words import word_set

SHORT_WEEKDAYS = {"sat": "saturday", "sun": "sunday", "wed": "wednesday", "weds": "wednesday"}
UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "fortnight": timedelta(days=14),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}
MAX_UNITS = 1000
RECENTLY = timedelta(days=30)
#: A few of something, where nobody said how many.
FEW = 3

_UNIT = r"(?P<unit>minute|hour|day|week|fortnight|month|quarter|year)s?"
_DAY = "|".join(WEEKDAYS)
#: Parts of an hour, in minutes; of a day, in hours.
_WRITTEN_OUT = tuple(
    (phrase(pattern), words)
    for pattern, words in (
        (r"(?:an|one|1) (?:hour and a half|and a half hours)|hour and a half", "90 minutes"),
        (r"half (?:of )?(?:an |a |1 )?hour|half-hour", "30 minutes"),
        (r"three quarters of an hour", "45 minutes"),
        (r"(?:a )?quarter (?:of )?(?:an )?hour", "15 minutes"),
        (r"half (?:of )?(?:a |1 )?day", "12 hours"),
        (r"(?<=last \d\d )min|(?<=past \d\d )min|(?<=next \d\d )min", "minutes"),
    )
)
_CLOCK_NUMBER = rf"\d{{1,2}}|{'|'.join(NUMBER_WORDS)}"
PAST_THE_HOUR = phrase(
    rf"(?P<part>half|quarter|ten|twenty|five|10|20|5) (?P<side>past|after|to) "
    rf"(?P<hour>{_CLOCK_NUMBER})"
)
MINUTES_OF_PARTS = {"half": 30, "quarter": 15, "ten": 10, "twenty": 20, "five": 5}
#: "O'clock", "this morning at 9".
HOUR_OF_PART = phrase(
    r"(?:(?P<word>since|after|before|until|from|by|around|at|about) )?"
    rf"(?P<day>today|yesterday|tomorrow|this morning|this afternoon|this evening|{_DAY})"
    r" (?:(?P<at>at|around|from|about) )?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?"
    r"(?P<half>am|pm)?(?P<sharp> o'clock)?(?! (?:cases|ones|minutes|hours|days|people|weeks))"
)
AT_HOUR = phrase(
    r"(?P<word>around|at|about|near) (?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?"
    r"(?P<half>am|pm)?(?P<sharp> o'clock)?(?! (?:cases|ones|minutes|hours|days|people|weeks))"
)
#: What happened about an hour happened so many minutes before or after it.
ABOUT_MINUTES = 30
LAST_ONE_OR_TWO = phrase(
    r"(?:the )?(?:last|past) (?P<unit>minute|hour|day|week|month) or (?P<count>two|so|three)"
)
_COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(NUMBER_WORDS)}|few|several)(?: of)?"
_MONTH = "|".join(MONTHS)
_PART = r"morning|noon|lunch(?:time)?|afternoon|evening|night"
#: Begin and end of the parts of a day.
PARTS_OF_DAY = {
    "morning": ("@00:00", "@12:00"),
    "noon": ("@12:00", "@12:00"),
    "lunch": ("@12:00", "@14:00"),
    "lunchtime": ("@12:00", "@14:00"),
    "afternoon": ("@12:00", "@18:00"),
    "evening": ("@18:00", "@23:59"),
    "night": ("@18:00", "@23:59"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeExpression:
    """A time as it was said."""

    begin: str = ""
    #: Empty where the time lasts until now.
    end: str = ""
    #: Set where only a length was said: "two days".
    length: timedelta | None = None
    #: An age, and whether it is the least or the most.
    is_min_age: bool = False
    is_max_age: bool = False


#: Phrases that are names as they stand, the longer first.
NAMED_PERIODS: tuple[tuple[str, str], ...] = (
    (
        r"(?:the )?day before yesterday|two days ago"
        r"|(?:the )?day before last",
        "day_before_yesterday",
    ),
    (
        r"(?:(?:while|when) (?:i|we|you) (?:was |were |are )?(?:asleep|sleeping|closed"
        r"|shut|away) )?last night|yesterday night|in the night|during the night",
        "last_night",
    ),
    (
        r"over ?night|through the night|while (?:i|we|you) (?:was|were) (?:asleep|sleeping|closed"
        r"|shut|away)|after (?:hours|closing)|since (?:we )?(?:closed|closing)|out of hours",
        "overnight",
    ),
    (
        r"(?:(?:over|at|on|during|in|from) )?(?:the |this |last |past |this past )?"
        r"(?:weekend|sat(?:urday)?(?: (?:or|and|&|to|through) |/|-)sun(?:day)?)(?: just gone"
        r"| past)?",
        "weekend",
    ),
    (
        r"(?:so far |earlier |until now |up to now |(?<=end of ))?(?:todays?|this day|the day"
        r"(?= |$)(?<=end of the day)|day(?<=end of day))|(?<=by )close of (?:business|play)|cob",
        "today",
    ),
    (r"(?:early )?this mornings?", "this_morning"),
    (r"tonight|this evening|this night", "tonight"),
    (r"yesterdays?", "yesterday"),
    (r"tomorrows?", "tomorrow"),
    (
        r"(?:so far |in |until now |during |within )?(?:this|the (?:current|present)"
        r"|(?<=end of )the"
        r"|(?<=end of )) ?weeks?(?<! weeks)(?: so far)?|eow|week to date|wtd",
        "this_week",
    ),
    (r"(?:the )?(?:last|prior) weeks?|the week just gone", "last_week"),
    (r"(?:the )?(?:next|coming|following) week", "next_week"),
    (
        r"(?:so far |in |during |within )?(?:this|the (?:current|present)|(?<=end of )the"
        r"|(?<=end of )) ?month(?: so far)?|eom|month to date|mtd"
        r"|(?:(?<=since )|(?<=from ))(?:the )?(?:first|1st|start|beginning) of (?:the|this) month"
        r"|(?<=since )(?:the |this )?month (?:began|started)",
        "this_month",
    ),
    (r"(?:the )?(?:last|prior) months?|the month just gone", "last_month"),
    (r"(?:this|the (?:current|present)) quarter(?: so far)?|quarter to date|qtd", "this_quarter"),
    (r"(?:the )?last quarter", "last_quarter"),
    (
        r"(?:so far |during )?(?:this|the (?:current|present)) year(?: so far)?|year to date|ytd",
        "this_year",
    ),
    (r"(?:the )?last year", "last_year"),
    *(
        (
            r"(?:(?:what|quite|such) an? |an? )?(?:crazy|mad|hectic|wild|insane|manic|busy|awful"
            rf"|terrible|rough|hellish|brutal|chaotic) {unit}"
            r"(?= (?:no|huh|eh|innit|right|was it not|is it not|how|what)(?![^ ])|$)",
            name,
        )
        for unit, name in (("day", "today"), ("week", "this_week"), ("month", "this_month"))
    ),
)
#: The period before the one that was spoken of.
BEFORE_THAT = phrase(
    r"(?:the )?(?P<unit>day|week|month|quarter|year|one) (?:before|prior)"
    r"(?: that| this one)?(?! \{period\})",
    r"(?:the )?(?:previous|prior|preceding) (?P<unit2>day|week|month|quarter|year|one)",
)
LAST_UNITS = phrase(rf"(?:the )?(?:last|past|previous|recent|latest)(?: {_COUNT})? {_UNIT}")
NEXT_UNITS = phrase(rf"(?:the )?(?:next|coming|following)(?: {_COUNT})? {_UNIT}")
AGO = phrase(rf"{_COUNT} {_UNIT} (?:ago|back|earlier)")
AGE = phrase(
    rf"(?:(?P<more>older|longer|over|more|open(?: after)?|exceeding|beyond|>=?)(?: than)?"
    r"|(?P<less>younger"
    rf"|newer"
    rf"|less|under|fresher|not older|no older|<=?)(?: than)?|at least|for(?: (?:over|more than"
    rf"|at least|about|almost|nearly|up to))?|since) {_COUNT} {_UNIT}(?: (?:old|now|already|long))?"
)
OLD = phrase(rf"{_COUNT} {_UNIT} (?:old|or (?:more|older|longer)|plus|and (?:more|older))")
LENGTH = phrase(rf"{_COUNT} {_UNIT}")
RECENT = phrase(r"lately|recently|these days|of late|in recent (?:times?|weeks?)|nowadays")
#: What came "since one hour" is no older.
CAME = phrase(
    r"new|newly|arriv(?:ed|es|ing)|c[ao]me(?: in)?|coming in|appeared|landed|turned up|fresh"
    r"|happened|popped up|showed up"
)
PART_OF_DAY = phrase(
    rf"(?P<day>yesterday|today|tomorrow|(?:last )?(?:{_DAY})) (?P<part>{_PART})",
)
THIS_PART = phrase(r"(?:this |the )(?P<part>noon|lunch(?:time)?|afternoon)")
CLOCK = phrase(
    r"(?P<word>since|after|before|until|from|by) (?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?"
    r"(?P<half>am|pm)?(?: o'clock)?|(?P<noon>noon|midday|lunch(?:time)?)|(?P<midnight>midnight))"
)
NOON = 12
HOURS = 24
#: A month with this day is never further away.
MAX_MONTHS_AWAY = 3
MONTHS_OF_QUARTER = 3
CLOCK_RANGE = phrase(
    r"(?:between|from) (?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>am|pm)? (?:and|to|until)"
    r" (?P<hour_end>\d{1,2})(?::(?P<minute_end>\d\d))? ?(?P<half_end>am|pm)?(?: o'clock)?"
    r"(?! (?:minutes?|hours?|days?|weeks?|months?|people|pounds|quid|grand|k|cases|ones))"
    r"(?: today)?",
)
_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>am|pm)?(?: o'clock)?"
CLOCK_OF_DAY = phrase(
    rf"(?P<word>since|after|before|until|from|by|at|around) {_CLOCK} (?:on )?(?:last )?"
    rf"(?P<day>yesterday|today|tomorrow|{_DAY})",
)
DAY_OF_MONTH = phrase(
    r"(?P<word>on|since|by|before|until|after|from) the (?P<number>\d{1,2})(?:st|nd|rd|th)"
    r"(?! (?:of|oldest|newest|biggest|largest|smallest|one|case|place)(?![^ ]))"
)
QUARTER = phrase(r"(?:the )?(?:q|quarter )(?P<quarter>[1-4])")
WEEKDAY = phrase(
    rf"(?:on |last |this |next |coming |past )*(?P<day>{_DAY})s?(?: just gone| gone| past)?",
    r"(?P<before>since|on|last|until|before|from|by|next|this|after|past) "
    r"(?P<short>sat|sun|wed|weds)",
)
MONTH = phrase(
    rf"(?P<word>since|in|last|until|before|from|during|of|for|by|after|between|all|this|end of"
    rf"|to|till|through|thru) (?P<month>{_MONTH})",
    r"(?P<first>may|march)(?= (?:to|through|thru|until|till) (?:[a-z]+))",
    rf"(?P<alone>{'|'.join(name for name in MONTHS if name not in ('may', 'march'))})",
)
_ORDINAL = r"\d{1,2}(?:st|[nr]d|th)?"
DATE = phrase(
    rf"(?:the )?{_ORDINAL}(?: of)? (?:{_MONTH})(?: \d{{4}})?",
    rf"(?:{_MONTH}) (?:the )?{_ORDINAL}(?: \d{{4}})?",
    r"\d{4}-\d{2}-\d{2}",
    r"\d{1,2}/\d{1,2}(?:/(?:\d{2}|\d{4}))?",
)
EARLIER = {
    "today": "yesterday",
    "this_morning": "yesterday",
    "yesterday": "day_before_yesterday",
    "tomorrow": "today",
    "this_week": "last_week",
    "next_week": "this_week",
    "this_month": "last_month",
    "this_quarter": "last_quarter",
    "this_year": "last_year",
}
UNITS_BEFORE_NOW = {
    "day": "yesterday",
    "week": "last_week",
    "month": "last_month",
    "quarter": "last_quarter",
    "year": "last_year",
}
_NAMES = tuple((phrase(pattern), name) for pattern, name in NAMED_PERIODS)
Maker = Callable[[re.Match[str]], TimeExpression | None]


def take_times(text: QuestionText, today: date, previous: Period | None = None) -> None:
    """Replace the times of a question by masks with what they say.

    ``previous`` is the period of the question before, if any.
    """

    def make_earlier(match: re.Match[str]) -> TimeExpression | None:
        unit = match["unit"] or match["unit2"]
        return _before_that(unit, previous, today)

    def make_date(match: re.Match[str]) -> TimeExpression | None:
        return _date(match, today)

    def make_quarter(match: re.Match[str]) -> TimeExpression | None:
        return _quarter(int(match["quarter"]), today)

    def make_day(match: re.Match[str]) -> TimeExpression | None:
        return _day_of_month(int(match["number"]), today, is_ahead=match["word"] == "by")

    _write_out(text)
    _take(text, DATE, make_date)
    _take(text, AGE, _since if text.search(CAME) is not None else _age)
    _take(text, OLD, _old)
    _take(text, AGO, _ago)
    _take(text, CLOCK_OF_DAY, _clock_of_day)
    _take(text, HOUR_OF_PART, _hour_of_part)
    _take(text, AT_HOUR, _at_hour)
    _take(text, DAY_OF_MONTH, make_day)
    _take(text, PART_OF_DAY, _part_of_day)
    _take(text, THIS_PART, _part_of_today)
    for pattern, name in _NAMES:
        for match in reversed(list(text.find_all(pattern))):
            _put(text, match, _whole_period(name))
    _take(text, BEFORE_THAT, make_earlier)
    _take(text, NEXT_UNITS, _next_units)
    _take(text, LAST_ONE_OR_TWO, _last_one_or_two)
    _take(text, LAST_UNITS, _last_units)
    _take(text, QUARTER, make_quarter)
    _take(text, CLOCK_RANGE, _clock_range)
    _take(text, CLOCK, _clock)
    _take(text, WEEKDAY, _weekday)
    _take(text, MONTH, _month)
    _take_recent(text)
    _take(text, LENGTH, _length)


def _take_recent(text: QuestionText) -> None:
    """Take "lately", which says nothing beside "in the last ten days"."""
    if "{period}" in text.words:
        text.take(RECENT)
    _take(text, RECENT, _recent)


def _write_out(text: QuestionText) -> None:
    """Write "half an hour" and "half past eight" as numbers."""
    for pattern, words in _WRITTEN_OUT:
        for match in reversed(list(text.find_all(pattern))):
            _rewrite(text, match, words)
    for match in reversed(list(text.find_all(PAST_THE_HOUR))):
        _rewrite(text, match, _past_the_hour(match))


def _past_the_hour(match: re.Match[str]) -> str:
    part, hour_words = match["part"], match["hour"]
    hour = int(hour_words) if hour_words.isdigit() else NUMBER_WORDS[hour_words]
    minute = int(part) if part.isdigit() else MINUTES_OF_PARTS[part]
    if match["side"] == "to":
        return f"{(hour - 1) % HOURS}:{60 - minute:02d}"
    return f"{hour % HOURS}:{minute:02d}"


def _rewrite(text: QuestionText, match: re.Match[str], words: str) -> None:
    """Replace the words of a match.

    The spelling of the asker stays beside them.
    """
    first, last = text.bounds(match)
    spelling = spell(text.tokens[first:last])
    place = text.tokens[first].place
    text.tokens[first:last] = [
        Token(word=word, spelling=spelling, place=place) for word in words.split()
    ]
    text.join()


def _take(text: QuestionText, pattern: re.Pattern[str], make: Maker) -> None:
    for match in reversed(list(text.find_all(pattern))):
        _put(text, match, make(match))


def _put(text: QuestionText, match: re.Match[str], time: TimeExpression | None) -> None:
    tokens = text.tokens_of(match)
    if time is None or all(token.is_explained for token in tokens):
        return
    first, last = text.bounds(match)
    # A word that says how the time bounds the period stays before the mask.
    while tokens[0].word in CONNECTORS and first + 1 < last:
        tokens[0].is_explained = True
        tokens = tokens[1:]
        first += 1
    text.replace(first, last, mask="period", value=time)


CONNECTORS = word_set(
    "since in on until before from during of for by after between all over at older longer more"
    " to till thru through younger newer less under fresher than open exceeding around at about"
    " near"
)


def _before_that(unit: str, previous: Period | None, today: date) -> TimeExpression | None:
    """Return the period before the one of the last question."""
    begin = previous.begin if previous is not None else ""
    if begin in EARLIER:
        return _whole_period(EARLIER[begin])
    if begin == "last_week":
        monday = today - timedelta(days=today.weekday() + 14)
        return _days(monday, monday + timedelta(days=6))
    if begin == "last_month":
        end = (today.replace(day=1) - timedelta(days=1)).replace(day=1) - timedelta(days=1)
        return _days(end.replace(day=1), end)
    if begin in WEEKDAYS:
        return _whole_period(WEEKDAYS[WEEKDAYS.index(begin) - 1])
    if begin in MONTHS:
        return _whole_period(MONTHS[MONTHS.index(begin) - 1])
    return _whole_period(UNITS_BEFORE_NOW[unit]) if unit in UNITS_BEFORE_NOW else None


def _days(begin: date, end: date) -> TimeExpression:
    return TimeExpression(begin=begin.isoformat(), end=end.isoformat())


def _whole_period(name: str) -> TimeExpression:
    return TimeExpression(begin=name, end=name)


def _duration(match: re.Match[str]) -> timedelta:
    words = match["count"] or "one"
    count = int(words) if words.isdigit() else NUMBER_WORDS.get(words, FEW)
    return min(count, MAX_UNITS) * UNITS[match["unit"]]


def span_name(length: timedelta, *, is_past: bool) -> str:
    """Name a moment by its distance from now, like "-P3D"."""
    sign = "-" if is_past else "+"
    if length % UNITS["day"]:
        minutes = int(length / UNITS["minute"])
        hours, rest = divmod(minutes, 60)
        return f"{sign}PT{hours}H" if not rest else f"{sign}PT{minutes}M"
    return f"{sign}P{length.days}D"


def _date(match: re.Match[str], today: date) -> TimeExpression | None:
    words = match[0].replace(" of ", " ").replace("the ", "")
    is_iso = re.match(r"\d{4}-", words) is not None
    first_of_year = today.replace(month=1, day=1)
    default = date_parser.parse(first_of_year.isoformat())
    try:
        day = date_parser.parse(words, dayfirst=not is_iso, default=default).date()
    except (ValueError, OverflowError):
        return None
    has_year = re.search(r"\d{4}|/\d+/", words) is not None
    if day > today and not has_year and day - today > timedelta(days=60):
        day = day.replace(year=day.year - 1)
    return _whole_period(day.isoformat())


def _age(match: re.Match[str]) -> TimeExpression | None:
    if match[0].startswith(("under ", "less ")) and match["less"] is None:
        return None
    is_less = match["less"] is not None
    return TimeExpression(length=_duration(match), is_max_age=is_less, is_min_age=not is_less)


def _since(match: re.Match[str]) -> TimeExpression | None:
    """Return the time that began so long ago."""
    if not match[0].startswith("since "):
        return _age(match)
    return TimeExpression(begin=span_name(_duration(match), is_past=True))


def _old(match: re.Match[str]) -> TimeExpression:
    return TimeExpression(length=_duration(match), is_min_age=True)


def _ago(match: re.Match[str]) -> TimeExpression:
    name = span_name(_duration(match), is_past=True)
    return TimeExpression(begin=name, end=name)


def _part_of_day(match: re.Match[str]) -> TimeExpression:
    begin, end = PARTS_OF_DAY[match["part"]]
    day = match["day"].removeprefix("last ")
    return TimeExpression(begin=day + begin, end=day + end)


def _part_of_today(match: re.Match[str]) -> TimeExpression:
    begin, end = PARTS_OF_DAY[match["part"]]
    return TimeExpression(begin="today" + begin, end="today" + end)


def _next_units(match: re.Match[str]) -> TimeExpression:
    return TimeExpression(begin="now", end=span_name(_duration(match), is_past=False))


def _last_units(match: re.Match[str]) -> TimeExpression:
    return TimeExpression(begin=span_name(_duration(match), is_past=True))


def _clock(match: re.Match[str]) -> TimeExpression | None:
    if match["noon"]:
        return _whole_period("today@12:00")
    if match["midnight"]:
        return _whole_period("today@00:00")
    hour = int(match["hour"])
    is_time = match["half"] or match["minute"] or "o'clock" in match[0]
    if hour > 23 or not (is_time or match["word"] == "since"):
        return None
    if match["half"] == "pm" and hour < 12:
        hour += 12
    return _whole_period(f"today@{hour:02d}:{int(match['minute'] or 0):02d}")


def _clock_range(match: re.Match[str]) -> TimeExpression | None:
    begin, end = int(match["hour"]), int(match["hour_end"])
    half = match["half_end"]
    if half == "pm" and end < NOON:
        end += NOON
    begin_half = match["half"] or (half if begin <= int(match["hour_end"]) else None)
    if begin_half == "pm" and begin < NOON:
        begin += NOON
    if not begin < end < HOURS:
        return None
    minute, minute_end = match["minute"] or "00", match["minute_end"] or "00"
    return TimeExpression(
        begin=f"today@{begin:02d}:{minute}",
        end=f"today@{end:02d}:{minute_end}",
    )


def _last_one_or_two(match: re.Match[str]) -> TimeExpression:
    count = NUMBER_WORDS.get(match["count"], 1)
    return TimeExpression(begin=span_name(count * UNITS[match["unit"]], is_past=True))


def _hour_of(match: re.Match[str]) -> int | None:
    """Return the hour of a time of day.

    None where none was named.
    """
    is_time = match["half"] or match["minute"] or match["sharp"]
    hour = int(match["hour"])
    if not is_time and "at" in match.re.groupindex and match["at"] is not None:
        is_time = match["at"]
    if hour >= HOURS or not is_time:
        return None
    return hour + NOON if match["half"] == "pm" and hour < NOON else hour


def _hour_of_part(match: re.Match[str]) -> TimeExpression | None:
    hour = _hour_of(match)
    if hour is None:
        return None
    day = match["day"]
    is_late = day in ("this afternoon", "this evening") and hour < NOON
    if day.startswith("this "):
        day = "today"
    hour += NOON if is_late else 0
    return _whole_period(f"{day}@{hour:02d}:{match['minute'] or '00'}")


def _at_hour(match: re.Match[str]) -> TimeExpression | None:
    """Return the time about an hour of today."""
    hour = _hour_of(match)
    if hour is None:
        return None
    minutes = 60 * hour + int(match["minute"] or 0)
    begin, end = max(0, minutes - ABOUT_MINUTES), min(60 * HOURS - 1, minutes + ABOUT_MINUTES)
    return TimeExpression(
        begin=f"today@{begin // 60:02d}:{begin % 60:02d}",
        end=f"today@{end // 60:02d}:{end % 60:02d}",
    )


def _clock_of_day(match: re.Match[str]) -> TimeExpression | None:
    hour = int(match["hour"])
    if match["half"] == "pm" and hour < NOON:
        hour += NOON
    if hour >= HOURS:
        return None
    return _whole_period(f"{match['day']}@{hour:02d}:{match['minute'] or '00'}")


def _day_of_month(number: int, today: date, *, is_ahead: bool) -> TimeExpression | None:
    """Return the latest day of this number.

    The next one where a deadline is meant.
    """
    step = 1 if is_ahead else -1
    for months in range(MAX_MONTHS_AWAY):
        month = today.replace(day=1) + relativedelta(months=step * months)
        try:
            day = month.replace(day=number)
        except ValueError:
            continue
        is_near = day >= today if is_ahead else day <= today
        if is_near:
            return _whole_period(day.isoformat())
    return None


def _quarter(number: int, today: date) -> TimeExpression:
    """Return the latest quarter of this number that has begun."""
    first_month = MONTHS_OF_QUARTER * (number - 1) + 1
    begin = today.replace(month=first_month, day=1)
    if begin > today:
        begin = begin.replace(year=begin.year - 1)
    end = begin + relativedelta(months=MONTHS_OF_QUARTER, days=-1)
    return _days(begin, end)


def _weekday(match: re.Match[str]) -> TimeExpression:
    return _whole_period(match["day"] or SHORT_WEEKDAYS[match["short"]])


def _month(match: re.Match[str]) -> TimeExpression:
    return _whole_period(match["month"] or match["alone"] or match["first"])


def _recent(match: re.Match[str]) -> TimeExpression:
    return TimeExpression(begin=span_name(RECENTLY, is_past=True))


def _length(match: re.Match[str]) -> TimeExpression:
    return TimeExpression(length=_duration(match))
