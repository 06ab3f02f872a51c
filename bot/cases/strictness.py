"""The stricter of two verdicts.

While a change of the rules waits, the rules in force and the changed ones both judge. Tightening is
immediate, and loosening waits.
"""

from dataclasses import replace

from bot.cases.approval import can_be_met
from bot.cases.required_approvers import add_requirements
from bot.cases.verdict import Ruling, Verdict

#: From the loosest to the strictest.
RULING_ORDER = (Ruling.AUTO_APPROVE, Ruling.ASK, Ruling.REFUSE)


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """Combine two verdicts on a plan into one as strict.

    Rule, reason and inputs are those of the one that binds; of ``one`` where neither does.
    """
    binding = other if _strictness(other) > _strictness(one) else one
    joint = replace(
        binding,
        tier=max(one.tier, other.tier),
        expires_for=min(one.expires_for, other.expires_for),
        step_up=one.step_up or other.step_up,
    )
    if binding.ruling is Ruling.REFUSE:
        return joint
    factors = add_requirements(one.factors, other.factors)
    if not can_be_met(factors):
        return replace(
            joint,
            ruling=Ruling.REFUSE,
            rule="approvers.impossible",
            reason="the approvers of the rules in force and of the changed ones cannot all agree",
            factors=(),
        )
    return replace(joint, factors=factors)


def _strictness(verdict: Verdict) -> tuple[int, int, int]:
    return RULING_ORDER.index(verdict.ruling), verdict.tier, verdict.approvals_needed
