"""The use of standing rules, and their end by a bad outcome."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.cases.agreement import DecisionScore
from bot.cases.autonomy import bad_outcomes_after
from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.control_commands import EndRulesAfterOutcome
from bot.cases.control_folds import rules_after
from bot.cases.controls import DeskControls
from bot.cases.entries import Entry, StandingRuleBody
from bot.cases.errors import NoLongerAlone
from bot.cases.plan import Plan
from bot.cases.standing_rule import Figures, StandingRule, figures_of
from bot.cases.usage import Usage

RULE_SPENT = "its standing rule has let as many run today as it may"
RULE_OVER = "the standing rule that it would run by has ended"


def covering_rule(
    controls: DeskControls, plan: Plan, *, facts: Callable[[], Mapping[str, Any]], now: datetime
) -> StandingRule | None:
    """Find the standing rule within whose bounds a plan is.

    The facts are asked for only where a rule is about such plans.
    """
    rules = [rule for rule in controls.standing_rules if rule.is_about(plan) and now < rule.until]
    if not rules:
        return None
    figures = figures_of(plan, facts())
    return next((rule for rule in rules if rule.contains(figures)), None)


def must_still_be_covered(
    case: Case,
    *,
    controls: DeskControls,
    usage: Usage,
    playbook_digest: str,
    is_first: bool,
    now: datetime,
) -> None:
    """Refuse to begin by a standing rule that ended or is spent.

    It is called in the transaction that begins the step.

    Raises:
        NoLongerAlone: people decide about the plan now.
    """
    plan, rule = case.proposal.plan, controls.standing_rule(case.standing_rule_id)
    figures = case_figures(case)
    if plan is None or figures is None or rule is None or not rule.covers(plan, figures, now):
        raise NoLongerAlone(RULE_OVER)
    if rule.playbook_digest != playbook_digest:
        raise NoLongerAlone("the playbook has changed since its standing rule was decided")
    if is_first and usage.rule_times(rule.id) >= rule.times_per_day:
        raise NoLongerAlone(RULE_SPENT)


def case_figures(case: Case) -> Figures | None:
    """Return the figures of a case's plan; None without one."""
    plan = case.proposal.plan
    if plan is None:
        return None
    return figures_of(plan, case_facts(case, case.assessment.evidence))


def rule_ends_after(before: Case | None, after: Case) -> tuple[EndRulesAfterOutcome, ...]:
    """List the rules that a bad outcome ends."""
    if before is None:
        return ()
    return tuple(_end_after(score, after) for score in bad_outcomes_after(before, after))


def _end_after(score: DecisionScore, case: Case) -> EndRulesAfterOutcome:
    end = EndRulesAfterOutcome(
        kind=score.kind,
        action=score.action,
        reason=f"{score.case_id} was {score.bad_outcome}: {score.bad_reason}".rstrip(": "),
        on_case=score.case_id,
    )
    if score.revision != case.proposal.revision:
        # Of an earlier plan the figures are not at hand, so that every rule ends.
        return end
    return replace(end, rule_id=case.standing_rule_id, figures=case_figures(case))


class RuleHistory:
    """The standing rules of each moment, by the entries about the desk."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Fold the entries, which are in order."""
        self._times: list[datetime] = []
        self._rules: list[tuple[StandingRule, ...]] = [()]
        for entry in entries:
            if isinstance(entry.body, StandingRuleBody):
                self._times.append(entry.at)
                self._rules.append(rules_after(self._rules[-1], entry.body, entry.at))

    def at(self, moment: datetime, kind: str) -> tuple[StandingRule, ...]:
        """Return the rules on a kind in force at a moment."""
        rules = self._rules[bisect_right(self._times, moment)]
        return tuple(rule for rule in rules if rule.kind == kind)
