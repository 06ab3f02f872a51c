"""The words of a question, against which a model's query is checked.

A model may combine what the asker said; it may add no name, number or time.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from rapidfuzz import fuzz

from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.desk.answers.periods import is_period_name
from bot.views.query import (
    ME,
    POLICY,
    Condition,
    KnownName,
    NameType,
    Period,
    Query,
    QuestionContext,
)
from knowledge.language.model_query import ModelCondition, ModelPeriod, ModelQuery
from knowledge.language.question_text import normalise

#: The share of letters, in percent, by which a name must occur in the question.
MIN_SIMILARITY = 85.0
MIN_FUZZY_LENGTH = 4
MAX_NAMES = 30
NUMBERS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "first": 1, "two": 2, "couple": 2, "second": 2,
    "half": 1, "three": 3, "few": 3, "third": 3, "four": 4, "fourth": 4, "five": 5, "fifth": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "dozen": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "fortnight": 2, "noon": 12,
    "midday": 12, "midnight": 0,
}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "k": 1_000, "m": 1_000_000}
SCALES["million"] = SCALES["m"]
UNITS = {"day": "D", "week": "W", "fortnight": "W", "month": "M", "hour": "H", "minute": "M"}
#: Words of which one must be in the question, by the last word of a period's name.
PERIOD_WORDS = {
    "today": ("today", "day", "tonight", "now", "morning"),
    "now": ("now", "today", "moment", "current", "currently"),
    "tonight": ("tonight", "evening", "night"),
    "overnight": ("overnight", "night"),
    "night": ("overnight", "night"),
    "yesterday": ("yesterday", "day"),
    "tomorrow": ("tomorrow",),
    "weekend": ("weekend",),
    "morning": ("morning", "mornings"),
}
#: Beginnings of words of which the question must have one, by what narrows the cases.
NARROWING_WORDS = {
    "is_overdue": ("late", "over", "past", "deadline", "behind", "miss", "slip", "due", "time"),
    "is_snoozed": ("snooz", "postpon", "put", "park", "later", "defer", "sleep", "ice", "hold"),
    "is_paused": ("paus", "hold", "stop", "halt", "frozen", "freez", "suspend", "off"),
    "is_unrecognised": ("un", "recogni", "kind", "classif", "sense", "weird", "odd", "strange"),
    "is_automatic": ("auto", "alone", "own", "self", "yourself", "itself", "bot", "without", "you"),
    "is_part_approved": ("half", "part", "second", "one", "another", "more", "both", "still"),
    "risk": ("risk", "danger", "harmless", "safe"),
}
_NUMBER = re.compile(r"(?<![\w.])[£$€]?(\d[\d,]*(?:\.\d+)?)(k|m)?", re.IGNORECASE)
_AGE = re.compile(r"P(?:T(\d+)([HM])|(\d+)([DWM]))")
_DIGITS = re.compile(r"\d+")
_CASE_NUMBER = re.compile(r"\d+$")


class NotSaid(Exception):
    """The asker did not say this."""


class QuestionWords:
    """The words and numbers of a question."""

    def __init__(self, text: str) -> None:
        self._text = text.casefold()
        self._words = normalise(text).split()
        self._numbers = set(_find_numbers(self._text, self._words))

    def has_all(self, value: str) -> bool:
        """Tell whether all these words are in the question."""
        words = normalise(value).split()
        return bool(words) and all(word in self._words for word in words)

    def has_beginning(self, beginnings: tuple[str, ...]) -> bool:
        """Tell whether a word of the question begins with one of these."""
        return any(word.startswith(beginnings) for word in self._words)

    def has_number(self, number: Decimal) -> bool:
        """Tell whether the question says this number."""
        return number in self._numbers

    def has_case_number(self, number: Decimal) -> bool:
        """Tell whether the question says this number, be it within a word."""
        # "EX-12" is one word, whose digits are no number of their own.
        return number in self._numbers | set(map(Decimal, _DIGITS.findall(self._text)))

    def has_unit(self, letter: str) -> bool:
        """Tell whether the question says a unit of time.

        The unit is given by its letter in a span.
        """
        return any(UNITS.get(word.removesuffix("s")) == letter for word in self._words)

    def has_time(self, name: str) -> bool:
        """Tell whether the question says the time of this name."""
        digits = [Decimal(number) for number in _DIGITS.findall(name)]
        if name.startswith(("-", "+")):
            is_said = all(number == 1 or number in self._numbers for number in digits)
            return is_said and self.has_unit(name[-1])
        if name[:1].isdigit():
            # Of a date the day must have been said.
            return self.has_case_number(digits[-1])
        day, at, _ = name.partition("@")
        if at and not set(digits) - {Decimal(0)} <= self._numbers:
            return False
        last_word = day.rpartition("_")[2]
        likely = PERIOD_WORDS.get(last_word, (last_word,))
        return any(word.removesuffix("s") in likely or word in likely for word in self._words)

    def mentions(self, name: KnownName) -> bool:
        """Tell whether the question has this name, or one much like it."""
        spoken_name = _spell_out(name.name.casefold().lstrip("#@"))
        if len(spoken_name) < MIN_FUZZY_LENGTH:
            return spoken_name in self._words
        text = _spell_out(self._text)
        parts = [spoken_name]
        if name.type is NameType.PERSON:
            parts += [part for part in spoken_name.split() if len(part) > 1]
        account = name.value.rpartition("/")[2].casefold()
        if f"<@{account}" in self._text:
            return True
        return any(_is_mentioned(part, text, self._words) for part in parts)


class QuestionEvidence:
    """The names, numbers and times of a question and its context."""

    def __init__(self, text: str, context: QuestionContext) -> None:
        self._context = context
        self._words = QuestionWords(text)
        self._known_values = _previous_values(context)
        #: The names that the question mentions.
        self.names = _find_names(self._words, context)

    def person(self, value: str) -> str:
        """Return the value of a person or group, or ``ME``."""
        return self._name(value, NameType.PERSON, NameType.GROUP, also=(ME,))

    def decider(self, value: str) -> str:
        """Return the value of a person, ``ME`` or ``POLICY``."""
        return self._name(value, NameType.PERSON, also=(ME, POLICY))

    def group(self, value: str) -> str:
        """Return the value of a group."""
        return self._name(value, NameType.GROUP)

    def channel(self, value: str) -> str:
        """Return the value of a channel."""
        return self._name(value, NameType.CHANNEL)

    def action(self, value: str) -> str:
        """Return the value of an action that there is."""
        return self._find_value(value, NameType.ACTION)

    def source(self, value: str) -> str:
        """Return the value of a source that there is."""
        return self._find_value(value, NameType.SOURCE)

    def kind(self, value: str) -> str:
        """Return the value of a kind that there is."""
        return self._find_value(value, NameType.KIND)

    def text(self, value: str) -> str:
        """Return words that the question says, in the spelling of the cases."""
        for name in self.names:
            if name.type is NameType.TEXT and value.casefold() == name.name.casefold():
                return name.value
        _require(not value or self.has_words(value) or value in self._known_values)
        return value

    def has_words(self, value: str) -> bool:
        """Tell whether all these words are in the question."""
        return self._words.has_all(value)

    def number(self, value: int) -> int:
        """Return a number that the question says."""
        _require(self._words.has_number(Decimal(value)))
        return value

    def amount(self, value: str) -> Decimal | None:
        """Return an amount that the question says."""
        if not value:
            return None
        amount = Decimal(value)
        _require(self._words.has_number(amount) or str(amount) in self._known_values)
        return amount

    def age(self, value: str) -> timedelta | None:
        """Return a length of time that the question says."""
        match = _AGE.fullmatch(value)
        if match is None:
            return None
        hours, clock_unit, days, unit = match.groups()
        count = int(hours or days)
        letter = clock_unit or unit
        _require(self._words.has_unit(letter))
        _require(count == 1 or self._words.has_number(Decimal(count)))
        if clock_unit:
            return timedelta(hours=count) if letter == "H" else timedelta(minutes=count)
        return count * {"D": timedelta(1), "W": timedelta(7), "M": timedelta(30)}[letter]

    def period_name(self, name: str) -> str:
        """Return the name of a time that the question says."""
        if not name or name in self._known_values:
            return name
        _require(is_period_name(name) and self._words.has_time(name))
        return name

    def flag(self, name: str, value: bool) -> bool:
        """Return whether the cases are narrowed so, which the question must say."""
        _require(not value or self._says_narrowing(name))
        return value

    def risk(self, value: RiskTier | None) -> RiskTier | None:
        """Return a risk that the question speaks of."""
        _require(value is None or self._says_narrowing("risk"))
        return value

    def case_id(self, value: str) -> str:
        """Return the id of a case that is named or at hand."""
        if not value:
            return ""
        previous = self._context.previous
        case_ids = {self._context.case_id}
        if previous:
            case_ids |= {previous.query.case_id, *previous.case_ids}
        value = value.upper()
        number = _CASE_NUMBER.search(value)
        is_said = number is not None and self._words.has_case_number(Decimal(number[0]))
        _require(value in case_ids or is_said)
        return value

    def _says_narrowing(self, name: str) -> bool:
        previous = self._context.previous
        if previous and getattr(previous.query.condition, name):
            return True
        return self._words.has_beginning(NARROWING_WORDS[name])

    def _name(self, value: str, *types: NameType, also: tuple[str, ...] = ()) -> str:
        if not value or value in also or value in self._known_values:
            return value
        for name in self.names:
            if name.type in types and value.casefold() in _spellings(name):
                return name.value
        raise NotSaid(value)

    def _find_value(self, value: str, name_type: NameType) -> str:
        if not value:
            return ""
        for name in self._context.names:
            if name.type is name_type and value.casefold() in _spellings(name):
                return name.value
        raise NotSaid(value)


def to_query(answer: ModelQuery, evidence: QuestionEvidence) -> Query:
    """Return the query of a model.

    Raises:
        NotSaid: it has a name, number or time that the asker did not say.
    """
    if answer.ask is None:
        raise NotSaid
    exclusion = None
    if answer.leave_out is not None:
        exclusion = _condition(answer.leave_out, evidence)
    # "The oldest one" asks for one without a number.
    limit = answer.limit
    if limit is not None and limit > 1:
        limit = evidence.number(limit)
    return Query(
        ask=answer.ask,
        condition=_condition(answer.condition, evidence, exclusion),
        order=answer.order,
        limit=limit,
        nth=evidence.number(answer.nth) if answer.nth > 1 else answer.nth,
        grouping=answer.grouping,
        measure=answer.measure,
        case_id=evidence.case_id(answer.case_id),
        about=answer.about,
        act=answer.act,
        of=evidence.person(answer.of),
        to=evidence.person(answer.to),
        until=evidence.period_name(answer.until),
    )


def _condition(
    condition: ModelCondition, evidence: QuestionEvidence, exclusion: Condition | None = None
) -> Condition:
    min_approvals = condition.min_approvals
    if min_approvals > 1:
        min_approvals = evidence.number(min_approvals)
    return Condition(
        is_open=condition.is_open,
        states=tuple(map(_state, condition.states)),
        kinds=tuple(map(evidence.kind, condition.kinds)),
        text=evidence.text(condition.text),
        min_stake=evidence.amount(condition.min_stake),
        max_stake=evidence.amount(condition.max_stake),
        min_age=evidence.age(condition.min_age),
        max_age=evidence.age(condition.max_age),
        opened=_period(condition.opened, evidence),
        decided=_period(condition.decided, evidence),
        ended=_period(condition.ended, evidence),
        due=_period(condition.due, evidence),
        due_within=evidence.period_name(condition.due_within),
        expires_within=evidence.period_name(condition.expires_within),
        is_overdue=evidence.flag("is_overdue", condition.is_overdue),
        owner=evidence.person(condition.owner),
        waits_on=evidence.person(condition.waits_on),
        approver=evidence.group(condition.approver),
        min_approvals=min_approvals,
        is_part_approved=evidence.flag("is_part_approved", condition.is_part_approved),
        decision=condition.decision,
        decided_by=evidence.decider(condition.decided_by),
        action=evidence.action(condition.action),
        is_automatic=evidence.flag("is_automatic", condition.is_automatic),
        risk=evidence.risk(condition.risk),
        raised_by=evidence.person(condition.raised_by),
        source=evidence.source(condition.source),
        channel=evidence.channel(condition.channel),
        is_snoozed=evidence.flag("is_snoozed", condition.is_snoozed),
        is_paused=evidence.flag("is_paused", condition.is_paused),
        is_unrecognised=evidence.flag("is_unrecognised", condition.is_unrecognised),
        exclusion=exclusion,
    )


def _state(name: str) -> State:
    for state in State:
        if name.casefold() in {state.value, state.name.casefold()}:
            return state
    raise NotSaid(name)


def _period(period: ModelPeriod | None, evidence: QuestionEvidence) -> Period | None:
    if period is None or not (period.begin or period.end or period.before):
        return None
    return Period(
        begin=evidence.period_name(period.begin),
        end=evidence.period_name(period.end),
        before=evidence.period_name(period.before),
    )


def _find_names(words: QuestionWords, context: QuestionContext) -> tuple[KnownName, ...]:
    types = {NameType.PERSON, NameType.GROUP, NameType.CHANNEL, NameType.TEXT}
    candidates = [name for name in context.names if name.type in types]
    names = [name for name in candidates if words.mentions(name)]
    return tuple(names[:MAX_NAMES])


def _previous_values(context: QuestionContext) -> set[str]:
    return set() if context.previous is None else set(_values(context.previous.query))


def _require(is_said: bool) -> None:
    if not is_said:
        raise NotSaid


def _find_numbers(text: str, words: list[str]) -> Iterator[Decimal]:
    """Yield the numbers of a text, in digits or words.

    A scale that it names, such as "thousand", multiplies each of them too.
    """
    numbers = [Decimal(digits.replace(",", "")) for digits, _ in _NUMBER.findall(text)]
    numbers += [Decimal(NUMBERS[word]) for word in words if word in NUMBERS]
    scales = [SCALES[word] for word in words if word in SCALES]
    scales += [SCALES[letter] for _, letter in _NUMBER.findall(text) if letter]
    for number in numbers:
        yield number
        for scale in scales:
            yield number * scale
            # "One and a half grand".
            yield (number + Decimal("0.5")) * scale
    yield from map(Decimal, scales)


def _spellings(name: KnownName) -> set[str]:
    plain = name.name.casefold()
    return {plain, plain.lstrip("#@"), name.value.casefold()}


def _is_mentioned(part: str, text: str, words: list[str]) -> bool:
    if len(part) < MIN_FUZZY_LENGTH:
        return part in words
    # Of two texts the shorter is looked for: a short question is in many long names.
    return len(part) <= len(text) and fuzz.partial_ratio(part, text) >= MIN_SIMILARITY


def _spell_out(text: str) -> str:
    return text.replace("-", " ").replace("&", "and")


def _values(query: Query) -> Iterator[str]:
    """Yield the names, amounts and times of a query."""
    for part in (query, query.condition, query.condition.exclusion):
        for field in getattr(part, "__dataclass_fields__", ()):
            value = getattr(part, field)
            match value:
                case Period():
                    yield from filter(None, (value.begin, value.end, value.before))
                case Decimal() | str():
                    yield str(value)
                case _:
                    pass
