"""Typed parameters: one canonical form, or a refusal by name."""

import pytest

from bot.cases.errors import ConnectorFailed
from bot.connectors.parameters import MAX_TEXT, ParameterType, convert_parameters


def convert(value, kind):
    return convert_parameters({"x": value}, {"x": ParameterType(kind)})["x"]


@pytest.mark.parametrize(
    ("value", "kind", "canonical"),
    [
        (24, "integer", 24),
        ("24", "integer", 24),
        (24.0, "integer", 24),
        (12.5, "decimal", "12.50"),
        ("12", "decimal", "12.00"),
        ("a\nb\tc", "text", "a\nb\tc"),
        (7, "text", "7"),
        ("2026-11-21 12:00:00", "date", "2026-11-21"),
    ],
)
def test_a_value_has_one_canonical_form(value, kind, canonical):
    assert convert(value, kind) == canonical


@pytest.mark.parametrize(
    ("value", "kind", "complaint"),
    [
        (None, "integer", "x is missing"),
        ("", "text", "x is missing"),
        (True, "integer", "x is missing"),
        ("many", "integer", "x must be a whole number, not 'many'"),
        (2.5, "integer", "must be a whole number"),
        (2**60, "integer", "must be a whole number"),
        ("NaN", "decimal", "must be an amount"),
        (10**13, "decimal", "must be an amount"),
        ("x" * (MAX_TEXT + 1), "text", "must be text of at most 500 characters"),
        ("a\x00b", "text", "must be text"),
        ("half \ud800", "text", "must be text"),
        ("soon", "date", "must be a date like 2026-11-21"),
    ],
    ids=range(12),
)
def test_what_is_not_of_its_type_is_refused_by_name(value, kind, complaint):
    with pytest.raises(ConnectorFailed, match=complaint):
        convert(value, kind)


def test_what_is_not_declared_is_refused_by_name():
    with pytest.raises(ConnectorFailed, match="no such parameter: a, b"):
        convert_parameters({"b": 1, "a": 2}, {})
