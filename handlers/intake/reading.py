"""Request bodies as JSON, checked before they are used.

Our own format is strict: what does not fit is refused, and the sender corrects it. In a foreign
format the sender can change nothing, so long text is shorten with a mark and characters that
cannot be stored are replaced. The raw body is kept in any case.
"""

import json
import math
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from starlette.requests import Request

from bot.cases.signal import UNRECOGNISED, Signal
from bot.cases.source import Source
from bot.cases.text import bounded_key, is_storable, shorten, storable
from handlers.bodies import BodyRefused, read_limited_body
from handlers.intake.problem import Problem

#: Of our own format and of events: a signal is small, and its sender can make it smaller.
MAX_BODY_BYTES = 256 * 1024
#: Of other products, which send whole objects. GitHub sends up to 25 MB for a push of thousands of
#: commits, which nobody decides on; orders, tickets and alerts stay below a tenth of this. All
#: connections together could fill half a gigabyte.
MAX_FOREIGN_BODY_BYTES = 1024 * 1024
#: Of mails with their files: five megabytes in base64, and the envelope of the provider.
MAX_MAIL_BODY_BYTES = 8 * 1024 * 1024
MAX_JSON_DEPTH = 200
MAX_KEY_LENGTH = 200
MAX_TITLE_LENGTH = 300
# Times beyond these are mistakes, or leave no room to compute deadlines and time zones.
MIN_YEAR, MAX_YEAR = 1900, 2200
# Whole strings, since brackets within them do not count.
# The alternatives exclude each other, so matching takes linear time.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
_KIND = re.compile(r"[a-z0-9_]{1,50}")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A request that its source leaves out; it is counted."""

    #: Why, as the end of a sentence.
    reason: str
    #: What the product calls it, for the count.
    event: str


Item = Signal | Problem | Ignored
"""One part of a body: a signal, what is wrong with it, or why it is none."""


async def read_body(request: Request, limit: int = MAX_FOREIGN_BODY_BYTES) -> bytes:
    """Read the raw body of any source.

    Raises:
        Problem: 413 when it is too large, 408 when it is too slow.
    """
    try:
        return await read_limited_body(request, limit)
    except BodyRefused as refusal:
        raise Problem(refusal.status, refusal.detail) from None


def parse_json(body: bytes, *, is_strict: bool = True) -> Any:
    """Parse JSON of bounded depth.

    Where it is not strict, NaN and numbers that are too large are null.

    Raises:
        Problem: 400, also for what only Python's parser accepts, such as NaN.
    """
    # Counting brackets is cheap, and settles the matter for nearly every body.
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_JSON_DEPTH and _is_too_deep(body):
        raise Problem(400, f"the body is nested more than {MAX_JSON_DEPTH} deep")
    numbers = STRICT_NUMBERS if is_strict else LENIENT_NUMBERS
    try:
        return json.loads(body.decode("utf-8"), **numbers)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8 text") from None
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {error}"[:200]) from None


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        Problem: 400 for anything but JSON, 422 for another JSON value.
    """
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Problem(422, "the body must be a JSON object")
    return value


def parse_items(parts: Sequence[Any], parse: Callable[[Any, int], Signal]) -> list[Item]:
    """Parse each part; a bad one does not hold up the others."""
    items: list[Item] = []
    for index, part in enumerate(parts):
        try:
            items.append(parse(part, index))
        except Problem as problem:
            items.append(problem)
    return items


def _is_too_deep(body: bytes) -> bool:
    brackets = _STRING.sub(b"", body).translate(_STEPS, _NO_BRACKETS)
    # As signed numbers, one step in or out for each bracket.
    return max(accumulate(array("b", brackets)), default=0) > MAX_JSON_DEPTH


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _ignore_constant(name: str) -> Any:
    # Python's own writer makes NaN of a missing measurement.
    return None


def _parse_any_float(text: str) -> float | None:
    number = float(text)
    return None if math.isinf(number) else number


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


STRICT_NUMBERS: Mapping[str, Any] = MappingProxyType(
    {"parse_constant": _refuse_constant, "parse_float": _parse_float}
)
LENIENT_NUMBERS: Mapping[str, Any] = MappingProxyType(
    {"parse_constant": _ignore_constant, "parse_float": _parse_any_float}
)


def read_strict_text(value: Any, field: str, limit: int) -> str:
    """Read text of our own format; long text is refused."""
    text = _require_text(value, field)
    if len(text) > limit:
        raise Problem(
            422, f"{field} has {len(text):,} characters; at most {limit:,} are allowed", field
        )
    return require_storable(text, field)


def read_title(value: Any, field: str, limit: int) -> str:
    """Read foreign text for people; long text is shorten with a mark."""
    text = _require_text(value, field)
    return shorten(storable(text), limit)


def read_key(value: Any, field: str, limit: int) -> str:
    """Read a foreign identifier; a long one ends in a hash.

    Two long identifiers with the same beginning stay distinct.
    """
    text = _require_text(value, field)
    return bounded_key(require_storable(text, field), limit)


def _require_text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Problem(422, f"{field} must be a text that is not empty", field)
    return value


def require_storable(text: str, field: str) -> str:
    """Return the text unless no database could store it.

    Raises:
        Problem: 422.
    """
    if not is_storable(text):
        raise Problem(422, f"{field} contains a NUL character or half of a surrogate pair", field)
    return text


def parse_kind(value: Any) -> str:
    """Read a kind from a foreign format; otherwise unrecognised."""
    # A truth value is an integer in Python, and no name of a kind.
    if isinstance(value, bool) or not isinstance(value, str | int):
        return UNRECOGNISED
    kind = str(value).strip().lower()
    return kind if _KIND.fullmatch(kind) else UNRECOGNISED


def resolve_kind(kind: str, source: Source) -> str:
    """Choose the kind that a signal names, or else the source's.

    Raises:
        Problem: 422 when the source may only send other kinds.
    """
    final_kind = kind or source.kind or UNRECOGNISED
    if not source.allowed_kinds or final_kind in source.allowed_kinds:
        return final_kind
    signal = f"kind {kind}" if kind else "a signal without a kind"
    allowed_kinds = ", ".join(source.allowed_kinds)
    detail = f"{source.name} may not send {signal}; sources.yml allows {allowed_kinds}"
    raise Problem(422, detail, "kind")


def read_time(value: Any, field: str) -> datetime | None:
    """Read an RFC 3339 time or seconds since 1970; None for nothing.

    Raises:
        Problem: 422.
    """
    if value in (None, ""):
        return None
    try:
        at = _parse_time(value)
    except (ValueError, OverflowError, OSError):
        raise Problem(422, f"{field} must be a time like 2026-11-21T09:30:00Z", field) from None
    if not MIN_YEAR <= at.year <= MAX_YEAR:
        raise Problem(422, f"{field} must be between the years {MIN_YEAR} and {MAX_YEAR}", field)
    return at


def _parse_time(value: Any) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    at = datetime.fromisoformat(str(value)[:100])
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC)
