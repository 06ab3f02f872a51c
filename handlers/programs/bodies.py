"""The bodies of programs' requests, checked before they are used."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from bot.cases.canonical import MAX_INTEGER, Scalar
from bot.cases.commands import ReportedOutcome
from bot.cases.constraints import Currency, Handle, Name, Span
from bot.cases.plan import Money, amount_of
from bot.cases.program import ActionName
from bot.cases.program_request import GivenEvidence, ProgramRequest
from bot.cases.text import is_storable
from bot.desk.program_approvals import ProgramReport
from handlers.intake.problem import Problem
from handlers.intake.reading import parse_object, read_time

Model = TypeVar("Model", bound=BaseModel)
MAX_ARGUMENTS = 20
MAX_EVIDENCE = 10
MAX_VALUE_LENGTH = 500
MAX_EXPIRY = timedelta(days=30)
_SPAN: TypeAdapter[timedelta] = TypeAdapter(Span)


def _check_text(text: Any) -> Any:
    if isinstance(text, str) and not is_storable(text):
        raise ValueError("contains a NUL character or half of a surrogate pair")
    return text


def _check_value(value: Any) -> Any:
    """Refuse a value that no ledger can hold exactly."""
    if not isinstance(value, str | bool | int | float | None):
        raise ValueError("must be a text, a number, true, false or null")
    if isinstance(value, str) and len(value) > MAX_VALUE_LENGTH:
        raise ValueError(f"has more than {MAX_VALUE_LENGTH} characters")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ValueError("is too large for a number; send it as text")
    return _check_text(value)


ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    BeforeValidator(_check_text),
]
LongText = Annotated[str, Field(max_length=2_000), BeforeValidator(_check_text)]
Value = Annotated[
    StrictStr | StrictBool | StrictInt | StrictFloat | None, BeforeValidator(_check_value)
]
Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s]{3,500}$"), BeforeValidator(_check_text)
]


class AmountIn(BaseModel):
    """An amount of money that the action moves."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    value: Annotated[
        Decimal, Field(description="In whole units with cents, as number or text: 40.00.")
    ]
    currency: Annotated[Currency, Field(description="Three letters of ISO 4217.")]


class EvidenceIn(BaseModel):
    """Something that speaks for the request, in the program's words."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    title: ShortText
    text: LongText = ""
    url: Url | None = None
    facts: Annotated[dict[ShortText, Value], Field(max_length=MAX_ARGUMENTS)] = {}


class ApprovalIn(BaseModel):
    """A request for an approval."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    action: Annotated[
        ActionName,
        Field(description="system.action of systems.yml, or an action of the program's own."),
    ]
    arguments: Annotated[dict[Name, Value], Field(max_length=MAX_ARGUMENTS)] = {}
    summary: Annotated[ShortText, Field(description="What it is for, in one sentence.")]
    amount: AmountIn | None = None
    reversible: Annotated[
        StrictBool | None, Field(description="false: the action cannot be undone.")
    ] = None
    evidence: Annotated[list[EvidenceIn], Field(max_length=MAX_EVIDENCE)] = []
    approvers: Annotated[
        list[Handle],
        Field(max_length=5, description="Groups that must approve beside those of policy."),
    ] = []
    expires: Annotated[
        ShortText | None, Field(description="A duration like 4h, or a time in RFC 3339 format.")
    ] = None
    idempotency_key: Annotated[
        ShortText, Field(description="The same key is the same request, however often it comes.")
    ]
    on_behalf_of: Annotated[
        ShortText | None,
        Field(description="The person for whom it asks; they cannot approve it."),
    ] = None


class ReportIn(BaseModel):
    """The outcome of an action that the program has carried out itself."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    outcome: ReportedOutcome
    detail: Annotated[str, Field(max_length=500), BeforeValidator(_check_text)] = ""
    result: Annotated[dict[Name, Value], Field(max_length=MAX_ARGUMENTS)] = {}


def parse_request(body: bytes) -> tuple[ProgramRequest, str]:
    """Read a request with its key.

    Raises:
        Problem: 400 or 422, naming the first field that is wrong.
    """
    content = _validate(ApprovalIn, body)
    expires_at, expires_for = _read_expiry(content.expires)
    request = ProgramRequest(
        action=content.action,
        arguments=dict(content.arguments),
        summary=" ".join(content.summary.split()),
        amount=_read_amount(content.amount),
        reversible=content.reversible is not False,
        evidence=tuple(_read_evidence(item) for item in content.evidence),
        approvers=tuple(dict.fromkeys(content.approvers)),
        on_behalf_of=content.on_behalf_of or "",
        expires_at=expires_at,
        expires_for=expires_for,
    )
    return request, content.idempotency_key


def parse_report(body: bytes) -> ProgramReport:
    """Read a report.

    Raises:
        Problem: 400 or 422, naming the first field that is wrong.
    """
    content = _validate(ReportIn, body)
    facts: dict[str, Scalar] = dict(content.result)
    return ProgramReport(outcome=content.outcome, detail=content.detail, facts=facts)


def _validate(shape: type[Model], body: bytes) -> Model:
    try:
        return shape.model_validate(parse_object(body))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Problem(422, f"{field}: {first['msg']}", field) from None


def _read_amount(amount: AmountIn | None) -> Money | None:
    if amount is None:
        return None
    value = amount_of(amount.value)
    if value is None:
        raise Problem(422, "amount must be a sum of money, and not below zero", "amount.value")
    return Money(value, amount.currency)


def _read_evidence(item: EvidenceIn) -> GivenEvidence:
    return GivenEvidence(
        title=item.title, text=item.text, url=item.url or "", facts=dict(item.facts)
    )


def _read_expiry(text: str | None) -> tuple[datetime | None, timedelta | None]:
    """Read the end of a request: a time, or a duration."""
    if text is None:
        return None, None
    try:
        span = _SPAN.validate_python(text)
    except ValidationError:
        return _read_moment(text), None
    if span > MAX_EXPIRY:
        raise Problem(422, f"expires must be within {MAX_EXPIRY.days} days", "expires")
    return None, span


def _read_moment(text: str) -> datetime:
    at = read_time(text, "expires")
    if at is None:
        raise Problem(422, "expires must be a duration like 4h, or a time", "expires")
    return at.astimezone(UTC)
