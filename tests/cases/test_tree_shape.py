"""The shape of a tree: what a playbook's offer makes of the facts of a case."""

from dataclasses import replace

import pytest

from bot.cases.errors import ConnectorFailed
from bot.cases.plan import Cause, FactType
from bot.cases.playbook import AnswerBounds
from bot.cases.tree_shape import LIST, evidence_paths, grow, likely_values, step_facts
from tests.cases.trees import EXPECT, HOLD, step

FACTS = {"signal": {"product_id": 1}}


def test_an_offer_without_conditions_is_a_list():
    assert grow(step("hold", then=(step("claim"),)), FACTS) is LIST


def test_each_step_has_its_place_in_the_order_of_the_chain():
    branches = grow(HOLD, FACTS).branches
    assert [branch.name for branch in branches] == [one.step_name for one in HOLD.chain()]
    assert [(branch.after, branch.cause) for branch in branches] == [
        (None, Cause.LANDED),
        (0, Cause.LANDED),
        (1, Cause.OTHERWISE),
        (0, Cause.REFUSED),
    ]


def test_bounds_and_evidence_are_values_of_the_plan():
    shape = grow(HOLD, FACTS)
    limit = shape.branches[1].inputs["day"]
    assert (limit.fact, limit.minimum, limit.maximum) == (
        "hold.held_until",
        "2026-11-21",
        "2026-12-21",
    )
    assert shape.facts == {"signal.product_id": 1}


def test_a_bound_that_nobody_knows_makes_no_plan():
    limit = replace(EXPECT.answer_bounds["day"], maximum="stock.last_day")
    offer = replace(HOLD, then=(replace(EXPECT, answer_bounds={"day": limit}),))
    with pytest.raises(ConnectorFailed, match="bounds of day are not known"):
        grow(offer, FACTS)


def test_an_action_is_prepared_by_a_value_that_may_be():
    assert likely_values(EXPECT, FACTS) == {"day": "2026-12-21"}
    colour = AnswerBounds(type=FactType.TEXT, one_of=("gold", "blue"), words="the colour")
    offer = step(
        "paint", parameters={"colour": "steps.hold.colour"}, answer_bounds={"colour": colour}
    )
    assert likely_values(offer, FACTS) == {"colour": "gold"}


def test_the_names_in_an_expression_are_found_outside_its_texts():
    expression = "steps.hold.answer == 'a.b' && stock.on_hand > `1` || steps.ask.day == stock.day"
    assert step_facts(expression) == ("hold.answer", "ask.day")
    assert evidence_paths(expression) == ("stock.on_hand", "stock.day")
