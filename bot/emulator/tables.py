"""Tables and charts of Block Kit."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.emulator.checks import (
    Errors,
    Mistake,
    Shape,
    list_of,
    number,
    object_of,
    positive_number,
    text,
    typed_object,
)
from bot.emulator.rich_text import RICH_TEXT

MAX_CELL_LENGTH = 10_000
MAX_COLUMNS = 20
MAX_TABLE_ROWS = 100
#: The header and two hundred rows.
MAX_DATA_TABLE_ROWS = 201
MAX_DATA_TABLE_LENGTH = 20_000
MAX_SERIES = 12
MAX_POINTS = 20
LABEL_LENGTH = 20
CELLS: Mapping[str, Shape] = {
    "raw_text": Shape(fields={"text": text(MAX_CELL_LENGTH, 1)}, required=("text",)),
    "raw_number": Shape(
        fields={"value": number, "text": text(MAX_CELL_LENGTH, 1)},
        required=("value",),
    ),
    "rich_text": RICH_TEXT,
}
_cells = list_of(typed_object(CELLS), MAX_COLUMNS)
_label = text(LABEL_LENGTH, 1)
_POINT = Shape(fields={"label": _label, "value": number}, required=("label", "value"))
_SEGMENT = Shape(fields={"label": _label, "value": positive_number}, required=("label", "value"))
_SERIES = Shape(
    fields={
        "name": _label,
        "data": list_of(object_of(_POINT, "a data point"), MAX_POINTS),
    },
    required=("name", "data"),
)
_AXES = Shape(
    fields={
        "categories": list_of(_label, MAX_POINTS),
        "x_label": text(50),
        "y_label": text(50),
    },
    required=("categories",),
)


def table_rows(value: Any, pointer: str) -> Errors:
    """Check the cells of a table, and that it is rectangular."""
    yield from list_of(_cells, MAX_TABLE_ROWS)(value, pointer)
    yield from _check_widths(value, pointer)


def data_table_rows(value: Any, pointer: str) -> Errors:
    """Check a data table's cells: its header has no rich text."""
    yield from list_of(_cells, MAX_DATA_TABLE_ROWS, 2)(value, pointer)
    yield from _check_widths(value, pointer)
    if not isinstance(value, list) or not value:
        return
    for index, cell in enumerate(value[0] if isinstance(value[0], list) else ()):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            message = "a header has no rich text"
            yield Mistake(f"{pointer}/0/{index}", "unsupported_type", message)
    length = sum(len(words) for words in _words_of(value))
    if length > MAX_DATA_TABLE_LENGTH:
        message = f"{length} characters in all cells, must be {MAX_DATA_TABLE_LENGTH} at most"
        yield Mistake(pointer, "length", message)


def _check_widths(value: Any, pointer: str) -> Errors:
    if not isinstance(value, list):
        return
    widths = {len(row) for row in value if isinstance(row, list)}
    if len(widths) > 1:
        yield Mistake(pointer, "ragged", "all rows have the same number of cells")


def _words_of(value: Any) -> Iterator[str]:
    """Return every ``text`` inside, however deep."""
    if isinstance(value, list):
        for inner in value:
            yield from _words_of(inner)
    elif isinstance(value, dict):
        words = value.get("text")
        if isinstance(words, str):
            yield words
        yield from _words_of(value.get("elements"))


def _series_fit_the_axis(value: Any, pointer: str) -> Errors:
    """Check that series have unique names and the labels of the axis."""
    series = [one for one in _list(value.get("series")) if isinstance(one, dict)]
    names = [str(one.get("name")) for one in series]
    if len(set(names)) != len(names):
        yield Mistake(f"{pointer}/series", "duplicate", "two series have one name")
    axes = value.get("axis_config")
    categories = _list(axes.get("categories")) if isinstance(axes, dict) else []
    for index, one in enumerate(series):
        labels = [point.get("label") for point in _list(one.get("data")) if isinstance(point, dict)]
        if categories and labels != categories:
            place = f"{pointer}/series/{index}/data"
            yield Mistake(place, "invalid_value", "labels are those of the axis")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_DRAWN = Shape(
    fields={
        "series": list_of(object_of(_SERIES, "a series"), MAX_SERIES),
        "axis_config": object_of(_AXES, "an axis_config"),
    },
    required=("series", "axis_config"),
    rules=(_series_fit_the_axis,),
)
CHARTS: Mapping[str, Shape] = {
    "pie": Shape(
        fields={"segments": list_of(object_of(_SEGMENT, "a segment"), MAX_SERIES)},
        required=("segments",),
    ),
    "bar": _DRAWN,
    "area": _DRAWN,
    "line": _DRAWN,
}
chart = typed_object(CHARTS)
