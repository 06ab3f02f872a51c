"""Words of a question that were not understood. They never filter."""

import re
from collections.abc import Iterable

from knowledge.language.question_text import PHRASE_WORDS, QuestionText, Token
from knowledge.language.question_words import FILLERS, KEYWORDS, word_set

MAX_PHRASES = 3
MAX_PHRASE_WORDS = 4
#: A lone capital may be chance: "the Paris flight".
MIN_PROPER_NAME = 2
#: With a larger share of capitals they say nothing.
MAX_CAPITALS = 0.6
#: A name that cases might hold follows one of these without an article.
NAME_PREPOSITIONS = word_set("about from for with of at regarding concerning")
ARTICLES = word_set("the a an my our their your this that these those any some")
#: What follows one of these would narrow: "on the roof terrace", "that are hopeless".
FILTER_WORDS = word_set(
    "about after at because before behind beside by during due for from has have having in inside"
    " is are of on near outside regarding since that under until via was were with without where"
    " which while whose than like called named tagged marked around across lack lacks lacking"
    " miss misses missing fail fails failed passed carry carries contain contains mention mentions"
    " mentioning involve involves involving include includes show shows need needs needing"
)
#: After these only what has an article narrows: "due to the strike", but not "to bin".
WEAK_FILTER_WORDS = word_set("to up out down over off through into onto under against")
#: What stands before one of these narrows: "the vegan ones", "apprentices only".
NARROWING_ENDS = word_set("ones one only")
#: Part of the name of a thing, where they stand between an article and it: "the new trainee".
MODIFIERS = word_set(
    "new old night morning evening afternoon late early big small large second first third last"
    " weekend day single special whole front back left right top side good bad main"
)
VERBS = word_set("is are was were")
#: Beside a name, these ask for its cases and say nothing else.
CASE_WORDS = word_set(
    "case cases open anything something everything any all exceptions exception stuff things items"
    " pending waiting outstanding list show me us what is are there ones still please the got have"
    " we do you currently now right for about on with from at of and hi hello hey find give see"
    " active running going bot countersign good morning afternoon evening dear team thanks regards"
)
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
    if ends_narrowing(text, run):
        return True
    place = text.tokens.index(run[0]) - 1
    has_article = False
    while place >= 0 and text.words[place] in ARTICLES:
        has_article = True
        place -= 1
    if has_article and place >= 0 and text.words[place] in WEAK_FILTER_WORDS:
        return True
    # "Lack a stamp": a verb that nobody knows has an object.
    is_object = has_article and place > 0 and is_unexplained(text.tokens[place])
    if place < 0 or not (is_object or text.words[place] in FILTER_WORDS):
        return False
    # "Nobody is covering" tells what goes on, and narrows nothing.
    return not (text.words[place] in VERBS and run[0].word.endswith("ing"))


def ends_narrowing(text: QuestionText, run: list[Token]) -> bool:
    """Tell whether a word after a run says that only these count."""
    first, place = text.tokens.index(run[0]), text.tokens.index(run[-1]) + 1
    before = text.words[first - 1] if first else ""
    after = text.words[place] if place < len(text.tokens) else ""
    is_named = before in ARTICLES or after == "only"
    return (is_named and after in NARROWING_ENDS) or (before == "only" and place > 1)


def has_preposition(text: QuestionText, run: list[Token]) -> bool:
    """Tell whether a run stands after a preposition and an article.

    As in "from the night courier".
    """
    place = text.tokens.index(run[0]) - 1
    has_article = place >= 0 and text.words[place] in ARTICLES
    return (
        has_article
        and place > 0
        and text.words[place - 1] in NAME_PREPOSITIONS | {"by", "on", "under"}
    )


def _runs(text: QuestionText) -> list[list[Token]]:
    runs: list[list[Token]] = []
    run: list[Token] = []
    for token in [*text.tokens, None]:
        is_number = token is not None and bool(run) and token.word.isdigit()
        if token is not None and (is_number or is_unexplained(token)):
            run.append(token)
            continue
        if run:
            runs.append([*_modifiers(text, run[0]), *run])
        run = []
    return runs


