"""Checks of single fields of Block Kit.

Each yields the mistakes of one value. Limits are Slack's own, from its documentation and SDK
sources as of November 2026.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Any

Errors = Iterator["Mistake"]
Check = Callable[[Any, str], Errors]
MAX_ID_LENGTH = 40
MAX_URL_LENGTH = 3_000
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
# The scheme and something behind it: Slack opens deep links of other programs too.
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One reason to refuse, as ``blocks.validate`` gives it."""

    #: A JSON pointer (RFC 6901) to the value.
    pointer: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the mistake as Slack writes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The fields of one block, element or object."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    #: Where a block may stand.
    surfaces: tuple[str, ...] = ("message", "modal", "home")
    #: At least one of these is there.
    one_of: tuple[str, ...] = ()
    #: Of these at most one is there.
    exclusive: tuple[str, ...] = ()
    #: Checks of fields against each other.
    rules: tuple[Check, ...] = ()


def check_fields(
    owner: dict[str, Any],
    pointer: str,
    *,
    checks: Mapping[str, Check],
    required: tuple[str, ...] = (),
) -> Errors:
    """Check an object's fields, and that the required ones are there."""
    for name in sorted(required):
        if name not in owner:
            yield Mistake(f"{pointer}/{name}", "missing", f"{name} is required")
    for name, check in checks.items():
        if name in owner:
            yield from check(owner[name], f"{pointer}/{name}")


def check_shape(owner: dict[str, Any], pointer: str, *, shape: Shape, noun: str) -> Errors:
    """Check all of an object; ``noun`` names it in the sentences."""
    for name in owner:
        if name != "type" and name not in shape.fields:
            yield Mistake(f"{pointer}/{name}", "unknown_field", f"{noun} has no {name}")
    yield from check_fields(owner, pointer, checks=shape.fields, required=shape.required)
    if shape.one_of and not any(name in owner for name in shape.one_of):
        yield Mistake(pointer, "missing", f"{noun} needs {' or '.join(shape.one_of)}")
    if sum(name in owner for name in shape.exclusive) > 1:
        names = " and ".join(shape.exclusive)
        yield Mistake(pointer, "exclusive", f"{noun} has not both {names}")
    for rule in shape.rules:
        yield from rule(owner, pointer)


def object_of(shape: Shape, noun: str) -> Check:
    """Check an object of this shape, without a type."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, dict):
            yield Mistake(pointer, "invalid_type", f"{noun} is an object")
            return
        yield from check_shape(value, pointer, shape=shape, noun=noun)
        if "type" in value and "type" not in shape.fields:
            yield Mistake(f"{pointer}/type", "unknown_field", f"{noun} has no type")

    return check


def typed_object(shapes: Mapping[str, Shape], *types: str) -> Check:
    """Check an object of one of these types, or of any."""
    choices = types or tuple(shapes)

    def check(value: Any, pointer: str) -> Errors:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in choices:
            message = f"must be one of {', '.join(choices)}, not {kind}"
            yield Mistake(pointer, "unsupported_type", message)
            return
        yield from check_shape(value, pointer, shape=shapes[kind], noun=f"a {kind}")

    return check


def text(maximum: int, minimum: int = 0) -> Check:
    """Check a string and its length."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, str):
            yield Mistake(pointer, "invalid_type", "must be text")
        elif not minimum <= len(value) <= maximum:
            message = f"{len(value)} characters, must be {minimum} to {maximum}"
            yield Mistake(pointer, "length", message)

    return check


def escaped_text(maximum: int, minimum: int = 0) -> Check:
    """Check plain text by its length as Slack stores it: escaped."""

    def check(value: Any, pointer: str) -> Errors:
        escaped_value = escape(value, quote=False) if isinstance(value, str) else value
        yield from text(maximum, minimum)(escaped_value, pointer)

    return check


def url(maximum: int = MAX_URL_LENGTH, schemes: tuple[str, ...] = ()) -> Check:
    """Check an address, of one of these schemes if some are named."""

    def check(value: Any, pointer: str) -> Errors:
        yield from text(maximum, 1)(value, pointer)
        if not isinstance(value, str) or not value:
            return
        scheme = value.partition(":")[0].lower()
        if not URL.fullmatch(value) or (schemes and scheme not in schemes):
            kinds = " or ".join(schemes)
            yield Mistake(pointer, "invalid_url", f"must be a whole {kinds} URL".replace("  ", " "))

    return check


