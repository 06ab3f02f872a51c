"""Parameters of statements: text that every database keeps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, event

from bot.cases.text import is_storable, storable

Row = Mapping[str, Any] | Sequence[Any]


def keep_storable(engine: Engine) -> None:
    """Send no NUL and no half surrogate to this database.

    PostgreSQL refuses both, in a row and in a look-up; neither may become a failure of ours.
    """
    event.listen(engine, "before_cursor_execute", _replace_unstorable, retval=True)


def storable_values(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a statement as every database keeps them."""
    if _are_storable(values):
        return values
    return tuple(_storable_value(value) for value in values)


def _replace_unstorable(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool
) -> tuple[str, Any]:
    rows: Sequence[Row] = parameters if is_many else [parameters]
    values: list[Any] = []
    for row in rows:
        values += row.values() if isinstance(row, Mapping) else row
    if _are_storable(values):
        return statement, parameters
    storable_rows = [_storable_row(row) for row in rows]
    return statement, storable_rows if is_many else storable_rows[0]


def _are_storable(values: Iterable[Any]) -> bool:
    # One look at all texts together: there is hardly ever anything to replace.
    text = "".join([value for value in values if isinstance(value, str)])
    is_plain = text.isascii() and "\x00" not in text
    return is_plain or is_storable(text)


def _storable_row(row: Row) -> Row:
    if isinstance(row, Mapping):
        return {name: _storable_value(value) for name, value in row.items()}
    return tuple(_storable_value(value) for value in row)


def _storable_value(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value
