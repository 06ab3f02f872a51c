"""The last check of a step, in the transaction that begins it.

What lies between a verdict and its step may have changed everything: a pause, the rules, the budget
of the day, a stage, a standing rule, a grant, the version of the playbook.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases.autonomy import BUDGET_SPENT, may_begin_alone, must_still_run_alone
from bot.cases.case import Case
from bot.cases.controls import DeskControls, must_not_be_paused
from bot.cases.errors import Conflict, DeskPaused, NoLongerAlone
from bot.cases.granting import must_still_be_granted
from bot.cases.limits import find_exceeded_limit
from bot.cases.plan import Plan
from bot.cases.rule_use import must_still_be_covered
from bot.cases.usage import Usage
from bot.cases.version_outcomes import must_be_of_live_version
from bot.desk.rules_in_force import Rules, RulesInForce
from bot.ports.case_store import UsageAt


@dataclass(frozen=True, kw_only=True)
class StepGuard:
    """Refuses to begin a step that people or rules no longer allow."""

    case: Case
    step: int
    at: datetime
    rules: RulesInForce
    #: What the step was judged by; None where nothing of it rests on the rules.
    judged_by: DeskControls | None
    policy_digest: str
    #: Of the version in force.
    playbook_digest: str
    undoing: bool = False
    #: The system is only asked whether the step was done.
    looking: bool = False

    def __call__(self, controls: DeskControls, usage_at: UsageAt) -> None:
        """Check the step against the controls and the usage of this transaction.

        Raises:
            Conflict: other rules are in force than those it was judged by.
            DeskPaused: it waits.
            NoLongerAlone: people decide about the plan now.
        """
        plan = self.case.proposal.plan
        must_not_be_paused(controls, self.case.kind, _with_earlier(plan, self.case))
        # An undo reduces what was spent, so no budget holds it up.
        if self.undoing or plan is None:
            return
        if self.judged_by and self.judged_by.adopted_rules != controls.adopted_rules:
            raise Conflict("the rules were changed since the step was judged")
        self._must_be_adopted(controls, plan)
        usage = Usage()
        # Both hold while a change of the rules waits.
        for rules in self.rules.each(controls):
            usage = usage_at(self.at, rules.policy.windows, plan=plan, step=self.step)
            self._must_be_within_limits(rules, plan, usage)
            if self.case.was_auto_approved and not self.looking:
                self._must_run_alone(controls, rules=rules, plan=plan, usage=usage)
        if self.case.grant_id and not self.looking:
            must_still_be_granted(
                plan,
                self.case.grant_id,
                controls=controls,
                usage=usage,
                policy_digest=self.policy_digest,
                playbook_digest=self.playbook_digest,
                now=self.at,
            )

    def _must_be_adopted(self, controls: DeskControls, plan: Plan) -> None:
        if not self.rules.is_at_hand(controls):
            raise DeskPaused("the rules have just been changed")
        waiting = self.rules.waiting(controls)
        refusal = waiting.refusal(plan, self.step) if waiting else ""
        if refusal:
            raise DeskPaused(refusal)

    def _must_be_within_limits(self, rules: Rules, plan: Plan, usage: Usage) -> None:
        excess = find_exceeded_limit(plan, self.step, policy=rules.policy, usage=usage)
        if excess:
            raise DeskPaused(f"the budget of the day is used up: {excess}")

    def _must_run_alone(
        self, controls: DeskControls, *, rules: Rules, plan: Plan, usage: Usage
    ) -> None:
        """Refuse what has lost its stage, budget, version or standing rule."""
        rule_id, is_first = self.case.standing_rule_id, self.step == 0
        initial = rules.terms(self.case.kind).stage
        must_still_run_alone(plan, controls, initial=initial, has_rule=bool(rule_id))
        if is_first and not may_begin_alone(plan.playbook, usage, rules.policy.autonomy):
            raise NoLongerAlone(BUDGET_SPENT)
        must_be_of_live_version(self.case, plan, controls)
        if rule_id:
            must_still_be_covered(
                self.case,
                controls=controls,
                usage=usage,
                playbook_digest=self.playbook_digest,
                is_first=is_first,
                now=self.at,
            )


def _with_earlier(plan: Plan | None, case: Case) -> Plan | None:
    """Add the earlier steps of an undo: a pause stops them too."""
    if plan is None or not case.execution.earlier_undone:
        return plan
    actions = [one.action for one in case.execution.earlier_undone]
    return replace(plan, actions=(*plan.actions, *actions))
