"""Bounds of parameters."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.parameter_limits import ParameterLimit

READ = TypeAdapter(ParameterLimit).validate_python


@pytest.mark.parametrize(
    ("bounds", "value", "objection"),
    [
        ({"min": 1, "max": 5}, 1, ""),
        ({"min": 1, "max": 5}, 5, ""),
        ({"min": 1, "max": 5}, 5.01, "5.01 is above 5"),
        ({"min": 1}, 0, "0 is below 1"),
        ({"max": 5}, float("nan"), "is not a number"),
        ({"max": 5}, float("-inf"), "is not a number"),
        ({"max": 5}, "4", "is not a number"),
        ({"max": 5}, True, "is not a number"),
        ({"max": 5}, None, "is not a number"),
        ({"one_of": ["a", "b"]}, "a", ""),
        ({"one_of": ["a", "b"]}, "c", "“c” is not one of a, b"),
        ({"one_of": [1]}, True, "“True” is not one of 1"),
        ({"pattern": "[A-Z]{2}[0-9]+"}, "GB12", ""),
        ({"pattern": "[A-Z]{2}[0-9]+"}, "GB12x", "“GB12x” does not have the form [A-Z]{2}[0-9]+"),
        ({"pattern": "a"}, 5, "“5” does not have the form a"),
        ({"pattern": "a", "one_of": ["a", "aa"]}, "aa", "“aa” does not have the form a"),
    ],
)
def test_a_value_is_within_all_bounds_or_says_which_it_leaves(bounds, value, objection):
    assert READ(bounds).objection(value) == objection


@pytest.mark.parametrize(
    ("bounds", "complaint"),
    [
        ({}, "needs min, max, one_of or pattern"),
        ({"min": 5, "max": 4}, "max is below min"),
        ({"min": True}, "must be a number"),
        ({"max": "inf"}, "finite number"),
        ({"pattern": "("}, "not a regular expression"),
        ({"pattern": "(a+)+"}, "repeats a group that repeats"),
        ({"one_of": []}, "at least 1 item"),
    ],
)
def test_bounds_that_say_nothing_or_contradict_are_refused(bounds, complaint):
    with pytest.raises(ValidationError) as caught:
        READ(bounds)
    assert complaint in str(caught.value)


def test_bounds_are_read_as_written():
    assert READ({"min": "0.5"}) == ParameterLimit(min=Decimal("0.5"))
