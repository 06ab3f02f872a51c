"""What a question means, without a model: a small grammar of what people ask a desk. What it does not understand it says so.

Words are taken away as they are understood: the case, the time, the kind, the condition; what is left is looked for in the cases.
"""

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.cases.hours import Hours
from bot.views.questions import Intent, Question, Span, StatusFilter

DAY = timedelta(days=1)
LONGEST = 500
MOST_WORDS = 6
CASE = re.compile(r"\bEX-?\s?(\d{1,9})\b", re.IGNORECASE)
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
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ASKS: tuple[tuple[Intent, str], ...] = (
    (Intent.HELP, r"^\W*(help|hi|hello|hey|what can you do|what can i ask)\W*$"),
    (
        Intent.WHY_ASKED,
        r"why (didn'?t|did not|don'?t|do not) you (just )?(do|run|handle|fix|approve|carry)|why (are|did|do) you ask",
    ),
    (Intent.PAUSED, r"\b(is|what'?s|what is|anything|are we) .*\bpaused\b|\bpaused\?|kill switch"),
    (
        Intent.HANDLED,
        r"\b(without (me|us|anyone|anybody|asking)|by (yourself|itself|themselves)|on your own|automatically|auto-?(resolved|handled))\b",
    ),
    (
        Intent.MINE,
        r"\b(waits?|waiting|wait|wants?|needs?|pending|left|assigned|open|late|due)\b.{0,20}\b(on|for|from|to|with)? ?\bme\b"
        r"|\bmy (queue|cases|approvals|decisions|list|work|exceptions)\b|\bwhat (should|must|do) i\b|^\W*mine\W*$|\bfor me\b",
    ),
    (Intent.COUNT, r"\bhow many\b|\bnumber of\b|\bcount\b"),
    (Intent.WHY, r"\bwhy\b|\bwho\b|\bwhat happened (to|with)\b|\bhow did\b.*\bend\b|\bhow was\b"),
    (
        Intent.LIST,
        r"\b(what|which|list|show|any|anything|anybody|is there|are there|give|find|search|look for|everything|all|open|late|overdue|news?)\b",
    ),
)
CONDITIONS: tuple[tuple[StatusFilter, str], ...] = (
    (
        StatusFilter.UNRECOGNISED,
        r"\b(unrecogni[sz]ed|not recogni[sz]ed|not recogni[sz]e|unknown kind)\b",
    ),
    (StatusFilter.LATE, r"\b(late|overdue|past due|behind|too long)\b"),
    (StatusFilter.REJECTED, r"\b(rejected|declined|refused|turned down)\b"),
    (StatusFilter.EXPIRED, r"\b(expired|timed out|lapsed)\b"),
    (StatusFilter.CLEARED, r"\b(cleared|went away)\b"),
    (StatusFilter.SNOOZED, r"\b(snoozed|asleep|sleeping)\b"),
    (StatusFilter.RESOLVED, r"\b(resolved|solved|fixed|worked)\b"),
    (StatusFilter.ENDED, r"\b(closed|ended|finished|done|handled)\b"),
    (
        StatusFilter.OPEN,
        r"\b(open|pending|outstanding|waiting|undecided|right now|going on|unresolved)\b",
    ),
)
HOW_LONG = r"\bhow (long|fast|quick(ly)?)\b.*|\b(take|took|duration|median|average)\b.*"
# Words that carry no meaning of their own in a question to a desk.
FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "anything",
        "anybody",
        "anyone",
        "about",
        "all",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "can",
        "case",
        "cases",
        "could",
        "count",
        "did",
        "do",
        "does",
        "done",
        "ever",
        "everything",
        "exception",
        "exceptions",
        "find",
        "for",
        "from",
        "get",
        "give",
        "happened",
        "happen",
        "has",
        "have",
        "how",
        "i",
        "in",
        "is",
        "issue",
        "issues",
        "it",
        "its",
        "just",
        "kind",
        "list",
        "long",
        "look",
        "many",
        "may",
        "me",
        "my",
        "new",
        "news",
        "number",
        "of",
        "on",
        "or",
        "our",
        "out",
        "over",
        "please",
        "problem",
        "problems",
        "regarding",
        "search",
        "show",
        "so",
        "some",
        "tell",
        "than",
        "that",
        "the",
        "their",
        "them",
        "there",
        "these",
        "they",
        "thing",
        "things",
        "this",
        "those",
        "to",
        "took",
        "take",
        "today",
        "up",
        "us",
        "was",
        "we",
        "were",
        "what",
        "what's",
        "whats",
        "when",
        "which",
        "who",
        "whom",
        "why",
        "with",
        "you",
        "your",
        "concerning",
        "currently",
        "now",
        "still",
        "ones",
        "one",
        "had",
        "since",
        "until",
        "tonight",
        "status",
        "state",
    ]
)


