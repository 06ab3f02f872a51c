"""The facts that expressions and templates name."""

import pytest

from bot.cases.fact_paths import fact_paths, template_paths


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("", []),
        ("stock.on_hand", [("stock", "on_hand")]),
        ("a.b != null && c.d == `0`", [("a", "b"), ("null",), ("c", "d")]),
        ("join('', [lead.owner, ': x', lead.name])", [("lead", "owner"), ("lead", "name")]),
        ("stock.items[?a == 'b'].c | [0]", [("stock", "items")]),
        ("steps.hold.held_until", [("steps", "hold", "held_until")]),
        ("sort_by(log.rows, &at)", [("log", "rows")]),
        ("'C0SALES'", []),
    ],
)
def test_the_facts_of_an_expression_are_listed_once(expression, paths):
    assert fact_paths(expression) == paths


def test_the_facts_of_a_template_are_its_placeholders():
    assert template_paths("{a.b} and {a.b}, {c}") == [("a", "b"), ("c",)]
