"""Autonomy: what may run alone, and what an action must show before it may.

A stage is recorded by kind and action. The playbook's own stage is where a kind starts.
"""

from bot.cases.autonomy_rule import AutonomyRule
from bot.cases.controls import DeskControls
from bot.cases.errors import NoLongerAlone
from bot.cases.plan import Plan
from bot.cases.policy import PlaybookTerms, Policy, Stage
from bot.cases.usage import Usage

BUDGET_SPENT = "what may run alone today has run already"


def may_depend_on_record(plan: Plan, terms: PlaybookTerms, policy: Policy) -> bool:
    """Tell whether the recorded stage can change the verdict on a plan.

    Where policy lets an action never run alone, ``supervised`` and ``autonomous`` are the same.
    """
    return terms.stage is not Stage.SUPERVISED or all(
        action.name in policy.actions and policy.actions[action.name].alone
        for action in plan.actions
    )


def may_begin_alone(kind: str, usage: Usage, rule: AutonomyRule) -> bool:
    """Tell whether one more plan of this kind may begin alone today."""
    return usage.alone_times(kind) < rule.alone_per_day


def must_still_run_alone(plan: Plan, controls: DeskControls, *, initial: Stage) -> None:
    """Refuse to begin a step alone under a stage that was taken back.

    It is called in the transaction that begins the step.

    Raises:
        NoLongerAlone: people decide about such plans now.
    """
    if controls.stage_of_plan(plan.playbook, plan, initial) is not Stage.AUTONOMOUS:
        raise NoLongerAlone("such plans are put before people now")
