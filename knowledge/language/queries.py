"""Queries from the ask and the parts of a question."""

import re
from dataclasses import replace
from typing import Any

from bot.views.query import (
    ANY_CASE,
    ME,
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    Measure,
    Order,
    Query,
)
from knowledge.language import follow_ups
from knowledge.language.asks import ONE_CASE
from knowledge.language.idioms import SURGE
from knowledge.language.parts import (
    DESK_FACTS,
    IDENTIFIER,
    THIS_CASE,
    Parts,
    add_names,
    loose_person,
)
from knowledge.language.question_text import phrase
from knowledge.language.time_words import TimeExpression, span_name

RATES = frozenset(Measure) - {Measure.COUNT, Measure.STAKE_SUM}
OF_ALL = phrase(r"all|everything|every|mine|both|ones|each|whatever|any")
ACTS_WITH_END = frozenset({Act.SNOOZE, Act.STAND_IN, Act.PAUSE})
CASE_ACTS = frozenset(Act) - {Act.PAUSE, Act.RESUME, Act.STAND_IN, Act.RAISE, Act.REMIND}
HISTORY = phrase(
    r"(?:have|has|had|did) (?:we|you|they|there) (?:ever )?(?:been"
    r"|had|have|seen|see)|(?<!nobody )(?<!no one )(?<!none of us )(?<!never )ever|history"
    r"|in total so far|all time"
    r"|(?:has|have|had|did|was|were) (?:[^ ]+ ){1,7}before$|over the years|so far ever"
)
#: These tell of an act, not of cases.
LOOSE_FIELDS = frozenset({"waits_on", "decision", "decided_by", "is_open"})
MAX_WORDS_LENGTH = 500
REASON = re.compile(
    r"\b(?:because|'?cause|cos|coz|cuz|bc|due to|reason(?: is)?:?|on the grounds that)"
    r"\s+(?P<reason>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
REASON_AFTER_COMMA = re.compile(
    r"(?:reject|declin|refus|turn|veto|den[iy]|undo|revers|paus|stop|back)\w*[^,;:-]{0,80}"
    r"(?:[,;:]| -) *(?P<reason>[^,;:\s]\S* \S.*)",
    re.IGNORECASE | re.DOTALL,
)
ACTS_WITH_REASON = frozenset({Act.REJECT, Act.TAKE_BACK, Act.PAUSE})
HABIT = phrase(
    r"usually|normally|typically|in the past|last times?|so far always"
    r"|(?:the |all the |all )?(?:other|earlier|previous|past|former) (?:times|occasions)"
    r"|historically|generally|previously"
)
_OPEN = phrase("open|pending|waiting|outstanding")
CAUSE = phrase("why|how come|for (?:what|which) reasons?|what is the reason|how is it that")
LATE_GOODS = phrase(r"(?:late|delayed|belated|overdue|tardy) (?!cases?|ones?|exceptions?)[a-z]{4,}")
_BIG_ONES = phrase(r"big ones|large ones")


def _condition(query: Query, parts: Parts) -> Condition:
    """Return the condition of a question, with what goes without saying."""
    fields: dict[str, Any] = dict(parts.filters.fields)
    add_names(fields, parts)
    if query.measure in RATES:
        fields.pop("decision", None)
        if parts.text.search(_OPEN) is None:
            fields.pop("is_open", None)
    if query.ask is Ask.HOW_LONG and parts.kinds and parts.text.search(LATE_GOODS):
        # "A late shipment" names the kind, not the deadline of its case.
        fields.pop("is_overdue", None)
        fields.pop("is_open", None)
    loose = loose_person(parts)
    if loose and not {"waits_on", "owner", "decided_by", "raised_by", "approver"} & set(fields):
        fields["owner"] = loose
    is_history = parts.text.search(HISTORY) is not None and not fields.get("is_open")
    if parts.filters.is_any or is_history:
        fields.pop("is_open", None)
        return Condition(**fields)
    if "is_open" not in fields and _goes_without_saying(query, parts, fields):
        fields["is_open"] = True
    is_habit = query.ask is Ask.LIST and parts.text.take(HABIT)
    if is_habit and (parts.kinds or parts.names):
        fields["is_open"] = False
    return Condition(**fields)


def _goes_without_saying(query: Query, parts: Parts, fields: dict[str, Any]) -> bool:
    """Tell whether only open cases are meant, though nobody said so."""
    if query.measure in RATES or parts.filters.restricts_time_or_decision or parts.action:
        return False
    name = str(fields.get("text", ""))
    return IDENTIFIER.match(name) is None


def list_query(query: Query, parts: Parts) -> Query:
    if query.ask is Ask.HOW_LONG and query.measure is None:
        query = replace(query, about=query.about or About.OPENING)
    case_id = _meant_case(query, parts)
    if query.ask is Ask.HOW_LONG and case_id:
        return Query(ask=Ask.HOW_LONG, case_id=case_id, about=query.about or About.OPENING)
    query = replace(query, condition=_condition(query, parts), grouping=parts.grouping)
    if query.grouping is Grouping.DECIDER:
        query = replace(query, condition=_of_decisions(query.condition))
    is_of_cause = parts.text.search(CAUSE) is not None or parts.text.search(SURGE) is not None
    if query.ask is Ask.COUNT and is_of_cause:
        query = replace(query, about=About.OPENING)
    if query.ask is not Ask.LIST:
        return query
    ordering = parts.ordering
    query = replace(query, order=ordering.order, limit=ordering.limit, nth=ordering.nth)
    if query.order is Order.LARGEST and query.limit == 1 and parts.text.search(_BIG_ONES):
        query = replace(query, limit=3)
    return query


def _of_decisions(condition: Condition) -> Condition:
    """Return the condition for decisions.

    A period is that of the decisions, and most of the cases have ended.
    """
    if condition.opened is None:
        return replace(condition, is_open=None)
    return replace(condition, is_open=None, opened=None, decided=condition.opened)


def _meant_case(query: Query, parts: Parts) -> str:
    """Return the one case that is meant, or nothing."""
    if parts.case_ids:
        return parts.case_ids[0]
    if not parts.context.case_id:
        return ""
    if query.ask is Ask.ACT:
        return "" if parts.text.search(OF_ALL) is not None else parts.context.case_id
    if query.ask in ONE_CASE and query.about not in DESK_FACTS:
        selects = bool(parts.names) and parts.text.search(THIS_CASE) is None
        return "" if selects else parts.context.case_id
    if query.ask is Ask.HOW_LONG and not parts.kinds:
        return parts.context.case_id
    return ""


def fact_query(query: Query, parts: Parts) -> Query:
    """Complete a question about facts of cases or of the desk."""
    people = parts.people
    if query.about in (About.STAND_IN, About.MEMBERS):
        of = people[0] if people else _me_if_named(parts)
        return replace(query, of=of)
    if query.about is About.PAUSE:
        return query
    if query.about is About.BLOCKER:
        fields = dict(parts.filters.fields)
        fields.pop("waits_on", None)
        add_names(fields, parts)
        return replace(query, condition=Condition(**{"is_open": True, "is_overdue": True} | fields))
    case_id = _meant_case(query, parts)
    if case_id:
        others = tuple(other for other in dict.fromkeys(parts.case_ids) if other != case_id)
        return replace(query, case_id=case_id, other_case_ids=others)
    condition = _condition(query, parts) if parts.selects or parts.people else ANY_CASE
    ordering = parts.ordering
    return replace(
        query,
        condition=condition,
        order=ordering.order,
        limit=ordering.limit,
        nth=ordering.nth,
    )


def _me_if_named(parts: Parts) -> str:
    return ME if parts.text.search(phrase("me|my|i|mine")) is not None else ""


def act_query(query: Query, parts: Parts) -> Query:
    """Complete an act with its case, person and end."""
    people = parts.people
    case_id = _meant_case(query, parts) if query.act in CASE_ACTS else ""
    if query.act is Act.REMIND and parts.case_ids:
        case_id = parts.case_ids[0]
    until = _until(parts) if query.act in ACTS_WITH_END else ""
    query = replace(query, case_id=case_id, until=until)
    match query.act:
        case Act.STAND_IN:
            return _stand_in(query, people)
        case Act.HAND_OVER:
            return replace(query, to=people[-1] if people else "")
        case Act.REMIND:
            of = people[0] if people else ""
            condition = Condition(is_open=True, waits_on=of) if of and not case_id else ANY_CASE
            return replace(query, of=of, condition=condition)
        case Act.RAISE | Act.CLAIM | Act.EDIT:
            return query
    if case_id or not parts.selects:
        return query
    # Nothing is done on a guess, except with one's own.
    guesses = parts.filters.guessed_fields - {"waits_on"}
    fields = {name: value for name, value in parts.filters.fields.items() if name not in guesses}
    add_names(fields, parts)
    if query.act not in (Act.PAUSE, Act.RESUME, Act.TAKE_BACK):
        fields.setdefault("is_open", True)
    else:
        fields = {
            name: value
            for name, value in fields.items()
            if name in ("kinds", "source", "action", "text")
        }
    return replace(query, condition=Condition(**fields))


def _stand_in(query: Query, people: list[str]) -> Query:
    if len(people) > 1:
        return replace(query, to=people[0], of=people[1])
    return replace(query, of=ME, to=people[0] if people else "")


def _until(parts: Parts) -> str:
    for value in parts.text.values("period"):
        if isinstance(value, TimeExpression):
            return _end_of(value)
    return ""


def _end_of(time: TimeExpression) -> str:
    if time.length is not None:
        return span_name(time.length, is_past=False)
    if time.begin == "now":
        return time.end
    # "Until Friday morning" ends when Friday begins.
    return time.begin.removesuffix("@00:00")


def asks_of_last_case(query: Query, parts: Parts) -> bool:
    """Tell whether a fact of an unnamed case is asked for."""
    if query.ask not in ONE_CASE or query.about in DESK_FACTS or query.case_id:
        return False
    has_subject = parts.case_ids or parts.names or parts.kinds or parts.exclusion.condition
    return not has_subject and parts.filters.fields.keys() <= LOOSE_FIELDS


def add_reason(query: Query, text: str) -> Query:
    """Add what an act needs of the asker's own words.

    That is its reason, or what is to be raised.
    """
    if query.act is None:
        return query
    if query.act is Act.RAISE:
        return replace(query, words=" ".join(text.split())[:MAX_WORDS_LENGTH])
    match = REASON.search(text[: 2 * MAX_WORDS_LENGTH])
    if match is None and query.act in ACTS_WITH_REASON:
        match = REASON_AFTER_COMMA.search(text[: 2 * MAX_WORDS_LENGTH])
    if match is None:
        return query
    return replace(query, words=" ".join(match["reason"].split())[:MAX_WORDS_LENGTH])


def turn_to_other_case(query: Query, parts: Parts) -> Query:
    """Turn to the other of two cases that were named."""
    previous = parts.context.previous
    if previous is None or parts.case_ids:
        return query
    case_ids = (previous.query.case_id, *previous.query.other_case_ids, *previous.case_ids)
    others = [case_id for case_id in dict.fromkeys(case_ids) if case_id not in ("", query.case_id)]
    if not others or parts.text.search(follow_ups.THE_OTHER) is None:
        return query
    parts.text.take(follow_ups.THE_OTHER)
    ask = query if query.ask in ONE_CASE else Query(ask=Ask.STATUS)
    rest = tuple(case_id for case_id in dict.fromkeys(case_ids) if case_id not in ("", others[0]))
    return replace(ask, case_id=others[0], other_case_ids=rest, condition=ANY_CASE)


def remember_other_cases(query: Query, parts: Parts) -> Query:
    """Keep the other of two named cases with the query."""
    previous = parts.context.previous
    if parts.neighbours and query.case_id in parts.case_ids:
        return replace(query, other_case_ids=parts.neighbours)
    if previous is None or not query.case_id or query.other_case_ids:
        return query
    case_ids = (previous.query.case_id, *previous.query.other_case_ids)
    if query.case_id not in case_ids:
        return query
    if query.case_id in previous.query.other_case_ids:
        # The whole list, in its order.
        return replace(query, other_case_ids=previous.query.other_case_ids)
    rest = tuple(case_id for case_id in case_ids if case_id not in ("", query.case_id))
    return replace(query, other_case_ids=rest)
