"""What the YAML files may say: the shapes at the door, turned into the house's own dataclasses by ``library``."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bot.cases.approval import PEOPLE, ApprovalRequirement, can_be_met
from bot.cases.evidence import SIGNAL
from bot.cases.identity import is_slack_account
from bot.cases.plan import MAX_AMOUNT, Idempotency
from bot.cases.policy import Stage
from bot.connectors.specs import ParameterType
from knowledge.yaml_files import Duration, Span, Strict

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,48}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,48}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Query = Annotated[str, StringConstraints(min_length=8, max_length=4000)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, Field(ge=0, le=MAX_AMOUNT)]
# Strict: for YAML, and so for a limit, yes and no are numbers too.
Times = Annotated[int, Field(ge=0, strict=True)]
# In all, for one call: name, connection, question and answer.
Timeout = Annotated[Duration, Field(ge=timedelta(milliseconds=100), le=timedelta(minutes=5))]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,60}$")]


# Places that the connectors fill themselves: a parameter of such a name would take the place of ours.
FILLED_BY_US = frozenset({"key", "done_key", "now"})


def _not_ours(name: str) -> str:
    if name in FILLED_BY_US or name.startswith("was_"):
        raise ValueError(f"{name} is filled by the desk itself; call the parameter something else")
    return name


def _not_the_signal(name: str) -> str:
    if name == SIGNAL:
        raise ValueError(f"{SIGNAL} is what came in; call the look-up something else")
    return name


Parameter = Annotated[Name, AfterValidator(_not_ours)]


class DetectionShape(Strict):
    """``domain``: shared with a source that may count on these cases and clear them."""

    system: Name
    query: Query
    every: Span
    domain: Handle | Literal[""] = ""


class AbsenceShape(Strict):
    """An expected event that did not come. Its source reports with ``status: clear``, kind and subject.

    ``from`` names the source, or the domain of several, that ought to be heard of. Left out: the one whose kinds name this kind.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=False, validate_by_alias=True
    )

    origin: Handle | Literal[""] = Field(default="", alias="from")
    subjects: list[Text] = Field(min_length=1, max_length=500)
    title: Text
    within: Span
    every: Span


class LookupShape(Strict):
    name: Annotated[Name, AfterValidator(_not_the_signal)]
    system: Name
    query: Query
    parameters: dict[Parameter, str] = {}
    show: dict[Name, Text] = {}


class StakeShape(Strict):
    why: Text
    amount: str = ""
    currency: Currency = "GBP"


class OfferShape(Strict):
    action: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    when: str = ""
    parameters: dict[Name, str] = {}
    reason: Text
    edit: list[Name] = []
    then: list["OfferShape"] = Field(default=[], max_length=4)

    @model_validator(mode="after")
    def _edits_what_it_has(self) -> "OfferShape":
        unknown = sorted(set(self.edit) - set(self.parameters))
        if unknown:
            raise ValueError(f"edit names {', '.join(unknown)}, which is no parameter here")
        return self


class ApproverShape(Strict):
    """One of the three: a user group, people by their Slack ids, or an owner of the playbook."""

    group: Handle | None = None
    people: list[Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")]] | None = Field(
        default=None, min_length=1, max_length=20
    )
    owner: Literal["business", "operations", "technical", "governance", "next"] | None = None
    count: Annotated[int, Field(ge=1, le=5, strict=True)] = 1

    @model_validator(mode="after")
    def _one_of_them(self) -> "ApproverShape":
        if sum(given is not None for given in (self.group, self.people, self.owner)) != 1:
            raise ValueError("name approvers by one of group, people or owner")
        if self.people is not None and self.count > len(set(self.people)):
            raise ValueError(
                f"{self.count} of {len(set(self.people))} people can never be complete"
            )
        return self


def _can_be_complete(approvers: list[ApproverShape]) -> list[ApproverShape]:
    factors = [
        ApprovalRequirement(PEOPLE + "+".join(one.people), one.count)
        for one in approvers
        if one.people
    ]
    if not can_be_met(factors):
        raise ValueError("the people named can never be complete: somebody would be needed twice")
    return approvers


Approvers = Annotated[list[ApproverShape], AfterValidator(_can_be_complete)]


class ApprovalShape(Strict):
    approvers: Approvers = []
    expires: Span | None = None
    stage: Stage = Stage.SUPERVISED


class OwnersShape(Strict):
    business: Handle
    operations: Handle
    technical: Handle
    governance: Handle
    next: Handle


class MeasureShape(Strict):
    decide_for: Span
    resolve_for: Span
    follow_up_for: Span
    denominator: str = ""

    @field_validator("resolve_for")
    @classmethod
    def _is_not_before_the_decision(cls, resolve_for: timedelta, info: ValidationInfo) -> timedelta:
        _must_reach(resolve_for, "decide_for", info)
        return resolve_for


