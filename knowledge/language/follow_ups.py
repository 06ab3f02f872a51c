"""Questions that lean on the question before."""

import re
from dataclasses import fields, replace
from typing import Any

from bot.cases.lifecycle import State
from bot.views.query import (
    ANY_CASE,
    About,
    Act,
    Ask,
    Condition,
    Measure,
    Period,
    Query,
    Turn,
)
from knowledge.language.asks import ONE_CASE
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.question_words import word_set

MAX_ELLIPSIS_WORDS = 6
BEGINNING = phrase(
    r"(?:ok |okay |right |and |so |yes |but |well |great |thanks |& |\+ "
    r"|no )*(?:and|&|\+|plus|only|just|but|also|without|except|not|no|then"
    r"|what about|how about"
    r"|same(?: for| with)?|of (?:those|these|them|which)|which of"
    r"|from (?:those|these|them)|the same|with|now|excluding|instead"
    r"|rather"
    r"|leave out|minus|drop|skip|narrow|filter|ok|more|less|other than|apart from|any of)"
)
#: However politely it begins, this stands alone when it says which cases it means.
NEW_QUESTION = phrase(
    r"(?:ok |okay |right |so |yes |well |great |thanks |just |now |please |no )+"
    r"(?:show|list|give|tell|find|what|which|how|is|are|any|anything|who|do|can|everything|all)"
)
POINTER = phrase(
    r"it|its|that|this|they|them|those|these|their|the other"
    r"|the (?:first|second|third|last) one|that one|this one"
    r"|the same|he|she|him|her|of which|the (?:other|rest|two|three"
    r"|lot)"
)
THE_OTHER = phrase(r"(?:the |that )?other(?: one| case)?|(?:the )?second one|not that one")
#: "The late ones", "top 3": some of what was shown.
SOME_OF_THEM = re.compile(
    r"^(?:(?:and|so|ok) )?(?:(?:just|only) )?(?:the |those )?ones (?:that|which|we|they|still"
    r"|already|not|with|without|from|over|under|above|below|older|newer|in|on|by|since|due|worth)"
    r"(?: [^ ]+){1,6}$"
    r"|^(?:(?:and|so|ok) )?(?:the (?:[^ ]+ ){1,3}ones"
    r"|(?:the |just |only )?(?:top|first|last|best|next) (?:\d{1,2}|two|three|four|five|six|seven"
    r"|eight|nine|ten|few)(?: of (?:them|those|these)| ones)?)$"
)
BARE = phrase(
    r"(?:and |but |ok |so )*how (?:many|much) (?:was|were|is|are) (?:it|there)"
    r"(?: (?:in|on|over|during|for))? \{period\}",
    r"(?:and |but |ok |so |er |hm )*(?:why(?: not| so| is that| was that)?|how (?:come|so)"
    r"|what for|for what)(?: though| then| exactly| please)*"
    r"|(?:and |but |ok |so )?(?:since|from|as of|starting) (?:when|what time|what day)"
    r"(?: on| onwards)?(?: (?:is|was|has|are) (?:it|this|that|they)(?: [^ ]+){0,2})?"
    r"|(?:what is |how big is )?(?:the )?(?:total|sum|grand total|overall value|total value)"
    r"(?: of (?:those|these|them|it|all))?"
    r"|when|who|by whom|how much|how many|together|in total|total"
    r"|how old|how long|until when|"
    r"who (?:has|owns|approved|rejected|decided|did) (?:it|that|this|them)"
    r"|(?:the |what |for what )?(?:reasons?|grounds)(?: please| given)?|what for|by who"
    r"|(?:and |so |ok |but )*(?:who then|then who|who else|who instead|who can|who may)"
    r"|(?:and |so |ok |but )*(?:when|why|who|how much|how many|how come) (?:then|exactly|was that)",
)
ONE_OF_THEM = phrase(
    r"(?:and |so |ok )?(?:the |(?:which|what|who) (?:is |are |one is |one "
    r"|of them is )?(?:the )?)?(?:very |(?:second|third|2nd|3rd|next)[ -])?(?:oldest|newest|biggest"
    r"|largest|smallest|cheapest|latest|most urgent|most expensive"
    r"|first|last|longest)(?: one| of them| of these| of those)?"
)
WITHIN = phrase(
    r"only|just|of (?:those|these|them)|which of|without|except" r"|excluding|minus|leave out|not"
)
FINITE_VERB = phrase(
    r"is|are|am|was|were|do|does|did|has|have|had|can|could|may|might|will|would|should|must"
    r"|came|went|ran|wait|waits"
)
ALSO = re.compile(r" (?:too|as well|also)$")
TOGETHER = phrase(r"together|in total|altogether|all in|in all|all told|combined|all up")
_PEOPLE = ("waits_on", "owner", "decided_by", "raised_by", "approver")
_PERIODS = ("opened", "decided", "ended", "due")
_EMPTY = {field.name: getattr(ANY_CASE, field.name) for field in fields(Condition)}


