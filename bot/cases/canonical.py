"""Values as bytes: Pydantic for the shapes, RFC 8785 for the bytes.

Hashes are SHA-256 over the canonical bytes, so two processes, two releases and an auditor agree
on them.
"""

import hashlib
import json
import math
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

import orjson
import rfc8785
from pydantic import TypeAdapter

Scalar = str | int | float | bool | None
#: Scalars by name: facts, parameters or a row.
ScalarMapping = Mapping[str, Scalar]
T = TypeVar("T")

# RFC 8785 numbers are IEEE doubles: a larger integer would change its value silently.
MAX_INTEGER = 2**53 - 1
# In this range both encoders write the shortest decimal that reads back the same, without an
# exponent.
MIN_PLAIN_FLOAT, MAX_PLAIN_FLOAT = 1e-4, 1e15
FIRST_SURROGATE = "\ud800"
# From here on RFC 8785 writes an exponent.
MIN_EXPONENT_FLOAT = 1e21
# The length of a time to the microsecond, without its zone.
MICROSECONDS_LENGTH = 26


@lru_cache(maxsize=256)
def _adapter(shape: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, shape))


def to_plain(value: Any, shape: Any = None) -> Any:
    """Convert to JSON types: Decimal and datetime to text, dataclasses to objects."""
    return _adapter(shape or cast(Hashable, type(value))).dump_python(value, mode="json")


def to_json(value: Any, shape: Any = None) -> str:
    """Convert to JSON text for a projection.

    It is fast and not canonical: never hash it.
    """
    return _adapter(shape or cast(Hashable, type(value))).dump_json(value).decode()


def from_json(shape: type[T], raw: str | bytes) -> T:
    """Read what ``to_json`` wrote."""
    value: T = _adapter(cast(Hashable, shape)).validate_json(raw)
    return value


def from_plain(shape: Any, value: Any) -> Any:
    """Read what ``to_plain`` wrote; ``shape`` may be a union."""
    return _adapter(shape).validate_python(value)


def canonical_bytes(plain: Any) -> bytes:
    """Encode JSON types by RFC 8785."""
    # orjson is far faster. It is used where it writes the same bytes; a property test compares the
    # two.
    try:
        return orjson.dumps(_simplify(plain), option=orjson.OPT_SORT_KEYS)
    except (_NotSimple, orjson.JSONEncodeError):
        return rfc8785.dumps(plain)


class _NotSimple(Exception):
    """The fast encoder and RFC 8785 may differ on this value."""


def _simplify(plain: Any) -> Any:
    """Return JSON types with whole floats as integers, as ECMAScript writes them.

    Raises:
        _NotSimple: the fast encoder may write other bytes.
    """
    has_whole_floats = False
    containers: list[Any] = [(plain,)]
    # The list grows while it is read: one loop is much cheaper than a call for every value.
    for container in containers:
        values = container
        if type(container) is dict:
            _must_sort_alike(container)
            values = container.values()
        for value in values:
            kind = type(value)
            if kind is str or kind is bool or value is None:
                continue
            if kind is dict or kind is list:
                containers.append(value)
            elif kind is float and (not value or MIN_PLAIN_FLOAT <= abs(value) < MAX_PLAIN_FLOAT):
                has_whole_floats = has_whole_floats or value.is_integer()
            elif kind is not int or abs(value) > MAX_INTEGER:
                raise _NotSimple
    return _with_integers(plain) if has_whole_floats else plain


def _must_sort_alike(names: Iterable[str]) -> None:
    """Raise ``_NotSimple`` unless both encoders sort these names alike."""
    try:
        letters = "".join(names)
    except TypeError:
        raise _NotSimple from None
    # Below the surrogates the order of UTF-16 is that of UTF-8.
    if not letters.isascii() and max(letters) >= FIRST_SURROGATE:
        raise _NotSimple


def _with_integers(plain: Any) -> Any:
    """Copy JSON types with whole floats as integers."""
    kind = type(plain)
    if kind is dict:
        return {name: _with_integers(value) for name, value in plain.items()}
    if kind is list:
        return [_with_integers(value) for value in plain]
    if kind is float and plain.is_integer():
        return int(plain)
    return plain


def storable(value: Scalar) -> Scalar:
    """Write as text what no ledger can hold.

    That is NaN, an infinity, an integer that no double holds, or half a character. A whole float
    of that size is written without an exponent, and would read back as such an integer.
    """
    if isinstance(value, str):
        # Nearly every text: printable are neither NUL nor half a character.
        if value.isprintable():
            return value
        # PostgreSQL has no NUL in text, UTF-8 no lone surrogate.
        return value.encode("utf-8", "replace").decode().replace("\x00", "?")
    if isinstance(value, float):
        is_kept = math.isfinite(value) and not MAX_INTEGER < abs(value) < MIN_EXPONENT_FLOAT
        return value if is_kept else str(value)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return str(value)
    return value


def canonical_hash(plain: Any) -> str:
    """Hash the canonical bytes with SHA-256, in hex."""
    return hashlib.sha256(canonical_bytes(plain)).hexdigest()


def content_hash(plain: Any) -> str:
    """Hash any JSON, also large integers and odd characters.

    Of what it can write it is the canonical hash.
    """
    try:
        return canonical_hash(plain)
    except (ValueError, RecursionError):
        # The errors of rfc8785 and of encoding are ValueErrors.
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def format_utc(at: datetime) -> str:
    """Format a UTC time by RFC 3339, to the microsecond.

    The width is always the same.
    """
    # Without the offset, which is "+00:00". strftime takes five times as long.
    return f"{at.isoformat(timespec='microseconds')[:MICROSECONDS_LENGTH]}Z"
