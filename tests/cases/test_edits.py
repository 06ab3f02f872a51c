"""Edits of a plan: the bounds of its fields, and what the evidence says against a value."""

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.cases.edits import (
    EditField,
    describe_bounds,
    editable_fields,
    find_contradictions,
    must_be_within_bounds,
)
from bot.cases.errors import BadRequest
from bot.cases.playbook import ActionOffer
from tests.cases.making import action

FACTS = {"stock": {"short": 28, "largest": 60}, "lead": {"call_on": "2026-11-27"}}
OFFER = {
    "action": "house.order_stock",
    "parameters": {"quantity": "stock.short"},
    "reason": "because",
    "edit": ["quantity"],
    "limits": {"quantity": {"min": 1, "max": "stock.largest"}},
    "warnings": [
        {"when": "plan.quantity < stock.short", "text": "{plan.quantity} < {stock.short} short"}
    ],
}


def read_offer(**changes):
    return TypeAdapter(ActionOffer).validate_python({**OFFER, **changes})


def quantity(value):
    return action(parameters={"quantity": value, "product_id": 1})


def test_the_fields_are_those_of_the_playbook_with_bounds_from_it_and_from_the_evidence():
    field = EditField(name="quantity", value=24, minimum=1, maximum=60)
    assert editable_fields(read_offer(), quantity(24), FACTS) == (field,)
    assert describe_bounds(field) == "from 1 to 60"
    without_limits = read_offer(limits={})
    assert editable_fields(without_limits, quantity(24), FACTS) == (
        EditField(name="quantity", value=24),
    )


@pytest.mark.parametrize(
    ("field", "bounds"),
    [
        (EditField(name="quantity", value=61, minimum=1, maximum=60), "from 1 to 60"),
        (EditField(name="quantity", value="0.50", minimum=1), "at least 1"),
        (EditField(name="quantity", value=100, maximum=9), "at most 9"),
        (
            EditField(name="due_on", value="2026-11-26", minimum="2026-11-27"),
            "on or after Fri 27 Nov 2026",
        ),
    ],
)
def test_a_value_out_of_bounds_is_refused_at_its_field(field, bounds):
    with pytest.raises(BadRequest, match=f"^it must be {bounds}$") as refusal:
        must_be_within_bounds([field])
    assert refusal.value.field == field.name


@pytest.mark.parametrize("value", [1, 60, "7"])
def test_a_value_within_its_bounds_is_accepted(value):
    must_be_within_bounds([EditField(name="quantity", value=value, minimum=1, maximum=60)])


def test_the_evidence_speaks_against_a_value():
    assert find_contradictions(read_offer(), quantity(24), FACTS) == ("24 < 28 short",)
    assert find_contradictions(read_offer(), quantity(28), FACTS) == ()
    assert find_contradictions(read_offer(), quantity(24), {}) == ()


def test_limits_of_what_nobody_may_edit_are_a_mistake():
    with pytest.raises(ValidationError, match="limits names quantity, which nobody may edit"):
        read_offer(edit=[])
