"""Practice: what people did by hand where the bot only recommended."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from bot.cases.canonical import Scalar


class PracticeSource(StrEnum):
    """The witness of what was done. The values stand in the ledger."""

    #: The system of record shows it.
    SYSTEM = "system"
    #: A person said it in Slack.
    PERSON = "person"


def differing_parameters(
    parameters: Mapping[str, Scalar], row: Mapping[str, Scalar]
) -> tuple[str, ...]:
    """Name the parameters that a row of the system of record contradicts.

    A parameter without a column of its name is not compared.
    """
    return tuple(
        name for name, value in parameters.items() if name in row and not _is_same(value, row[name])
    )


def _is_same(one: Scalar, other: Scalar) -> bool:
    """Compare as people do: 24 is 24.0 is "24"."""
    if one is None or other is None:
        return one is other
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return str(one).strip() == str(other).strip()
