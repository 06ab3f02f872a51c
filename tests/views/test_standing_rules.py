"""Standing rules as people read them."""

from datetime import UTC, datetime
from decimal import Decimal

from bot.cases.standing_rule import Bound, RuleUse
from bot.views.labels import Labels
from bot.views.standing_rules import (
    bound_words,
    breach_words,
    free_words,
    rule_sentence,
    terms_words,
    use_words,
    within_words,
)
from tests.cases.test_standing_rule_decisions import DRAFT
from tests.world import playbook

LABELS = Labels(
    actions={"house.order_stock": "Order stock"},
    parameters={"house.order_stock.product_id": "Product"},
)


def with_bounds(*bounds):
    from dataclasses import replace

    return replace(DRAFT, bounds=bounds)


def test_a_sentence_has_parameters_amount_and_sorts_of_case():
    rule = with_bounds(
        Bound(name="0.quantity", minimum=Decimal(6), maximum=Decimal(1200)),
        Bound(name="amount", minimum=Decimal(0), maximum=Decimal(240)),
        Bound(name="currency", values=("GBP",)),
        Bound(name="facts.stock.on_hand", values=("1", "2")),
        Bound(name="facts.stock.shop", values=("Soho",)),
    )
    assert rule_sentence(rule, playbook(), LABELS) == (
        "“Order stock” for “Running low”, quantity 6 to 1,200, £0.00 to £240.00,"
        " only where on hand 1 or 2"
    )
    assert within_words(rule, playbook()) == "on hand 1 or 2; shop Soho"
    assert free_words(rule, LABELS) == "any product"


def test_a_counter_example_is_told_by_the_figure_that_keeps_it_out():
    figures = {"0.quantity": 12, "facts.stock.shop": "Camden"}
    assert breach_words(DRAFT, figures, playbook=playbook(), labels=LABELS) == "shop Camden"
    assert (
        breach_words(DRAFT, {**figures, "0.quantity": 36}, playbook=playbook(), labels=LABELS)
        == "quantity 36"
    )
    assert (
        breach_words(DRAFT, {"0.quantity": 12}, playbook=playbook(), labels=LABELS) == "shop none"
    )


def test_bounds_uses_and_terms_in_words():
    assert bound_words(Bound(name="x", values=("a", "b", ""))) == "a, b or none"
    assert bound_words(Bound(name="x", minimum=Decimal(5), maximum=Decimal(5))) == "5"
    assert use_words(RuleUse()) == "never used"
    at = datetime(2026, 5, 12, tzinfo=UTC)
    assert use_words(RuleUse(1, at)) == "used once, last on 12 May 2026"
    assert "at most 3 a day" in terms_words(DRAFT)
