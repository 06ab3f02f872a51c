"""Conditions completed by what a learned model reads in the question.

Tables of words come first. A slot that is sure fills what they left empty, and the words that speak
for it count as understood. Where it contradicts them it is followed, and what the tables alone say
stays as another reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.cases.lifecycle import State
from bot.ports.language import Guess
from bot.views.query import ME, Grouping, LastDecision, Order, Period
from knowledge.language.condition_words import ARRIVED, Fields
from knowledge.language.conditions import Filters, end_name, find_period, find_times, settle
from knowledge.language.doubts import EVERYDAY_WORDS
from knowledge.language.names import Mention
from knowledge.language.orders import Ordering
from knowledge.language.parts import THIS_CASE, Parts
from knowledge.language.question_text import QuestionText, Token, phrase
from knowledge.language.question_words import word_set
from knowledge.language.time_words import TimeExpression

SlotGuesses = Mapping[str, Sequence[Guess]]
PEOPLE_FIELDS = frozenset({"waits_on", "owner", "decided_by", "raised_by"})
#: Only these can be groups: nobody decides or raises as a group.
GROUP_ROLES = frozenset({"waits_on", "owner", "approver"})
#: What says how or why a case is over: one question means one of them.
OUTCOME_FIELDS = frozenset({"states", "decision", "is_automatic"})
OUTCOMES: Mapping[str, Fields] = {
    "expired": {"states": (State.EXPIRED,)},
    "cleared": {"states": (State.CLEARED,)},
    "automatic": {"is_automatic": True},
    "approved": {"decision": LastDecision.APPROVED},
    "rejected": {"decision": LastDecision.REJECTED},
    "edited": {"decision": LastDecision.EDITED},
    "by_hand": {"decision": LastDecision.BY_HAND},
    "handed_over": {"decision": LastDecision.HANDED_OVER},
    "taken_back": {"decision": LastDecision.TAKEN_BACK},
}
FLAGS: Mapping[str, Fields] = {
    "overdue": {"is_overdue": True, "is_open": True},
    "snoozed": {"is_snoozed": True},
    "paused": {"is_paused": True},
    "unrecognised": {"is_unrecognised": True, "is_open": True},
    "part_approved": {"is_part_approved": True, "is_open": True},
    "open": {"is_open": True},
}
TIME_FIELDS = frozenset({"opened", "decided", "ended", "due", "due_within", "expires_within"})
PAST_TIMES = frozenset({"opened", "decided", "ended"})
#: Bottles and bookings have these states as well.
THINGS_STATES = frozenset({"cleared", "closed", "paused", "expired", "automatic"})
ORDER_WORDS = word_set("the a one two three first second third last 1 2 3 1st 2nd 3rd next half")
ROLES = ("role", "me")
#: In a question with more words not every word tells of the cases.
MAX_SHORT_QUESTION = 20
ONE = phrase(r"(?:the|which|what) one|one|is|has")


def complete_parts(parts: Parts, guesses: SlotGuesses) -> Parts:
    """Return the parts with what the slots say of them."""
    if parts.case_ids or not guesses:
        return parts
    filters = parts.filters
    fields = dict(filters.fields)
    is_contradicted = _drop_contradicted(parts, guesses)
    _fill_people(parts, guesses)
    _fill_states(parts, guesses)
    if filters.fields != fields:
        _find_times_again(parts)
        settle(filters.fields)
    for guess in sure(guesses, "time"):
        if not _is_neutral(parts, guess):
            _fill_time(parts, guess.label)
    parts_with_slots = replace(
        parts,
        ordering=_ordering(parts, guesses),
        grouping=parts.grouping or _grouping(parts, guesses),
        table_filters=replace(filters, fields=fields) if is_contradicted else None,
    )
    _explain_words(parts_with_slots, guesses)
    return parts_with_slots


def sure(guesses: SlotGuesses, slot: str) -> Iterator[Guess]:
    """Yield the guesses of a slot that hold."""
    for guess in guesses.get(slot, ()):
        if not guess.label:
            return
        yield guess


def _drop_contradicted(parts: Parts, guesses: SlotGuesses) -> bool:
    """Drop fields that sure slots contradict; tell whether there were any."""
    fields = parts.filters.fields
    names = {*_contradicted_people(parts, guesses), *_contradicted_outcomes(fields, guesses)}
    for name in names:
        fields.pop(name, None)
    if names & PEOPLE_FIELDS:
        parts.filters.people.clear()
    if names & OUTCOME_FIELDS:
        parts.filters.is_decided = False
    return bool(names)


def _contradicted_people(parts: Parts, guesses: SlotGuesses) -> Iterator[str]:
    roles = {guess.label for guess in sure(guesses, "role")}
    is_long = len(parts.request.tokens) > MAX_SHORT_QUESTION
    for name in PEOPLE_FIELDS & set(parts.filters.fields):
        if parts.filters.fields[name] == ME:
            # In a long story "me" has many parts.
            if is_long and not _likelihood(guesses, "me", name):
                yield name
        elif roles and name not in roles:
            yield name


def _contradicted_outcomes(fields: Fields, guesses: SlotGuesses) -> Iterator[str]:
    """Yield the fields of an outcome that cannot be.

    Another one is sure, or none is possible yet.
    """
    others = {guess.label for guess in sure(guesses, "state")} & set(OUTCOMES)
    waits = any(guess.label == "waits_on" for slot in ROLES for guess in sure(guesses, slot))
    if not others and not waits:
        return
    for label, outcome in OUTCOMES.items():
        for name, value in outcome.items():
            if fields.get(name) == value and not _likelihood(guesses, "state", label):
                yield name


def _likelihood(guesses: SlotGuesses, slot: str, label: str) -> float:
    """Return the probability of a label.

    It is 0 where the label is not worth a guess.
    """
    return max(
        (guess.confidence for guess in guesses.get(slot, ()) if guess.label == label), default=0
    )


def _fill_people(parts: Parts, guesses: SlotGuesses) -> None:
    filters = parts.filters
    if PEOPLE_FIELDS & set(filters.fields):
        return
    for guess in sure(guesses, "role"):
        place, value = _only_person(parts.request, filters, guess.label)
        if value and guess.label != "stands_in":
            filters.add_learned({guess.label: value}, [parts.request.tokens[place]])
            filters.people.add(place)
            break
    for guess in sure(guesses, "me"):
        if guess.label not in filters.fields:
            filters.add_learned({guess.label: ME}, _tokens_of(parts.request, guess))
            break


def _only_person(text: QuestionText, filters: Filters, role: str) -> tuple[int, str]:
    """Return the one person or group without a role, and its place."""
    mentions: dict[str, int] = {}
    for place, token in enumerate(text.tokens):
        if place in filters.people or not isinstance(token.value, Mention):
            continue
        is_group = token.word == "{group}" and role in GROUP_ROLES
        if token.word == "{person}" or is_group:
            mentions.setdefault(token.value.value, place)
    if len(mentions) != 1:
        return -1, ""
    ((value, place),) = mentions.items()
    return place, value


def _tokens_of(text: QuestionText, guess: Guess) -> list[Token]:
    """List the words that speak for a guess."""
    return [token for token in text.tokens if token.word in guess.words]


def _is_of_things(parts: Parts, words: Sequence[Token]) -> bool:
    """Tell whether the words may be about things, not their cases.

    It may be wine that is gone.
    """
    is_everyday = {token.word for token in words} <= EVERYDAY_WORDS
    return bool(parts.kinds) and is_everyday and "{period}" not in parts.request.words


def _is_neutral(parts: Parts, guess: Guess) -> bool:
    """Tell whether no word that speaks for a guess tells of cases."""
    words = [token for token in _tokens_of(parts.request, guess) if token.value is None]
    return bool(words) and parts.filters.is_neutral(words)


def _states_of_cases(parts: Parts, guesses: SlotGuesses) -> Iterator[tuple[str, list[Token]]]:
    """Yield the states that words say of cases, not of things."""
    for guess in sure(guesses, "state"):
        words = _tokens_of(parts.request, guess)
        is_of_things = guess.label in THINGS_STATES and _is_of_things(parts, words)
        # "The second biggest" and "the first two" have nothing to do with votes.
        is_place = guess.label == "part_approved" and {token.word for token in words} <= ORDER_WORDS
        if not (_is_neutral(parts, guess) or is_of_things or is_place):
            yield guess.label, words


def _fill_states(parts: Parts, guesses: SlotGuesses) -> None:
    filters = parts.filters
    labels = dict(_states_of_cases(parts, guesses))
    for label, words in labels.items():
        # What waits on somebody has no outcome: "for me to approve".
        if label in OUTCOMES and not (OUTCOME_FIELDS | {"waits_on"}) & set(filters.fields):
            filters.add_learned(OUTCOMES[label], words)
            if filters.fields.get("is_open") is False:
                # How it ended says that it ended.
                del filters.fields["is_open"]
        elif label in FLAGS:
            filters.add_learned(FLAGS[label], words)
    if "closed" in labels and not (OUTCOME_FIELDS | {"is_open"}) & set(filters.fields):
        filters.add_learned({"is_open": False}, labels["closed"])


def _find_times_again(parts: Parts) -> None:
    """Find the fields of the periods again, as they depend on others."""
    filters = parts.filters
    for name in TIME_FIELDS:
        filters.fields.pop(name, None)
    filters.aside.clear()
    filters.occasions.clear()
    find_times(parts.request, filters)


def _fill_time(parts: Parts, label: str) -> None:
    text, fields = parts.request, parts.filters.fields
    period = find_period(text, set())
    if label in ("age_min", "age_max"):
        _fill_age(text, fields, label)
    elif period is None:
        return
    elif label in PAST_TIMES:
        # In a follow-up the period is of what the question before says.
        is_default = "opened" in fields and text.search(ARRIVED) is None and not parts.leans
        # What came is asked for where nothing but a time is said.
        is_default = is_default and not parts.is_bare_period
        if label != "opened" and is_default:
            fields[label] = fields.pop("opened")
    elif not {"due_within", "expires_within"} & set(fields):
        _fill_deadline(fields, label, period)


def _fill_age(text: QuestionText, fields: dict[str, Any], label: str) -> None:
    if {"min_age", "max_age"} & set(fields):
        return
    for time in text.values("period"):
        if isinstance(time, TimeExpression) and time.length is not None:
            fields["min_age" if label == "age_min" else "max_age"] = time.length
            return


def _fill_deadline(fields: dict[str, Any], label: str, period: Period) -> None:
    fields.pop("opened", None)
    due = fields.pop("due", None)
    if label == "due":
        fields["due"] = due or period
    else:
        fields[label] = end_name(period)
    fields.setdefault("is_open", True)


def _ordering(parts: Parts, guesses: SlotGuesses) -> Ordering:
    ordering = parts.ordering
    order = next(sure(guesses, "order"), None)
    if order is None or ordering.order is not None:
        return ordering
    limit = ordering.limit
    if limit is None and parts.request.search(ONE) is not None:
        limit = 1
    return replace(ordering, order=Order(order.label), limit=limit)


def _grouping(parts: Parts, guesses: SlotGuesses) -> Grouping | None:
    asks_owner = parts.rule is not None and parts.rule[0] == "who.owner"
    if asks_owner or parts.request.search(THIS_CASE) is not None:
        return None
    guess = next(sure(guesses, "grouping"), None)
    return Grouping(guess.label) if guess else None


def _explain_words(parts: Parts, guesses: SlotGuesses) -> None:
    """Note that the words of the slots that hold were understood."""
    words = {word for slot in guesses for guess in sure(guesses, slot) for word in guess.words}
    for token in parts.request.tokens:
        if token.word in words:
            token.is_explained = True
