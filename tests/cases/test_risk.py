"""The risk of a plan, also of one that is split into small ones."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.judgement import judge
from bot.cases.policy import ActionLimit, PlaybookTerms, RiskTier, Stage
from bot.cases.risk import assess_risk, needs_step_up
from bot.cases.usage import Usage, UsedActions
from bot.cases.verdict import Ruling
from tests.cases.making import action, plan
from tests.world import policy

DAY = timedelta(days=1)
NAME = "house.order_stock"
#: Alone up to £250, and what goes to one target or person in a day counts together.
RULES = policy(window=DAY, actions={NAME: ActionLimit(alone=True)})
ALONE = PlaybookTerms(stage=Stage.AUTONOMOUS)


def moved(amount, *, target="product:1", requester="", window=DAY, currency="GBP") -> UsedActions:
    return UsedActions(
        action=NAME,
        times=1,
        amount=Decimal(amount),
        currency=currency,
        target=target,
        requester=requester,
        window=window,
    )


def test_a_small_plan_after_others_to_the_same_target_is_as_risky_as_their_sum():
    small = plan(actions=(action(amount=200),))
    assert judge(small, ALONE, RULES, Usage()).ruling is Ruling.AUTO_APPROVE
    for before, tier in ((50, RiskTier.LOW), (51, RiskTier.MEDIUM), (2301, RiskTier.HIGH)):
        verdict = judge(small, ALONE, RULES, Usage((moved(before),)))
        assert verdict.tier is tier, before
        assert (verdict.ruling is Ruling.AUTO_APPROVE) is (tier is RiskTier.LOW)
    assert verdict.inputs.recent.amount == 2501
    assert "£2,501.00 with what went to one target or requester a day" in verdict.reason


def test_a_small_plan_after_others_of_the_same_requester_is_as_risky_as_their_sum():
    own = moved(100, target="", requester="T1/UOMAR")
    by_omar = plan(actions=(action(amount=200),), requester="T1/UOMAR")
    assert assess_risk(by_omar, RULES, Usage((own,))).tier is RiskTier.MEDIUM
    others = moved(5000, target="", requester="")
    assert assess_risk(by_omar, RULES, Usage((others,))).tier is RiskTier.LOW


def test_what_went_elsewhere_or_is_older_than_the_window_adds_nothing():
    small = plan(actions=(action(amount=200),))
    for row in (moved(5000, target=""), moved(5000, window=timedelta(days=7))):
        assert assess_risk(small, RULES, Usage((row,))).tier is RiskTier.LOW


def test_without_a_window_each_plan_counts_alone():
    small = plan(actions=(action(amount=200),))
    assert assess_risk(small, policy(), Usage((moved(5000),))).tier is RiskTier.LOW


def test_splitting_a_plan_does_not_spare_the_passkey():
    rules = policy(window=DAY, step_up_above=Decimal(3000))
    part = plan(actions=(action(amount=1600),))
    assert not needs_step_up(assess_risk(part, rules, Usage()), rules)
    assert needs_step_up(assess_risk(part, rules, Usage((moved(1600),))), rules)


def test_own_earlier_steps_are_not_counted_twice():
    two = plan(actions=(action(amount=200), action(amount=200)))
    whole = assess_risk(two, RULES, Usage())
    after_one = assess_risk(two, RULES, Usage((moved(200),)), step=1)
    assert (whole.amount, whole.recent) == (400, None)
    assert (after_one.amount, after_one.recent, after_one.tier) == (400, None, whole.tier)


@pytest.mark.parametrize(
    ("amount", "tier"), [(294, RiskTier.LOW), (295, RiskTier.MEDIUM), (2942, RiskTier.HIGH)]
)
def test_an_amount_of_another_currency_is_judged_by_its_rate(amount, tier):
    rules = policy(currencies={"EUR": Decimal("0.85")})
    assert (
        assess_risk(plan(actions=(action(amount=amount, currency="EUR"),)), rules, Usage()).tier
        is tier
    )


def test_a_currency_without_a_rate_is_of_high_risk():
    risk = assess_risk(plan(actions=(action(amount=1, currency="JPY"),)), policy(), Usage())
    assert (risk.tier, risk.amount) == (RiskTier.HIGH, None)


@given(
    parts=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    threshold=st.sampled_from([250, 2500]),
)
def test_any_split_is_caught_before_more_than_the_whole_may_move_has_moved(parts, threshold):
    """However an amount is split, what runs alone to one target stays within the threshold."""
    rules = policy(
        window=DAY, medium_above=Decimal(threshold), actions={NAME: ActionLimit(alone=True)}
    )
    moved_alone = Decimal(0)
    for amount in parts:
        used = Usage((moved(moved_alone),)) if moved_alone else Usage()
        verdict = judge(plan(actions=(action(amount=amount),)), ALONE, rules, used)
        if verdict.ruling is Ruling.AUTO_APPROVE:
            moved_alone += amount
    assert moved_alone <= threshold
