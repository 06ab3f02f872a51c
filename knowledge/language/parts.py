"""The parts of a question, before it is known what it asks."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.views.query import (
    ANY_CASE,
    About,
    Ask,
    Condition,
    Grouping,
    LastDecision,
    Query,
    QuestionContext,
)
from knowledge.language import asks, follow_ups, left_aside
from knowledge.language.asks import ONE_CASE
from knowledge.language.condition_words import BARE_WORDS
from knowledge.language.conditions import Filters
from knowledge.language.exclusions import Exclusion
from knowledge.language.names import Mention
from knowledge.language.orders import Ordering
from knowledge.language.question_text import QuestionText, phrase
from knowledge.language.question_words import word_set

#: With a filter, these words ask a question of their own.
OWN_SUBJECT = phrase(
    r"which|what|list|show(?: me)?|any|anything|is there|are there|give me|find|everything|all"
    r"|whatever|got any|see|how many|how much|number of|count|who|cases?|exceptions?"
)
STRONG_LIST = phrase(
    r"which|what|list|show(?: me)?|any|anything|is there|are there"
    r"|give me|find|everything|all|whatever|got any|see"
)
THIS_CASE = phrase(
    r"(?:this|that|the) (?:one|case|exception|card|thing)|it|this"
    r"|that|its|they|them|these|these ones"
)
#: In so short a question a person is what it is about.
MAX_WORDS_BESIDE_PERSON = 5
#: "Shipments?" after a count.
MAX_WORDS_OF_KIND = 2
NUMBER_ASKS = frozenset({Ask.COUNT, Ask.SUM, Ask.HOW_LONG})
PERSON_PREPOSITIONS = word_set("with of for about at on by from to")
DESK_FACTS = frozenset({About.BLOCKER, About.STAND_IN, About.PAUSE, About.MEMBERS})
IDENTIFIER = re.compile(r"^(?=\S*\d)\S+$")


@dataclass(kw_only=True)
class Parts:
    """All that was found in a question."""

    text: QuestionText
    #: The same with what is to be left out.
    whole: QuestionText
    #: The words that ask, without the story before them.
    request: QuestionText
    context: QuestionContext
    rule: tuple[str, asks.Weight] | None
    filters: Filters
    ordering: Ordering
    grouping: Grouping | None
    kinds: tuple[str, ...]
    exclusion: Exclusion
    #: The kinds are named, or a learned model is sure of them.
    are_kinds_sure: bool
    action: str
    source: str
    #: The other cases of the list of which a case was named by its place.
    neighbours: tuple[str, ...] = ()
    #: The filters as tables of words alone find them, where learned slots contradict them.
    table_filters: Filters | None = None

    @property
    def case_ids(self) -> list[str]:
        """List the cases that are named."""
        return [str(value) for value in self.text.values("case")]

    @property
    def people(self) -> list[str]:
        """List the people and groups that are named, in their order."""
        return _people_of(self.text)

    @property
    def names(self) -> list[str]:
        """List what is named of what cases are about."""
        values = self.text.values("name")
        return [value.value for value in values if isinstance(value, Mention)]

    @property
    def selects(self) -> bool:
        """Tell whether the question says which cases it means."""
        return bool(self.filters.fields or self.names or self.kinds or self.exclusion.condition)

    @property
    def has_case(self) -> bool:
        """Tell whether one case may be meant."""
        return bool(self.case_ids or self.context.case_id) or self.leans

    @property
    def asks_cases(self) -> bool:
        """Tell whether cases are wanted by name."""
        return self.text.search(phrase("cases|ones|exceptions")) is not None

    @property
    def has_ask(self) -> bool:
        """Tell whether the words say what is asked."""
        if self.rule is not None:
            return True
        return self.text.search(STRONG_LIST) is not None

    @cached_property
    def leans(self) -> bool:
        """Tell whether this is a follow-up."""
        previous = self.context.previous
        if self._is_lone_kind and previous is not None and previous.query.ask in NUMBER_ASKS:
            return True
        is_complete = bool(self.case_ids or self.names or self.kinds) or (
            self.text.search(OWN_SUBJECT) is not None and bool(self.filters.fields)
        )
        return follow_ups.leans_on_previous(
            self.whole, self.context.previous, is_complete=is_complete
        )

    @property
    def _is_lone_kind(self) -> bool:
        """Tell whether nothing but a kind is said."""
        is_short = len(self.text.tokens) <= MAX_WORDS_OF_KIND
        is_lone = bool(self.kinds) and not (self.filters.fields or self.names or self.case_ids)
        return is_short and is_lone and not self.has_ask and self.ordering.order is None

    @property
    def is_bare_period(self) -> bool:
        """Tell whether nothing but a time is said.

        As in "the last two hours".
        """
        words = set(self.request.words)
        return "{period}" in words and words <= BARE_WORDS

    @property
    def begins_as_follow_up(self) -> bool:
        """Tell whether it begins with "and", "only" and the like."""
        return follow_ups.BEGINNING.match(self.whole.text) is not None

    @property
    def default_label(self) -> str:
        """Return what is asked when nobody can say."""
        if self.case_ids:
            return "status"
        if self.context.case_id and not self.selects and self.text.search(THIS_CASE):
            return "status"
        if self.selects or self.ordering.order is not None or self.grouping is not None:
            return "list"
        if self.leans or self.text.search(asks.LIST_WORDS) is not None:
            return "list"
        return ""

    def _part_of_person(self) -> str:
        """Return what a lone person did, after a question about decisions."""
        previous = self.context.previous
        before = previous.query.condition if previous is not None else ANY_CASE
        is_decision = before.decision is not None or before.decided is not None
        has_person = before.owner or before.waits_on or before.raised_by
        is_person = "{person}" in self.text.words
        return "decided_by" if is_decision and is_person and not has_person else "owner"

    def own_condition(self, query: Query) -> Condition:
        """Return what these words alone say of the cases."""
        if query.ask in ONE_CASE and query.about in DESK_FACTS:
            return ANY_CASE
        fields: dict[str, Any] = dict(self.filters.fields)
        add_names(fields, self)
        loose = loose_person(self)
        if loose and not {"waits_on", "owner", "decided_by", "raised_by"} & set(fields):
            fields[self._part_of_person()] = loose
        return Condition(**fields)


def add_names(fields: dict[str, Any], parts: Parts) -> None:
    """Add kinds, names, action and source to the fields of a condition."""
    # The number of an invoice names it better than the word.
    is_identified = any(IDENTIFIER.match(name) for name in parts.names)
    if parts.kinds and "is_unrecognised" not in fields and not is_identified:
        fields.setdefault("kinds", parts.kinds)
    if parts.names:
        fields.setdefault("text", " ".join(dict.fromkeys(parts.names)))
    if parts.exclusion.condition is not None:
        fields["exclusion"] = parts.exclusion.condition
    if parts.source:
        fields["source"] = parts.source
    if parts.action:
        fields["action"] = parts.action
        fields.setdefault("decision", LastDecision.APPROVED)
        if "opened" in fields:
            fields["decided"] = fields.pop("opened")
        if fields.get("is_open") is False:
            del fields["is_open"]


def _people_of(text: QuestionText) -> list[str]:
    """List the people and groups that a text names, in their order."""
    return [
        token.value.value
        for token in text.tokens
        if token.word in ("{person}", "{group}") and isinstance(token.value, Mention)
    ]


def loose_person(parts: Parts) -> str:
    """Return a person or group that no other word explains."""
    people = _people_of(parts.request)
    # "Finance rejected": a decider that no condition can name is no owner.
    is_decided = "decision" in parts.filters.fields or parts.filters.is_decided
    if len(people) != 1 or is_decided:
        return ""
    place = next(
        place
        for place, token in enumerate(parts.request.tokens)
        if token.value is not None and token.word in ("{person}", "{group}")
    )
    before = parts.request.words[place - 1] if place else ""
    if before and left_aside.is_unexplained(parts.request.tokens[place - 1]):
        # "Cases that annoy Elsie": what she has to do with them was not understood.
        return ""
    is_short = len(parts.request.tokens) <= MAX_WORDS_BESIDE_PERSON
    return people[0] if is_short or before in PERSON_PREPOSITIONS else ""
