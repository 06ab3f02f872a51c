"""Decide what a command does to the standing rules. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.cases.control_commands import (
    AdoptStandingRule,
    DoubtStandingRule,
    EndRulesAfterOutcome,
    EndStandingRule,
    ProlongStandingRule,
    StandingRuleCommand,
)
from bot.cases.controls import DeskControls
from bot.cases.entries import (
    RuleAdopted,
    RuleDoubted,
    RuleEnded,
    RuleProlonged,
    StandingRuleBody,
)
from bot.cases.standing_rule import StandingRule

MAX_REASON_LENGTH = 500
#: Every step that begins reads the rules in force.
MAX_STANDING_RULES = 30


def decide_standing_rule(
    controls: DeskControls, command: StandingRuleCommand, now: datetime
) -> tuple[StandingRuleBody, ...]:
    """Find the entries of a command; none where it changes nothing."""
    match command:
        case AdoptStandingRule():
            return _adopt(controls, command, now)
        case DoubtStandingRule():
            return _doubt(controls, command)
        case ProlongStandingRule():
            return _prolong(controls, command)
        case EndStandingRule():
            rule = controls.standing_rule(command.rule_id)
            if rule is None:
                return ()
            return (
                _end(
                    rule,
                    reason=command.reason,
                    by_name=command.by_name,
                    on_case=command.on_case,
                    key=command.key,
                ),
            )
        case EndRulesAfterOutcome():
            rules = [rule for rule in controls.standing_rules if _is_hit(rule, command)]
            return rules_end_with(rules, reason=command.reason, on_case=command.on_case)
        case _:
            assert_never(command)


def rules_end_with(
    rules: Iterable[StandingRule], *, reason: str, on_case: str = "", by_name: str = "Countersign"
) -> tuple[RuleEnded, ...]:
    """Make the entries that end these rules."""
    return tuple(
        _end(rule, reason=reason, by_name=by_name, on_case=on_case, key="") for rule in rules
    )


def _adopt(
    controls: DeskControls, command: AdoptStandingRule, now: datetime
) -> tuple[StandingRuleBody, ...]:
    """Put a rule in force, once for each case that decides one."""
    is_there = any(rule.id.startswith(f"{command.on_case}/") for rule in controls.standing_rules)
    if is_there or len(controls.standing_rules) >= MAX_STANDING_RULES:
        return ()
    rule_id = f"{command.on_case}/{controls.version + 1}"
    rule = replace(
        command.rule,
        id=rule_id,
        since=now,
        by_name=command.by_name,
        renewed_at=None,
        doubt="",
    )
    return (
        RuleAdopted(
            rule=rule,
            by_name=command.by_name,
            on_case=command.on_case,
            key=command.key,
            yeses=command.yeses,
            counter_examples=command.counter_examples,
        ),
    )


def _doubt(controls: DeskControls, command: DoubtStandingRule) -> tuple[StandingRuleBody, ...]:
    """Let it end at the earlier of both times."""
    rule = controls.standing_rule(command.rule_id)
    if rule is None or rule.doubt:
        return ()
    until = min(rule.until, command.until)
    return (RuleDoubted(rule=rule.id, reason=command.reason[:MAX_REASON_LENGTH], until=until),)


def _prolong(controls: DeskControls, command: ProlongStandingRule) -> tuple[StandingRuleBody, ...]:
    rule = controls.standing_rule(command.rule_id)
    if rule is None or rule.until == command.until:
        return ()
    return (
        RuleProlonged(
            rule=rule.id,
            until=command.until,
            before=rule.until,
            by_name=command.by_name,
            on_case=command.on_case,
            key=command.key,
        ),
    )


def _is_hit(rule: StandingRule, command: EndRulesAfterOutcome) -> bool:
    """Tell whether a wrong plan ran by a rule, or could have."""
    if rule.id == command.rule_id:
        return True
    if rule.kind != command.kind or command.action not in rule.actions:
        return False
    return command.figures is None or rule.contains(command.figures)


def _end(rule: StandingRule, *, reason: str, by_name: str, on_case: str, key: str) -> RuleEnded:
    return RuleEnded(
        rule=rule.id,
        kind=rule.kind,
        actions=rule.actions,
        reason=reason[:MAX_REASON_LENGTH],
        by_name=by_name,
        on_case=on_case,
        key=key,
    )
