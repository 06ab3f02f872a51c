"""How playbooks look into what is known: JMESPath for values and conditions, ``{item.column}`` for sentences. Neither can act."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from bot.cases.canonical import Scalar
from bot.cases.errors import PlaybookInvalid

# JMESPath's own errors, and those of Python that its functions let through on values of the wrong type.
_FAILURES = (JMESPathError, TypeError, ValueError, ArithmeticError)
_PLACE = re.compile(r"\{([A-Za-z_][\w.]*)\}")


@lru_cache(maxsize=1024)
def compile_expression(expression: str) -> ParsedResult:
    """The parsed expression; ``PlaybookInvalid`` says what is wrong with it."""
    try:
        return jmespath.compile(expression)
    except JMESPathError as wrong:
        raise PlaybookInvalid(
            f"not a JMESPath expression: {expression!r} ({wrong})".replace("\n", " ")
        ) from None


def search(expression: str, content: Any) -> Any:
    """Look into outside JSON; what the expression cannot be applied to gives None."""
    try:
        return compile_expression(expression).search(content)
    except _FAILURES:
        return None


def find_scalar(expression: str, known: Mapping[str, Any]) -> Scalar:
    """The scalar that the expression finds, or None."""
    found = search(expression, known)
    return found if isinstance(found, str | int | float | bool) else None


def evaluate(condition: str, known: Mapping[str, Any]) -> bool:
    """Whether the condition is true. What is missing makes it false, never true; an empty condition always holds."""
    if not condition:
        return True
    return search(condition, known) is True


def placeholders(sentence: str) -> list[str]:
    """The names a sentence asks for."""
    return _PLACE.findall(sentence)


def has_enough_facts(sentence: str, known: Mapping[str, Any]) -> bool:
    """Whether at least half of what the sentence asks for is known: with less it says nothing."""
    asked = placeholders(sentence)
    return sum(_found(place, known) is not None for place in asked) * 2 >= len(asked)


def render(sentence: str, known: Mapping[str, Any]) -> str:
    """The sentence with every ``{item.column}`` replaced; what is not known reads "unknown"."""

    def value(match: re.Match[str]) -> str:
        return _readable(_found(match[1], known))

    return _PLACE.sub(value, sentence)


def _found(place: str, known: Mapping[str, Any]) -> Any:
    found: Any = known
    for part in place.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _readable(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:,.2f}".removesuffix(".00")
    return str(value)
