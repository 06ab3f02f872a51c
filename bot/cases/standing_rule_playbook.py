"""The built-in kinds of case that decide standing rules.

No file has to declare them. The governance owners of the kind concerned decide, in its channel.
"""

from dataclasses import replace
from datetime import timedelta

from bot.cases.desk_kinds import (
    ADOPT_STANDING_RULE,
    DESK_SYSTEM,
    KEEP_STANDING_RULE,
    standing_rule_kind,
)
from bot.cases.playbook import ActionOffer, Lookup, Playbook, Stake
from bot.cases.stage_playbook import stage_playbook

STANDING_RULE_QUERY = "standing_rule"
#: The fact of a signal that has the draft, as JSON. Its words are in the plan.
DRAFT_FACT = "draft"
DAY = timedelta(days=1)


def standing_rule_playbook(of_kind: Playbook) -> Playbook:
    """Make the playbook that decides the standing rules of a kind."""
    return replace(
        stage_playbook(of_kind),
        kind=standing_rule_kind(of_kind.kind),
        title=f"Standing rule: {of_kind.title}",
        what="{rule.rule}.",
        brief="only while {rule.within}",
        evidence=(_lookup(),),
        stake=Stake("{rule.grounds}. {rule.outcome}"),
        offers=(_adoption(), _prolongation()),
    )


def _lookup() -> Lookup:
    return Lookup(
        name="rule",
        system=DESK_SYSTEM,
        query=STANDING_RULE_QUERY,
        parameters={
            "kind": "signal.of_kind",
            "purpose": "signal.purpose",
            "rule": "signal.rule",
        },
        show={
            "within": "Only while",
            "free": "Left open",
            "counter_examples": "Decided otherwise, and left out",
            "outcome": "What it would have done, or did",
            "terms": "Terms",
        },
        fresh_for=DAY,
    )


def _adoption() -> ActionOffer:
    return ActionOffer(
        action=ADOPT_STANDING_RULE,
        when="signal.purpose == 'adopt' && rule.is_open",
        otherwise="{rule.adopt_obstacle}",
        parameters={"kind": "signal.of_kind", "rule": "signal.rule"},
        reason="People have approved every such plan, as it was proposed",
    )


def _prolongation() -> ActionOffer:
    return ActionOffer(
        action=KEEP_STANDING_RULE,
        when="signal.purpose == 'keep' && rule.is_open",
        otherwise="{rule.keep_obstacle}",
        parameters={
            "kind": "signal.of_kind",
            "rule": "signal.rule",
            "until": "signal.until",
        },
        reason="It ends by itself unless somebody keeps it",
    )
