"""JSON objects, and Slack's error codes as an exception."""

import json
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A Slack error code, as in ``{"ok": false, "error": …}``."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        #: Further fields of the answer.
        self.details = details


def parse_list(value: Any) -> list[Json]:
    """Return a list of objects, which forms carry as JSON text."""
    if not value:
        return []
    items: list[Json] = value
    if isinstance(value, str):
        items = json.loads(value)
    return items


def strict_json(text: str | bytes) -> Any:
    """Parse JSON; NaN and Infinity, which Python takes, are none.

    Raises:
        ValueError: it is no JSON.
    """
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
