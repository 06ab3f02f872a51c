"""The causes that an audit names, and what to do about each."""

import json
from typing import Any

from bot.cases.canonical import from_json, to_plain

CHANGED = (
    "it was changed past the bot; find out who else writes to the database, the ledger is right"
)
TAMPERED = (
    "the ledger was changed past the bot; stop it, keep the database for the auditor, and restore"
    " a backup"
)
FORGOTTEN = (
    "nobody will do it; find out who else writes to the database, then let the bot be asked again"
)
STRAY_ROW = "a row that nothing in the ledger asks for; find out who else writes to the database"
MAX_VALUE_LENGTH = 80


def shorten(value: object) -> str:
    """Show a value as it can stand in a sentence."""
    return repr(value)[:MAX_VALUE_LENGTH]


def parse_json(shape: Any, body: str) -> Any:
    """Return the value of this shape; None when the text is none."""
    try:
        return from_json(shape, body)
    except ValueError:
        return None


def is_json_of(body: str, value: Any) -> bool:
    """Tell whether the text says this value and nothing else."""
    if to_plain(parse_json(type(value), body)) != to_plain(value):
        return False
    return _is_part_of(json.loads(body), to_plain(value))


def _is_part_of(value: Any, expected: Any) -> bool:
    """Tell whether every name in ``value`` is known.

    An earlier release wrote fewer.
    """
    if isinstance(value, dict) and isinstance(expected, dict):
        return all(name in expected and _is_part_of(value[name], expected[name]) for name in value)
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(_is_part_of, value, expected))
    return True
