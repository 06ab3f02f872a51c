"""Exclusions in a question, like "without the wine"."""

from dataclasses import dataclass, replace

from bot.views.query import ANY_CASE, Condition, KnownName
from knowledge.language.conditions import find_filters
from knowledge.language.kinds import KindFinder
from knowledge.language.left_aside import spell
from knowledge.language.names import Mention
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.question_words import word_set

MAX_WORDS = 6
_LINK = r"(?: (?:for|the|any|those|these|from|of|about|all|cases?|stuff|ones|that|which))*"
MARKER = phrase(
    r"(?:everything |all |anything |any )?(?:except(?:ing)?"
    r"|excluding|but not|other than|apart from|besides|aside from"
    r"|minus|leave out|leaving out|skip(?:ping)?|ignor(?:e|ing)|drop"
    r"|forget|not counting|everything but|all but)" + _LINK,
    r"^(?:and |but |ok |now |just )*(?:without|not|no)(?! (?:of|more|less|fewer|later|longer"
    r"|older|one"
    r"|yet|bigger|smaller|higher|lower|body|idea|way)(?![^ ]))" + _LINK,
    r"(?:without|not|and no|but no) (?:the|those|any of the|from|of|about|what)"
    + _LINK
    + r"(?: (?:just|simply|merely|only|already))?",
    r"(?:but |and |that are |which are )?not"
    r"(?= (?:waiting|stuck|sitting|pending|assigned|owned|with) (?:on |with |for |to "
    r"|by )?(?:me|\{))",
    r"(?:without|not|but no)(?= \{(?:person|group|name|channel)\})",
)
#: "Drop the fresh ones" is said of those whose age is named then.
FRESH_ONES = phrase(
    r"(?:drop|skip|ignore|forget|leave out|without|not|no) (?:the |all the |any )?(?:fresh|new"
    r"|newer"
    r"|recent|young|latest|newest|brand new|fresher) (?:ones|cases|stuff|arrivals)"
    r"(?= (?:[^ ]+ ){0,4}\{period\})"
)
_END = word_set("and but please waiting open that which who still")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Cases to be left out, and the words that say so."""

    condition: Condition | None = None
    words: str = ""


NO_EXCLUSION = Exclusion()


def take_exclusion(
    text: QuestionText, kinds: KindFinder, names: tuple[KnownName, ...]
) -> Exclusion:
    """Cut the exclusion out of a question and return it, if any."""
    text.take(FRESH_ONES)
    match = text.search(MARKER)
    if match is None:
        return NO_EXCLUSION
    if all(token.is_explained for token in text.tokens_of(match)):
        return NO_EXCLUSION
    first, begin = text.bounds(match)
    end = begin
    while end < min(len(text.tokens), begin + MAX_WORDS):
        if end > begin and text.words[end] in _END:
            break
        end += 1
    part = QuestionText([replace(token) for token in text.tokens[begin:end]])
    if not part.tokens:
        return NO_EXCLUSION
    condition = _condition(part, kinds, names)
    if condition == ANY_CASE:
        return NO_EXCLUSION
    words = spell(text.tokens[first:end], end - first)
    del text.tokens[first:end]
    text.join()
    return Exclusion(condition, words)


def _condition(part: QuestionText, kinds: KindFinder, names: tuple[KnownName, ...]) -> Condition:
    filters = find_filters(part)
    fields = {name: value for name, value in filters.fields.items() if name != "is_open"}
    for value in part.values("name"):
        if isinstance(value, Mention):
            fields.setdefault("text", value.value)
    for value in (*part.values("person"), *part.values("group")):
        if isinstance(value, Mention) and not {"waits_on", "decided_by"} & set(fields):
            fields.setdefault("owner", value.value)
    part_kinds = kinds.find(part, names) if not fields else ()
    if len(part_kinds) == 1:
        fields["kinds"] = part_kinds
    return Condition(**fields)