def identifier(value: Any, pointer: str) -> Errors:
    """Check the id of a person, channel or file."""
    yield from text(MAX_ID_LENGTH, 1)(value, pointer)


def choice(choices: tuple[Any, ...]) -> Check:
    """Check for one of these values."""

    def check(value: Any, pointer: str) -> Errors:
        # True is 1 to Python and not to Slack.
        if isinstance(value, bool) or value not in choices:
            message = f"must be one of {', '.join(map(str, choices))}"
            yield Mistake(pointer, "invalid_value", message)

    return check


def boolean(value: Any, pointer: str) -> Errors:
    """Check for true or false."""
    if not isinstance(value, bool):
        yield Mistake(pointer, "invalid_type", "must be true or false")


def integer(minimum: int, maximum: int | None = None) -> Check:
    """Check a whole number and its bounds."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Mistake(pointer, "invalid_type", "must be a whole number")
        elif value < minimum or (maximum is not None and value > maximum):
            bounds = f"at least {minimum}"
            if maximum is not None:
                bounds = f"{minimum} to {maximum}"
            yield Mistake(pointer, "range", f"{value}, must be {bounds}")

    return check


def number(value: Any, pointer: str) -> Errors:
    """Check a number, whole or not."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Mistake(pointer, "invalid_type", "must be a number")


def positive_number(value: Any, pointer: str) -> Errors:
    """Check a number above zero."""
    yield from number(value, pointer)
    if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0:
        yield Mistake(pointer, "range", f"{value}, must be above 0")


def numeric_text(value: Any, pointer: str) -> Errors:
    """Check a number written as text, as number inputs take it."""
    if not isinstance(value, str):
        yield Mistake(pointer, "invalid_type", "must be text")
    elif parse_number(value) is None:
        yield Mistake(pointer, "invalid_value", f"{value!r} is no number")


def parse_number(value: Any) -> Decimal | None:
    """Return the number that a text writes, or None."""
    try:
        decimal = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return decimal if decimal is not None and decimal.is_finite() else None


def calendar_date(value: Any, pointer: str) -> Errors:
    """Check a date as YYYY-MM-DD."""
    try:
        is_date = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_date = False
    if not is_date:
        yield Mistake(pointer, "invalid_value", "must be a date, YYYY-MM-DD")


def clock_time(value: Any, pointer: str) -> Errors:
    """Check a time of day as HH:mm."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        yield Mistake(pointer, "invalid_value", "must be a time, HH:mm")


def anything(value: Any, pointer: str) -> Errors:
    """Accept every value."""
    return iter(())


TEXT_OBJECTS: Mapping[str, Shape] = {
    "plain_text": Shape(fields={"text": anything, "emoji": boolean}, required=("text",)),
    "mrkdwn": Shape(fields={"text": anything, "verbatim": boolean}, required=("text",)),
}


def text_object(maximum: int, types: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Check:
    """Check a text object of one of these types."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, dict) or value.get("type") not in types:
            message = f"must be a {' or '.join(types)} object"
            yield Mistake(pointer, "invalid_type", message)
            return
        kind = value["type"]
        check_length = escaped_text if kind == "plain_text" else text
        yield from check_length(maximum, 1)(value.get("text"), f"{pointer}/text")
        yield from check_shape(value, pointer, shape=TEXT_OBJECTS[kind], noun=f"a {kind} object")

    return check


def plain_text(maximum: int) -> Check:
    """Check a text object without markup."""
    return text_object(maximum, ("plain_text",))


def list_of(item: Check, maximum: int | None, minimum: int = 1) -> Check:
    """Check a list's length and items; None for no maximum."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, list):
            yield Mistake(pointer, "invalid_type", "must be a list")
            return
        is_long = maximum is not None and len(value) > maximum
        if is_long or len(value) < minimum:
            bounds = f"at least {minimum}"
            if maximum is not None:
                bounds = f"{minimum} to {maximum}"
            yield Mistake(pointer, "count", f"{len(value)} items, must be {bounds}")
        for index, inner in enumerate(value):
            yield from item(inner, f"{pointer}/{index}")

    return check
