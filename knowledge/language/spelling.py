"""Slips of the keyboard in the words that questions are made of."""

from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge.language.question_text import PHRASE_WORDS, QuestionText
from knowledge.language.question_words import FILLERS, KEYWORDS

MIN_LENGTH = 5
#: From this length on, two slips are forgiven.
MIN_LENGTH_FOR_TWO_SLIPS = 9
MAX_WORDS = 60
_KNOWN = FILLERS | frozenset(KEYWORDS)


def correct_keywords(text: QuestionText) -> None:
    """Correct the words of a question that almost are a keyword."""
    is_changed = False
    for token in text.tokens[:MAX_WORDS]:
        if token.is_explained or token.word in _KNOWN or len(token.word) < MIN_LENGTH:
            continue
        if not token.word.isalpha() or token.word in PHRASE_WORDS:
            continue
        slips = 2 if len(token.word) >= MIN_LENGTH_FOR_TWO_SLIPS else 1
        match = process.extractOne(token.word, KEYWORDS, scorer=OSA.distance, score_cutoff=slips)
        if match is None or match[0][0] != token.word[0]:
            continue
        # "snooze" is no slip for "snoozed".
        is_inflected = match[0].startswith(token.word) or token.word.startswith(match[0])
        if not is_inflected:
            token.word = match[0]
            token.is_corrected = True
            is_changed = True
    if is_changed:
        text.join()