class QuestionGrammar:
    """Knows the kinds by their titles and words; everything else is in the tables above."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._kinds = {
            kind: _significant(f"{kind.replace('_', ' ')} {title}")
            for kind, title in titles.items()
        }
        self._names = {kind: _significant(kind.replace("_", " ")) for kind in titles}

    def understand(
        self, text: str, now: datetime, hours: Hours, case_id: str = ""
    ) -> Question | None:
        """The question, or None. ``case_id``: the case in whose thread it is asked, unless the words name another."""
        said = " ".join(text[:LONGEST].replace("’", "'").split()).casefold()
        named, said = _named_case(said)
        ask = next((ask for ask, pattern in ASKS if re.search(pattern, said)), None)
        about = named or case_id
        if about and (named or ask in {Intent.WHY, Intent.WHY_ASKED}):
            return Question(
                ask if ask in {Intent.WHY, Intent.WHY_ASKED} else Intent.SHOW,
                StatusFilter.ANY,
                case_id=about,
            )
        if ask is None or ask is Intent.WHY_ASKED:
            return None
        return self._without_case(ask, said, now, hours)

    def _without_case(self, ask: Intent, said: str, now: datetime, hours: Hours) -> Question | None:
        span, said = _span(said, now, hours)
        how_long = bool(re.search(HOW_LONG, said)) and ask is Intent.COUNT
        which, said = _condition(re.sub(HOW_LONG, " ", said), span, ask)
        if ask in {Intent.MINE, Intent.HANDLED, Intent.PAUSED, Intent.HELP}:
            return Question(ask, span=span)
        kind, said = self._kind(said)
        words = tuple(_significant(said))
        if len(words) > MOST_WORDS or (ask is Intent.WHY and not words):
            return None
        if ask is Intent.WHY:
            which = StatusFilter.ANY
        return Question(
            Intent.COUNT if ask is Intent.COUNT else Intent.LIST,
            which,
            kind=kind,
            words=words,
            span=span,
            how_long=how_long,
        )

    def _kind(self, said: str) -> tuple[str, str]:
        """The one kind whose words these are, and the words without them. A doubt is no kind: then they are only words."""
        present = set(_significant(said))
        scores = {kind: len(present & set(words)) for kind, words in self._kinds.items()}
        best = max(scores.values(), default=0)
        leaders = [kind for kind, score in scores.items() if score == best]
        if len(leaders) > 1:
            leaders = [kind for kind in leaders if present & set(self._names[kind])] or leaders
        if best == 0 or len(leaders) != 1:
            return "", said
        taken = present & set(self._kinds[leaders[0]])
        if not present & set(self._names[leaders[0]]):
            return "", said
        return leaders[0], " ".join(
            word for word in re.findall(r"[\w&'-]+", said) if _stem(word) not in taken
        )


def _named_case(said: str) -> tuple[str, str]:
    found = CASE.search(said)
    return (f"EX-{int(found[1])}", CASE.sub(" ", said)) if found else ("", said)


def _condition(said: str, span: Span | None, ask: Intent) -> tuple[StatusFilter, str]:
    for which, pattern in CONDITIONS:
        if re.search(pattern, said):
            return which, re.sub(pattern, " ", said)
    # "How many last week" means all of them, whatever came of them; "anything about X" means what is open.
    return (StatusFilter.ANY if ask is Intent.COUNT or span else StatusFilter.OPEN), said


def _significant(said: str) -> list[str]:
    words = [_stem(word) for word in re.findall(r"[\w&'-]+", said.casefold())]
    kept = [
        word
        for word in words
        if word not in FILLERS and (len(word) > 1 or word.isdigit()) and word != "'s"
    ]
    return list(dict.fromkeys(kept))


def _stem(word: str) -> str:
    """Without a possessive or a plain plural, so that "invoices" finds "invoice"."""
    word = word.strip("'").removesuffix("'s")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _span(said: str, now: datetime, hours: Hours) -> tuple[Span | None, str]:
    """The time that is meant, as the clock on the wall there has it, and the words without it."""
    for pattern, make in SPANS:
        found = re.search(pattern, said)
        if found:
            since, until = make(hours.local(now), found)
            name = _name_of(found[0])
            return Span(
                since.astimezone(now.tzinfo), until.astimezone(now.tzinfo), name
            ), said.replace(found[0], " ")
    return None, said


def _name_of(words: str) -> str:
    return (
        words.strip()
        if words.startswith(("today", "yesterday", "this", "last", "since", "in ", "past"))
        else f"in {words.strip()}"
    )


def _midnight(at: datetime) -> datetime:
    """The beginning of that day on the wall, whatever the clock did since."""
    zone = at.tzinfo
    return datetime.combine(at.date(), time(0), zone if isinstance(zone, ZoneInfo) else at.tzinfo)


def _days(at: datetime, since: int, until: int) -> tuple[datetime, datetime]:
    """From so many days ago until so many days ago, by the calendar."""
    first, last = (_midnight(at - back * DAY) for back in (since, until))
    return first, last


def _week(at: datetime, back: int) -> tuple[datetime, datetime]:
    monday = at.weekday() + 7 * back
    return _days(at, monday, monday - 7)


def _month(at: datetime, back: int) -> tuple[datetime, datetime]:
    first = _midnight(at).replace(day=1)
    for _ in range(back):
        first = _midnight(first - DAY).replace(day=1)
    return first, _midnight(first + 32 * DAY).replace(day=1)


def _last(at: datetime, found: re.Match[str]) -> tuple[datetime, datetime]:
    number = found["number"] or "one"
    count = int(number) if number.isdigit() else NUMBERS.get(number, 1)
    return at - min(count, 1000) * UNITS[found["unit"]], at + timedelta(seconds=1)


def _since(at: datetime, found: re.Match[str]) -> tuple[datetime, datetime]:
    back = (at.weekday() - WEEKDAYS.index(found["day"])) % 7
    return _days(at, back, -1)


NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(NUMBERS)})"
SPANS = (
    (r"\btoday\b|\bthis (morning|afternoon|evening)\b", lambda at, found: _days(at, 0, -1)),
    (r"\byesterday\b", lambda at, found: _days(at, 1, 0)),
    (r"\bthis week\b", lambda at, found: _week(at, 0)),
    (r"\blast week\b", lambda at, found: _week(at, 1)),
    (r"\bthis month\b", lambda at, found: _month(at, 0)),
    (r"\blast month\b", lambda at, found: _month(at, 1)),
    (rf"\b(in )?(the )?(last|past) ({NUMBER} (of )?)?(?P<unit>hour|day|week|month)s?\b", _last),
    (rf"\bsince (?P<day>{'|'.join(WEEKDAYS)})\b", _since),
)
