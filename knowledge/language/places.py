"""Cases by their place in the last answer: "the second one", "next"."""

import re

from bot.views.query import Turn
from knowledge.language.question_text import QuestionText, phrase

#: In so few words a place is one of the last list.
MAX_WORDS = 9
ORDINALS = {
    word: number
    for number, words in enumerate(
        (
            "first 1st one", "second 2nd two", "third 3rd three", "fourth 4th four",
            "fifth 5th five", "sixth 6th six", "seventh 7th seven", "eighth 8th eight",
            "ninth 9th nine", "tenth 10th ten",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip
_ORDINAL_ENDS = ("st", "nd", "rd", "th")
_ORDINAL = "|".join(word for word in ORDINALS if word.endswith(_ORDINAL_ENDS))
_NUMBER = "|".join(word for word in ORDINALS if not word.endswith(_ORDINAL_ENDS))
_OF_LIST = (
    r"(?: (?:one|case|card|item|entry|of (?:them|those|these)|(?:in|on|of) (?:the|your|that) list"
    r"|from the top|you (?:named|listed|showed)(?: me)?|there))"
)
NOT_PLACE = (
    r"(?! (?:biggest|largest|oldest|newest|smallest|cheapest|most|to|in line|approval|yes|vote"
    r"|signature|sign|time|week|month|quarter|half|day|hour|opinion|person|ok|place))"
)
PLACE = phrase(
    rf"(?:the |your |that )?(?P<place>{_ORDINAL}){_OF_LIST}{{1,2}}{NOT_PLACE}",
    rf"(?:^|(?<=the )|(?<=and )|(?<=now )|(?<=about ))(?P<alone>{_ORDINAL})"
    r"(?= (?:until|till|please|then|now)(?![^ ])|$)",
    rf"(?:number|no|nr|#) ?(?P<number>[1-9]|10|{_NUMBER})(?:{_OF_LIST})?$",
    r"(?:the |your )?(?P<last>last)(?: (?:one|case|of (?:them|those|these)|(?:in|on) the list))$",
)
NEXT = phrase(
    r"^(?:(?:and|now|ok|then|so) )*(?:the )?next(?: (?:one|case|please|then))*$",
    r"(?:the )?(?:one|case) after(?: (?:that|this|it|that one|this one))?",
    r"(?:the )?(?:one|case) below(?: (?:that|this|it))?",
)


def take_place(text: QuestionText, previous: Turn | None) -> tuple[str, ...]:
    """Replace a place in the last answer by its case.

    Return the cases of that answer in their order; nothing where no place is named.
    """
    if previous is None or len(text.tokens) > MAX_WORDS or "{case}" in text.words:
        return ()
    cases = _last_cases(previous)
    if len(cases) < len(("one", "another")):
        return ()
    for pattern in (PLACE, NEXT):
        match = text.search(pattern)
        if match is None:
            continue
        index = _index_of_next(previous, cases) if pattern is NEXT else _index(match, cases)
        if index is None:
            continue
        text.replace(*text.bounds(match), "case", cases[index])
        return cases
    return ()


def _last_cases(previous: Turn) -> tuple[str, ...]:
    """List the cases of the last answer and those named beside them."""
    case_id, others = previous.query.case_id, previous.query.other_case_ids
    if not case_id:
        return previous.case_ids
    return others if case_id in others else (case_id, *others)


def _index_of_next(previous: Turn, cases: tuple[str, ...]) -> int | None:
    """Return the place after the case that was shown.

    None where no case follows.
    """
    case_id = previous.query.case_id
    index = cases.index(case_id) + 1 if case_id in cases else len(cases)
    return index if index < len(cases) else None


def _index(match: re.Match[str], cases: tuple[str, ...]) -> int | None:
    groups = match.groupdict()
    if groups["last"]:
        return len(cases) - 1
    word = groups["place"] or groups["alone"] or groups["number"]
    number = int(word) if word.isdigit() else ORDINALS[word]
    return number - 1 if number <= len(cases) else None
