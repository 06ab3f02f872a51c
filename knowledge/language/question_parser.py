"""The meaning of a question, by a small grammar and without a model.

Words are taken out of the text as they are understood: the case, the time, the status, the kind.
What is left is searched for in the cases. A question that is not understood is None.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from bot.cases.hours import Hours
from bot.cases.question import Ask, Question, Span, Which
from knowledge.language.question_patterns import (
    CASE_NUMBER,
    DURATION_REQUEST,
    FILLERS,
    INTENTS,
    STATUSES,
    WORD,
)
from knowledge.language.time_spans import take_span

MAX_QUESTION_LENGTH = 500
MAX_SEARCH_WORDS = 6
MIN_PLURAL_LENGTH = 4
INTENTS_ON_ONE_CASE = frozenset({Ask.WHY, Ask.WHY_ASKED})
INTENTS_WITHOUT_FILTERS = frozenset({Ask.MINE, Ask.HANDLED, Ask.PAUSED, Ask.HELP})


class QuestionParser:
    """Parses questions about cases. ``titles`` are those of the kinds, by kind."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._names = {kind: _significant_words(kind.replace("_", " ")) for kind in titles}
        self._titles = {
            kind: _significant_words(f"{kind.replace('_', ' ')} {title}")
            for kind, title in titles.items()
        }

    def understand(
        self, text: str, now: datetime, hours: Hours, case_id: str = ""
    ) -> Question | None:
        """Parse a question; None when it is not understood.

        ``case_id`` is the case in whose thread it was asked; a case that the words name goes first.
        """
        words = " ".join(text[:MAX_QUESTION_LENGTH].replace("’", "'").split()).casefold()
        case_in_text, words = _take_case(words)
        intent = _find_intent(words)
        asks_why = intent in INTENTS_ON_ONE_CASE
        subject = case_in_text or case_id
        if subject and (case_in_text or asks_why):
            on_case = intent if intent is not None and asks_why else Ask.SHOW
            return Question(on_case, Which.ANY, case_id=subject)
        if intent is None or intent is Ask.WHY_ASKED:
            return None
        return self._parse_filters(intent, words, now, hours)

    def _parse_filters(
        self, intent: Ask, words: str, now: datetime, hours: Hours
    ) -> Question | None:
        span, words = take_span(words, now, hours)
        asks_duration = intent is Ask.COUNT and bool(re.search(DURATION_REQUEST, words))
        words = re.sub(DURATION_REQUEST, " ", words)
        status, words = _take_status(words, span, intent)
        if intent in INTENTS_WITHOUT_FILTERS:
            return Question(intent, span=span)
        kind, words = self._take_kind(words)
        search_words = tuple(_significant_words(words))
        if len(search_words) > MAX_SEARCH_WORDS:
            return None
        if intent is Ask.WHY:
            if not search_words:
                return None
            status = Which.ANY
        return Question(
            ask=Ask.COUNT if intent is Ask.COUNT else Ask.LIST,
            which=status,
            kind=kind,
            words=search_words,
            span=span,
            how_long=asks_duration,
        )

    def _take_kind(self, text: str) -> tuple[str, str]:
        """Take the kind out of a text; return it and the rest.

        A doubt between kinds is no kind: then the words are searched for.
        """
        words = set(_significant_words(text))
        kind = self._find_kind(words)
        if not kind:
            return "", text
        kind_words = words & set(self._titles[kind])
        rest = [word for word in WORD.findall(text) if _stem(word) not in kind_words]
        return kind, " ".join(rest)

    def _find_kind(self, words: set[str]) -> str:
        """Find the kind with most words in common; empty when there is none, or several."""
        scores = {kind: len(words & set(title)) for kind, title in self._titles.items()}
        best = max(scores.values(), default=0)
        if best == 0:
            return ""
        leaders = [kind for kind, score in scores.items() if score == best]
        # A word of a title alone is too little: one of the kind's own name must be there.
        by_name = [kind for kind in leaders if words & set(self._names[kind])]
        return by_name[0] if len(by_name) == 1 else ""


def _take_case(text: str) -> tuple[str, str]:
    match = CASE_NUMBER.search(text)
    if match is None:
        return "", text
    return f"EX-{int(match[1])}", CASE_NUMBER.sub(" ", text)


def _find_intent(text: str) -> Ask | None:
    for intent, pattern in INTENTS:
        if re.search(pattern, text):
            return intent
    return None


def _take_status(text: str, span: Span | None, intent: Ask) -> tuple[Which, str]:
    """Take the status out of a text; return it, or the one that goes without saying."""
    for status, pattern in STATUSES:
        if re.search(pattern, text):
            return status, re.sub(pattern, " ", text)
    # "How many last week" means all of them, "anything about X" those that are open.
    means_all = intent is Ask.COUNT or span is not None
    return (Which.ANY if means_all else Which.OPEN), text


def _significant_words(text: str) -> list[str]:
    """List the words that carry meaning, without their endings and without duplicates."""
    stems = dict.fromkeys(_stem(word) for word in WORD.findall(text.casefold()))
    return [stem for stem in stems if _is_significant(stem)]


def _is_significant(stem: str) -> bool:
    if stem in FILLERS or stem == "'s":
        return False
    return len(stem) > 1 or stem.isdigit()


def _stem(word: str) -> str:
    """Cut off a possessive or a plural "s", so that "invoices" finds "invoice"."""
    word = word.strip("'").removesuffix("'s")
    is_plural = word.endswith("s") and not word.endswith("ss")
    return word[:-1] if is_plural and len(word) >= MIN_PLURAL_LENGTH else word
