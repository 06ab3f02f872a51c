"""Queries in one line of text, to compare and to read."""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from bot.views.query import ANY_CASE, Condition, Period, Query, Reading


def describe_reading(reading: Reading | None) -> str:
    """Describe a reading: the query, and the words that were left aside."""
    if reading is None:
        return "nothing"
    words = describe(reading.query)
    if reading.left_aside:
        words += f" | {', '.join(reading.left_aside)}"
    return words


def describe(query: Query) -> str:
    """Describe a query: what is asked, and every field that says something."""
    words = [str(query.ask)]
    for field in fields(Query):
        value = getattr(query, field.name)
        if field.name == "condition":
            words += _describe_condition(value)
        elif field.name not in ("ask", "other_case_ids") and value not in (None, "", 0):
            words.append(f"{field.name}={value}")
    return " ".join(words)


def _describe_condition(condition: Condition) -> list[str]:
    words = []
    for field in fields(Condition):
        value = getattr(condition, field.name)
        if value != getattr(ANY_CASE, field.name):
            words.append(f"{field.name}={_describe_value(value)}")
    return words


def _describe_value(value: Any) -> str:
    match value:
        case Condition():
            return f"({' '.join(_describe_condition(value))})"
        case Period(before=before) if before:
            return f"..<{before}"
        case Period(begin=begin, end=end):
            return begin if begin == end else f"{begin}..{end}"
        case timedelta():
            return f"{value / timedelta(hours=1):g}h"
        case Decimal():
            return f"{value:f}"
        case Enum():
            return value.name.casefold()
        case tuple():
            return ",".join(_describe_value(part) for part in value)
        case True:
            return "yes"
        case False:
            return "no"
        case _:
            return str(value)
