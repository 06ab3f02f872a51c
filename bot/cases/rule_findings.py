"""The rules of policy that hold for a plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.cases.circumstances import Circumstances
from bot.cases.conditions import ConditionFailed, ConditionInvalid, compile_condition
from bot.cases.plan import Action, Money, Plan
from bot.cases.policy import Policy
from bot.cases.policy_rules import PolicyRule
from bot.cases.risk import requester_amount, target_amount
from bot.cases.usage import NOTHING, Usage

FILE = "policy.yml"


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """A rule that holds, or that could not be evaluated."""

    rule: PolicyRule
    #: The rule and its place in the file.
    place: str
    #: Why it could not be evaluated; empty where it holds.
    failure: str = ""


def find_rules(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    circumstances: Circumstances | None,
    step: int,
) -> tuple[RuleFinding, ...]:
    """Return the rules that hold, and those that cannot be evaluated."""
    if not policy.rules:
        return ()
    values = rule_values(plan, policy=policy, usage=usage, circumstances=circumstances, step=step)
    findings = []
    for number, rule in enumerate(policy.rules, start=1):
        place = f"rule {number} of {FILE}"
        if rule.line:
            place = f"{place} (line {rule.line})"
        try:
            if _holds(rule, plan=plan, policy=policy, values=values):
                findings.append(RuleFinding(rule, place))
        except (ConditionFailed, ConditionInvalid) as failure:
            findings.append(RuleFinding(rule, place, str(failure)))
    return tuple(findings)


def _holds(
    rule: PolicyRule, *, plan: Plan, policy: Policy, values: Mapping[str, Mapping[str, Any]]
) -> bool:
    condition = compile_condition(rule.when)
    if not condition.is_of_action:
        return condition.holds(values)
    # Every action is asked, so that a failure is not hidden by one for which the rule holds.
    answers = [
        condition.holds({**values, "action": action_values(action, policy)})
        for action in plan.actions
    ]
    return any(answers)


def rule_values(
    plan: Plan,
    *,
    policy: Policy,
    usage: Usage,
    circumstances: Circumstances | None,
    step: int,
) -> dict[str, dict[str, Any]]:
    """Return the values that conditions see, as far as they are known."""
    return {
        "plan": _plan_values(plan, policy),
        "used": {
            "target_amount": float(target_amount(plan, policy, usage, step=step)),
            "requester_amount": float(requester_amount(plan, policy, usage, step=step)),
        },
        "case": dict(_case_values(circumstances, policy)),
        "time": _time_values(circumstances),
        "facts": dict(circumstances.facts) if circumstances else {},
    }


def _plan_values(plan: Plan, policy: Policy) -> dict[str, Any]:
    money = plan.amount
    values = {
        "currency": money.currency if money else "",
        "steps": len(plan.actions),
        "reversible": all(action.reversible for action in plan.actions),
        "proposer": plan.proposer.value,
        "requester": plan.requester or "",
        "actions": [action.name for action in plan.actions],
        "targets": [action.target for action in plan.actions],
    }
    return values | _amount_value("amount", money, policy)


def _amount_value(name: str, money: Money | None, policy: Policy) -> dict[str, float]:
    amount = policy.convert(money.amount, money.currency) if money else NOTHING
    return {} if amount is None else {name: float(amount)}


def action_values(action: Action, policy: Policy) -> dict[str, Any]:
    """Return the values of one action."""
    return {
        "name": action.name,
        "target": action.target,
        "reversible": action.reversible,
        "parameters": dict(action.parameters),
        **_amount_value("amount", action.amount, policy),
    }


def _case_values(
    circumstances: Circumstances | None, policy: Policy
) -> Iterator[tuple[str, str | float]]:
    if circumstances is None:
        return
    yield "kind", circumstances.kind
    yield "source", circumstances.source
    yield "channel", circumstances.channel
    if circumstances.stake:
        yield from _amount_value("stake", circumstances.stake, policy).items()


def _time_values(circumstances: Circumstances | None) -> dict[str, str | int]:
    if circumstances is None:
        return {}
    at = circumstances.local_at
    return {"hour": at.hour, "weekday": f"{at:%a}".lower(), "date": f"{at:%Y-%m-%d}"}
