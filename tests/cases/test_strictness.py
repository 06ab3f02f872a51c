"""The stricter of two verdicts is never looser than either of them."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.cases.approval import ApprovalRequirement
from bot.cases.policy import RiskTier
from bot.cases.strictness import RULING_ORDER, stricter
from bot.cases.verdict import Ruling, Verdict

GROUPS = ("floor-managers", "finance", "people:U1", "people:U1+U2")


@st.composite
def verdicts(draw) -> Verdict:
    ruling = draw(st.sampled_from(Ruling))
    factors = ()
    if ruling is Ruling.ASK:
        groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True))
        factors = tuple(ApprovalRequirement(group, draw(st.integers(1, 3))) for group in groups)
    return Verdict(
        ruling=ruling,
        tier=draw(st.sampled_from(RiskTier)),
        rule=draw(st.sampled_from(("tier.low", "limit.per_plan"))),
        reason="because",
        factors=factors,
        expires_for=timedelta(hours=draw(st.integers(1, 48))),
        policy_digest=draw(st.sampled_from(("a" * 64, "b" * 64))),
        step_up=draw(st.booleans()),
    )


@given(verdicts(), verdicts())
def test_neither_verdict_is_stricter_than_the_joint_one(one, other):
    joint = stricter(one, other)
    for verdict in (one, other):
        assert RULING_ORDER.index(joint.ruling) >= RULING_ORDER.index(verdict.ruling)
        assert joint.tier >= verdict.tier
        assert joint.step_up >= verdict.step_up
        assert joint.expires_for <= verdict.expires_for
        if joint.ruling is Ruling.ASK:
            counts = {factor.group: factor.count for factor in joint.factors}
            assert all(counts[factor.group] >= factor.count for factor in verdict.factors)


@given(verdicts(), verdicts())
def test_the_order_changes_no_ruling(one, other):
    joint, turned = stricter(one, other), stricter(other, one)
    assert (joint.ruling, joint.tier, joint.expires_for, joint.step_up) == (
        turned.ruling,
        turned.tier,
        turned.expires_for,
        turned.step_up,
    )
    assert set(joint.factors) == set(turned.factors)


@given(verdicts())
def test_a_verdict_beside_itself_rules_the_same(one):
    joint = stricter(one, one)
    if joint.rule != "approvers.impossible":
        assert (joint.ruling, joint.tier, joint.reason) == (one.ruling, one.tier, one.reason)


def test_approvers_who_cannot_all_agree_refuse_the_plan():
    def asking(group: str) -> Verdict:
        return Verdict(
            ruling=Ruling.ASK,
            tier=RiskTier.LOW,
            rule="tier.low",
            reason="small",
            factors=(ApprovalRequirement(group, 1),),
            expires_for=timedelta(hours=1),
            policy_digest="a" * 64,
        )

    joint = stricter(asking("people:U1"), asking("people:U1+U1"))
    assert (joint.ruling, joint.rule) == (Ruling.REFUSE, "approvers.impossible")
