"""Queries and conditions in words, as they were understood."""

from dataclasses import dataclass

from bot.cases.actor import is_person
from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.desk.answers.asker import Asker
from bot.desk.answers.periods import describe_limit, describe_period
from bot.desk.case_texts import describe_span
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.labels import Labels, as_words
from bot.views.query import (
    ME,
    POLICY,
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    LastDecision,
    Measure,
    Order,
    Query,
)

SOMEBODY = "somebody"
ORDER_WORDS = {
    Order.OLDEST: "oldest",
    Order.NEWEST: "newest",
    Order.LARGEST: "largest",
    Order.SMALLEST: "smallest",
    Order.SOONEST_DUE: "soonest due",
}
GROUPING_WORDS = {
    Grouping.KIND: "kind",
    Grouping.OWNER: "owner",
    Grouping.TEAM: "team",
    Grouping.STATE: "state",
    Grouping.DAY: "day",
    Grouping.MONTH: "month",
    Grouping.DECIDER: "decider",
}
MEASURE_WORDS = {
    Measure.COUNT: "how many",
    Measure.STAKE_SUM: "the money at stake in",
    Measure.MEDIAN_TIME_TO_DECIDE: "how long the decision took on",
    Measure.MEDIAN_TIME_TO_RESOLVE: "how long it took to finish",
    Measure.APPROVAL_RATE: "the share approved of",
    Measure.REJECTION_RATE: "the share rejected of",
    Measure.EDIT_RATE: "the share edited of",
    Measure.ACCEPTED_UNCHANGED_RATE: "the share approved unchanged of",
    Measure.SUCCESS_RATE: "the share that worked of the approved among",
}
DECISION_WORDS = {
    LastDecision.APPROVED: "approved",
    LastDecision.REJECTED: "rejected",
    LastDecision.BY_HAND: "handled by hand",
    LastDecision.EDITED: "edited",
    LastDecision.HANDED_OVER: "handed over",
    LastDecision.TAKEN_BACK: "taken back",
}
#: States whose own words do not follow a noun.
STATE_WORDS = {
    State.REFERRED: "needing a person",
    State.OUTCOME_UNKNOWN: "of unknown outcome",
    State.CLEARED: "cleared without a decision",
}
ASK_WORDS = {
    Ask.WHEN: "when",
    Ask.WHO: "who",
    Ask.WHY: "why",
    Ask.STATUS: "how it stands",
    Ask.EXPLAIN_DECISION: "why it was or was not done without asking",
    Ask.WHO_MAY_APPROVE: "who may approve",
    Ask.CAPABILITY: "what I can do",
    Ask.HELP: "help",
    Ask.SMALL_TALK: "a friendly word",
    Ask.OUT_OF_SCOPE: "something other than exceptions",
}
ACT_WORDS = {
    Act.STAND_IN: "let somebody stand in",
    Act.RAISE: "raise an exception",
    Act.REMIND: "send a reminder",
}
#: Before the case or the cases that such an act is about.
ACT_PREPOSITIONS = {
    Act.STAND_IN: " for",
    Act.RAISE: " about",
    Act.REMIND: " of",
}
#: What a fact is, whatever is asked about it.
ABOUT_WORDS = {
    About.EXECUTION: "what was carried out",
    About.EXPIRY: "when the time to approve ends",
    About.DUE: "when it has to be decided",
    About.UNDO: "until when it can be taken back",
    About.SNOOZE: "the snooze",
    About.OWNER: "who owns it",
    About.APPROVER: "who may approve",
    About.VERDICT: "why it was or was not done without asking",
    About.RECOMMENDATION: "what is recommended",
    About.CONFIDENCE: "how sure I was",
    About.EVIDENCE: "what was looked at",
    About.PLAN: "what is planned",
    About.CONSEQUENCE: "what an approval would do",
    About.CHANGES: "what was changed",
    About.TRAIL: "what has happened so far",
    About.PRECEDENTS: "how such cases were decided before",
    About.OUTCOME: "what came of it",
    About.RECOGNITION: "how its kind was recognised",
    About.DRIFT: "which facts changed since",
    About.ESCALATION: "the escalation",
    About.BLOCKER: "who holds things up",
    About.STAND_IN: "stand-ins",
    About.PAUSE: "what is paused",
    About.MEMBERS: "who is in the group",
    About.PURPOSE: "what I am for",
    About.CANNOT: "what I cannot do",
    About.KINDS: "kinds of exceptions",
    About.ACTIONS: "what I can carry out",
    About.SOURCES: "where exceptions come from",
    About.AUTONOMY: "what I do without asking",
    About.LIMITS: "limits",
    About.ASKING: "how to ask",
    About.RAISE: "how to raise an exception",
}
#: What is asked about a fact, where that says more than the fact.
QUESTION_WORDS = {
    (Ask.WHEN, About.OPENING): "when it came in",
    (Ask.WHEN, About.DECISION): "when it was decided",
    (Ask.WHEN, About.EXECUTION): "when it was carried out",
    (Ask.WHEN, About.ENDING): "when it ended",
    (Ask.WHEN, About.SNOOZE): "until when it is snoozed",
    (Ask.WHEN, About.PAUSE): "until when it is paused",
    (Ask.WHEN, About.ESCALATION): "when it was escalated",
    (Ask.WHO, About.OPENING): "who raised it",
    (Ask.WHO, About.DECISION): "who decided",
    (Ask.WHO, About.STAND_IN): "who stands in",
    (Ask.WHO, About.PAUSE): "who paused it",
    (Ask.WHO, About.SNOOZE): "who snoozed it",
    (Ask.WHY, About.OPENING): "why it came up",
    (Ask.WHY, About.DECISION): "why it was decided so",
    (Ask.WHY, About.EXECUTION): "why carrying it out went so",
    (Ask.WHY, About.ENDING): "why it ended",
    (Ask.WHY, About.APPROVER): "why these people have to approve",
    (Ask.WHY, About.RECOMMENDATION): "why this is recommended",
    (Ask.WHY, About.DRIFT): "why it was asked again",
    (Ask.WHY, About.ESCALATION): "why it was escalated",
    (Ask.WHY, About.SNOOZE): "why it was snoozed",
    (Ask.WHY, About.PAUSE): "why it is paused",
}


