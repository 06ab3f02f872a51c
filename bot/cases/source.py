"""Systems that send signals over HTTP: format, rate and names of secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.cases.constraints import (
    FROM_KEY,
    EnvironmentName,
    Handle,
    Name,
    OptionalHandle,
    OptionalName,
)
from bot.cases.expressions import Expression

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMapping:
    """JMESPath expressions for the fields of a signal in any JSON."""

    #: Finds several signals in one body; the other expressions then look into each of them.
    each: Expression = ""
    key: Expression
    subject: Expression
    title: Expression
    occurred_at: Expression = ""
    #: True where the signal clears a case.
    clear: Expression = ""
    kind: Expression = ""
    facts: Mapping[Name, Expression] = field(default_factory=dict)


def _check_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    if not kinds:
        raise ValueError("kinds is empty, so nothing could be sent; name some, or leave kinds out")
    return kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sender of signals over HTTP."""

    name: Annotated[Handle, FROM_KEY]
    format: Format
    #: The only kind it sends; empty for any.
    kind: OptionalName = ""
    #: The only kinds it may send; empty for any.
    kinds: Annotated[tuple[Name, ...], Field(max_length=100), AfterValidator(_check_kinds)] = ()
    #: Shared by several sources, each of which may clear what another opened.
    domain: OptionalHandle = ""
    #: Two while a secret is changed: both are valid.
    token_env: Annotated[tuple[EnvironmentName, ...], Field(max_length=2)] = ()
    webhook_secret_env: Annotated[tuple[EnvironmentName, ...], Field(max_length=2)] = ()
    per_minute: Annotated[int, Field(ge=1, strict=True)] = 6000
    #: Only with the format of the same name.
    mapping: SignalMapping | None = None

    @property
    def origin(self) -> str:
        """Return the name under which its cases are counted and cleared."""
        return self.domain or self.name

    @property
    def allowed_kinds(self) -> tuple[str, ...]:
        """Return the kinds it may send; empty for any."""
        return (self.kind,) if self.kind else self.kinds
