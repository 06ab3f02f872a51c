"""Expressions and templates of playbooks, over known facts.

Expressions are JMESPath, for values and conditions. Templates are text with placeholders like
``{item.column}``. Neither can act.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from jmespath.visitor import TreeInterpreter
from pydantic import AfterValidator, WithJsonSchema

from bot.cases.canonical import Scalar
from bot.cases.errors import PlaybookInvalid

#: The columns of each item by name: the signal, a look-up or the plan.
Facts = Mapping[str, Any]

# Functions of JMESPath let errors of Python through when a value has the wrong type.
_FAILURES = (JMESPathError, TypeError, ValueError, ArithmeticError)
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.]*)\}")
_BRACE = re.compile(r"\{[^{}]*\}?|\}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
# Without a state but the names of its methods, which ``ParsedResult.search`` finds anew each time.
_INTERPRETER = TreeInterpreter()
#: Expressions and templates that are kept in their parsed form.
MAX_PARSED = 1024


@lru_cache(maxsize=MAX_PARSED)
def compile_expression(expression: str) -> ParsedResult:
    """Parse a JMESPath expression.

    Raises:
        PlaybookInvalid: it is not one; the text says why.
    """
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        reason = str(error).replace("\n", " ")
        raise PlaybookInvalid(f"not a JMESPath expression: {expression!r} ({reason})") from None


def _check_expression(expression: str) -> str:
    if expression:
        try:
            compile_expression(expression)
        except PlaybookInvalid as error:
            # Pydantic adds the place in the file to a ValueError, and to nothing else.
            raise ValueError(str(error)) from None
    return expression


#: A JMESPath expression in a file, or empty.
Expression = Annotated[
    str,
    AfterValidator(_check_expression),
    WithJsonSchema({"type": "string", "description": "A JMESPath expression over the facts."}),
]


def search(expression: str, content: Any) -> Any:
    """Search JSON from outside; None where the expression does not apply."""
    try:
        names = _path(expression)
        if names:
            return _walk(names, content)
        return _INTERPRETER.visit(compile_expression(expression).parsed, content)
    except _FAILURES:
        return None


@lru_cache(maxsize=MAX_PARSED)
def _path(expression: str) -> tuple[str, ...]:
    """Return the names of a mere path like ``stock.on_hand``.

    Any other expression has none.
    """
    return tuple(expression.split(".")) if _PATH.fullmatch(expression) else ()


def _walk(names: tuple[str, ...], content: Any) -> Any:
    # Most expressions are paths, and the interpreter of JMESPath takes ten times as long.
    for name in names:
        try:
            content = content.get(name)
        except AttributeError:
            return None
    return content


def find_scalar(expression: str, facts: Facts) -> Scalar:
    """Return the scalar at this expression, or None."""
    value = search(expression, facts)
    return value if isinstance(value, str | int | float | bool) else None


def evaluate(condition: str, facts: Facts) -> bool:
    """Evaluate a condition: true when empty, false over missing facts."""
    if not condition:
        return True
    return search(condition, facts) is True


def has_enough_facts(template: str, facts: Facts) -> bool:
    """Tell whether at least half of the placeholders can be filled."""
    names = placeholders(template)
    available = [name for name in names if _fact(name, facts) is not None]
    return len(available) * 2 >= len(names)


def placeholders(template: str) -> list[str]:
    """List the names of the facts that a template needs."""
    return list(_parse_template(template)[1::2])


def stray_brace(template: str) -> str:
    """Return the first brace that is no placeholder, with what it holds.

    Empty where there is none. People would read it as it is.
    """
    match = _BRACE.search(" ".join(_parse_template(template)[::2]))
    return match[0] if match else ""


def render(template: str, facts: Facts) -> str:
    """Fill every placeholder; a missing fact reads "unknown"."""
    pieces = list(_parse_template(template))
    for place in range(1, len(pieces), 2):
        pieces[place] = _readable(_fact(pieces[place], facts))
    return "".join(pieces)


@lru_cache(maxsize=MAX_PARSED)
def _parse_template(template: str) -> tuple[str, ...]:
    """Split a template into texts and names of facts, by turns."""
    return tuple(_PLACEHOLDER.split(template))


def _fact(name: str, facts: Facts) -> Any:
    return _walk(_split_name(name), facts)


@lru_cache(maxsize=MAX_PARSED)
def _split_name(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


def _readable(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:,.2f}".removesuffix(".00")
    return str(value)
