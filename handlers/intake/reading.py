"""Reading a request's JSON safely: size, depth, numbers and text are checked before anything is made of it.

Our own form is strict: what does not fit is refused, and the sender mends it. A foreign form is taken as it comes: its sender can
change nothing, so what is too long is shortened with a mark, and what cannot be stored is replaced. The raw body is kept anyway.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request

from bot.cases.canonical import MAX_INTEGER, Scalar
from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import Source
from bot.cases.text import SHORTENED, bounded_key, is_storable, shorten, storable
from handlers.bodies import BodyRefused, limited_body
from handlers.intake.problem import Problem

LARGEST_BODY = 256 * 1024
MOST_FACTS = 64
LONGEST_FACT = 2_000
DEEPEST = 8
DEEPEST_JSON = 200
MAX_FACT_NAME = 100
# Earlier and later times are mistakes, or leave no room for the arithmetic of deadlines and time zones.
MIN_YEAR, MAX_YEAR = 1900, 2200
# Brackets, and strings as wholes so that brackets inside them do not count. Linear: nothing here can match in two ways.
_STRUCTURE = re.compile(rb'[\[\]{}]|"(?:[^"\\]|\\.)*"?', re.DOTALL)
_KIND = re.compile(r"[a-z0-9_]{1,50}")

Item = Signal | Problem
"""One part of a body: the signal that it is, or what is wrong with it."""


async def body_of(request: Request) -> bytes:
    """The raw body, read no further than it may be long."""
    try:
        return await limited_body(request, LARGEST_BODY)
    except BodyRefused as refused:
        raise Problem(refused.status, refused.detail) from None


def json_of(body: bytes) -> Any:
    """The JSON value; what Python's parser accepts beyond JSON is refused, and so is nesting that only an attack needs."""
    if body.count(b"[") + body.count(b"{") > DEEPEST_JSON and _depth(body) > DEEPEST_JSON:
        raise Problem(400, f"the body is nested more than {DEEPEST_JSON} deep")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8 text") from None
    except ValueError as wrong:
        raise Problem(400, f"the body is not JSON: {wrong}"[:200]) from None


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for found in _STRUCTURE.finditer(body):
        token = found[0]
        if token in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def object_of(body: bytes) -> dict[str, Any]:
    found = json_of(body)
    if not isinstance(found, dict):
        raise Problem(422, "the body must be a JSON object")
    return found


def items_of(parts: Sequence[Any], parse: Callable[[Any, int], Signal]) -> list[Item]:
    """Parse each part on its own: what is wrong with one is told of that one."""
    items: list[Item] = []
    for index, part in enumerate(parts):
        try:
            items.append(parse(part, index))
        except Problem as problem:
            items.append(problem)
    return items


def text_of(value: Any, field: str, most: int) -> str:
    """Text of our own form that can be stored anywhere and shown to people."""
    text = _text(value, field)
    if len(text) > most:
        raise Problem(422, f"{field} has {len(text):,} characters, at most {most:,}", field)
    return _kept(text, field)


def title_of(value: Any, field: str, limit: int) -> str:
    """Read a foreign text for people: what is too long is shortened with a mark."""
    return shorten(storable(_text(value, field)), limit)


def key_of(value: Any, field: str, limit: int) -> str:
    """Read a foreign text that tells things apart: what is too long keeps its difference."""
    return bounded_key(_kept(_text(value, field), field), limit)


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Problem(422, f"{field} must be text, and not empty", field)
    return value


def _kept(text: str, field: str) -> str:
    if not is_storable(text):
        raise Problem(422, f"{field} contains a NUL character or half of a surrogate pair", field)
    return text


def kind_named(text: Any) -> str:
    """Read a kind from a foreign form: one such as ours are, or none."""
    kind = (
        str(text).strip().lower()
        if isinstance(text, str | int) and not isinstance(text, bool)
        else ""
    )
    return kind if _KIND.fullmatch(kind) else UNRECOGNISED


