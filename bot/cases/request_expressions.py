"""Expressions and templates over a request from outside.

Expressions are JMESPath over ``body``, ``headers``, ``query`` and ``item``, with a few functions
of our own. Templates are text with such expressions in braces. Neither can act.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter
from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from bot.cases.canonical import content_hash

#: What an expression begins with.
ROOTS = ("body", "headers", "query", "item")
MAX_EXPRESSION_LENGTH = 600
#: Expressions and templates that are kept in their parsed form.
MAX_PARSED = 4096
MAX_PARSED_TEXT_LENGTH = 256 * 1024
#: Larger floats are written with an exponent.
MAX_PLAIN = 1e15
# The functions let errors of Python through when a value has the wrong type.
_FAILURES = (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError)
# Nodes whose first part alone is evaluated where the expression itself is.
_CHAINS = frozenset(
    {
        "subexpression",
        "index_expression",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "pipe",
    }
)
# A text without braces that was meant as an expression.
_BARE = re.compile(r"[A-Za-z_]\w*(?:\.[\w\"-]+)+|[a-z_]+\(.*\)", re.DOTALL)
_ANY: Any = {"types": []}
_TEXT: Any = {"types": ["string"]}


class RequestFunctions(Functions):
    """Functions of mappings beside those of JMESPath.

    Each gives null for a value of another type.
    """

    @signature(_ANY)
    def _func_sha256(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):
            return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return content_hash(value)

    @signature(_ANY)
    def _func_lower(self, value: Any) -> str | None:
        return value.lower() if isinstance(value, str) else None

    @signature(_ANY)
    def _func_upper(self, value: Any) -> str | None:
        return value.upper() if isinstance(value, str) else None

    @signature(_ANY)
    def _func_trim(self, value: Any) -> str | None:
        return value.strip() if isinstance(value, str) else None

    @signature(_ANY, _TEXT)
    def _func_split(self, value: Any, separator: str) -> list[str] | None:
        if not isinstance(value, str) or not separator:
            return None
        return value.split(separator)

    @signature(_ANY, _TEXT, _TEXT)
    def _func_replace(self, value: Any, old: str, new: str) -> str | None:
        return value.replace(old, new) if isinstance(value, str) else None

    @signature(_ANY)
    def _func_line(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        lines = value.strip().splitlines()
        return lines[0].strip() if lines else None

    @signature(_ANY)
    def _func_parse(self, value: Any) -> Any:
        if not isinstance(value, str) or len(value) > MAX_PARSED_TEXT_LENGTH:
            return None
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None

    @signature(_ANY)
    def _func_text(self, value: Any) -> str | None:
        return readable(value)


_FUNCTIONS = RequestFunctions()
_NAMES = frozenset(_FUNCTIONS.FUNCTION_TABLE)
# Without a state but the names of its methods, so threads share it.
_INTERPRETER = TreeInterpreter(Options(custom_functions=_FUNCTIONS))


def search_request(expression: str, content: Mapping[str, Any]) -> Any:
    """Search a request; None where the expression does not apply."""
    if not expression:
        return None
    try:
        return _INTERPRETER.visit(_compile(expression).parsed, content)
    except _FAILURES:
        return None


def find_text(expression: str, content: Mapping[str, Any]) -> str | None:
    """Find plain text; None for nothing, lists and objects."""
    value = search_request(expression, content)
    if isinstance(value, bool | list | dict):
        return None
    text = readable(value)
    return (text or "").strip() or None


def render_request(template: str, content: Mapping[str, Any]) -> str | None:
    """Fill a template and tidy its white space.

    None where it has expressions and none of them has a value.
    """
    pieces: list[str] = []
    values = 0
    parts = parse_template(template)
    for place, part in enumerate(parts):
        if place % 2 == 0:
            pieces.append(part)
            continue
        value = readable(search_request(part, content))
        if value and value.strip():
            values += 1
            pieces.append(value)
    if len(parts) > 1 and not values:
        return None
    return " ".join("".join(pieces).split()) or None


def readable(value: Any) -> str | None:
    """Write a value as text, and an object as JSON."""
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case float() if value.is_integer() and abs(value) < MAX_PLAIN:
            return str(int(value))
        case int() | float():
            return str(value)
        case list() if not any(isinstance(item, list | dict) for item in value):
            return ", ".join(filter(None, map(readable, value)))
        case _:
            return json.dumps(value, ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=MAX_PARSED)
def parse_template(template: str) -> tuple[str, ...]:
    """Split a template into texts and expressions, by turns.

    Raises:
        ValueError: a brace has no partner.
    """
    parts: list[str] = []
    rest = template
    while True:
        text, brace, rest = rest.partition("{")
        if "}" in text:
            raise ValueError(f"a brace is closed that was not opened: {text[:60]!r}")
        parts.append(text)
        if not brace:
            return tuple(parts)
        length = _expression_length(rest)
        parts.append(rest[:length].strip())
        rest = rest[length + 1 :]


def _expression_length(text: str) -> int:
    """Return the length of an expression that ends before its closing brace."""
    depth = 0
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter == "{":
            depth += 1
        elif letter == "}":
            if depth == 0:
                return place
            depth -= 1
    raise ValueError(f"a brace is opened and not closed: {text[:60]!r}")


@lru_cache(maxsize=MAX_PARSED)
def _compile(expression: str) -> ParsedResult:
    return jmespath.compile(expression)


def check_expression(expression: str) -> str:
    """Return the expression if it can be used on a request.

    Raises:
        ValueError: it is not JMESPath, or begins with or calls what does not exist.
    """
    if not expression:
        return expression
    try:
        tree = _compile(expression).parsed
    except JMESPathError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"not a JMESPath expression: {expression!r} ({reason})") from None
    for name in _functions(tree):
        if name not in _NAMES:
            raise ValueError(f"there is no function {name}; there are {', '.join(sorted(_NAMES))}")
    for name in roots(tree):
        if name not in ROOTS:
            raise ValueError(f"{name} is not part of a request; begin with {', '.join(ROOTS)}")
    return expression


def expression_roots(expression: str) -> list[list[str]]:
    """List the first two names of each path that is read.

    ``headers.x_id || body.id`` gives ``headers``, ``x_id`` and ``body``, ``id``.
    """
    if not expression:
        return []
    return [path[:2] for path in _paths(_compile(expression).parsed)]


def check_template(template: str) -> str:
    """Return the template if all its expressions are usable.

    Raises:
        ValueError: one cannot, or a brace has no partner.
    """
    if _BARE.fullmatch(template):
        raise ValueError(f"write the expression in braces: {{{template}}}")
    for expression in parse_template(template)[1::2]:
        if not expression:
            raise ValueError("the braces are empty; write an expression in them")
        check_expression(expression)
    return template


def _functions(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node.get("children", ()):
        yield from _functions(child)


def roots(node: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names with which an expression begins."""
    for path in _paths(node):
        yield path[0]


def _paths(node: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the paths that begin where the expression itself is evaluated."""
    children = node.get("children", ())
    if node["type"] == "field":
        yield [node["value"]]
    elif node["type"] == "subexpression":
        first, *others = children
        names = [child["value"] for child in others if child["type"] == "field"]
        for path in _paths(first):
            yield [*path, *names]
    elif node["type"] in _CHAINS:
        yield from _paths(children[0])
    elif node["type"] != "expref":
        for child in children:
            yield from _paths(child)


#: A JMESPath expression over a request, or empty.
RequestExpression = Annotated[
    str,
    StringConstraints(max_length=MAX_EXPRESSION_LENGTH),
    AfterValidator(check_expression),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": MAX_EXPRESSION_LENGTH,
            "description": f"A JMESPath expression over {', '.join(ROOTS)}.",
        }
    ),
]
#: Text with expressions over a request in braces, or empty.
RequestTemplate = Annotated[
    str,
    StringConstraints(max_length=MAX_EXPRESSION_LENGTH),
    AfterValidator(check_template),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": MAX_EXPRESSION_LENGTH,
            "description": "Text, with JMESPath expressions over the request in braces.",
        }
    ),
]