def leans_on_previous(text: QuestionText, previous: Turn | None, *, is_complete: bool) -> bool:
    """Tell whether a question is understood only with the one before.

    ``is_complete``: it says itself which cases it means.
    """
    if previous is None or not text.tokens:
        return False
    beginning = BEGINNING.match(text.text)
    is_new = is_complete and NEW_QUESTION.match(text.text) is not None
    if is_new:
        return False
    if beginning is not None and len(text.tokens) > 1 and text.words[0] not in ("ok", "thanks"):
        return True
    if beginning is not None and not is_complete and len(text.tokens) > 1:
        return True
    if any(pattern.fullmatch(text.text) for pattern in (BARE, ONE_OF_THEM, SOME_OF_THEM)):
        return True
    return not is_complete and _is_elliptic(text)


def _is_elliptic(text: QuestionText) -> bool:
    """Tell whether something is left out that was said before."""
    if text.search(POINTER) is not None or ALSO.search(text.text) is not None:
        return True
    is_short = len(text.tokens) <= MAX_ELLIPSIS_WORDS
    first = text.words[0]
    # "How many are late?" is a sentence of its own; "how many late" is a part of one.
    is_sentence = first in _QUESTION_WORDS and text.search(FINITE_VERB) is not None
    if not is_short or is_sentence:
        return False
    return first in _ELLIPTIC or text.search(TOGETHER) is not None


_QUESTION_WORDS = word_set("how who when why")
_ELLIPTIC = word_set(
    """
    per by over under above below more less since in on from who why when how which older newer
    group grouped sort sorted rank ranked break broken split worth together total sum between undo
    list show count {period} {person} {group} {money} {name}
    """
)


def merge(previous: Turn, query: Query, *, has_ask: bool, says_open: bool = False) -> Query:
    """Add what a follow-up says to the question before.

    ``has_ask``: it says itself what it asks. ``says_open``: open cases are meant, it says.
    """
    if query.act is not None:
        return _act_on_case(previous, query)
    before = previous.query
    if before.about is About.STAND_IN and query.ask is Ask.WHEN:
        return replace(before, ask=Ask.WHEN)
    if has_ask and _is_fact(previous, query):
        return _ask_of_case(previous, query)
    if query.case_id and query.ask in ONE_CASE and before.ask not in ONE_CASE:
        return query
    condition = _merge_conditions(before.condition, query.condition)
    if says_open:
        condition = replace(condition, is_open=True)
    return _ask_again(before, query, condition, has_ask=has_ask)


def _ask_again(before: Query, query: Query, condition: Condition, *, has_ask: bool) -> Query:
    """Ask for the cases of both questions in the later one's way."""
    if query.grouping is not None:
        return _group(before, query, condition)
    if query.order is not None and not (has_ask and query.ask is Ask.COUNT):
        return replace(query, ask=Ask.LIST, condition=condition, measure=None)
    if query.limit is not None and before.ask is Ask.LIST:
        return replace(before, condition=condition, limit=query.limit)
    if has_ask:
        return replace(query, condition=condition, case_id="")
    if before.ask in ONE_CASE:
        return _ask_of_other(before, query, condition)
    return replace(before, condition=condition, case_id="")