class PlaybookShape(Strict):
    """In the order in which an operations person thinks."""

    kind: Name
    title: Text
    channel: Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")]
    signal: DetectionShape | None = None
    absence: AbsenceShape | None = None
    examples: list[Text] = Field(default=[], max_length=100)
    what: Text
    evidence: list[LookupShape] = Field(default=[], max_length=10)
    stake: StakeShape
    beneficiary: str = ""
    actions: list[OfferShape] = Field(default=[], max_length=10)
    approval: ApprovalShape
    owners: OwnersShape
    measure: MeasureShape


class TierShape(Strict):
    approvers: Approvers = Field(min_length=1)
    expires: Span


class TiersShape(Strict):
    low: TierShape
    medium: TierShape
    high: TierShape


class LimitShape(Strict):
    """What one action may do; one without any limit says so, so that none was forgotten."""

    per_plan: Amount | None = None
    amount_per_day: Amount | None = None
    times_per_day: Times | None = None
    times_per_target_per_day: Times | None = None
    unlimited: bool = False
    alone: bool = False

    @field_validator("amount_per_day")
    @classmethod
    def _is_no_less_than_one_plan(
        cls, amount: Decimal | None, info: ValidationInfo
    ) -> Decimal | None:
        _must_reach(amount, "per_plan", info)
        return amount

    @model_validator(mode="after")
    def _says_how_much(self) -> "LimitShape":
        limits = (
            self.per_plan,
            self.amount_per_day,
            self.times_per_day,
            self.times_per_target_per_day,
        )
        has_limit = any(limit is not None for limit in limits)
        if not has_limit and not self.unlimited:
            raise ValueError(
                "needs at least one limit (per_plan, amount_per_day, times_per_day or times_per_target_per_day), "
                "or unlimited: true"
            )
        if has_limit and self.unlimited:
            raise ValueError("unlimited goes without limits")
        return self


class EmergencyShape(Strict):
    group: Handle
    review_for: Span


class PolicyShape(Strict):
    currency: Currency
    medium_above: Amount
    high_above: Amount
    step_up_above: Amount | None = None
    largest_scope: Annotated[int, Field(ge=1, le=20)] = 5
    tiers: TiersShape
    emergency: EmergencyShape | None = None
    actions: dict[str, LimitShape]

    @field_validator("high_above")
    @classmethod
    def _is_above_medium(cls, amount: Decimal, info: ValidationInfo) -> Decimal:
        _must_reach(amount, "medium_above", info)
        return amount

    @field_validator("step_up_above")
    @classmethod
    def _is_above_high(cls, amount: Decimal | None, info: ValidationInfo) -> Decimal | None:
        _must_reach(amount, "high_above", info, "; only high risk asks for a passkey")
        return amount


def _must_reach(value: Any, lower: str, info: ValidationInfo, why: str = "") -> None:
    """Refuse a value below the field that it must reach.

    A lower field that is wrong itself has its own complaint.
    """
    least = info.data.get(lower)
    if value is not None and least is not None and value < least:
        raise ValueError(f"{info.field_name} is below {lower}{why}")


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class HoursShape(Strict):
    """When a channel's people are at work; ``open`` may end on the next day."""

    zone: str
    days: list[Weekday] = Field(min_length=1, max_length=7)
    open: Annotated[
        str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")
    ]
    holidays: Annotated[str, StringConstraints(pattern=r"^(none|[A-Z]{2}(-[A-Z0-9]{1,5})?)$")] = (
        "none"
    )
    digest: Clock = "09:00"
    review: Weekday = "mon"


class ChannelsShape(Strict):
    default: HoursShape
    channels: dict[
        Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")], HoursShape
    ] = {}


class ActionShape(Strict):
    version: Annotated[int, Field(ge=1)] = 1
    parameters: dict[Parameter, ParameterType]
    target: Text
    summary: Text
    preview: Text
    amount: str = ""
    currency: Currency = "GBP"
    undo_for: Span | None = None

    @model_validator(mode="after")
    def _amount_is_a_number(self) -> "ActionShape":
        kind = self.parameters.get(self.amount)
        if kind in {ParameterType.TEXT, ParameterType.DATE}:
            raise ValueError(f"amount names {self.amount}, which is {kind}, and not a number")
        return self


class SqlActionShape(ActionShape):
    precondition: Query
    statement: Query
    expect_rows: Annotated[int, Field(ge=1, le=100)] = 1
    undo: str = ""
    verify: str = ""
    marker: bool = True

    @model_validator(mode="after")
    def _can_be_verified(self) -> "SqlActionShape":
        if not self.marker and not self.verify:
            raise ValueError("without a marker table an action needs a verify query")
        return self


class SqlSystemShape(Strict):
    connector: Literal["sql"]
    url_env: EnvName
    # A role that can only read, for look-ups.
    read_url_env: EnvName | Literal[""] = ""
    timeout: Timeout = timedelta(seconds=2)
    actions: dict[Name, SqlActionShape] = {}


