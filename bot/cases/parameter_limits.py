"""Bounds of the parameters of an action."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from bot.cases.canonical import Scalar
from bot.cases.constraints import not_below

MAX_PATTERN = 200
MAX_CHOICES = 200
# A quantifier on a group with another inside it: such a pattern can take for ever on a short text.
_NESTED_QUANTIFIER = re.compile(r"\([^)]*[*+}][^)]*\)\s*[*+{]")


def _check_pattern(pattern: str) -> str:
    if _NESTED_QUANTIFIER.search(pattern):
        raise ValueError("repeats a group that repeats: write it without, or as one_of")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _check_number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Bound = Annotated[Decimal, BeforeValidator(_check_number), Field(allow_inf_nan=False)]
Pattern = Annotated[
    str, Field(min_length=1, max_length=MAX_PATTERN), AfterValidator(_check_pattern)
]
Choices = Annotated[
    tuple[str | int | float | bool, ...], Field(min_length=1, max_length=MAX_CHOICES)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLimit:
    """The bounds of one parameter, which must be within all of them."""

    #: The smallest number.
    min: Bound | None = None
    #: The largest number.
    max: Annotated[Bound | None, not_below("min")] = None
    #: The values that it may have.
    one_of: Choices | None = None
    #: A regular expression that the whole text must match.
    pattern: Pattern | None = None

    def __post_init__(self) -> None:
        if (self.min, self.max, self.one_of, self.pattern) == (None, None, None, None):
            raise ValueError("needs min, max, one_of or pattern")

    def objection(self, value: Scalar) -> str:
        """Say why a value is out of bounds; empty if not."""
        return (
            self._number_objection(value)
            or self._choice_objection(value)
            or self._pattern_objection(value)
        )

    def _number_objection(self, value: Scalar) -> str:
        if self.min is None and self.max is None:
            return ""
        number = _number(value)
        if number is None:
            return "is not a number"
        if self.min is not None and number < self.min:
            return f"{number:,} is below {self.min:,}"
        if self.max is not None and number > self.max:
            return f"{number:,} is above {self.max:,}"
        return ""

    def _choice_objection(self, value: Scalar) -> str:
        if self.one_of is None:
            return ""
        # True equals 1 in Python, and must not in a file that people read.
        if any(type(choice) is type(value) and choice == value for choice in self.one_of):
            return ""
        return f"“{value}” is not one of {', '.join(str(choice) for choice in self.one_of)}"

    def _pattern_objection(self, value: Scalar) -> str:
        if self.pattern is None:
            return ""
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return ""
        return f"“{value}” does not have the form {self.pattern}"


def _number(value: Scalar) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value)) if math.isfinite(value) else None
