"""A question to the bot, as it was read.

A reader turns the words of a person into a query; the desk answers the query and nothing else. So a
reading may be wrong, and no number, name or time can be. Everything in a query is said in the
asker's own terms: "me", "last_week", the handle of a group.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from bot.cases.case import LastDecision as LastDecision
from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier

#: Stands for the person who asks, wherever a person may be named.
ME = "me"
#: Stands for policy, where a decider may be named.
POLICY = "policy"


class Ask(StrEnum):
    """The interest of a question."""

    LIST = "list"
    COUNT = "count"
    SUM = "sum"
    GROUP = "group"
    HOW_LONG = "how_long"
    WHEN = "when"
    WHO = "who"
    WHY = "why"
    STATUS = "status"
    EXPLAIN_DECISION = "explain_decision"
    WHO_MAY_APPROVE = "who_may_approve"
    CAPABILITY = "capability"
    HELP = "help"
    #: Something is to be done.
    ACT = "act"
    SMALL_TALK = "small_talk"
    OUT_OF_SCOPE = "out_of_scope"


class About(StrEnum):
    """The topic of a question.

    It is a part of a case, of the desk or of the product.
    """

    # Of a case.
    DECISION = "decision"
    EXECUTION = "execution"
    OPENING = "opening"
    ENDING = "ending"
    EXPIRY = "expiry"
    DUE = "due"
    UNDO = "undo"
    SNOOZE = "snooze"
    OWNER = "owner"
    APPROVER = "approver"
    VERDICT = "verdict"
    RECOMMENDATION = "recommendation"
    CONFIDENCE = "confidence"
    EVIDENCE = "evidence"
    PLAN = "plan"
    CONSEQUENCE = "consequence"
    CHANGES = "changes"
    TRAIL = "trail"
    PRECEDENTS = "precedents"
    OUTCOME = "outcome"
    RECOGNITION = "recognition"
    DRIFT = "drift"
    ESCALATION = "escalation"
    # Of the desk.
    BLOCKER = "blocker"
    STAND_IN = "stand_in"
    PAUSE = "pause"
    MEMBERS = "members"
    # Of the product.
    PURPOSE = "purpose"
    CANNOT = "cannot"
    KINDS = "kinds"
    ACTIONS = "actions"
    SOURCES = "sources"
    AUTONOMY = "autonomy"
    LIMITS = "limits"
    ASKING = "asking"
    RAISE = "raise"


class Act(StrEnum):
    """A request to act. Words alone carry out none of it."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"
    SNOOZE = "snooze"
    HAND_OVER = "hand_over"
    CLAIM = "claim"
    TAKE_BACK = "take_back"
    REMIND = "remind"
    PAUSE = "pause"
    RESUME = "resume"
    STAND_IN = "stand_in"
    RAISE = "raise"


class Order(StrEnum):
    """The order of a list."""

    OLDEST = "oldest"
    NEWEST = "newest"
    LARGEST = "largest"
    SMALLEST = "smallest"
    SOONEST_DUE = "soonest_due"


class Grouping(StrEnum):
    """The property by which cases are grouped."""

    KIND = "kind"
    OWNER = "owner"
    TEAM = "team"
    STATE = "state"
    DAY = "day"
    MONTH = "month"
    DECIDER = "decider"


