"""Conditions on cases, from the masked words of a question."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.cases.lifecycle import State
from bot.views.query import ME, Condition, LastDecision, Period
from knowledge.language.condition_words import (
    AGAIN_FOR,
    ANY_PERIOD,
    ARRIVED,
    BARE_WORDS,
    BEFORE,
    BETWEEN,
    BY_UNKNOWN,
    DAYS_OF_WORK,
    DECIDED_BY_OTHERS,
    DECISION_NOUNS,
    DECISION_VERBS,
    DECISIONS,
    DUE,
    ENDED,
    EXPIRES,
    FIRST,
    FLAGS,
    FUTURE,
    IN_PERIOD,
    IN_SPAN,
    MUST_DECIDE,
    OCCASIONS,
    OPEN,
    RESOLVED,
    SINCE,
    SOON,
    WITHIN,
    Fields,
)
from knowledge.language.left_aside import is_unexplained, spell
from knowledge.language.money import StakeBounds
from knowledge.language.names import Mention
from knowledge.language.people_words import (
    APPROVER,
    DECIDED_BY,
    HAS_NOT_ACTED,
    HAS_TO,
    MUST_ACT,
    MY_DECISIONS,
    MY_QUEUE,
    ON_PLATE,
    OWNED_BY,
    RAISED_BY,
    UNTIL_I_ACT,
    UNTIL_THEY_ACT,
    WAITS_ON,
)
from knowledge.language.question_text import QuestionText, Token
from knowledge.language.time_words import TimeExpression, span_name


@dataclass(slots=True, kw_only=True)
class Filters:
    """The fields of a condition, as they are found."""

    fields: dict[str, Any] = field(default_factory=dict)
    #: Open and ended cases are meant.
    is_any: bool = False
    #: Somebody said that only open cases are meant.
    says_open: bool = False
    #: They were decided, in whatever way.
    is_decided: bool = False
    #: They are asked for by the end of their approval.
    is_expiry: bool = False
    #: Times that say nothing of when cases came, in the asker's spelling.
    aside: list[str] = field(default_factory=list)
    #: Their places.
    occasions: set[int] = field(default_factory=set)
    #: The places of the people of whom something was said already.
    people: set[int] = field(default_factory=set)
    #: The words that each field rests on, where that is known.
    words: dict[str, Sequence[Token]] = field(default_factory=dict)
    #: Words that tell of what cases are about, not of the cases.
    neutral: set[int] = field(default_factory=set)
    #: The fields that only a learned model read.
    guessed_fields: set[str] = field(default_factory=set)

    def add(self, fields: Fields, words: Sequence[Token] = ()) -> None:
        """Add fields, which rest on these words; what was found first stays."""
        for name, value in fields.items():
            if name == "is_any":
                self.is_any = True
            elif name not in self.fields:
                self.fields[name] = value
                self.words[name] = words

    def add_learned(self, fields: Fields, words: Sequence[Token]) -> None:
        """Add fields that only a learned model read in these words."""
        self.guessed_fields |= fields.keys() - self.fields.keys()
        self.add(fields, words)

    def is_neutral(self, words: Sequence[Token]) -> bool:
        """Tell whether these words tell of something else than cases."""
        return all(id(token) in self.neutral for token in words)

    @property
    def restricts_time_or_decision(self) -> bool:
        """Tell whether the cases need not be open to be meant."""
        return self.is_decided or any(
            self.fields.get(name)
            for name in (
                "opened",
                "decided",
                "ended",
                "decision",
                "decided_by",
                "is_automatic",
                "raised_by",
                "states",
                "is_snoozed",
                "channel",
            )
        )

    def condition(self) -> Condition:
        """Return the condition."""
        return Condition(**self.fields)


ENDED_STATES = frozenset(
    {State.EXPIRED, State.CLEARED, State.WITHDRAWN, State.RESOLVED, State.REJECTED}
)
UNDECIDED_STATES = frozenset({State.PROPOSED, State.REFERRED})


def find_filters(text: QuestionText) -> Filters:
    """Find the filters of a question, except kinds and names."""
    filters = Filters()
    _find_stakes(text, filters)
    _find_ages(text, filters)
    _find_people(text, filters)
    _find_flags(text, filters)
    _find_decision(text, filters)
    _find_states(text, filters)
    find_times(text, filters)
    channels = text.values("channel")
    if channels:
        filters.add({"channel": str(channels[0])})
    settle(filters.fields)
    return filters


def settle(fields: dict[str, Any]) -> None:
    """Drop what other words contradict or say already.

    "Lapsed because no one answered" is no open case, "needs deciding by noon" no state.
    """
    states = frozenset(fields.get("states", ()))
    has_ended = bool(states & ENDED_STATES) or fields.get("decision") is LastDecision.REJECTED
    if has_ended:
        for name in ("is_open", "is_overdue", "is_part_approved"):
            fields.pop(name, None)
    if "waits_on" in fields and not has_ended:
        fields["is_open"] = True
    has_time = fields.keys() & {"due", "due_within", "expires_within"}
    # Of whom something is wanted now, by them it is not decided.
    is_undecided = has_time or "waits_on" in fields or "is_overdue" in fields
    if is_undecided and states and states <= UNDECIDED_STATES:
        del fields["states"]


def _find_stakes(text: QuestionText, filters: Filters) -> None:
    for bounds in text.values("money"):
        if isinstance(bounds, StakeBounds):
            if bounds.least is not None:
                filters.add({"min_stake": bounds.least})
            if bounds.most is not None:
                filters.add({"max_stake": bounds.most})


def _find_ages(text: QuestionText, filters: Filters) -> None:
    for time in text.values("period"):
        if isinstance(time, TimeExpression) and time.length is not None:
            if time.is_min_age:
                filters.add({"min_age": time.length})
            elif time.is_max_age:
                filters.add({"max_age": time.length})


def _find_people(text: QuestionText, filters: Filters) -> None:
    """Find who owns, decided, raised or holds up the cases."""
    for name, patterns in (
        ("waits_on", (UNTIL_THEY_ACT,)),
        ("approver", APPROVER),
        ("raised_by", RAISED_BY),
        ("decided_by", DECIDED_BY),
    ):
        _find_person(text, filters, name=name, patterns=patterns)
    until_words = text.take_tokens(UNTIL_I_ACT)
    if until_words:
        filters.add({"waits_on": ME}, until_words)
    elif text.take(MY_DECISIONS):
        filters.add({"decided_by": ME})
    _find_person(
        text, filters, name="waits_on", patterns=(ON_PLATE, HAS_TO, MUST_ACT, HAS_NOT_ACTED)
    )
    _find_person(text, filters, name="owner", patterns=OWNED_BY)
    if "approver" not in filters.fields:
        _find_person(text, filters, name="waits_on", patterns=WAITS_ON)
    if not {"waits_on", "decided_by", "raised_by", "owner"} & set(filters.fields):
        for pattern in MY_QUEUE:
            tokens = text.take_tokens(pattern)
            if tokens:
                filters.add({"waits_on": ME}, tokens)


def _find_person(
    text: QuestionText, filters: Filters, *, name: str, patterns: tuple[re.Pattern[str], ...]
) -> None:
    for pattern in patterns:
        match = text.search(pattern)
        if match is None:
            continue
        value = _person_of(text, match)
        place, _ = text.bounds(match, "who")
        if value and place not in filters.people:
            filters.add({name: value}, text.tokens_of(match))
            filters.people.add(place)
            text.explain(match)
            return


def _person_of(text: QuestionText, match: re.Match[str]) -> str:
    """Return the person or group of a match, or nothing."""
    token = text.tokens_of(match, "who")[0]
    if token.word in {"me", "my", "i", "myself"}:
        return ME
    return token.value.value if isinstance(token.value, Mention) else ""


def _leave_unknown_aside(text: QuestionText, filters: Filters) -> set[int]:
    """Leave aside what people did whom nobody knows.

    The places of its words are returned.
    """
    places: set[int] = set()
    for pattern in BY_UNKNOWN:
        for match in text.find_all(pattern):
            if not is_unexplained(text.tokens_of(match, "actor")[0]):
                continue
            tokens = text.tokens_of(match)[1:]
            first, last = text.bounds(match)
            places.update(range(first, last))
            text.explain(match)
            filters.neutral.update(map(id, tokens))
            filters.aside.append(spell(tokens))
    return places


def _find_flags(text: QuestionText, filters: Filters) -> None:
    places = _leave_unknown_aside(text, filters)
    for pattern, fields in FLAGS:
        for match in text.find_all(pattern):
            first, last = text.bounds(match)
            if places.issuperset(range(first, last)):
                continue
            if "is_automatic" in fields and _is_of_me(text, match, filters):
                continue
            if "states" in fields and _is_of_asked(text, match, filters):
                continue
            places.update(range(first, last))
            text.explain(match)
            filters.add(fields, text.tokens_of(match))
            if not fields:
                filters.neutral.update(map(id, text.tokens_of(match)))


def _is_of_asked(text: QuestionText, match: re.Match[str], filters: Filters) -> bool:
    """Tell whether these words only say of whom something is wanted."""
    words = _words_of_asked(filters)
    return all(id(token) in words for token in text.tokens_of(match))


def _words_of_asked(filters: Filters) -> set[int]:
    """Return the words that say whose decision is wanted."""
    return {id(token) for name in ("approver", "waits_on") for token in filters.words.get(name, ())}


def _is_of_me(text: QuestionText, match: re.Match[str], filters: Filters) -> bool:
    """Tell whether these words say that a case needs me.

    As in "cannot go on without me".
    """
    is_explained = all(token.is_explained for token in text.tokens_of(match))
    return is_explained and "waits_on" in filters.fields


def _find_decision(text: QuestionText, filters: Filters) -> None:
    if {"states", "is_part_approved", "is_automatic"} & set(filters.fields):
        return
    # "Which do I have to approve" tells of no decision.
    must_decide = "waits_on" in filters.fields or "approver" in filters.fields
    others = {
        id(token) for match in text.find_all(DECIDED_BY_OTHERS) for token in text.tokens_of(match)
    }
    tables = DECISIONS if must_decide else DECISIONS + DECISION_VERBS + DECISION_NOUNS
    for pattern, decision in tables:
        matches = _of_cases(text, pattern, filters)
        own = (one for one in matches if not others.issuperset(map(id, text.tokens_of(one))))
        match = next(own, None)
        if match is None:
            continue
        text.explain(match)
        if decision is not None:
            filters.add({"decision": decision}, text.tokens_of(match))
        else:
            filters.is_decided = True
        return


def _of_cases(
    text: QuestionText, pattern: re.Pattern[str], filters: Filters
) -> Iterator[re.Match[str]]:
    """Yield where a phrase tells of cases, not of their subject."""
    people_words = _words_of_asked(filters)
    for match in text.find_all(pattern):
        words = {id(token) for token in text.tokens_of(match)}
        if not (words <= filters.neutral or words <= people_words):
            yield match


def _find_states(text: QuestionText, filters: Filters) -> None:
    is_decided = "decision" in filters.fields or "decided_by" in filters.fields
    has_state = is_decided or "states" in filters.fields
    is_automatic = "is_automatic" in filters.fields
    resolved_words = text.take_new(RESOLVED) if not has_state else []
    may_end = not has_state and (is_automatic or not resolved_words)
    ended_words = text.take_new(ENDED) if may_end else []
    if resolved_words and not is_automatic:
        filters.add({"states": (State.RESOLVED,)}, resolved_words)
    elif ended_words and not is_automatic:
        filters.add({"is_open": False}, ended_words)
    if text.take_new(OPEN) and "states" not in filters.fields:
        filters.add({"is_open": True})
        filters.says_open = True


def find_times(text: QuestionText, filters: Filters) -> None:
    """Find the periods, and of what they are the periods."""
    is_due = _is_of_due(text, filters)
    filters.is_expiry = text.search(EXPIRES) is not None and "states" not in filters.fields
    # "The first to expire" is an order.
    is_expiry = filters.is_expiry and text.search(FIRST) is None
    if is_due:
        text.take(DUE)
    if is_expiry:
        text.take(EXPIRES)
    if not is_due and not is_expiry:
        _drop_occasions(text, filters)
    period = find_period(text, filters.occasions)
    if period is not None:
        text.take(ARRIVED)
    if is_expiry:
        end = end_name(period) or _end_of_span(text) or SOON
        filters.add({"expires_within": end, "is_open": True})
        return
    if is_due:
        _add_due(text, filters, period)
        return
    if period is None:
        return
    day = (period.begin or period.before).partition("@")[0]
    if day in DAYS_OF_WORK and _is_of_now(text, filters):
        return
    name = _period_field(filters)
    filters.add({name: period})


def _is_of_due(text: QuestionText, filters: Filters) -> bool:
    """Tell whether the time to decide is meant."""
    if text.search(DUE) is not None or _is_bare_future(text):
        return True
    return "waits_on" not in filters.fields and text.search(MUST_DECIDE) is not None


def _is_bare_future(text: QuestionText) -> bool:
    """Tell whether nothing but a time to come is said.

    As in "the next three hours".
    """
    times = [time for time in text.values("period") if isinstance(time, TimeExpression)]
    is_bare = set(text.words) <= BARE_WORDS
    return is_bare and bool(times) and times[0].begin in FUTURE


def _drop_occasions(text: QuestionText, filters: Filters) -> None:
    """Set aside times when no case can have come, like "tomorrow"."""
    for match in list(text.find_all(ANY_PERIOD)):
        time = _time(text, match, "time")
        if time is None or not time.begin:
            continue
        place, _ = text.bounds(match)
        before = set(text.words[max(0, place - 2) : place])
        is_for = "for" in before and AGAIN_FOR.match(text.text) is None
        is_occasion = is_for and time.begin in OCCASIONS
        # "About table 9 tonight" is about a guest, "in tonight" about cases.
        is_evening = time.begin == "tonight" and text.search(ARRIVED) is None
        if is_occasion or is_evening or time.begin in FUTURE or time.begin.startswith("+"):
            filters.occasions.add(place)
            filters.aside.append(text.tokens[place].spelling)


def _is_of_now(text: QuestionText, filters: Filters) -> bool:
    """Tell whether "today" is when the asker works."""
    return "waits_on" in filters.fields and text.search(ARRIVED) is None


def _end_of_span(text: QuestionText) -> str:
    """Return the end of "within two hours"; empty where there is none."""
    for match in text.find_all(IN_SPAN):
        time = _time(text, match, "time")
        if time is not None and time.length is not None:
            text.explain(match)
            return span_name(time.length, is_past=False)
    return ""


def _add_due(text: QuestionText, filters: Filters, period: Period | None) -> None:
    end = _end_of_span(text) if period is None else ""
    if end:
        filters.add({"is_open": True, "due_within": end})
    if period is None:
        return
    filters.add({"is_open": True})
    if period.begin == "now" or _is_within(text) or not period.begin:
        filters.add({"due_within": end_name(period)})
    else:
        filters.add({"due": period})


def _is_within(text: QuestionText) -> bool:
    """Tell whether a time is the latest: "by friday", not "in may"."""
    return any(not IN_PERIOD.match(match[0]) for match in text.find_all(WITHIN))


def end_name(period: Period | None) -> str:
    if period is None:
        return ""
    return period.end or period.before or period.begin


def _period_field(filters: Filters) -> str:
    fields = filters.fields
    if filters.is_decided or "decision" in fields or "decided_by" in fields:
        return "decided"
    is_ended = fields.get("is_open") is False or "is_automatic" in fields
    if is_ended or ENDED_STATES & set(fields.get("states", ())):
        return "ended"
    return "opened"


def find_period(text: QuestionText, occasions: set[int]) -> Period | None:
    """Find the period that a question names."""
    for match in text.find_all(BETWEEN):
        suffix = "" if match["begin"] else "_bare"
        begin, end = _time(text, match, f"begin{suffix}"), _time(text, match, f"end{suffix}")
        if begin and end and begin.begin and end.begin:
            text.explain(match)
            return Period(begin=begin.begin, end=end.end or end.begin)
    for pattern, is_before in ((BEFORE, True), (SINCE, False)):
        for match in text.find_all(pattern):
            is_second = not is_before and match["time_on"] is not None
            time = _time(text, match, "time_on" if is_second else "time")
            if time is not None and time.begin:
                text.explain(match)
                return Period(before=time.begin) if is_before else Period(begin=time.begin)
    for match in text.find_all(ANY_PERIOD):
        time = _time(text, match, "time")
        is_occasion = text.bounds(match)[0] in occasions
        if time is not None and time.begin and not is_occasion:
            return Period(begin=time.begin, end=time.end)
    return None


def _time(text: QuestionText, match: re.Match[str], group: str) -> TimeExpression | None:
    value = text.tokens_of(match, group)[0].value
    return value if isinstance(value, TimeExpression) else None
