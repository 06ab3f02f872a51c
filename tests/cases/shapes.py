"""Values of every shape that the rules store, for property tests."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bot.cases.actor import Actor
from bot.cases.canonical import MAX_INTEGER

TEXT = st.text(max_size=12)
INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
# What ``storable`` leaves as it is. Whole floats over this read back as integers of no double.
FLOATS = st.floats(-MAX_INTEGER, MAX_INTEGER)
MOMENTS = st.datetimes(
    datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)
AMOUNTS = st.decimals(0, 10**12, places=2, allow_nan=False)
#: JSON that RFC 8785 can encode.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | INTEGERS
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)
_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: INTEGERS,
    float: FLOATS,
    bool: st.booleans(),
    datetime: MOMENTS,
    timedelta: st.timedeltas(timedelta(0), timedelta(days=3_650)),
    Decimal: AMOUNTS,
    types.NoneType: st.none(),
    Actor: st.builds(Actor.parse, TEXT),
}


def shapes(shape: Any) -> st.SearchStrategy[Any]:
    """Values of this type, with every field of every dataclass in it set."""
    if shape in _SIMPLE:
        return _SIMPLE[shape]
    if isinstance(shape, NewType):
        return shapes(shape.__supertype__)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return st.sampled_from(shape)
    if dataclasses.is_dataclass(shape):
        return _instances(shape)
    origin, parts = get_origin(shape), get_args(shape)
    if origin is Annotated:
        return shapes(parts[0])
    if origin in {Union, types.UnionType}:
        return st.one_of([shapes(part) for part in parts])
    if origin is tuple:
        return st.lists(shapes(parts[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(shapes(parts[0]), shapes(parts[1]), max_size=2)
    raise TypeError(f"no values of {shape}")


def _instances(shape: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(shape, include_extras=True)
    fields = {field.name: shapes(hints[field.name]) for field in dataclasses.fields(shape)}
    return st.builds(shape, **fields)
