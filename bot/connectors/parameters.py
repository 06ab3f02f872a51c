"""Typed parameters of actions, in canonical form."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import assert_never

from bot.cases.canonical import MAX_INTEGER, Scalar
from bot.cases.errors import ConnectorFailed
from bot.cases.plan import CENT, MAX_AMOUNT

MAX_TEXT = 500


class ParameterType(StrEnum):
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"


_DESCRIPTIONS = {
    ParameterType.INTEGER: "a whole number",
    ParameterType.DECIMAL: "an amount",
    ParameterType.TEXT: f"text of at most {MAX_TEXT} characters",
    ParameterType.DATE: "a date like 2026-11-21",
}


def convert_parameters(
    parameters: Mapping[str, Scalar], types: Mapping[str, ParameterType]
) -> dict[str, Scalar]:
    """Convert exactly the declared parameters to their canonical form.

    Raises:
        ConnectorFailed: one is missing, unknown or of the wrong type; the text names it.
    """
    extra = sorted(set(parameters) - set(types))
    if extra:
        raise ConnectorFailed(f"no such parameter: {', '.join(extra)}")
    return {name: _convert(name, parameters.get(name), kind) for name, kind in types.items()}


def _convert(
    name: str,
    value: Scalar,
    kind: ParameterType,
) -> Scalar:
    if value is None or isinstance(value, bool) or value == "":
        raise ConnectorFailed(f"{name} is missing")
    try:
        return _canonical(value, kind)
    except (ValueError, InvalidOperation):
        text = repr(str(value)[:40])
        raise ConnectorFailed(f"{name} must be {_DESCRIPTIONS[kind]}, not {text}") from None


def _canonical(value: Scalar, kind: ParameterType) -> Scalar:
    match kind:
        case ParameterType.INTEGER:
            return _integer(value)
        case ParameterType.DECIMAL:
            return _decimal(value)
        case ParameterType.TEXT:
            return _text(value)
        case ParameterType.DATE:
            return date.fromisoformat(str(value)[:10]).isoformat()
        case _:
            assert_never(kind)


def _integer(value: Scalar) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value() or abs(number) > MAX_INTEGER:
        raise ValueError
    return int(number)


def _decimal(value: Scalar) -> str:
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) > MAX_AMOUNT:
        raise ValueError
    return str(number.quantize(CENT))


def _text(value: Scalar) -> str:
    text = str(value)
    has_control = any(ord(letter) < 32 and letter not in "\n\t" for letter in text)
    if len(text) > MAX_TEXT or has_control:
        raise ValueError
    # Half a character (a lone surrogate) is a ValueError here, and would be one in every ledger.
    text.encode()
    return text
