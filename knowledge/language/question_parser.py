"""The meaning of a question, by a grammar and without a model.

Words are taken out of the text as they are understood: the case, the time, the status, the kind.
What is left is searched for in the cases. A question that is not understood is None.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from bot.cases.hours import Hours
from bot.views.questions import Intent, Question, Span, StatusFilter
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
INTENTS_ON_ONE_CASE = frozenset({Intent.WHY, Intent.WHY_ASKED})
INTENTS_WITHOUT_FILTERS = frozenset({Intent.MINE, Intent.HANDLED, Intent.PAUSED, Intent.HELP})


class PatternParser:
    """Parses questions about cases.

    ``titles`` are those of the kinds, by kind.
    """

    def __init__(self, titles: Mapping[str, str]) -> None:
        # The words of each kind's name, and those of its name and title.
        self._name_words: dict[str, set[str]] = {}
        self._title_words: dict[str, set[str]] = {}
        for kind, title in titles.items():
            name = kind.replace("_", " ")
            self._name_words[kind] = set(_significant_words(name))
            self._title_words[kind] = set(_significant_words(f"{name} {title}"))

    def understand(
        self,
        text: str,
        now: datetime,
        hours: Hours,
        case_id: str = "",
    ) -> Question | None:
        """Parse a question; return None when it is not understood.

        ``case_id`` is the case in whose thread it was asked; a case that the words name goes first.
        """
        words = " ".join(text[:MAX_QUESTION_LENGTH].replace("’", "'").split()).casefold()
        case_in_text, words = _take_case(words)
        intent = _find_intent(words)
        if intent in INTENTS_ON_ONE_CASE and (case_in_text or case_id):
            return Question(intent, StatusFilter.ANY, case_id=case_in_text or case_id)
        if case_in_text:
            return Question(Intent.SHOW, StatusFilter.ANY, case_id=case_in_text)
        if intent is None or intent is Intent.WHY_ASKED:
            return None
        return self._parse_filters(intent, words, now=now, hours=hours)

    def _parse_filters(
        self,
        intent: Intent,
        text: str,
        *,
        now: datetime,
        hours: Hours,
    ) -> Question | None:
        span, text = take_span(text, now, hours)
        asks_duration = re.search(DURATION_REQUEST, text) is not None
        text = re.sub(DURATION_REQUEST, " ", text)
        status, text = _take_status(text, span, intent)
        if intent in INTENTS_WITHOUT_FILTERS:
            return Question(intent, span=span)
        kind, text = self._take_kind(text)
        words = tuple(_significant_words(text))
        if len(words) > MAX_SEARCH_WORDS:
            return None
        if intent is Intent.WHY:
            if not words:
                return None
            status = StatusFilter.ANY
        is_count = intent is Intent.COUNT
        return Question(
            intent=Intent.COUNT if is_count else Intent.LIST,
            status=status,
            kind=kind,
            words=words,
            span=span,
            how_long=is_count and asks_duration,
        )

    def _take_kind(self, text: str) -> tuple[str, str]:
        """Take the kind out of a text; return it and the rest.

        A doubt between kinds is no kind: then the words are searched for.
        """
        words = set(_significant_words(text))
        kind = self._find_kind(words)
        if not kind:
            return "", text
        kind_words = words & self._title_words[kind]
        rest = [word for word in WORD.findall(text) if _stem(word) not in kind_words]
        return kind, " ".join(rest)

    def _find_kind(self, words: set[str]) -> str:
        """Find the kind with most words in common.

        The result is empty when there is none, or several.
        """
        scores = {kind: len(words & title) for kind, title in self._title_words.items()}
        best = max(scores.values(), default=0)
        if best == 0:
            return ""
        matches = []
        for kind, score in scores.items():
            # A word of a title alone is too little: one of the kind's own name must be there.
            if score == best and words & self._name_words[kind]:
                matches.append(kind)
        return matches[0] if len(matches) == 1 else ""


def _take_case(text: str) -> tuple[str, str]:
    match = CASE_NUMBER.search(text)
    if match is None:
        return "", text
    return f"EX-{int(match[1])}", CASE_NUMBER.sub(" ", text)


def _find_intent(text: str) -> Intent | None:
    for intent, pattern in INTENTS:
        if re.search(pattern, text):
            return intent
    return None


def _take_status(text: str, span: Span | None, intent: Intent) -> tuple[StatusFilter, str]:
    """Take the status out of a text; return it and the rest.

    Without one it is the status that goes without saying.
    """
    for status, pattern in STATUSES:
        if re.search(pattern, text):
            return status, re.sub(pattern, " ", text)
    # "How many last week" means all of them, "anything about X" those that are open.
    if intent is Intent.COUNT or span is not None:
        return StatusFilter.ANY, text
    return StatusFilter.OPEN, text


def _significant_words(text: str) -> list[str]:
    """List the words that carry meaning, without endings and duplicates."""
    words = WORD.findall(text.casefold())
    stems = dict.fromkeys(map(_stem, words))
    return list(filter(_is_significant, stems))


def _is_significant(stem: str) -> bool:
    if stem in FILLERS or stem == "'s":
        return False
    return len(stem) > 1 or stem.isdigit()


def _stem(word: str) -> str:
    """Cut off a possessive or a plural "s": "invoices" finds "invoice"."""
    word = word.strip("'").removesuffix("'s")
    is_plural = word.endswith("s") and not word.endswith("ss")
    if is_plural and len(word) >= MIN_PLURAL_LENGTH:
        return word[:-1]
    return word
