"""Readings of questions, without a chat model.

Names, amounts and times are found first and masked. Rules and a learned classifier say what is
asked of the rest; tables of words say of which cases. What nobody understood is left aside and
narrows nothing.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.clock import utc_now
from bot.ports.language import QuestionClassifier
from bot.views.query import (
    ANY_CASE,
    ME,
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    KnownName,
    LastDecision,
    Measure,
    NameType,
    Order,
    Query,
    QuestionContext,
    Reading,
)
from knowledge.language import asks, follow_ups, left_aside
from knowledge.language.asks import LISTS, ONE_CASE, AskChoice
from knowledge.language.conditions import Filters, find_filters
from knowledge.language.exclusions import take_exclusion
from knowledge.language.kinds import KindFinder
from knowledge.language.money import take_money
from knowledge.language.names import Mention, NameIndex, plain
from knowledge.language.orders import Ordering, find_grouping, find_ordering
from knowledge.language.question_text import QuestionText, Token, phrase, split_question
from knowledge.language.question_words import word_set
from knowledge.language.spelling import correct_keywords
from knowledge.language.time_words import TimeExpression, span_name, take_times

MAX_INDEXES = 8
CASE_ID = phrase(
    r"(?:case |exception |card )?(?:number |no |nr )?#?ex[- ]?(?P<number>\d{1,9})",
    r"(?:case|exception|card) (?:number |no |nr |id )?#?(?P<number2>\d{1,9})",
    r"^#?(?P<number3>\d{1,9})$",
)
THIS_CASE = phrase(
    r"(?:this|that|the) (?:one|case|exception|card|thing)|it|this"
    r"|that|its|they|them|these|these ones"
)
ONLY_CASE = re.compile(
    r"^(?:\{case\}|(?:what is|and|show|show me|open|see|find|about"
    r"|details|get|pull up) (?:with |up with |about |on "
    r"|is )?\{case\}(?: about)?)$"
)
WORTH = phrase(r"how many|number of|count")


class QuestionReading:
    """Reads questions by rules and a learned classifier."""

    def __init__(
        self, classifier: QuestionClassifier, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._classifier = classifier
        self._clock = clock
        self._kinds = KindFinder(classifier)
        # The last indexes: a busy morning has a few askers, each with the names they may know.
        self._indexes: deque[tuple[tuple[KnownName, ...], NameIndex]] = deque(maxlen=MAX_INDEXES)

    def read(self, text: str, context: QuestionContext) -> Reading | None:
        """Return the query; None when nothing in the words can be understood."""
        words = split_question(text)
        if not words.tokens:
            return None
        parts = self._find_parts(words, context)
        choice = self._choose(parts)
        if not choice.label:
            return None
        query = self._query(choice.label, parts)
        asks.explain_ask(words, choice.label)
        query, aside = self._leave_aside(parts, query)
        others = [self._query(label, parts) for label in choice.others if _is_label(label)]
        alternatives = tuple(other for other in dict.fromkeys(others) if other != query)
        return Reading(
            query=query,
            left_aside=aside,
            alternatives=alternatives[:2],
            is_uncertain=choice.is_uncertain and bool(alternatives),
        )

    def _find_parts(self, words: QuestionText, context: QuestionContext) -> "Parts":
        _take_cases(words)
        index = self._names(context.names)
        index.take_names(words)
        _take_channels(words)
        correct_keywords(words)
        take_money(words)
        grouping = find_grouping(words)
        period = follow_ups.period_of(context.previous)
        take_times(words, self._clock().date(), period)
        whole = QuestionText([replace(token) for token in words.tokens])
        exclusion = take_exclusion(words, self._kinds, index.others)
        rule = asks.find_rule(words)
        ordering = find_ordering(words)
        filters = find_filters(words)
        kinds = self._find_kinds(words, index.others)
        return Parts(
            text=words,
            whole=whole,
            context=context,
            rule=rule,
            filters=filters,
            ordering=ordering,
            grouping=grouping,
            kinds=kinds,
            exclusion=exclusion,
            action=_find_action(words, index.others),
            source=_find_source(words, index.others),
        )

    def _find_kinds(self, words: QuestionText, names: tuple[KnownName, ...]) -> tuple[str, ...]:
        """Find the kinds, if need be without words not understood."""
        kinds = self._kinds.find(words, names)
        runs = [] if kinds else left_aside.phrases(words, is_narrowed=True)
        if not runs:
            return kinds
        strange = {id(token) for run in runs for token in run}
        rest = QuestionText(token for token in words.tokens if id(token) not in strange)
        return self._kinds.find(rest, names) if rest.tokens else ()

    def _names(self, names: tuple[KnownName, ...]) -> NameIndex:
        """Index the names of an asker; the last indexes are kept."""
        for indexed_names, index in tuple(self._indexes):
            if indexed_names is names or indexed_names == names:
                return index
        index = NameIndex(names)
        self._indexes.append((names, index))
        return index

    def _choose(self, parts: "Parts") -> AskChoice:
        guesses = [
            guess for guess in self._classifier.asks(parts.whole.text) if _is_label(guess.label)
        ]
        rule = parts.rule
        if rule is not None and parts.leans:
            # A few words that lean on others are not what a classifier has learned.
            rule = (rule[0], asks.Weight.SURE)
        choice = asks.choose(rule, guesses, parts.default_label)
        return replace(choice, label=_guard(choice.label, parts))

    def _query(self, label: str, parts: "Parts") -> Query:
        query = asks.query_of(label)
        match query.ask:
            case Ask.ACT:
                query = _act_query(query, parts)
            case Ask.SMALL_TALK | Ask.OUT_OF_SCOPE | Ask.CAPABILITY | Ask.HELP:
                return query
            case ask if ask in LISTS:
                query = _list_query(query, parts)
            case _:
                query = _fact_query(query, parts)
        previous = parts.context.previous
        if previous is None or not parts.leans:
            return _remember_others(query, parts)
        query = replace(query, condition=parts.own_condition(query))
        merged = follow_ups.merge(previous, query, has_ask=parts.has_ask)
        if parts.filters.is_any:
            merged = replace(merged, condition=replace(merged.condition, is_open=None))
        return _other_case(merged, parts)

    def _leave_aside(self, parts: "Parts", query: Query) -> tuple[Query, tuple[str, ...]]:
        """Say which words were not understood.

        A lone one that stands where a name would is looked for.
        """
        if query.ask in NO_CASES or query.case_id:
            return query, ()
        is_lone = not parts.names and not parts.kinds and not _narrows(query.condition)
        runs = left_aside.phrases(parts.text, is_narrowed=not is_lone)
        lone = left_aside.lone_name(parts.text, runs) if is_lone and not parts.leans else None
        if lone is not None:
            runs.remove(lone)
            condition = replace(query.condition, text=left_aside.spell(lone))
            query = replace(query, condition=condition)
        aside = [
            left_aside.spell(run)
            for run in runs[: left_aside.MAX_PHRASES]
            if not self._is_of_kind(parts, run)
        ]
        if query.ask in LISTS:
            aside += [*_unused_people(parts, query), *parts.filters.aside]
        return query, tuple(dict.fromkeys(aside))

    def _is_of_kind(self, parts: "Parts", run: list[Token]) -> bool:
        others = self._names(parts.context.names).others
        words = [token.word for token in run]
        return self._kinds.explains(parts.text, words, parts.kinds, others)


@dataclass(slots=True, kw_only=True)
class Parts:
    """All that was found in a question."""

    text: QuestionText
    #: The same with what is to be left out.
    whole: QuestionText
    context: QuestionContext
    rule: tuple[str, asks.Weight] | None
    filters: Filters
    ordering: Ordering
    grouping: Grouping | None
    kinds: tuple[str, ...]
    exclusion: Condition | None
    action: str
    source: str

    @property
    def case_ids(self) -> list[str]:
        """List the cases that are named."""
        return [str(value) for value in self.text.values("case")]

    @property
    def people(self) -> list[str]:
        """List the people and groups that are named, in their order."""
        return [
            token.value.value
            for token in self.text.tokens
            if token.word in ("{person}", "{group}") and isinstance(token.value, Mention)
        ]

    @property
    def names(self) -> list[str]:
        """List what is named of what cases are about."""
        values = self.text.values("name")
        return [value.value for value in values if isinstance(value, Mention)]

    @property
    def selects(self) -> bool:
        """Tell whether the question says which cases it means."""
        return bool(self.filters.fields or self.names or self.kinds or self.exclusion)

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

    @property
    def leans(self) -> bool:
        """Tell whether this is a follow-up."""
        is_complete = bool(self.case_ids or self.names or self.kinds) or (
            self.text.search(STRONG_LIST) is not None and bool(self.filters.fields)
        )
        return follow_ups.leans_on_previous(
            self.whole, self.context.previous, is_complete=is_complete
        )

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

    def own_condition(self, query: Query) -> Condition:
        """Return what these words alone say of the cases."""
        if query.ask in ONE_CASE and query.about in DESK_FACTS:
            return ANY_CASE
        fields: dict[str, Any] = dict(self.filters.fields)
        _add_names(fields, self)
        loose = _loose_person(self)
        if loose and not {"waits_on", "owner", "decided_by", "raised_by"} & set(fields):
            fields["owner"] = loose
        return Condition(**fields)


#: In so short a question a person is what it is about.
MAX_WORDS_BESIDE_PERSON = 5
PERSON_PREPOSITIONS = word_set("with of for about at on by from to")
#: Asks that are about no cases, or that nothing narrows.
NO_CASES = frozenset({Ask.SMALL_TALK, Ask.OUT_OF_SCOPE, Ask.CAPABILITY, Ask.HELP, Ask.ACT})
#: Nothing but cases has these.
CLEAR_FIELDS = frozenset(
    {
        "approver",
        "is_overdue",
        "is_unrecognised",
        "min_stake",
        "max_stake",
        "min_age",
        "max_age",
        "expires_within",
        "due",
        "due_within",
        "is_part_approved",
        "min_approvals",
        "is_snoozed",
    }
)
DECIDER_FIELDS = frozenset({"approver", "min_approvals", "is_part_approved", "is_overdue"})
PEOPLE_FIELDS = frozenset({"waits_on", "owner", "decided_by", "raised_by"})
QUESTION_WORDS = word_set("what which who any anything how is are when why does has have did")
#: The words without which nobody asks for these.
WORDS_OF_ASKS = {
    "who": phrase(
        r"who|whom|whose|anybody|anyone|somebody|person|people|human" r"|\{group\}|owner|deputy"
    ),
    "why": phrase(r"why|how come|reason|what for|because|grounds"),
    "when": phrase(
        r"when|what time|deadline|how long|how soon|until when|by when" r"|what day|time|since"
    ),
    "status": phrase(
        r"status|state|happen(?:ed|ing|s)?|going on|what is up|story" r"|news|update|explain|about"
    ),
    "explain_decision": phrase(r"why|how come|rule|policy|reason|explain"),
}
#: Of one case only; of several these are a list.
LIST_FACTS = frozenset(
    {
        "status.changes",
        "status.outcome",
        "status.execution",
        "status.decision",
        "status.plan",
        "status.recommendation",
    }
)
RATE_WORDS = phrase(
    r"how|often|share|percent(?:age)?|proportion|fraction|rate|ratio|frequently|usually|normally"
    r"|right|accurate|accuracy|record"
)
STRONG_LIST = phrase(
    r"which|what|list|show(?: me)?|any|anything|is there|are there"
    r"|give me|find|everything|all|whatever|got any|see"
)
DESK_FACTS = frozenset({About.BLOCKER, About.STAND_IN, About.PAUSE, About.MEMBERS})
RATES = frozenset(Measure) - {Measure.COUNT, Measure.STAKE_SUM}
OF_ALL = phrase(r"all|everything|every|mine|both|ones|each|whatever|any")
ACTS_WITH_END = frozenset({Act.SNOOZE, Act.STAND_IN, Act.PAUSE})
CASE_ACTS = frozenset(Act) - {Act.PAUSE, Act.RESUME, Act.STAND_IN, Act.RAISE, Act.REMIND}
HABIT = phrase(
    r"usually|normally|typically|in the past|last times?|so far always"
    r"|historically|generally|previously"
)
HISTORY = phrase(
    r"(?:have|has|had|did) (?:we|you|they|there) (?:ever )?(?:been"
    r"|had|have|seen|see)|ever|history|in total so far|all time"
)
_IDENTIFIER = re.compile(r"^(?=\S*\d)\S+$")
_OPEN = phrase("open|pending|waiting|outstanding")


def _is_label(label: str) -> bool:
    try:
        asks.query_of(label)
    except ValueError:
        return False
    return True


def _guard(label: str, parts: Parts) -> str:
    """Correct a label by what was found in the words."""
    ask = label.partition(".")[0]
    if parts.grouping is not None and ask in ("list", "count", "sum", "who", "group"):
        is_sum = ask == "sum" or (parts.rule is not None and parts.rule[0] == "sum")
        return "group.stake_sum" if is_sum else "group"
    if ask == "group":
        return parts.rule[0] if parts.rule is not None else "list"
    is_past = label == "status.precedents" or parts.text.search(HABIT) is not None
    is_habit = ask == "status" and is_past and (parts.names or parts.kinds)
    if is_habit and not parts.case_ids and not parts.context.case_id:
        return "list"
    is_unruled_act = ask == "act" and parts.rule is None
    if is_unruled_act and parts.exclusion is not None:
        return "list"
    if _is_list(ask, label, parts):
        return "list"
    if ask == "count" and "." in label and parts.text.search(RATE_WORDS) is None:
        return "count" if parts.text.search(WORTH) is not None else "list"
    if label in LIST_FACTS and not parts.has_case and (parts.filters.fields or parts.asks_cases):
        return "list"
    if parts.case_ids and label in ("list", "count", "sum", "small_talk"):
        return "status"
    is_count = parts.text.search(WORTH) is not None
    if ask == "sum" and is_count and parts.text.search(phrase("£|pounds")) is None:
        return "count"
    return label


def _is_list(ask: str, label: str, parts: Parts) -> bool:
    """Tell whether filters turn another question into a list."""
    fields = set(parts.filters.fields)
    rule = parts.rule[0] if parts.rule is not None else ""
    if parts.has_case or not fields:
        return False
    if ask == "capability" and DECIDER_FIELDS & fields:
        return True
    if rule == label:
        return False
    if ask in ("capability", "help"):
        return bool(CLEAR_FIELDS & fields)
    if ask in ("out_of_scope", "small_talk"):
        return bool((CLEAR_FIELDS | PEOPLE_FIELDS) & fields)
    if ask == "act":
        return bool(QUESTION_WORDS & set(parts.text.words[:2])) or label == "act.remind"
    words = WORDS_OF_ASKS.get(ask)
    return words is not None and not parts.names and parts.text.search(words) is None


def _take_cases(words: QuestionText) -> None:
    for match in reversed(list(words.find_all(CASE_ID))):
        number = match["number"] or match["number2"] or match["number3"]
        words.replace(*words.bounds(match), "case", f"EX-{int(number)}")


def _take_channels(words: QuestionText) -> None:
    """Mask the names of channels, also of unknown ones."""
    for place, token in enumerate(words.tokens):
        name = token.word.lstrip("#")
        if token.word == "{channel}" and isinstance(token.value, Mention):
            token.value = token.value.value
        elif token.word.startswith("<#"):
            words.replace(place, place + 1, "channel", token.word.strip("<#>").partition("|")[2])
        elif token.word.startswith("#") and name and not name.isdigit():
            words.replace(place, place + 1, "channel", name)


def _find_action(words: QuestionText, names: tuple[KnownName, ...]) -> str:
    """Return the action of "did we order …?", or nothing."""
    match = words.search(_DID_WE)
    if match is None:
        return ""
    verb = match["verb"]
    for name in names:
        if name.type is not NameType.ACTION:
            continue
        action = name.value.rpartition(".")[2].split("_")
        if verb in (action[0], f"{action[0]}ed", f"{action[0]}d"):
            words.explain(match)
            return name.value
    return ""


_DID_WE = phrase(
    r"(?:did|have|has) (?:we|you|anyone|anybody|someone"
    r"|they) (?:already |ever |just )?(?P<verb>[a-z]+)"
)


def _find_source(words: QuestionText, names: tuple[KnownName, ...]) -> str:
    """Return the source of "from prometheus"; empty when there is none."""
    for name in names:
        if name.type is not NameType.SOURCE:
            continue
        word = re.escape(plain(name.name))
        match = words.search(phrase(rf"(?:from|by|via|through|sent by|source) (?:the )?{word}"))
        if match is not None:
            words.explain(match)
            return name.value
    return ""


def _add_names(fields: dict[str, Any], parts: Parts) -> None:
    """Add kinds, names, action and source to the fields of a condition."""
    # The number of an invoice names it better than the word.
    is_identified = any(_IDENTIFIER.match(name) for name in parts.names)
    if parts.kinds and "is_unrecognised" not in fields and not is_identified:
        fields.setdefault("kinds", parts.kinds)
    if parts.names:
        fields.setdefault("text", " ".join(dict.fromkeys(parts.names)))
    if parts.exclusion is not None:
        fields["exclusion"] = parts.exclusion
    if parts.source:
        fields["source"] = parts.source
    if parts.action:
        fields["action"] = parts.action
        fields.setdefault("decision", LastDecision.APPROVED)
        if "opened" in fields:
            fields["decided"] = fields.pop("opened")
        if fields.get("is_open") is False:
            del fields["is_open"]


def _condition(query: Query, parts: Parts) -> Condition:
    """Return the condition of a question, with what goes without saying."""
    fields: dict[str, Any] = dict(parts.filters.fields)
    _add_names(fields, parts)
    if query.measure in RATES:
        fields.pop("decision", None)
        if parts.text.search(_OPEN) is None:
            fields.pop("is_open", None)
    loose = _loose_person(parts)
    if loose and not {"waits_on", "owner", "decided_by", "raised_by", "approver"} & set(fields):
        fields["owner"] = loose
    if parts.filters.is_any or parts.text.search(HISTORY) is not None:
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
    return _IDENTIFIER.match(name) is None


def _loose_person(parts: Parts) -> str:
    """Return a person or group that no other word explains."""
    people = parts.people
    # "Finance rejected": a decider that no condition can name is no owner.
    if len(people) != 1 or "decision" in parts.filters.fields:
        return ""
    place = next(
        place
        for place, token in enumerate(parts.text.tokens)
        if token.value is not None and token.word in ("{person}", "{group}")
    )
    before = parts.text.words[place - 1] if place else ""
    is_short = len(parts.text.tokens) <= MAX_WORDS_BESIDE_PERSON
    return people[0] if is_short or before in PERSON_PREPOSITIONS else ""


def _list_query(query: Query, parts: Parts) -> Query:
    if query.ask is Ask.HOW_LONG and query.measure is None:
        query = replace(query, about=query.about or About.OPENING)
    case_id = _meant_case(query, parts)
    if query.ask is Ask.HOW_LONG and case_id:
        return Query(ask=Ask.HOW_LONG, case_id=case_id, about=query.about or About.OPENING)
    query = replace(query, condition=_condition(query, parts), grouping=parts.grouping)
    if query.ask is not Ask.LIST:
        return query
    ordering = parts.ordering
    query = replace(query, order=ordering.order, limit=ordering.limit, nth=ordering.nth)
    if query.order is Order.LARGEST and query.limit == 1 and parts.text.search(_BIG_ONES):
        query = replace(query, limit=3)
    return query


_BIG_ONES = phrase(r"big ones|large ones")


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


def _fact_query(query: Query, parts: Parts) -> Query:
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
        _add_names(fields, parts)
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


def _act_query(query: Query, parts: Parts) -> Query:
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
    fields = dict(parts.filters.fields)
    _add_names(fields, parts)
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


def _other_case(query: Query, parts: Parts) -> Query:
    """Turn to the other of two cases that were named."""
    previous = parts.context.previous
    if previous is None or parts.case_ids:
        return query
    named = (previous.query.case_id, *previous.query.other_case_ids, *previous.case_ids)
    others = [case_id for case_id in dict.fromkeys(named) if case_id not in ("", query.case_id)]
    if not others or parts.text.search(follow_ups.THE_OTHER) is None:
        return query
    parts.text.take(follow_ups.THE_OTHER)
    ask = query if query.ask in ONE_CASE else Query(ask=Ask.STATUS)
    rest = tuple(case_id for case_id in dict.fromkeys(named) if case_id not in ("", others[0]))
    return replace(ask, case_id=others[0], other_case_ids=rest, condition=ANY_CASE)


def _remember_others(query: Query, parts: Parts) -> Query:
    """Keep the other of two named cases with the query."""
    previous = parts.context.previous
    if previous is None or not query.case_id or query.other_case_ids:
        return query
    named = (previous.query.case_id, *previous.query.other_case_ids)
    if query.case_id not in named:
        return query
    rest = tuple(case_id for case_id in named if case_id not in ("", query.case_id))
    return replace(query, other_case_ids=rest)


def _unused_people(parts: Parts, query: Query) -> list[str]:
    """List the people and groups of whom nothing was understood."""
    tokens = parts.text.tokens
    exclusion = query.condition.exclusion or ANY_CASE
    used = {query.condition.owner, exclusion.owner, query.of, query.to}
    return [
        token.spelling
        for place, token in enumerate(tokens)
        if token.word == "{group}"
        and isinstance(token.value, Mention)
        and place not in parts.filters.people
        and token.value.value not in used
    ]


def _narrows(condition: Condition) -> bool:
    return replace(condition, is_open=None) != ANY_CASE