def kind_of(named: str, source: Source) -> str:
    """Settle on a kind that the source may send.

    Raises:
        Problem: it may send others only; the text names them.
    """
    kind = named or source.kind or UNRECOGNISED
    if source.allowed and kind not in source.allowed:
        what = f"kind {kind}" if named else "a signal without a kind"
        allowed = ", ".join(source.allowed)
        raise Problem(
            422, f"{source.name} may not send {what}; sources.yml lets it send {allowed}", "kind"
        )
    return kind


def time_of(value: Any, field: str) -> datetime | None:
    """An RFC 3339 time, or seconds since 1970; None if nothing is said."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value, UTC)
        else:
            at = datetime.fromisoformat(str(value)[:100])
            at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Problem(422, f"{field} must be a time like 2026-11-21T09:30:00Z", field) from None
    if not MIN_YEAR <= at.year <= MAX_YEAR:
        raise Problem(422, f"{field} must lie between the years {MIN_YEAR} and {MAX_YEAR}", field)
    return at


def facts_of(
    parts: Iterable[Mapping[str, Any]], field: str = "facts", *, strict: bool
) -> dict[str, Scalar]:
    """Facts as flat names and plain values: ``{"a": {"b": 1}}`` becomes ``a_b``.

    Of two facts with one name the second gets a number behind it. With ``strict`` too much is refused; otherwise it is
    shortened, and a fact says how many were left out.
    """
    facts: dict[str, Scalar] = {}
    left_out = 0
    for part in parts:
        for name, value in _leaves(part, "", field, 0, strict=strict):
            if len(facts) >= MOST_FACTS:
                left_out += 1
            else:
                own = _name(name, field, strict=strict)
                facts[_free(own, facts)] = _scalar(value, f"{field}.{own}", strict=strict)
    if left_out and strict:
        raise Problem(422, f"{MOST_FACTS + left_out:,} facts, at most {MOST_FACTS}", field)
    if left_out:
        facts.popitem()
        facts[_free("facts_left_out", facts)] = left_out + 1
    return facts


def _leaves(
    value: Any, name: str, field: str, depth: int, *, strict: bool
) -> Iterator[tuple[str, Any]]:
    """Walk to every plain value. Names are bounded on the way: a long one above many values costs nothing."""
    if depth > DEEPEST:
        if strict:
            raise Problem(422, f"{field} is nested more than {DEEPEST} deep", field)
        yield name, SHORTENED
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            part = str(key)[:MAX_FACT_NAME]
            yield from _leaves(inner, _joined(name, part), field, depth + 1, strict=strict)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, _joined(name, str(index)), field, depth + 1, strict=strict)
    else:
        yield name, value


def _joined(name: str, part: str) -> str:
    return f"{name}_{part}"[:MAX_FACT_NAME] if name else part


def _name(name: str, field: str, *, strict: bool) -> str:
    return _kept(name, field) if strict else storable(name)


def _free(name: str, facts: Mapping[str, Scalar]) -> str:
    """Find a name that no other fact has."""
    number = 1
    free = name
    while free in facts:
        number += 1
        suffix = f"_{number}"
        free = name[: MAX_FACT_NAME - len(suffix)] + suffix
    return free


def _scalar(value: Any, field: str, *, strict: bool) -> Scalar:
    if isinstance(value, str):
        return text_fact(value, field) if strict else shorten(storable(value), LONGEST_FACT)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        if strict:
            raise Problem(
                422, f"{field} is a number too large to keep exactly; send it as text", field
            )
        return shorten(str(value), LONGEST_FACT)
    if isinstance(value, float) and not math.isfinite(value):
        if strict:
            raise Problem(422, f"{field} is not a finite number", field)
        return str(value)
    return value if isinstance(value, int | float) or value is None else str(value)


def text_fact(value: str, field: str) -> str:
    """Read a text of our own form as a fact; unlike others it may be empty."""
    if len(value) > LONGEST_FACT:
        raise Problem(
            422, f"{field} has {len(value):,} characters, at most {LONGEST_FACT:,}", field
        )
    return _kept(value, field)