def _modifiers(text: QuestionText, first: Token) -> list[Token]:
    """Return the common words between an article and a word not understood."""
    place = begin = next(place for place, token in enumerate(text.tokens) if token is first)
    while begin > 0 and text.words[begin - 1] in MODIFIERS:
        begin -= 1
    tokens = text.tokens[begin:place]
    is_name = begin > 0 and text.words[begin - 1] in ARTICLES
    return tokens if is_name and not any(token.is_explained for token in tokens) else []


def is_unexplained(token: Token) -> bool:
    """Tell whether a word carries a meaning that nobody took."""
    if token.is_explained or token.word in _KNOWN or token.word.startswith("{"):
        return False
    return len(token.word) > 1 and re.search(r"[^\W\d_]{2}", token.word) is not None


def spell(run: Iterable[Token], max_words: int = MAX_PHRASE_WORDS) -> str:
    """Write a run of words as the asker did."""
    pieces = dict.fromkeys((token.place, token.spelling) for token in run)
    return " ".join(spelling for _, spelling in list(pieces)[:max_words])


def proper_name(text: QuestionText) -> list[Token]:
    """Return the words of a name that no case has.

    It is told by its capitals: "for Zanzibar Hotels".
    """
    capitals = sum(token.spelling[:1].isupper() for token in text.tokens)
    if capitals > MAX_CAPITALS * len(text.tokens):
        return []
    run: list[Token] = []
    for place, token in enumerate([*text.tokens, None]):
        if token is not None and _is_capitalised(token):
            run.append(token)
            continue
        is_name = len(run) >= MIN_PROPER_NAME and any(map(is_unexplained, run))
        if is_name and _follows_preposition(text, place - len(run)):
            return run
        run = []
    return []


def lone_proper_name(text: QuestionText) -> list[Token]:
    """Return an unknown name beside nothing but "open cases"."""
    run: list[Token] = []
    runs: list[tuple[int, list[Token]]] = []
    for place, token in enumerate([*text.tokens, None]):
        if token is not None and token.spelling.istitle() and _is_nothing_else(token):
            run.append(token)
            continue
        if run:
            runs.append((place - len(run), run))
        run = []
    names = [(place, run) for place, run in runs if any(map(_is_strange, run))]
    if len(names) != 1:
        return []
    place, name = names[0]
    is_sure = len(name) >= MIN_PROPER_NAME or place > 0
    members = {id(token) for token in name}
    rest = [token for token in text.tokens if id(token) not in members]
    is_alone = all(token.word in CASE_WORDS for token in rest)
    # Who writes every word with a capital says nothing by it.
    has_small = any(token.spelling[:1].islower() for token in rest)
    return name if is_sure and is_alone and has_small else []


def unknown_names(text: QuestionText) -> list[list[Token]]:
    """List the names that no case has, as they are written."""
    if not any(token.spelling[:1].islower() for token in text.tokens):
        return []
    names: list[list[Token]] = []
    run: list[Token] = []
    for token in [*text.tokens, None]:
        if token is not None and token.spelling.istitle() and _is_nothing_else(token):
            run.append(token)
            continue
        if len(run) >= MIN_PROPER_NAME and any(map(_is_strange, run)):
            names.append(run)
        run = []
    return names


def _is_nothing_else(token: Token) -> bool:
    return token.value is None and token.word not in CASE_WORDS and token.word not in ARTICLES


def _is_strange(token: Token) -> bool:
    """Tell whether no table has a word."""
    is_table_word = token.word in _KNOWN or token.word in PHRASE_WORDS
    return token.value is None and not is_table_word and token.word.isalpha()


def _is_capitalised(token: Token) -> bool:
    is_word = token.value is None and not token.is_explained
    return is_word and token.spelling.istitle() and token.word not in ARTICLES


def _follows_preposition(text: QuestionText, place: int) -> bool:
    while place > 0 and text.words[place - 1] in ARTICLES:
        place -= 1
    return place > 0 and text.words[place - 1] in NAME_PREPOSITIONS | {"to", "by"}


def lone_name(text: QuestionText, runs: list[list[Token]]) -> list[Token] | None:
    """Return the run of words that stands where a name would."""
    for run in runs:
        place = text.tokens.index(run[0])
        before = text.tokens[place - 1].word if place else ""
        if before in NAME_PREPOSITIONS:
            return run
    return None
