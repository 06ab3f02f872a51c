"""Words of a question that were not understood. They never filter."""

import re
from collections.abc import Iterable

from knowledge.language.question_text import QuestionText, Token
from knowledge.language.question_words import FILLERS, KEYWORDS, word_set

MAX_PHRASES = 3
MAX_PHRASE_WORDS = 4
#: A name that cases might hold follows one of these without an article.
NAME_PREPOSITIONS = word_set("about from for with of at regarding concerning")
ARTICLES = word_set("the a an my our their your this that these those any some")
#: What follows one of these would narrow: "on the roof terrace", "that are hopeless".
FILTER_WORDS = word_set(
    "about after at because before behind beside by during due for from has have having in inside"
    " is are of on near outside regarding since that under until via was were with without where"
    " which while whose than like called named tagged marked around across"
)
VERBS = word_set("is are was were")
_KNOWN = FILLERS | frozenset(KEYWORDS)


def phrases(text: QuestionText, *, is_narrowed: bool) -> list[list[Token]]:
    """List the runs of words that were not understood.

    ``is_narrowed``: other words say which cases are meant. Then only what stands where a filter
    would stand is worth a mention.
    """
    runs = _runs(text)
    if not is_narrowed:
        return runs
    return [run for run in runs if _stands_as_filter(text, run)]


def _stands_as_filter(text: QuestionText, run: list[Token]) -> bool:
    place = text.tokens.index(run[0]) - 1
    while place >= 0 and text.words[place] in ARTICLES:
        place -= 1
    if place < 0 or text.words[place] not in FILTER_WORDS:
        return False
    # "Nobody is covering" tells what goes on, and narrows nothing.
    return not (text.words[place] in VERBS and run[0].word.endswith("ing"))


def _runs(text: QuestionText) -> list[list[Token]]:
    runs: list[list[Token]] = []
    run: list[Token] = []
    for token in [*text.tokens, None]:
        is_number = token is not None and bool(run) and token.word.isdigit()
        if token is not None and (is_number or is_unexplained(token)):
            run.append(token)
            continue
        if run:
            runs.append(run)
        run = []
    return runs


def is_unexplained(token: Token) -> bool:
    """Tell whether a word carries a meaning that nobody took."""
    if token.is_explained or token.word in _KNOWN or token.word.startswith("{"):
        return False
    return len(token.word) > 1 and re.search(r"[^\W\d_]{2}", token.word) is not None


def spell(run: Iterable[Token], max_words: int = MAX_PHRASE_WORDS) -> str:
    """Write a run of words as the asker did."""
    pieces = dict.fromkeys((token.place, token.spelling) for token in run)
    return " ".join(spelling for _, spelling in list(pieces)[:max_words])


def lone_name(text: QuestionText, runs: list[list[Token]]) -> list[Token] | None:
    """Return the run of words that stands where a name would."""
    for run in runs:
        place = text.tokens.index(run[0])
        before = text.tokens[place - 1].word if place else ""
        if before in NAME_PREPOSITIONS:
            return run
    return None
