"""Checks of single fields of Block Kit.

Each yields the mistakes of one value. Limits are Slack's own, from its documentation and SDK
sources as of November 2026.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

Errors = Iterator["Mistake"]
Check = Callable[[Any, str], Errors]
MAX_CELL_LENGTH = 10_000
TEXT_OBJECT_FIELDS = {
    "type",
    "text",
    "emoji",
    "verbatim",
}
CELL_TYPES = {
    "raw_text",
    "raw_number",
    "rich_text",
}


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


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one block or element."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    #: Where a block may stand.
    surfaces: tuple[str, ...] = ("message", "modal", "home")
    #: At least one of these is there.
    one_of: tuple[str, ...] = ()


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


def choice(choices: tuple[str, ...]) -> Check:
    """Check for one of these values."""

    def check(value: Any, pointer: str) -> Errors:
        if value not in choices:
            message = f"must be one of {', '.join(choices)}"
            yield Mistake(pointer, "invalid_value", message)

    return check


def boolean(value: Any, pointer: str) -> Errors:
    """Check for true or false."""
    if not isinstance(value, bool):
        yield Mistake(pointer, "invalid_type", "must be true or false")


def anything(value: Any, pointer: str) -> Errors:
    """Accept every value."""
    return iter(())


def text_object(maximum: int, types: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Check:
    """Check a text object of one of these types."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, dict) or value.get("type") not in types:
            message = f"must be a {' or '.join(types)} object"
            yield Mistake(pointer, "invalid_type", message)
            return
        check_length = escaped_text if value["type"] == "plain_text" else text
        yield from check_length(maximum, 1)(value.get("text"), f"{pointer}/text")
        extra = sorted(set(value) - TEXT_OBJECT_FIELDS)
        # Slack knows ``emoji`` in plain text alone.
        if extra or ("emoji" in value and value["type"] == "mrkdwn"):
            message = f"a text object has no {', '.join(extra) or 'emoji here'}"
            yield Mistake(pointer, "unknown_field", message)

    return check


def plain_text(maximum: int) -> Check:
    """Check a text object without markup."""
    return text_object(maximum, ("plain_text",))


def list_of(item: Check, maximum: int, minimum: int = 1) -> Check:
    """Check the length of a list, and each of its items."""

    def check(value: Any, pointer: str) -> Errors:
        if not isinstance(value, list):
            yield Mistake(pointer, "invalid_type", "must be a list")
            return
        if not minimum <= len(value) <= maximum:
            message = f"{len(value)} items, must be {minimum} to {maximum}"
            yield Mistake(pointer, "count", message)
        for index, inner in enumerate(value):
            yield from item(inner, f"{pointer}/{index}")

    return check


CONFIRM_FIELDS: Mapping[str, Check] = {
    "title": plain_text(100),
    "text": text_object(300),
    "confirm": plain_text(30),
    "deny": plain_text(30),
    "style": choice(("primary", "danger")),
}
OPTION_FIELDS: Mapping[str, Check] = {
    "text": text_object(75),
    "value": text(150, 1),
    "description": text_object(75),
}


def confirm(value: Any, pointer: str) -> Errors:
    """Check the dialog that asks before an element acts."""
    if not isinstance(value, dict):
        yield Mistake(pointer, "invalid_type", "a confirm is an object")
        return
    required = ("title", "text", "confirm", "deny")
    yield from check_fields(value, pointer, checks=CONFIRM_FIELDS, required=required)


def option(value: Any, pointer: str) -> Errors:
    """Check one entry of a menu."""
    if not isinstance(value, dict):
        yield Mistake(pointer, "invalid_type", "an option is an object")
        return
    required = ("text", "value")
    yield from check_fields(value, pointer, checks=OPTION_FIELDS, required=required)


def table_rows(value: Any, pointer: str) -> Errors:
    """Check the cells of a table, and that it is rectangular."""
    yield from list_of(list_of(_cell, 20), 100)(value, pointer)
    if not isinstance(value, list):
        return
    widths = {len(row) for row in value if isinstance(row, list)}
    if len(widths) > 1:
        yield Mistake(pointer, "ragged", "all rows have the same number of cells")


def _cell(value: Any, pointer: str) -> Errors:
    if not isinstance(value, dict) or value.get("type") not in CELL_TYPES:
        message = "a cell is raw_text, raw_number or rich_text"
        yield Mistake(pointer, "unsupported_type", message)
    elif value["type"] == "raw_text":
        yield from text(MAX_CELL_LENGTH, 1)(value.get("text"), f"{pointer}/text")
