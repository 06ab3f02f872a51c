"""Playbooks: the handling of one kind of case, from detection to measurement."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from bot.cases.call_rules import CallOverrides
from bot.cases.constraints import (
    NOT_IN_FILE,
    ChannelId,
    Currency,
    Handle,
    Name,
    OptionalHandle,
    OptionalName,
    OptionalQuery,
    Query,
    Span,
    Text,
)
from bot.cases.evidence import OWN_FACTS, SIGNAL
from bot.cases.expressions import Expression
from bot.cases.plan import STEPS, FactType
from bot.cases.policy import PlaybookTerms
from bot.cases.service_level import ServiceLevel

_FACT_OF_SIGNAL = re.compile(r"signal\.([a-z][a-z0-9_]*)")
_FACT_OF_STEP = re.compile(rf"\b{STEPS}\.")
# Connectors fill these placeholders; a parameter of that name would take the place of theirs.
CONNECTOR_PARAMETERS = frozenset({"key", "done_key", "now"})


# The parameters of the action, in the conditions of ``warnings``.
PLAN = "plan"


def _check_parameter(name: str) -> str:
    if name in CONNECTOR_PARAMETERS or name.startswith("was_"):
        raise ValueError(f"{name} is filled by the desk itself; call the parameter something else")
    return name


def _check_lookup_name(name: str) -> str:
    if name == SIGNAL:
        raise ValueError(f"{SIGNAL} is what came in; call the look-up something else")
    if name == PLAN:
        raise ValueError(f"{PLAN} is what is edited; call the look-up something else")
    if name == STEPS:
        raise ValueError(f"{STEPS} is what steps tell; call the look-up something else")
    return name


ParameterName = Annotated[Name, AfterValidator(_check_parameter)]
LookupName = Annotated[Name, AfterValidator(_check_lookup_name)]
#: An action with its system, like ``house.order_stock``.
ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One SELECT against one system.

    Each row is a signal; a row that is gone clears its case.
    """

    #: The system of systems.yml that is asked.
    system: Name
    #: The SELECT. It needs the columns ``key``, ``subject`` and ``title``; the others are facts.
    query: Query
    every: Span
    #: Shared with a source that may count on these cases and clear them.
    domain: OptionalHandle = ""
    #: A SELECT that lists what a case raised by hand may be about: ``title``, and the facts that
    #: the look-ups need. Empty: the facts are typed.
    choices: OptionalQuery = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A case for each subject whose all-clear is overdue.

    The next all-clear closes it.
    """

    #: The names of what ought to report, one case for each that does not.
    subjects: Annotated[tuple[Text, ...], Field(min_length=1, max_length=500)]
    #: Has the placeholder ``{subject}``.
    title: Text
    within: Span
    every: Span
    #: The source or domain of the all-clear. Empty in a file for the only source of this kind.
    origin: Annotated[OptionalHandle, Field(validation_alias="from")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A read-only query for one piece of evidence."""

    #: The name of its facts in expressions: ``stock`` for ``stock.on_hand``.
    name: LookupName
    #: The system of systems.yml that is asked.
    system: Name
    #: A SELECT of one row, or the name of a look-up of a system that is no database.
    query: Query
    #: Expressions that fill the placeholders of the query.
    parameters: Mapping[ParameterName, Expression] = field(default_factory=dict)
    #: The columns that a card shows, with their labels.
    show: Mapping[Name, Text] = field(default_factory=dict)
    #: How long a card may show the facts without a mark. None for the time to decide.
    fresh_for: Span | None = None


@dataclass(frozen=True, slots=True)
class Stake:
    """The money or customer at risk."""

    #: What happens where nobody acts, in a sentence.
    why: Text
    #: Empty when the kind has no price.
    amount: Expression = ""
    #: The currency of the amount; empty in a file for that of policy.
    currency: Currency = ""
    #: Finds the currency where the source says it; where it does not, it is the one above.
    currency_from: Expression = ""


@dataclass(frozen=True, slots=True)
class EditLimit:
    """The bounds of an editable parameter: numbers, or expressions that find them."""

    minimum: Annotated[int | Expression | None, Field(validation_alias="min")] = None
    maximum: Annotated[int | Expression | None, Field(validation_alias="max")] = None


@dataclass(frozen=True, slots=True)
class EditWarning:
    """A warning before saving an edit that the evidence contradicts."""

    #: Over the evidence, and ``plan`` with the parameters.
    when: Expression
    #: What the person reads before saving.
    text: Text


