"""What the YAML files may say: the shapes at the door, turned into the house's own dataclasses by ``library``."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from bot.cases.plan import Idempotency
from bot.cases.policy import Stage
from bot.connectors.specs import ParameterType
from knowledge.yaml_files import Span, Strict

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,48}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,48}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Query = Annotated[str, StringConstraints(min_length=8, max_length=4000)]
# In all, for one call: name, connection, question and answer.
Timeout = Annotated[Span, Field(ge=timedelta(milliseconds=100), le=timedelta(minutes=5))]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,60}$")]


class DetectionShape(Strict):
    system: Name
    query: Query
    every: Span


class AbsenceShape(Strict):
    """An expected event that did not come. Its source reports with ``status: clear``, kind and subject."""

    subjects: list[Text] = Field(min_length=1, max_length=500)
    title: Text
    within: Span
    every: Span


class LookupShape(Strict):
    name: Name
    system: Name
    query: Query
    parameters: dict[Name, str] = {}
    show: dict[Name, Text] = {}


class StakeShape(Strict):
    why: Text
    amount: str = ""
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "GBP"


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
    count: Annotated[int, Field(ge=1, le=5)] = 1

    @model_validator(mode="after")
    def _one_of_them(self) -> "ApproverShape":
        if sum(given is not None for given in (self.group, self.people, self.owner)) != 1:
            raise ValueError("name approvers by one of group, people or owner")
        if self.people is not None and self.count > len(set(self.people)):
            raise ValueError(f"{self.count} of {len(set(self.people))} people can never be complete")
        return self


class ApprovalShape(Strict):
    approvers: list[ApproverShape] = []
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
    approvers: list[ApproverShape] = Field(min_length=1)
    expires: Span


class TiersShape(Strict):
    low: TierShape
    medium: TierShape
    high: TierShape


class LimitShape(Strict):
    per_plan: Decimal | None = None
    amount_per_day: Decimal | None = None
    times_per_day: int | None = None
    times_per_target_per_day: int | None = None
    alone: bool = False


class EmergencyShape(Strict):
    group: Handle
    review_for: Span


class PolicyShape(Strict):
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    medium_above: Decimal
    high_above: Decimal
    step_up_above: Decimal | None = None
    largest_scope: Annotated[int, Field(ge=1, le=20)] = 5
    tiers: TiersShape
    emergency: EmergencyShape | None = None
    actions: dict[str, LimitShape]


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class HoursShape(Strict):
    """When a channel's people are at work; ``open`` may end on the next day."""

    zone: str
    days: list[Weekday] = Field(min_length=1, max_length=7)
    open: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
    holidays: Annotated[str, StringConstraints(pattern=r"^(none|[A-Z]{2}(-[A-Z0-9]{1,5})?)$")] = "none"
    digest: Clock = "09:00"
    review: Weekday = "mon"


class ChannelsShape(Strict):
    default: HoursShape
    channels: dict[Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{2,20}$")], HoursShape] = {}


class ActionShape(Strict):
    version: Annotated[int, Field(ge=1)] = 1
    parameters: dict[Name, ParameterType]
    target: Text
    summary: Text
    preview: Text
    amount: str = ""
    currency: str = "GBP"
    undo_for: Span | None = None


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


class MessageSystemShape(Strict):
    connector: Literal["message"]
    timeout: Timeout = timedelta(seconds=10)
    actions: dict[Name, ActionShape]


class SystemsShape(Strict):
    systems: dict[
        Name, Annotated[SqlSystemShape | HttpSystemShape | MessageSystemShape, Field(discriminator="connector")]
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
    format: Literal["signal", "cloudevents", "alertmanager", "mapping"]
    kind: Name | Literal[""] = ""
    token_env: list[EnvName] = Field(default=[], max_length=2)
    webhook_secret_env: list[EnvName] = Field(default=[], max_length=2)
    per_minute: Annotated[int, Field(ge=1)] = 6000
    mapping: MappingShape | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "SourceShape":
        if not self.token_env and not self.webhook_secret_env:
            raise ValueError("a source needs token_env or webhook_secret_env (two of either while a secret is changed)")
        if (self.format == "mapping") != (self.mapping is not None):
            raise ValueError("format: mapping goes with a mapping, and only that does")
        return self


class SourcesShape(Strict):
    sources: dict[Handle, SourceShape]