class Measure(StrEnum):
    """The figure that is asked for."""

    COUNT = "count"
    STAKE_SUM = "stake_sum"
    MEDIAN_TIME_TO_DECIDE = "median_time_to_decide"
    MEDIAN_TIME_TO_RESOLVE = "median_time_to_resolve"
    # Shares of the decided.
    APPROVAL_RATE = "approval_rate"
    REJECTION_RATE = "rejection_rate"
    EDIT_RATE = "edit_rate"
    ACCEPTED_UNCHANGED_RATE = "accepted_unchanged_rate"
    #: Of the approved, those that worked.
    SUCCESS_RATE = "success_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period on the asker's clock, by names.

    A name is one of ``bot.desk.answers.periods.NAMES``, a weekday or a month in English, a span
    from now ("-P3D", "+PT2H"), a date ("2026-11-21"), or a day with a time ("today@12:00").
    """

    #: The beginning of this is the beginning. Empty: since ever.
    begin: str = ""
    #: The end of this is the end. Empty: until now.
    end: str = ""
    #: Everything before the beginning of this.
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The cases that are asked for.

    All of it must hold; a field that is not set says nothing.
    """

    is_open: bool | None = None
    states: tuple[State, ...] = ()
    kinds: tuple[str, ...] = ()
    #: Each of its words begins a word of the case.
    text: str = ""
    min_stake: Decimal | None = None
    max_stake: Decimal | None = None
    min_age: timedelta | None = None
    max_age: timedelta | None = None
    opened: Period | None = None
    #: The decision in force.
    decided: Period | None = None
    ended: Period | None = None
    #: The time to decide of a case that waits.
    due: Period | None = None
    #: It waits, and its time to decide is not later than the end of this name.
    due_within: str = ""
    #: It waits for a decision, and the approval runs out not later than the end of this name.
    expires_within: str = ""
    is_overdue: bool = False
    #: A person, a group or ``ME``: it is theirs, they took it on, or it is their team's.
    owner: str = ""
    #: A person, a group or ``ME`` who must do something now.
    waits_on: str = ""
    #: A group whose approval it needs.
    approver: str = ""
    min_approvals: int = 0
    #: It has one approval and waits for more.
    is_part_approved: bool = False
    decision: LastDecision | None = None
    #: A person, ``ME`` or ``POLICY``.
    decided_by: str = ""
    #: The name of an action of its plan.
    action: str = ""
    #: Policy let it run without a person.
    is_automatic: bool = False
    risk: RiskTier | None = None
    raised_by: str = ""
    source: str = ""
    channel: str = ""
    is_snoozed: bool = False
    is_paused: bool = False
    is_unrecognised: bool = False
    #: Cases for which this holds are left out.
    exclusion: "Condition | None" = None

    @property
    def narrows(self) -> bool:
        """Tell whether it says more than "open"."""
        return replace(self, is_open=None) != ANY_CASE


#: Says nothing: every case.
ANY_CASE = Condition()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as the desk can answer it."""

    ask: Ask
    condition: Condition = ANY_CASE
    order: Order | None = None
    #: How many of the list are wanted; None for all.
    limit: int | None = None
    #: The one in this place of the list, from 1; 0 for the whole list.
    nth: int = 0
    grouping: Grouping | None = None
    measure: Measure | None = None
    #: The one case that is meant; empty where ``condition`` picks it out.
    case_id: str = ""
    #: Other cases that were named beside it: "the other one" is among them.
    other_case_ids: tuple[str, ...] = ()
    about: About | None = None
    act: Act | None = None
    #: The person or group that the question or the act is about.
    of: str = ""
    #: The person or group that is to get something.
    to: str = ""
    #: The end of what is to be done, as it was said.
    until: str = ""
    #: What was said, where the answer needs it: small talk, a reason, what is to be raised.
    words: str = ""


@dataclass(frozen=True, slots=True)
class DoubtfulFilter:
    """A field of the condition that rests on ambiguous words."""

    field: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The result of reading a question."""

    query: Query
    #: Words that were not understood, or name nothing that the asker may see. They narrow nothing.
    left_aside: tuple[str, ...] = ()
    #: Filters that rest on words with another everyday meaning, or on what was learned alone. They
    #: are left aside before an answer says that there is nothing.
    doubtful: tuple[DoubtfulFilter, ...] = ()
    #: Other queries that may be meant, the likeliest first.
    alternatives: tuple[Query, ...] = ()
    #: The reader would rather offer the readings than answer the first.
    is_uncertain: bool = False
    #: The name of the chat model that read it; empty for the reader without one.
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question that was answered before in the same conversation."""

    query: Query
    #: The cases of its answer, in their order.
    case_ids: tuple[str, ...]


class NameType(StrEnum):
    """The type of thing that a name belongs to."""

    PERSON = "person"
    GROUP = "group"
    CHANNEL = "channel"
    KIND = "kind"
    SOURCE = "source"
    ACTION = "action"
    #: A customer, supplier, product or anything else that cases name.
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name that the asker may know, and its value in conditions."""

    type: NameType
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionContext:
    """Everything that a reader may know beside the words."""

    #: The principal who asks.
    person: str
    #: The case in whose thread it was asked.
    case_id: str = ""
    #: The name of the channel in which it was asked; empty in a direct conversation.
    channel: str = ""
    #: The last question of the conversation, if any.
    previous: Turn | None = None
    #: Everything that the asker may see has its names here, and nothing else has.
    names: tuple[KnownName, ...] = ()
