"""Values between a database and the ledger."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.cases.canonical import MAX_INTEGER, Scalar, storable


def to_scalar(value: Any) -> Scalar:
    """Convert a value to one that a ledger can hold."""
    match value:
        case Decimal():
            return _to_number(value)
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return f"{len(bytes(value))} bytes"
        case str() | int() | float() | None:
            return storable(value)
        case _:
            return storable(str(value))


def _to_number(value: Decimal) -> Scalar:
    """Convert to a number if a double holds it, else to text."""
    if not value.is_finite() or abs(value) > MAX_INTEGER:
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)
