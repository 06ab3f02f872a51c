"""Trees in playbooks: what they may say, and what is refused with a sentence."""

import pytest

from bot.cases.plan import FactType
from knowledge.library import PACKAGED, load
from tests.knowledge.library.editing import refuse

FILE = "playbooks/shipment_mismatch.yml"
WHEN = "steps.hold_consignment.answer == 'held'"
MISTAKES = {
    "a fact that no step tells": (WHEN, "steps.hold_consignment.iban == 'x'", "no step before it"),
    "a step that is not before": (WHEN, "steps.open_claim.answer == 'x'", "no step before it"),
    "a condition without words": ("means: the carrier holds it", "means: ''", "needs its words"),
    "a parameter without bounds": (
        "observed:\n              expected_on: {type: date",
        "limits: {}\n            observed:\n              expected_by: {type: date",
        "needs its bounds under observed",
    ),
    "no largest value": ("max: shipment.last_hold_on, ", "", "date needs min and max"),
    "another type than is told": ("{type: date,", "{type: integer,", "the step tells date"),
    "a text without a list": ("{type: date,", "{type: text,", "needs one_of"),
    "a yes or no as a parameter": ("{type: date,", "{type: boolean,", "no parameter can be one"),
    "a part of an expression": (
        "expected_on: steps.hold_consignment.held_until}",
        "expected_on: \"join('', [steps.hold_consignment.held_until])\"}",
        "must be one fact of a step",
    ),
    "two steps of one name": (
        "- action: warehouse.expect_shipment",
        "- action: warehouse.expect_shipment\n            name: hold_consignment",
        "two steps are called",
    ),
    "a sentence in place of steps": (
        "            means: the carrier holds it",
        "            means: the carrier holds it\n            otherwise: it is not held",
        "otherwise of a step is a list",
    ),
    "an action that nobody lists": ("house.open_claim", "house.burn", "has no action 'house.burn'"),
    "a look-up called steps": ("- name: shipment", "- name: steps", "steps is what steps tell"),
}


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_tree_is_told(folder, before, after, complaint):
    refuse(folder / FILE, before, after, complaint=complaint)


def test_the_tree_of_the_sample_shipment_is_in_order():
    (offer,) = load(PACKAGED).playbook("shipment_mismatch").offers
    assert offer.is_tree
    assert [step.action for step in offer.chain()] == [
        "house.hold_shipment",
        "carrier.hold_consignment",
        "warehouse.expect_shipment",
        "house.open_claim",
    ]
    limit = next(step for step in offer.chain() if step.answer_bounds).answer_bounds["expected_on"]
    assert (limit.type, limit.minimum) == (FactType.DATE, "shipment.today")


def test_a_list_of_steps_is_no_tree():
    (offer,) = load(PACKAGED).playbook("lead_cold").offers
    assert not offer.is_tree
    assert len(list(offer.chain())) == 2
