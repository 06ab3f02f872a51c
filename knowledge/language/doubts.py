"""Fields of a condition that may rest on a misunderstanding.

A word like "running" says in which state a case is, or only what goes on. Nobody can tell from the
words alone; an answer that would be empty because of them is better given without them.
"""

from collections.abc import Iterator, Sequence

from bot.cases.lifecycle import State
from bot.views.query import ANY_CASE, Ask, Condition, DoubtfulFilter, LastDecision, Query
from knowledge.language import left_aside
from knowledge.language.names import Mention
from knowledge.language.parts import Parts
from knowledge.language.question_text import Token
from knowledge.language.question_words import word_set

MAX_WORDS = 12
#: These say how cases are or ended, and as well what happens to things and people.
EVERYDAY_WORDS = word_set(
    """
    answered unanswered undecided unattended
    archived away cleared closed complete completed confirmed confused dangerous
    disappeared done ended evaporated failed finished fixed given gone halted hand handled harmless
    manually moved over passed puzzled recovered resolved run running sent settled shut signed
    solved sorted stopped suspended transferred unidentified unknown unnoticed weird wrong
    """
)
#: They only join what they stand between.
LINKS = word_set(
    """
    a an the is are was were be been being got get has have had it its them they their by for from
    of off on onto out to up with at in and that which already now me us i my we not no just still
    itself themselves yourself your own went go goes going did does do
    """
)
#: What was decided so waits on nobody.
SETTLED = frozenset({LastDecision.APPROVED, LastDecision.REJECTED, LastDecision.BY_HAND})
WAITING_STATES = frozenset({State.PROPOSED, State.REFERRED, State.OUTCOME_UNKNOWN})
#: "Without a picture" may be a filter, and what a case is about.
WITHOUT = word_set("without no nobody none never")
#: These say of themselves which cases are meant.
SUBJECTS = frozenset({"kinds", "text", "source"})
NO_CONDITION = frozenset({Ask.SMALL_TALK, Ask.OUT_OF_SCOPE, Ask.CAPABILITY, Ask.HELP, Ask.ACT})


def find_doubtful(parts: Parts, query: Query) -> tuple[DoubtfulFilter, ...]:
    """Return the doubtful fields of a query with their words."""
    if query.case_id or query.ask in NO_CONDITION:
        return ()
    doubts = [*_doubtful_filters(parts, query.condition), *_doubtful_subjects(parts)]
    return tuple(
        DoubtfulFilter(name, words)
        for name, words in dict(doubts).items()
        if words and getattr(query.condition, name) != getattr(ANY_CASE, name)
    )


def _doubtful_filters(parts: Parts, condition: Condition) -> Iterator[tuple[str, str]]:
    filters = parts.filters
    for name, tokens in filters.words.items():
        if name == "is_open" and condition.is_open:
            # It goes without saying.
            continue
        is_typed_so = not any(map(_is_slip, tokens))
        # Somebody decides cases; nobody asks who signed a letter.
        is_decision = name == "decision" and bool(condition.decided_by)
        is_everyday = _has_subject(condition) and _is_everyday(tokens) and not is_decision
        is_contradiction = _contradicts_waiting(name, condition)
        is_doubtful = is_everyday or is_contradiction or not is_typed_so
        if name in filters.guessed_fields or is_doubtful:
            yield name, left_aside.spell(tokens, MAX_WORDS)


def _contradicts_waiting(name: str, condition: Condition) -> bool:
    """Tell whether something decided or over is said to wait."""
    if not condition.waits_on:
        return False
    if name == "decision":
        return condition.decision in SETTLED and not condition.decided_by
    return name == "states" and not WAITING_STATES & set(condition.states)


def _doubtful_subjects(parts: Parts) -> Iterator[tuple[str, str]]:
    if parts.exclusion.condition is not None:
        yield "exclusion", parts.exclusion.words
    if parts.kinds and not parts.are_kinds_sure:
        yield "kinds", _kind_words(parts)
    for token in parts.text.tokens:
        if token.word == "{name}" and _is_slip(token):
            yield "text", token.spelling


def _has_subject(condition: Condition) -> bool:
    """Tell whether there is something that everyday words may be about."""
    return any(getattr(condition, name) for name in SUBJECTS)


def _is_slip(token: Token) -> bool:
    if isinstance(token.value, Mention):
        return not token.value.is_sure
    return token.is_corrected


def _is_everyday(tokens: Sequence[Token]) -> bool:
    """Tell whether a single ambiguous word is all that was said."""
    if tokens and tokens[0].word in WITHOUT:
        return True
    words = {token.word for token in tokens if token.word not in LINKS}
    return len(words) <= 1 and words <= EVERYDAY_WORDS


def _kind_words(parts: Parts) -> str:
    """Return the words that no table explains.

    The kind was read in them.
    """
    runs = left_aside.phrases(parts.request, is_narrowed=False)
    if not runs:
        words = [token for token in parts.request.tokens if token.word not in LINKS]
        return left_aside.spell((token for token in words if token.value is None), MAX_WORDS)
    return ", ".join(left_aside.spell(run) for run in runs[: left_aside.MAX_PHRASES])