@dataclass(frozen=True, slots=True)
class Observation:
    """A SELECT with a row once people have done the action.

    Its placeholders are the parameters of the action, ``:was_…`` for its snapshot, ``:since`` for
    when the plan was made, and ``:now``. Columns named like parameters are compared with the plan.
    """

    #: The system of systems.yml that is asked.
    system: Name
    #: The SELECT.
    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerBounds:
    """The bounds of a parameter that an earlier step tells.

    Numbers and days have a smallest and a largest value, which evidence may tell. A text is one of
    those that are listed.
    """

    #: The type of the value.
    type: FactType
    minimum: Annotated[int | Expression | None, Field(validation_alias="min")] = None
    maximum: Annotated[int | Expression | None, Field(validation_alias="max")] = None
    #: The texts that it may be.
    one_of: tuple[Text, ...] = ()
    #: What people read before the value is known: "the day that the carrier names".
    words: Text

    def __post_init__(self) -> None:
        has_bounds = self.minimum is not None and self.maximum is not None
        if self.type is FactType.BOOLEAN:
            raise ValueError("a yes or no is for conditions; no parameter can be one")
        if self.type is FactType.TEXT and not self.one_of:
            raise ValueError("a text needs one_of: what it may be")
        if self.type is not FactType.TEXT and not has_bounds:
            raise ValueError(f"{self.type} needs min and max: what it may be")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOffer:
    """An action that this playbook may recommend, or a later step."""

    #: An action of systems.yml with its system, like ``house.order_stock``.
    action: ActionName
    #: What conditions of later steps call it; empty for the name of the action.
    name: OptionalName = ""
    #: When it fits; empty for always. Of a step it is judged when its turn comes, over the evidence
    #: and ``steps``: what earlier steps told.
    when: Expression = ""
    #: The condition of a step in words, after "if".
    means: str = ""
    #: A template of why it does not fit, where ``when`` does not hold. Of a step: what is done
    #: instead; an empty list for nothing.
    otherwise: Annotated[str | tuple["ActionOffer", ...], Field(max_length=500)] = ""
    #: What is done instead where the system refuses the action for good.
    if_refused: Annotated[tuple["ActionOffer", ...], Field(max_length=4)] = ()
    #: The parameters that earlier steps tell, with their bounds.
    answer_bounds: Annotated[Mapping[Name, AnswerBounds], Field(validation_alias="observed")] = (
        field(default_factory=dict)
    )
    #: Expressions over the evidence for every parameter of the action.
    parameters: Mapping[Name, Expression] = field(default_factory=dict)
    #: A template of why this is recommended.
    reason: Text
    #: The parameters that a person may edit.
    edit: tuple[Name, ...] = ()
    #: The bounds of those parameters.
    limits: Mapping[Name, EditLimit] = field(default_factory=dict)
    #: What the evidence may say against an edit.
    warnings: Annotated[tuple[EditWarning, ...], Field(max_length=10)] = ()
    #: Finds out whether people did it by hand, where the bot only recommended it.
    observation: Annotated[Observation | None, Field(validation_alias="practice")] = None
    #: What follows it in the same plan.
    then: Annotated[tuple["ActionOffer", ...], Field(max_length=4)] = ()

    def __post_init__(self) -> None:
        extra = sorted(set(self.edit) - set(self.parameters))
        if extra:
            raise ValueError(f"edit names {', '.join(extra)}, which is no parameter here")
        extra = sorted(set(self.limits) - set(self.edit))
        if extra:
            raise ValueError(f"limits names {', '.join(extra)}, which nobody may edit")
        for name, expression in self.parameters.items():
            is_observed = bool(_FACT_OF_STEP.search(expression))
            if is_observed is not (name in self.answer_bounds):
                raise ValueError(
                    f"{name} needs its bounds under observed where an earlier step tells it,"
                    " and only there"
                )

    @property
    def step_name(self) -> str:
        """Return what conditions of later steps call it."""
        return self.name or self.action.partition(".")[2]

    @property
    def fallback(self) -> tuple["ActionOffer", ...] | None:
        """Return the steps for a condition that fails; None without any said."""
        return self.otherwise if isinstance(self.otherwise, tuple) else None

    @property
    def is_tree(self) -> bool:
        """Tell whether what follows depends on what its steps come to."""
        return any(
            step.if_refused
            or step.answer_bounds
            or (step is not self and (step.when or step.fallback is not None))
            for step in self.chain()
        )

    def chain(self) -> Iterator["ActionOffer"]:
        """Iterate over this offer and all steps that may follow it."""
        yield self
        for offer in (*self.then, *self.if_refused, *(self.fallback or ())):
            yield from offer.chain()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """The user groups that answer for a kind, by their handles."""

    #: Owns a new case.
    business: Handle
    #: Carries out what the bot cannot, and is asked when a system fails.
    operations: Handle
    #: Answers for the systems behind it.
    technical: Handle
    #: Decides when the author of a plan is not known.
    governance: Handle
    #: Is asked when a decision does not come in time.
    next_owner: Annotated[Handle, Field(validation_alias="next")]

    @property
    def handles(self) -> tuple[str, ...]:
        """List every owning group once."""
        return tuple(dict.fromkeys(filter(None, self.by_role().values())))

    def by_role(self) -> dict[str, str]:
        """Map each role to its group, as approvers name the roles."""
        return {
            "business": self.business,
            "operations": self.operations,
            "technical": self.technical,
            "governance": self.governance,
            "next": self.next_owner,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookTexts:
    """The texts of a playbook."""

    #: What people read in place of the kind, on cards and in lists.
    title: Text
    #: What people say when they report such a case: the recogniser learns from it.
    examples: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    #: A template over the evidence that says what has happened.
    what: Text
    #: A template of the facts that decide, for the line below the buttons of a card.
    brief: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook(PlaybookTexts):
    """One file of ``playbooks``, in the order in which people think."""

    #: The name of the kind. Signals carry it, and the policy and other files refer to it.
    kind: Name
    #: The Slack channel that gets its cards.
    channel: ChannelId
    #: The query that finds such cases. Left out where signals come from a source.
    detection: Annotated[Detection | None, Field(validation_alias="signal")] = None
    #: A case where an all-clear stays away.
    absence: Absence | None = None
    #: The look-ups that gather facts for a card, in this order.
    evidence: Annotated[tuple[Lookup, ...], Field(max_length=10)] = ()
    #: What is at risk.
    stake: Stake
    #: Finds the account of whoever gains from the plan.
    beneficiary: Expression = ""
    #: The actions that may be recommended. The first that fits is.
    offers: Annotated[
        tuple[ActionOffer, ...], Field(validation_alias="actions", max_length=10)
    ] = ()
    #: Who must say yes to its plans, beside what policy asks for.
    terms: Annotated[PlaybookTerms, Field(validation_alias="approval")]
    #: The groups that answer for this kind.
    owners: Owners
    #: The times that are promised, and what its report compares.
    measure: ServiceLevel
    #: Who is called, where this kind differs from its channel.
    calls: CallOverrides = field(default_factory=CallOverrides)
    #: SHA-256 of the file, which plans name.
    checksum: Annotated[str, NOT_IN_FILE] = ""
    #: SHA-256 of what it decides; empty where it is not tried before it is in force.
    version: Annotated[str, NOT_IN_FILE] = ""
    #: The file, from which the version can be read again.
    text: Annotated[str, NOT_IN_FILE] = ""

    def fresh_for(self, lookup_name: str) -> timedelta:
        """Return how long the facts of a look-up count as fresh."""
        for lookup in self.evidence:
            if lookup.name == lookup_name and lookup.fresh_for:
                return lookup.fresh_for
        return self.measure.decide_for

    @property
    def required_facts(self) -> tuple[str, ...]:
        """List the facts that a case raised by hand must have."""
        names = []
        for lookup in self.evidence:
            for expression in lookup.parameters.values():
                match = _FACT_OF_SIGNAL.fullmatch(expression.strip())
                if match and match[1] not in OWN_FACTS:
                    names.append(match[1])
        return tuple(dict.fromkeys(names))

    def offer(self, action: str) -> ActionOffer | None:
        """Return the offer of this action, or None."""
        return next((offer for offer in self.offers if offer.action == action), None)

    def observations(self, actions: Collection[str]) -> dict[str, Observation]:
        """Return the observations of these actions, by action."""
        observations: dict[str, Observation] = {}
        for offer in self.offers:
            for link in offer.chain():
                if link.observation and link.action in actions:
                    observations.setdefault(link.action, link.observation)
        return observations