@dataclass(frozen=True, slots=True)
class ConditionPart:
    """A part of a condition in words, and its fields."""

    fields: tuple[str, ...]
    words: str


@dataclass(frozen=True, kw_only=True)
class QueryWords:
    """Say queries in the words of people."""

    library: Library
    directory: Directory

    def describe(self, query: Query, asker: Asker) -> str:
        """Say how a question was understood."""
        subject = query.case_id or self.cases(query.condition, asker)
        match query.ask:
            case Ask.LIST:
                return self._describe_list(query, asker)
            case Ask.COUNT | Ask.SUM | Ask.HOW_LONG if not query.case_id:
                measure = query.measure or _default_measure(query.ask)
                return f"{MEASURE_WORDS[measure]} {subject}"
            case Ask.GROUP:
                measure = query.measure or Measure.COUNT
                grouping = GROUPING_WORDS[query.grouping or Grouping.KIND]
                return f"{MEASURE_WORDS[measure]} {subject}, by {grouping}"
            case Ask.ACT:
                act = query.act or Act.APPROVE
                words = ACT_WORDS.get(act, as_words(act.value))
                subject = self._of_case(query, asker)
                preposition = ACT_PREPOSITIONS.get(act, "") if subject else ""
                return f"a request to {words}{preposition}{subject}"
            case Ask.HOW_LONG:
                return f"how long {subject} has taken"
            case _:
                return self._describe_facts(query, asker)

    def cases(self, condition: Condition, asker: Asker, *, noun: str = "cases") -> str:
        """Say which cases a condition means: "open cases about “Merlot”"."""
        adjectives = " ".join(part.words for part in self._adjectives(condition))
        phrases = " ".join(part.words for part in self._phrases(condition, asker))
        words = [adjectives, noun, phrases]
        if condition.exclusion:
            words.append(self._exclusion_words(condition.exclusion, asker))
        return " ".join(word for word in words if word)

    def parts(self, condition: Condition, asker: Asker) -> list[ConditionPart]:
        """List the parts of a condition."""
        parts = [*self._adjectives(condition), *self._phrases(condition, asker)]
        if condition.exclusion:
            words = self._exclusion_words(condition.exclusion, asker)
            parts.append(ConditionPart(("exclusion",), words))
        return parts

    def name(self, name: str, asker: Asker) -> str:
        """Name a person or group; "you" for the asker."""
        if name in {ME, asker.person}:
            return "you"
        if name == POLICY:
            return "policy, without a person"
        if not is_person(name):
            return f"@{name.removeprefix('@')}"
        return self.person_name(name)

    def person_name(self, person: str) -> str:
        """Return the name of a person as Slack shows it."""
        try:
            return self.directory.person(person).name
        except (NotEligible, ChatFailed):
            return SOMEBODY

    def labels(self) -> Labels:
        """Return the titles of kinds, actions, sources and channels."""
        return self.library.labels()

    def channel(self, name: str, asker: Asker) -> str:
        """Return the title of a channel.

        A channel that the asker is not in keeps the name that was said.
        """
        bare_name = name.removeprefix("#")
        for channel, title in self.labels().channels.items():
            if channel == bare_name and channel in asker.viewer.channels:
                return f"#{title}"
        return f"#{bare_name}"

    def _describe_list(self, query: Query, asker: Asker) -> str:
        cases = self.cases(query.condition, asker)
        if query.order is None:
            return cases
        order = ORDER_WORDS[query.order]
        if query.nth > 1:
            return f"number {query.nth} of {cases}, the {order} first"
        if query.limit == 1 or query.nth == 1:
            return f"the {order} of {cases}"
        if query.limit:
            return f"the {query.limit} {order} of {cases}"
        return f"{cases}, the {order} first"

    def _of_case(self, query: Query, asker: Asker) -> str:
        if query.case_id:
            return f" {query.case_id}"
        if query.condition == Condition():
            return ""
        return f" {self.cases(query.condition, asker)}"

    def _describe_facts(self, query: Query, asker: Asker) -> str:
        words = _fact_words(query)
        if query.of:
            words = f"{words}, {self.name(query.of, asker)}"
        has_cases = query.case_id or query.condition != Condition()
        return f"{words}:{self._of_case(query, asker)}" if has_cases else words

    def _exclusion_words(self, exclusion: Condition, asker: Asker) -> str:
        parts = [*self._adjectives(exclusion), *self._phrases(exclusion, asker)]
        return f"without those {' '.join(part.words for part in parts)}"

    def _adjectives(self, condition: Condition) -> list[ConditionPart]:
        parts = []
        flags = {
            "is_overdue": "overdue",
            "is_snoozed": "snoozed",
            "is_paused": "paused",
            "is_unrecognised": "unrecognised",
        }
        # "Ended cases ended yesterday" would say it twice.
        is_plain = condition.is_open is False and condition.ended
        if condition.is_open is not None and not is_plain:
            words = "open" if condition.is_open else "ended"
            parts.append(ConditionPart(("is_open",), words))
        for field, words in flags.items():
            if getattr(condition, field):
                parts.append(ConditionPart((field,), words))
        if condition.risk:
            words = f"{condition.risk.name.lower()}-risk"
            parts.append(ConditionPart(("risk",), words))
        return parts

    def _phrases(self, condition: Condition, asker: Asker) -> list[ConditionPart]:
        return [
            *self._subject_phrases(condition),
            *_amount_phrases(condition, self.library.policy().currency),
            *self._people_phrases(condition, asker),
            *self._decision_phrases(condition, asker),
            *_time_phrases(condition),
            *self._place_phrases(condition, asker),
        ]

    def _subject_phrases(self, condition: Condition) -> list[ConditionPart]:
        parts = []
        labels = self.labels()
        if condition.kinds:
            titles = " or ".join(f"“{labels.kind(kind)}”" for kind in condition.kinds)
            parts.append(ConditionPart(("kinds",), f"of {titles}"))
        if condition.text:
            parts.append(ConditionPart(("text",), f"about “{condition.text}”"))
        if condition.states:
            states = " or ".join(state_words(state) for state in condition.states)
            parts.append(ConditionPart(("states",), states))
        if condition.action:
            words = f"with the action “{labels.action(condition.action)}”"
            parts.append(ConditionPart(("action",), words))
        return parts

    def _people_phrases(self, condition: Condition, asker: Asker) -> list[ConditionPart]:
        parts = []
        if condition.waits_on:
            words = f"waiting on {self.name(condition.waits_on, asker)}"
            parts.append(ConditionPart(("waits_on",), words))
        if condition.owner:
            name = self.name(condition.owner, asker)
            is_group = not is_person(condition.owner) and condition.owner != ME
            whose = name if is_group else f"{name} or {_possessive(name)} team"
            parts.append(ConditionPart(("owner",), f"with {whose}"))
        if condition.approver:
            name = self.name(condition.approver, asker)
            parts.append(ConditionPart(("approver",), f"that need {name}"))
        if condition.min_approvals:
            words = f"that need {condition.min_approvals} approvals"
            parts.append(ConditionPart(("min_approvals",), words))
        if condition.is_part_approved:
            words = "with one approval that wait for more"
            parts.append(ConditionPart(("is_part_approved",), words))
        if condition.raised_by:
            name = self.name(condition.raised_by, asker)
            parts.append(ConditionPart(("raised_by",), f"raised by {name}"))
        return parts

    def _decision_phrases(self, condition: Condition, asker: Asker) -> list[ConditionPart]:
        parts = []
        if condition.is_automatic:
            parts.append(ConditionPart(("is_automatic",), "run without a person"))
        if not (condition.decision or condition.decided_by or condition.decided):
            return parts
        words = [DECISION_WORDS[condition.decision] if condition.decision else "decided"]
        if condition.decided_by:
            words.append(f"by {self.name(condition.decided_by, asker)}")
        if condition.decided:
            words.append(describe_period(condition.decided))
        fields = ["decision", "decided_by", "decided"]
        set_fields = tuple(field for field in fields if getattr(condition, field))
        return [*parts, ConditionPart(set_fields, " ".join(words))]

    def _place_phrases(self, condition: Condition, asker: Asker) -> list[ConditionPart]:
        parts = []
        if condition.source:
            source = self.labels().system(condition.source)
            parts.append(ConditionPart(("source",), f"from {source}"))
        if condition.channel:
            channel = self.channel(condition.channel, asker)
            parts.append(ConditionPart(("channel",), f"in {channel}"))
        return parts


