"""What a report left out is said in words."""

from dataclasses import replace

import pytest

from bot.cases.missing_facts import (
    describe_missing,
    is_left_out,
    left_out_facts,
    other_failures,
)
from tests.cases.making import proposed
from tests.handlers.cards.examples import fact


@pytest.mark.parametrize(
    ("expressions", "text"),
    [
        (["signal.product_id"], "nobody said the product id"),
        (["signal.b", "signal.a", "invoice.amount"], "nobody said the a and b"),
        (["invoice.supplier_id"], "the supplier id is not known"),
        (["total"], "the total is not known"),
    ],
)
def test_a_gap_is_described_without_names_in_code(expressions, text):
    assert describe_missing(expressions) == text


def case_with(*failures):
    case = proposed()
    evidence = tuple(
        fact(f"look_{number}", label="Stock", value=None, failure=failure)
        for number, failure in enumerate(failures)
    )
    return replace(case, assessment=replace(case.assessment, evidence=evidence))


def test_what_was_left_out_is_named_once():
    gap = describe_missing(["signal.product_id"])
    case = case_with(gap, gap, "the supplier id is not known")
    assert left_out_facts(case) == "product id"
    assert [is_left_out(one) for one in case.assessment.evidence] == [True, True, False]
    assert other_failures(case.assessment.evidence, has_gaps=True) == []


def test_a_system_that_does_not_answer_leaves_no_gap():
    case = case_with("took too long")
    assert left_out_facts(case) == ""
    assert len(other_failures(case.assessment.evidence, has_gaps=False)) == 1