def _is_fact(previous: Turn, query: Query) -> bool:
    """Tell whether a fact of one or some cases is asked for."""
    is_age = query.ask is Ask.HOW_LONG and query.about is About.OPENING
    return query.ask in ONE_CASE or (is_age and bool(_one_case_id(previous)))


def _group(before: Query, query: Query, condition: Condition) -> Query:
    is_sum = Ask.SUM in (query.ask, before.ask) or before.measure is Measure.STAKE_SUM
    return Query(
        ask=Ask.GROUP,
        condition=condition,
        grouping=query.grouping,
        measure=Measure.STAKE_SUM if is_sum else Measure.COUNT,
    )


def period_of(previous: Turn | None) -> Period | None:
    """Return the period of the question before."""
    if previous is None:
        return None
    condition = previous.query.condition
    return condition.opened or condition.decided or condition.ended or condition.due


def _act_on_case(previous: Turn, query: Query) -> Query:
    """Apply an act to the cases of the question before."""
    if query.case_id:
        return query
    case_id = _one_case_id(previous)
    if case_id:
        return replace(query, case_id=case_id, condition=ANY_CASE)
    if query.condition == ANY_CASE and query.act is not Act.STAND_IN:
        return replace(query, condition=previous.query.condition)
    return query


def _ask_of_case(previous: Turn, query: Query) -> Query:
    """Ask for a fact of the cases of the question before."""
    before = previous.query
    if query.case_id:
        return query
    is_of_pause = before.about is About.PAUSE or before.condition.is_paused
    if is_of_pause and query.ask in (Ask.WHEN, Ask.WHO, Ask.WHY):
        return Query(ask=query.ask, about=About.PAUSE)
    case_id = _one_case_id(previous)
    if case_id and not (query.condition.kinds or query.condition.text):
        return replace(query, case_id=case_id, condition=ANY_CASE)
    condition = _merge_conditions(before.condition, query.condition)
    return replace(
        query,
        about=_reason_for(before.condition, query),
        condition=condition,
        order=query.order or before.order,
        limit=query.limit or before.limit,
        nth=query.nth or before.nth,
    )


def _reason_for(condition: Condition, query: Query) -> About | None:
    """Return the reason that "why?" asks for, after a list."""
    if query.ask is not Ask.WHY or query.about is not About.DECISION:
        return query.about
    if State.EXPIRED in condition.states or State.CLEARED in condition.states:
        return About.ENDING
    return About.VERDICT if condition.is_automatic else About.DECISION


def _one_case_id(previous: Turn) -> str:
    if previous.query.case_id:
        return previous.query.case_id
    return previous.case_ids[0] if len(previous.case_ids) == 1 else ""


def _ask_of_other(before: Query, query: Query, condition: Condition) -> Query:
    """Ask the same of another case or person."""
    if query.case_id:
        return replace(before, case_id=query.case_id)
    return replace(before, condition=condition, of=query.of or before.of)


def _merge_conditions(before: Condition, after: Condition) -> Condition:
    """Add conditions; what is said again replaces what was said before."""
    changes = {
        name: value
        for name, value in ((name, getattr(after, name)) for name in _EMPTY)
        if value != _EMPTY[name]
    }
    _put_in_place(changes, before, _PEOPLE)
    _put_in_place(changes, before, _PERIODS)
    if before.is_open is None and before != ANY_CASE and not _says_open(changes):
        # What has ended was meant before, and still is.
        changes.pop("is_open", None)
    if before.exclusion is not None and after.exclusion is not None:
        changes["exclusion"] = _merge_conditions(before.exclusion, after.exclusion)
    union = replace(before, **changes)
    if union.is_overdue and union.is_open is None:
        union = replace(union, is_open=True)
    return union


def _says_open(changes: dict[str, Any]) -> bool:
    return any(changes.get(name) for name in ("is_overdue", "expires_within", "due", "due_within"))


def _put_in_place(changes: dict[str, Any], before: Condition, names: tuple[str, ...]) -> None:
    """Give a new person or period the part of the last one."""
    part = next((name for name in names if getattr(before, name)), None)
    new = next((name for name in names if changes.get(name)), None)
    if part is None or new is None or part == new:
        return
    if new in ("opened", "owner"):
        changes[part] = changes.pop(new)
