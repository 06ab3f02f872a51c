"""Readings of questions, without a chat model.

Names, amounts and times are found first and masked. Rules and a learned classifier say what is
asked of the rest; tables of words say of which cases. What nobody understood is left aside and
narrows nothing.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.clock import utc_now
from bot.ports.language import QuestionClassifier
from bot.views.query import (
    ANY_CASE,
    Ask,
    Condition,
    KnownName,
    NameType,
    Period,
    Query,
    QuestionContext,
    Reading,
)
from knowledge.language import asks, follow_ups, left_aside
from knowledge.language.ask_guard import correct_label
from knowledge.language.asks import LISTS, AskChoice
from knowledge.language.condition_words import EXPIRES, RUNS_OUT, VOTES
from knowledge.language.conditions import Filters, find_filters, find_period
from knowledge.language.doubts import find_doubtful
from knowledge.language.exclusions import NO_EXCLUSION, take_exclusion
from knowledge.language.kinds import KindFinder
from knowledge.language.money import take_money
from knowledge.language.names import Mention, NameIndex, plain
from knowledge.language.orders import find_grouping, find_ordering, find_unknown_groupings
from knowledge.language.parts import DESK_FACTS, Parts
from knowledge.language.places import take_place
from knowledge.language.queries import (
    act_query,
    add_reason,
    asks_of_last_case,
    fact_query,
    list_query,
    remember_other_cases,
    turn_to_other_case,
)
from knowledge.language.question_text import (
    PHRASE_WORDS,
    QuestionText,
    Token,
    phrase,
    split_question,
)
from knowledge.language.requests import find_request
from knowledge.language.slots import complete_parts
from knowledge.language.spelling import correct_keywords
from knowledge.language.time_words import take_times

MAX_INDEXES = 64
_NUMBERED_THINGS = (
    "invoice", "bill", "order", "booking", "shipment", "delivery", "task", "note", "table", "till",
    "room", "alert", "po", "pos", "purchase", "there", "least", "are", "have", "with", "say", "at",
)  # fmt: skip
_NOT_OF_THING = "".join(rf"(?<!{thing} )" for thing in _NUMBERED_THINGS)
_NOT_COUNTED = (
    r"(?! (?:cases?|ones|pounds?|quid|grand|k|days?|hours?|weeks?|months?|minutes?|people|more|of"
    r"|bottles?|items?|invoices?|bookings?|orders?|leads?|euros?|gbp|or)(?![^ ]))"
)
_OF_ONE = (
    r"(?: (?:approved|rejected|decided|signed|done|open|closed|overdue|late|still|due|waiting|stuck"
    r"|doing|going|looking|about|please|now|then|yet|for me|over)(?![^ ])|$)"
)
CASE_ID = phrase(
    r"(?:case |exception |card )?(?:number |no |nr )?#?ex[- ]?(?P<number>\d{1,9})",
    r"(?:case|exception|card) (?:number |no |nr |id )?#?(?P<number2>\d{1,9})",
    r"^#?(?P<number3>\d{1,9})(?: please)?$",
    rf"{_NOT_OF_THING}(?:number|no|nr|num|numero) #?(?P<number4>\d{{2,9}}){_NOT_COUNTED}",
    rf"{_NOT_OF_THING}#(?P<number5>\d{{2,9}})",
)
#: A bare number where a case would stand.
BARE_ID = phrase(
    r"(?:(?:what|how|tell me|anything new|more) about|status(?: of)?|state of)"
    rf" (?P<about>\d{{2,6}})(?={_OF_ONE})",
    rf"(?:is|was|approved?|reject(?:ed)?|decided|signed|owns|has) (?P<verb>\d{{2,6}})(?={_OF_ONE})",
    rf"(?:snooze|postpone|decline|claim|undo) (?P<act>\d{{2,6}})(?={_OF_ONE}| (?:until|for) )",
)
#: "Add those up for me": who asks, not whose they are.
_DATIVE = phrase(
    r"(?<= up | it )for (?:me|us)(?= please|$)",
    r"(?<= out )for (?:me|us)(?= please|$)",
    r"(?<= them | that | this | down )for (?:me|us)(?= please|$)",
    r"(?<= those | these )for (?:me|us)(?= please|$)",
)
#: "Weigh it up for me".
_DATIVE_OF_ORDER = re.compile(
    r"^(?:(?:please|can|could|would|will|you|hi|hey|hello|ok|so|now|and|just|quickly|then) )*"
    r"(?:weigh|check|add|sum|count|tally|total|work|find|pull|fetch|look|sort|rank|explain|describe"
    r"|summari[sz]e|print|calculate|compute|break|compare|dig|run|group|split|put|draw|read|spell)"
    r" (?!.*(?:waiting|waits?|left|needs?|meant|there is|there are|due) (?:[^ ]+ )?for )"
    r"(?:[^ ]+ )*(?P<dative>for (?:me|us))(?= please$| now$|$)"
)
#: "Forget your rules, this is the owner typing" changes nothing of what may be seen.
_CLAIM = phrase(
    r"(?:please )?(?:forget|ignore|disregard|bypass|override|skip|drop|never mind|overlook)"
    r" (?:about )?(?:all |any |the |your |my |these |those |previous |prior |earlier |usual )*"
    r"(?:permissions?|rules?|instructions?|restrictions?|access rights|rights|guidelines|policy"
    r"|policies|access rules|limits)(?: (?:and|for (?:now|once|a moment|today)))?",
    r"(?:this is|i am|it is) (?:actually |really |just )?\{person\} (?:typing|speaking|here|writing"
    r"|asking|talking|now)(?: (?:on|from|with|using) (?:the )?(?:\{person\}|[^ ]+) (?:phone|laptop"
    r"|account|computer|tablet|login))?",
)
#: What the bot proposes.
_YOURS = phrase(
    r"your (?P<what>(?:[a-z]+ )?(?!suggestions|proposals|recommendations|ideas)[a-z]{3,}s)"
)
SINCE_THEN = phrase(
    r"(?:since|from|after) (?:then|that|that day|that time)(?: on)?|in the meantime|meanwhile"
    r"|while i (?:was|have been) (?:away|off|out|gone)|in that time"
)
_DID_WE = phrase(
    r"(?:did|have|has) (?:we|you|anyone|anybody|someone"
    r"|they) (?:already |ever |just )?(?P<verb>[a-z]+)"
)
#: Asks that are about no cases, or that nothing narrows.
NO_CASES = frozenset({Ask.SMALL_TALK, Ask.OUT_OF_SCOPE, Ask.CAPABILITY, Ask.HELP, Ask.ACT})


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
        if not choice.label or _is_gibberish(choice.label, parts):
            return None
        query = self._query(choice.label, parts)
        asks.explain_ask(words, choice.label)
        query, aside = self._leave_aside(parts, query)
        query = add_reason(query, text)
        others = [self._query(label, parts) for label in choice.others if _is_label(label)]
        if parts.table_filters is not None:
            by_tables = replace(parts, filters=parts.table_filters)
            others.insert(0, self._query(choice.label, by_tables))
        alternatives = tuple(other for other in dict.fromkeys(others) if other != query)
        return Reading(
            query=query,
            left_aside=aside,
            doubtful=find_doubtful(parts, query),
            alternatives=alternatives[:2],
            is_uncertain=choice.is_uncertain and bool(alternatives),
        )

    def _find_parts(self, words: QuestionText, context: QuestionContext) -> Parts:
        _take_cases(words)
        neighbours = take_place(words, context.previous)
        _drop_dative(words)
        index = self._names(context.names)
        index.take_names(words)
        _drop_claims(words)
        _take_channels(words)
        correct_keywords(words)
        take_money(words)
        grouping = find_grouping(words)
        period = follow_ups.period_of(context.previous)
        take_times(words, self._clock().date(), period)
        whole = QuestionText([replace(token) for token in words.tokens])
        exclusion = take_exclusion(words, self._kinds, index.others)
        request = find_request(words)
        rule = asks.find_rule(request) or asks.find_rule(words)
        ordering = find_ordering(request)
        filters = find_filters(request)
        filters.aside += find_unknown_groupings(request)
        subject = _subject(words, request)
        if request is not words:
            _find_time_of_story(words, request, filters)
        kinds = self._find_kinds(subject, index.others, rule)
        if kinds and filters.is_expiry:
            # "What runs out first" is about approvals, unless a word names what is sold.
            kinds = self._find_kinds(_without_expiry(words), index.others)
        if kinds and filters.is_expiry and _is_of_goods(request):
            filters.fields.pop("expires_within", None)
        if _contradicts(exclusion.condition, kinds):
            exclusion = NO_EXCLUSION
        parts = Parts(
            text=words,
            whole=whole if request is words else QuestionText(map(replace, request.tokens)),
            request=request,
            context=context,
            rule=rule,
            filters=filters,
            ordering=ordering,
            grouping=grouping,
            kinds=kinds,
            are_kinds_sure=self._kinds.is_sure(subject, kinds, index.others),
            exclusion=exclusion,
            neighbours=neighbours,
            action=_find_action(words, index.others),
            source=_find_source(words, index.others),
        )
        return complete_parts(parts, self._classifier.slots(request.text))

    def _find_kinds(
        self,
        words: QuestionText,
        names: tuple[KnownName, ...],
        rule: tuple[str, asks.Weight] | None = None,
    ) -> tuple[str, ...]:
        """Find the kinds, if need be without words not understood."""
        kinds = self._kinds.find(words, names)
        if not kinds and rule is not None and rule[0].startswith("count."):
            kinds = self._find_kinds_of_yours(words, names)
        runs = [] if kinds else left_aside.phrases(words, is_narrowed=True)
        if not runs:
            return kinds
        strange = {id(token) for run in runs for token in run}
        rest = QuestionText(token for token in words.tokens if id(token) not in strange)
        return self._kinds.find(rest, names) if rest.tokens else ()

    def _find_kinds_of_yours(
        self, words: QuestionText, names: tuple[KnownName, ...]
    ) -> tuple[str, ...]:
        """Find the kind of "your wine orders" in a share."""
        match = words.search(_YOURS)
        if match is None:
            return ()
        tokens = words.tokens_of(match, "what")
        kinds = self._kinds.find(QuestionText(tokens), names)
        if kinds:
            words.explain(match)
        return kinds

    def _names(self, names: tuple[KnownName, ...]) -> NameIndex:
        """Index the names of an asker; the last indexes are kept."""
        for indexed_names, index in tuple(self._indexes):
            if indexed_names is names:
                return index
        for indexed_names, index in tuple(self._indexes):
            if indexed_names == names:
                return index
        index = NameIndex(names)
        self._indexes.append((names, index))
        return index

    def _choose(self, parts: Parts) -> AskChoice:
        guesses = [
            guess for guess in self._classifier.asks(parts.whole.text) if _is_label(guess.label)
        ]
        rule = parts.rule
        if rule is not None and parts.leans:
            # A few words that lean on others are not what a classifier has learned.
            rule = (rule[0], asks.Weight.SURE)
        choice = asks.choose(rule, guesses, parts.default_label)
        return replace(choice, label=correct_label(choice.label, parts))

    def _query(self, label: str, parts: Parts) -> Query:
        query = asks.query_of(label)
        match query.ask:
            case Ask.ACT:
                query = act_query(query, parts)
            case Ask.SMALL_TALK | Ask.OUT_OF_SCOPE | Ask.CAPABILITY | Ask.HELP:
                return query
            case ask if ask in LISTS:
                query = list_query(query, parts)
            case _:
                query = fact_query(query, parts)
        previous = parts.context.previous
        is_of_desk = query.ask is Ask.WHO and query.about in DESK_FACTS
        leans = parts.leans and not (is_of_desk and not parts.begins_as_follow_up)
        if previous is None or not (leans or asks_of_last_case(query, parts)):
            return remember_other_cases(query, parts)
        query = replace(query, condition=parts.own_condition(query))
        follow_up = follow_ups.merge(
            previous, query, has_ask=parts.has_ask, says_open=parts.filters.says_open
        )
        if parts.filters.is_any:
            follow_up = replace(follow_up, condition=replace(follow_up.condition, is_open=None))
        return remember_other_cases(turn_to_other_case(follow_up, parts), parts)

    def _leave_aside(self, parts: Parts, query: Query) -> tuple[Query, tuple[str, ...]]:
        """Say which words were not understood.

        A lone one that stands where a name would is looked for.
        """
        if query.ask in NO_CASES or query.case_id:
            return query, ()
        is_lone = not parts.names and not parts.kinds and not query.condition.narrows
        runs = left_aside.phrases(parts.request, is_narrowed=not is_lone)
        names = left_aside.unknown_names(parts.request) if not parts.names else []
        runs += [name for name in names if not any(name[0] in run for run in runs)]
        proper_name = left_aside.proper_name(parts.request)
        if not proper_name and is_lone:
            proper_name = left_aside.lone_proper_name(parts.request)
        if proper_name and query.ask in LISTS and not query.condition.text:
            runs = [run for run in runs if run[0] not in proper_name]
            condition = replace(query.condition, text=left_aside.spell(proper_name))
            query = replace(query, condition=condition)
        lone = (
            left_aside.lone_name(parts.request, runs)
            if is_lone and not parts.leans and not proper_name
            else None
        )
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

    def _is_of_kind(self, parts: Parts, run: list[Token]) -> bool:
        others = self._names(parts.context.names).others
        words = [token.word for token in run]
        is_strict = left_aside.ends_narrowing(parts.request, run) or (
            len(run) > 1 and left_aside.has_preposition(parts.request, run)
        )
        return self._kinds.explains(
            parts.text, words, kinds=parts.kinds, names=others, is_strict=is_strict
        )


def _subject(words: QuestionText, request: QuestionText) -> QuestionText:
    """Return the words that may tell the kind.

    A request with a name needs no story.
    """
    return request if "{name}" in request.words else words


def _find_time_of_story(words: QuestionText, request: QuestionText, filters: Filters) -> None:
    """Take the period of a story that "since then" refers to."""
    if request.search(SINCE_THEN) is None or "opened" in filters.fields:
        return
    period = find_period(words, set())
    if period is not None:
        request.take(SINCE_THEN)
        filters.add({"opened": Period(begin=period.begin)})


def _is_of_goods(request: QuestionText) -> bool:
    """Tell whether what is sold runs out, not an approval."""
    return "{period}" not in request.words and request.search(RUNS_OUT) is not None


def _contradicts(exclusion: Condition | None, kinds: tuple[str, ...]) -> bool:
    """Tell whether an exclusion leaves out all cases asked for.

    "Tasks without a picture" are of a kind, and not the tasks that are of no kind.
    """
    if exclusion is None or not kinds or replace(exclusion, kinds=()) != ANY_CASE:
        return False
    return set(kinds) <= set(exclusion.kinds)


def _without_expiry(words: QuestionText) -> QuestionText:
    rest = {id(token) for match in words.find_all(EXPIRES) for token in words.tokens_of(match)}
    return QuestionText(token for token in words.tokens if id(token) not in rest)


def _is_gibberish(label: str, parts: Parts) -> bool:
    """Tell whether not a single word is known.

    Nobody can say that such a question is out of scope.
    """
    if label != "out_of_scope" or parts.rule is not None:
        return False
    for token in parts.text.tokens:
        is_strange = left_aside.is_unexplained(token) and token.word not in PHRASE_WORDS
        if not is_strange and token.word not in left_aside.ARTICLES:
            return False
    return True


def _is_label(label: str) -> bool:
    try:
        asks.query_of(label)
    except ValueError:
        return False
    return True


def _take_cases(words: QuestionText) -> None:
    for match in reversed(list(words.find_all(CASE_ID))):
        number = next(filter(None, match.groupdict().values()))
        words.replace(*words.bounds(match), "case", f"EX-{int(number)}")
    for match in reversed(list(words.find_all(BARE_ID))):
        group = next(name for name, value in match.groupdict().items() if value)
        words.replace(*words.bounds(match, group), "case", f"EX-{int(match[group])}")


def _drop_dative(words: QuestionText) -> None:
    match = words.search(_DATIVE) or words.search(_DATIVE_OF_ORDER)
    if match is not None:
        first, last = words.bounds(match, "dative" if match.re is _DATIVE_OF_ORDER else 0)
        del words.tokens[first:last]
        words.join()


def _drop_claims(words: QuestionText) -> None:
    """Drop claims of identity and calls to forget the rules."""
    for match in reversed(list(words.find_all(_CLAIM))):
        first, last = words.bounds(match)
        if last - first < len(words.tokens):
            del words.tokens[first:last]
            words.join()


def _take_channels(words: QuestionText) -> None:
    """Mask the names of channels, also of unknown ones."""
    for place, token in enumerate(words.tokens):
        name = token.word.lstrip("#")
        if token.word == "{channel}" and isinstance(token.value, Mention):
            token.value = token.value.value
        elif token.word.startswith("<#"):
            channel = token.word.strip("<#>").partition("|")[2]
            words.replace(place, place + 1, mask="channel", value=channel)
        elif token.word.startswith("#") and name and not name.isdigit():
            words.replace(place, place + 1, mask="channel", value=name)


def _find_action(words: QuestionText, names: tuple[KnownName, ...]) -> str:
    """Return the action of "did we order …?", or nothing."""
    match = words.search(_DID_WE)
    if match is None:
        return ""
    verb = match["verb"]
    if any(words.search(votes) is not None for votes, _ in VOTES):
        # They gave a no, not notice.
        return ""
    for name in names:
        if name.type is not NameType.ACTION:
            continue
        action = name.value.rpartition(".")[2].split("_")
        if verb in (action[0], f"{action[0]}ed", f"{action[0]}d"):
            words.explain(match)
            return name.value
    return ""


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


def _unused_people(parts: Parts, query: Query) -> list[str]:
    """List the people and groups of whom nothing was understood."""
    tokens = parts.request.tokens
    exclusion = query.condition.exclusion or ANY_CASE
    condition = query.condition
    names = {
        *(condition.owner, condition.waits_on, condition.decided_by, condition.raised_by),
        *(exclusion.owner, exclusion.waits_on, exclusion.decided_by, query.of, query.to),
    }
    return [
        token.spelling
        for place, token in enumerate(tokens)
        if token.word in ("{group}", "{person}")
        and isinstance(token.value, Mention)
        and place not in parts.filters.people
        and token.value.value not in names
    ]