def state_words(state: State) -> str:
    """Say a state after a noun: "waiting for a decision"."""
    return STATE_WORDS.get(state, str(state))


def _possessive(name: str) -> str:
    return "your" if name == "you" else "their"


def _default_measure(ask: Ask) -> Measure:
    match ask:
        case Ask.SUM:
            return Measure.STAKE_SUM
        case Ask.HOW_LONG:
            return Measure.MEDIAN_TIME_TO_RESOLVE
        case _:
            return Measure.COUNT


def _amount_phrases(condition: Condition, currency: str) -> list[ConditionPart]:
    parts = []
    low, high = condition.min_stake, condition.max_stake
    if low is not None and high is not None:
        words = f"between {Money(low, currency)} and {Money(high, currency)}"
        return [ConditionPart(("min_stake", "max_stake"), words)]
    if low is not None:
        parts.append(ConditionPart(("min_stake",), f"of {Money(low, currency)} or more"))
    if high is not None:
        parts.append(ConditionPart(("max_stake",), f"of {Money(high, currency)} or less"))
    return parts


def _time_phrases(condition: Condition) -> list[ConditionPart]:
    parts = []
    if condition.opened:
        words = f"opened {describe_period(condition.opened)}"
        parts.append(ConditionPart(("opened",), words))
    if condition.min_age is not None:
        words = f"older than {describe_span(condition.min_age)}"
        parts.append(ConditionPart(("min_age",), words))
    if condition.max_age is not None:
        words = f"not older than {describe_span(condition.max_age)}"
        parts.append(ConditionPart(("max_age",), words))
    if condition.ended:
        words = f"ended {describe_period(condition.ended)}"
        parts.append(ConditionPart(("ended",), words))
    if condition.due:
        parts.append(ConditionPart(("due",), f"due {describe_period(condition.due)}"))
    if condition.due_within:
        words = f"due {describe_limit(condition.due_within)}"
        parts.append(ConditionPart(("due_within",), words))
    if condition.expires_within:
        words = f"whose time to approve ends {describe_limit(condition.expires_within)}"
        parts.append(ConditionPart(("expires_within",), words))
    return parts


def _fact_words(query: Query) -> str:
    """Say which fact is wanted."""
    ask_words = ASK_WORDS.get(query.ask, as_words(query.ask.value))
    if query.about is None:
        return ask_words
    words = QUESTION_WORDS.get((query.ask, query.about)) or ABOUT_WORDS.get(query.about)
    return words or f"{ask_words} ({as_words(query.about.value)})"
