"""What people declare about an outside system and its actions, after validation. Secrets are named here, never held."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from bot.cases.canonical import MAX_INTEGER, Scalar
from bot.cases.errors import ConnectorFailed
from bot.cases.expressions import filled
from bot.cases.plan import MAX_AMOUNT, Action, Idempotency, Money, amount_of


class ParameterType(StrEnum):
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"


LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What every action declares, whatever its connector. Sentences take ``{parameter}`` places."""

    name: str
    version: int
    parameters: Mapping[str, ParameterType]
    target: str
    summary: str
    preview: str
    reversible: bool
    idempotency: Idempotency
    amount: str = ""
    currency: str = "GBP"
    undo_for: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Statement:
    """A named SQL action: what must be so, what is changed, how one sees that it was, how it is taken back."""

    spec: ActionSpec
    statement: str
    precondition: str
    expect_rows: int = 1
    verify: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class SqlSystem:
    name: str
    url_env: str
    timeout: timedelta
    actions: Mapping[str, Statement]
    #: Look-ups log in with this URL, where it is named: a role that can only read.
    read_url_env: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. ``path`` takes ``{parameter}`` places, each percent-encoded; ``landed`` and ``detail`` are JMESPath."""

    method: str
    path: str
    body: Mapping[str, str] = field(default_factory=dict)
    landed: str = ""
    absent: str = ""
    detail: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpAction:
    spec: ActionSpec
    execute: Call
    precondition: Call | None = None
    verify: Call | None = None
    undo: Call | None = None


@dataclass(frozen=True, slots=True)
class HttpSystem:
    name: str
    base_url: str
    hosts: tuple[str, ...]
    private_hosts: tuple[str, ...]
    token_env: str
    timeout: timedelta
    idempotency_header: str
    lookups: Mapping[str, Call]
    actions: Mapping[str, HttpAction]


@dataclass(frozen=True, slots=True)
class MessageSystem:
    name: str
    actions: Mapping[str, ActionSpec]
    timeout: timedelta = timedelta(seconds=10)


SystemSpec = SqlSystem | HttpSystem | MessageSystem


def typed(
    parameters: Mapping[str, Scalar], types: Mapping[str, ParameterType]
) -> dict[str, Scalar]:
    """The parameters in their canonical form: exactly those declared, each of its type.

    Raises:
        ConnectorFailed: something is missing, unknown or of the wrong type; the text names it.
    """
    unknown = sorted(set(parameters) - set(types))
    if unknown:
        raise ConnectorFailed(f"no such parameter: {', '.join(unknown)}")
    return {name: _typed(name, parameters.get(name), kind) for name, kind in types.items()}


def _typed(name: str, value: Scalar, kind: ParameterType) -> Scalar:
    if value is None or isinstance(value, bool) or value == "":
        raise ConnectorFailed(f"{name} is missing")
    try:
        return _CONVERSIONS[kind](value)
    except (ValueError, InvalidOperation):
        raise ConnectorFailed(f"{name} must be {_A[kind]}, not {str(value)[:40]!r}") from None


def _integer(value: Scalar) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value() or abs(number) > MAX_INTEGER:
        raise ValueError
    return int(number)


def _decimal(value: Scalar) -> str:
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > MAX_AMOUNT:
        raise ValueError
    return str(number.quantize(Decimal("0.01")))


def _text(value: Scalar) -> str:
    text = str(value)
    if len(text) > LONGEST_TEXT or any(
        ord(letter) < 32 and letter not in "\n\t" for letter in text
    ):
        raise ValueError
    # Half a character (a lone surrogate) is a ValueError here, and would be one in every ledger.
    text.encode()
    return text


def _date(value: Scalar) -> str:
    return date.fromisoformat(str(value)[:10]).isoformat()


_CONVERSIONS: dict[ParameterType, Callable[[Scalar], Scalar]] = {
    ParameterType.INTEGER: _integer,
    ParameterType.DECIMAL: _decimal,
    ParameterType.TEXT: _text,
    ParameterType.DATE: _date,
}
_A = {
    ParameterType.INTEGER: "a whole number",
    ParameterType.DECIMAL: "an amount",
    ParameterType.TEXT: f"text of at most {LONGEST_TEXT} characters",
    ParameterType.DATE: "a date like 2026-11-21",
}


def prepared(
    spec: ActionSpec,
    system: str,
    connector: str,
    parameters: Mapping[str, Scalar],
    snapshot: Mapping[str, Scalar],
) -> Action:
    """Render the action as it goes into the plan, from typed parameters and the snapshot.

    Raises:
        ConnectorFailed: the action declares an amount and there is none.
    """
    known = {**snapshot, **parameters}
    return Action(
        name=f"{system}.{spec.name}",
        version=spec.version,
        system=system,
        connector=connector,
        target=filled(spec.target, known),
        parameters=dict(parameters),
        summary=filled(spec.summary, known),
        preview=filled(spec.preview, known),
        reversible=spec.reversible,
        idempotency=spec.idempotency,
        precondition=dict(snapshot),
        amount=_amount(spec, known),
        undo_for=spec.undo_for,
    )


def _amount(spec: ActionSpec, known: Mapping[str, Scalar]) -> Money | None:
    """Read what the action moves; only one that declares no amount moves no money."""
    if not spec.amount:
        return None
    amount = amount_of(known.get(spec.amount))
    if amount is None:
        raise ConnectorFailed(f"the amount is not known ({spec.amount.replace('_', ' ')})")
    return Money(amount, spec.currency)
