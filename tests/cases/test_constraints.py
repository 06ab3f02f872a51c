"""Values that people write: durations, and bounds between two fields."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.constraints import FROM_KEY, KEYED, NOT_IN_FILE, Duration, Span, not_below


@dataclass
class Entry:
    name: Annotated[str, FROM_KEY]
    lower: int = 0
    upper: Annotated[int | None, not_below("lower", "; see there")] = None
    checksum: Annotated[str, NOT_IN_FILE] = ""


ENTRIES = TypeAdapter(Annotated[dict[str, Entry], KEYED])


def read(shape, value):
    return TypeAdapter(shape).validate_python(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1500ms", 1.5), ("30s", 30), (" 15m ", 900), ("48h", 172_800), ("7d", 604_800)],
)
def test_a_duration_is_read_as_people_write_it(text, seconds):
    assert read(Span, text) == read(Duration, text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "30 s", "-30s", "1.5h", "²h", "1" * 16 + "s", 30, None])
def test_what_is_no_duration_is_refused_with_examples(text):
    with pytest.raises(ValidationError, match="must be a duration like 30s, 15m, 48h or 7d"):
        read(Duration, text)


@pytest.mark.parametrize("text", ["0s", "999ms", "3651d", "9" * 15 + "d"])
def test_a_span_has_bounds(text):
    with pytest.raises(ValidationError, match="must be at least 1s and at most 3650d"):
        read(Span, text)


def test_a_duration_may_be_shorter_than_a_second():
    assert read(Duration, "100ms") == timedelta(seconds=0.1)


def test_a_field_reaches_an_earlier_one_or_is_refused():
    assert ENTRIES.validate_python({"a": {"lower": 2, "upper": 2}})["a"].upper == 2
    assert ENTRIES.validate_python({"a": {"lower": 2, "upper": None}})["a"].upper is None
    with pytest.raises(ValidationError, match="upper is below lower; see there"):
        ENTRIES.validate_python({"a": {"lower": 2, "upper": 1}})


def test_a_lower_field_that_is_wrong_has_the_only_complaint():
    with pytest.raises(ValidationError) as failure:
        ENTRIES.validate_python({"a": {"lower": "x", "upper": 1}})
    assert [error["loc"] for error in failure.value.errors()] == [("a", "lower")]


def test_the_key_of_an_entry_is_its_name_and_a_file_sets_neither_it_nor_what_is_computed():
    entry = {"name": "b", "checksum": "x"}
    assert ENTRIES.validate_python({"a": entry}) == {"a": Entry("a")}
    for value in (5, {"a": 5}):
        with pytest.raises(ValidationError):
            ENTRIES.validate_python(value)
