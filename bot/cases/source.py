"""Systems that send signals: their format, rate and names of secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from bot.cases.constraints import (
    FROM_KEY,
    Currency,
    EnvironmentName,
    Handle,
    Name,
    OptionalHandle,
    OptionalName,
    Query,
    Span,
)
from bot.cases.expressions import Expression
from bot.cases.mail_server import Mailbox
from bot.cases.request_expressions import RequestExpression, RequestTemplate
from bot.cases.verification import Handshake, Verification

# The desk itself opens cases under these names.
ABSENCE = "absence"
BY_HAND = "slack"
TRIAL = "try"
# No source, system or domain may be called like the desk or a part of it.
RESERVED_NAMES = frozenset({ABSENCE, BY_HAND, TRIAL, "countersign", "desk", "operator", "policy"})


class Format(StrEnum):
    """The form of a request body."""

    SIGNAL = "signal"
    CLOUDEVENTS = "cloudevents"
    ALERTMANAGER = "alertmanager"
    MAPPING = "mapping"
    #: Guessed from the body; the card says so.
    AUTO = "auto"
    #: A mail, as the providers of mailboxes send it on, or read from a mailbox.
    EMAIL = "email"


class AmountUnit(StrEnum):
    """The unit in which a product writes an amount of money."""

    #: 42.00 euros are 42.00.
    MAJOR = "major"
    #: 42.00 euros are 4200, and 42 yen are 42: by the exponents of ISO 4217.
    MINOR = "minor"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountMapping:
    """JMESPath expressions for an amount of money."""

    #: Where the amount stands.
    value: RequestExpression
    #: Where the currency stands, or ``'EUR'`` for one that is always the same.
    currency: RequestExpression
    #: The unit in which the product writes it.
    unit: AmountUnit = AmountUnit.MAJOR
    #: The decimals of currencies that the product counts otherwise than ISO 4217 does.
    exponents: Mapping[Currency, Annotated[int, Field(ge=0, le=4, strict=True)]] = field(
        default_factory=dict
    )


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMapping:
    """The fields of a signal in a request of any form.

    Expressions are JMESPath over ``body``, ``headers``, ``query`` and ``item``. Templates are text
    with expressions in braces.
    """

    #: Finds several signals in one request: ``item`` is each of them; else the body.
    each: RequestExpression = ""
    #: A request is a signal where this is true.
    only: RequestExpression = ""
    #: A request is no signal where this is true.
    ignore: RequestExpression = ""
    #: The first of these that has a value; where none has, the SHA-256 of the item.
    key: Annotated[
        tuple[RequestExpression, ...],
        BeforeValidator(
            _as_list, json_schema_input_type=RequestExpression | tuple[RequestExpression, ...]
        ),
    ] = ()
    #: What it is about, like the number of an order.
    subject: RequestTemplate = ""
    #: What has happened, in a few words.
    title: RequestTemplate = ""
    #: When it happened.
    occurred_at: RequestExpression = ""
    #: True where the signal clears a case.
    clear: RequestExpression = ""
    #: The kind of the case.
    kind: RequestExpression = ""
    #: An amount of money, as the facts ``amount`` and ``currency``.
    amount: AmountMapping | None = None
    #: Where further facts stand, by name.
    facts: Mapping[Name, RequestExpression] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheck:
    """A question whether a system knows of the trouble already."""

    #: The system of systems.yml that is asked.
    system: Name
    #: A row means that it is known; ``:now`` is given.
    query: Query
    #: Expressions over ``signal``: its facts, subject and title.
    parameters: Mapping[Name, Expression] = field(default_factory=dict)


def _check_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    if not kinds:
        raise ValueError("kinds is empty, so nothing could be sent; name some, or leave kinds out")
    return kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of files, of which each row is a signal."""

    #: A local folder, or the address of one in an object store, like ``s3://bucket/exports``.
    path: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    #: The names of the files that are read.
    pattern: Annotated[str, StringConstraints(pattern=r"^[^/]{1,100}$")] = "*.csv"
    #: How often it is looked into.
    every: Span = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sender of signals: over HTTP, or by files in a folder."""

    name: Annotated[Handle, FROM_KEY]
    #: The form of its requests.
    format: Format
    #: The only kind it sends; empty for any.
    kind: OptionalName = ""
    #: The only kinds it may send; empty for any.
    kinds: Annotated[tuple[Name, ...], Field(max_length=100), AfterValidator(_check_kinds)] = ()
    #: Shared by several sources, each of which may clear what another opened.
    domain: OptionalHandle = ""
    #: Two while a secret is changed: both are valid.
    token_env: Annotated[tuple[EnvironmentName, ...], Field(max_length=2)] = ()
    #: The names of secrets of Standard Webhooks.
    webhook_secret_env: Annotated[tuple[EnvironmentName, ...], Field(max_length=2)] = ()
    #: How many signals it may send in a minute.
    per_minute: Annotated[int, Field(ge=1, strict=True)] = 6000
    #: With the format of the same name only.
    mapping: SignalMapping | None = None
    #: The product whose file of ``sources/`` it begins with.
    preset: OptionalHandle = ""
    #: How a request proves who sent it.
    verify: Verification | None = None
    #: The question that the product asks once, before it sends.
    handshake: Handshake = Handshake.NONE
    #: Watched for files; such a source needs no secret.
    folder: Folder | None = None
    #: Read over IMAP in place of requests.
    mailbox: Mailbox | None = None
    #: What a system of record has already is left out, and counted.
    record_check: RecordCheck | None = None

    @property
    def is_foreign(self) -> bool:
        """Tell whether its sender knows nothing of us, and can correct nothing."""
        return self.format not in {Format.SIGNAL, Format.CLOUDEVENTS}

    @property
    def origin(self) -> str:
        """Return the name under which its cases are counted and cleared."""
        return self.domain or self.name

    @property
    def allowed_kinds(self) -> tuple[str, ...]:
        """Return the kinds it may send; empty for any."""
        return (self.kind,) if self.kind else self.kinds