class CallShape(Strict):
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    body: dict[str, str] = {}
    landed: str = ""
    absent: str = ""
    detail: str = ""
    fields: dict[Name, str] = {}


class HttpActionShape(ActionShape):
    execute: CallShape
    precondition: CallShape | None = None
    verify: CallShape | None = None
    undo: CallShape | None = None
    idempotency: Idempotency

    @model_validator(mode="after")
    def _can_be_verified(self) -> "HttpActionShape":
        if self.idempotency is not Idempotency.NONE and self.verify is None:
            raise ValueError("only idempotency: none may go without a verify call")
        return self

    @model_validator(mode="after")
    def _amount_is_known(self) -> "HttpActionShape":
        fields = self.precondition.fields if self.precondition else {}
        if self.amount and self.amount not in {*self.parameters, *fields}:
            raise ValueError(
                f"amount names {self.amount}, which is no parameter and no field of the precondition"
            )
        return self


class HttpSystemShape(Strict):
    connector: Literal["http"]
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    hosts: list[str] = Field(min_length=1)
    private_hosts: list[str] = []
    token_env: EnvName | Literal[""] = ""
    timeout: Timeout = timedelta(seconds=5)
    idempotency_header: str = "Idempotency-Key"
    lookups: dict[Name, CallShape] = {}
    actions: dict[Name, HttpActionShape] = {}


class MessageActionShape(ActionShape):
    @model_validator(mode="after")
    def _amount_is_known(self) -> "MessageActionShape":
        if self.amount and self.amount not in self.parameters:
            raise ValueError(f"amount names {self.amount}, which is no parameter")
        return self


class MessageSystemShape(Strict):
    connector: Literal["message"]
    timeout: Timeout = timedelta(seconds=10)
    actions: dict[Name, MessageActionShape]


class SystemsShape(Strict):
    systems: dict[
        Name,
        Annotated[
            SqlSystemShape | HttpSystemShape | MessageSystemShape, Field(discriminator="connector")
        ],
    ]


class MappingShape(Strict):
    """JMESPath into any JSON body. ``each`` splits one body into several signals; the rest looks into each of them."""

    each: str = ""
    key: str
    subject: str
    title: str
    occurred_at: str = ""
    clear: str = ""
    kind: str = ""
    facts: dict[Name, str] = {}


class SourceShape(Strict):
    """``kind`` is the only one it sends, ``kinds`` the only ones it may; without either it may send any.

    ``domain`` is a name that several sources share: each may then clear what another opened.
    """

    format: Literal["signal", "cloudevents", "alertmanager", "mapping"]
    kind: Name | Literal[""] = ""
    kinds: list[Name] = Field(default=[], max_length=100)
    domain: Handle | Literal[""] = ""
    token_env: list[EnvName] = Field(default=[], max_length=2)
    webhook_secret_env: list[EnvName] = Field(default=[], max_length=2)
    per_minute: Annotated[int, Field(ge=1, strict=True)] = 6000
    mapping: MappingShape | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "SourceShape":
        if not self.token_env and not self.webhook_secret_env:
            raise ValueError(
                "a source needs token_env or webhook_secret_env (two of either while a secret is changed)"
            )
        if (self.format == "mapping") != (self.mapping is not None):
            raise ValueError("format: mapping goes with a mapping, and only that does")
        return self

    @model_validator(mode="after")
    def _says_once_what_it_sends(self) -> "SourceShape":
        if "kinds" in self.model_fields_set and not self.kinds:
            raise ValueError(
                "kinds is empty, so nothing could be sent; name some, or leave kinds out"
            )
        if self.kind and self.kinds:
            raise ValueError("say kind (the only one) or kinds (the only ones), not both")
        if self.kind and self.mapping and self.mapping.kind:
            raise ValueError(
                "with a fixed kind the mapping cannot name another; say kinds instead of kind"
            )
        if self.format == "alertmanager" and self.kinds:
            raise ValueError("an alert names no kind; say kind instead of kinds")
        return self


class SourcesShape(Strict):
    sources: dict[Handle, SourceShape]


# Whatever a system calls a person: an address, a number; never the mark of "somebody else too".
Account = Annotated[
    str,
    StringConstraints(
        pattern=r"^[^\s*\x00-\x1f\x7f]([^*\x00-\x1f\x7f]{0,78}[^\s*\x00-\x1f\x7f])?$"
    ),
]


class PersonShape(Strict):
    """One person and all of their accounts, at least one of them in Slack."""

    name: Text
    accounts: list[Account] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _is_in_slack(self) -> "PersonShape":
        if not any(map(is_slack_account, self.accounts)):
            raise ValueError(
                "one of the accounts must be in Slack, as team/user, like T012AB3CD/U012AB3CD"
            )
        return self


class PeopleShape(Strict):
    people: list[PersonShape] = Field(default=[], max_length=2_000)
