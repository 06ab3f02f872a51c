"""Reading a request's JSON safely: size, depth, numbers and text are checked before anything is made of it."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from bot.cases.canonical import LARGEST_INTEGER, Scalar
from handlers.intake.problem import Problem

LARGEST_BODY = 256 * 1024
MOST_FACTS = 64
LONGEST_FACT = 2_000
DEEPEST = 8
DEEPEST_JSON = 200
# Brackets, and strings as wholes so that brackets inside them do not count. Linear: nothing here can match in two ways.
_STRUCTURE = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*"?', re.DOTALL)


async def body_of(request: Request) -> bytes:
    """The raw body, read no further than it may be long."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise Problem(413, f"at most {LARGEST_BODY:,} bytes")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Problem(413, f"at most {LARGEST_BODY:,} bytes")
    return body


def json_of(body: bytes) -> Any:
    """The JSON value; what Python's parser accepts beyond JSON is refused, and so is nesting that only an attack needs."""
    if body.count(b"[") + body.count(b"{") > DEEPEST_JSON and _depth(body) > DEEPEST_JSON:
        raise Problem(400, f"the body is nested more than {DEEPEST_JSON} deep")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8 text") from None
    except ValueError as wrong:
        raise Problem(400, f"the body is not JSON: {wrong}"[:200]) from None


def _depth(body: bytes) -> int:
    """How deep brackets nest, outside of strings. Looked at before parsing: how deep the parser can go depends on Python's version."""
    deepest = depth = 0
    for token in _STRUCTURE.findall(body):
        if token in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def object_of(body: bytes) -> dict[str, Any]:
    found = json_of(body)
    if not isinstance(found, dict):
        raise Problem(422, "the body must be a JSON object")
    return found


def text_of(value: Any, field: str, most: int) -> str:
    """Text that can be stored anywhere and shown to people."""
    if not isinstance(value, str) or not value.strip():
        raise Problem(422, f"{field} must be text, and not empty", field)
    if len(value) > most:
        raise Problem(422, f"{field} has {len(value):,} characters, at most {most:,}", field)
    return _storable(value, field)


def _storable(value: str, field: str) -> str:
    if "\x00" in value:
        raise Problem(422, f"{field} contains a NUL character", field)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Problem(422, f"{field} contains half of a surrogate pair", field) from None
    return value


def time_of(value: Any, field: str) -> datetime | None:
    """An RFC 3339 time, or seconds since 1970; None if nothing is said."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise Problem(422, f"{field} must be a time like 2026-11-21T09:30:00Z", field) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def facts_of(values: Mapping[str, Any], field: str = "facts") -> dict[str, Scalar]:
    """Facts as flat names and plain values: ``{"a": {"b": 1}}`` becomes ``a_b``. Too much is refused, never cut off silently."""
    facts: dict[str, Scalar] = {}
    _flatten(values, "", field, facts, 0)
    if len(facts) > MOST_FACTS:
        raise Problem(422, f"{len(facts)} facts, at most {MOST_FACTS}", field)
    return facts


def _flatten(value: Any, name: str, field: str, facts: dict[str, Scalar], depth: int) -> None:
    if depth > DEEPEST:
        raise Problem(422, f"{field} is nested more than {DEEPEST} deep", field)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(inner, f"{name}_{key}" if name else str(key), field, facts, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _flatten(inner, f"{name}_{index}", field, facts, depth + 1)
    else:
        facts[_storable(name[:100], field)] = _scalar(value, f"{field}.{name}")


def _scalar(value: Any, field: str) -> Scalar:
    if isinstance(value, str):
        if len(value) > LONGEST_FACT:
            raise Problem(422, f"{field} has {len(value):,} characters, at most {LONGEST_FACT:,}", field)
        return _storable(value, field)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        raise Problem(422, f"{field} is a number too large to keep exactly; send it as text", field)
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        raise Problem(422, f"{field} is not a finite number", field)
    return value if isinstance(value, int | float) or value is None else str(value)
